// XMLHttpRequest, gated: for upload progress, and for code that has not moved to fetch.

import { seeFrom } from "./fetch.js";

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
      // Not in the places that `prepare` may set.
      const on = (type, listener) => xhr.addEventListener(type, listener);
      const failed = () => reject(new TypeError("the request failed"));
      on("load", () => resolve(xhr));
      on("error", failed);
      on("timeout", failed);
      on("abort", () => reject(signal && signal.aborted ? signal.reason : new TypeError("the request was aborted")));
      if (signal) {
        if (signal.aborted) return reject(signal.reason);
        const abort = () => xhr.abort();
        signal.addEventListener("abort", abort);
        on("loadend", () => signal.removeEventListener("abort", abort));
      }
      if (prepare) prepare(xhr);
      xhr.send(body);
    });
  if (open || !latch.allows(url)) return send({});
  const see = (xhr) => seeFrom(latch, xhr, url, xhr.responseURL, xhr.status, (name) => xhr.getResponseHeader(name));
  return latch.run(send, { signal, see });
};
