// What an application may say in its options, in another form than the usual one, or forget.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import axios from "axios";
import { attach } from "../dist/axios.js";
import { createLatch, LatchError } from "../dist/index.js";
import { createLatch as createMiniLatch } from "../dist/mini.js";
import { memoryStore } from "../dist/stores.js";
import { createWorld } from "./fake-wx.mjs";
import { listen, withIssuer } from "./http.mjs";

const API = "https://api.test";

const login = (code) => ({ url: `${API}/login`, method: "POST", data: { code } });

const page = (t, options) => {
  const latch = createLatch({ store: undefined, ...options });
  t.after(latch.destroy);
  return latch;
};

test("an origin may be written as any address of it, and must be one", (t) => {
  for (const allow of [[API], [`${API}/`], [`${API}/v1?x`], ["HTTPS://API.test:443"], API]) {
    const latch = page(t, { allow });
    assert.ok(latch.allows(`${API}/orders`), `${allow}`);
    for (const other of ["https://api.test.evil/", "http://api.test/", "https://api.tes/"]) assert.ok(!latch.allows(other), other);
  }
  for (const allow of [["api.test"], ["/"], undefined]) assert.throws(() => page(t, { allow }).allows(API), TypeError);
});

test("a mini-program's origin may end with a slash, and covers its sockets", async () => {
  for (const allow of [[API], [`${API}/`], [`${API}/v1/login?x`], ["HTTPS://API.test:443"], API]) {
    const world = createWorld(1);
    const latch = createMiniLatch(world.wx, { allow, login });
    let status;
    latch.request({ url: `${API}/orders`, success: ({ statusCode }) => (status = statusCode) });
    latch.connectSocket({ url: API.replace("https", "wss") });
    await world.pass(1000);
    assert.deepEqual([status, world.server.unauthenticated], [200, 0], `${allow}`);
    assert.match(world.trace.find((line) => /connect/.test(line)), /Bearer/);
    latch.destroy();
    world.end();
  }
});

test("what is no whole address can't be allowed in a mini-program", (t) => {
  const world = createWorld(1);
  t.after(world.end);
  for (const allow of [["api.test"], ["/"], ["ftp://api.test"]])
    assert.throws(() => createMiniLatch(world.wx, { allow, login }), { name: "LatchError", cause: -1 }, `${allow}`);
});

test("token requests go by a `fetch` that wants to be called alone, and say no client that there is none of", async (t) => {
  const sent = [];
  const alone = async function (url, { body }) {
    if (this !== undefined) throw new TypeError("Illegal invocation");
    sent.push(`${body}`);
    return new Response(JSON.stringify({ access_token: "a2", refresh_token: "r2", expires_in: 60 }));
  };
  const latch = page(t, { allow: [API], tokenEndpoint: `${API}/token`, revocationEndpoint: `${API}/revoke`, fetch: alone, refresh: undefined, revoke: undefined });
  await latch.login({ access_token: "a1", refresh_token: "r1", expires_in: 3600 });
  latch.renew();
  await latch.ready();
  latch.logout();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(sent, ["grant_type=refresh_token&refresh_token=r1", "token=r2"]);
});

test("an option that is undefined is one that is not given", async (t) => {
  const url = await listen(t, (request, response) => response.end(request.headers.authorization));
  const latch = page(t, { allow: [url], fetch: undefined });
  await latch.login({ access_token: "a1", expires_in: 3600 });
  assert.equal(await (await latch.fetch(url)).text(), "Bearer a1");
});

test("a cookie session sends cookies to what is allowed, unless the caller said otherwise", async (t) => {
  const sent = [];
  const referred = [];
  const fetch = async (request) => (sent.push(request.credentials), referred.push(request.referrerPolicy), new Response("{}"));
  const latch = page(t, { allow: [API], cookie: true, probe: async () => new Response(""), fetch });
  await latch.login(async () => new Response(""));
  await latch.fetch(`${API}/orders`, { referrerPolicy: "no-referrer" });
  assert.deepEqual(referred, ["no-referrer"]);
  await latch.fetch(new Request(`${API}/orders`, { method: "POST", body: "x" }));
  await latch.fetch(`${API}/orders`, { credentials: "same-origin" });
  await latch.fetch(new Request(`${API}/orders`, { credentials: "omit" }));
  await latch.fetch(`${API}/orders`, { public: true });
  await latch.fetch("https://other.test/orders");
  assert.deepEqual(sent, ["include", "include", "same-origin", "omit", "same-origin", "same-origin"]);
});

test("a login that fails leaves the server's answer to be read", async (t) => {
  const latch = page(t, { allow: [API] });
  const answer = async () => new Response(JSON.stringify({ error: "invalid_grant", error_description: "wrong password" }), { status: 400 });
  const failed = await latch.login(answer).catch((error) => error);
  assert.equal((await failed.response.json()).error_description, "wrong password");
});

