// Child processes of the tests: each in a group of its own, ended with everything that it started.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const running = new Set();

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

process.on("exit", () => running.forEach((child) => kill(child, "SIGKILL")));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

/** Starts a program. `stop()` ends its whole group and waits until it has ended. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"], ...options });
  running.add(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => { said = (said + data).slice(-20_000); });
    stream.on("error", () => {});
  }
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`${program}: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`${program}: ended with ${code ?? signal}`));
  }).then((how) => {
    running.delete(child);
    return how;
  });
  child.stdin.on("error", () => {});
  return {
    child,
    ended,
    /** The first match of a pattern in what the program says. */
    async says(pattern, ms = 30_000) {
      const until = Date.now() + ms;
      let gone = null;
      ended.then((how) => { gone = how; });
      for (;;) {
        const found = pattern.exec(said);
        if (found) return found;
        if (gone) throw new Error(`${gone}\n${said}`);
        if (Date.now() > until) throw new Error(`${program} did not say ${pattern}\n${said}`);
        await pause(20);
      }
    },
    async stop() {
      kill(child, "SIGTERM");
      const late = setTimeout(() => kill(child, "SIGKILL"), 2_000);
      await ended;
      clearTimeout(late);
      kill(child, "SIGKILL");
    },
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls `look` until it gives something true. */
export async function until(look, what, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(15);
  }
}

/** A new folder, and what removes it: a browser may still be writing when it is asked to end. */
export async function folder(name) {
  const path = await mkdtemp(join(tmpdir(), `${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }).catch(() => {}) };
}
