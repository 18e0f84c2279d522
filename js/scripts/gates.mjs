// What every engine's WebAssembly must find in the module: no imports, no exported globals, one page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(new URL("../dist/core.wasm", import.meta.url)));
assert.deepEqual(WebAssembly.Module.imports(module), []);
const kinds = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
assert.deepEqual(
  kinds.sort(),
  ["memory memory", ..."a c g h p r s t".split(" ").map((name) => `function ${name}`)].sort(),
);
const { memory } = new WebAssembly.Instance(module).exports;
assert.equal(memory.buffer.byteLength, 65536);
console.log(`core.wasm: no imports, ${kinds.length} exports, one page`);