test("a parsed body may have a field of any name", async (t) => {
  const latch = page(t, { allow: [API] });
  assert.equal(await latch.login({ access_token: "a1", expires_in: 60, text: "welcome" }), "Ready");
});

test("without a store there is no lease, and none is asked for", async (t) => {
  const latch = page(t, { allow: [API], lease: () => assert.fail("a lease"), refresh: () => ({ access_token: "a2", expires_in: 60 }) });
  await latch.login({ access_token: "a1", refresh_token: "r1", expires_in: 3600 });
  latch.renew();
  await latch.ready();
  assert.equal(latch.state, "Ready");
});

test("a refresh token for which there is no endpoint goes nowhere", async (t) => {
  const sent = [];
  const needed = [];
  const latch = page(t, { allow: [API], fetch: (...args) => sent.push(args), onLoginRequired: (cause) => needed.push(cause) });
  await latch.login({ access_token: "a1", refresh_token: "r1", expires_in: 1 });
  latch.renew();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual([sent, latch.state, needed], [[], "Expired", [1, 14]]);
});

test("a request is aborted with any reason", async (t) => {
  for (const reason of ["why", Object.freeze(new Error("frozen")), 0, null]) {
    const latch = page(t, { allow: [API] });
    const abort = new AbortController();
    const waiting = latch.fetch(API, { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await assert.rejects(latch.fetch(API, { signal: abort.signal }), (error) => error === reason);
  }
});

test("a login in whose place another one began says so", async (t) => {
  const latch = page(t, { allow: [API] });
  let answer;
  const first = latch.login(() => new Promise((resolve) => (answer = resolve)));
  const second = latch.login({ access_token: "b1", expires_in: 60 });
  await second;
  answer({ access_token: "a1", expires_in: 60 });
  await assert.rejects(first, (error) => error instanceof LatchError && error.cause === 103);
});

test("without Web Locks and IndexedDB a store of one's own is not shared", async (t) => {
  const { navigator } = globalThis;
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  t.after(() => Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true }));
  const latch = createLatch({ allow: [API], store: memoryStore(), refresh: () => ({ access_token: "a2", expires_in: 60 }) });
  await latch.login({ access_token: "a1", refresh_token: "r1", expires_in: 3600 });
  latch.renew();
  await latch.ready();
  assert.equal(latch.state, "Ready");
  latch.destroy();
});

test("axios's answer is seen as it will be given", async (t) => {
  const url = await listen(t, (request, response) => response.end(JSON.stringify({ code: request.headers.authorization === "Bearer a1" ? 401 : 0 })));
  const [latch, issue] = withIssuer(t, url, { isAuthFailure: ({ data }) => data.code === 401 });
  await latch.login(issue);
  // Accepted before, so that the refusal starts a renewal.
  await latch.request(async () => ({ status: 200, headers: new Headers(), text: async () => "", data: {} }));
  const instance = axios.create({ baseURL: url });
  const detach = attach(latch, instance, axios);
  const { data } = await instance.get("/orders");
  assert.deepEqual(data, { code: 0 });
  detach();
});

test("an error in a callback of a mini-program is the application's, and the others are called", () => {
  const program = `
    import { createLatch } from "./dist/mini.js";
    import { createWorld } from "./test/fake-wx.mjs";
    const world = createWorld(1);
    const latch = createLatch(world.wx, { allow: ["${API}"], login: (code) => ({ url: "${API}/login", method: "POST", data: { code } }) });
    process.on("unhandledRejection", ({ message }) => console.log(message));
    const success = () => { throw new Error("mine"); };
    latch.request({ url: "${API}/orders", success, complete: () => console.log("complete") });
    await world.pass(1000);
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8" });
  assert.deepEqual(said.trim().split("\n").sort(), ["complete", "mine"]);
});

test("what a mini-program's request gives without callbacks can be caught and ended", async (t) => {
  const world = createWorld(1);
  const latch = createMiniLatch(world.wx, { allow: [API], login });
  t.after(() => (latch.destroy(), world.end()));
  let ended = 0;
  latch.request({ url: `${API}/orders` }).catch(() => {}).finally(() => ended++);
  await world.pass(1000);
  assert.equal(ended, 1);
});

test("a ticket stands before the part of an address that the server does not see", async (t) => {
  const world = createWorld(1);
  const latch = createMiniLatch(world.wx, {});
  t.after(() => (latch.destroy(), world.end()));
  const issue = async () => "one";
  assert.equal(await latch.webView("https://h5.test/p#/home?x=1", issue), "https://h5.test/p?ticket=one#/home?x=1");
  assert.equal(await latch.webView("https://h5.test/p?a=b#/home", issue), "https://h5.test/p?a=b&ticket=one#/home");
});
