// The package, through the vendor's own packer: what a mini-program gets, and that it runs there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { createWorld } from "../fake-wx.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const API = "https://api.test";

let project, packed, told;

before(() => {
  project = mkdtempSync(join(tmpdir(), "tokenlatch-pack-"));
  // As it would come from the registry.
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", project], { cwd: ROOT, encoding: "utf8" }));
  execFileSync("tar", ["-xzf", filename], { cwd: project });
  mkdirSync(join(project, "node_modules"));
  cpSync(join(project, "package"), join(project, "node_modules/tokenlatch"), { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ dependencies: { tokenlatch: "0.1.0" } }));
  const program = `
    import ci from "miniprogram-ci";
    const told = await ci.packNpmManually({ packageJsonPath: ${JSON.stringify(join(project, "package.json"))}, miniprogramNpmDistDir: ${JSON.stringify(project)} });
    process.stdout.write("\\n" + JSON.stringify(told), () => process.exit());
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: fileURLToPath(new URL(".", import.meta.url)), encoding: "utf8", timeout: 120_000 });
  told = JSON.parse(said.slice(said.lastIndexOf("\n")));
  packed = join(project, "miniprogram_npm/tokenlatch");
});
after(() => rmSync(project, { recursive: true, force: true }));

test("the packer takes the whole folder, byte by byte, and has nothing to say against it", () => {
  assert.deepEqual([told.miniProgramPackNum, told.otherNpmPackNum, told.warnList], [1, 0, []]);
  const names = (folder) => readdirSync(folder, { recursive: true }).sort();
  const folder = join(ROOT, "dist/miniprogram");
  assert.deepEqual(names(packed), names(folder));
  assert.ok(names(packed).includes("core.wasm.br"));
  for (const name of names(folder)) assert.ok(readFileSync(join(packed, name)).equals(readFileSync(join(folder, name))), name);
});

test("a compiler finds the declarations of every entry, whichever way it looks for them", () => {
  const entries = ["axios", "config", "core", "interceptors", "ky", "mini", "stores", "ticket", "why", "xhr"];
  const program = `${entries.map((name) => `import * as ${name} from "tokenlatch/${name}";`).join("\n")}
    import { createLatch, LatchError, type Options, type State } from "tokenlatch";
    export const options: Options = { allow: ["${API}"], store: stores.memoryStore() };
    export const latch = createLatch(options);
    export const state: State = latch.state;
    export const all = [${entries}, LatchError];
  `;
  const tsc = join(ROOT, "node_modules/typescript5/bin/tsc");
  for (const [name, ...how] of [
    ["app.mts", "--module", "nodenext"],
    ["app.cts", "--module", "nodenext"],
    ["app.ts", "--module", "commonjs", "--moduleResolution", "node10"],
    ["app.ts", "--module", "esnext", "--moduleResolution", "bundler"],
  ]) {
    writeFileSync(join(project, name), program);
    const common = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom"];
    try {
      execFileSync(process.execPath, [tsc, ...common, ...how, name], { cwd: project, encoding: "utf8" });
    } catch ({ stdout }) {
      assert.fail(`${name} ${how.join(" ")}:\n${stdout}`);
    }
  }
});

test("what it made signs in and sends, where there is nothing but the language", async () => {
  const world = createWorld(5);
  // No fetch, no URL, no timers but the platform's own.
  const { setTimeout, clearTimeout, Date } = globalThis;
  const context = vm.createContext({ setTimeout, clearTimeout, Date, exports: {}, module: { exports: {} } });
  vm.runInContext(readFileSync(join(packed, "index.js"), "utf8"), context);
  const { createLatch } = context.module.exports;
  // By either name.
  const required = [];
  const named = vm.createContext({ module: {}, require: (name) => required.push(name) });
  vm.runInContext(readFileSync(join(packed, "mini.js"), "utf8"), named);
  assert.deepEqual(required, ["./index.js"]);
  const latch = createLatch(world.wx, { allow: [API], login: (code) => ({ url: `${API}/login`, method: "POST", data: { code } }) });
  let status;
  latch.request({ url: `${API}/orders`, success: (result) => (status = result.statusCode) });
  await world.pass(1000);
  assert.equal(status, 200);
  assert.deepEqual([world.server.logins, world.server.unauthenticated], [1, 0]);
  latch.destroy();
  world.end();
});
