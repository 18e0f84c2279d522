// A page with a latch, told by its address: `?name=&api=&early=3&tune={"9":1000}`.
import { createLatch } from "tokenlatch";

const query = new URLSearchParams(location.search);
const api = query.get("api");
const needed = [];
const states = [];

const latch = createLatch({
  name: query.get("name"),
  clientId: "native-app",
  tokenEndpoint: `${api}/token`,
  revocationEndpoint: `${api}/revoke`,
  allow: [api],
  onLoginRequired: (cause) => needed.push(cause),
  tune: JSON.parse(query.get("tune") ?? "{}"),
});
latch.subscribe((state) => states.push(state));

/** A request: its status and whose it was, or why it did not leave. */
async function get(path) {
  const start = performance.now();
  try {
    const answer = await latch.fetch(api + path);
    const told = answer.status === 200 ? await answer.json() : {};
    return { status: answer.status, user: told.user, cause: latch.why(answer) ?? null, ms: performance.now() - start };
  } catch (error) {
    return { status: 0, cause: error?.cause ?? null, error: String(error), ms: performance.now() - start };
  }
}

const burst = (path, count) => Promise.all(Array.from({ length: count }, (_, at) => get(`${path}/${at}`)));

const PASSWORDS = { alice: "wonderland", bob: "builder" };
const post = (user = "alice") => fetch(`${api}/token`, {
  method: "POST",
  body: new URLSearchParams({ grant_type: "password", client_id: "native-app", username: user, password: PASSWORDS[user] }),
});
const login = (user) => latch.login(() => post(user));

// As pages do: it asks as soon as it runs.
const early = burst("/api/early", Number(query.get("early") ?? 0));
window.persisted = null;
window.addEventListener("pageshow", (event) => { window.persisted = event.persisted; });
window.kept = {};
window.story = {
  latch, get, burst, login, post, early: () => early, needed, states,
  logout: () => latch.logout(),
  state: () => latch.state,
  /** Starts work and keeps its promise under a name, since a driver may serve one page at a time. */
  start: (name, work, ...args) => { window.kept[name] = window.story[work](...args); },
  finish: (name) => window.kept[name],
};
