// The other half of src/decode.js: bytes as printable text, with the shift that compresses best.

import { brotliCompressSync, constants } from "node:zlib";

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

/** The text, and the shift that the decoder takes off again. */
export const best = (bytes) => {
  // Shifts far from these put common bytes behind a space.
  const all = Array.from({ length: 24 }, (_, step) => {
    const shift = 2 * step + 16;
    const text = encode(bytes, shift);
    return { shift, text, size: brotli(JSON.stringify(text)).length };
  });
  return all.reduce((least, one) => (one.size < least.size ? one : least));
};
