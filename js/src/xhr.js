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
      // Twice the same name, in whatever case, would be sent as a list.
      const all = new Headers(headers);
      for (const name in permit.headers) all.set(name, permit.headers[name]);
      all.forEach((value, name) => xhr.setRequestHeader(name, value));
      xhr.onload = () => resolve(xhr);
      xhr.onerror = xhr.ontimeout = () => reject(new TypeError("the request failed"));
      xhr.onabort = () => reject(signal && signal.aborted ? signal.reason : new TypeError("the request was aborted"));
      if (signal) {
        if (signal.aborted) return reject(signal.reason);
        const abort = () => xhr.abort();
        signal.addEventListener("abort", abort);
        xhr.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
      }
      if (prepare) prepare(xhr);
      xhr.send(body);
    });
  if (open || !latch.allows(url)) return send({});
  return latch.run(send, { signal, see: (xhr) => [xhr.status, (name) => xhr.getResponseHeader(name)] });
};
