// The lease by Web Locks, over an imitation: node has none yet. Browsers' own are in `browsers`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webLock } from "../src/locks.js";

const withLocks = (t, request) => {
  const { navigator } = globalThis;
  Object.defineProperty(globalThis, "navigator", { value: { locks: { request } }, configurable: true });
  t.after(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));
};

test("a lock that is given back while it is granted is free again", async (t) => {
  let held = 0;
  withLocks(t, async (name, options, work) => {
    await null;
    held++;
    await work();
    held--;
  });
  const release = webLock("one")(() => release(), assert.fail);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(held, 0);
});

test("where a page may share nothing, nobody keeps it from renewing; what fails otherwise is denied", async (t) => {
  for (const [name, expected] of [["SecurityError", "granted"], ["AbortError", "denied"], ["NotSupportedError", "denied"]]) {
    withLocks(t, async () => {
      throw new DOMException("no", name);
    });
    const told = await new Promise((resolve) => webLock("one")(() => resolve("granted"), () => resolve("denied")));
    assert.equal(told, expected, name);
  }
});
