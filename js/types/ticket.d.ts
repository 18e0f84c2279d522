import type { Latch, State } from "./index.js";

/** Takes the one-time ticket out of the page's address and signs in with it; without one nothing happens. */
export function redeem(latch: Latch, exchange: (ticket: string) => unknown): Promise<State | undefined>;
