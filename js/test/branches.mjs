// Turns each branch of a module round, one after the other, once to each side, and plays traces until one notices:
// `node test/branches.mjs MODULE`. Prints how many there are, and those of which none noticed, as JSON.
//
// All mutants are one module: each condition is first shown to a function that JavaScript gives, which says what holds.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STATE_CHANGED } from "../src/numbers.js";
import { Core } from "./core.mjs";
import { play } from "./play.mjs";

const TRACES = 100_000;
/** One of so many is kept of those that are like others. */
const SPARE = 11;
/** One in 50 has crowds, and a mishap again and again. */
const operations = (trace) => (trace % 50 ? (trace % 2 ? 16 : 60) : 600);
/** No call comes to as many branches; one that does goes round in circles. */
const MOST = 2_000_000;

const path = process.argv[2];
const BRANCH = "(br_if|if|select)\\b";
const tool = (name, ...args) => execFileSync(name, args, { encoding: "utf8", maxBuffer: 1 << 28 });

/** The module, in which each condition goes through `look(condition, branch)`. */
const shown = () => {
  const folder = mkdtempSync(join(tmpdir(), "branches-"));
  const code = join(folder, "code.wasm");
  const text = join(folder, "code.wat");
  tool("wasm-strip", path, "-o", code);
  let branch = 0;
  const lines = tool("wasm2wat", "--generate-names", code).split("\n").flatMap((line) =>
    new RegExp(`^\\s*${BRANCH}`).test(line) ? [`i32.const ${branch++}`, "call $look", line] : [line]);
  lines.splice(1, 0, '(import "" "look" (func $look (param i32 i32) (result i32)))');
  writeFileSync(text, lines.join("\n"));
  tool("wat2wasm", text, "-o", code);
  const bytes = readFileSync(code);
  rmSync(folder, { recursive: true });
  return new WebAssembly.Module(bytes);
};

/** Where the branches are, from the beginning of the code, as tables of lines count. */
const places = () => {
  const code = /Code start=0x([0-9a-f]+)/.exec(tool("wasm-objdump", "-h", path))[1];
  const found = tool("wasm-objdump", "-d", path).matchAll(new RegExp(`^ ([0-9a-f]+):.*\\| *${BRANCH}`, "gm"));
  return Array.from(found, ([, place]) => parseInt(place, 16) - parseInt(code, 16));
};

const branches = places();
/** The ways that this call has gone: two for each branch, not holding and holding; and which are in it. */
const taken = [];
const isTaken = new Uint8Array(branches.length * 2);
/** The branch that is turned round, if one is, and to what. */
let turned = -1;
let side = 0;
let left = MOST;
const look = (condition, branch) => {
  if (!left--) throw new Error("round in circles");
  if (branch === turned) return side;
  const way = branch * 2 + (condition ? 1 : 0);
  if (!isTaken[way]) {
    isTaken[way] = 1;
    taken.push(way);
  }
  return condition;
};
const { exports } = new WebAssembly.Instance(shown(), { "": { look } });
const core = new Core(exports);

/** A call. What is to be seen of it goes to `seen`. */
const call = (name, args, bytes, orders, seen) => {
  left = MOST;
  for (const way of taken) isTaken[way] = 0;
  taken.length = 0;
  return core.call(name, args, bytes, orders, {
    number: (number) => seen.push(number),
    bytes: (bytes) => seen.push(Buffer.from(bytes).toString("latin1")),
  });
};

/**
 * Traces that take a branch to a side that no other one took in such a call and such a state; and some of the others, for
 * what these don't notice.
 */
const chosen = () => {
  const corpus = [];
  const spare = [];
  const known = new Set();
  let stored;
  for (let trace = 1; trace <= TRACES; trace++) {
    const calls = [];
    const seen = [];
    const ways = new Uint8Array(isTaken.length);
    let fresh = false;
    let state = 0;
    core.renew();
    const watched = {
      timeout: () => core.timeout(),
      call(name, args, bytes, orders) {
        calls.push([name, args, Uint8Array.from(bytes)]);
        const result = call(name, args, bytes, orders, seen);
        const circumstances = ((name === "h" ? args[0] : name.charCodeAt(0)) * 8 + state) * isTaken.length;
        for (const way of taken) {
          ways[way] = 1;
          const size = known.size;
          fresh = known.add(circumstances + way).size > size || fresh;
        }
        for (const [kind, now] of orders) if (kind === STATE_CHANGED) state = now;
        return result;
      },
    };
    stored = play(trace, watched, { stored: trace % 3 ? stored : undefined, operations: operations(trace) });
    if (fresh) corpus.push({ calls, seen, ways });
    else if (trace % SPARE === 0) spare.push({ calls, seen, ways });
  }
  return [corpus, spare];
};

/** Plays a trace anew; whether anything is another than it was. */
const notices = ({ calls, seen }) => {
  core.renew();
  const now = [];
  let at = 0;
  for (const [name, args, bytes] of calls) {
    try {
      call(name, args, bytes, [], now);
    } catch {
      return true;
    }
    for (; at < now.length; at++) if (!Object.is(now[at], seen[at])) return true;
  }
  return false;
};

const [corpus, spare] = chosen();
const traces = corpus.length + spare.length;
if (corpus.some(notices)) throw new Error("a trace is another one when it is played again");
const survivors = [];
for (turned = 0; turned < branches.length; turned++) {
  for (side = 0; side < 2; side++) {
    const isAble = ({ ways }) => ways[turned * 2 + 1 - side];
    const able = [...corpus, ...spare].filter(isAble);
    const found = able.find(notices);
    if (!found) {
      survivors.push({ place: branches[turned], taken: able.length > 0 });
    } else if (corpus.includes(found)) {
      // Who noticed once is asked first.
      corpus.splice(corpus.indexOf(found), 1);
      corpus.unshift(found);
    }
  }
}
console.log(JSON.stringify({ branches: branches.length, traces, survivors }));
