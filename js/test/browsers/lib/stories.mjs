// What happens to pages: each story says what the server must have seen in the end.
import assert from "node:assert/strict";

import { pause, until } from "./child.mjs";

let used = 0;

/** Another site. */
export const other = (root) => (root === "localhost" ? "other.localhost" : "other.example.net");

/** One story's stage: pages of one name on the application's site. */
export class Stage {
  constructor(browser, sites, server, root) {
    Object.assign(this, { browser, sites, server, root, name: `story-${used += 1}`, pages: [] });
    this.app = `app.${root}`;
    this.other = other(root);
    this.api = sites.origin(`api.${root}`);
  }

  address(more = {}, site = this.app) {
    const query = new URLSearchParams({ name: this.name, api: this.api, ...more });
    return this.sites.url(site, `/pages/page.html?${query}`);
  }

  async open(more = {}, options = {}) {
    const page = await this.browser.open(this.address(more), options);
    this.pages.push(page);
    await this.started(page);
    return page;
  }

  started(page) {
    return until(() => page.run(() => !!window.story), "the page's script runs").catch((error) => {
      throw new Error(`${error.message}\n${page.said.join("\n")}`);
    });
  }

  /** Waits for the state of a page. */
  state(page, name) {
    return until(() => page.run((name) => window.story.state() === name, name), `the state is ${name}`);
  }

  /** A page with a session whose token has been accepted. */
  async signedIn(more, options) {
    const page = await this.open(more, options);
    await page.run(() => window.story.login());
    await this.state(page, "Ready");
    all([await get(page)], 200);
    return page;
  }

  /**
   * Takes a page off the network. Where the driver can't, the sites are gone for everybody, and the page is told as the
   * browser would tell it.
   */
  async offline(page, on) {
    if (page.offline) return page.offline(on);
    this.sites.cut(on);
    await page.run((on) => {
      Object.defineProperty(navigator, "onLine", { value: !on, configurable: true });
      window.dispatchEvent(new Event(on ? "offline" : "online"));
    }, on);
  }

  async end() {
    this.sites.cut(false);
    for (const page of this.pages) {
      await page.run(() => window.story?.latch.destroy()).catch(() => {});
      await page.close().catch(() => {});
    }
  }
}

const get = (page, path = "/api/notes") => page.run((path) => window.story.get(path), path);
const burst = (page, count, path = "/api/notes") => page.run((path, count) => window.story.burst(path, count), path, count);
const start = (page, name, work, ...args) => page.run((...call) => window.story.start(...call), name, work, ...args);
const finish = (page, name) => page.run((name) => window.story.finish(name), name);
const all = (answers, status) => assert.deepEqual(answers.map((one) => one.status), answers.map(() => status), JSON.stringify(answers));
const HOUR = 3_600_000;
/** The page's clock, put wrong; the monotonic one runs on. */
const clock = (ms) => `{
  const RealDate = Date;
  let wrong = sessionStorage.right ? 0 : ${ms};
  window.setClock = () => { wrong = 0; sessionStorage.right = 1; };
  const now = () => RealDate.now() + wrong;
  globalThis.Date = class extends RealDate {
    constructor(...args) { if (args.length === 0) super(now()); else super(...args); }
    static now() { return now(); }
  };
}`;
const WITHOUT_INDEXEDDB = "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('denied', 'SecurityError'); } });";
const WITHOUT_STORES = `${WITHOUT_INDEXEDDB}
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });`;

