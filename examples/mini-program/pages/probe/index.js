// What this device's engine can do, as one line to report. It sends nothing but a login to the platform.
const { createLatch } = require("tokenlatch");

const call = (method, options) =>
  new Promise((success, fail) => wx[method](Object.assign({}, options, { success, fail })));
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A latch on a platform that answers by itself; its store is memory. */
function latchAlone(more) {
  const platform = {
    request: (options) => {
      const header = options.header || {};
      setTimeout(() => options.success({ statusCode: header.Authorization ? 200 : 401, header: {}, data: {} }), 1);
      return { abort() {} };
    },
  };
  const latch = createLatch(platform, Object.assign({ allow: ["https://probe.test"], store: undefined }, more));
  const ask = () => new Promise((success) => latch.request({ url: "https://probe.test/", success, fail: success }));
  return { latch, ask };
}
const grant = { access_token: "probe", token_type: "Bearer", expires_in: 3600 };

const CHECKS = {
  typed: () => new Float64Array(new Uint8Array(16).buffer).length === 2,
  promise: () => Promise.resolve(true),
  timer: () => later(5).then(() => true),
  sync: () => {
    wx.setStorageSync("probe", "00ff");
    return wx.getStorageSync("probe") === "00ff";
  },
  storage: () => call("setStorage", { key: "probe", data: "00ff" })
    .then(() => call("getStorage", { key: "probe" }))
    .then(({ data }) => data === "00ff"),
  encrypted: () => call("setStorage", { key: "probe2", data: "00ff", encrypt: true })
    .then(() => call("getStorage", { key: "probe2", encrypt: true }))
    .then(({ data }) => data === "00ff"),
  code: () => call("login").then(({ code }) => !!code),
  gate: () => {
    const { latch, ask } = latchAlone();
    let answer;
    ask().then((told) => { answer = told; });
    return later(30)
      .then(() => {
        if (answer) return false;
        return latch.login(grant).then(() => later(30)).then(() => answer && answer.statusCode === 200);
      })
      .then((good) => (latch.destroy(), good));
  },
  logout: () => {
    const { latch } = latchAlone();
    return latch.login(grant).then(() => {
      latch.logout();
      const good = latch.state === "Unauthenticated";
      latch.destroy();
      return good;
    });
  },
  wasm: () => {
    const wasm = "/miniprogram_npm/tokenlatch/core.wasm.br";
    const engine = typeof WXWebAssembly !== "undefined" ? WXWebAssembly : typeof TTWebAssembly !== "undefined" ? TTWebAssembly : 0;
    // A latch goes on without, so the engine is asked first.
    return Promise.resolve(engine && engine.instantiate(wasm, {})).then(() => {
      const { latch, ask } = latchAlone({ wasm });
      return latch.login(grant).then(ask).then((answer) => (latch.destroy(), answer.statusCode === 200));
    });
  },
  speed: () => {
    const { latch, ask } = latchAlone();
    const start = Date.now();
    let rest = 20;
    const next = () => (rest-- > 0 ? ask().then(next) : Date.now() - start);
    return latch.login(grant).then(next).then((ms) => (latch.destroy(), ms < 2000));
  },
  frozen: () => {
    // A latch that is ended takes nothing more.
    const { latch, ask } = latchAlone();
    latch.destroy();
    return ask().then((answer) => !answer.statusCode);
  },
};

/** Runs the checks one after the other; each has two seconds. */
function probe() {
  const names = Object.keys(CHECKS);
  const bad = [];
  const next = (at) => {
    if (at === names.length) return Promise.resolve();
    const work = new Promise((resolve) => resolve(CHECKS[names[at]]()));
    return Promise.race([work, later(2000)]).then((good) => good === true, () => false).then((good) => {
      if (!good) bad.push(names[at]);
      return next(at + 1);
    });
  };
  const about = typeof wx.getSystemInfoSync === "function" ? wx.getSystemInfoSync() : {};
  const engine = typeof WXWebAssembly !== "undefined" ? "WXWebAssembly" : typeof TTWebAssembly !== "undefined" ? "TTWebAssembly" : "none";
  return next(0).then(() => [
    "tokenlatch-probe 1", `${about.platform || "?"} ${about.system || "?"}`, `${about.version || "?"}/${about.SDKVersion || "?"}`,
    `wasm ${engine}`, `${names.length - bad.length}/${names.length}`, bad.length ? `failed ${bad.join(",")}` : "all passed",
  ].join(" | "));
}

Page({
  data: { line: "" },
  onLoad() {
    return probe().then((line) => this.setData({ line }));
  },
  copy() {
    wx.setClipboardData({ data: this.data.line });
  },
});
