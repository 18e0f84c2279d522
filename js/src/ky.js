// ky, gated by its hooks: unlike a gated `fetch`, what a request waits is no part of ky's timeout.

import { seePage } from "./fetch.js";

/**
 * Hooks for `ky.create` or `ky.extend`. `context: { public: true }` sends without a token.
 *
 * @param {import("../types/index").Latch} latch
 * @returns {import("../types/ky").Hooks}
 */
export const hooks = (latch) => {
  // By the options of one call, which all its hooks get. ky sends a copy of the request, and keeps another one.
  const permits = new WeakMap();
  const attach = (request, options, last) =>
    latch.enter(request.signal, last).then((permit) => {
      permits.set(options, permit);
      for (const name in permit.headers) request.headers.set(name, permit.headers[name]);
    });
  return {
    beforeRequest: [
      (request, options) => {
        if (!options.context.public && latch.allows(request.url)) return attach(request, options);
      },
    ],
    afterResponse: [
      async (request, options, response) => {
        let permit;
        while ((permit = permits.get(options)) && (await latch.judge(permit, response, seePage(latch, request)))) {
          const again = request.clone();
          await attach(again, options, permit);
          const { signal } = again;
          // The time for each sending, as ky has it.
          const limit = options.timeout && AbortSignal.any([signal, AbortSignal.timeout(options.timeout)]);
          response = await options.fetch(new Request(again, limit ? { signal: limit } : {}));
        }
        return response;
      },
    ],
  };
};