/** In the page: what stores four megabytes, or why it can't. */
const fill = () =>
  new Promise((resolve) => {
    const request = indexedDB.open("fill", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("cell");
    request.onerror = () => resolve(request.error.name);
    request.onsuccess = () => {
      const transaction = request.result.transaction("cell", "readwrite");
      // What a compressor can't make small.
      const parts = Array.from({ length: 64 }, () => crypto.getRandomValues(new Uint8Array(1 << 16)));
      parts.forEach((part, key) => transaction.objectStore("cell").put(part, key));
      transaction.oncomplete = () => resolve("stored");
      transaction.onabort = () => resolve(transaction.error?.name ?? "aborted");
    };
  });

const POLICY = "script-src 'self' 'unsafe-inline'";

/** After each story: nothing without a token, nothing used twice. */
async function clean(server) {
  const { sent_without_token, replayed } = await server.counts();
  assert.equal(sent_without_token, 0, "requests sent without a token");
  assert.equal(replayed, 0, "refresh tokens used twice");
}

export const stories = [
  {
    name: "requests before the login wait for it",
    async play(stage) {
      const page = await stage.open({ early: 5 });
      await pause(100);
      assert.equal((await stage.server.counts()).api_requests, 0);
      assert.deepEqual(await page.run(() => window.story.needed.length), 1);
      await page.run(() => window.story.login());
      all(await page.run(() => window.story.early()), 200);
      const { api_requests, api_ok } = await stage.server.counts();
      assert.deepEqual([api_requests, api_ok], [5, 5]);
    },
  },
  {
    name: "a reload keeps the session, and its first requests wait for the store",
    async play(stage) {
      const page = await stage.signedIn();
      await page.goto(stage.address({ early: 3 }));
      await stage.started(page);
      all(await page.run(() => window.story.early()), 200);
      await page.reload();
      await stage.started(page);
      all(await page.run(() => window.story.early()), 200);
      const { token_requests, api_unauthorized } = await stage.server.counts();
      assert.deepEqual([token_requests, api_unauthorized], [1, 0]);
    },
  },
  {
    name: "a new tab and a tab opened separately are signed in",
    async play(stage) {
      const page = await stage.signedIn();
      const other = await stage.open({ early: 2 });
      all(await other.run(() => window.story.early()), 200);
      // A window that the page opens has a copy of its sessionStorage; nothing of ours is there.
      const answer = await page.run(async (address) => {
        const child = window.open(address);
        if (!child) return "blocked";
        for (let i = 0; i < 200 && !child.story; i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
        const [answer] = await child.story.early();
        child.story.latch.destroy();
        child.close();
        return answer.status;
      }, stage.address({ early: 1 }));
      if (stage.browser.name === "chromium") assert.equal(answer, 200);
      else assert.ok([200, "blocked"].includes(answer), String(answer));
      assert.equal((await stage.server.counts()).token_requests, 1);
    },
  },
  {
    name: "a page from the back-forward cache learns of the logout elsewhere before any request",
    async play(stage) {
      const page = await stage.signedIn();
      await page.goto(stage.sites.url(stage.app, "/pages/empty.html"));
      // A message to a page in the cache would evict it: this tab can't send any.
      const other = await stage.open({}, { before: "delete window.BroadcastChannel;" });
      await stage.state(other, "Ready");
      await other.run(() => window.story.logout());
      await until(async () => (await stage.server.counts()).revocations === 1, "the session is revoked");
      const before = await stage.server.counts();
      await page.back();
      await stage.started(page);
      await start(page, "late", "burst", "/api/late", 3);
      await stage.state(page, "Unauthenticated");
      if (stage.browser.name === "chromium") assert.equal(await page.run(() => window.persisted), true, "the page came from the cache");
      await pause(150);
      assert.equal((await stage.server.counts()).api_requests, before.api_requests, "requests after the logout");
      await page.run(() => window.story.login());
      all(await finish(page, "late"), 200);
    },
  },
  {
    name: "a logout in one tab ends the refresh of another",
    async play(stage) {
      const page = await stage.signedIn();
      const other = await stage.open();
      all([await get(other)], 200);
      await stage.server.control("expire_access_now");
      await stage.server.control("fault", { target: "token", fault: "slow", ms: 400, times: 1 });
      await start(page, "refreshed", "get", "/api/notes");
      await stage.state(page, "Refreshing");
      await until(async () => (await stage.server.counts()).refresh_requests === 1, "the refresh is at the server");
      await other.run(() => window.story.logout());
      assert.equal(await other.run(() => window.story.state()), "Unauthenticated");
      await stage.state(page, "Unauthenticated");
      await until(async () => (await stage.server.counts()).alive_sessions === 0, "no session is left");
      await pause(500);
      for (const one of [page, other]) assert.equal(await one.run(() => window.story.state()), "Unauthenticated");
      assert.equal((await stage.server.counts()).refresh_requests, 1);
    },
  },
  ...[2, 5].map((count) => ({
    name: `${count} tabs whose token has expired refresh once`,
    async play(stage) {
      const pages = [await stage.signedIn()];
      while (pages.length < count) pages.push(await stage.open());
      for (const page of pages) all([await get(page)], 200);
      await stage.server.control("expire_access_now");
      for (const page of pages) await start(page, "burst", "burst", "/api/notes", 3);
      for (const page of pages) all(await finish(page, "burst"), 200);
      assert.equal((await stage.server.counts()).refresh_requests, 1);
    },
  })),
  {
    name: "without IndexedDB the session is kept in localStorage",
    needs: "before",
    async play(stage) {
      const options = { before: WITHOUT_INDEXEDDB };
      const page = await stage.signedIn({}, options);
      all([await get(page)], 200);
      await page.reload();
      await stage.started(page);
      all([await get(page)], 200);
      const other = await stage.open({}, options);
      await stage.server.control("expire_access_now");
      for (const one of [page, other]) await start(one, "burst", "burst", "/api/notes", 3);
      for (const one of [page, other]) all(await finish(one, "burst"), 200);
      const { password_requests, refresh_requests } = await stage.server.counts();
      assert.deepEqual([password_requests, refresh_requests], [1, 1]);
    },
  },
  {
    name: "the database may be deleted, and the page goes on with a new one",
    async play(stage) {
      const page = await stage.signedIn();
      const told = await page.run(
        (name) =>
          new Promise((resolve) => {
            const request = indexedDB.deleteDatabase(name);
            request.onblocked = () => resolve("blocked");
            request.onsuccess = () => resolve("deleted");
          }),
        stage.name,
      );
      assert.equal(told, "deleted");
      await page.run(() => window.story.login());
      await page.reload();
      await stage.started(page);
      all([await get(page)], 200);
    },
  },
  {
    name: "a page that is left while it renews gives its lease back, without Web Locks too",
    needs: "before",
    async play(stage) {
      const page = await stage.signedIn({}, { before: "Object.defineProperty(navigator, 'locks', { value: undefined });" });
      const lease = () =>
        page.run(
          (name) =>
            new Promise((resolve) => {
              const request = indexedDB.open(name, 1);
              request.onsuccess = () => {
                const cell = request.result.transaction("cell").objectStore("cell").get(1);
                cell.onsuccess = () => resolve((cell.result ?? []).length);
              };
            }),
          stage.name,
        );
      await stage.server.control("expire_access_now");
      await stage.server.control("fault", { target: "token", fault: "slow", ms: 2000, times: 1 });
      await start(page, "late", "get", "/api/notes");
      await until(async () => (await stage.server.counts()).refresh_requests === 1, "the renewal is on its way");
      assert.equal(await lease(), 2);
      await page.goto(stage.sites.url(stage.app, "/pages/empty.html"));
      await until(async () => (await lease()) === 0, "the lease is given back");
    },
  },
  {
    name: "without any store the session lives in memory",
    needs: "before",
    async play(stage) {
      const page = await stage.signedIn({}, { before: WITHOUT_STORES });
      all(await burst(page, 3), 200);
      await stage.server.control("expire_access_now");
      all(await burst(page, 3), 200);
      assert.equal((await stage.server.counts()).refresh_requests, 1);
    },
  },
  {
    name: "where the quota is used up, requests leave all the same",
    needs: "quota",
    async play(stage) {
      const page = await stage.open();
      assert.equal(await page.run(fill), "QuotaExceededError");
      await page.run(() => window.story.login());
      await stage.state(page, "Ready");
      all(await burst(page, 3), 200);
      await stage.server.control("expire_access_now");
      all(await burst(page, 3), 200);
      const { logins, refresh_requests } = await stage.server.counts();
      assert.deepEqual([logins, refresh_requests], [1, 1]);
    },
  },
  {
    name: "where the policy forbids WebAssembly, the translated core does the same",
    async play(stage) {
      const page = await stage.open({ csp: POLICY, early: 2 });
      await page.run(() => window.story.login());
      all(await page.run(() => window.story.early()), 200);
      const loaded = await page.run(() => performance.getEntriesByType("resource").some((one) => one.name.endsWith("/dist/core.js")));
      const allowed = await page.run(() => { try { new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); return true; } catch { return false; } });
      assert.equal(loaded, true);
      // What its driver runs is not under the policy of the page.
      if (stage.browser.name !== "webkit") assert.equal(allowed, false);
      await stage.server.control("expire_access_now");
      all(await burst(page, 3), 200);
      assert.equal((await stage.server.counts()).refresh_requests, 1);
    },
  },
  {
    name: "offline the session is kept; back online one refresh serves all",
    async play(stage) {
      const page = await stage.signedIn();
      await stage.server.control("expire_access_now");
      await stage.offline(page, true);
      all([await get(page)], 0);
      await stage.offline(page, false);
      all(await burst(page, 3), 200);
      assert.notEqual(await page.run(() => window.story.state()), "Unauthenticated");
      assert.equal((await stage.server.counts()).refresh_requests, 1);
    },
  },
  {
    name: "a refresh that the network swallows is tried again",
    async play(stage) {
      const page = await stage.signedIn();
      await stage.server.control("expire_access_now");
      await stage.server.control("fault", { target: "token", fault: "unavailable", times: 2 });
      all(await burst(page, 3), 200);
      const { refreshes_ok, logins } = await stage.server.counts();
      assert.deepEqual([refreshes_ok, logins], [1, 1]);
    },
  },
  {
    name: "a frozen tab looks at the store when it wakes",
    needs: "freeze",
    async play(stage) {
      const page = await stage.signedIn();
      const other = await stage.open();
      all([await get(other)], 200);
      await page.freeze(true);
      await stage.server.control("expire_access_now");
      all(await burst(other, 2), 200);
      const before = await stage.server.counts();
      await page.freeze(false);
      await page.front();
      all(await burst(page, 3), 200);
      const after = await stage.server.counts();
      assert.equal(after.refresh_requests, 1);
      assert.equal(after.api_unauthorized, before.api_unauthorized, "requests with the old token");
    },
  },
  ...[HOUR, -HOUR].map((ms) => ({
    name: `a clock that is ${ms > 0 ? "an hour fast" : "an hour slow"}, and then put right, causes no loop and no logout`,
    needs: "before",
    async play(stage) {
      const options = { before: clock(ms) };
      const page = await stage.signedIn({}, options);
      await page.reload();
      await stage.started(page);
      all(await burst(page, 3), 200);
      const other = await stage.open({}, options);
      all(await burst(other, 3), 200);
      assert.equal((await stage.server.counts()).refresh_requests, 0);
      for (const one of [page, other]) await one.run(() => window.setClock());
      for (const one of [page, other]) all(await burst(one, 3), 200);
      await page.reload();
      await stage.started(page);
      all(await burst(page, 3), 200);
      const { refresh_requests, logins } = await stage.server.counts();
      assert.ok(refresh_requests <= 2, `${refresh_requests} refreshes`);
      assert.equal(logins, 1);
    },
  })),
  {
    name: "another user in another tab: no request leaves with the wrong token",
    async play(stage) {
      const page = await stage.signedIn();
      const other = await stage.open();
      assert.equal((await get(page)).user, "alice");
      await stage.server.control("fault", { target: "api", fault: "unauthorized", times: 1 });
      await stage.server.control("fault", { target: "token", fault: "slow", ms: 300, times: 1 });
      await start(page, "alices", "get", "/api/alices");
      await stage.state(page, "Refreshing");
      await other.run(() => window.story.logout());
      await other.run(() => window.story.login("bob"));
      await stage.state(other, "Ready");
      const hers = await finish(page, "alices");
      assert.notEqual(hers.user, "bob", JSON.stringify(hers));
      await until(async () => (await get(page)).user === "bob", "the page is bob's too");
      const log = await stage.server.log();
      const leaked = log.filter((one) => one.path === "/api/alices" && one.kind === "api_ok");
      assert.deepEqual(leaked.filter((one) => one.session === hers.session).length, leaked.length);
    },
  },
  {
    name: "in a frame of another site nothing leaves without a token, and a login there works",
    needs: "frames",
    async play(stage) {
      await stage.signedIn();
      const address = stage.address({ early: 2 });
      const page = await stage.browser.open(stage.sites.url(stage.other, `/pages/frame.html?${encodeURIComponent(address)}`));
      stage.pages.push(page);
      const inside = (work, ...args) => page.runIn(work, ...args);
      await until(() => inside(() => !!window.story), "the frame runs");
      await pause(150);
      assert.equal((await stage.server.counts()).api_requests, 1, "the first page's, and none of the frame's");
      await inside(() => window.story.login());
      all(await inside(() => window.story.early()), 200);
      await stage.server.control("expire_access_now");
      all(await inside(() => window.story.burst("/api/notes", 3)), 200);
    },
  },
];

export { clean };
