// XMLHttpRequest, gated: for upload progress, and for code that has not moved to fetch.

/**
 * Sends a request when the latch lets it, again if need be, and gives the finished XMLHttpRequest.
 *
 * @param {import("../types/index").Latch} latch
 * @param {import("../types/xhr").XhrRequest} what
 * @returns {Promise<XMLHttpRequest>}
 */
export const sendXhr = (latch, { method = "GET", url, headers = {}, body, signal, prepare, public: open }) => {
  const send = (permit) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open(method, url);
      const all = { ...headers, ...permit.headers };
      for (const name in all) xhr.setRequestHeader(name, all[name]);
      xhr.onload = () => resolve(xhr);
      xhr.onerror = xhr.ontimeout = () => reject(new TypeError("the request failed"));
      xhr.onabort = () => reject(signal && signal.aborted ? signal.reason : new TypeError("the request was aborted"));
      if (signal) signal.addEventListener("abort", () => xhr.abort(), { once: true });
      if (prepare) prepare(xhr);
      xhr.send(body);
    });
  if (open || !latch.allows(url)) return send({});
  return latch.run(send, { signal, see: (xhr) => [xhr.status, (name) => xhr.getResponseHeader(name)] });
};
