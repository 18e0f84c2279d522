/**
 * The lease between tabs: a Web Lock.
 *
 * @param {string} name
 */
export const webLock = (name) => (granted, denied) => {
  const abort = new AbortController();
  let free;
  navigator.locks
    .request(name, { signal: abort.signal }, () => {
      granted();
      return new Promise((resolve) => (free = resolve));
    })
    .catch(denied);
  return () => {
    abort.abort();
    free && free();
  };
};
