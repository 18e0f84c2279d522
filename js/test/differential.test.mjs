// The same random traces natively, as WebAssembly and as JavaScript: every outcome, order, time, error and byte is
// compared. How deep the module's stack gets is measured on the way.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import translated from "../dist/core.js";
import { Core } from "./core.mjs";
import { native } from "./native.mjs";
import { play } from "./play.mjs";

const TRACES = Number(process.env.TRACES || 100_000);
const STACK = 8192;
const MARK = 0xa5;

const doubles = new Float64Array(1);
const words = new Uint32Array(doubles.buffer);

/** Two lanes of 32 bits, as in `js/native`. */
class Digest {
  low = 0x811c9dc5;
  high = 0x9e3779b9;
  word(word) {
    this.low = Math.imul(this.low ^ word, 0x01000193);
    this.high = Math.imul(((this.high << 5) | (this.high >>> 27)) ^ word, 0x85ebca6b);
  }
  number(number) {
    doubles[0] = number;
    this.word(words[0]);
    this.word(words[1]);
  }
  bytes(bytes) {
    for (const byte of bytes) this.word(byte);
  }
  toString() {
    const text = (lane) => (lane >>> 0).toString(16).padStart(8, "0");
    return text(this.high) + text(this.low);
  }
}

/** A core whose stack is watched, and a digest of all that is to be seen of a trace. */
class Watched extends Core {
  constructor(exports) {
    new Uint8Array(exports.memory.buffer).fill(MARK, 0, STACK);
    super(exports);
    this.deepest = STACK;
  }
  renew() {
    this.noteStack();
    super.renew();
    this.digest = new Digest();
  }
  noteStack() {
    let place = 0;
    while (place < this.deepest && this.memory[place] === MARK) place++;
    this.deepest = place;
  }
  call(name, args, bytes, orders) {
    return super.call(name, args, bytes, orders, this.digest);
  }
}

test(`${TRACES} traces are the same natively, as WebAssembly and as JavaScript`, async (t) => {
  const module = new WebAssembly.Module(readFileSync(new URL("../dist/core.wasm", import.meta.url)));
  const cores = [new Watched(new WebAssembly.Instance(module).exports), new Watched(translated())];
  const other = native(t, "calls");
  const digests = [];
  const outcomes = new Set();
  const checked = (async () => {
    for (let trace = 0; trace < TRACES; trace++) {
      const printed = await other.next();
      while (digests.length <= trace) await new Promise((resolve) => setTimeout(resolve, 1));
      assert.equal(printed, digests[trace], `trace ${trace} is another one natively`);
    }
  })();
  // Who finds a difference reads no more, so that nobody would take what is written then.
  const different = checked.then(() => new Promise(() => {}));
  different.catch(() => {});
  const unlessDifferent = (work) => Promise.race([work, different]);
  let lines = "";
  const timeout = () => cores[0].timeout();
  const call = (name, args, bytes, orders) => {
    if (name !== "h") lines += `${name} ${args.join(" ")}\n`;
    else lines += `h ${args.join(" ")} ${Buffer.from(bytes).toString("hex")}\n`;
    const result = cores[0].call(name, args, bytes, orders);
    cores[1].call(name, args, bytes, []);
    if (name === "h") outcomes.add(result);
    return result;
  };
  let stored;
  for (let trace = 0; trace < TRACES; trace++) {
    for (const core of cores) core.renew();
    lines += "n\n";
    stored = play(trace + 1, { call, timeout }, { stored: trace % 2 ? stored : undefined, operations: trace % 4 ? 16 : 60 });
    const digest = String(cores[0].digest);
    assert.equal(String(cores[1].digest), digest, `trace ${trace} is another one as JavaScript`);
    digests.push(digest);
    if (lines.length > 1 << 20) {
      await unlessDifferent(other.write(lines));
      lines = "";
    }
  }
  await unlessDifferent(other.write(lines));
  await unlessDifferent(other.end());
  await checked;
  for (const outcome of [0, 1, 2, 3, 5, 6, 7, -1, -10, -11, -13, -14, -21, -25]) assert.ok(outcomes.has(outcome), `outcome ${outcome} never came`);
  for (const core of cores) core.noteStack();
  const used = STACK - cores[0].deepest;
  t.diagnostic(`${outcomes.size} outcomes; the stack of ${STACK} bytes was used to ${used}`);
  assert.ok(used > 0 && used <= STACK / 2, `${used} bytes of stack`);
});
