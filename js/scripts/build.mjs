// Builds js/dist from the module that cargo made: `node scripts/build.mjs MODULE`.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import ts from "typescript5";
import { best, brotli } from "./encode.mjs";
import { causes } from "./causes.mjs";
import { translate } from "./translate.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const tool = (name, ...args) => execFileSync(process.execPath, [join(root, "node_modules/binaryen/bin", name), ...args], { stdio: ["ignore", "pipe", "inherit"] });

/** Entries of pages and of mini-programs; each is paid for by who imports it. */
export const WEB = ["index", "axios", "ky", "xhr", "stores", "ticket", "interceptors", "why", "config"];
export const MINI = ["mini", "interceptors", "why", "config"];

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "miniprogram"), { recursive: true });

// The core: made small, with what only newer engines have left out, and without globals among its exports. At the lowest
// addresses is the end of its stack.
const core = join(dist, "core.wasm");
tool(
  "wasm-opt",
  process.argv[2],
  "--mvp-features",
  "--enable-mutable-globals",
  "--remove-exports=__heap_base",
  "--remove-exports=__data_end",
  "--remove-exports=memcpy",
  "--remove-exports=memset",
  "--low-memory-unused",
  // No trap is part of what it does: no panic is reachable. Control flow is made anew, and small functions are inlined.
  "--traps-never-happen",
  "-Oz",
  "--flatten",
  "--rereloop",
  "-Oz",
  "--converge",
  "--always-inline-max-function-size=8",
  "-o",
  core,
);
const bytes = readFileSync(core);
writeFileSync(join(dist, "core.wasm.br"), brotli(bytes));

// The core as JavaScript: a function that makes a fresh one.
tool("wasm2js", "-Oz", core, "-o", join(dist, "core.raw.js"));
const raw = readFileSync(join(dist, "core.raw.js"), "utf8");
rmSync(join(dist, "core.raw.js"));
writeFileSync(join(dist, "core.src.js"), translate(raw));

const found = best(bytes);
const plugin = {
  name: "core",
  setup(builder) {
    builder.onResolve({ filter: /^core:(bytes|causes)$/ }, ({ path }) => ({ path, namespace: "core" }));
    builder.onLoad({ filter: /^core:bytes$/, namespace: "core" }, () => ({
      contents: Object.entries(found).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};`).join("\n"),
    }));
    builder.onLoad({ filter: /^core:causes$/, namespace: "core" }, () => ({
      contents: `export const CAUSES = ${JSON.stringify(causes())};`,
    }));
    builder.onResolve({ filter: /^core:translated$/ }, () => ({ path: join(dist, "core.src.js") }));
  },
};

const shared = { bundle: true, minify: true, external: ["tokenlatch/core"], plugins: [plugin], logLevel: "warning" };
const source = (name) => join(root, "src", `${name}.js`);

await build({ ...shared, entryPoints: WEB.map(source), outdir: dist, format: "esm", target: "es2020", splitting: true, chunkNames: "shared-[hash]" });
await build({ ...shared, entryPoints: WEB.map(source), outdir: dist, format: "cjs", target: "es2020", outExtension: { ".js": ".cjs" } });
// For engines of before 2015; the compiler of the types has unlearned their language, its last version but one has not.
const es5 = async (from, to) => {
  const { outputFiles } = await build({ ...shared, entryPoints: [from], write: false, minify: false, format: "cjs", target: "es2015", external: [] });
  const compilerOptions = { target: ts.ScriptTarget.ES5, module: ts.ModuleKind.None, alwaysStrict: false };
  const { outputText } = ts.transpileModule(outputFiles[0].text, { compilerOptions });
  const { code } = await transform(outputText, { minify: true, target: "es5" });
  writeFileSync(join(dist, to), code);
};
await build({ ...shared, entryPoints: [{ in: join(dist, "core.src.js"), out: "core" }], outdir: dist, format: "esm", target: "es2015" });
await es5(join(dist, "core.src.js"), "core.cjs");
for (const name of MINI) await es5(source(name), `miniprogram/${name === "mini" ? "index" : name}.js`);
// For uni-app, Taro and other builders that take packages from npm.
await build({ ...shared, entryPoints: [source("mini")], outdir: dist, target: "es2015", format: "esm", external: [] });
copyFileSync(join(dist, "miniprogram/index.js"), join(dist, "mini.cjs"));
rmSync(join(dist, "core.src.js"));
copyFileSync(core, join(dist, "miniprogram/core.wasm"));
// The name that it has everywhere else.
writeFileSync(join(dist, "miniprogram/mini.js"), 'module.exports = require("./index.js");\n');
copyFileSync(join(dist, "core.wasm.br"), join(dist, "miniprogram/core.wasm.br"));
// The declarations, for those who require the package.
mkdirSync(join(dist, "types"));
for (const name of readdirSync(join(root, "types"))) {
  const text = readFileSync(join(root, "types", name), "utf8");
  writeFileSync(join(dist, "types", name.replace(".d.ts", ".d.cts")), text.replace(/("\.\/\w+)\.js"/g, '$1.cjs"'));
}
for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) copyFileSync(join(root, "..", name), join(dist, name));
// The package is of modules; this folder is not.
writeFileSync(join(dist, "miniprogram/package.json"), '{ "type": "commonjs" }\n');
