// Chromium by its DevTools protocol. Spawned and connected to: launchers of test frameworks turn bfcache off.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { folder, pause, start, until } from "./child.mjs";
import { Wire } from "./wire.mjs";

const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
  "--ignore-certificate-errors", "--host-resolver-rules=MAP * 127.0.0.1", "--remote-debugging-port=0",
];

/**
 * Starts a browser. `thirdPartyCookies` is `true` to allow them; Debian's build blocks them.
 * Pages are opened separately from each other, as a person does.
 */
export async function chromium({ thirdPartyCookies = false, args = [] } = {}) {
  const profile = await folder("chromium");
  if (thirdPartyCookies) {
    await mkdir(join(profile.path, "Default"), { recursive: true });
    const preferences = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } };
    await writeFile(join(profile.path, "Default/Preferences"), JSON.stringify(preferences));
  }
  const job = start("chromium", [...ARGS, ...args, `--user-data-dir=${profile.path}`, "about:blank"]);
  const [, address] = await job.says(/DevTools listening on (ws:\S+)/);
  const wire = await Wire.connect(address);
  const version = (await wire.send("Browser.getVersion")).product;

  async function open(url, options) {
    const { targetId } = await wire.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await wire.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(wire, targetId, sessionId);
    await page.prepare(options);
    if (url) await page.goto(url);
    return page;
  }

  return {
    name: "chromium",
    version,
    wire,
    open,
    async close() {
      await Promise.race([wire.send("Browser.close").catch(() => {}), pause(1_000)]);
      wire.close();
      await job.stop();
      await profile.remove();
    },
  };
}

class Page {
  constructor(wire, targetId, sessionId) {
    this.wire = wire;
    this.targetId = targetId;
    this.sessionId = sessionId;
    this.said = [];
    this.loads = 0;
    this.frames = new Map();
    this.stopListening = wire.on((message) => {
      if (message.sessionId === sessionId) this.#hear(message);
    });
  }

  #hear({ method, params }) {
    if (method === "Page.loadEventFired") this.loads += 1;
    if (method === "Page.frameNavigated" && params.type === "BackForwardCacheRestore") this.loads += 1;
    // A frame of another site is a target of its own.
    if (method === "Target.attachedToTarget") this.frames.set(params.sessionId, params.targetInfo);
    if (method === "Target.detachedFromTarget") this.frames.delete(params.sessionId);
    if (method === "Target.targetInfoChanged") {
      for (const [id, { targetId }] of this.frames) if (targetId === params.targetInfo.targetId) this.frames.set(id, params.targetInfo);
    }
    if (method === "Runtime.exceptionThrown") {
      const { text, exception } = params.exceptionDetails;
      this.said.push(`${text} ${exception?.description ?? ""}`);
    }
    if (method === "Runtime.consoleAPICalled") this.said.push(params.args.map((a) => a.value ?? a.description).join(" "));
    this.hear?.(method, params);
  }

  send(method, params) {
    return this.wire.send(method, params, { sessionId: this.sessionId });
  }

  async prepare({ before } = {}) {
    await Promise.all([this.send("Page.enable"), this.send("Runtime.enable"), this.send("Network.enable")]);
    await this.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
    if (before) await this.send("Page.addScriptToEvaluateOnNewDocument", { source: before });
  }

  async #loaded(act) {
    const before = this.loads;
    await act();
    await until(() => this.loads > before, "the page has loaded");
  }

  goto(url) {
    return this.#loaded(async () => {
      const { errorText } = await this.send("Page.navigate", { url });
      if (errorText) throw new Error(`${url}: ${errorText}`);
    });
  }

  reload() {
    return this.#loaded(() => this.send("Page.reload"));
  }

  back() {
    return this.#loaded(async () => {
      const { currentIndex, entries } = await this.send("Page.getNavigationHistory");
      await this.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
    });
  }

  /** Runs a function in the page, waits for its promise, and gives its JSON. */
  async run(work, ...args) {
    return this.#evaluate({ expression: call(work, args) });
  }

  /** The same in a frame of another site. */
  async runIn(work, ...args) {
    const [frame] = await until(
      () => [...this.frames].find(([, info]) => info.type === "iframe"),
      "there is a frame of another site",
    );
    return this.#evaluate({ expression: call(work, args) }, frame);
  }

  async #evaluate({ expression }, sessionId = this.sessionId) {
    const { result, exceptionDetails } = await this.wire.send("Runtime.evaluate", {
      expression, awaitPromise: true, returnByValue: true, userGesture: true,
    }, { sessionId });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  offline(on) {
    return this.send("Network.emulateNetworkConditions", {
      offline: on, latency: 0, downloadThroughput: -1, uploadThroughput: -1,
    });
  }

  freeze(on) {
    return this.send("Page.setWebLifecycleState", { state: on ? "frozen" : "active" });
  }

  front() {
    return this.send("Page.bringToFront");
  }

  /** In bytes, for as long as this page is open. */
  quota(origin, quotaSize) {
    return this.send("Storage.overrideQuotaForOrigin", { origin, quotaSize });
  }

  async screenshot({ width = 1280, height = 800, scale = 1, mobile = false, full = false } = {}) {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile });
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: full });
    return Buffer.from(data, "base64");
  }

  async close() {
    this.stopListening();
    await this.wire.send("Target.closeTarget", { targetId: this.targetId });
  }
}

function call(work, args) {
  return `(${work})(...${JSON.stringify(args)})`;
}
