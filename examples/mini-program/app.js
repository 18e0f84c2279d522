// The race of onLaunch and onLoad, with the client that most programs have and with the latch.
const { createLatch } = require("tokenlatch");

// Yours: `POST /login` with a code gives tokens, `/orders` wants one.
const SERVER = "https://api.test";

App({
  server: SERVER,
  token: undefined,
  latch: undefined,

  onLaunch() {
    this.mode = wx.getStorageSync("mode") || "latch";
    if (this.mode === "naive") this.loginNaively();
    else this.startLatch();
  },

  // The login is under way when this returns; the first page's onLoad does not wait for it.
  loginNaively() {
    wx.login({
      success: ({ code }) => {
        wx.request({
          url: `${SERVER}/login`,
          method: "POST",
          data: { code },
          success: ({ data }) => { this.token = data.access_token; },
        });
      },
    });
  },

  // The same login; requests of any page wait for it, and for each renewal.
  startLatch() {
    this.latch = createLatch(wx, {
      allow: [SERVER],
      login: (code) => ({ url: `${SERVER}/login`, method: "POST", data: { code } }),
      onLoginRequired: (cause) => console.warn("the login failed", cause),
    });
  },

  /** What pages call: the platform's own `wx.request`, with a token. */
  request(options) {
    if (this.latch) return this.latch.request(options);
    return wx.request({ ...options, header: { ...options.header, Authorization: `Bearer ${this.token}` } });
  },
});
