// The native side of comparisons: `js-native`, line by line.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const PROGRAM = process.env.JS_NATIVE;

/** Feeds lines to the program and gives the lines that it prints. */
export const native = (t, mode) => {
  if (!PROGRAM) throw new Error("JS_NATIVE is not set: run `cargo xtask js test`");
  const child = spawn(PROGRAM, [mode], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Waits where the program can't keep up. */
    write: async (text) => {
      if (!child.stdin.write(text)) await once(child.stdin, "drain");
    },
    next: async () => (await lines.next()).value,
    end: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
      if (child.exitCode) throw new Error(`js-native ended with ${child.exitCode}`);
    },
  };
};
