// A random day of a mini-program on the simulated platform: what happened, line by line.
import { createLatch } from "../../../dist/mini.js";
import { createWorld } from "../../fake-wx.mjs";

const API = "https://api.test";

export async function day(seed) {
  const world = createWorld(seed);
  const { server, trace, random } = world;
  const latch = createLatch(world.wx, {
    allow: [API],
    login: (code) => ({ url: `${API}/login`, method: "POST", data: { code } }),
    onLoginRequired: (cause) => trace.push(`login required ${cause}`),
    storage: [undefined, { sync: true }, { encrypt: true }][random(3)],
  });
  latch.subscribe((state) => trace.push(state));
  let ended = 0;
  let asked = 0;
  const ask = () => {
    asked += 1;
    return latch.request({
      url: `${API}/orders/${asked}`,
      success: ({ statusCode }) => trace.push(`got ${statusCode}`),
      fail: (error) => trace.push(`failed ${error.errMsg}`),
      complete: () => { ended += 1; },
    });
  };
  const deeds = [
    ask,
    () => { for (let i = 0; i < 12; i += 1) ask(); },
    () => ask().abort(),
    () => { server.token = "gone"; ask(); },
    () => { server.latency = random(400); },
    () => { world.network(false); ask(); },
    () => world.network(true),
    () => world.hide(),
    () => world.show(),
    () => { latch.logout(); ask(); },
    () => { latch.login().catch(() => {}); },
    () => { world.loginFails = random(2); },
    () => world.breakStorage(random(3) ? null : "setStorage:fail quota"),
  ];
  for (let step = 0; step < 60; step += 1) {
    deeds[random(deeds.length)]();
    await world.pass(random(10) ? random(900) : random(8_000_000));
  }
  world.show();
  world.network(true);
  world.breakStorage(null);
  await world.pass(120_000);
  latch.destroy();
  await world.pass(1_000);
  world.end();
  trace.push(`${asked} asked, ${ended} ended, ${server.unauthenticated} without a token, ${server.logins} logins`);
  return { trace, asked, ended, without: server.unauthenticated };
}

/** Several days, each as its number of lines, a sum of them, and what was counted. */
export async function days(first, count) {
  const lines = [];
  for (let seed = first; seed < first + count; seed += 1) {
    const { trace, asked, ended, without } = await day(seed);
    let sum = 2166136261;
    for (const character of trace.join("\n")) sum = Math.imul(sum ^ character.charCodeAt(0), 16777619) >>> 0;
    lines.push(`${seed} ${trace.length} ${sum} ${asked} ${ended} ${without}`);
  }
  return lines.join("\n");
}
