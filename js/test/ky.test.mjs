// ky, by its `fetch` option and by its hooks, against servers on loopback.

import assert from "node:assert/strict";
import { test } from "node:test";
import ky1 from "ky";
import ky2 from "ky2";
import { hooks } from "../dist/ky.js";
import { api, listen, login, newLatch, serve, withIssuer } from "./http.mjs";

test("ky 1: through its own fetch option", async (t) => {
  const { url, seen } = await api(t, (token, n) => n === 2);
  const [latch, issue] = withIssuer(t, url);
  const client = ky1.create({ prefixUrl: url, fetch: latch.fetch, retry: 0 });
  const early = client.get("early").text();
  await latch.login(issue);
  await early;
  assert.deepEqual(await client.post("orders", { json: { a: 1 } }).json(), { a: 1 });
  assert.deepEqual(seen.map(([, token]) => token), ["Bearer a1", "Bearer a1", "Bearer a2"]);
});

// Their hooks are called in different ways, and the base of a relative address has two names.
for (const [name, ky, base] of [
  ["ky 1", ky1, "prefixUrl"],
  ["ky 2", ky2, "prefix"],
]) {
  test(`${name}'s hooks: a burst before the login, and one on a revoked token, against the server`, async (t) => {
    const server = await serve(t);
    const latch = newLatch(t, server);
    const client = ky.create({ [base]: `${server.base_url}/api`, hooks: hooks(latch), retry: 0 });
    const early = Array.from({ length: 5 }, () => client.get("orders"));
    assert.equal(await login(latch, server), "Ready");
    for (const response of early) assert.equal((await response).status, 200);
    await server.order({ do: "revoke_all_access_tokens" });
    const burst = await Promise.all(Array.from({ length: 10 }, () => client.get("orders")));
    assert.deepEqual(burst.map(({ status }) => status), Array(10).fill(200));
    const { refreshes_ok, replayed } = await server.counters();
    assert.deepEqual([refreshes_ok, replayed], [1, 0]);
  });

  test(`${name}'s hooks: bodies are sent again, and the other hooks see each answer once`, async (t) => {
    const { url, seen } = await api(t, (token, n) => n === 2);
    const [latch, issue] = withIssuer(t, url);
    await latch.login(issue);
    const statuses = [];
    const note = (first, options, response = first.response) => void statuses.push(response.status);
    const client = ky.create({ [base]: url, retry: 0, hooks: { afterResponse: [note] } }).extend({ hooks: hooks(latch) });
    // Accepted before, so that the 401 starts a renewal.
    await client.get("warm");
    assert.deepEqual(await client.post("orders", { json: { a: 1 } }).json(), { a: 1 });
    const form = new FormData();
    form.set("a", "b");
    assert.match(await client.post("orders", { body: form }).text(), /name="a"/);
    assert.deepEqual(seen.map(([, token]) => token), ["Bearer a1", "Bearer a1", "Bearer a2", "Bearer a2"]);
    assert.equal(seen[1][2], seen[2][2]);
    assert.deepEqual(statuses, [200, 401, 200]);
  });

  test(`${name}'s hooks: no token for a public request, nor for another origin`, async (t) => {
    const { url, seen } = await api(t);
    const other = await api(t);
    const [latch, issue] = withIssuer(t, url);
    const client = ky.create({ hooks: hooks(latch), retry: 0 });
    // Nobody is signed in: this would wait.
    await client.get(url, { context: { public: true } });
    await client.get(other.url);
    await latch.login(issue);
    await client.get(url);
    assert.deepEqual(seen.map(([, token]) => token), [undefined, "Bearer a1"]);
    assert.deepEqual(other.seen.map(([, token]) => token), [undefined]);
  });

  test(`${name}'s hooks: a 401 that stays one is ky's own error, with the reason`, async (t) => {
    const { url, seen } = await api(t, () => true);
    const [latch, issue] = withIssuer(t, url);
    const client = ky.create({ hooks: hooks(latch), retry: 0 });
    await latch.login(issue);
    await assert.rejects(client.get(url), (error) => error.name === "HTTPError" && error.response.status === 401 && latch.why(error) === 15);
    assert.equal(seen.length, 2);
  });

  test(`${name}'s hooks: waiting takes nothing from the timeout, and a sending that hangs ends by it`, async (t) => {
    let hang = false;
    const url = await listen(t, (request, response) => void (hang || response.end("done")));
    const [latch, issue] = withIssuer(t, url);
    const client = ky.create({ hooks: hooks(latch, { timeout: 300 }), retry: 0, timeout: 300 });
    const early = client.get(url).text();
    await new Promise((resolve) => setTimeout(resolve, 600));
    await latch.login(issue);
    assert.equal(await early, "done");
    hang = true;
    await assert.rejects(client.get(url), { name: "TimeoutError" });
  });

  test(`${name}'s hooks: aborting a request that waits sends nothing`, async (t) => {
    const { url, seen } = await api(t);
    const [latch, issue] = withIssuer(t, url);
    const abort = new AbortController();
    const waiting = ky.create({ hooks: hooks(latch), retry: 0 }).get(url, { signal: abort.signal });
    abort.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    await latch.login(issue);
    assert.deepEqual(seen, []);
  });

  test(`${name}'s hooks: a body that is sent again has the headers of later hooks`, async (t) => {
    const seen = [];
    const url = await listen(t, (request, response) => {
      const { authorization, "x-sign": sign } = request.headers;
      seen.push([authorization, sign]);
      response.writeHead(seen.length === 2 ? 401 : 200);
      request.pipe(response);
    });
    const [latch, issue] = withIssuer(t, url);
    await latch.login(issue);
    const sign = (first) => void (first.request || first).headers.set("x-sign", "me");
    const client = ky.create({ [base]: url, retry: 0, hooks: hooks(latch) }).extend({ hooks: { beforeRequest: [sign] } });
    await client.get("warm");
    assert.deepEqual(await client.post("orders", { json: { a: 1 } }).json(), { a: 1 });
    assert.deepEqual(seen, [["Bearer a1", "me"], ["Bearer a1", "me"], ["Bearer a2", "me"]]);
  });

  test(`${name}'s hooks: what it sends again by itself waits for a permit too`, async (t) => {
    const seen = [];
    const url = await listen(t, ({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(503).end();
    });
    const [latch, issue] = withIssuer(t, url);
    await latch.login(issue);
    const client = ky.create({ hooks: hooks(latch), retry: { limit: 2, delay: () => 100 } });
    await assert.rejects(client.get(url), { name: "HTTPError" });
    assert.deepEqual(seen.splice(0), Array(3).fill("Bearer a1"));
    const leaving = new AbortController();
    const answer = client.get(url, { signal: leaving.signal });
    while (!seen.length) await new Promise((resolve) => setTimeout(resolve, 5));
    await latch.logout();
    await new Promise((resolve) => setTimeout(resolve, 300));
    leaving.abort();
    await assert.rejects(answer);
    assert.deepEqual(seen, ["Bearer a1"]);
  });

  test(`${name}'s hooks: an answer of 200 that means 401 is sent again`, async (t) => {
    let calls = 0;
    const url = await listen(t, (request, response) => response.end(JSON.stringify({ code: ++calls < 2 ? 401 : 0 })));
    const [latch, issue] = withIssuer(t, url, { isAuthFailure: async (response) => (await response.json()).code === 401 });
    await latch.login(issue);
    assert.deepEqual(await ky.create({ hooks: hooks(latch), retry: 0 }).get(url).json(), { code: 0 });
  });
}
