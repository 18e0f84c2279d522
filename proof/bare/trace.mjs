// The numbers of a trace, by the WebAssembly module: `node trace.mjs MODULE SEED EVENTS`.

import { readFileSync } from "node:fs";

const [file, seed, events] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));
if (WebAssembly.Module.imports(module).length > 0) throw new Error("the module has imports");
const { exports } = new WebAssembly.Instance(module);
for (const [place, name] of ["memory", "stored", "various"].entries()) {
  const number = BigInt.asUintN(64, exports.trace(place, Number(seed), Number(events)));
  console.log(`${name} ${number.toString(16).padStart(16, "0")}`);
}
