import type { Latch } from "./index.js";

/** A part of ky's `hooks`. ky 1 calls them with a request and its options, ky 2 with an object that has them. */
export interface Hooks {
  beforeRequest: ((request: any, options?: any) => Promise<void> | undefined)[];
  beforeRetry: ((state?: any) => Promise<void> | undefined)[];
  afterResponse: ((request: any, options?: any, response?: any) => Promise<Response>)[];
}

/** How a request is sent again. ky 1 shows its hooks its own `fetch` and `timeout`; ky 2 shows neither. */
export interface Sending {
  /** Default: the global one. */
  fetch?: typeof fetch;
  /** Milliseconds for each sending. Default: as long as it takes. */
  timeout?: number | false;
}

/**
 * Hooks that gate requests, for `ky.create` or `ky.extend`, of ky 1 and ky 2. `context: { public: true }` sends without a
 * token. A latch that is slow to open takes nothing from ky's `timeout`.
 */
export function hooks(latch: Latch, again?: Sending): Hooks;
