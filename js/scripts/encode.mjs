// The other half of src/decode.js: the core in lanes, and as printable text with the shift that compresses best.

import assert from "node:assert/strict";
import { brotliCompressSync, constants } from "node:zlib";
import { decode, merge } from "../src/decode.js";

export const brotli = (data) => {
  const bytes = Buffer.from(data);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params });
};

const FIRST = 35;
const COUNT = 92;
const CODE = 10;

/** @param {Uint8Array} bytes */
export const encode = (bytes, shift) => {
  let text = "";
  for (const byte of bytes) {
    // What `decode` adds up, modulo 256, less the shift.
    const sum = (byte + shift + 256 - FIRST) % 256;
    text += ["", " ", "!"][Math.floor(sum / COUNT)] + String.fromCharCode(FIRST + (sum % COUNT));
  }
  return text;
};

/** The lanes of a module, one after the other, and what `merge` must know of them. */
export const split = (module) => {
  let at = 8;
  const lanes = Array.from({ length: 8 }, () => []);
  const number = () => {
    const bytes = [];
    do bytes.push(module[at++]);
    while (bytes.at(-1) > 127);
    return { bytes, value: bytes.reduce((sum, byte, place) => sum + ((byte & 127) << (7 * place)), 0) };
  };
  const take = (lane) => {
    const { bytes, value } = number();
    lanes[lane].push(...bytes);
    return value;
  };
  while (module[at] !== CODE) {
    at++;
    const { value } = number();
    at += value;
  }
  const begin = at++;
  const length = number().value;
  const end = at + length;
  const count = number().value;
  for (let left = count; left--; ) {
    const size = number().value;
    const last = at + size;
    for (let n = 2 * take(6); n--; ) take(6);
    while (at < last) {
      const op = module[at++];
      assert.notEqual(op, 67, "no 32-bit floats");
      lanes[0].push(op);
      if ([2, 3, 4, 35, 36, 63, 64, 65, 66].includes(op)) take(0);
      else if (op === 12 || op === 13) take(1);
      else if (op === 14) {
        const cases = take(2);
        assert.ok(cases < 128, "one byte for the cases of a table");
        for (let n = cases + 1; n--; ) take(2);
      } else if (op === 16) take(3);
      else if (op === 17) {
        take(3);
        take(3);
      } else if (op >= 32 && op <= 34) take(4);
      else if (op >= 40 && op <= 62) {
        take(0);
        take(5);
      } else if (op === 68) for (let n = 8; n--; ) lanes[0].push(module[at++]);
    }
    assert.equal(at, last, "a function ends where its size says");
  }
  lanes[7] = [...module.slice(0, begin), ...module.slice(end)];
  const places = lanes.map((_, lane) => lanes.slice(0, lane).flat().length);
  return { bytes: Uint8Array.from(lanes.flat()), places, count, at: begin };
};

/** The text, the shift that the decoder takes off again, and where the lanes stand. */
export const best = (module) => {
  const { bytes, places, count, at } = split(module);
  // Shifts far from these put common bytes behind a space.
  const all = Array.from({ length: 24 }, (_, step) => {
    const shift = 2 * step + 16;
    const text = encode(bytes, shift);
    return { shift, text, size: brotli(JSON.stringify(text)).length };
  });
  const { shift, text } = all.reduce((least, one) => (one.size < least.size ? one : least));
  assert.deepEqual(Buffer.from(merge(decode(text, shift), [...places], count, at)), Buffer.from(module));
  return { shift, text, places, count, at };
};
