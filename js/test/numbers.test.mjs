// The numbers are those of the library's one table.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as numbers from "../src/numbers.js";
import * as config from "../src/config.js";

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

/** What the package calls otherwise, or has beside the table; `null`: its own. */
const OTHERWISE = {
  NOT_SENT: "FAILURE_NOT_SENT",
  UNUSABLE: null,
  UNUSABLE_TYPE: "FAILURE_UNUSABLE_TOKEN_TYPE",
  GRANT_ERRORS: "ERR_GRANT_EMPTY",
  GRANT_TOO_LONG: "ERR_GRANT_TOO_LONG",
  REFUSED: "ERR_REFUSED",
  STALE: "OUTCOME_STALE",
  BUFFER: null,
  REFRESH_TOKEN: null,
  REVOCATION: null,
  RECORD: null,
  CREDENTIAL: null,
  SCOPE: null,
  SUBJECT: null,
  APP_DATA: null,
  GENERATION: null,
  SCHEME: null,
  ARGUMENT: "ERR_ARGUMENT",
  HAS_STORE: null,
  CONFIRMATION: null,
  LEASE: null,
  AMBIENT: null,
  RENEWAL: null,
  REDIRECTED: null,
  NOT_REPLAYABLE: null,
  DESTROYED: null,
  SUPERSEDED: null,
  NOT_LOADED: null,
  FAILED: null,
  REFUSE: "EFFECT_REFUSE",
  RELEASE: "EFFECT_RELEASE",
};

test("numbers are those of the table", () => {
  const table = new Map([...read("src/numbers.rs").matchAll(/pub const TL_(\w+): [iu]32 = (-?\d+);/g)].map(([, name, value]) => [name, Number(value)]));
  assert.ok(table.size > 100);
  for (const [name, value] of Object.entries(numbers)) {
    if (OTHERWISE[name] === null) continue;
    const names = OTHERWISE[name] ? [OTHERWISE[name]] : ["EVENT", "EFFECT", "OUTCOME", "FAILURE", "STATE", "CAUSE"].map((kind) => `${kind}_${name}`);
    const known = names.find((one) => table.has(one));
    assert.ok(known, `${name} is not in the table`);
    assert.equal(value, table.get(known), known);
  }
});

test("fields of the configuration stand at their places", () => {
  const fields = [...read("src/config.rs").match(/pub struct Config {([^]*?)\n}/)[1].matchAll(/pub (\w+):/g)].map(([, name]) => name);
  for (const [name, place] of Object.entries(config)) assert.equal(fields[place], name.toLowerCase());
  assert.deepEqual(
    [numbers.HAS_STORE, numbers.CONFIRMATION, numbers.LEASE, numbers.AMBIENT, numbers.RENEWAL].map((place) => fields[place]),
    ["store", "confirmation", "lease", "credential", "renewal"],
  );
});
