/**
 * Bytes from printable text. A character stands for one byte, counted from `#` and less a shift; a space or an exclamation mark before
 * it adds 92 or 184. Every byte has a short form this way, repetitions stay repetitions for the compressor, and no tool
 * has anything to escape.
 */
export const decode = (text, shift) => {
  const bytes = [];
  let more = 0;
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (code < 34) more = code * 92 - 2852;
    else {
      bytes.push(code + more - shift);
      more = 0;
    }
  }
  return new Uint8Array(bytes);
};
