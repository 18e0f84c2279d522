// The host loop over the shipped core, with stores and servers in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLatch, LatchError } from "../dist/index.js";
import { memoryStore } from "../dist/stores.js";
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, FRESH_RETRY_MS, MAX_ATTEMPTS, STORE_TIMEOUT_MS, WAIT_LIMIT_MS, WHEN_SIGNED_OUT } from "../dist/config.js";
import { explain, describe } from "../dist/why.js";

/** A server whose tokens are numbered; refresh tokens work once. */
const newServer = () => {
  const server = { issued: 0, refreshes: 0, refused: 0, seen: [], revoked: [], delay: 0 };
  server.grant = () => {
    server.issued++;
    return { access_token: `a${server.issued}`, refresh_token: `r${server.issued}`, expires_in: 3600 };
  };
  server.refresh = async (token) => {
    server.refreshes++;
    await new Promise((resolve) => setTimeout(resolve, server.delay));
    if (token !== `r${server.issued}`) return new Response('{"error":"invalid_grant"}', { status: 400 });
    return new Response(JSON.stringify(server.grant()));
  };
  server.api = async ({ headers }) => {
    server.seen.push(headers.Authorization);
    const ok = headers.Authorization === `Bearer a${server.issued}`;
    if (!ok) server.refused++;
    return new Response("", { status: ok ? 200 : 401 });
  };
  return server;
};

const newLatch = (server, options = {}) =>
  createLatch({
    store: memoryStore(),
    lease: undefined,
    allow: ["http://api.test"],
    refresh: server.refresh,
    revoke: async (token) => server.revoked.push(token),
    ...options,
  });

const rejected = (cause) => (error) => error instanceof LatchError && error.cause === cause;

test("a request before the login waits for it", async (t) => {
  const server = newServer();
  const reasons = [];
  const latch = newLatch(server, { onLoginRequired: (cause) => reasons.push(cause) });
  t.after(latch.destroy);
  const responses = [1, 2, 3].map(() => latch.request(server.api));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await latch.login(async () => server.grant()), "Ready");
  for (const response of responses) assert.equal((await response).status, 200);
  assert.deepEqual(server.seen, ["Bearer a1", "Bearer a1", "Bearer a1"]);
  assert.deepEqual(reasons, [1]);
});

test("ten requests on a token that the server forgot cause one renewal", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  await latch.login(server.grant());
  assert.equal((await latch.request(server.api)).status, 200);
  // The server has forgotten this token.
  const api = async (permit) =>
    permit.headers.Authorization === "Bearer a1" ? new Response("", { status: 401 }) : server.api(permit);
  const all = await Promise.all(Array.from({ length: 10 }, () => latch.request(api)));
  assert.deepEqual(all.map(({ status }) => status), Array(10).fill(200));
  assert.equal(server.refreshes, 1);
});

test("a refresh that is refused ends every waiting request with one cause", async (t) => {
  const server = newServer();
  const reasons = [];
  const latch = newLatch(server, { onLoginRequired: (cause) => reasons.push(cause) });
  t.after(latch.destroy);
  await latch.login(server.grant());
  await latch.request(server.api);
  server.issued = 7;
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => latch.request(server.api)));
  for (const { reason } of all) {
    assert.equal(reason.cause, 10);
    assert.equal(reason.response.status, 401);
  }
  assert.equal(server.refreshes, 1);
  assert.deepEqual(reasons.slice(-1), [10]);
  assert.equal(explain(10).name, "SessionEnded");
});

test("after a logout nothing leaves, and what a late refresh brings is revoked", async (t) => {
  const server = newServer();
  server.delay = 30;
  const latch = newLatch(server);
  t.after(latch.destroy);
  await latch.login(server.grant());
  latch.renew();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const waiting = latch.request(server.api);
  latch.logout();
  assert.equal(latch.state, "Unauthenticated");
  await assert.rejects(waiting, rejected(2));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(latch.state, "Unauthenticated");
  assert.deepEqual(server.revoked.sort(), ["r1", "r2"]);
  assert.deepEqual(server.seen, []);
});

