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
  return {
    read: () => new Promise((resolve) => setTimeout(resolve, settle)).then(() => (denied() ? cell : storage().getItem(name))),
    write: (record) => (denied() ? (cell = record) : storage().setItem(name, record)),
  };
};

export const localStore = (name = "tokenlatch") => webStorage(name, () => localStorage, 20);

/** The first store, or the second where the first has never worked. */
export const either = (first, second) => {
  let works;
  const use = (what) => async (record) => {
    try {
      const result = await first[what](record);
      works = true;
      return result;
    } catch (error) {
      if (works || first === second) throw error;
      first = second;
      return second[what](record);
    }
  };
  return { read: use("read"), write: use("write") };
};
