// The same random traces natively, as WebAssembly and as JavaScript: every outcome, order, time, error and byte is
// compared. How deep the module's stack gets is measured on the way.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import translated from "../dist/core.js";
import { BUFFER } from "../src/numbers.js";
import { native } from "./native.mjs";

const TRACES = Number(process.env.TRACES || 100_000);
const OPERATIONS = 16;
const STACK = 8192;
const MARK = 0xa5;

/** Xorshift; `pick(n)` is from 0 to n - 1. */
const randomness = (seed) => {
  let state = seed * 2654435761 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
};

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
  toString() {
    const text = (lane) => (lane >>> 0).toString(16).padStart(8, "0");
    return text(this.high) + text(this.low);
  }
}

/** A core that starts anew for each trace. */
class Core {
  constructor(exports) {
    this.exports = exports;
    this.memory = new Uint8Array(exports.memory.buffer);
    this.memory.fill(MARK, 0, STACK);
    this.image = this.memory.slice();
    this.deepest = STACK;
    const base = exports.a();
    this.out = new Float64Array(exports.memory.buffer, base, 2);
    this.buffer = this.memory.subarray(base + 16, base + 16 + BUFFER);
  }
  renew() {
    this.noteStack();
    this.memory.set(this.image);
    this.digest = new Digest();
  }
  noteStack() {
    let place = 0;
    while (place < this.deepest && this.memory[place] === MARK) place++;
    this.deepest = place;
  }
  drain(orders) {
    for (;;) {
      const kind = this.exports.p();
      this.digest.number(kind);
      if (!kind) break;
      this.digest.number(this.out[0]);
      this.digest.number(this.out[1]);
      orders.push([kind, this.out[0], this.out[1]]);
    }
    this.digest.number(this.exports.t());
  }
  came(result) {
    this.digest.number(result);
    const bytes = this.buffer.slice(0, Math.max(result, 0));
    for (const byte of bytes) this.digest.word(byte);
    return bytes;
  }
  /** A call as the line says it; what came back is told to the model. */
  call(name, args, bytes, orders) {
    if (name === "c" || name === "s") return this.digest.number(this.exports[name](...args));
    this.buffer.fill(0);
    if (name === "h") {
      this.buffer.set(bytes);
      const result = this.exports.h(...args);
      this.digest.number(result);
      const ticket = this.out[0];
      if (result === 3) {
        this.digest.number(ticket);
        orders.push([0, ticket, 0]);
      }
      this.buffer.fill(0);
      this.drain(orders);
      return result;
    }
    const result = this.exports[name](...args);
    const came = this.came(result);
    if (name === "g") {
      if (result >= 0) {
        this.digest.number(this.out[0]);
        this.digest.number(this.out[1]);
        orders.push([13, this.out[0], 0]);
      }
      this.buffer.fill(0);
      this.drain(orders);
    }
    this.buffer.fill(0);
    return came;
  }
}

const field = (text) => [text.length >> 8, text.length & 255, ...Buffer.from(text, "latin1")];
const CHALLENGES = [
  "Bearer",
  'Bearer error="invalid_token"',
  'Bearer error="insufficient_scope", scope="a b"',
  'Basic realm="x", Bearer error="invalid_request"',
  'DPoP error="use_dpop_nonce"',
  'Bearer error="insufficient_user_authentication", max_age="5"',
  "Negotiate YII==",
  '\xff",="',
];
const ODD = [NaN, Infinity, -1, 1e300, 2 ** 53, 2 ** 53 + 2, 0.5, -0, 4294967296];
const TOKENS = ["", "undefined", '"t"', "Bearer x", "a\nb", "\xe9", "x".repeat(9000)];

