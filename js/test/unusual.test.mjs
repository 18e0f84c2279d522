// Answers in unusual forms, which mean the same as the usual ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import axios from "axios";
import ky1 from "ky";
import ky2 from "ky2";
import { createLatch } from "../dist/index.js";
import { BACKOFF_BASE_MS, BACKOFF_CAP_MS, CONFIRMATION, FRESH_WINDOW_MS, REQUIRE_CHALLENGE, REUSE_GRACE_MS } from "../dist/config.js";
import { listen } from "./http.mjs";

const API = "https://api.test";
const QUICK = { [REUSE_GRACE_MS]: 0, [BACKOFF_BASE_MS]: 50, [BACKOFF_CAP_MS]: 100, [FRESH_WINDOW_MS]: 0 };

const newLatch = (t, options) => {
  const latch = createLatch({ store: undefined, allow: [API], ...options, tune: { ...QUICK, ...options.tune } });
  t.after(latch.destroy);
  return latch;
};

const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** A latch that is signed in, and renews by `refresh`; how often it did, and why it wants a login. */
const renewing = async (t, refresh, options = {}) => {
  const seen = { refreshes: 0, needed: [] };
  const latch = newLatch(t, {
    refresh: (...args) => (seen.refreshes++, refresh(...args)),
    onLoginRequired: (cause) => seen.needed.push(cause),
    ...options,
  });
  await latch.login({ access_token: "a1", refresh_token: "r1", expires_in: 3600, ...options.grant });
  seen.needed.length = 0;
  return { latch, seen };
};

const refusal = (challenge) => new Response("{}", { status: 401, headers: { "www-authenticate": challenge } });

/** A request that needs a renewal ends so. */
const endsWith = async (latch, cause) => {
  await latch.request(() => new Response("{}"));
  await assert.rejects(latch.request(() => refusal("Bearer")), { name: "LatchError", cause });
};

test("an answer that breaks off has arrived: a refresh token is not sent again", async (t) => {
  const url = await listen(t, (request, response) => {
    response.writeHead(200, { "content-length": 200 });
    response.write('{"access_token":"new","refresh_token":"r2');
    setTimeout(() => response.destroy(), 20);
  });
  for (const refresh of [
    () => fetch(url),
    () => fetch(url, { method: "POST" }).then(async (response) => (await response.text().catch(() => {}), response)),
    () => ({ access_token: "a2", refresh_token: "\ud83d", expires_in: 60 }),
  ]) {
    const { latch, seen } = await renewing(t, refresh);
    latch.renew();
    await wait(500);
    assert.deepEqual([seen.refreshes, seen.needed], [1, [11]]);
  }
});

test("a client that rejects with the server's answer gives one all the same", async (t) => {
  const url = await listen(t, (request, response) => {
    response.statusCode = 400;
    response.setHeader("content-type", "application/json");
    response.end('{"error":"invalid_grant"}');
  });
  // As superagent rejects.
  const other = async () => {
    throw Object.assign(new Error("Bad Request"), { response: { status: 400, headers: {}, text: '{"error":"invalid_grant"}', body: {} } });
  };
  for (const refresh of [
    () => axios.post(url).then(({ data }) => data),
    () => ky1.post(url, { retry: 0 }).json(),
    () => ky2.post(url, { retry: 0 }).json(),
    other,
  ]) {
    const { latch, seen } = await renewing(t, refresh);
    await endsWith(latch, 10);
    assert.equal(seen.refreshes, 1);
  }
});

test("a client that rejects with an outage ends no session", async (t) => {
  const outage = async () => {
    throw Object.assign(new Error("Unavailable"), { response: { status: 503, headers: {}, text: "", body: {} } });
  };
  const { latch, seen } = await renewing(t, outage);
  latch.renew();
  await wait(500);
  assert.ok(seen.refreshes > 1);
  assert.deepEqual(seen.needed, []);
});

test("a probe that a client rejects with a 401 was refused", async (t) => {
  const url = await listen(t, (request, response) => ((response.statusCode = 401), response.end()));
  const needed = [];
  const latch = newLatch(t, { cookie: true, probe: () => axios.get(url), onLoginRequired: (cause) => needed.push(cause) });
  await wait(200);
  assert.equal(latch.state, "Unauthenticated");
  assert.deepEqual(needed, [1]);
});

test("what means that a session is over, by GitHub", async (t) => {
  const { latch, seen } = await renewing(t, () => new Response('{"error":"bad_refresh_token"}'));
  await endsWith(latch, 10);
  assert.equal(seen.refreshes, 1);
});

test("a challenge of the application's own scheme is one of its token", async (t) => {
  for (const [scheme, challenge] of [
    ["Token", "Token"],
    ["Token", 'Token realm="api"'],
    ["JWT", 'Basic realm="x", JWT realm="api"'],
    ["x.y", 'X.Y realm="api"'],
  ]) {
    const { latch, seen } = await renewing(t, () => ({ access_token: "a2", expires_in: 3600 }), { scheme });
    const send = ({ headers }) => (headers.Authorization === `${scheme} a2` ? new Response("{}") : refusal(challenge));
    await latch.request(() => new Response("{}"));
    assert.equal((await latch.request(send)).status, 200, challenge);
    assert.equal(seen.refreshes, 1);
  }
});

