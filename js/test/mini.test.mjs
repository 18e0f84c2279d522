// The mini-program's adapter on the fake platform.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLatch } from "../dist/mini.js";
import { createWorld } from "./fake-wx.mjs";

const API = "https://api.test";

const start = (t, options = {}, seed = 1) => {
  const world = createWorld(seed);
  const needed = [];
  const launch = () =>
    createLatch(world.wx, {
      allow: [API],
      login: (code) => ({ url: `${API}/login`, method: "POST", data: { code } }),
      onLoginRequired: (cause) => needed.push(cause),
      ...options,
    });
  let latch = launch();
  t.after(() => {
    latch.destroy();
    world.end();
  });
  const get = (more = {}) => {
    const seen = { success: 0, fail: 0, complete: 0, headers: 0 };
    const task = latch.request({
      url: `${API}/orders`,
      success: (result) => void (seen.success++, (seen.status = result.statusCode)),
      fail: (error) => void (seen.fail++, (seen.error = error)),
      complete: () => void seen.complete++,
      ...more,
    });
    return { seen, task };
  };
  return { world, latch, get, needed, relaunch: () => (latch.destroy(), (latch = launch())) };
};

test("the onLaunch race: pages' requests wait for the login, which is one", async (t) => {
  const { world, get } = start(t);
  const all = [get(), get(), get()];
  await world.pass(1000);
  for (const { seen } of all) assert.deepEqual([seen.success, seen.fail, seen.complete, seen.status], [1, 0, 1, 200]);
  assert.equal(world.server.unauthenticated, 0);
  assert.equal(world.server.logins, 1);
});

test("five 401s at once: one login, five successes", async (t) => {
  const { world, get, latch } = start(t);
  await world.pass(1000);
  assert.equal(latch.state, "Ready");
  const warm = get();
  await world.pass(500);
  assert.equal(warm.seen.status, 200);
  world.server.token = "gone";
  const all = Array.from({ length: 5 }, () => get());
  await world.pass(2000);
  for (const { seen } of all) assert.deepEqual([seen.success, seen.status], [1, 200]);
  assert.equal(world.server.logins, 2);
});

test("aborting at the gate calls fail once, and nothing is sent", async (t) => {
  const { world, get } = start(t);
  const { seen, task } = get();
  task.abort();
  task.abort();
  await world.pass(1000);
  assert.deepEqual([seen.success, seen.fail, seen.complete], [0, 1, 1]);
  assert.equal(seen.error.errMsg, "request:fail abort");
  assert.equal(world.server.requests, 0);
});

test("aborting on the way is the platform's own", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  const { seen, task } = get();
  await world.pass(10);
  task.abort();
  await world.pass(500);
  assert.deepEqual([seen.success, seen.fail, seen.complete], [0, 1, 1]);
});

test("a request without callbacks is a promise, and a task at that", async (t) => {
  const { world, latch } = start(t);
  let headers = 0;
  const task = latch.request({ url: `${API}/orders` });
  task.onHeadersReceived(() => headers++);
  let result;
  task.then((value) => (result = value));
  await world.pass(1000);
  assert.equal(result.statusCode, 200);
  assert.equal(headers, 1);
  for (const method of ["uploadFile", "downloadFile"]) {
    latch[method]({ url: `${API}/file`, filePath: "x", name: "f" }).then((value) => (result = value.statusCode));
    await world.pass(500);
    assert.equal(result, 200);
  }
});

test("the renewal finds a slot while the application has many requests", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  get();
  await world.pass(500);
  world.server.token = "gone";
  const all = Array.from({ length: 30 }, () => get());
  await world.pass(5000);
  for (const { seen } of all) assert.equal(seen.status, 200);
  assert.ok(world.most <= 10, `${world.most}`);
  assert.equal(world.server.logins, 2);
  const login = world.trace.findIndex((line) => /send request .*login/.test(line) && line.split(" ")[0] > 1400);
  assert.ok(login > 0);
});

