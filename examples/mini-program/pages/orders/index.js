// Asks for three things as soon as it is loaded, as pages do.
const app = getApp();
const PATHS = ["orders", "profile", "messages"];

Page({
  data: { mode: "", answers: [], refused: 0 },

  onLoad() {
    this.setData({ mode: app.mode });
    PATHS.forEach((path) => this.ask(path));
  },

  ask(path) {
    const done = (text, good) => {
      const answers = this.data.answers.concat({ path, text, good });
      this.setData({ answers, refused: answers.filter((one) => !one.good).length });
    };
    app.request({
      url: `${app.server}/${path}`,
      success: ({ statusCode }) => done(String(statusCode), statusCode === 200),
      fail: ({ errMsg }) => done(errMsg, false),
    });
  },

  /** The race is at the start of the program, so the other client needs a start of its own. */
  change() {
    wx.setStorageSync("mode", app.mode === "naive" ? "latch" : "naive");
    wx.showModal({ title: "Restart", content: "Compile again to start with the other client.", showCancel: false });
  },
});
