// Pages against npm's `oidc-provider`: code and PKCE, access tokens of three seconds, each refresh token good for one use.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { pause, until } from "./lib/child.mjs";
import { chromium } from "./lib/chromium.mjs";
import { firefox } from "./lib/firefox.mjs";
import { provider } from "./lib/servers.mjs";
import { serve } from "./lib/sites.mjs";

const [APP, AUTH] = ["app.example.com", "auth.example.com"];
const TTL = 3;
const ASK_MS = 150;
const LONG_MS = 10_000;

for (const launch of [chromium, firefox]) {
  describe(launch.name, { timeout: 120_000 }, () => {
    let browser, sites, server;

    before(async () => {
      // The provider must know the port of its own address, so it is put behind the sites afterwards.
      const auth = {};
      const app = { files: { "/dist/": "js/dist", "/pages/": "js/test/browsers/pages" } };
      sites = await serve({ [APP]: app, [AUTH]: auth });
      server = await provider({ issuer: sites.origin(AUTH), redirects: [sites.url(APP, "/pages/oidc.html")], ttl: TTL });
      auth.to = server.url;
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await sites?.close();
      await server?.stop();
    });

    it("signs in, renews for two tabs, signs out", { timeout: 90_000 }, async () => {
      const address = sites.url(APP, `/pages/oidc.html#issuer=${encodeURIComponent(sites.origin(AUTH))}`);
      const page = await browser.open(address);
      await until(() => page.run(() => !!document.querySelector("#go")).catch(() => false), "the provider asks who it is");
      await page.run(() => { setTimeout(() => document.querySelector("#go").click(), 0); });
      await until(() => page.run(() => window.oidc?.latch.state === "Ready").catch(() => false), "the page is signed in");
      await page.run(() => window.oidc.early());
      assert.deepEqual(await page.run(() => window.oidc.statuses), [200, 200, 200]);

      const other = await browser.open(address);
      await until(() => other.run(() => window.oidc?.latch.state === "Ready"), "the other tab is signed in");
      for (const one of [page, other]) await one.run((ms) => window.oidc.begin(ms), ASK_MS);
      await pause(LONG_MS);
      for (const one of [page, other]) await one.run(() => window.oidc.end());
      await pause(800);
      for (const one of [page, other]) {
        const statuses = await one.run(() => window.oidc.statuses);
        assert.ok(statuses.length > 6, `${statuses.length} requests`);
        assert.deepEqual(statuses.filter((status) => status !== 200), []);
      }
      const counts = await server.counts();
      assert.equal(counts.code, 1);
      assert.ok(counts.refreshes >= 2, `${counts.refreshes} refreshes`);
      assert.deepEqual([counts.invalid_grant, counts.api_without_token], [0, 0]);
      assert.equal(counts.revoked_grants, 0);

      await page.run(() => window.oidc.latch.logout());
      await until(async () => (await server.counts()).revocations > 0, "the session is revoked");
      await until(() => other.run(() => window.oidc.latch.state === "Unauthenticated" || !window.oidc).catch(() => true), "the other tab is signed out");
      await page.close();
      await other.close();
    });
  });
}
