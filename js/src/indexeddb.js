// One cell in IndexedDB that all tabs share, and a lease beside it for browsers without Web Locks.

// Longer than the longest renewal: a token request of 30 s, a store of 5 s.
const LEASE_MS = 36e3;

/**
 * @param {string} name of the database
 */
export const indexedDBStore = (name) => {
  let opened;
  const open = () =>
    (opened =
      opened ||
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name, 1);
        request.onupgradeneeded = () => request.result.createObjectStore("cell");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          // The browser closes it when it clears the site's data.
          request.result.onclose = () => (opened = 0);
          // Somebody deletes it, and waits for that.
          request.result.onversionchange = close;
          resolve(request.result);
        };
      }).catch((error) => {
        opened = 0;
        throw error;
      }));
  const close = () => {
    if (opened) opened.then((database) => database.close(), () => {});
    opened = 0;
  };
  const run = (mode, work, last) =>
    open().then(
      (database) =>
        new Promise((resolve, reject) => {
          const transaction = database.transaction("cell", mode);
          const request = work(transaction.objectStore("cell"));
          const done = () => resolve(request.result);
          // What is read is there before the transaction has ended, which takes another turn.
          if (mode === "readonly") request.onsuccess = done;
          transaction.oncomplete = done;
          transaction.onabort = () => reject(transaction.error);
          if (last && transaction.commit) transaction.commit();
        }),
    );
  return {
    read: () => run("readonly", (cell) => cell.get(0)),
    write: (record) => run("readwrite", (cell) => cell.put(record, 0), 1),
    close,
    lease: (granted, denied) => {
      const owner = Math.random();
      let ended, until, held;
      // Transactions that write come one after the other, in all tabs.
      const set = (value) =>
        run("readwrite", (cell) => {
          const request = cell.get(1);
          request.onsuccess = () => {
            const [holder, end] = request.result || [];
            if (holder === owner || !(end > Date.now())) cell.put(value, 1);
          };
          return request;
        });
      const attempt = () =>
        ended ||
        set([owner, (until = Date.now() + LEASE_MS)])
          .then(() => run("readonly", (cell) => cell.get(1)))
          .then(([holder]) => {
            if (holder !== owner) setTimeout(attempt, 50);
            else if (ended) set([]);
            else granted((held = 1));
          }, refused);
      const { window } = globalThis;
      const unheard = () => window && window.removeEventListener("pagehide", leave);
      const refused = () => {
        unheard();
        denied();
      };
      const release = () => {
        ended = 1;
        unheard();
        set([]).catch(() => {});
      };
      // A page that is left must not keep the others waiting. It has no time to look first.
      const leave = () => {
        if (held && Date.now() < until) run("readwrite", (cell) => cell.put([], 1), 1).catch(() => {});
        release();
        denied();
      };
      window && window.addEventListener("pagehide", leave);
      attempt();
      return release;
    },
  };
};
