// Random traces of calls: a host of sorts, which mostly does what was ordered, and sometimes talks nonsense.

import * as n from "../src/numbers.js";

/** Xorshift; `pick(n)` is from 0 to n - 1. */
const randomness = (seed) => {
  let state = seed * 2654435761 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
};

const latin1 = (text) => [...Buffer.from(text, "latin1")];
const field = (text) => [text.length >> 8, text.length & 255, ...latin1(text)];
const CHALLENGES = [
  "Bearer",
  'Bearer error="invalid_token"',
  'Bearer error="insufficient_scope", scope="a b"',
  'Basic realm="x", Bearer error="invalid_request"',
  'DPoP error="use_dpop_nonce"',
  "DPoP error=invalid_token",
  'Bearer error="insufficient_user_authentication", max_age="5"',
  "Negotiate YII==",
  "Negotiate Bearer",
  'Negotiate Bearer, Basic realm="x"',
  'Bearer error="invalid\\_token"',
  "Bearer error=insufficient_scopf",
  'Bearer error="insufficient"',
  'Bearer error="insufficient_scope2"',
  'Bearer error="insufficient\\_scope"',
  'Bearer error="insufficient_scope\\',
  'Bearer error="invalid_token", Basic realm="x", Negotiate YII==',
  'Negotiate YII==, Bearer error="insufficient_scope"',
  'Bearer error="invalid_token", Basic realm="x"',
  'Bearer error="invalid_token", error_description="insufficient_scope"',
  'Bearer scope="insufficient_scope", error="invalid_token"',
  '\xff",="',
];
/** What headers are made of, when they are made at random. */
const PIECES = ["Bearer", "DPoP", "Basic", "error", "ERROR", "erro", "realm", "=", '"', '\\"', "\\", ",", " ", "\t", "==", "invalid_token", "invalid_tokem", "invalid_token2", "insufficient_scope", "use_dpop_nonce", "x", "\xe9"];
const ODD = [NaN, Infinity, -1, 1e300, 2 ** 53, 2 ** 53 - 1, 2 ** 53 + 2, 0.5, -0, 4294967296, 4294967295, 65536, 4294968, 2 ** 36 + 8];
const TOKENS = ["", "undefined", '"t"', "'t'", "'t\"", '"', "Bearer x", "DPoP x", "a\nb", "\x7f", "\xe9", "\xc3\xa9", "\xc3", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x90\x80\x80", "\xed\xa0\x80", "\xe2\x82", "x".repeat(5000), "x".repeat(8200)];
const SETTINGS = [[0, 3], [1, 5], [2, 3], [3, 3], [4, 3], [5, 3], [6, 3], [7, 3], [8, 3], [9, 40000], [10, 4], [15, 6], [16, 3000], [17, 20000], [18, 3000], [19, 2000], [20, 9000], [27, 4], [41, 2], [99, 2]];

/** CRC-32, as at the end of a record. */
const checksum = (bytes) => {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return [0, 8, 16, 24].map((shift) => (~crc >>> shift) & 255);
};

/** The head of a number in CBOR. */
const head = (number) => {
  if (number < 24) return [number];
  const size = [1, 2, 4, 8].find((size) => number < 256 ** size);
  const bytes = Array.from({ length: size }, (_, place) => Math.floor(number / 256 ** (size - 1 - place)) % 256);
  return [24 + Math.log2(size), ...bytes];
};

/** Place, length and value of the numbers and the switches in a record; those have no value. */
const fields = (bytes) => {
  const all = [];
  for (let at = 4; at < bytes.length; ) {
    const major = bytes[at] >> 5;
    const info = bytes[at] & 31;
    const size = info < 24 ? 0 : 1 << (info - 24);
    const value = size ? bytes.slice(at + 1, at + 1 + size).reduce((value, byte) => value * 256 + byte) : info;
    if (major === 0) all.push([at, 1 + size, value]);
    if (major === 7) all.push([at, 1, -1]);
    at += 1 + size + (major === 2 || major === 3 ? value : 0);
  }
  return all;
};

/** What callers add to the orders: the ticket of a login, the receipt of a permit. */
export const LOGIN = 0;
export const PERMIT = 13;

/**
 * Plays one trace. `core.call(name, args, bytes, orders)` is a call of the module's export: it gives what came back, and
 * adds what is ordered to `orders`. `core.timeout()` is when the core wants to be called. The store holds `stored` at
 * first; returned is what it holds in the end.
 */
export const play = (seed, core, { operations = 16, stored } = {}) => {
  const pick = randomness(seed);
  const some = (list) => list[pick(list.length)];
  const call = (name, args, bytes = [], orders = []) => core.call(name, args, bytes, orders);
  // How rarely what a call is given is odd; and whether this trace is of many requests, or of one mishap again and again.
  const odd = some([20, 400, 400, 2000]);
  const crowded = !pick(40);
  const unlucky = pick(60) ? 0 : 1 + pick(5);
  // Whether what is granted hardly fits; and whether the old token serves while it is renewed in time.
  const long = !pick(12);
  const serving = !pick(20);
  let monotonic = pick(200) ? pick(1000) : 2 ** 53 - 1 - pick(100_000);
  let wall = pick(8) ? 1.7e12 : 0;
  let issued = 0;
  let waiter = 0;
  let lease = 0;
  const open = [];
  const receipts = [0];
  const tickets = [0];
  for (let left = pick(4); left > 0; left--) {
    const [key, most] = some(SETTINGS);
    call("c", [key, pick(12) ? pick(most) : some([0, 255, 256, 4294967295])]);
  }
  if (!pick(10)) call("c", [9 + pick(18), pick(5)]);
  const configure = (...settings) => settings.forEach((setting) => call("c", setting));
  if (serving) configure([7, 1]);
  // Without a store; with a cookie, or a lease, and a probe.
  if (!pick(5)) configure([0, 0], [1, 0]);
  if (!pick(8)) configure([3, 1], [1, 3]);
  if (!pick(8)) configure([2, 1], [1, 3]);
  if (!pick(8)) configure([5, 1]);
  if (pick(30)) call("s", [pick(2 ** 31), pick(2 ** 31)]);

  const maybe = (number) => (pick(odd) ? number : some(ODD));
  const handle = (kind, id = 0, a = 0, b = 0, c = 0, bytes = []) => {
    const orders = [];
    const result = call("h", [kind, maybe(monotonic), maybe(wall), maybe(id), maybe(a), maybe(b), maybe(c)], bytes, orders);
    take(orders);
    return result;
  };
  const take = (orders) => {
    for (const [kind, id] of orders) {
      if (kind === n.ACQUIRE_LEASE) lease = id;
      if (kind === PERMIT) receipts.push(id);
      else if (kind !== n.STATE_CHANGED) open.push([kind, id]);
      tickets.push(id);
    }
  };
  const grant = (ticket) => {
    issued++;
    const nonsense = () => (pick(odd) ? "" : some(TOKENS));
    const token = pick(20) ? `a${issued}` : some(TOKENS);
    const parts = [token, pick(4) ? `r${pick(3) ? issued : 1}` : nonsense(), pick(6) ? nonsense() : "read", pick(3) ? "bob" : some(["", "eve", nonsense()]), pick(9) ? "" : "\x00\xff"];
    if (long) parts[1 + pick(2)] = "x".repeat(5000);
    const bytes = parts.flatMap(field);
    if (!pick(60)) bytes.length = pick(bytes.length);
    if (!pick(60)) bytes[pick(bytes.length)] = 255;
    const form = pick(30) ? some([0, 1, 1, 1, 1, 2, 5]) : pick(20);
    handle(n.GRANTED, ticket, form, form & 2 ? wall + 60_000 : some([3_600_000, 90_000, 4000, 1, 0]), pick(5) ? 0 : 1.7e12, bytes);
  };
  /** The record as it is, as a sibling may have written it, or spoiled. */
  const found = () => {
    const bytes = [...stored];
    if (pick(4)) return bytes;
    switch (pick(8)) {
      case 0: return bytes.slice(0, pick(bytes.length));
      case 1: bytes[pick(bytes.length)] ^= 1 << pick(8); return bytes;
    }
    bytes.length -= 4;
    const place = 3 + pick(Math.min(bytes.length - 3, pick(4) ? 60 : bytes.length));
    switch (pick(8)) {
      case 0: bytes[place] = pick(3) ? pick(256) : some([0, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x40, 0x58, 0x60, 0x78, 0xf4, 0xf5, 0xff]); break;
      case 1: bytes.splice(place, 1 + pick(4)); break;
      case 2: bytes.splice(place, 0, pick(256)); break;
      case 3: bytes.length = some(fields(bytes))[0]; break;
      default:
        for (let changes = pick(3) ? 1 : 2; changes > 0; changes--) {
          const [at, length, value] = some(fields(bytes));
          bytes.splice(at, length, ...(value < 0 ? [bytes[at] ^ 1] : head(Math.max(value + some([1, 1, -1, 60_000]), 0))));
        }
    }
    return [...bytes, ...checksum(bytes)];
  };
  const answer = (receipt) => {
    const made = () => Array.from({ length: pick(9) }, () => some(PIECES)).join("");
    const header = some([undefined, some(CHALLENGES), pick(2) ? some(CHALLENGES) : made()]);
    const bytes = header === undefined ? [] : latin1(header);
    const told = handle(n.ANSWERED, receipt, some([200, 401, 401, 403, 500, 0]), header === undefined ? -1 : bytes.length, 0, bytes);
    if (told === n.RETRY && pick(4)) handle(n.ACCESS_REQUESTED, ++waiter, 1, receipt);
    if (!pick(20)) handle(n.ANSWERED, receipts.at(-1), 401, -1);
  };
  const carry = ([kind, id]) => {
    switch (kind) {
      case LOGIN: return pick(4) ? grant(id) : handle(n.TOKEN_FAILED, id, pick(9), pick(3) ? -1 : pick(100));
      case n.LOAD: {
        if (!pick(8) || unlucky === 1) return handle(n.LOAD_FAILED, id);
        if (!stored || !pick(10)) return handle(n.LOADED, id, -1);
        const bytes = found();
        return handle(n.LOADED, id, bytes.length, 0, 0, bytes);
      }
      case n.STORE: {
        const came = call("r", [2, id]);
        // Now and then a store lies.
        if (came.length && pick(20)) stored = came;
        return handle(pick(8) && unlucky !== 2 ? n.STORED : n.STORE_FAILED, id);
      }
      case n.ACQUIRE_LEASE: return handle(pick(6) && unlucky !== 3 ? n.LEASE_GRANTED : some([n.LEASE_DENIED, n.LEASE_LOST]), id);
      case n.SEND_TOKEN_REQUEST: {
        call("r", [0, id]);
        return pick(3) && unlucky !== 4 ? grant(id) : handle(n.TOKEN_FAILED, id, some([0, 1, 2, 3, 4, 4, 5, 6, 7, 36, 43, 44, 99]), pick(3) ? -1 : pick(100));
      }
      case n.PROBE: {
        call("r", [3, id]);
        return handle(n.PROBED, id, pick(4));
      }
      case n.REVOKE: {
        call("r", [1, id]);
        return handle(pick(4) && unlucky !== 5 ? n.REVOKED : n.REVOKE_FAILED, id);
      }
      case n.RELEASE: {
        const orders = [];
        call("g", [maybe(monotonic), maybe(wall), pick(odd) ? id : pick(9)], [], orders);
        take(orders);
        if (pick(2)) answer(receipts.at(-1));
        return;
      }
    }
  };
  handle(pick(60) ? n.OPENED : pick(24));
  for (let operation = 0; operation < operations; operation++) {
    let passed = some([0, 1, 1, 7, 250, 2000, 61_000, 400_000]);
    const due = pick(unlucky || serving ? 2 : 5) ? -1 : core.timeout();
    if (crowded) passed = 1;
    else if (due >= 0) passed = Math.max(due - monotonic + some([-1, 0, 0, 1]), 0);
    monotonic += pick(200) ? passed : -Math.min(pick(5000), monotonic);
    if (wall) wall += passed + (pick(40) ? 0 : some([-7_200_000, 7_200_000, 9000, 2 ** 32]));
    if (open.some(([kind]) => kind === n.SEND_TOKEN_REQUEST) && !pick(9)) pick(2) ? handle(n.LOGIN_STARTED) : handle(n.LEASE_LOST, lease);
    if (open.length && pick(crowded ? 30 : 3)) {
      carry(open.splice(pick(3) ? 0 : pick(open.length), 1)[0]);
      continue;
    }
    if (crowded && pick(4)) {
      handle(n.ACCESS_REQUESTED, ++waiter);
      continue;
    }
    switch (pick(16)) {
      case 0: case 1: case 2: handle(n.ACCESS_REQUESTED, pick(20) ? ++waiter : pick(waiter + 1)); break;
      case 3: handle(n.ACCESS_REQUESTED, ++waiter, pick(20) ? 1 : pick(4), some(receipts)); break;
      case 4: case 5: answer(some(receipts)); break;
      case 6: handle(n.LOGIN_STARTED); break;
      case 7: handle(some([n.RESUMED, n.STORE_CHANGED])); break;
      case 8: handle(some([n.WENT_OFFLINE, n.WENT_ONLINE])); break;
      case 9: handle(n.WAITER_CANCELLED, pick(waiter + 2)); break;
      case 10: handle(serving && pick(2) ? n.RESUMED : n.REFRESH_REQUESTED); break;
      case 11: if (!pick(3)) handle(n.LOGOUT_REQUESTED); break;
      case 12: pick(2) ? handle(pick(30), some(tickets), pick(3), pick(3)) : handle(n.LEASE_LOST, lease); break;
      case 13: pick(9) ? call("r", [pick(8), some(tickets) >>> 0]) : call("c", some(SETTINGS)); break;
      default: handle(n.TIMEOUT_REACHED);
    }
  }
  return stored;
};
