import type { Latch } from "./index";

/** Gates an axios instance; the second `axios` is the library itself, whose adapters are used. Returns its removal. */
export function attach(latch: Latch, instance: object, axios?: object): () => void;
