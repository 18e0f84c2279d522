// Two tabs, opened separately, find the token expired in the same moment.
import { pause } from "../../test/browsers/lib/child.mjs";
import { chromium } from "../../test/browsers/lib/chromium.mjs";
import { testserver } from "../../test/browsers/lib/servers.mjs";
import { serve } from "../../test/browsers/lib/sites.mjs";
import { bundle } from "./sizes.mjs";

const [APP, API] = ["app.example.com", "api.example.com"];

export const peers = [
  { name: "**tokenlatch**", file: "ours" },
  { name: "oidc-client-ts", file: "oidc" },
  { name: "@supabase/auth-js", file: "supabase", define: { WITH_LOCK: "false" } },
  { name: "@supabase/auth-js + navigatorLock (deprecated)", file: "supabase", define: { WITH_LOCK: "true" } },
  { name: "@auth0/auth0-spa-js, localStorage", file: "auth0" },
  { name: "Web Lock + localStorage read again (recipe)", file: "recipe" },
];

/** The dialects of the peers' servers, put on top of the one that counts. */
async function dialect(server, request, response, url) {
  const supabase = url.pathname === "/supabase/token";
  if (!supabase && url.pathname !== "/oauth/token") return false;
  let body = "";
  for await (const chunk of request) body += chunk;
  const asked = supabase ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
  const fields = { grant_type: "refresh_token", client_id: "native-app", refresh_token: asked.refresh_token };
  const answer = await fetch(`${server.url}/token`, { method: "POST", body: new URLSearchParams(fields) });
  const told = await answer.json();
  if (supabase && answer.ok) told.user = { id: "alice" };
  if (!supabase && answer.ok) told.id_token = idToken(`https://${request.headers.host}/`);
  response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(told));
  return true;
}

/** A token that says who it is for; nobody in a page looks at the signature. */
function idToken(iss) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256", typ: "JWT" })}.${part({ iss, aud: "native-app", sub: "alice", iat: now, exp: now + 3600 })}.c2ln`;
}

/** Makes `count` collisions for each peer; a used refresh token is accepted again for a while, and counted. */
export async function twoTabs(list, count, { latencyMs = 30, launch = chromium } = {}) {
  const server = await testserver({ latencyMs, reuseGraceMs: 60_000 });
  const scripts = new Map();
  const sites = await serve({
    [APP]: {
      answer(_request, response, url) {
        const script = scripts.get(url.pathname);
        if (url.pathname === "/") response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Tab</title>");
        else if (script) response.writeHead(200, { "content-type": "text/javascript" }).end(script);
        else return false;
        return true;
      },
    },
    [API]: { to: server.url, cors: true, answer: (...call) => dialect(server, ...call) },
  });
  const told = [];
  try {
    for (const peer of list) {
      const code = await bundle(`export { tab } from "./tabs/${peer.file}.mjs"`, {
        external: ["tokenlatch/core"],
        define: { SERVER: JSON.stringify(sites.origin(API)), "process.env.NODE_ENV": '"production"', ...peer.define },
      });
      scripts.set("/tab.mjs", code);
      const browser = await launch();
      try {
        told.push({ name: peer.name, browser: browser.version, ...(await collide(browser, sites, server, count)) });
      } finally {
        await browser.close();
      }
    }
  } finally {
    await sites.close();
    await server.stop();
  }
  return told;
}

async function collide(browser, sites, server, count) {
  await server.forget();
  const answer = await fetch(`${server.url}/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "password", username: "alice", password: "wonderland", client_id: "native-app" }),
  });
  const tokens = await answer.json();
  const open = async () => {
    const page = await browser.open(sites.url(APP));
    await page.run(async () => { window.tab = (await import("/tab.mjs")).tab; });
    return page;
  };
  const tabs = [await open(), await open()];
  await tabs[0].run((told) => window.tab.seed(told), tokens);
  await pause(200);
  for (const tab of tabs) await tab.run(() => window.tab.open());
  const times = [];
  let doubled = 0;
  let failed = 0;
  for (let at = 0; at < count; at += 1) {
    // Each in turn expires the stored copy, so that neither is always the one that wrote last.
    await tabs[at % 2].run(() => window.tab.expire());
    await pause(60);
    const before = await server.counts();
    const when = Date.now() + 60;
    const seen = await Promise.all(tabs.map((tab) => tab.run(async (when) => {
      // A tab that is not in front has slow timers; messages are as fast there as anywhere.
      const { port1, port2 } = new MessageChannel();
      while (Date.now() < when) await new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(0); });
      const start = performance.now();
      const ok = await window.tab.call().then((token) => typeof token === "string", (error) => String(error));
      return { ms: performance.now() - start, ok };
    }, when)));
    const after = await server.counts();
    const grew = (name) => after[name] - before[name];
    if (grew("reused_in_grace") + grew("replayed") > 0) doubled += 1;
    if (grew("refresh_requests") === 0) throw new Error("nothing was refreshed: this was no collision");
    for (const { ms, ok } of seen) {
      if (ok === true) times.push(ms);
      else failed += 1;
    }
  }
  times.sort((a, b) => a - b);
  return { collisions: count, doubled, failed, median: times[times.length >> 1], max: times.at(-1) };
}
