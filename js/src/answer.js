// Answers of token endpoints. The rules are those of src/response.rs, over parsed JSON; test/answers.test.mjs compares
// the two over the fuzzer's corpus.

import {
  INTERACTION_REQUIRED,
  INVALID_GRANT,
  LOST,
  MISCONFIGURED,
  RATE_LIMITED,
  UNAVAILABLE,
  UNRECOGNIZED,
  UNUSABLE_EMPTY,
  UNUSABLE_LIFETIME,
  UNUSABLE_TYPE,
} from "./numbers.js";

// RFC 6749 5.2, OpenID Connect Core 3.1.2.6, and what servers send beside them.
const CODES = {
  [RATE_LIMITED]: "slow_down rate_limit_exceeded too_many_requests over_request_rate_limit",
  [UNAVAILABLE]: "temporarily_unavailable server_error",
  [INVALID_GRANT]: "invalid_grant bad_refresh_token",
  [INTERACTION_REQUIRED]:
    "mfa_required interaction_required login_required consent_required account_selection_required",
  [MISCONFIGURED]: "invalid_client unauthorized_client unsupported_grant_type invalid_scope invalid_request invalid_dpop_proof",
};

const text = (value) => (typeof value === "string" && value) || "";

/**
 * What an answer to a login or a token request means: how it failed, as a number, or the grant, as
 * `[access, refresh, scope, subject, form, milliseconds]`.
 *
 * @param {import("../types/index").Shape} shape where the fields stand
 * @param {number} status
 * @param {unknown} body parsed, or its text
 */
export const classify = (shape, status, body) => {
  const success = status > 199 && status < 300;
  if (status === 429) return RATE_LIMITED;
  if (status > 499 && status < 600) return UNAVAILABLE;
  if (!success && !(status > 399 && status < 500)) return UNRECOGNIZED;
  if (typeof body === "string") {
    // RFC 8259 8.1 lets a parser ignore a byte order mark.
    body = body.replace(/^\uFEFF/, "");
    try {
      body = JSON.parse(body);
    } catch {
      return success && /^\s*{/.test(body) ? LOST : UNRECOGNIZED;
    }
  }
  if (!body || typeof body !== "object" || Array.isArray(body)) return UNRECOGNIZED;
  const at = (name, path = shape[name]) =>
    (path ?? name).split(".").reduce((value, key) => (Object(value) === value ? value[key] : null), body);

  let code = at("error");
  code = code === Object(code) ? "{" : code == null ? "" : `${code}`;
  if (code && !(shape.success || ["false", "0"]).some((known) => `${known}` === code)) {
    if ((shape.ended || []).some((known) => `${known}` === code)) return INVALID_GRANT;
    for (const failure in CODES) if (CODES[failure].split(" ").includes(code)) return +failure;
    return UNRECOGNIZED;
  }
  if (!success) return UNRECOGNIZED;

  const access = text(at("access_token"));
  if (!access) return UNUSABLE_EMPTY;
  const type = at("token_type") ?? "bearer";
  if (!/^(bearer|dpop)$/i.test(text(type))) return UNUSABLE_TYPE;
  const ending = shape.expires_at && at("expires_at");
  const end = shape.expires_at ? ending : at("expires_in");
  let form = 0;
  let millis = 0;
  if (end != null && end !== "") {
    // Numbers and numbers in strings; the whole part counts.
    if (typeof end === "number" || /^(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(text(end))) millis = Math.floor(end) * (shape.unit ?? 1000);
    if (!(millis > 0)) return UNUSABLE_LIFETIME;
    // Ten years, and the year 9999.
    millis = Math.min(millis, shape.expires_at ? 253402300799999 : 315360000000);
    form = shape.expires_at ? 2 : 1;
  }
  if (/d/i.test(type)) form += 4;
  const subject = shape.subject && at("subject");
  // Of a larger number JSON.parse keeps the beginning only, which neighbours share.
  const id = typeof subject === "number" && Math.abs(subject) <= Number.MAX_SAFE_INTEGER ? `${subject}` : subject;
  return [access, text(at("refresh_token")), text(at("scope")), text(id), form, millis];
};
