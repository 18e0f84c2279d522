// The H5 example, pressed as a person would, and looked at.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { pause, start, until } from "./lib/child.mjs";
import { chromium } from "./lib/chromium.mjs";

const SHOTS = process.env.TOKENLATCH_SHOTS ?? fileURLToPath(new URL("../../../target/xtask/h5", import.meta.url));

describe("the H5 example", { timeout: 90_000 }, () => {
  let job, browser, page;

  before(async () => {
    await mkdir(SHOTS, { recursive: true });
    job = start("node", [fileURLToPath(new URL("../../../examples/h5/serve.mjs", import.meta.url)), "--port", "0"]);
    const [url] = await job.says(/http:\S+/);
    browser = await chromium();
    page = await browser.open(url);
    await until(() => page.run(() => !!window.demo), "the page runs");
  });
  after(async () => {
    await browser?.close();
    await job?.stop();
  });

  const press = (name) => page.run((name) => window.demo.actions[name](), name);
  const seen = (name, at) => page.run((name, at) => Number(document.querySelector(`#seen tr[data-name=${name}]`).children[at].textContent), name, at);
  const verdict = () => page.run(() => [...document.querySelector(".step").querySelectorAll(".verdict")].map((one) => one.className.split(" ")[1]));

  /** A picture with something on it: a page that is blank compresses to next to nothing. */
  async function shoot(name, options) {
    const picture = await page.screenshot(options);
    await writeFile(join(SHOTS, `${name}.png`), picture);
    assert.ok(picture.length > 20_000, `${name}.png has ${picture.length} bytes`);
    const [wide, shown] = await page.run(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= shown, `${name}: ${wide} pixels on a screen of ${shown}`);
  }

  it("shows the difference on each button", async () => {
    await press("login");
    assert.deepEqual(await verdict(), ["bad", "good"]);
    await press("expire");
    assert.deepEqual(await verdict(), ["bad", "good"]);
    await press("login");
    await press("login");
    await press("mid");
    assert.deepEqual(await verdict(), ["bad", "good"]);
    await press("login");
    await press("login");
    await press("cut");
    assert.deepEqual(await verdict(), ["bad", "good"]);
    await press("cut");
    assert.equal((await verdict())[1], "good");
    await press("logout");
    await press("load");
    assert.deepEqual(await verdict(), ["bad", "good"]);
    for (const name of ["withoutToken", "replayed", "ended", "afterLogout"]) assert.equal(await seen(name, 2), 0, name);
    for (const name of ["withoutToken", "replayed", "ended"]) assert.ok((await seen(name, 1)) > 0, name);
  });

  it("keeps the session over a reload", async () => {
    await press("login");
    await page.reload();
    await until(() => page.run(() => !!window.demo), "the page runs again");
    await press("load");
    assert.equal((await verdict())[1], "good");
  });

  it("is readable at 1280 and at 390 pixels", async () => {
    await page.front();
    await pause(100);
    await shoot("wide", { width: 1280, height: 900 });
    await shoot("whole", { width: 1280, height: 900, full: true });
    await shoot("narrow", { width: 390, height: 844, mobile: true });
    assert.deepEqual(page.said, []);
  });
});
