// The servers of this repository: the one that counts what it saw, and a real OpenID provider.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { start } from "./child.mjs";

const ROOT = new URL("../../../../", import.meta.url);

/** The program, where `cargo xtask` or cargo itself has built it. */
function program() {
  const named = process.env.TOKENLATCH_TESTSERVER;
  const built = named ?? fileURLToPath(new URL("target/debug/testserver", ROOT));
  if (!existsSync(built)) throw new Error("missing: the test server; run `cargo build -p testserver`");
  return built;
}

/** Starts the test server: a token endpoint with rotation and reuse detection, and an API. */
export async function testserver({ accessTtlMs = 600_000, latencyMs = 5, refreshTtlMs, reuseGraceMs } = {}) {
  const args = ["--access-ttl-ms", accessTtlMs, "--latency-ms", latencyMs, "--max-seconds", 900];
  if (refreshTtlMs !== undefined) args.push("--refresh-ttl-ms", refreshTtlMs);
  if (reuseGraceMs !== undefined) args.push("--reuse-grace-ms", reuseGraceMs);
  const job = start(program(), args.map(String));
  const [line] = await job.says(/^\{.*\}$/m);
  const told = JSON.parse(line);
  const control = async (order) => {
    const answer = await fetch(told.control_endpoint, {
      method: order ? "POST" : "GET",
      headers: order ? { "content-type": "application/json" } : {},
      body: order ? JSON.stringify(order) : undefined,
    });
    const value = await answer.json();
    if (!answer.ok) throw new Error(JSON.stringify(value));
    return value;
  };
  return {
    url: told.base_url,
    /** Gives an order: `control("expire_access_now")`, `control("fault", { target: "api", fault: "slow", ms: 50 })`. */
    control: (what, more = {}) => control({ do: what, ...more }),
    /** What it has counted. */
    counts: () => control(),
    log: async () => (await fetch(`${told.control_endpoint}/log`)).json(),
    /** Counts from nothing again. */
    async forget() {
      await control({ do: "clear_faults" });
      await control({ do: "reset_counters" });
      await control({ do: "clear_log" });
    },
    stop: () => job.stop(),
  };
}

/** Starts the OpenID provider; it is reached at `issuer` through the sites. */
export async function provider({ issuer, redirects, ttl = 3 }) {
  const script = fileURLToPath(new URL("provider.mjs", import.meta.url));
  const job = start("node", [script, issuer, String(ttl), ...redirects]);
  const [line] = await job.says(/^\{.*\}$/m);
  const { port } = JSON.parse(line);
  const url = `http://127.0.0.1:${port}`;
  return { url, counts: async () => (await fetch(`${url}/counts`)).json(), stop: () => job.stop() };
}
