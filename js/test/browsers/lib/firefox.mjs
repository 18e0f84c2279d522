// Firefox by WebDriver BiDi, which it speaks itself.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { folder, pause, start } from "./child.mjs";
import { Wire } from "./wire.mjs";

const PREFERENCES = {
  "app.update.disabledForTesting": true,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.dns.disablePrefetch": true,
  "network.dns.native-is-localhost": true,
  "network.http.speculative-parallel-limit": 0,
  "network.proxy.type": 0,
  "remote.active-protocols": 1,
  "services.settings.server": "",
  "toolkit.telemetry.enabled": false,
};

/** Starts a browser; every name is an address of loopback. */
export async function firefox({ preferences = {} } = {}) {
  const profile = await folder("firefox");
  const lines = Object.entries({ ...PREFERENCES, ...preferences });
  const text = lines.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
  await writeFile(join(profile.path, "user.js"), text.join(""));
  const job = start("firefox-esr", [
    "--headless", "--no-remote", "--profile", profile.path, "--remote-debugging-port", "0", "about:blank",
  ], { env: { ...process.env, MOZ_HEADLESS: "1", HOME: profile.path } });
  const [, address] = await job.says(/WebDriver BiDi listening on (ws:\S+)/, 60_000);
  const wire = await Wire.connect(`${address}/session`);
  const { capabilities } = await wire.send("session.new", {
    capabilities: { alwaysMatch: { acceptInsecureCerts: true } },
  });
  return {
    name: "firefox",
    version: `Firefox/${capabilities.browserVersion}`,
    wire,
    async open(url, { before } = {}) {
      const { context } = await wire.send("browsingContext.create", { type: "tab" });
      const page = new Page(wire, context);
      if (before) {
        await wire.send("script.addPreloadScript", { functionDeclaration: `() => {${before}}`, contexts: [context] });
      }
      if (url) await page.goto(url);
      return page;
    },
    async close() {
      await Promise.race([wire.send("browser.close").catch(() => {}), pause(3_000)]);
      wire.close();
      await job.stop();
      await profile.remove();
    },
  };
}

class Page {
  constructor(wire, context) {
    this.wire = wire;
    this.context = context;
    this.said = [];
  }

  goto(url) {
    return this.wire.send("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }

  reload() {
    return this.wire.send("browsingContext.reload", { context: this.context, wait: "complete" });
  }

  async back() {
    await this.wire.send("browsingContext.traverseHistory", { context: this.context, delta: -1 });
    await pause(500);
  }

  run(work, ...args) {
    return this.#evaluate(this.context, work, args);
  }

  /** The same in its frame. */
  async runIn(work, ...args) {
    const { contexts } = await this.wire.send("browsingContext.getTree", { root: this.context });
    return this.#evaluate(contexts[0].children[0].context, work, args);
  }

  async #evaluate(context, work, args) {
    // The answer comes as text: the protocol's own form of values is another one.
    const told = await this.wire.send("script.evaluate", {
      expression: `(async () => JSON.stringify([await (${work})(...${JSON.stringify(args)})]))()`,
      target: { context }, awaitPromise: true, userActivation: true,
    });
    if (told.type === "exception") throw new Error(told.exceptionDetails.text);
    return JSON.parse(told.result.value)[0] ?? undefined;
  }

  front() {
    return this.wire.send("browsingContext.activate", { context: this.context });
  }

  async close() {
    await this.wire.send("browsingContext.close", { context: this.context });
  }
}
