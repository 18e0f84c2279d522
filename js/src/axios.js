// axios, gated at its adapter: what interceptors did to a request is done by then, and the token is read last.

import { seeFrom } from "./fetch.js";

/** What axios makes of a body, after the adapter. */
const parsed = (data) => {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
};

/** Who gates this adapter already. */
const latchesOf = (adapter) => (adapter && adapter.latches) || [];

/** A signal for both ways to cancel, and what ends the listening. */
const heard = ({ signal, cancelToken: token }) => {
  if (!token || !token.subscribe) return [signal, () => {}];
  const both = new AbortController();
  const abort = (reason) => both.abort(reason);
  const leave = () => abort(signal.reason);
  token.subscribe(abort);
  if (signal) signal.aborted ? leave() : signal.addEventListener("abort", leave);
  return [
    both.signal,
    () => {
      token.unsubscribe(abort);
      signal && signal.removeEventListener("abort", leave);
    },
  ];
};

/**
 * @param {import("../types/index").Latch} latch
 * @param {any} instance of axios, or axios itself
 * @param {any} [axios] axios itself, where the first one is an instance
 * @returns {() => void} takes it off again
 */
export const attach = (latch, instance, axios = instance) => {
  const { defaults } = instance;
  const before = defaults.adapter;
  const gate = (adapter) => Object.assign((config) => {
    // A list of names, out of which `getAdapter` picks the one for this platform; a function in old versions.
    const send = typeof adapter === "function" ? adapter : axios.getAdapter(adapter, config);
    const url = instance.getUri(config);
    if (config.public || !latch.allows(url)) return send(config);
    const [signal, unheard] = heard(config);
    let failed;
    return latch
      .run(
        ({ headers }) => {
          failed = null;
          const attempt = { ...config, headers: Object.assign(Object.create(Object.getPrototypeOf(config.headers)), config.headers) };
          for (const name in headers) attempt.headers[name] = headers[name];
          return send(attempt).catch((error) => {
            // An answer that axios takes for an error is one all the same.
            if (!error.response) throw error;
            failed = error;
            return error.response;
          });
        },
        {
          signal,
          replay: !(config.data && (config.data.pipe || config.data.getReader)),
          see: (response) => {
            const { status, headers } = response;
            const { responseURL, res } = response.request || {};
            const from = config.socketPath ? "" : responseURL || (res || {}).responseUrl;
            return seeFrom(latch, response, url, from, status, (name) => headers[name]);
          },
          copy: (response) => ({ ...response, data: parsed(response.data) }),
        },
      )
      .then((response) => {
        if (failed) throw failed;
        return response;
      })
      .finally(unheard);
  }, { latches: [latch, ...latchesOf(adapter)] });
  defaults.adapter = gate(before);
  // A request may have an adapter of its own.
  const { request } = instance.interceptors;
  const own = request.use((config) => {
    config.adapter = config.adapter || defaults.adapter;
    if (!latchesOf(config.adapter).includes(latch)) config.adapter = gate(config.adapter);
    return config;
  });
  return () => {
    request.eject(own);
    defaults.adapter = before;
  };
};
