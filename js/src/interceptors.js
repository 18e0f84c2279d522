// For clients that have only interceptors: luch-request, mpx, alova, and Taro's chain.

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
    request: async (config) => {
      if (isPublic && isPublic(config)) return config;
      const permit = await latch.enter(undefined, last.get(config));
      const next = attach(config, permit.headers) || config;
      permits.set(next, permit);
      return next;
    },
    /** Tells the answer; sends again where that helps. */
    response: async (response, config) => {
      const permit = permits.get(config);
      if (!permit) return response;
      const [status, challenge] = see(response);
      if (latch.answered(permit, status, challenge) !== 7) return response;
      last.set(config, permit);
      return resend(config);
    },
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
    chain.proceed({ ...requestParams, header: { ...requestParams.header, ...headers } }),
  );
};
