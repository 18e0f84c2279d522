// A token endpoint and an API for two worlds that never meet: the naive client's and the latch's.
import { randomBytes } from "node:crypto";

const TOKEN_MS = 450;
const API_MS = 160;
/** Seconds an access token lives, unless the page expires it. */
const TTL = 600;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const secret = () => randomBytes(18).toString("base64url");

/** One world: sessions with rotating refresh tokens, of which each is good for one use. */
class World {
  access = new Map();
  refresh = new Map();
  signedOut = false;
  seen = {};

  constructor() {
    this.forget();
  }

  forget() {
    this.seen = { api: 0, withoutToken: 0, unauthorized: 0, logins: 0, refreshes: 0, replayed: 0, ended: 0, afterLogout: 0 };
  }

  issue(session) {
    const told = { access_token: secret(), refresh_token: secret(), token_type: "Bearer", expires_in: TTL };
    this.access.set(told.access_token, { session, until: Date.now() + TTL * 1000 });
    this.refresh.set(told.refresh_token, { session, used: false });
    return [200, told];
  }

  token(form) {
    if (form.get("grant_type") === "password") {
      this.seen.logins += 1;
      this.signedOut = false;
      return this.issue({ alive: true });
    }
    this.seen.refreshes += 1;
    const held = this.refresh.get(form.get("refresh_token"));
    if (held?.session.alive && !held.used) {
      held.used = true;
      return this.issue(held.session);
    }
    if (held?.used && held.session.alive) {
      // Either a thief or the owner holds the newer one, and nobody can tell which.
      this.seen.replayed += 1;
      this.seen.ended += 1;
      held.session.alive = false;
    }
    return [400, { error: "invalid_grant" }];
  }

  revoke(form) {
    const token = form.get("token");
    const held = this.refresh.get(token) ?? this.access.get(token);
    if (held) held.session.alive = false;
    return [200, {}];
  }

  api(header) {
    this.seen.api += 1;
    const token = /^Bearer (\S+)$/.exec(header ?? "")?.[1];
    const held = this.access.get(token);
    if (!token || token === "undefined" || token === "null") this.seen.withoutToken += 1;
    if (!held?.session.alive || held.until <= Date.now()) {
      this.seen.unauthorized += 1;
      return [401, { error: "invalid_token" }];
    }
    if (this.signedOut) this.seen.afterLogout += 1;
    return [200, { items: 3 }];
  }

  expire() {
    for (const held of this.access.values()) held.until = 0;
  }
}

/** Answers `/<world>/token`, `/<world>/revoke`, `/<world>/api/...` and what the buttons ask of the servers. */
export function backend() {
  const worlds = { naive: new World(), latch: new World() };
  let cut = false;
  /** The network is about to be lost: with the next token request. */
  let cutting = false;

  async function world(one, path, request, response, body) {
    cut ||= cutting && path === "token";
    if (cut) return void request.socket.destroy();
    // The effect comes at once and the answer later, as on a server far away.
    let answer = [404, {}];
    if (path === "token") answer = one.token(new URLSearchParams(body));
    else if (path === "revoke") answer = one.revoke(new URLSearchParams(body));
    else if (path.startsWith("api/")) answer = one.api(request.headers.authorization);
    await pause(path === "token" ? TOKEN_MS : API_MS);
    if (cut) return void request.socket.destroy();
    const [status, told] = answer;
    const headers = { "content-type": "application/json", "cache-control": "no-store" };
    if (status === 401) headers["www-authenticate"] = 'Bearer error="invalid_token"';
    response.writeHead(status, headers).end(JSON.stringify(told));
  }

  function control(what, response) {
    const all = Object.values(worlds);
    if (what === "expire") all.forEach((one) => one.expire());
    if (what === "signed-out") all.forEach((one) => { one.signedOut = true; });
    if (what === "cut") cutting = true;
    if (what === "join") cut = cutting = false;
    if (what === "forget") all.forEach((one) => one.forget());
    const seen = Object.fromEntries(Object.entries(worlds).map(([name, one]) => [name, one.seen]));
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify({ cut: cut || cutting, ...seen }));
  }

  return async (request, response) => {
    const [, first, ...rest] = new URL(request.url, "http://localhost").pathname.split("/");
    const path = rest.join("/");
    if (first === "control") control(path, response);
    else if (worlds[first]) {
      let body = "";
      for await (const chunk of request) body += chunk;
      await world(worlds[first], path, request, response, body);
    } else return false;
    return true;
  };
}
