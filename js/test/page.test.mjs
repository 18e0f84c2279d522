// What happens to a page and around it, over imitations of what node does not have. Browsers' own are in `browsers`.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import axios from "axios";
import { attach } from "../dist/axios.js";
import { WAIT_LIMIT_MS } from "../dist/config.js";
import { createLatch, LatchError } from "../dist/index.js";
import { either, memoryStore } from "../dist/stores.js";
import { redeem } from "../dist/ticket.js";
import { sendXhr } from "../dist/xhr.js";
import { api, listen } from "./http.mjs";

const API = "https://api.test";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const grant = (n = 1, seconds = 3600) => ({ access_token: `a${n}`, refresh_token: `r${n}`, expires_in: seconds });

const newLatch = (t, options) => {
  const latch = createLatch({ store: undefined, allow: [API], lease: undefined, ...options });
  t.after(latch.destroy);
  return latch;
};

/** Puts these into the global scope for the time of a test. */
const withGlobals = (t, globals) => {
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
  }
};

test("a store that did not work at first brings nothing back, and what is in the other one is not lost", async (t) => {
  const [cell, other] = [memoryStore(), memoryStore()];
  let broken = false;
  const first = Object.fromEntries(
    ["read", "write"].map((what) => [
      what,
      async (record) => {
        if (broken) throw new Error("Connection to Indexed Database server lost");
        return cell[what](record);
      },
    ]),
  );
  const visit = async (work) => {
    const latch = newLatch(t, { store: either(first, other) });
    await Promise.race([latch.ready(), pause(100)]).catch(() => {});
    await work(latch);
    latch.destroy();
  };
  await visit((latch) => latch.login(grant(1)));
  broken = true;
  await visit(async (latch) => {
    await latch.login(grant(2));
    await latch.logout();
  });
  broken = false;
  await visit((latch) => assert.equal(latch.state, "Unauthenticated"));
  broken = true;
  await visit((latch) => latch.login(grant(3)));
  broken = false;
  await visit((latch) => assert.equal(latch.state, "Ready"));
  // What is written where it works again counts from then on.
  await visit((latch) => latch.login(grant(4)));
  assert.ok(!(await other.read()));
  assert.ok((await cell.read()).includes("a4"));
});

test("a first store that works needs no second one", async (t) => {
  const fail = async () => {
    throw new DOMException("denied", "SecurityError");
  };
  const cell = memoryStore();
  const latch = newLatch(t, { store: either(cell, { read: fail, write: fail }) });
  await latch.login(grant());
  assert.equal(latch.volatile, false);
  assert.ok((await cell.read()).includes("a1"));
});

test("where every store is denied the session is volatile, until the latch is destroyed", async (t) => {
  const latch = createLatch({ allow: [API] });
  t.after(latch.destroy);
  await latch.login(grant());
  assert.equal(latch.volatile, true);
  latch.destroy();
  assert.equal(latch.volatile, false);
});

test("whether the store has the session is told", async (t) => {
  let full = true;
  const cell = memoryStore();
  const write = async (record) => {
    if (full) throw new DOMException("full", "QuotaExceededError");
    return cell.write(record);
  };
  const latch = newLatch(t, { store: { read: cell.read, write } });
  assert.equal(await latch.login(grant()), "Ready");
  assert.equal(latch.volatile, true);
  full = false;
  await latch.login(grant(2));
  assert.equal(latch.volatile, false);
});

test("a page that missed that the network is back finds out when it is shown again", async (t) => {
  const [window, document, navigator] = [new EventTarget(), new EventTarget(), { onLine: true }];
  withGlobals(t, { window, document, navigator });
  let issued = 1;
  const latch = newLatch(t, { refresh: async () => grant(++issued) });
  await latch.login(grant(1, 1));
  navigator.onLine = false;
  window.dispatchEvent(new Event("offline"));
  await pause(1100);
  assert.equal(latch.state, "Expired");
  // It is frozen, and hears of nothing.
  navigator.onLine = true;
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await latch.ready(AbortSignal.timeout(1000));
  assert.equal(issued, 2);
});

