import { at, count, places, shift, text } from "core:bytes";
import { decode, merge } from "./decode.js";

let bytes;

// Without blocking where only that is allowed (old engines refuse to compile more than 4 KiB at once); or, without
// WebAssembly or where the page's policy forbids it, its translation to JavaScript, which is loaded only then.
const later = async () => {
  try {
    return (await WebAssembly.instantiate(bytes)).instance.exports;
  } catch {
    return (await import("tokenlatch/core")).default();
  }
};

/** A fresh core: at once where that is allowed. */
export const boot = () => {
  bytes = bytes || merge(decode(text, shift), places, count, at);
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  } catch {
    return later();
  }
};
