// `fetch` and axios against the embedded server on loopback, which rotates its refresh tokens and ends the session when a
// used one comes back.

import assert from "node:assert/strict";
import { test } from "node:test";
import axios from "axios";
import { attach } from "../dist/axios.js";
import { api, listen, login, newLatch, serve, withIssuer } from "./http.mjs";

test("a burst before the login, and one on a revoked token, against the server", async (t) => {
  const server = await serve(t);
  const latch = newLatch(t, server);
  const early = Array.from({ length: 5 }, () => latch.fetch(`${server.base_url}/api/orders`));
  assert.equal(await login(latch, server), "Ready");
  for (const response of early) assert.equal((await response).status, 200);
  await server.order({ do: "revoke_all_access_tokens" });
  const burst = await Promise.all(Array.from({ length: 10 }, () => latch.fetch(`${server.base_url}/api/orders`)));
  assert.deepEqual(burst.map(({ status }) => status), Array(10).fill(200));
  const { refreshes_ok, replayed } = await server.counters();
  assert.deepEqual([refreshes_ok, replayed], [1, 0]);
  latch.logout();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await assert.rejects(latch.fetch(`${server.base_url}/api/orders`, { signal: AbortSignal.timeout(50) }));
});

test("bodies that can be read again are sent again", async (t) => {
  const form = () => {
    const data = new FormData();
    data.set("a", "b");
    return data;
  };
  const bodies = ["text", new URLSearchParams("a=b"), new Blob(["blob"]), new TextEncoder().encode("bytes"), form()];
  for (const body of bodies) {
    const { url, seen } = await api(t, (token) => token === "Bearer a1");
    const [latch, issue] = withIssuer(t, url);
    await latch.login(issue);
    // Accepted before, so that the 401 starts a renewal.
    const response = await latch.fetch(`${url}/x`, { method: "POST", body });
    assert.equal(response.status, 401);
    assert.equal(seen.length, 2);
    assert.equal(seen[0][2].replace(/-+[^\s]*/g, ""), seen[1][2].replace(/-+[^\s]*/g, ""));
    assert.ok(seen[1][2].length > 0);
  }
});

test("a Request object with a body is sent again", async (t) => {
  const { url, seen } = await api(t, (token, n) => n === 1);
  const [latch, issue] = withIssuer(t, url);
  await latch.login(issue);
  const request = new Request(url, { method: "PUT", body: "whole", headers: { "x-mine": "1" } });
  const response = await latch.fetch(request);
  assert.equal(await response.text(), "whole");
  assert.deepEqual(seen.map(([, , body]) => body), ["whole", "whole"]);
});

test("a stream is sent once, and a refusal says that it can't be sent again", async (t) => {
  const { url, seen } = await api(t, () => true);
  const [latch, issue] = withIssuer(t, url);
  await latch.login(issue);
  const body = new Blob(["stream"]).stream();
  await assert.rejects(latch.fetch(url, { method: "POST", body, duplex: "half" }), (error) => error.cause === 101 && error.response.status === 401);
  assert.equal(seen.length, 1);
  assert.equal(seen[0][2], "stream");
});

test("a token goes to allowed origins only, and not with a public request", async (t) => {
  const { url, seen } = await api(t);
  const other = await api(t);
  const [latch, issue] = withIssuer(t, url);
  await latch.login(issue);
  await latch.fetch(url);
  await latch.fetch(url, { public: true });
  await latch.fetch(other.url);
  assert.deepEqual(seen.map(([, token]) => token), ["Bearer a1", undefined]);
  assert.deepEqual(other.seen.map(([, token]) => token), [undefined]);
});

test("a redirect that drops the token is told, and starts no renewal", async (t) => {
  const far = await api(t, (token) => !token);
  const near = await listen(t, (request, response) => {
    response.writeHead(302, { location: far.url });
    response.end();
  });
  let refreshes = 0;
  const [latch, issue] = withIssuer(t, near, { refresh: async () => (refreshes++, issue()) });
  await latch.login(issue);
  const response = await latch.fetch(near);
  assert.equal(response.status, 401);
  assert.equal(latch.why(response), 100);
  assert.equal(refreshes, 0);
});

test("the header and the scheme are as configured", async (t) => {
  const seen = [];
  const url = await listen(t, (request, response) => {
    seen.push([request.headers["x-token"], request.headers.authorization]);
    response.end();
  });
  const [latch, issue] = withIssuer(t, url, { header: "X-Token", scheme: "" });
  await latch.login(issue);
  await latch.fetch(url);
  assert.deepEqual(seen, [["a1", undefined]]);
});

test("aborting a request that waits sends nothing", async (t) => {
  const { url, seen } = await api(t);
  const [latch, issue] = withIssuer(t, url);
  const abort = new AbortController();
  const waiting = latch.fetch(url, { signal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await latch.login(issue);
  assert.deepEqual(seen, []);
});

test("a cookie session is ready when a probe says so", async (t) => {
  let signedIn = false;
  let probes = 0;
  const url = await listen(t, (request, response) => {
    if (request.url === "/login") signedIn = true;
    if (request.url === "/me") probes++;
    response.statusCode = signedIn ? 200 : 401;
    response.end();
  });
  const latch = newLatch(t, { origin: url }, { cookie: true, store: undefined, probe: () => fetch(`${url}/me`), revoke: () => (signedIn = false) });
  // The first probe finds nobody.
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(latch.state, "Unauthenticated");
  const early = latch.fetch(`${url}/orders`);
  await latch.login(() => fetch(`${url}/login`));
  assert.equal((await early).status, 200);
  assert.ok(probes > 0);
  latch.logout();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(signedIn, false);
});

test("axios: gated, sent again, and its own errors stay its own", async (t) => {
  const { url, seen } = await api(t, (token, n) => n === 2);
  const [latch, issue] = withIssuer(t, url);
  const instance = axios.create({ baseURL: url, headers: { "x-mine": "1" } });
  const detach = attach(latch, instance, axios);
  const early = instance.get("/early");
  await latch.login(issue);
  assert.equal((await early).status, 200);
  const response = await instance.post("/orders", { a: 1 });
  assert.deepEqual(response.data, { a: 1 });
  assert.deepEqual(seen.map(([method, token]) => `${method} ${token}`), ["GET Bearer a1", "POST Bearer a1", "POST Bearer a2"]);
  await instance.get("/open", { public: true });
  assert.equal(seen.at(-1)[1], undefined);
  latch.logout();
  await assert.rejects(instance.get("/late", { signal: AbortSignal.timeout(20) }));
  detach();
  await instance.get("/detached");
  assert.equal(seen.at(-1)[1], undefined);
});

test("axios: a 401 that stays one is axios's own error, with the reason", async (t) => {
  const { url } = await api(t, () => true);
  const [latch, issue] = withIssuer(t, url);
  const instance = axios.create({ baseURL: url });
  attach(latch, instance, axios);
  await latch.login(issue);
  await assert.rejects(instance.get("/x"), (error) => error.isAxiosError && error.response.status === 401 && latch.why(error) === 15);
});
