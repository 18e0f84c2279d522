// The example's own files on the simulated platform: its App, its pages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createWorld } from "../fake-wx.mjs";

const ROOT = new URL("../../../examples/mini-program/", import.meta.url);
const tokenlatch = createRequire(import.meta.url)("../../dist/miniprogram/index.js");

/** Runs the program in a world as the platform does: the App, its onLaunch, then the page and its onLoad. */
function program(world, page) {
  let app, shown;
  const load = (path, ...names) => new Function("require", "wx", ...names, readFileSync(new URL(path, ROOT), "utf8"));
  const demand = (name) => {
    assert.equal(name, "tokenlatch");
    return tokenlatch;
  };
  load("app.js", "App")(demand, world.wx, (given) => { app = given; });
  app.onLaunch();
  load(page, "Page", "getApp")(demand, world.wx, (given) => { shown = given; }, () => app);
  shown.setData = (data) => Object.assign(shown.data, data);
  return { app, shown, done: shown.onLoad() };
}

const statuses = (shown) => shown.data.answers.map((one) => one.text);

test("the naive client is refused three times, the latch never", async (t) => {
  for (const [mode, expected] of [["naive", ["401", "401", "401"]], ["latch", ["200", "200", "200"]]]) {
    const world = createWorld(7);
    world.wx.setStorageSync("mode", mode);
    const { app, shown } = program(world, "pages/orders/index.js");
    await world.pass(2000);
    assert.deepEqual(statuses(shown), expected, mode);
    assert.equal(world.server.logins, 1);
    app.latch?.destroy();
    world.end();
  }
});

test("the probe passes its checks and gives one line", async () => {
  const world = createWorld(3);
  const { app, shown } = program(world, "pages/probe/index.js");
  await world.pass(60_000);
  assert.match(shown.data.line, /^tokenlatch-probe 1 \| .* \| 12\/12 \| all passed$/);
  app.latch.destroy();
  world.end();
});

test("the project names pages that are there, each with its parts", () => {
  const { pages } = JSON.parse(readFileSync(new URL("app.json", ROOT)));
  for (const page of pages) for (const part of ["js", "json", "wxml"]) assert.ok(readFileSync(fileURLToPath(new URL(`${page}.${part}`, ROOT))).length > 0);
});
