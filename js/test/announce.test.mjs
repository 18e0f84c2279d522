// What tabs tell each other: that the store changed, and the generation that it has now.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createLatch } from "../dist/index.js";
import { memoryStore } from "../dist/stores.js";

const SECRETS = /access|refresh-token/;

const pause = (ms = 50) => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (done) => {
  for (let tries = 0; tries < 300 && !done(); tries++) await pause(10);
  assert.ok(done(), String(done));
};

/** Tabs of one origin: their store, which counts its reads, and their lease. */
const newOrigin = (t) => {
  const store = memoryStore();
  const origin = { reads: 0, name: `announce ${Math.random()}` };
  const counted = { ...store, read: () => (origin.reads++, store.read()) };
  let last = Promise.resolve();
  const lease = (granted) => {
    let free;
    const before = last;
    last = new Promise((resolve) => (free = resolve));
    before.then(granted);
    return free;
  };
  let issued = 0;
  origin.grant = () => ({ access_token: `access${++issued}`, refresh_token: `refresh-token${issued}`, expires_in: 3600 });
  origin.open = (options = {}) => {
    const latch = createLatch({ name: origin.name, store: counted, lease, refresh: async () => origin.grant(), ...options });
    t.after(latch.destroy);
    return latch;
  };
  return origin;
};

/** What is said on the channel. */
const listen = (t, name) => {
  const channel = new BroadcastChannel(name);
  t.after(() => channel.close());
  const heard = [];
  channel.onmessage = ({ data }) => heard.push(data);
  return { channel, heard };
};

test("a login and a renewal announce their generations and nothing else", async (t) => {
  const origin = newOrigin(t);
  const { heard } = listen(t, origin.name);
  const [one, two] = [origin.open(), origin.open()];
  await one.login(origin.grant());
  await until(() => heard.length === 1 && two.state === "Ready");
  one.renew();
  await until(() => heard.length === 2 && two.state === "Ready");
  const generations = heard.map((data) => Buffer.from(data, "latin1").readBigUInt64BE());
  assert.deepEqual(generations, [1n << 32n, (1n << 32n) + 1n]);
  assert.doesNotMatch(heard.join(), SECRETS);
  const { headers } = await two.enter();
  assert.equal(headers.Authorization, "Bearer access2");
});

test("an announcement of a generation that a tab has makes it read nothing, any other one does", async (t) => {
  const origin = newOrigin(t);
  const { channel, heard } = listen(t, origin.name);
  const latch = origin.open();
  await latch.login(origin.grant());
  await until(() => heard.length === 1);
  const [generation] = heard;
  const reads = origin.reads;
  channel.postMessage(generation);
  await pause();
  assert.equal(origin.reads, reads);
  const other = Buffer.from(generation, "latin1");
  other[7] ^= 1;
  channel.postMessage(other.toString("latin1"));
  await until(() => origin.reads === reads + 1 && latch.state === "Ready");
  // Of an earlier version, which said nothing.
  channel.postMessage(0);
  await until(() => origin.reads === reads + 2 && latch.state === "Ready");
});

test("without a lease two tabs can have written the same generation: the tab looks", async (t) => {
  const origin = newOrigin(t);
  const { channel, heard } = listen(t, origin.name);
  const latch = origin.open({ lease: undefined });
  await latch.login(origin.grant());
  await until(() => heard.length === 1);
  const reads = origin.reads;
  channel.postMessage(heard[0]);
  await until(() => origin.reads === reads + 1);
});

test("without BroadcastChannel a key of localStorage tells it", async (t) => {
  const before = ["window", "localStorage", "BroadcastChannel"].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  t.after(() => {
    for (const [name, descriptor] of before) descriptor ? Object.defineProperty(globalThis, name, descriptor) : delete globalThis[name];
  });
  const written = [];
  const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  define("BroadcastChannel", undefined);
  define("window", new EventTarget());
  define("localStorage", { setItem: (key, value) => written.push([key, value]) });
  const tell = (key, newValue) => window.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }));
  const origin = newOrigin(t);
  const latch = origin.open();
  await latch.login(origin.grant());
  await until(() => written.length === 1);
  const [key, value] = written[0];
  assert.doesNotMatch(value, SECRETS);
  const reads = origin.reads;
  tell(key, `${value.slice(0, 8)}0.5`);
  tell("another key", "x");
  await pause();
  assert.equal(origin.reads, reads);
  tell(key, "another one 0.5");
  await until(() => origin.reads === reads + 1 && latch.state === "Ready");
  tell(key, null);
  await until(() => origin.reads === reads + 2 && latch.state === "Ready");
});
