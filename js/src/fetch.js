// `fetch`, gated.

import { REDIRECTED } from "./numbers.js";
import { see } from "./web.js";

const here = () => (globalThis.location || 0).href;

// As a browser makes a relative address whole.
const origin = (url) => new URL(url, (globalThis.document || 0).baseURI || here()).origin;

/** Whether a token may go to this address. What is allowed is said by whole addresses, read once; anything else throws. */
export const allows = (host, url) =>
  (host.sites = host.sites || [].concat(host.allow || here()).map((allowed) => new URL(allowed).origin)).includes(origin(url));

/**
 * Status and headers of an answer to a request to this address, from that one. Browsers drop `Authorization` on the way to
 * another origin: a 401 from there says nothing about the token.
 */
export const seeFrom = (latch, response, url, from, status, header) => {
  // Whole addresses only: what imitates a request, or a socket that is a file, has none.
  if (status !== 401 || !/^https?:\/\/[^/]/i.test(from) || origin(from) === origin(url)) return [status, header];
  latch.note(response, REDIRECTED);
  return [0, () => null];
};

/** The same of a `Response`. */
export const seePage = (latch, request) => (response) => seeFrom(latch, response, request.url, response.redirected && response.url, ...see(response));

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