test("an aborted request leaves the queue with the signal's reason", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  const abort = new AbortController();
  const waiting = latch.request(server.api, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(latch.request(server.api, { signal: abort.signal }), /enough/);
  await latch.login(server.grant());
  assert.deepEqual(server.seen, []);
});

test("a request that waits too long is refused, and one that may not wait at once", async (t) => {
  const server = newServer();
  const latch = newLatch(server, { tune: { [WAIT_LIMIT_MS]: 20 } });
  t.after(latch.destroy);
  await assert.rejects(latch.ready(), rejected(6));
  const other = newLatch(server, { tune: { [WHEN_SIGNED_OUT]: 1 } });
  t.after(other.destroy);
  await new Promise((resolve) => setTimeout(resolve, 10));
  await assert.rejects(other.ready(), rejected(1));
});

test("a setting that is no number for its field is refused, whatever is wrong with it", () => {
  const server = newServer();
  const wrong = [NaN, Infinity, -Infinity, -1, 0.5, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e300, "10", null, undefined, true];
  for (const value of wrong) assert.throws(() => newLatch(server, { tune: { [WAIT_LIMIT_MS]: value } }), rejected(-1), String(value));
  // A choice that there is not, more than fits into a small field, and fields that there are not.
  for (const tune of [{ [WHEN_SIGNED_OUT]: 2 }, { [MAX_ATTEMPTS]: 256 }, { 99: 1 }, { "-1": 1 }, { "1.5": 1 }, { WAIT_LIMIT_MS: 1 }]) {
    assert.throws(() => newLatch(server, { tune }), rejected(-1), JSON.stringify(tune));
  }
  assert.equal(explain(-1).name, "Argument");
  newLatch(server, { tune: { [WAIT_LIMIT_MS]: 2 ** 32 - 1 } }).destroy();
});

test("settings that don't fit together are refused", () => {
  assert.throws(() => newLatch(newServer(), { tune: { [BACKOFF_BASE_MS]: 1000, [BACKOFF_CAP_MS]: 10 } }), rejected(-44));
  assert.equal(explain(-44).name, "BackoffCap");
});

test("a lifetime in a unit that is none fails the login", async (t) => {
  const server = newServer();
  for (const unit of [NaN, 0, -1, "ms"]) {
    const latch = newLatch(server, { shape: { unit } });
    t.after(latch.destroy);
    await assert.rejects(latch.login(server.grant()), rejected(242));
  }
});

test("a restart finds what the store holds", async (t) => {
  const server = newServer();
  const store = memoryStore();
  const first = newLatch(server, { store });
  await first.login({ ...server.grant(), sub: "bob" });
  first.destroy();
  const second = newLatch(server, { store });
  t.after(second.destroy);
  assert.equal((await second.request(server.api)).status, 200);
  assert.equal(server.refreshes, 0);
});

test("subject and scope are kept, whatever the alphabet", async (t) => {
  const server = newServer();
  const latch = newLatch(server, { shape: { subject: "user.name" } });
  t.after(latch.destroy);
  await latch.login({ ...server.grant(), scope: "read", user: { name: "王小明 😀" } });
  assert.equal(latch.subject, "王小明 😀");
  assert.equal(latch.scope, "read");
});

test("a token that no header can carry fails the login and says why", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  const bad = [["undefined", 237], ['"quoted"', 238], ["Bearer x", 239], ["a\nb", 240], ["x".repeat(9000), 241], ["x".repeat(99999), 241]];
  for (const [access_token, cause] of bad) {
    await assert.rejects(latch.login({ access_token }), rejected(cause));
    assert.equal(latch.state, "Unauthenticated");
  }
  await assert.rejects(latch.login({}), rejected(236));
  await assert.rejects(latch.login(() => Promise.reject(new TypeError("offline"))), rejected(200));
});

