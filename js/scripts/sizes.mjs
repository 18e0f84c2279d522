// Sizes of what is shipped, as a user's bundler would make it: esbuild, minified, brotli.
//
// `--budget` fails beyond what the sizes shall be, `--check` beyond what they are: until the first holds, nothing grows but
// by what mends a fault.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { brotli } from "./encode.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

const BUDGETS = { page: 7700, "mini-program": 6500 };
const CEILINGS = {
  page: 18000,
  "page, less core": 5695,
  "mini-program": 22820,
  "mini-program, less core": 5295,
  "mini-program, packed": 23730,
};

/** Nothing in place of the core: what is left is what JavaScript costs. */
const coreless = {
  name: "coreless",
  setup(builder) {
    builder.onResolve({ filter: /^core:/ }, ({ path }) => ({ path, namespace: "core" }));
    builder.onLoad({ filter: /^core:bytes$/, namespace: "core" }, () => ({
      contents: 'export const text = "", shift = 0, places = [], count = 0, at = 0;',
    }));
    builder.onLoad({ filter: /^core:translated$/, namespace: "core" }, () => ({ contents: "export default 0;" }));
  },
};

const bundle = async (contents, options = {}) => {
  const built = await build({
    stdin: { contents, resolveDir: dist },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2020",
    external: ["tokenlatch/core"],
    ...options,
  });
  return built.outputFiles[0].contents;
};

const core = readFileSync(join(dist, "core.wasm"));
const rows = [
  ["core.wasm", core, brotli(core)],
  ...(await Promise.all(
    [
      ["page", 'export { createLatch } from "./index.js"'],
      ["page, less core", 'export { createLatch } from "../src/index.js"', { plugins: [coreless] }],
      ["page with axios", 'export { createLatch } from "./index.js"; export { attach } from "./axios.js"'],
      ["page with texts", 'export { createLatch } from "./index.js"; export { explain } from "./why.js"'],
      ["mini-program", 'export { createLatch } from "./mini.js"'],
      ["mini-program, less core", 'export { createLatch } from "../src/mini.js"', { plugins: [coreless] }],
      ["mini-program, packed", 'import "./miniprogram/index.js"', { target: "es5", format: "iife" }],
      ["core.js", 'export { default } from "./core.js"'],
    ].map(async ([name, contents, options]) => {
      const bytes = await bundle(contents, options);
      return [name, bytes, brotli(bytes)];
    }),
  )),
];

let failed = false;
for (const [name, bytes, packed] of rows) {
  const [budget, ceiling] = [BUDGETS[name], CEILINGS[name]];
  const over = packed.length > budget;
  if (over && process.argv.includes("--budget")) failed = true;
  if (packed.length > ceiling && process.argv.includes("--check")) failed = true;
  const limits = [budget && `budget ${budget}${over ? ", not met" : ""}`, ceiling && `ceiling ${ceiling}`].filter(Boolean).join("; ");
  console.log(`${name.padEnd(24)} ${String(bytes.length).padStart(7)} ${String(packed.length).padStart(7)}  ${limits}`);
}
if (failed) process.exit(1);