test("a page that may not announce goes on without", async (t) => {
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  const unhandled = [];
  const note = (error) => unhandled.push(error);
  process.on("unhandledRejection", note);
  t.after(() => process.off("unhandledRejection", note));
  withGlobals(t, { BroadcastChannel: denied, window: new EventTarget() });
  Object.defineProperty(globalThis, "localStorage", { get: denied, configurable: true });
  t.after(() => delete globalThis.localStorage);
  const latch = newLatch(t, { store: memoryStore() });
  assert.equal(await latch.login(grant()), "Ready");
  await pause(20);
  assert.deepEqual(unhandled, []);
});

/** An `XMLHttpRequest` that a function answers. */
const withXhr = (t, answer) => {
  const sent = [];
  class Xhr extends EventTarget {
    headers = {};
    open(method, url) {
      this.url = url;
    }
    setRequestHeader(name, value) {
      this.headers[name] = value;
    }
    getResponseHeader = (name) => (name === "www-authenticate" && this.status === 401 ? "Bearer" : null);
    send() {
      sent.push([this.url, this.headers.authorization]);
      Object.assign(this, { responseURL: this.url }, answer(this));
      setTimeout(() => {
        for (const type of ["load", "loadend"]) {
          const event = new Event(type);
          if (this[`on${type}`]) this[`on${type}`](event);
          this.dispatchEvent(event);
        }
      });
    }
  }
  withGlobals(t, { XMLHttpRequest: Xhr });
  return sent;
};

test("an XMLHttpRequest's own listeners are the application's", async (t) => {
  withXhr(t, () => ({ status: 200, response: "done" }));
  const latch = newLatch(t, {});
  await latch.login(grant());
  let loaded = 0;
  const xhr = await sendXhr(latch, { url: `${API}/x`, prepare: (request) => (request.onload = () => loaded++) });
  assert.deepEqual([xhr.response, loaded], ["done", 1]);
});

test("why an XMLHttpRequest was refused is told whatever its body is", async (t) => {
  withXhr(t, () => ({ status: 401, response: '{"message":"no"}' }));
  const latch = newLatch(t, { refresh: async () => grant(2) });
  await latch.login(grant());
  assert.equal(latch.why(await sendXhr(latch, { url: `${API}/x` })), 25);
  // What is no object has no place for a reason.
  assert.equal(await latch.run(() => 401, { see: (status) => [status, () => null] }), 401);
});

test("an address is the one that the browser makes of it", async (t) => {
  const sent = withXhr(t, () => ({ status: 200 }));
  withGlobals(t, { document: Object.assign(new EventTarget(), { baseURI: "https://cdn.other.test/app/" }), location: { href: `${API}/` } });
  const latch = newLatch(t, { allow: undefined });
  await latch.login(grant());
  await sendXhr(latch, { url: "/orders" });
  await sendXhr(latch, { url: `${API}/orders` });
  assert.deepEqual(sent.map(([, token]) => token), [undefined, "Bearer a1"]);
});

test("a refusal behind a redirect to another origin costs no renewal, by XMLHttpRequest and by axios", async (t) => {
  withXhr(t, () => ({ status: 401, responseURL: "https://other.test/" }));
  let renewals = 0;
  const other = await api(t, () => true);
  const url = await listen(t, (request, response) => response.writeHead(307, { location: `${other.url}/` }).end());
  const latch = newLatch(t, { allow: [API, url], refresh: async () => grant(++renewals + 1) });
  await latch.login(grant());
  // Accepted once, so that another 401 would start a renewal.
  await latch.request(() => new Response(""));
  assert.equal(latch.why(await sendXhr(latch, { url: `${API}/x` })), 100);
  const instance = axios.create();
  attach(latch, instance, axios);
  await assert.rejects(instance.get(`${url}/x`), (error) => error.response.status === 401 && latch.why(error) === 100);
  assert.deepEqual(other.seen.map(([, token]) => token), [undefined]);
  assert.equal(renewals, 0);
});

test("axios: an adapter of the request's own is gated too, until that is taken off", async (t) => {
  const { url, seen } = await api(t);
  const latch = newLatch(t, { allow: [url] });
  const instance = axios.create({ baseURL: url });
  const detach = attach(latch, instance, axios);
  const answer = instance.get("/x", { adapter: "fetch" });
  await pause(50);
  assert.deepEqual(seen, []);
  await latch.login(grant());
  assert.equal((await answer).status, 200);
  await instance.get("/x", { adapter: "fetch", public: true });
  detach();
  await instance.get("/x", { adapter: "fetch" });
  assert.deepEqual(seen.map(([, token]) => token), ["Bearer a1", undefined, undefined]);
});

