// Tabs, opened separately, find the token expired in the same moment, again and again.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";

import { until } from "./lib/child.mjs";
import { chromium } from "./lib/chromium.mjs";
import { firefox } from "./lib/firefox.mjs";
import { testserver } from "./lib/servers.mjs";
import { serve } from "./lib/sites.mjs";

const [APP, API] = ["app.example.com", "api.example.com"];
const LATENCY_MS = 30;
/** Longer than what the latch may add to a refresh, at the median. */
const ADDED_MS = 2;

/** In the page: both tabs ask for the renewal in the same moment; when it is done, and how long the request itself took. */
async function collide(when) {
  const { latch } = window.story;
  const { port1, port2 } = new MessageChannel();
  while (Date.now() < when) await new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(0); });
  performance.clearResourceTimings();
  const start = performance.now();
  latch.renew();
  await latch.ready();
  const end = performance.now();
  const sent = performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/token"));
  return { start: performance.timeOrigin + start, end: performance.timeOrigin + end, sent: sent.map((one) => one.duration) };
}

for (const { launch, count } of [{ launch: chromium, count: 200 }, { launch: firefox, count: 40 }]) {
  describe(launch.name, { timeout: 200_000 }, () => {
    const ends = [];
    after(async () => { for (const end of ends.reverse()) await end(); });

    it(`${count} collisions: no double refresh, and hardly any added wait`, async (context) => {
      const server = await testserver({ latencyMs: LATENCY_MS, reuseGraceMs: 60_000 });
      ends.push(() => server.stop());
      const app = { files: { "/dist/": "js/dist", "/pages/": "js/test/browsers/pages" } };
      const sites = await serve({ [APP]: app, [API]: { to: server.url, cors: true } });
      ends.push(() => sites.close());
      const browser = await launch();
      ends.push(() => browser.close());
      // The budget is for storms; here it would stop the experiment.
      const query = new URLSearchParams({ name: "collisions", api: sites.origin(API), tune: '{"15":200,"16":200}' });
      const open = async () => {
        const page = await browser.open(sites.url(APP, `/pages/page.html?${query}`));
        await until(() => page.run(() => !!window.story), "the page runs");
        return page;
      };
      const tabs = [await open()];
      await tabs[0].run(() => window.story.login());
      tabs.push(await open());
      for (const tab of tabs) await until(() => tab.run(() => window.story.state() === "Ready"), "the tab is signed in");
      await server.forget();

      const added = [];
      let doubled = 0;
      for (let at = 0; at < count; at += 1) {
        const before = await server.counts();
        const seen = await Promise.all(tabs.map((tab) => tab.run(collide, Date.now() + 40)));
        const after = await server.counts();
        if (after.reused_in_grace > before.reused_in_grace || after.replayed > before.replayed) doubled += 1;
        const sent = Math.max(...seen.flatMap((one) => one.sent));
        const all = after.refresh_requests - before.refresh_requests;
        assert.ok(all >= 1, "nothing was refreshed: this was no collision");
        // A tab that was asked a little later, with the new token at hand, refreshes it again: that is its user's wish.
        if (all === 1) for (const one of seen) added.push(one.end - Math.min(...seen.map((each) => each.start)) - sent);
      }
      added.sort((a, b) => a - b);
      const median = added[added.length >> 1];
      context.diagnostic(`${count} collisions, ${doubled} double refreshes, added wait: median ${median?.toFixed(2)} ms, most ${added.at(-1)?.toFixed(2)} ms, of ${added.length / 2}`);
      assert.equal(doubled, 0, "double refreshes");
      assert.ok(added.length > count, `${added.length / 2} of ${count} were collisions`);
      assert.ok(median < ADDED_MS, `the median of the added wait is ${median} ms`);
    });
  });
}
