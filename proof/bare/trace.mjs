// The numbers of a trace, by the WebAssembly module or by its translation: `node trace.mjs MODULE SEED EVENTS`.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [file, seed, events] = process.argv.slice(2);

const wasm = () => {
  const module = new WebAssembly.Module(readFileSync(file));
  if (WebAssembly.Module.imports(module).length > 0) throw new Error("the module has imports");
  return new WebAssembly.Instance(module).exports;
};

const { trace, upper_half } = file.endsWith(".mjs") ? await import(pathToFileURL(file)) : wasm();
const hexadecimal = (half) => (half >>> 0).toString(16).padStart(8, "0");
for (const [place, name] of ["memory", "stored", "various"].entries()) {
  const lower = trace(place, Number(seed), Number(events));
  console.log(`${name} ${hexadecimal(upper_half())}${hexadecimal(lower)}`);
}
