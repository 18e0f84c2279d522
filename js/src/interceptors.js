// For clients that have only interceptors: luch-request, mpx, alova, and Taro's chain.

import { RETRY } from "./numbers.js";

/**
 * A pair of interceptors.
 *
 * @param {import("../types/interceptors").Gated} latch
 * @param {import("../types/interceptors").Shape} shape
 */
export const interceptors = (latch, { attach, see, resend, isPublic }) => {
  const permits = new WeakMap();
  const last = new WeakMap();
  return {
    /** Waits for a permit and puts its headers into the request. */
    request: (config) =>
      isPublic && isPublic(config)
        ? Promise.resolve(config)
        : latch.enter(undefined, last.get(config)).then((permit) => {
            const next = attach(config, permit.headers) || config;
            permits.set(next, permit);
            return next;
          }),
    /** Tells the answer; sends again where that helps. */
    response: (response, config) =>
      Promise.resolve().then(() => {
        const permit = permits.get(config);
        if (!permit) return response;
        const [status, challenge] = see(response);
        if (latch.answered(permit, status, challenge) !== RETRY) return response;
        last.set(config, permit);
        return resend(config);
      }),
  };
};

/**
 * An interceptor for Taro: `Taro.addInterceptor(taro(latch))`.
 *
 * @param {import("../types/mini").Latch} latch
 */
export const taro = (latch) => (chain) => {
  const { requestParams } = chain;
  if (requestParams.public) return chain.proceed(requestParams);
  return latch.run(({ headers }) =>
    chain.proceed(Object.assign({}, requestParams, { header: Object.assign({}, requestParams.header, headers) })),
  );
};
