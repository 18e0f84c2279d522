// axios, gated at its adapter: what interceptors did to a request is done by then, and the token is read last.

/** What axios makes of a body, after the adapter. */
const parsed = (data) => {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
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
  // A list of names, out of which `getAdapter` picks the one for this platform; a function in old versions.
  const adapt = (config) => (typeof before === "function" ? before : axios.getAdapter(before, config));
  defaults.adapter = (config) => {
    const send = adapt(config);
    if (config.public || !latch.allows(instance.getUri(config))) return send(config);
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
          signal: config.signal,
          replay: !(config.data && (config.data.pipe || config.data.getReader)),
          see: ({ status, headers }) => [status, (name) => headers[name]],
          copy: (response) => ({ ...response, data: parsed(response.data) }),
        },
      )
      .then((response) => {
        if (failed) throw failed;
        return response;
      });
  };
  return () => {
    defaults.adapter = before;
  };
};
