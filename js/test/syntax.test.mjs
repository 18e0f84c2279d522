// What old engines must be able to read: ES5, by a parser that knows nothing newer.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { parse } from "acorn";

const DIST = new URL("../dist/", import.meta.url);

const read = (name) => readFileSync(new URL(name, DIST), "utf8");
const es5 = (text) => parse(text, { ecmaVersion: 5, sourceType: "script" });

test("the parser refuses what is newer", () => {
  for (const text of ["() => 1", "let a", "`a`", "class A {}", "async function a() {}", "a?.b", "({ ...a })"]) assert.throws(() => es5(text), SyntaxError, text);
});

test("the mini-program's files, and the core and the adapter for require, are ES5", () => {
  const names = readdirSync(new URL("miniprogram/", DIST)).filter((name) => name.endsWith(".js"));
  assert.deepEqual(names.sort(), ["config.js", "index.js", "interceptors.js", "mini.js", "why.js"]);
  for (const name of [...names.map((name) => `miniprogram/${name}`), "core.cjs", "mini.cjs"]) assert.doesNotThrow(() => es5(read(name)), name);
});

test("the core as a module is ES5 but for its one export", () => {
  const [body, exported] = read("core.js").trim().split(/(?=export\b)/);
  assert.match(exported, /^export\{\w+ as default\};$/);
  assert.doesNotThrow(() => es5(body));
});
