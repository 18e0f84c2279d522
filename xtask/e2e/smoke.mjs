// The provider does what the end-to-end run relies on. Run with `node --test smoke.mjs`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const TTL = 2;
const script = fileURLToPath(new URL("provider.mjs", import.meta.url));

let child;
let lines;
let at;

async function token(parameters, secret) {
  const headers = {};
  const body = new URLSearchParams(parameters);
  if (secret) {
    headers.authorization = `Basic ${Buffer.from(`${at.client_id}:${secret}`).toString("base64")}`;
  } else {
    body.set("client_id", at.public_client_id);
  }
  const response = await fetch(at.token_endpoint, { method: "POST", headers, body });
  return { status: response.status, ...(await response.json()) };
}

const refresh = (refresh_token, secret) =>
  token({ grant_type: "refresh_token", refresh_token }, secret);

async function get(url, bearer) {
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return { status: response.status, challenge: response.headers.get("www-authenticate") };
}

const stats = async () => (await fetch(`${at.issuer}/stats`)).json();

describe("provider", { timeout: 60_000 }, () => {
  before(async () => {
    const args = [script, "--ttl", String(TTL), "--refresh-tokens", "2", "--max-seconds", "60"];
    child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    at = JSON.parse((await lines.next()).value);
  });

  after(() => child.kill());

  test("listens on loopback only", () => {
    assert.equal(new URL(at.issuer).hostname, "127.0.0.1");
  });

  test("a request without a token is told no error code", async () => {
    const seen = await get(`${at.api}a`);
    assert.equal(seen.status, 401);
    assert.match(seen.challenge, /^Bearer/);
    assert.doesNotMatch(seen.challenge, /error=/);
  });

  test("an unknown token is invalid_token", async () => {
    const seen = await get(`${at.api}a`, "unknown");
    assert.equal(seen.status, 401);
    assert.match(seen.challenge, /error="invalid_token"/);
  });

  test("each refresh rotates, for a secret and for a public client", async () => {
    const starts = [
      [at.refresh_tokens[0], at.client_secret],
      [at.public_refresh_tokens[0], undefined],
    ];
    for (const [first, secret] of starts) {
      let current = first;
      for (let i = 0; i < 3; i += 1) {
        const granted = await refresh(current, secret);
        assert.equal(granted.status, 200);
        assert.equal(granted.expires_in, TTL);
        assert.notEqual(granted.refresh_token, current);
        assert.equal((await get(`${at.api}a`, granted.access_token)).status, 200);
        assert.equal((await get(at.userinfo_endpoint, granted.access_token)).status, 200);
        current = granted.refresh_token;
      }
    }
    const { grants } = await stats();
    for (const grant of grants.slice(0, 2)) {
      assert.equal(grant.refreshes, 3);
      assert.equal(grant.consumed, 3);
      assert.equal(grant.saved, 3);
      assert.equal(grant.rotations, 3);
      assert.equal(grant.api.answered, 3);
    }
  });

  test("an access token expires when it says", async () => {
    const granted = await token({ grant_type: "client_credentials" }, at.client_secret);
    const received = performance.now();
    assert.equal(granted.expires_in, TTL);
    assert.equal(granted.refresh_token, undefined);
    while (performance.now() - received < TTL * 1000 - 300) {
      assert.equal((await get(`${at.api}a`, granted.access_token)).status, 200);
      await sleep(100);
    }
    await sleep(400);
    assert.equal((await get(`${at.api}a`, granted.access_token)).status, 401);
    const seen = (await stats()).client_credentials;
    assert.equal(seen.granted, 1);
    assert.equal(seen.api.expired_token, 1);
  });

  test("a refresh token used twice ends the grant, and is counted", async () => {
    const first = at.refresh_tokens[1];
    const granted = await refresh(first, at.client_secret);
    const again = await refresh(first, at.client_secret);
    assert.equal(again.status, 400);
    assert.equal(again.error, "invalid_grant");
    assert.equal((await refresh(granted.refresh_token, at.client_secret)).error, "invalid_grant");
    assert.equal((await get(`${at.api}a`, granted.access_token)).status, 401);
    const seen = await stats();
    assert.equal(seen.total.revoked, 1);
    assert.equal(seen.total.invalid_grant, 2);
    assert.equal(seen.grants[2].invalid_grant, 2);
    assert.equal(seen.grants[2].revoked, 1);
  });

  test("ends with its counts when its input closes", async () => {
    const expected = await stats();
    const exited = once(child, "exit");
    child.stdin.end();
    assert.deepEqual(JSON.parse((await lines.next()).value), expected);
    assert.deepEqual(await exited, [0, null]);
  });
});