test("another scheme's challenge stays one, unless the application says what the answer means", async (t) => {
  const send = ({ headers }) => (headers.Authorization === "Bearer a2" ? new Response("{}") : refusal('Basic realm="nginx"'));
  for (const [options, status] of [
    [{}, 401],
    [{ isAuthFailure: ({ status }) => status === 401 }, 200],
    [{ isAuthFailure: ({ status }) => status === 401, tune: { [REQUIRE_CHALLENGE]: 1 } }, 200],
  ]) {
    const { latch } = await renewing(t, () => ({ access_token: "a2", expires_in: 3600 }), options);
    await latch.request(() => new Response("{}"));
    assert.equal((await latch.request(send)).status, status);
  }
});

test("an answer that the application can't read is what its status says", async (t) => {
  const isAuthFailure = async (response) => (await response.json()).code === 401;
  const { latch, seen } = await renewing(t, () => ({ access_token: "a2", expires_in: 3600 }), { isAuthFailure });
  const send = (status, challenge) => ({ headers }) =>
    headers.Authorization === "Bearer a2" ? new Response("{}") : new Response(status === 204 ? null : "", { status, headers: challenge });
  for (const status of [204, 502]) assert.equal((await latch.request(send(status))).status, status);
  assert.equal(seen.refreshes, 0);
  assert.equal((await latch.request(send(401, { "www-authenticate": "Bearer" }))).status, 200);
  assert.equal(seen.refreshes, 1);
  const throws = await renewing(t, () => ({ access_token: "a2", expires_in: 3600 }), { isAuthFailure: ({ data }) => data.code === 401 });
  assert.equal((await throws.latch.request(send(502))).status, 502);
});

test("a refusal behind a redirect to another origin is none, whatever the application says of it", async (t) => {
  const fetch = async () => Object.defineProperties(refusal("Bearer"), { redirected: { value: true }, url: { value: "https://other.test/" } });
  const { latch, seen } = await renewing(t, () => ({ access_token: "a2", expires_in: 3600 }), { fetch, isAuthFailure: ({ status }) => status === 401 });
  const response = await latch.fetch(`${API}/orders`);
  assert.deepEqual([response.status, seen.refreshes, latch.why(response)], [401, 0, 100]);
});

test("a gated fetch rejects where fetch does", async (t) => {
  const latch = newLatch(t, {});
  await assert.rejects(latch.fetch("http://["), TypeError);
});

test("a probe has the token's own scheme", async (t) => {
  const seen = [];
  const latch = newLatch(t, {
    tune: { [CONFIRMATION]: 3 },
    probe: async ({ Authorization }) => (seen.push(Authorization), new Response("", { status: Authorization === "DPoP a1" ? 200 : 401 })),
  });
  assert.equal(await latch.login({ access_token: "a1", token_type: "DPoP", expires_in: 3600 }), "Ready");
  assert.deepEqual(seen, ["DPoP a1"]);
});

test("a time to wait is the server's, however it is told", async (t) => {
  const ago = (seconds) => new Date(Date.now() - seconds * 1000).toUTCString();
  for (const headers of [
    // By a clock that is five minutes behind.
    { "retry-after": ago(240), date: ago(300) },
    { "retry-after": "4294967296" },
    { "retry-after": "99999999999" },
    { "retry-after": "Tue, 01 Jan 2199 00:00:00 GMT" },
  ]) {
    const { latch, seen } = await renewing(t, () => new Response("{}", { status: 429, headers }));
    latch.renew();
    await wait(500);
    assert.equal(seen.refreshes, 1, JSON.stringify(headers));
  }
});

test("a server whose clock stands before 1970 tells no time", async (t) => {
  const latch = newLatch(t, {});
  const grant = JSON.stringify({ access_token: "a1", expires_in: 60 });
  assert.equal(await latch.login(new Response(grant, { headers: { date: "Wed, 31 Dec 1969 23:59:59 GMT" } })), "Ready");
});

test("a number that is too long for JavaScript is nobody", async (t) => {
  const latch = newLatch(t, { shape: { subject: "id" } });
  await latch.login(new Response('{"access_token":"a1","id":1790000000000000001}'));
  assert.equal(latch.subject, undefined);
  await latch.login(new Response('{"access_token":"a1","id":179}'));
  assert.equal(latch.subject, "179");
});

test("a result code of 0 is no error, where no other is a success", async (t) => {
  const latch = newLatch(t, { shape: { error: "errcode" } });
  assert.equal(await latch.login({ errcode: 0, errmsg: "ok", access_token: "a1", expires_in: 7200 }), "Ready");
});