/** A host of sorts: mostly answers what was ordered, sometimes nonsense. Gives the calls of one trace. */
const play = (seed, call) => {
  const pick = randomness(seed);
  const some = (list) => list[pick(list.length)];
  let monotonic = pick(1000);
  let wall = pick(8) ? 1.7e12 : 0;
  let stored;
  let issued = 0;
  let waiter = 0;
  const open = [];
  const receipts = [0];
  const tickets = [0];
  const settings = [[1, 4], [2, 2], [3, 2], [4, 2], [5, 2], [6, 2], [7, 2], [8, 2], [10, 4], [15, 6], [17, 20000], [27, 4], [9, 40000], [99, 2], [18, 3000]];
  for (let n = pick(4); n > 0; n--) {
    const [key, most] = some(settings);
    call("c", [key, pick(most)], [], []);
  }
  if (!pick(5)) for (const [key, value] of [[0, 0], [1, 0]]) call("c", [key, value], [], []);
  if (!pick(8)) for (const [key, value] of [[3, 1], [1, 3]]) call("c", [key, value], [], []);
  call("s", [pick(2 ** 31), pick(2 ** 31)], [], []);

  const handle = (kind, id = 0, a = 0, b = 0, c = 0, bytes = []) => {
    const orders = [];
    const at = pick(200) ? monotonic : some(ODD);
    const clock = pick(300) ? wall : some(ODD);
    const result = call("h", [kind, at, clock, id, pick(400) ? a : some(ODD), b, c], bytes, orders);
    take(orders);
    return result;
  };
  const take = (orders) => {
    for (const [kind, id] of orders) {
      if (kind === 13) receipts.push(id);
      else if (kind !== 1) open.push([kind, id]);
      tickets.push(id);
    }
  };
  const grant = (ticket) => {
    issued++;
    const token = pick(20) ? `a${issued}` : some(TOKENS);
    const parts = [token, pick(4) ? `r${pick(3) ? issued : 1}` : "", pick(6) ? "" : "read", pick(3) ? "bob" : some(["", "eve"]), pick(9) ? "" : "\x00\xff"];
    const bytes = parts.flatMap(field);
    if (!pick(60)) bytes.length = pick(bytes.length);
    const form = some([0, 1, 1, 1, 1, 2, 5]);
    handle(6, ticket, form, form & 2 ? wall + 60_000 : some([3_600_000, 90_000, 4000, 1, 0]), pick(5) ? 0 : 1.7e12, bytes);
  };
  const carry = ([kind, id]) => {
    switch (kind) {
      case 0: return pick(4) ? grant(id) : handle(7, id, pick(9), pick(3) ? -1 : pick(100));
      case 2: {
        if (!pick(8)) return handle(9, id);
        if (!stored || !pick(10)) return handle(8, id, -1);
        const bytes = [...stored];
        if (!pick(10)) bytes[pick(bytes.length)] ^= 1 << pick(8);
        return handle(8, id, bytes.length, 0, 0, bytes);
      }
      case 3: {
        const came = call("r", [2, id], [], []);
        if (came.length) stored = came;
        return handle(pick(8) ? 10 : 11, id);
      }
      case 6: return handle(pick(6) ? 13 : some([14, 15]), id);
      case 7: {
        call("r", [0, id], [], []);
        return pick(3) ? grant(id) : handle(7, id, some([0, 1, 2, 3, 4, 4, 5, 6, 7, 36, 43, 44, 99]), pick(3) ? -1 : pick(100));
      }
      case 8: {
        call("r", [3, id], [], []);
        return handle(12, id, pick(4));
      }
      case 9: {
        call("r", [1, id], [], []);
        return handle(pick(4) ? 16 : 17, id);
      }
      case 12: {
        const orders = [];
        call("g", [monotonic, wall, id], [], orders);
        return take(orders);
      }
    }
  };
  handle(0);
  for (let operation = 0; operation < OPERATIONS; operation++) {
    const passed = some([0, 1, 1, 7, 250, 2000, 61_000]);
    monotonic += passed;
    if (wall) wall += passed + (pick(40) ? 0 : some([-7_200_000, 7_200_000, 9000]));
    if (open.length && pick(3)) {
      carry(open.splice(pick(3) ? 0 : pick(open.length), 1)[0]);
      continue;
    }
    switch (pick(16)) {
      case 0: case 1: case 2: handle(18, ++waiter); break;
      case 3: handle(18, ++waiter, 1, some(receipts)); break;
      case 4: case 5: {
        const header = pick(2) ? undefined : some(CHALLENGES);
        const bytes = header === undefined ? [] : [...Buffer.from(header, "latin1")];
        handle(19, some(receipts), some([200, 401, 401, 403, 500, 0]), header === undefined ? -1 : bytes.length, 0, bytes);
        break;
      }
      case 6: handle(5); break;
      case 7: handle(some([1, 2])); break;
      case 8: handle(some([3, 4])); break;
      case 9: handle(20, pick(waiter + 2)); break;
      case 10: handle(21); break;
      case 11: if (!pick(3)) handle(22); break;
      case 12: handle(pick(30), some(tickets), pick(3), pick(3)); break;
      case 13: call("r", [pick(8), some(tickets) >>> 0], [], []); break;
      default: handle(23);
    }
  }
};

test(`${TRACES} traces are the same natively, as WebAssembly and as JavaScript`, async (t) => {
  const module = new WebAssembly.Module(readFileSync(new URL("../dist/core.wasm", import.meta.url)));
  const cores = [new Core(new WebAssembly.Instance(module).exports), new Core(translated())];
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
  checked.catch(() => {});
  let lines = "";
  for (let trace = 0; trace < TRACES; trace++) {
    for (const core of cores) core.renew();
    lines += "n\n";
    play(trace + 1, (name, args, bytes, orders) => {
      if (name !== "h") lines += `${name} ${args.join(" ")}\n`;
      else lines += `h ${args.join(" ")} ${Buffer.from(bytes).toString("hex")}\n`;
      const result = cores[0].call(name, args, bytes, orders);
      const second = [];
      cores[1].call(name, args, bytes, second);
      if (name === "h") outcomes.add(result);
      return result;
    });
    const digest = String(cores[0].digest);
    assert.equal(String(cores[1].digest), digest, `trace ${trace} is another one as JavaScript`);
    digests.push(digest);
    if (lines.length > 1 << 20) {
      await other.write(lines);
      lines = "";
    }
  }
  await other.write(lines);
  await other.end();
  await checked;
  for (const outcome of [0, 1, 2, 3, 5, 6, 7, -1, -10, -11, -13, -14, -21, -25]) assert.ok(outcomes.has(outcome), `outcome ${outcome} never came`);
  for (const core of cores) core.noteStack();
  const used = STACK - cores[0].deepest;
  t.diagnostic(`${outcomes.size} outcomes; the stack of ${STACK} bytes was used to ${used}`);
  assert.ok(used > 0 && used <= STACK / 2, `${used} bytes of stack`);
});
