// The causes, out of the one table that has them: src/why.rs.

import { readFileSync } from "node:fs";

const TABLE = new URL("../../src/why.rs", import.meta.url);
const ROW = /^\s*(\d+) (\w+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)";$/gm;

/** `[code, name, sentence, sentence in Chinese, what to do]` of each. */
export const causes = () => {
  const rows = [...readFileSync(TABLE, "utf8").matchAll(ROW)];
  if (rows.length < 28) throw new Error("src/why.rs is not as expected");
  return rows.map(([, code, ...texts]) => [Number(code), ...texts.map((text) => JSON.parse(`"${text}"`))]);
};
