import type { CommonLatch, CommonOptions, State, Store } from "./common.js";

export * from "./common.js";

/** What a task can do before and after its request is sent. */
export interface Task {
  abort(): void;
  onHeadersReceived(listener: (result: any) => void): void;
  offHeadersReceived(listener?: (result: any) => void): void;
  onChunkReceived(listener: (result: any) => void): void;
  offChunkReceived(listener?: (result: any) => void): void;
  onProgressUpdate(listener: (result: any) => void): void;
  offProgressUpdate(listener?: (result: any) => void): void;
}

/** What the latch looks at of what the platform's own function takes. `public: true` sends without a token. */
export interface Request {
  url: string;
  header?: object | undefined;
  public?: boolean | undefined;
  success?(result: any): void;
  fail?(error: any): void;
  complete?(result: any): void;
}

/** What the latch uses of a platform. */
export interface Platform {
  request(options: any): any;
  uploadFile?(options: any): any;
  downloadFile?(options: any): any;
  connectSocket?(options: any): any;
  login?(options: any): any;
  /** In place of `login`, as `my` has it. */
  getAuthCode?(options: any): any;
  getStorage?(options: any): any;
  setStorage?(options: any): any;
  getStorageSync?(key: any): any;
  setStorageSync?(key: any, data?: any): any;
  onAppShow?(listener: () => void): any;
  offAppShow?(listener?: any): any;
  onNetworkStatusChange?(listener: (status: { isConnected: boolean }) => void): any;
  offNetworkStatusChange?(listener?: any): any;
}

/** A task; without callbacks also a promise. */
export type Sent = Task & Pick<Promise<any>, "then" | "catch" | "finally">;

/** A socket that is connected when the token is there. */
export interface Socket {
  send(message: any): void;
  close(options?: any): void;
  onOpen(listener: (result: any) => void): void;
  onClose(listener: (result: any) => void): void;
  onError(listener: (result: any) => void): void;
  onMessage(listener: (result: any) => void): void;
}

export interface Options extends CommonOptions {
  /** Exchanges the platform's code: a request to send, an answer, or a promise of one. Also renews. */
  login?(code: string, result: any): unknown;
  /** Options of the platform's own `login`, or `getAuthCode`. */
  loginOptions?: object;
  /** Renews by a refresh token instead: a request to send, an answer, or a promise of one. */
  refresh?(refreshToken: string): unknown;
  /** How the record is kept. Default: the asynchronous storage, which alone encrypts. */
  storage?: { sync?: false; encrypt?: boolean } | { sync: true; encrypt?: false };
  /** Another store. `undefined`: memory only. */
  store?: Store | undefined;
  /** Path of `core.wasm` or `core.wasm.br` in the program: runs WebAssembly where the platform has it. */
  wasm?: string;
}

/** The latch of a mini-program. Its functions take and give what the platform's do. */
export interface Latch extends CommonLatch {
  request<R extends Request>(request: R): Sent;
  uploadFile<R extends Request>(request: R): Sent;
  downloadFile<R extends Request>(request: R): Sent;
  connectSocket<R extends Request>(request: R): Socket;
  /** Signs in; without an argument by the platform's code, and once for all who ask while that is under way. */
  login(work?: unknown): Promise<State>;
  /** The address of a page in a web-view, with the one-time ticket that `issue` gives. */
  webView(url: string, issue: () => string | Promise<string>): Promise<string>;
}

/** A latch for a mini-program. `platform` is `wx`, `my`, `tt`, `qq`, `swan`, `uni` or Taro. */
export function createLatch(platform: Platform, options: Options): Latch;
