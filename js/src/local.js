/**
 * `localStorage` or `sessionStorage` as the store.
 *
 * Another tab's write is seen only a while after it was made: a read waits for that, which settles what Web Locks
 * alone don't.
 */
export const webStorage = (name, storage, settle) => ({
  read: () => new Promise((resolve) => setTimeout(resolve, settle)).then(() => storage().getItem(name)),
  write: (record) => storage().setItem(name, record),
});

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
