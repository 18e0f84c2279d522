// Random traces of calls: a host of sorts, which mostly does what was ordered, and sometimes talks nonsense.

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
  '\xff",="',
];
/** What headers are made of, when they are made at random. */
const PIECES = ["Bearer", "DPoP", "Basic", "error", "ERROR", "erro", "realm", "=", '"', '\\"', "\\", ",", " ", "\t", "==", "invalid_token", "invalid_tokem", "invalid_token2", "insufficient_scope", "use_dpop_nonce", "x", "\xe9"];
const ODD = [NaN, Infinity, -1, 1e300, 2 ** 53, 2 ** 53 - 1, 2 ** 53 + 2, 0.5, -0, 4294967296, 4294967295, 65536];
const TOKENS = ["", "undefined", '"t"', "'t'", "'t\"", '"', "Bearer x", "DPoP x", "a\nb", "\x7f", "\xe9", "\xc3\xa9", "\xc3", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x90\x80\x80", "\xed\xa0\x80", "\xe2\x82", "x".repeat(4000), "x".repeat(9000)];
const SETTINGS = [[0, 3], [1, 5], [2, 3], [3, 3], [4, 3], [5, 3], [6, 3], [7, 3], [8, 3], [9, 40000], [10, 4], [15, 6], [16, 3000], [17, 20000], [18, 3000], [19, 2000], [20, 9000], [27, 4], [99, 2]];

/** CRC-32, as at the end of a record. */
const checksum = (bytes) => {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return [0, 8, 16, 24].map((shift) => (~crc >>> shift) & 255);
};

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
  let monotonic = pick(200) ? pick(1000) : 2 ** 53 - 1 - pick(100_000);
  let wall = pick(8) ? 1.7e12 : 0;
  let issued = 0;
  let waiter = 0;
  const open = [];
  const receipts = [0];
  const tickets = [0];
  for (let n = pick(4); n > 0; n--) {
    const [key, most] = some(SETTINGS);
    call("c", [key, pick(12) ? pick(most) : some([0, 255, 256, 4294967295])]);
  }
  if (!pick(10)) call("c", [9 + pick(18), pick(5)]);
  if (!pick(5)) for (const [key, value] of [[0, 0], [1, 0]]) call("c", [key, value]);
  if (!pick(8)) for (const [key, value] of [[3, 1], [1, 3]]) call("c", [key, value]);
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
      if (kind === 13) receipts.push(id);
      else if (kind !== 1) open.push([kind, id]);
      tickets.push(id);
    }
  };
  const grant = (ticket) => {
    issued++;
    const nonsense = () => (pick(odd) ? "" : some(TOKENS));
    const token = pick(20) ? `a${issued}` : some(TOKENS);
    const parts = [token, pick(4) ? `r${pick(3) ? issued : 1}` : nonsense(), pick(6) ? nonsense() : "read", pick(3) ? "bob" : some(["", "eve", nonsense()]), pick(9) ? "" : "\x00\xff"];
    const bytes = parts.flatMap(field);
    if (!pick(60)) bytes.length = pick(bytes.length);
    const form = pick(30) ? some([0, 1, 1, 1, 1, 2, 5]) : pick(20);
    handle(6, ticket, form, form & 2 ? wall + 60_000 : some([3_600_000, 90_000, 4000, 1, 0]), pick(5) ? 0 : 1.7e12, bytes);
  };
  /** The record as it is, cut off, with another bit, or with another byte that the checksum agrees with. */
  const spoiled = () => {
    const bytes = [...stored];
    if (pick(8)) return bytes;
    if (!pick(4)) bytes.length = pick(bytes.length);
    else if (!pick(3)) bytes[pick(bytes.length)] ^= 1 << pick(8);
    else {
      bytes.length -= 4;
      if (pick(4)) bytes[3 + pick(Math.min(bytes.length - 3, pick(4) ? 60 : bytes.length))] = pick(3) ? pick(256) : some([0, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x40, 0x58, 0x60, 0x78, 0xf4, 0xf5, 0xff]);
      else if (pick(2)) bytes.splice(3 + pick(Math.min(bytes.length - 3, 60)), 1 + pick(4));
      else bytes.splice(3 + pick(Math.min(bytes.length - 3, 60)), 0, pick(256));
      bytes.push(...checksum(bytes));
    }
    return bytes;
  };
  const carry = ([kind, id]) => {
    switch (kind) {
      case 0: return pick(4) ? grant(id) : handle(7, id, pick(9), pick(3) ? -1 : pick(100));
      case 2: {
        if (!pick(8) || unlucky === 1) return handle(9, id);
        if (!stored || !pick(10)) return handle(8, id, -1);
        const bytes = spoiled();
        return handle(8, id, bytes.length, 0, 0, bytes);
      }
      case 3: {
        const came = call("r", [2, id]);
        if (came.length) stored = came;
        return handle(pick(8) && unlucky !== 2 ? 10 : 11, id);
      }
      case 6: return handle(pick(6) && unlucky !== 3 ? 13 : some([14, 15]), id);
      case 7: {
        call("r", [0, id]);
        return pick(3) && unlucky !== 4 ? grant(id) : handle(7, id, some([0, 1, 2, 3, 4, 4, 5, 6, 7, 36, 43, 44, 99]), pick(3) ? -1 : pick(100));
      }
      case 8: {
        call("r", [3, id]);
        return handle(12, id, pick(4));
      }
      case 9: {
        call("r", [1, id]);
        return handle(pick(4) && unlucky !== 5 ? 16 : 17, id);
      }
      case 12: {
        const orders = [];
        call("g", [maybe(monotonic), maybe(wall), pick(odd) ? id : pick(9)], [], orders);
        return take(orders);
      }
    }
  };
  handle(pick(60) ? 0 : pick(24));
  for (let operation = 0; operation < operations; operation++) {
    let passed = some([0, 1, 1, 7, 250, 2000, 61_000, 400_000]);
    const due = pick(unlucky ? 2 : 5) ? -1 : core.timeout();
    if (due >= 0) passed = Math.max(due - monotonic + some([-1, 0, 0, 1]), 0);
    monotonic += passed;
    if (wall) wall += passed + (pick(40) ? 0 : some([-7_200_000, 7_200_000, 9000]));
    if (open.length && pick(crowded ? 30 : 3)) {
      carry(open.splice(pick(3) ? 0 : pick(open.length), 1)[0]);
      continue;
    }
    if (crowded && pick(4)) {
      handle(18, ++waiter);
      continue;
    }
    switch (pick(16)) {
      case 0: case 1: case 2: handle(18, pick(20) ? ++waiter : pick(waiter + 1)); break;
      case 3: handle(18, ++waiter, pick(20) ? 1 : pick(4), some(receipts)); break;
      case 4: case 5: {
        const made = () => Array.from({ length: pick(9) }, () => some(PIECES)).join("");
        const header = some([undefined, some(CHALLENGES), pick(2) ? some(CHALLENGES) : made()]);
        const bytes = header === undefined ? [] : latin1(header);
        handle(19, some(receipts), some([200, 401, 401, 403, 500, 0]), header === undefined ? -1 : bytes.length, 0, bytes);
        break;
      }
      case 6: handle(5); break;
      case 7: handle(some([1, 2])); break;
      case 8: handle(some([3, 4])); break;
      case 9: handle(20, pick(waiter + 2)); break;
      case 10: handle(21); break;
      case 11: if (!pick(3)) handle(22); break;
      case 12: handle(pick(30), some(tickets), pick(3), pick(3)); break;
      case 13: call("r", [pick(8), some(tickets) >>> 0]); break;
      default: handle(23);
    }
  }
  return stored;
};
