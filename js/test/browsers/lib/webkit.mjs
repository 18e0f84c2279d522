// WebKitGTK's MiniBrowser by WebDriver, on a display of its own.
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { folder, pause, start, until } from "./child.mjs";

const LIBRARIES = "/usr/lib";

/** Where the distribution puts the browser that belongs to the driver. */
function miniBrowser() {
  for (const machine of readdirSync(LIBRARIES).filter((name) => name.includes("-linux-"))) {
    for (const name of readdirSync(join(LIBRARIES, machine))) {
      if (!name.startsWith("webkit2gtk-4")) continue;
      const inside = readdirSync(join(LIBRARIES, machine, name));
      if (inside.includes("MiniBrowser")) return join(LIBRARIES, machine, name, "MiniBrowser");
    }
  }
  throw new Error("missing: MiniBrowser of WebKitGTK");
}

/** Starts a browser. It resolves names below `localhost` to loopback, and no others. */
export async function webkit() {
  const home = await folder("webkit");
  const binary = miniBrowser();
  const display = start("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
  const [, number] = await display.says(/^(\d+)\s*$/m);
  const env = {
    ...process.env, DISPLAY: `:${number}`, HOME: home.path, XDG_RUNTIME_DIR: home.path,
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", LIBGL_ALWAYS_SOFTWARE: "1", NO_AT_BRIDGE: "1",
  };
  const port = 20_000 + (process.pid % 20_000);
  const driver = start("WebKitWebDriver", [`--port=${port}`], { env });
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value?.error}: ${value?.message}`);
    return value;
  };
  await until(() => call("GET", "/status").then((told) => told.ready, () => false), "the driver is ready", 20_000);
  const { sessionId, capabilities } = await call("POST", "/session", {
    capabilities: {
      alwaysMatch: {
        acceptInsecureCerts: true,
        "webkitgtk:browserOptions": { binary, args: ["--automation"] },
      },
    },
  });
  const session = (method, path, body) => call(method, `/session/${sessionId}${path}`, body);
  await session("POST", "/timeouts", { script: 60_000, pageLoad: 60_000 });
  const first = await session("GET", "/window");
  return {
    name: "webkit",
    version: `WebKitGTK/${capabilities.browserVersion}`,
    async open(url) {
      // A window that is closed opens no other.
      const { handle } = await inTurn(async () => {
        await session("POST", "/window", { handle: first });
        return session("POST", "/window/new", { type: "tab" });
      });
      const page = new Page(session, handle);
      if (url) await page.goto(url);
      return page;
    },
    async close() {
      await session("DELETE", "").catch(() => {});
      await driver.stop();
      await display.stop();
      await pause(100);
      await home.remove();
    },
  };
}

/** The driver serves one window at a time, so each call switches and calls in one go. */
let turn = Promise.resolve();

function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

class Page {
  constructor(session, handle) {
    this.session = session;
    this.handle = handle;
    this.said = [];
  }

  #inTurn(work) {
    return inTurn(async () => {
      await this.session("POST", "/window", { handle: this.handle });
      return work();
    });
  }

  goto(url) {
    return this.#inTurn(() => this.session("POST", "/url", { url }));
  }

  reload() {
    return this.#inTurn(() => this.session("POST", "/refresh", {}));
  }

  back() {
    return this.#inTurn(() => this.session("POST", "/back", {}));
  }

  run(work, ...args) {
    return this.#inTurn(() => this.#execute(work, args));
  }

  /** The same in its frame. */
  runIn(work, ...args) {
    return this.#inTurn(async () => {
      await this.session("POST", "/frame", { id: 0 });
      try {
        return await this.#execute(work, args);
      } finally {
        await this.session("POST", "/frame", { id: null });
      }
    });
  }

  async #execute(work, args) {
    const script = `const done = arguments[arguments.length - 1];
      Promise.resolve().then(() => (${work})(...${JSON.stringify(args)})).then(
        (value) => done(JSON.stringify({ value })),
        (error) => done(JSON.stringify({ error: String(error && error.stack || error) })));`;
    const told = JSON.parse(await this.session("POST", "/execute/async", { script, args: [] }));
    if (told.error !== undefined) throw new Error(told.error);
    return told.value;
  }

  front() {
    return this.#inTurn(() => {});
  }

  close() {
    return this.#inTurn(() => this.session("DELETE", "/window"));
  }
}
