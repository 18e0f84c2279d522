// The same days in engines that have no browser: node, JavaScriptCore in three ways, QuickJS. Each must tell the same.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { getQuickJS } from "quickjs-emscripten";

import { folder } from "./lib/child.mjs";
import { days } from "./lib/day.mjs";

const SEEDS = 25;
// The package's own bundler.
const { build } = createRequire(new URL("../../package.json", import.meta.url))("esbuild");

describe("one seed is one day in every engine", { timeout: 120_000 }, () => {
  let program, expected;

  before(async () => {
    const contents = `import { days } from "./lib/day.mjs";
      days(1, ${SEEDS}).then(print, (error) => print("failed " + (error && error.stack || error)));`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: import.meta.dirname ?? new URL(".", import.meta.url).pathname },
      bundle: true, write: false, format: "iife", target: "es2015",
    });
    program = outputFiles[0].text;
    expected = await days(1, SEEDS);
  });

  it("node: each request ends once, and none is sent without a token", () => {
    for (const line of expected.split("\n")) {
      const [, , , asked, ended, without] = line.split(" ").map(Number);
      assert.equal(ended, asked, line);
      assert.equal(without, 0, line);
    }
  });

  for (const options of [[], ["--useJIT=false"], ["--useWasm=false"]]) {
    it(`jsc ${options.join(" ")}`, async () => {
      const { path, remove } = await folder("jsc");
      const file = join(path, "days.js");
      await writeFile(file, `${program}\ndrainMicrotasks();`);
      const told = execFileSync("jsc", [...options, file], { encoding: "utf8", timeout: 60_000 }).trim();
      await remove();
      assert.equal(told, expected);
    });
  }

  it("QuickJS", async () => {
    const engine = (await getQuickJS()).newContext();
    const lines = [];
    const print = engine.newFunction("print", (text) => void lines.push(engine.getString(text)));
    engine.setProp(engine.global, "print", print);
    engine.unwrapResult(engine.evalCode(program)).dispose();
    let jobs;
    do {
      jobs = engine.unwrapResult(engine.runtime.executePendingJobs());
    } while (jobs > 0);
    print.dispose();
    engine.dispose();
    assert.equal(lines.join("\n"), expected);
  });
});
