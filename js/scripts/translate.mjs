// The core as JavaScript: what wasm2js makes of it, less what this module has no use for.

import assert from "node:assert/strict";

const SEGMENT = /base64DecodeToExistingUint8Array\(bufferView, (\d+), "([^"]*)"\);/g;
// Zeros between two segments cost less than another segment.
const GAP = 8;

/** What stands in memory from the start: places and texts of a character for each byte, in turn. */
const segments = (raw) => {
  const list = [];
  for (const [, place, base64] of raw.matchAll(SEGMENT)) {
    const text = Buffer.from(base64, "base64").toString("latin1");
    const last = list.at(-1);
    const gap = last ? Number(place) - last[0] - last[1].length : Infinity;
    if (gap < GAP) last[1] += "\0".repeat(gap) + text;
    else list.push([Number(place), text]);
  }
  return list.flat();
};

/** A module in ES5 syntax but for its export, a function that makes a fresh core. */
export const translate = (raw) => {
  const data = segments(raw);
  const body = raw.match(/\nfunction asmFunc\(imports\) {\n([^]*?)\n bufferView = HEAPU8;\n/)[1];
  const exported = raw.match(/\n {2}}\), \n([^]*?)\n };\n}\n/)[1];
  const plain = body
    // An address is the same place with and without a coercion, and a local the same number or not.
    .replace(/\[([\w$]+) \| 0\]/g, "[$1]")
    .replace(/\(([\w$]+) \| 0\) (==|!=) (\d+)/g, "$1 $2 $3")
    // What is written has no sign yet; so one view less is named.
    .replace(/HEAP(8|16)(\[(?:[^[\]]|\[[^[\]]*\])*\] = )/g, "HEAPU$1$2");
  // Views and functions that are declared for everybody.
  const used = plain.replace(/^ var (HEAP\w+|Math_\w+) = .*\n/gm, (line, name) => (plain.split(name).length > 2 || name === "HEAPU8" ? line : ""));
  assert.ok(data.length && exported.includes('"a": '));
  return `function core() {
${used}
 var data = ${JSON.stringify(data)};
 for (var n = 0; n < data.length; n += 2) for (var i = 0; i < data[n + 1].length; i++) HEAPU8[data[n] + i] = data[n + 1].charCodeAt(i);
 return {
  memory: { buffer: buffer },
${exported}
 };
}
export default core;
`;
};
