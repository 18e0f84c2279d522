// Time per request with a token at hand, and time to import and start, with a network that answers at once.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "../../test/browsers/lib/chromium.mjs";
import { serve } from "../../test/browsers/lib/sites.mjs";
import { bundle } from "./sizes.mjs";

/** The code of a client on a network that answers at once, to be bundled: it exports `request`. */
const CLIENTS = {
  "fetch alone": "export const request = async (url) => (await fetch(url)).status;",
  "**tokenlatch**": `
    import { createLatch } from "../dist/index.js";
    import { memoryStore } from "../dist/stores.js";
    const latch = createLatch({ store: memoryStore(), lease: undefined, allow: ["https://api.example.com"], tokenEndpoint: "https://api.example.com/token", clientId: "c" });
    const signedIn = latch.login({ access_token: "at_0123456789", refresh_token: "rt_0123456789", token_type: "Bearer", expires_in: 3600 });
    export const request = async (url) => { await signedIn; return (await latch.fetch(url)).status; };`,
  "ky, hooks recipe": client("ky", "ky"),
  "axios-auth-refresh": client("axios", "standard", '{ axios: { adapter: "fetch" } }'),
  "alova, server token authentication": client("alova", "make"),
};

function client(file, name, options = "{}") {
  const take = name === "standard" ? "standard.make" : "make";
  const from = name === "standard" ? "{ standard }" : "{ make }";
  return `
    import ${from} from "./peers/${file}.mjs";
    const session = { access: "at_0123456789", refresh: "r", renew() {} };
    const made = ${take}("https://api.example.com", { ...${options}, session });
    export const request = (url) => made.request(url);`;
}

const NETWORK = "globalThis.fetch = async () => new Response('{}', { status: 200, headers: { 'content-type': 'application/json' } });";

/** In the engine: the median of several rounds, in microseconds. */
async function measure(module) {
  const url = "https://api.example.com/api/notes";
  const rounds = [];
  for (let round = 0; round < 15; round += 1) {
    const start = performance.now();
    for (let at = 0; at < 200; at += 1) await module.request(url);
    rounds.push(((performance.now() - start) * 1000) / 200);
  }
  return rounds.sort((a, b) => a - b)[7];
}

/** Time from nothing to a client that has made its first request. */
function start(file) {
  const program = `${NETWORK} const { performance } = await import("node:perf_hooks"); const t = performance.now();
    const m = await import(${JSON.stringify(file)}); await m.request("https://api.example.com/api/notes");
    process.stdout.write(String(performance.now() - t)); process.exit(0);`;
  const times = Array.from({ length: 9 }, () => Number(execFileSync("node", ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000 })));
  return times.sort((a, b) => a - b)[4];
}

export async function speed() {
  const folder = mkdtempSync(join(tmpdir(), "speed-"));
  const told = [];
  const browser = await chromium();
  const pages = new Map();
  const sites = await serve({
    "app.example.com": {
      answer(_request, response, url) {
        response.writeHead(200, { "content-type": url.pathname === "/" ? "text/html" : "text/javascript" });
        response.end(pages.get(url.pathname) ?? "<!doctype html><title>Speed</title>");
        return true;
      },
    },
  });
  try {
    for (const [name, code] of Object.entries(CLIENTS)) {
      const text = await bundle(code, { banner: { js: NETWORK } });
      const file = join(folder, `${told.length}.mjs`);
      writeFileSync(file, text);
      const program = `const m = await import(${JSON.stringify(file)}); process.stdout.write(String(await (${measure})(m))); process.exit(0);`;
      const node = Number(execFileSync("node", ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000 }));
      const path = `/${told.length}.mjs`;
      pages.set(path, text);
      const page = await browser.open(sites.url("app.example.com"));
      const chrome = await page.run(`async (path) => (${measure})(await import(path))`, path);
      await page.close();
      told.push({ name, node, chromium: chrome, start: start(file) });
    }
  } finally {
    await browser.close();
    await sites.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return told;
}

/** A mini-program's request in JavaScriptCore without its compiler, as on iOS: bare and gated, in microseconds. */
export async function withoutJit() {
  const folder = mkdtempSync(join(tmpdir(), "jsc-"));
  const file = join(folder, "speed.js");
  const code = `
    import { createLatch } from "../dist/mini.js";
    const answer = (options) => { Promise.resolve().then(() => options.success({ statusCode: 200, header: {}, data: {} })); return { abort() {} }; };
    const cell = {};
    globalThis.setTimeout = globalThis.setTimeout || (() => 0);
    const wx = {
      request: answer,
      getStorage: (o) => o.fail({ errMsg: "getStorage:fail data not found" }), setStorage: (o) => { cell.v = o.data; o.success({}); },
      login: (o) => o.success({ code: "c" }),
    };
    const latch = createLatch(wx, { allow: ["https://api.test"], login: () => ({ access_token: "at_0123456789", token_type: "Bearer", expires_in: 3600 }) });
    const url = "https://api.test/orders";
    const ask = (request) => new Promise((resolve) => request({ url, success: resolve, fail: resolve }));
    const round = async (request) => {
      const times = [];
      for (let i = 0; i < 9; i++) {
        const start = preciseTime();
        for (let at = 0; at < 100; at++) await ask(request);
        times.push((preciseTime() - start) * 1e6 / 100);
      }
      return times.sort((a, b) => a - b)[4];
    };
    (async () => {
      await latch.login();
      const first = await ask(latch.request);
      if (first.statusCode !== 200) throw new Error(JSON.stringify(first));
      print(JSON.stringify({ bare: await round(answer), gated: await round(latch.request) }));
    })().catch((error) => print(String(error && error.stack || error))).then(() => quit());
    drainMicrotasks();`;
  try {
    writeFileSync(file, await bundle(code, { format: "iife", target: "es2015", banner: { js: "globalThis.clearTimeout = globalThis.clearTimeout || (() => {});" } }));
    const told = [];
    for (const [name, args] of [["jsc", []], ["jsc without JIT", ["--useJIT=false"]]]) {
      const text = execFileSync("jsc", [...args, file], { encoding: "utf8", timeout: 60_000 }).trim();
      told.push({ name, ...JSON.parse(text.split("\n").at(-1)) });
    }
    return told;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
