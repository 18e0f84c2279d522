// A core as traces call it.

import { BUFFER } from "../src/numbers.js";
import { LOGIN, PERMIT } from "./play.mjs";

const OUTCOME_LOGIN = 3;
/** No call orders as much; one that does would go on for ever. */
const MOST_ORDERS = 999;

/** A core that can start anew. */
export class Core {
  constructor(exports) {
    this.exports = exports;
    this.memory = new Uint8Array(exports.memory.buffer);
    this.image = this.memory.slice();
    const base = exports.a();
    this.out = new Float64Array(exports.memory.buffer, base, 2);
    this.buffer = this.memory.subarray(base + 16, base + 16 + BUFFER);
  }
  renew() {
    this.memory.set(this.image);
  }
  timeout() {
    return this.exports.t();
  }
  /**
   * A call of a trace: gives what came back, and adds to `orders` what is ordered then. `see.number` and `see.bytes` are
   * shown all that is to be seen of it.
   */
  call(name, args, bytes, orders, see) {
    this.buffer.fill(0);
    this.buffer.set(bytes);
    const result = this.exports[name](...args);
    see.number(result);
    if (name === "c" || name === "s") return result;
    if (name === "h") {
      if (result === OUTCOME_LOGIN) this.give(LOGIN, 1, orders, see);
      this.drain(orders, see);
      return result;
    }
    const came = this.buffer.slice(0, Math.max(result, 0));
    see.bytes(came);
    if (name === "g") {
      if (result >= 0) this.give(PERMIT, 2, orders, see);
      this.drain(orders, see);
    }
    return came;
  }
  /** What stands in `out`, of which so many numbers mean something. */
  give(kind, numbers, orders, see) {
    for (const number of this.out.subarray(0, numbers)) see.number(number);
    orders.push([kind, this.out[0], this.out[1]]);
  }
  drain(orders, see) {
    for (;;) {
      const kind = this.exports.p();
      see.number(kind);
      if (!kind) break;
      this.give(kind, 2, orders, see);
      if (orders.length > MOST_ORDERS) throw new Error("orders without end");
    }
    see.number(this.timeout());
  }
}
