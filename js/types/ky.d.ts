import type { Latch } from "./index.js";

/** What of ky's options these hooks look at. */
interface Options {
  context: Record<string, unknown>;
  [more: string]: any;
}

/** A part of ky's `hooks`. */
export interface Hooks {
  beforeRequest: ((request: Request, options: Options) => Promise<void> | undefined)[];
  afterResponse: ((request: Request, options: Options, response: Response) => Promise<Response>)[];
}

/**
 * Hooks that gate requests, for `ky.create` or `ky.extend`. `context: { public: true }` sends without a token. A latch
 * that is slow to open takes nothing from ky's `timeout`.
 */
export function hooks(latch: Latch): Hooks;
