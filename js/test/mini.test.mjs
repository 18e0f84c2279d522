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

const logins = (world) => world.trace.filter((line) => / wx\.login$/.test(line)).length;

test("a logout while a login is under way, or is to be tried again, stands", async (t) => {
  for (const [fails, millis] of [[0, 40], [9, 500]]) {
    await t.test(`${fails} fail`, async (t) => {
      const { world, latch } = start(t);
      world.loginFails = fails;
      await world.pass(millis);
      assert.equal(logins(world), 1);
      latch.logout();
      await world.pass(60_000);
      assert.equal(latch.state, "Unauthenticated");
      assert.equal(logins(world), 1);
      // A login that is asked for after it is a new one.
      world.loginFails = 0;
      latch.login();
      await world.pass(1000);
      assert.equal(latch.state, "Ready");
    });
  }
});

test("a login of another kind is not undone by one that was to be tried again, nor waited for", async (t) => {
  const { world, latch, get } = start(t);
  const mine = () => ({ access_token: "mine", expires_in: 3600 });
  world.loginFails = 1;
  await world.pass(500);
  latch.login(mine);
  await world.pass(5000);
  assert.equal(latch.state, "Ready");
  assert.equal(logins(world), 1);
  world.server.token = "mine";
  world.server.expires = world.now() + 3600_000;
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
  // One that is superseded is none that others could get.
  latch.logout();
  await world.pass(1000);
  const first = latch.login();
  first.catch(() => {});
  const other = latch.login(async () => {
    throw new Error("wrong password");
  });
  await assert.rejects(other);
  const again = latch.login();
  await world.pass(2000);
  assert.equal(await again, "Ready");
});

test("whoever wants to sign in while that is under way gets the same login", async (t) => {
  const revoked = [];
  const { world, get, latch, needed } = start(t, { revoke: (token) => revoked.push(token) });
  await world.pass(10);
  const told = [latch.login(), latch.login()];
  const { seen } = get();
  await world.pass(3000);
  assert.deepEqual(await Promise.all(told), ["Ready", "Ready"]);
  assert.equal(seen.status, 200);
  assert.deepEqual([logins(world), world.server.logins], [1, 1]);
  assert.deepEqual([needed, revoked], [[], []]);
});

test("a platform login that never answers is one that failed", async (t) => {
  const { world, get, relaunch } = start(t);
  const { login } = world.wx;
  await world.pass(1000);
  world.cell.clear();
  world.wx.login = () => {};
  relaunch();
  await world.pass(29_000);
  world.wx.login = login;
  await world.pass(5000);
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
});

test("a login that is never answered is one that failed", async (t) => {
  let hangs = true;
  const login = (code) => (hangs ? new Promise(() => {}) : { url: `${API}/login`, method: "POST", data: { code } });
  const { world, get } = start(t, { login });
  await world.pass(1000);
  hangs = false;
  await world.pass(660_000);
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
});

test("a login that takes the server longer is one all the same", async (t) => {
  const { world, get, latch, relaunch } = start(t);
  await world.pass(1000);
  world.cell.clear();
  const before = [logins(world), world.server.logins];
  world.server.latency = 35_000;
  relaunch();
  await world.pass(60_000);
  world.server.latency = 80;
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
  assert.deepEqual([logins(world), world.server.logins], before.map((count) => count + 1));
});

test("aborting while an answer of 401 waits for the renewal calls fail once, and nothing is sent again", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  get();
  await world.pass(500);
  world.server.token = "gone";
  const { seen, task } = get();
  await world.pass(115);
  assert.match(world.trace.at(-1), /wx.login/);
  const { requests } = world.server;
  task.abort();
  await world.pass(3000);
  assert.deepEqual([seen.success, seen.fail, seen.complete], [0, 1, 1]);
  assert.equal(seen.error.errMsg, "request:fail abort");
  assert.equal(world.server.requests, requests);
});

test("aborting a public request that waits for a slot calls fail once, and nothing is sent", async (t) => {
  const { world, get } = start(t);
  await world.pass(1000);
  Array.from({ length: 9 }, () => get());
  const { seen, task } = get({ url: `${API}/open`, public: true });
  task.abort();
  await world.pass(1000);
  assert.deepEqual([seen.success, seen.fail, seen.complete], [0, 1, 1]);
  assert.ok(!world.trace.some((line) => /open/.test(line)));
  const after = get();
  await world.pass(1000);
  assert.equal(after.seen.status, 200);
});

