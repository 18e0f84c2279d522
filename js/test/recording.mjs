// The story of tests/recording/story.rs, told to the core that records: `node recording.mjs MODULE FILE`.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

const [file, to] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));
assert.equal(WebAssembly.Module.imports(module).length, 0);
const { memory, a, s, h, p, g, r, k, l } = new WebAssembly.Instance(module).exports;
const text = new TextEncoder();

const EPOCH = 1_700_000_000_000;
const [RESUMED, OPENED, LOGIN_STARTED, GRANTED, LOADED, STORED] = [1, 0, 5, 6, 8, 10];
const [STORE_CHANGED, ACCESS_REQUESTED, ANSWERED, REFRESH_REQUESTED, LOGOUT_REQUESTED] = [2, 18, 19, 21, 22];
const [DONE, LOGIN, ADMITTED, SURFACE] = [0, 3, 5, 256];
const [NOT_OPENED, QUOTED, UNKNOWN] = [-10, -22, -31];
const [LOAD, STORE] = [2, 3];
const INSUFFICIENT_SCOPE = 16;

const out = () => new Float64Array(memory.buffer, a(), 2);
const buffer = () => new Uint8Array(memory.buffer, a() + 16);

let millis = 1_000;
/** The last order, and what it is about. */
let last;

function tell(kind, { id = 0, a = 0, b = 0, c = 0, bytes = [] } = {}) {
  millis += 250;
  buffer().set(bytes);
  const told = h(kind, millis, EPOCH + millis, id, a, b, c);
  const login = out()[0];
  last = [0, 0];
  for (let order = p(); order !== 0; order = p()) last = [order, out()[0]];
  return [told, login];
}

const field = (bytes) => [bytes.length >> 8, bytes.length & 255, ...bytes];

function grant(ticket, token) {
  const texts = [token, "a-refresh-token", "openid profile", "anna@example.com"].map((part) => text.encode(part));
  const bytes = [...texts, [0, 159, 146, 150]].flatMap(field);
  return tell(GRANTED, { id: ticket, a: 1, b: 3_600_000, bytes })[0];
}

assert.equal(s(5, 0), 0);
buffer().set(text.encode("0123456789abcdef"));
assert.equal(k(), 0);

assert.equal(tell(RESUMED)[0], NOT_OPENED);
assert.equal(tell(ACCESS_REQUESTED, { id: 7 })[0], ADMITTED);
assert.equal(tell(OPENED)[0], DONE);
assert.equal(last[0], LOAD);
assert.equal(tell(LOADED, { id: last[1], a: 7, bytes: text.encode("garbage") })[0], DONE);
const [told, ticket] = tell(LOGIN_STARTED);
assert.equal(told, LOGIN);
assert.equal(grant(ticket, '"an-access-token"'), QUOTED);
assert.equal(grant(ticket, "an-access-token"), DONE);
// The load and the store of the new sign-in.
assert.equal(tell(LOADED, { id: ticket + 1, a: -1 })[0], DONE);
assert.equal(last[0], STORE);
const store = last[1];
const length = r(2, store);
assert.ok(length > 0);
const record = buffer().slice(0, length);
assert.equal(tell(STORED, { id: store })[0], DONE);
assert.ok(g(9_000, EPOCH + 9_000, 7) > 0);
const receipt = out()[0];
assert.equal(g(9_000, EPOCH + 9_000, 7), UNKNOWN);
const header = text.encode('Bearer error="insufficient_scope"');
const answer = { id: receipt, a: 403, b: header.length, bytes: header };
assert.equal(tell(ANSWERED, answer)[0], SURFACE + INSUFFICIENT_SCOPE);
assert.equal(tell(REFRESH_REQUESTED)[0], DONE);
assert.equal(tell(STORE_CHANGED)[0], DONE);
while (last[0] === LOAD) assert.equal(tell(LOADED, { id: last[1], a: length, bytes: record })[0], DONE);
// The renewal is marked.
assert.equal(last[0], STORE);
assert.equal(tell(LOGOUT_REQUESTED)[0], DONE);

const at = l();
writeFileSync(to, new Uint8Array(memory.buffer, at, out()[0]));
