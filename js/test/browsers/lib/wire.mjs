// JSON messages with ids over one WebSocket: what the Chromium and the Firefox protocols share.
import WebSocket from "ws";

/** A connection: `send` gives the result of its command, `on` is told what comes unasked. */
export class Wire {
  #socket;
  #next = 1;
  #pending = new Map();
  #listeners = new Set();
  #wrap;

  static async connect(address) {
    const socket = new WebSocket(address, { perMessageDeflate: false, maxPayload: 1 << 28 });
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Wire(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#take(JSON.parse(data.toString())));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { reject, method } of this.#pending.values()) reject(new Error(`${method}: the browser is gone`));
      this.#pending.clear();
    });
  }

  #take(message) {
    if (message.id === undefined || message.id === null) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const waiting = this.#pending.get(message.id);
    if (!waiting) return;
    this.#pending.delete(message.id);
    if (message.error) {
      const text = typeof message.error === "string" ? `${message.error}: ${message.message}` : message.error.message;
      waiting.reject(new Error(`${waiting.method}: ${text}`));
    } else waiting.resolve(message.result);
  }

  /** Sends a command; `more` stands beside its parameters, as a session's name does. */
  send(method, params = {}, more = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, method });
      this.#socket.send(JSON.stringify({ id, method, params, ...more }));
    });
  }

  /** Calls `listener` with each message that answers no command; gives what stops it. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close() {
    this.#socket.close();
  }
}