test("a second login supersedes the first", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  let give;
  const first = latch.login(() => new Promise((resolve) => (give = resolve)));
  await new Promise((resolve) => setTimeout(resolve));
  const second = latch.login(server.grant());
  give(server.grant());
  await assert.rejects(first, LatchError);
  assert.equal(await second, "Ready");
  assert.deepEqual(server.revoked, ["r2"]);
});

test("an answer of 200 that means 401 is told as one", async (t) => {
  const server = newServer();
  const latch = newLatch(server, {
    isAuthFailure: async (response) => (await response.json()).code === 401,
    tune: { [FRESH_RETRY_MS]: 1 },
  });
  t.after(latch.destroy);
  await latch.login(server.grant());
  let calls = 0;
  const response = await latch.request(async () => new Response(JSON.stringify({ code: ++calls < 2 ? 401 : 0 })));
  assert.deepEqual(await response.json(), { code: 0 });
});

test("a request that can't be sent again says so", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  await latch.login(server.grant());
  server.issued++;
  await assert.rejects(latch.request(server.api, { replay: false }), rejected(101));
});

test("the latch says why a response was refused", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  await latch.login(server.grant());
  const headers = { "www-authenticate": 'Bearer error="insufficient_scope", scope="admin"' };
  const response = await latch.request(async () => new Response("", { status: 403, headers }));
  assert.equal(latch.why(response), 16);
  assert.equal(explain(latch.why(response)).name, "InsufficientScope");
});

test("states are told in order, and the trace names its steps", async (t) => {
  const server = newServer();
  const latch = newLatch(server);
  t.after(latch.destroy);
  const states = [];
  const leave = latch.subscribe((state) => states.push(state));
  await latch.login(server.grant());
  await latch.request(server.api);
  leave();
  latch.logout();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(states, ["Ready"]);
  const events = latch.trace().map(describe);
  assert.equal(events[0].event, "Opened");
  assert.deepEqual(events[0].effects, ["StateChanged", "Load"]);
  const last = events.find(({ event }) => event === "LogoutRequested");
  assert.deepEqual([last.from, last.to], ["Ready", "Unauthenticated"]);
  assert.doesNotMatch(JSON.stringify(latch.trace()), /a1|r1/);
});

test("a timer is set once for a deadline, and anew when it went off too early", async (t) => {
  const server = newServer();
  const latch = newLatch(server, { store: undefined });
  t.after(latch.destroy);
  const timers = [];
  const { setTimeout } = globalThis;
  t.after(() => (globalThis.setTimeout = setTimeout));
  globalThis.setTimeout = (work, delay) => timers.push([work, delay]);
  // Longer than a timer can be.
  await latch.login(() => ({ ...server.grant(), expires_in: 100 * 24 * 3600 }));
  const set = () => timers.filter(([, delay]) => delay === 2e9);
  assert.equal(set().length, 1);
  for (let i = 0; i < 3; i++) assert.equal((await latch.request(server.api)).status, 200);
  assert.equal(set().length, 1);
  set()[0][0]();
  assert.equal(set().length, 2);
  assert.equal(server.refreshes, 0);
});

test("a destroyed latch refuses and can be destroyed again", async () => {
  const server = newServer();
  const latch = newLatch(server);
  const waiting = latch.request(server.api);
  latch.destroy();
  latch.destroy();
  await assert.rejects(waiting, rejected(102));
  await assert.rejects(latch.request(server.api), rejected(102));
  await assert.rejects(latch.login(server.grant), rejected(102));
  assert.equal(server.issued, 0);
});

test("destroying ends a login under way, and a logout", async () => {
  const server = newServer();
  const latch = newLatch(server);
  const under = latch.login(() => new Promise(() => {}));
  await new Promise((resolve) => setTimeout(resolve));
  latch.destroy();
  await assert.rejects(under, rejected(102));
  await latch.logout();
});

