// The core's bytes, out of the text that stands in the page's module; scripts/encode.mjs is the other half.

/**
 * Bytes from printable text. A character stands for one byte, counted from `#` and less a shift; a space or an
 * exclamation mark before it adds 92 or 184. Every byte has a short form this way, repetitions stay repetitions for the
 * compressor, and no tool has anything to escape.
 */
export const decode = (text, shift) => {
  const bytes = new Uint8Array(text.length);
  let at = 0;
  let more = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 34) more = code * 92 - 2852;
    else {
      bytes[at++] = code + more - shift;
      more = 0;
    }
  }
  return bytes.subarray(0, at);
};
// By opcode: the lane that its number stands in; a space where it has none.
const LANES = "  000       112 33              44400   555555555555555555555550000";

/**
 * A module out of lanes: a compressor finds more where numbers of a kind stand together. Lane 0 has the instructions,
 * and the numbers that are no better elsewhere; 1 depths of branches, 2 tables of branches, 3 functions, 4 locals,
 * 5 offsets, 6 declarations of locals, 7 what is not code.
 *
 * @param {Uint8Array} bytes
 * @param {number[]} places where the lanes begin
 * @param {number} count of functions
 * @param {number} at where they stand in what is not code
 */
export const merge = (bytes, places, count, at) => {
  const code = new Uint8Array(bytes.length + 5);
  const lanes = [...LANES];
  let end = 0;
  let last;
  const byte = (lane) => (code[end++] = last = bytes[places[lane]++]);
  // A number; its last byte is below 128.
  const take = (lane) => {
    while (byte(lane) > 127);
  };
  // Puts a number before what was written since.
  const sized = (begin, n = end - begin) => {
    const size = [];
    for (; n > 127; n >>= 7) size.push((n & 127) + 128);
    size.push(n);
    code.copyWithin(begin + size.length, begin, end);
    code.set(size, begin);
    end += size.length;
  };
  sized(0, count);
  while (count--) {
    const begin = end;
    take(6);
    for (let n = 2 * last; n--; ) take(6);
    for (let depth = 1; depth; ) {
      const op = byte(0);
      if (op > 1 && op < 5) depth++;
      if (op === 11) depth--;
      if (op > 39 && op < 63) take(0);
      if (op === 17) take(3);
      if (lanes[op] > " ") take(lanes[op]);
      if (op === 14) for (let n = last + 1; n--; ) take(2);
      if (op === 68) for (let n = 8; n--; ) byte(0);
    }
    sized(begin);
  }
  sized(0);
  const rest = bytes.subarray(places[7]);
  const whole = new Uint8Array(rest.length + end + 1);
  whole.set(rest.subarray(0, at));
  whole[at] = 10;
  whole.set(code.subarray(0, end), at + 1);
  whole.set(rest.subarray(at), at + 1 + end);
  return whole;
};
