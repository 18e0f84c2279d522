/**
 * `localStorage` or `sessionStorage` as the store.
 *
 * Another tab's write is seen only a while after it was made: a read waits for that, which settles what Web Locks
 * alone don't. Where the page is denied it, the record lives in memory: a store that can't be read at all would keep
 * each renewal from being sent.
 */
export const webStorage = (name, storage, settle) => {
  let cell;
  const denied = () => {
    try {
      return !storage();
    } catch {
      return true;
    }
  };
  const peek = () => (denied() ? cell : storage().getItem(name));
  return {
    get volatile() {
      return denied();
    },
    peek,
    read: () => new Promise((resolve) => setTimeout(resolve, settle)).then(peek),
    write: (record) => (denied() ? (cell = record) : storage().setItem(name, record)),
  };
};

export const localStore = (name = "tokenlatch") => webStorage(name, () => localStorage, 20);

/**
 * The first store, or the second where the first has never worked. What is in the second is newer: a page wrote it where the
 * first did not work, and no page has written to the first since.
 */
export const either = (first, second) => {
  let works;
  const use = (what) => async (record) => {
    try {
      const result = await first[what](record);
      works = true;
      if (first === second) return result;
      try {
        const newer = await (second.peek || second.read)();
        if (what === "read") return newer || result;
        if (newer) await second.write("");
      } catch {
        // The first one works.
      }
      return result;
    } catch (error) {
      if (works || first === second) throw error;
      first = second;
      return second[what](record);
    }
  };
  return {
    get volatile() {
      return first === second && second.volatile;
    },
    read: use("read"),
    write: use("write"),
  };
};
