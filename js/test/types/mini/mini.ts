// The declarations together with the platform's own.

import { createLatch, type Platform } from "tokenlatch/mini";
import { type Attempt, interceptors, taro } from "tokenlatch/interceptors";

const latch = createLatch(wx, {
  allow: ["https://api.test"],
  login: (code) => ({ url: "https://api.test/login", method: "POST", data: { code } }),
  storage: { encrypt: true },
  wasm: "/miniprogram_npm/tokenlatch/core.wasm.br",
  onLoginRequired: () => wx.navigateTo({ url: "/pages/login" }),
});

App({
  onLaunch() {
    latch.subscribe((state) => console.log(state));
  },
});

Page({
  onLoad() {
    const task = latch.request({ url: "https://api.test/orders", success: ({ statusCode }) => console.log(statusCode) });
    task.onHeadersReceived(() => task.abort());
  },
  async onShow() {
    const { data } = await latch.request({ url: "https://api.test/orders" });
    console.log(data, taro(latch));
  },
});

// The platform's own object is what the adapter asks for, and an object without requests is not.
export const platform: Platform = wx;
// @ts-expect-error
createLatch({ login: wx.login }, {});

// Options of the platform's own types go in, and what comes out goes where its own would.
export const send = (option: WechatMiniprogram.RequestOption): WechatMiniprogram.RequestTask => latch.request(option);
export const upload = (option: WechatMiniprogram.UploadFileOption) => latch.uploadFile(option).abort();
export const download = (option: WechatMiniprogram.DownloadFileOption) => latch.downloadFile({ ...option, public: true });
export const connect = (option: WechatMiniprogram.ConnectSocketOption) => {
  const socket = latch.connectSocket(option);
  const listener: WechatMiniprogram.SocketTaskOnMessageCallback = ({ data }) => socket.send({ data });
  socket.onMessage(listener);
};
// @ts-expect-error: a request has an address.
latch.request({ method: "POST" });

// Clients with interceptors only: one that hands its requests on, and one that copies them.
export const { request, response, rejected } = interceptors(latch, {
  attach: (config: WechatMiniprogram.RequestOption, headers) => ({ ...config, header: { ...config.header, ...headers } }),
  see: ({ statusCode, header }: WechatMiniprogram.RequestSuccessCallbackResult) => [statusCode, header],
  resend: (config: WechatMiniprogram.RequestOption) => wx.request(config),
});
interface Copied {
  path: string;
  header?: object;
  custom: { public?: boolean; permit?: Attempt };
}
interceptors(latch, {
  attach: (config: Copied, headers, permit) => ({ ...config, header: { ...config.header, ...headers }, custom: { permit } }),
  last: ({ custom }: Copied) => custom.permit,
  see: ({ status, headers }: { status?: number; headers: Map<string, string> }) => [status, headers.get("www-authenticate")],
  resend: (config: Copied, { receipt }) => [config, receipt],
  isPublic: ({ custom }: Copied) => custom.public,
  url: ({ path }: Copied) => `https://api.test${path}`,
});
// @ts-expect-error: the answers of a client are seen.
interceptors(latch, { attach() {}, resend() {} });

// What the platform does not take: bytes, encrypted synchronous storage, compilation.
// @ts-expect-error
WXWebAssembly.instantiate(new ArrayBuffer(8), {});
// @ts-expect-error
wx.setStorageSync("key", "value", { encrypt: true });
// @ts-expect-error
WXWebAssembly.compile("core.wasm");
