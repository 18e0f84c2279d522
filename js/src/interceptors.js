// For clients that have only interceptors: luch-request, mpx, alova, and Taro's chain.

import { RETRY } from "./numbers.js";

// As clients join the two, and as strict as the strictest: what names a host has no base.
const join = ({ url = "", baseURL, baseUrl }) => {
  const base = baseURL || baseUrl;
  return base && !/^([a-z][a-z\d+.-]*:)?\/\//i.test(url) ? `${base.replace(/\/+$/, "")}/${url.replace(/^\/+/, "")}` : url;
};

// A challenge, or headers that may have one, in any case.
const challengeOf = (given) => {
  if (typeof given === "string") return given;
  for (const name in given) if (name.toLowerCase() === "www-authenticate") return `${given[name]}`;
};

// Whoever waits for a promise of a thenable sets it going: alova's would send itself.
const plain = (config) => (config && config.then ? undefined : config);

/**
 * Interceptors that gate requests.
 *
 * @param {import("../types/interceptors").Gated} latch
 * @param {import("../types/interceptors").Shape} shape
 */
export const interceptors = (latch, { attach, see, resend, isPublic, url = join, last = () => {} }) => {
  const permits = new WeakMap();
  const permitOf = (config) => config && (permits.get(config) || last(config));
  const answered = (settle) => (response, config) =>
    Promise.resolve().then(() => {
      const permit = permitOf(config);
      // Each is answered once.
      if (permit && permit.again === undefined) {
        const [status, challenge] = see(response);
        // Without a status nothing was said of the token.
        permit.again = !!status && latch.answered(permit, status, challengeOf(challenge)) === RETRY;
        if (permit.again) return resend(config, permit);
      }
      return settle(response);
    });
  return {
    /** Waits for a permit and puts its headers into the request. */
    request: (config) =>
      Promise.resolve().then(() => {
        const before = permitOf(config);
        const again = before && before.again;
        // What is sent again goes where it went, by whatever name.
        if (!again && ((isPublic && isPublic(config)) || !latch.allows(url(config)))) return plain(config);
        // Once: whoever sends this configuration another time means another request.
        if (again) before.again = false;
        return latch.enter(undefined, again ? before : undefined).then(({ headers, receipt }) => {
          const permit = { receipt };
          const next = attach(config, headers, permit) || config;
          permits.set(next, permit);
          return plain(next);
        });
      }),
    /** Tells the answer; sends again where that helps. */
    response: answered((response) => response),
    /** The same for an answer that the client takes for an error, which it stays. */
    rejected: answered((error) => {
      throw error;
    }),
  };
};

/**
 * An interceptor for Taro: `Taro.addInterceptor(taro(latch))`.
 *
 * @param {import("../types/interceptors").Gated} latch
 */
export const taro = (latch) => (chain) => {
  const { requestParams } = chain;
  if (requestParams.public || !latch.allows(requestParams.url)) return chain.proceed(requestParams);
  return latch.run(({ headers }) =>
    chain.proceed(Object.assign({}, requestParams, { header: Object.assign({}, requestParams.header, headers) })),
  );
};
