import type { Lease, Store } from "./index.js";

/** One cell in IndexedDB that all tabs share, and a lease beside it. */
export function indexedDBStore(name: string): Store & { lease: Lease };
/** `localStorage`: a read waits until other tabs' writes are visible. */
export function localStore(name?: string): Store;
/** `sessionStorage`: one tab, until it is closed. */
export function sessionStore(name?: string): Store;
/** Memory: until the page is left. */
export function memoryStore(): Store;
/**
 * The first store, or the second where the first has never worked. What is in the second is taken for newer, until something is
 * written to the first.
 */
export function either(first: Store, second: Store): Store;
