// `fetch`, gated.

import { REDIRECTED } from "./numbers.js";
import { see } from "./web.js";

const here = globalThis.location || {};

const origin = (url) => new URL(url, here.href).origin;

/** Whether a token may go to this address. What is allowed is said by whole addresses, read once; anything else throws. */
export const allows = (host, url) =>
  (host.sites = host.sites || [].concat(host.allow || here.href).map((allowed) => new URL(allowed).origin)).includes(origin(url));

/** Status and headers of an answer to this request. */
export const seePage = (latch, request) => (response) => {
  if (response.redirected && response.status === 401 && origin(response.url) !== origin(request.url)) {
    // Browsers drop `Authorization` on the way to another origin: this says nothing about the token.
    latch.note(response, REDIRECTED);
    return [0, () => null];
  }
  return see(response);
};

export const gatedFetch = (latch, host) => async (input, init) => {
  let request = new Request(input, init);
  const send = host.fetch;
  if ((init && init.public) || !allows(host, request.url)) return send(request);
  // The session's cookie goes to another origin too, unless the caller said what goes.
  if (host.cookie && !(init && init.credentials) && request.credentials === "same-origin")
    // Whatever is changed, these two begin anew.
    request = new Request(request, { credentials: "include", referrer: request.referrer, referrerPolicy: request.referrerPolicy });
  // A stream can be read once. Any other body is copied before each attempt; Firefox does not tell whether there is one.
  const replay = !(init && init.body && init.body.getReader);
  return latch.run(
    ({ headers }) => {
      const attempt = replay && request.body !== null ? request.clone() : request;
      for (const name in headers) attempt.headers.set(name, headers[name]);
      return send(attempt);
    },
    { signal: request.signal, replay, see: seePage(latch, request) },
  );
};