test("a session outlives a restart, in each kind of storage", async (t) => {
  for (const storage of [{}, { sync: true }, { encrypt: true }]) {
    await t.test(JSON.stringify(storage), async (t) => {
      const { world, get, relaunch } = start(t, { storage });
      await world.pass(1000);
      relaunch();
      const { seen } = get();
      await world.pass(1000);
      assert.equal(seen.status, 200);
      assert.equal(world.server.logins, 1);
      assert.deepEqual([...world.cell.keys()], [storage.encrypt ? "tokenlatch*" : "tokenlatch"]);
      assert.match([...world.cell.values()][0], /^[0-9a-f]+$/);
    });
  }
});

test("a platform login that fails is tried again, and then told", async (t) => {
  const { world, get, needed } = start(t);
  world.loginFails = 2;
  const { seen } = get();
  await world.pass(10_000);
  assert.equal(seen.status, 200);
  assert.deepEqual(needed, []);
});

test("a platform login that keeps failing is told", async (t) => {
  const { world, get, needed } = start(t);
  world.loginFails = 99;
  const { seen } = get();
  await world.pass(40_000);
  assert.equal(seen.fail, 1);
  assert.equal(seen.error.cause, 6);
  assert.deepEqual(needed.slice(0, 1), [200]);
});

test("after a background freeze the token is looked at again", async (t) => {
  const { world, get, latch } = start(t);
  await world.pass(1000);
  world.hide();
  await world.pass(3 * 3600_000);
  world.show();
  const { seen } = get();
  await world.pass(2000);
  assert.equal(seen.status, 200);
  assert.equal(world.server.logins, 2);
  assert.equal(world.trace.filter((line) => / 401$/.test(line)).length, 0);
  assert.equal(latch.state, "Ready");
});

test("after a logout nobody is signed in again by itself", async (t) => {
  const { world, get, latch, needed } = start(t);
  await world.pass(1000);
  latch.logout();
  const { seen } = get();
  await world.pass(31_000);
  assert.equal(seen.fail, 1);
  assert.equal(world.server.logins, 1);
  assert.deepEqual(needed.slice(0, 1), [2]);
  assert.equal(world.server.unauthenticated, 0);
});

test("offline nothing is asked for, and afterwards one login serves all", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  get();
  await world.pass(500);
  world.network(false);
  world.server.token = "gone";
  await world.pass(1000);
  world.network(true);
  const all = [get(), get()];
  await world.pass(3000);
  for (const { seen } of all) assert.equal(seen.status, 200);
});

test("no token goes to an address that is not allowed, and public requests have none", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  const other = get({ url: "https://api.test.evil/orders" });
  const open = get({ public: true });
  await world.pass(1000);
  assert.deepEqual([other.seen.status, open.seen.status], [401, 401]);
  assert.equal(world.server.unauthenticated, 2);
});

test("a socket waits for the token", async (t) => {
  const { world, latch } = start(t);
  const socket = latch.connectSocket({ url: `${API}/socket`, success() {} });
  socket.send({ data: "hello" });
  await world.pass(1000);
  assert.deepEqual(
    world.trace.filter((line) => /connect|socket /.test(line)).map((line) => line.replace(/^\d+ /, "")),
    [`connect ${API}/socket Bearer t1`, "socket hello"],
  );
});

test("an address for a web-view has a ticket, and no token", async (t) => {
  const { latch } = start(t);
  assert.equal(await latch.webView("https://h5.test/a?b=1", async () => "o/ne"), "https://h5.test/a?b=1&ticket=o%2Fne");
});

test("one seed is one day", async (t) => {
  const day = async (seed) => {
    const { world, get, latch } = start(t, {}, seed);
    for (let hour = 0; hour < 40; hour++) {
      const what = world.random(6);
      if (what < 3) for (let n = world.random(14); n >= 0; n--) get();
      if (what === 3) world.server.token = "gone";
      if (what === 4) world.hide();
      if (what === 5) latch.renew();
      await world.pass(world.random(2_000_000));
      if (what === 4) world.show();
    }
    await world.pass(60_000);
    assert.equal(world.server.unauthenticated, 0);
    const { trace } = world;
    latch.destroy();
    world.end();
    return trace.join("\n");
  };
  for (const seed of [1, 2, 3]) assert.equal(await day(seed), await day(seed));
});
