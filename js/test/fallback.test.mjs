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

const run = (before) =>
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
  test(`a login and a request ${name}`, () => assert.equal(run(before), "Bearer t Ready Ready"));
}
