// The stories, in each browser.
import { after, before, describe, it } from "node:test";

import { chromium } from "./lib/chromium.mjs";
import { firefox } from "./lib/firefox.mjs";
import { serve } from "./lib/sites.mjs";
import { testserver } from "./lib/servers.mjs";
import { Stage, clean, other, stories } from "./lib/stories.mjs";
import { webkit } from "./lib/webkit.mjs";

/** A limit that is set once a site's store was used is not looked at for a while: it is there before the first page. */
async function chromiumWithoutRoom({ origin }) {
  const browser = await chromium();
  await (await browser.open()).quota(origin, 1);
  return browser;
}

/** Firefox takes its quota from a preference, in kilobytes and for all of its sites. */
async function firefoxWithoutRoom() {
  return { ...(await firefox({ preferences: { "dom.quotaManager.temporaryStorage.fixedLimit": 64 } })), name: "firefox" };
}

const engines = [
  { launch: chromium, root: "example.com", can: ["before", "freeze", "frames"] },
  { launch: chromiumWithoutRoom, root: "example.com", can: ["quota"], only: ["quota"] },
  { launch: firefox, root: "example.com", can: ["before", "frames"] },
  { launch: firefoxWithoutRoom, root: "example.com", can: ["quota"], only: ["quota"] },
  { launch: webkit, root: "localhost", can: ["frames"] },
];

const only = process.env.ENGINES?.split(",");
for (const { launch, root, can, only: needed } of engines.filter((one) => !only || only.includes(one.launch.name))) {
  describe(launch.name, { timeout: 240_000 }, () => {
    let browser, sites, server;

    before(async () => {
      server = await testserver({ latencyMs: 10 });
      const app = { files: { "/dist/": "js/dist", "/pages/": "js/test/browsers/pages" } };
      const sitesOfAll = { [`app.${root}`]: app, [`api.${root}`]: { to: server.url, cors: true }, [other(root)]: app };
      sites = await serve(sitesOfAll);
      browser = await launch({ origin: sites.origin(`app.${root}`) });
    });
    after(async () => {
      await browser?.close();
      await sites?.close();
      await server?.stop();
    });

    for (const story of stories.filter((one) => (needed ?? [undefined, ...can]).includes(one.needs))) {
      it(story.name, { timeout: 60_000 }, async () => {
        for (const user of ["alice", "bob"]) await server.control("end_sessions", { user });
        await server.forget();
        const stage = new Stage(browser, sites, server, root);
        try {
          await story.play(stage);
          await clean(server);
        } catch (error) {
          error.message += `\n${stage.pages.flatMap((page) => page.said).join("\n")}`;
          throw error;
        } finally {
          await stage.end();
        }
      });
    }
  });
}
