import type { Latch } from "./index.js";

export interface XhrRequest {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  body?: XMLHttpRequestBodyInit | Document | null;
  signal?: AbortSignal;
  /** Sets what else the request needs before it is sent: `responseType`, listeners of progress. */
  prepare?(xhr: XMLHttpRequest): void;
  /** Sends without a token. */
  public?: boolean;
}

/** Sends a request when it may leave, again if need be, and gives the finished XMLHttpRequest. */
export function sendXhr(latch: Latch, request: XhrRequest): Promise<XMLHttpRequest>;
