import type { Latch } from "./index.js";

/** Gates axios itself. Returns its removal. */
export function attach(latch: Latch, axios: { getAdapter: unknown }): () => void;
/** Gates an instance; `axios` is the library itself, whose adapters are used. Returns its removal. */
export function attach(latch: Latch, instance: object, axios: object): () => void;
