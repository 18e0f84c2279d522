// The buttons, and what they do to both clients.
import { createLatched } from "./latch.js";
import { createNaive } from "./naive.js";
import { Steps } from "./steps.js";

const WORLDS = ["naive", "latch"];
const PATHS = ["orders", "profile", "messages"];
const SEEN = {
  withoutToken: "Requests without a token",
  unauthorized: "Requests refused (401)",
  refreshes: "Refreshes",
  replayed: "Refresh tokens used twice",
  ended: "Sessions ended for it",
  afterLogout: "Requests accepted after the logout",
};
/** Numbers that are no fault by themselves. */
const NEUTRAL = ["refreshes", "unauthorized"];

const $ = (id) => document.getElementById(id);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const steps = new Steps($("steps"));
const rows = new Map();
const counts = { naive: {}, latch: {} };

/** Sends, and draws it: `row` is a row's number, or "token" for a token request. */
async function send(world, row, input, init) {
  const step = steps.current;
  const url = typeof input === "string" ? input : input.url;
  const isToken = /\/(token|revoke)$/.test(url);
  const form = isToken && init?.body;
  const label = !isToken ? "" : url.endsWith("revoke") ? "revoke" : form?.get("grant_type") === "password" ? "login" : "refresh";
  const drawn = isToken ? { step, row: step && steps.row(step, world, label) } : rows.get(row);
  if (!drawn?.step) return fetch(input, init);
  for (const piece of drawn.row.pieces) steps.finish(drawn.step, piece, piece.kind, piece.text);
  const headers = init?.headers ?? input.headers;
  const sent = headers && (headers.Authorization ?? headers.get?.("authorization"));
  const bare = !isToken && (!sent || /undefined|null/.test(sent));
  const piece = steps.piece(drawn.step, drawn.row, isToken ? "token" : "good");
  if (bare) counts[world].bare = (counts[world].bare ?? 0) + 1;
  if (label === "refresh") counts[world].refreshes = (counts[world].refreshes ?? 0) + 1;
  try {
    const answer = await fetch(input, init);
    const text = bare ? `${answer.status}, no token` : String(answer.status);
    steps.finish(drawn.step, piece, answer.ok ? piece.kind : "bad", text);
    // It may be sent again; what is not shows no more than this.
    if (answer.status === 401 && !isToken) steps.piece(drawn.step, drawn.row, "wait");
    return answer;
  } catch (error) {
    steps.finish(drawn.step, piece, "bad", "no network");
    throw error;
  }
}

function client(world, make) {
  const shown = $(`state-${world}`);
  return make(world, {
    send: (...call) => send(world, ...call),
    state(name) {
      shown.textContent = name;
      shown.className = `state s-${name.replaceAll(" ", "-").toLowerCase()}`;
      steps.state(world, name);
    },
    onSignedOut: () => { counts[world].signedOut = (counts[world].signedOut ?? 0) + 1; },
  });
}

const clients = { naive: client("naive", createNaive), latch: client("latch", createLatched) };
let lastRow = 0;

/** The page asks for three things at once. */
function burst(step) {
  const all = {};
  for (const world of WORLDS) {
    all[world] = Promise.all(PATHS.map(async (path) => {
      const row = String(lastRow += 1);
      const drawn = { step, row: steps.row(step, world, path) };
      rows.set(row, drawn);
      if (world === "latch") steps.piece(step, drawn.row, "wait");
      try {
        const answer = await clients[world].load(`/${world}/api/${path}`, row);
        return answer.status;
      } catch {
        return 0;
      } finally {
        const sent = drawn.row.pieces.some((piece) => piece.kind !== "wait");
        for (const piece of drawn.row.pieces) steps.finish(step, piece, "wait", sent ? "" : "not sent");
      }
    }));
  }
  return all;
}

function sentence(world, statuses, before) {
  const now = counts[world];
  const ok = statuses.filter((one) => one === 200).length;
  const grew = (name) => (now[name] ?? 0) - (before[name] ?? 0);
  const parts = [ok === statuses.length ? `all ${ok} answered` : `${ok} of ${statuses.length} answered`];
  if (grew("bare") > 0) parts.unshift(`${grew("bare")} sent without a token`);
  if (grew("refreshes") > 0) parts.push(grew("refreshes") === 1 ? "1 refresh" : `${grew("refreshes")} refreshes for one token`);
  if (grew("signedOut") > 0) parts.push("the user is signed out");
  return parts.join(", ");
}

/** Runs one step; `judge` says whether what a side did was right. */
async function play(title, hint, work, judge) {
  const step = steps.begin(title, hint);
  const before = structuredClone(counts);
  for (const world of WORLDS) before[world].had = clients[world].has();
  for (const world of WORLDS) steps.state(world, $(`state-${world}`).textContent);
  const all = await work(step);
  await Promise.all(WORLDS.map(async (world) => {
    const statuses = all?.[world] ? await all[world] : [];
    // What follows an answer is drawn too: a store, a revocation.
    await pause(30);
    const said = await judge?.(world, statuses, before[world]);
    if (said) steps.verdict(step, world, ...said);
  }));
  await showSeen();
}

