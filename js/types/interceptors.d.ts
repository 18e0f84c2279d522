import type { CommonLatch, Permit } from "./common.js";

/** What of a latch these interceptors use. */
export type Gated = Pick<CommonLatch, "enter" | "answered" | "run" | "allows">;

/**
 * The permit of one attempt: what finds its answer, and tells a request that is sent again from a new one. It is no
 * secret, and a copy of it is as good.
 */
export type Attempt = Pick<Permit, "receipt">;

/** How a client's requests and answers look. `config` is what it gives to its interceptors. */
export interface Shape {
  /**
   * Puts the headers into a request, before each attempt; gives the request that is sent, or nothing if it changed this
   * one. Where the client copies a request on its way, it also puts `permit` where the copies keep it.
   */
  attach(config: any, headers: Readonly<Record<string, string>>, permit: Attempt): any;
  /**
   * The permit that `attach` put into this request, if one did. For clients that copy requests, between the interceptors
   * (mpx) or when they send one again (luch-request, alova): without it their answers are not found, or each attempt
   * counts as the first one and nothing ends them. Default: found by the object that `attach` gave.
   */
  last?(config: any): Attempt | undefined;
  /**
   * The status of an answer, and its `WWW-Authenticate` or all headers by their names in any case. No status: there was
   * no answer, and nothing is told. `isAuthFailure` is not asked: give 401 for an answer that means it.
   */
  see(response: any): [status: number | undefined, challenge?: string | object | null | undefined];
  /**
   * Sends a request again, after an answer that a new attempt may help; gives what its sender gets instead. `config` is
   * what `response` was called with, and the request comes to `request` once more. `permit` is for `last`, where `attach`
   * could not put it.
   */
  resend(config: any, permit: Attempt): unknown;
  /** Whether a request is sent without a token, and at once. Default: none is. */
  isPublic?(config: any): boolean | undefined;
  /**
   * The address that a request goes to: what `allows` of the latch says no to is sent without a token, and at once.
   * Default: `url`, after `baseURL` or `baseUrl` and a slash unless it names a host.
   */
  url?(config: any): string;
}

/** What a client calls. */
export interface Interceptors {
  /**
   * Before each attempt: waits for a permit, and resolves with the request that has its headers, or with nothing where
   * the request is a thenable, as alova's are. Rejects as a request of the latch would.
   */
  request(config: any): Promise<any>;
  /**
   * After an answer: resolves with it, or with what `resend` gave. `config` is the request that `request` gave, or a copy
   * of it where the shape has `last`.
   */
  response(response: any, config: any): Promise<any>;
  /** As `response`, for what the client takes for an error: rejects with it, or does what `resend` does. */
  rejected(error: any, config: any): Promise<any>;
}

/** Interceptors for clients that have no other place. Each request goes through `request` and one of the other two. */
export function interceptors(latch: Gated, shape: Shape): Interceptors;

/**
 * An interceptor for Taro: `Taro.addInterceptor(taro(latch))`. Requests with `public: true`, and those to an address that
 * `allows` of the latch says no to, are sent without a token.
 */
export function taro(latch: Gated): (chain: any) => Promise<any>;
