// Answers of token endpoints mean the same here as in the library, over the fuzzer's corpus and more.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { classify } from "../src/answer.js";
import { native } from "./native.mjs";

const SHAPES = [
  {},
  {
    access_token: "data.token",
    refresh_token: "data.refreshToken",
    expires_at: "data.expireAt",
    unit: 1,
    token_type: "",
    scope: "data.scope",
    subject: "data.user.id",
    error: "code",
    success: [0, "OK"],
    ended: [40001, "SESSION_ENDED"],
  },
];

const told = (meaning) => {
  if (!meaning.push) return `${meaning}`;
  const [form, millis] = meaning.slice(4);
  return [...meaning.slice(0, 4).map((text) => Buffer.from(text).toString("hex")), form, millis].join(",");
};

const corpus = () => {
  const folder = new URL("../../fuzz/corpus/response/", import.meta.url);
  return readdirSync(folder).map((name) => {
    const text = readFileSync(new URL(name, folder), "latin1");
    const [, status, shape, body] = /^(\d+) (\d+)\n([^]*)$/.exec(text) || [0, 200, 0, text];
    return [Number(shape) % 3, Number(status), Buffer.from(body, "latin1")];
  });
};

const CODES =
  "invalid_grant mfa_required interaction_required login_required consent_required account_selection_required " +
  "invalid_client unauthorized_client unsupported_grant_type invalid_scope invalid_request temporarily_unavailable " +
  "server_error slow_down rate_limit_exceeded too_many_requests over_request_rate_limit another false OK 40001 0";

const made = () => {
  const cases = [];
  const bodies = CODES.split(" ").flatMap((code) => [
    { error: code },
    { code, data: { token: "t" } },
    { error: code, access_token: "t" },
  ]);
  for (const code of [0, 1, 40001, true, false, null, "", [], {}, 1.5]) bodies.push({ error: code, access_token: "t" }, { code, data: { token: "t" } });
  for (const expires of [1, 0, -1, 0.5, 1.5, 3600, "3600", "1e3", "0x10", " 5", "5 ", "", null, true, [], {}, 1e300, "9".repeat(40), "-0.5", "+5", "1.", ".5", "01"]) {
    bodies.push({ access_token: "t", expires_in: expires }, { code: 0, data: { token: "t", expireAt: expires } });
  }
  for (const type of ["bearer", "BEARER", "DPoP", "mac", "", null, 1, {}]) bodies.push({ access_token: "t", token_type: type });
  for (const text of ["", null, 1, "é😀", [], {}, "a b"]) {
    bodies.push({ access_token: text }, { access_token: "t", refresh_token: text, scope: text });
    bodies.push({ data: { token: "t", user: { id: text } } }, { data: text }, { data: { token: "t", user: text } });
  }
  for (const body of bodies) for (const shape of [0, 1]) for (const status of [200, 400]) cases.push([shape, status, JSON.stringify(body)]);
  for (const status of [0, 100, 199, 200, 204, 299, 300, 304, 399, 400, 401, 403, 404, 429, 499, 500, 503, 599, 600, 999]) {
    for (const body of ["", "{", "[]", "<html>", '{"error":"invalid_grant"}', '{"access_token":"t"}', "\uFEFF{", " \n{", "null", '"{"', "1"]) {
      cases.push([0, status, body]);
    }
  }
  return cases.map(([shape, status, body]) => [shape, status, Buffer.from(body)]);
};

test("answers mean the same as in the library", async (t) => {
  const other = native(t, "answers");
  let compared = 0;
  for (const [shape, status, body] of [...corpus(), ...made()]) {
    if (shape > 1) continue;
    const text = body.toString();
    // Engines of JSON read on where the library stops: bytes that are no text, names that come twice, deep nesting.
    if (!Buffer.from(text).equals(body) || isBeyond(text)) continue;
    await other.write(`${shape} ${status} ${body.toString("hex")}\n`);
    assert.equal(told(classify(SHAPES[shape], status, text)), await other.next(), `${shape} ${status} ${text}`);
    compared++;
  }
  await other.end();
  assert.ok(compared > 500, `${compared} answers`);
});

const isBeyond = (text) => {
  let deepest = 0;
  let depth = 0;
  for (const letter of text) {
    if (/[[{]/.test(letter)) deepest = Math.max(deepest, ++depth);
    if (/[\]}]/.test(letter)) depth--;
  }
  const names = [...text.matchAll(/"([^"]*)"\s*:/g)].map((found) => found[1]);
  return deepest > 32 || /\\ud[89a-f]/i.test(text) || new Set(names).size < names.length;
};
