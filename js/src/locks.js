/**
 * The lease between tabs: a Web Lock.
 *
 * @param {string} name
 */
export const webLock = (name) => (granted, denied) => {
  const abort = new AbortController();
  let free;
  navigator.locks
    .request(
      name,
      { signal: abort.signal },
      () =>
        new Promise((resolve) => {
          // First: what is granted may be given back at once.
          free = resolve;
          granted();
        }),
    )
    // Where a page may share nothing with others, nobody has to be kept out.
    .catch((error) => (error.name === "SecurityError" ? granted() : denied()));
  return () => {
    abort.abort();
    free && free();
  };
};