test("axios: two latches at one instance gate what is theirs, once", async (t) => {
  const { url, seen } = await api(t, () => true);
  const latch = newLatch(t, { allow: [url], refresh: async () => grant(2) });
  await latch.login(grant());
  const instance = axios.create({ baseURL: url, validateStatus: () => true });
  attach(latch, instance, axios);
  for (const more of [{}, { adapter: "fetch" }]) {
    await instance.get("/x", more);
    const alone = seen.splice(0).length;
    const detach = attach(newLatch(t, { allow: [API] }), instance, axios);
    await instance.get("/x", more);
    assert.equal(seen.splice(0).length, alone);
    detach();
  }
});

test("axios: what is sent again by its configuration is gated once", async (t) => {
  const { url, seen } = await api(t, () => true);
  const latch = newLatch(t, { allow: [url], refresh: async () => grant(2) });
  await latch.login(grant());
  const instance = axios.create({ baseURL: url });
  attach(latch, instance, axios);
  let { config } = await assert.rejects(instance.get("/x", { adapter: "fetch" })).then(() => instance.get("/x", { adapter: "fetch" }).catch((error) => error));
  seen.length = 0;
  ({ config } = await instance(config).catch((error) => error));
  const once = seen.splice(0).length;
  await instance(config).catch(() => {});
  assert.equal(seen.length, once);
  assert.equal((await instance.get("/x", { adapter: null }).catch((error) => error)).response.status, 401);
});

test("axios: a 401 without a whole address of its own is one like any other", async (t) => {
  const path = join(tmpdir(), `tokenlatch-${process.pid}.sock`);
  const server = createServer(({ headers }, response) => response.writeHead(headers.authorization === "Bearer a2" ? 200 : 401).end());
  await new Promise((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  const bare = (adapter) => async (config) => ({ ...(await adapter(config)), request: null });
  for (const more of [{ socketPath: path }, { socketPath: path, adapter: bare(axios.getAdapter("http")) }]) {
    let n = 1;
    const latch = newLatch(t, { allow: ["http://api.test"], refresh: async () => grant(++n) });
    await latch.login(grant());
    await latch.request(() => new Response(""));
    const instance = axios.create({ baseURL: "http://api.test", validateStatus: () => true });
    attach(latch, instance, axios);
    assert.equal((await instance.get("/x", more)).status, 200);
  }
});

test("axios: whoever cancels does not wait, by signal or by token", async (t) => {
  const latch = newLatch(t, { allow: [API], tune: { [WAIT_LIMIT_MS]: 3000 } });
  const instance = axios.create({ baseURL: API });
  attach(latch, instance, axios);
  const source = axios.CancelToken.source();
  const waiting = instance.get("/x", { cancelToken: source.token });
  await pause(20);
  source.cancel();
  await assert.rejects(waiting, (error) => !(error instanceof LatchError));
  const [both, signal] = [axios.CancelToken.source(), new AbortController().signal];
  const second = instance.get("/x", { cancelToken: both.token, signal });
  await pause(20);
  both.cancel();
  await assert.rejects(second, (error) => !(error instanceof LatchError));
  // Nobody listens to it any more.
  const used = axios.CancelToken.source();
  await latch.login(grant());
  await instance.get("/x", { cancelToken: used.token, adapter: async (config) => ({ status: 200, headers: {}, config, data: "" }) });
  assert.equal((used.token._listeners || []).length, 0);
});

test("a ticket is taken out of the address, and the rest stays as it is written", async (t) => {
  let address;
  withGlobals(t, {
    location: { href: `${API}/page?q=a%20b&flag&ticket=t1&x=1#part` },
    history: { state: 5, replaceState: (state, title, url) => (address = [state, `${url}`]) },
  });
  const latch = newLatch(t, { allow: [API] });
  assert.equal(await redeem(latch, async (ticket) => ({ ...grant(), access_token: ticket })), "Ready");
  assert.deepEqual(address, [5, `${API}/page?q=a%20b&flag&x=1#part`]);
});
