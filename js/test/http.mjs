// Servers on loopback, and latches for them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createLatch } from "../dist/index.js";
import { memoryStore } from "../dist/stores.js";

const PROGRAM = process.env.TESTSERVER;

export const serve = async (t, ...args) => {
  if (!PROGRAM) throw new Error("TESTSERVER is not set: run `cargo xtask js test`");
  const child = spawn(PROGRAM, ["--latency-ms", "10", "--access-ttl-ms", "60000", ...args], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.stdin.end());
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line");
  const about = JSON.parse(line);
  const order = (what) =>
    fetch(about.control_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(what) });
  const counters = async () => (await fetch(about.control_endpoint)).json();
  return { ...about, order, counters, origin: new URL(about.base_url).origin };
};

export const newLatch = (t, server, options = {}) => {
  const latch = createLatch({
    store: memoryStore(),
    lease: undefined,
    allow: [server.origin],
    tokenEndpoint: server.token_endpoint,
    revocationEndpoint: server.revocation_endpoint,
    clientId: "native-app",
    ...options,
  });
  t.after(latch.destroy);
  return latch;
};

export const login = (latch, server) =>
  latch.login(() =>
    fetch(server.token_endpoint, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "password", username: "alice", password: "wonderland", client_id: "native-app" }),
    }),
  );

/** An HTTP server of one function. */
export const listen = async (t, handle) => {
  const server = createServer(handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
};

const read = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
};

/** An API that refuses the token it is told to, and tells what it saw. */
export const api = async (t, refuse = () => false) => {
  const seen = [];
  const url = await listen(t, async (request, response) => {
    const body = await read(request);
    const { authorization } = request.headers;
    seen.push([request.method, authorization, body]);
    response.statusCode = refuse(authorization, seen.length) ? 401 : 200;
    response.end(body);
  });
  return { url, seen };
};

const issuer = () => {
  let issued = 0;
  return async () => ({ access_token: `a${++issued}`, refresh_token: `r${issued}`, expires_in: 3600 });
};

export const withIssuer = (t, url, options = {}) => {
  const issue = issuer();
  const latch = newLatch(t, { origin: url }, { refresh: issue, revocationEndpoint: undefined, ...options });
  return [latch, issue];
};
