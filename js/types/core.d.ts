/** A fresh core, translated to JavaScript. Loaded by the package itself where WebAssembly can't be had. */
export default function core(): object;
