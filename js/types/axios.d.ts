import type { Latch } from "./index.js";

declare module "axios" {
  interface AxiosRequestConfig {
    /** Sends without a token, and at once. */
    public?: boolean;
  }
}

/** Gates axios itself. Returns its removal. */
export function attach(latch: Latch, axios: { getAdapter: unknown }): () => void;
/** Gates an instance; `axios` is the library itself, whose adapters are used. Returns its removal. */
export function attach(latch: Latch, instance: object, axios: object): () => void;
