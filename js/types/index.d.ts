import type { CommonLatch, CommonOptions, Lease, State, Store } from "./common.js";

export * from "./common.js";

/** What a page's latch is made of. */
export interface Options extends CommonOptions {
  /** The token endpoint: a renewal is a POST of RFC 6749 6. Without it, `refresh` or `relogin` nothing is renewed. */
  tokenEndpoint?: string;
  /** The revocation endpoint of RFC 7009. */
  revocationEndpoint?: string;
  clientId?: string;
  /** Renews in another way: gives a `Response` or a parsed body. */
  refresh?(refreshToken: string): unknown;
  /** A login that needs no user, instead of refresh tokens: renews after a first `login`. */
  relogin?(): unknown;
  /** A session in a cookie that scripts can't see. Needs `probe`. */
  cookie?: boolean;
  /** Default: IndexedDB, then `localStorage`. `undefined`: memory only; then there is no lease either. */
  store?: Store | undefined;
  /** Default: Web Locks, then one in IndexedDB. */
  lease?: Lease | undefined;
  /** Default: the page's own. */
  fetch?: typeof fetch;
}

/** The latch of a page. */
export interface Latch extends CommonLatch {
  /** `fetch`, gated. `public: true` sends without a token, at once. */
  fetch(input: RequestInfo | URL, init?: RequestInit & { public?: boolean }): Promise<Response>;
  /** As `run`. */
  request: CommonLatch["run"];
  /** Signs in with what this gives: a `Response`, a parsed body, or a promise or function of one. */
  login(work: unknown): Promise<State>;
}

/** A latch for a page. One for each application; another one of the same name in another tab shares its session. */
export function createLatch(options: Options): Latch;