test("a logout is done when the store has its mark, and with a lease too", async (t) => {
  for (const lease of [undefined, (granted) => (setTimeout(granted, 20), () => {})]) {
    const server = newServer();
    const writes = [];
    const cell = memoryStore();
    const store = { read: cell.read, write: (record) => new Promise((done) => setTimeout(() => done(cell.write(record), writes.push(record)), 20)) };
    const latch = newLatch(server, { store, lease });
    t.after(latch.destroy);
    await latch.login(server.grant());
    writes.length = 0;
    await latch.logout();
    assert.equal(writes.length, 1);
    assert.ok(!writes[0].includes("a1"));
    latch.destroy();
    const next = newLatch(server, { store, lease });
    t.after(next.destroy);
    await assert.rejects(next.ready(AbortSignal.timeout(100)));
    assert.equal(next.state, "Unauthenticated");
    // Nothing is to be stored: it is done all the same.
    await next.logout();
  }
});

test("a logout is not done before: not by a write that fails, nor by a lease that is denied, nor by a read that never answers", async (t) => {
  for (const trouble of ["write", "lease", "read"]) {
    const server = newServer();
    const cell = memoryStore();
    let left = 0;
    const store = {
      read: () => (trouble === "read" && left-- > 0 ? new Promise(() => {}) : cell.read()),
      write: async (record) => {
        if (trouble === "write" && left-- > 0) throw new Error("full");
        return cell.write(record);
      },
    };
    const lease = (granted, denied) => {
      setTimeout(trouble === "lease" && left-- > 0 ? denied : granted, 5);
      return () => {};
    };
    const latch = newLatch(server, { store, lease, tune: { [BACKOFF_BASE_MS]: 50, [BACKOFF_CAP_MS]: 100, [STORE_TIMEOUT_MS]: 300 } });
    t.after(latch.destroy);
    await latch.login(server.grant());
    left = 3;
    await latch.logout();
    assert.ok(!(await cell.read()).includes("a1"), trouble);
  }
});

test("a logout is not done before, whatever else happens meanwhile", async (t) => {
  const meanwhile = {
    "another context's announcement": (latch) => latch.tell(1),
    "a page that is shown again": (latch) => latch.tell(2),
    "a login that fails": (latch) => latch.login(() => Promise.reject(new Error("no"))).catch(() => {}),
  };
  for (const [what, happens] of Object.entries(meanwhile)) {
    const server = newServer();
    const cell = memoryStore();
    let closed = false;
    const write = (record) => new Promise((done) => setTimeout(() => done(closed || cell.write(record)), 200));
    const store = { read: cell.read, write };
    const latch = newLatch(server, { store });
    t.after(latch.destroy);
    await latch.login(server.grant());
    const out = latch.logout();
    await happens(latch);
    await out;
    // The page leaves.
    closed = true;
    assert.ok(!(await cell.read()).includes("a1"), what);
  }
});

test("a logout where there is nothing to store is done at once, whatever waits", { timeout: 5000 }, async (t) => {
  const server = newServer();
  const volatile = newLatch(server, { store: undefined, revoke: () => new Promise(() => {}) });
  t.after(volatile.destroy);
  await volatile.login(server.grant());
  const first = volatile.logout();
  volatile.request(server.api).catch(() => {});
  await first;

  const stored = newLatch(server, { revoke: () => new Promise(() => {}) });
  t.after(stored.destroy);
  await stored.login(server.grant());
  await stored.logout();
  // Its revocation is under way, and so is a request.
  stored.request(server.api).catch(() => {});
  await stored.logout();
});

test("two latches share nothing", async (t) => {
  const [one, two] = [newServer(), newServer()];
  const [a, b] = [newLatch(one), newLatch(two)];
  t.after(a.destroy);
  t.after(b.destroy);
  await a.login(one.grant());
  assert.deepEqual([a.state, b.state], ["Ready", "Unauthenticated"]);
});