test("a function that the platform does not have takes no slot", async (t) => {
  const { world, latch, get } = start(t);
  await world.pass(1000);
  delete world.wx.uploadFile;
  for (let n = 0; n < 10; n++) await assert.rejects(async () => {
    const upload = latch.uploadFile({ url: `${API}/file` });
    await world.pass(100);
    await upload;
  });
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
});

test("whoever missed that the network is back finds out when it is shown again", async (t) => {
  const { world, get, latch } = start(t);
  world.wx.getNetworkType = ({ success }) => success({ networkType: "wifi" });
  await world.pass(1000);
  latch.tell(3);
  world.server.ttl = 1000;
  await world.pass(7200_000);
  assert.equal(latch.state, "Expired");
  world.show();
  await world.pass(3000);
  assert.equal(latch.state, "Ready");
  const { seen } = get();
  await world.pass(1000);
  assert.equal(seen.status, 200);
});

test("what is kept synchronously is not encrypted, and nobody may think so", () => {
  const world = createWorld(1);
  const login = () => {};
  assert.throws(() => createLatch(world.wx, { allow: [API], login, storage: { sync: true, encrypt: true } }), { name: "LatchError", cause: -1 });
  world.end();
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
  const others = ["https://api.test.evil", "https://api.test@evil.test", "https://evil.test\\\\@api.test", "http://api.test", "https://api.test:444"];
  const open = [get({ public: true }), ...others.map((origin) => get({ url: `${origin}/orders` }))];
  await world.pass(1000);
  for (const { seen } of open) assert.equal(seen.status, 401);
  assert.equal(world.server.unauthenticated, 6);
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

test("a socket is no promise, also where its task comes as one", async (t) => {
  const { world, latch } = start(t);
  const { connectSocket } = world.wx;
  world.wx.connectSocket = async (request) => connectSocket(request);
  const open = async () => latch.connectSocket({ url: `${API}/socket` });
  let opened = 0;
  open().then((socket) => socket.onOpen(() => opened++));
  await world.pass(1000);
  assert.equal(opened, 1);
});

test("a platform that gives promises beside its callbacks, and one with another login and storage", async (t) => {
  const unhandled = [];
  const note = (reason) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  const { world, relaunch, get } = start(t, { storage: { sync: true } });
  const { wx } = world;
  for (const name of ["login", "getStorage", "setStorage"]) {
    const method = wx[name];
    wx[name] = (options) =>
      new Promise((success, fail) => {
        const both = (one, other) => (value) => (one(value), other(value));
        method({ ...options, success: both(options.success, success), fail: both(options.fail, fail) });
      });
  }
  world.loginFails = 1;
  const { login, getStorageSync, setStorageSync } = wx;
  // `uni` on `my` has both, and takes values.
  wx.getAuthCode = () => assert.fail("it has `login`");
  const { seen: early } = get();
  await world.pass(5000);
  assert.equal(early.status, 200);
  world.loginFails = 1;
  delete wx.login;
  wx.getAuthCode = ({ success, ...rest }) => login({ ...rest, success: ({ code }) => success({ authCode: code }) });
  wx.getStorageSync = ({ key }) => ({ data: getStorageSync(key) || null });
  wx.setStorageSync = ({ key, data }) => setStorageSync(key, data);
  const { request } = wx;
  wx.request = ({ header, headers, success, ...rest }) =>
    request({ ...rest, header: headers, success: ({ statusCode, header, data }) => success({ status: statusCode, headers: header, data }) });
  world.cell.clear();
  relaunch();
  const status = async () => {
    let told;
    get({ success: ({ status }) => (told = status) });
    await world.pass(5000);
    return told;
  };
  assert.equal(await status(), 200);
  world.server.token = "gone";
  assert.equal(await status(), 200);
  relaunch();
  assert.equal(await status(), 200);
  assert.equal(world.server.logins, 3);
  assert.deepEqual(unhandled, []);
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
