// What pages and mini-programs have in common: no name of a browser's.

/** What the latch is. Requests leave in `Ready`, and in no other state unless the application chose so. */
export type State = "Unauthenticated" | "Pending" | "Ready" | "Refreshing" | "Expired";

/** Why: a number that `explain` of `tokenlatch/why` turns into sentences. 1 to 99 are the core's, others the host's. */
export type Cause = number;

/** A step of the trace: when, which event, the states before and after, then the orders. `describe` names them. */
export type Step = [at: number, event: number, from: number, to: number, ...effects: number[]];

/** Why a request did not leave, or a login failed. */
export class LatchError extends Error {
  readonly name: "LatchError";
  readonly cause: Cause;
  /** The last answer, or the error of the transport, where there was one. */
  readonly response?: unknown;
}

/**
 * Where the fields of a token endpoint's answer stand: keys joined with dots. Left out: as RFC 6749 has them; the
 * empty string: nowhere.
 */
export interface Shape {
  access_token?: string;
  refresh_token?: string;
  /** Lifetime from the request on. */
  expires_in?: string;
  /** End since the Unix epoch, instead of `expires_in`. */
  expires_at?: string;
  /** Milliseconds in one of these; 1000 if left out. */
  unit?: 1 | 1000;
  token_type?: string;
  scope?: string;
  /** Who signed in; not read if left out. */
  subject?: string;
  /** An error or result code; `error` if left out. */
  error?: string;
  /** Codes that mean success. */
  success?: readonly (string | number)[];
  /** Codes that end the session, beside `invalid_grant`. */
  ended?: readonly (string | number)[];
}

/** A place for one record, a string with characters up to U+00FF. It holds the tokens. */
export interface Store {
  read(): string | null | undefined | Promise<string | null | undefined>;
  /** Resolves when the record is written. */
  write(record: string): unknown;
}

/**
 * Mutual exclusion between contexts. Calls one of the two; `denied` also when it was granted and is taken away. What it
 * returns gives the lease up, or stops waiting for it.
 */
export type Lease = (granted: () => void, denied: () => void) => () => void;

/** What a request is sent with: its headers, once. */
export interface Permit {
  readonly headers: Readonly<Record<string, string>>;
  readonly receipt: number;
}

/** What options of all hosts have in common. */
export interface CommonOptions {
  /** Name of the store, the lease and the channel: one for each application of an origin. Default: `tokenlatch`. */
  name?: string;
  /**
   * Origins that a token may go to, each by any whole address of it. Default: the page's own; in mini-programs all.
   * What is no whole address makes requests throw a `TypeError` in a page, and `createLatch` a `LatchError` with the cause -1
   * in a mini-program.
   */
  allow?: readonly string[];
  /** Called once for each need of a login. */
  onLoginRequired?(cause: Cause): void;
  /**
   * Whether an answer means 401, whatever its status. Gets a copy of a `Response`, or what axios will give. Where it throws
   * the status counts. Interceptors do not ask it: their `see` gives 401.
   */
  isAuthFailure?(response: any): boolean | Promise<boolean>;
  /** The header of the token. Default: `Authorization`. */
  header?: string;
  /** What stands before the token; empty for nothing. Default: `Bearer`, or what the grant says. */
  scheme?: string;
  /** Where the fields of a token endpoint's answer stand. */
  shape?: Shape;
  /** Fields of the configuration, by the numbers of `tokenlatch/config`. */
  tune?: Readonly<Record<number, number>>;
  /** Makes a cheap request with these headers: whether the credential works. */
  probe?(headers: Record<string, string>): unknown;
  /** Revokes a token, of a cookie session the session. Rejects if that did not reach the server. */
  revoke?(token: string): unknown;
}

/** An `AbortSignal`, or what stands for one. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What a latch of any host can do. */
export interface CommonLatch {
  readonly state: State;
  /** Who is signed in, where `shape.subject` says. */
  readonly subject: string | undefined;
  readonly scope: string | undefined;
  /** Whether the store does not have the session, because it is full, denied or not yet done: it would not survive a reload. */
  readonly volatile: boolean;
  /** Resolves when a request may leave; rejects as one would. */
  ready(signal?: Signal): Promise<void>;
  /**
   * Ends the session at once: on return no request can leave with its token. Resolves when the store has it, or when there
   * is nothing to store; until then a page or program that ends finds the session again at its next start. Never rejects, and
   * waits as long as the store fails.
   */
  logout(): Promise<void>;
  /** Renews now. */
  renew(): void;
  /** Calls the listener with each new state. */
  subscribe(listener: (state: State) => void): () => void;
  /** Whether a token may go to this address. */
  allows(url: string): boolean;
  /** Why this answer, or the request of this error, was refused. */
  why(response: object): Cause | undefined;
  /** The last steps, without secrets. */
  trace(): Step[];
  /**
   * Ends every request and login that waits, and forgets the tokens. The store keeps them: wait for `logout` first if they
   * are to be gone.
   */
  destroy(): void;
  /**
   * Sends a request of any kind when it may leave, and again if need be. `see` gives the status and the headers by
   * their names in lower case.
   */
  run<T>(
    send: (permit: Permit) => T | Promise<T>,
    options?: {
      signal?: Signal;
      replay?: boolean;
      see?(response: T): [status: number, header: (name: string) => string | null | undefined];
    },
  ): Promise<T>;
  /** The two halves of `run`, for interceptors: waits for a permit, tells what was answered. */
  enter(signal?: Signal, last?: Permit): Promise<Permit>;
  answered(permit: Permit, status: number, challenge?: string | null): number;
}
