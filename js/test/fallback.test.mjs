// Without WebAssembly, and where a page's policy forbids it, the core is loaded as JavaScript; requests wait until then.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const DAY = `
  const { createLatch } = await import("tokenlatch");
  const latch = createLatch({ store: undefined, lease: undefined, allow: ["http://x.test"], refresh() {} });
  const early = latch.run(async ({ headers }) => headers, { see: () => [200, () => null] });
  const login = latch.login({ access_token: "t" });
  console.log((await early).Authorization, await login, latch.state);
  latch.destroy();
`;

const run = (before, DAY) =>
  execFileSync(process.execPath, ["--input-type=module", "-e", before + DAY], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
    timeout: 20_000,
  }).trim();

for (const [name, before] of [
  ["with WebAssembly", ""],
  ["without it", "delete globalThis.WebAssembly;"],
  ["where it is refused", `WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError("policy"); } };
    WebAssembly.instantiate = async () => { throw new WebAssembly.CompileError("policy"); };`],
  ["where it may not block", `WebAssembly.Module = class { constructor() { throw new RangeError("too large"); } };`],
]) {
  test(`a login and a request ${name}`, () => assert.equal(run(before, DAY), "Bearer t Ready Ready"));
}

// What asks before it is known that there is no core, what asks then, and what would have been a login.
const NIGHT = `
  const { createLatch } = await import("tokenlatch");
  const latch = createLatch({ store: undefined, lease: undefined, refresh() {}, tune: globalThis.tune });
  const cause = (promise) => promise.then(() => "done", (error) => error.name + " " + error.cause);
  const early = [latch.ready(), latch.login({ access_token: "t" })].map(cause);
  console.log(await Promise.all(early), await cause(latch.ready()), latch.state, latch.subject);
  latch.logout();
  latch.destroy();
`;

const WITHOUT = `
  delete globalThis.WebAssembly;
  const hooks = 'export const resolve = (name, context, next) => { if (name === "tokenlatch/core") throw new Error("gone"); return next(name, context); }';
  (await import("node:module")).register("data:text/javascript," + encodeURIComponent(hooks));
`;

test("without any core what asks is told so", () =>
  assert.equal(run(WITHOUT, NIGHT), "[ 'LatchError 104', 'LatchError 104' ] LatchError 104 Unauthenticated undefined"));

test("a wrong setting is told by each request where the core is loaded later", () =>
  assert.equal(
    run("delete globalThis.WebAssembly; globalThis.tune = { 9: NaN };", NIGHT),
    "[ 'LatchError -1', 'LatchError -1' ] LatchError -1 Unauthenticated undefined",
  ));