const answered = (world, statuses, before) => {
  const good = statuses.every((one) => one === 200);
  return [good && (counts[world].refreshes ?? 0) - (before.refreshes ?? 0) < 2, sentence(world, statuses, before)];
};

const refusedHere = (world, statuses, before) => {
  const bare = (counts[world].bare ?? 0) > (before.bare ?? 0);
  return [!bare, bare ? sentence(world, statuses, before) : "nobody is signed in: nothing was sent"];
};

/** Who is signed in nowhere rightly sends nothing. */
const asExpected = () => (clients.naive.has() || clients.latch.has() ? answered : refusedHere);

const control = (what) => fetch(`/control/${what}`).then((answer) => answer.json());

async function showSeen() {
  const told = await control("seen");
  $("cut").setAttribute("aria-pressed", String(told.cut));
  $("cut").textContent = told.cut ? "Join the network" : "Cut the network";
  $("seen").replaceChildren(...Object.entries(SEEN).map(([name, label]) => {
    const line = document.createElement("tr");
    line.dataset.name = name;
    const cells = WORLDS.map((world) => {
      const cell = document.createElement("td");
      cell.textContent = told[world][name];
      if (!NEUTRAL.includes(name)) cell.className = told[world][name] > 0 ? "bad" : "none";
      return cell;
    });
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = label;
    line.append(head, ...cells);
    return line;
  }));
}

// What a button does to the servers concerns every tab; what it does to a page, each tab does by itself.
const others = new BroadcastChannel("h5-example-buttons");
others.onmessage = ({ data }) => actions[data]?.(true);

const actions = {
  login: () => play("Log in", "The page asks for three things while the login is under way.", (step) => {
    for (const world of WORLDS) clients[world].login().catch(() => {});
    return burst(step);
  }, answered),
  load: () => play("Load", "The page asks for three things.", burst, asExpected()),
  expire: async (elsewhere = false) => {
    if (!elsewhere) {
      await control("expire");
      others.postMessage("expire");
    }
    const hint = elsewhere ? "Another tab pressed it: both tabs ask in the same moment." : "The server lets the access tokens expire; the page asks for three things.";
    return play(elsewhere ? "Expire, pressed in another tab" : "Expire", hint, burst, asExpected());
  },
  reload: () => {
    sessionStorage.setItem("reloaded", "1");
    location.reload();
  },
  tab: () => window.open(location.href, "_blank", "noopener"),
  logout: async (elsewhere = false) => {
    if (elsewhere) {
      await pause(150);
      return play("Log out, pressed in another tab", "This tab asks for three things afterwards.", burst, (world, statuses) => {
        const passed = statuses.filter((one) => one === 200).length;
        return [passed === 0, passed > 0 ? `${passed} accepted after the logout` : "nothing was sent with the old token"];
      });
    }
    await play("Log out", "The user leaves.", async () => {
      for (const world of WORLDS) clients[world].logout();
      await control("signed-out");
    }, () => [true, "no token in this tab"]);
    others.postMessage("logout");
    return undefined;
  },
  mid: () => play("Log out mid-refresh", "The token has expired and is being renewed when the user leaves.", async (step) => {
    await control("expire");
    const all = burst(step);
    await pause(350);
    for (const world of WORLDS) clients[world].logout();
    await control("signed-out");
    await Promise.all(WORLDS.map((world) => all[world]));
    await pause(700);
    return all;
  }, (world, statuses, before) => {
    if (!before.had) return [null, "nobody was signed in"];
    const states = steps.current.sides[world].states.map(([, name]) => name);
    const after = states.slice(states.findIndex((name) => ["no token", "Unauthenticated"].includes(name)));
    const again = after.some((name) => ["has a token", "Ready"].includes(name));
    return again ? [false, "signed in again by the answer that came late"] : [true, "signed out, whatever comes late"];
  }),
  cut: async () => {
    const cut = $("cut").getAttribute("aria-pressed") !== "true";
    await control(cut ? "cut" : "join");
    if (cut) await control("expire");
    const hint = cut ? "The token has expired, and the network is lost when it is to be renewed." : "The page asks for three things again.";
    await play(cut ? "Cut the network" : "Join the network", hint, (step) => {
      if (!cut) clients.latch.latch.tell(4);
      return cut ? limited(burst(step)) : burst(step);
    }, cut ? kept : asExpected());
  },
};

const kept = (world, _statuses, before) => {
  if (!before.had) return [null, "nobody was signed in"];
  return clients[world].has() ? [true, "the session is kept, and renewed when the network is back"] : [false, "the user is signed out by a lost network"];
};

/** While the network is cut, requests that the latch holds are not waited for. */
const limited = (all) => Object.fromEntries(WORLDS.map((world) => [world, Promise.race([all[world], pause(1500).then(() => [])])]));

for (const [name, act] of Object.entries(actions)) $(name).addEventListener("click", () => act());
setInterval(() => steps.tick(), 60);
setInterval(showSeen, 2_000);
await showSeen();
if (sessionStorage.getItem("reloaded")) {
  sessionStorage.removeItem("reloaded");
  await play("Reload", "The new page asks for three things as soon as it runs.", burst, asExpected());
}
// For tests.
window.demo = { actions, clients, steps };
