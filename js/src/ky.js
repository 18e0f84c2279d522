// ky, gated by its hooks: unlike a gated `fetch`, what a request waits is no part of ky's timeout.

import { seePage } from "./fetch.js";

/**
 * Hooks for `ky.create` or `ky.extend`. `context: { public: true }` sends without a token.
 *
 * @param {import("../types/index").Latch} latch
 * @param {import("../types/ky").Sending} [again] how a request is sent again, where ky does not show it
 * @returns {import("../types/ky").Hooks}
 */
export const hooks = (latch, again = {}) => {
  // By the options of one call, which all its hooks get. ky sends a copy of the request, and keeps another one.
  const permits = new WeakMap();
  const copies = new WeakMap();
  const attach = (request, options, last) =>
    latch.enter(request.signal, last).then((permit) => {
      permits.set(options, permit);
      for (const name in permit.headers) request.headers.set(name, permit.headers[name]);
    });
  // ky 1 gives three arguments, ky 2 one that has them.
  const each = (hook) => (first, options, response) =>
    first.request ? hook(first.request, first.options, first.response) : hook(first, options, response);
  return {
    beforeRequest: [
      each((request, options) => {
        if (options.context.public || !latch.allows(request.url)) return;
        // ky 2 keeps none where it does not send again by itself.
        if (request.body !== null && !options.fetch) copies.set(options, request.clone());
        return attach(request, options);
      }),
    ],
    // ky 2 sends again by itself, behind `beforeRequest`.
    beforeRetry: [
      ({ request, options } = {}) => (options && !options.fetch && permits.has(options) ? attach(request, options) : undefined),
    ],
    afterResponse: [
      each(async (request, options, response) => {
        let permit;
        while ((permit = permits.get(options)) && (await latch.judge(permit, response, seePage(latch, request)))) {
          const { headers } = request;
          const whole = request.bodyUsed ? copies.get(options) : request;
          // The headers of all hooks; these two begin anew.
          const copy = new Request(whole.clone(), { headers, referrer: whole.referrer, referrerPolicy: whole.referrerPolicy });
          await attach(copy, options, permit);
          // ky 1 shows its hooks both.
          const { fetch = globalThis.fetch, timeout } = { ...again, ...options };
          // The time for each sending, as ky has it.
          const limit = timeout && AbortSignal.any && AbortSignal.any([copy.signal, AbortSignal.timeout(timeout)]);
          response = await fetch(new Request(copy, limit ? { signal: limit } : {}));
        }
        return response;
      }),
    ],
  };
};
