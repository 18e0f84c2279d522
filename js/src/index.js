// Pages: `fetch`, IndexedDB, Web Locks.

import { boot } from "./boot.js";
import { allows, gatedFetch } from "./fetch.js";
import { indexedDBStore } from "./indexeddb.js";
import { start } from "./latch.js";
import { either, localStore } from "./local.js";
import { webLock } from "./locks.js";
import { answerOf, failure, page, see } from "./web.js";

export { LatchError } from "./latch.js";

/**
 * A latch for a page.
 *
 * @param {import("../types/index").Options} options
 * @returns {import("../types/index").Latch}
 */
export const createLatch = (options) => {
  const { name = "tokenlatch" } = options;
  const cell = indexedDBStore(name);
  const post = async (url, fields) => {
    const { fetch } = host;
    const body = new URLSearchParams({ ...(options.clientId && { client_id: options.clientId }), ...fields });
    return fetch(url, { method: "POST", body, headers: { accept: "application/json" } });
  };
  const host = {
    now: () => performance.now(),
    seed: () => crypto.getRandomValues(new Uint32Array(2)),
    store: either(cell, localStore(name)),
    lease: (globalThis.navigator || 0).locks ? webLock(name) : globalThis.indexedDB && cell.lease,
    announce: (generation) => announce(generation),
    see,
    failure,
    answerOf,
    close: () => {
      leave();
      cell.close();
    },
    ...options,
    fetch: options.fetch || ((request, init) => fetch(request, init)),
    refresh:
      options.refresh ||
      (options.tokenEndpoint && ((token) => post(options.tokenEndpoint, { grant_type: "refresh_token", refresh_token: token }))),
    revoke:
      options.revoke ||
      (options.revocationEndpoint &&
        (async (token) => {
          if ((await post(options.revocationEndpoint, { token })).status > 499) throw 0;
        })),
  };
  const latch = start(boot, host);
  latch.request = latch.run;
  latch.allows = (url) => allows(host, url);
  latch.fetch = gatedFetch(latch, host);
  const [announce, leave] = page(name, latch.tell);
  return latch;
};
