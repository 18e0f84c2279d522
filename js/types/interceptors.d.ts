import type { CommonLatch } from "./common.js";

export type Gated = Pick<CommonLatch, "enter" | "answered" | "run">;

export interface Shape {
  /** Puts the headers into a request; gives the request, or changes it. */
  attach(config: any, headers: Readonly<Record<string, string>>): any;
  /** Status and `WWW-Authenticate` of an answer. */
  see(response: any): [status: number, challenge?: string | null];
  /** Sends a request again. */
  resend(config: any): unknown;
  /** Requests without a token. */
  isPublic?(config: any): boolean;
}

/** A pair of interceptors, for clients that have no other place. */
export function interceptors(
  latch: Gated,
  shape: Shape,
): { request(config: any): Promise<any>; response(response: any, config: any): Promise<any> };

/** An interceptor for Taro: `Taro.addInterceptor(taro(latch))`. */
export function taro(latch: Gated): (chain: any) => Promise<any>;
