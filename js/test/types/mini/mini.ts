// The declarations together with the platform's own.

import { createLatch } from "tokenlatch/mini";
import { taro } from "tokenlatch/interceptors";

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

// What the platform does not take: bytes, encrypted synchronous storage, compilation.
// @ts-expect-error
WXWebAssembly.instantiate(new ArrayBuffer(8), {});
// @ts-expect-error
wx.setStorageSync("key", "value", { encrypt: true });
// @ts-expect-error
WXWebAssembly.compile("core.wasm");
