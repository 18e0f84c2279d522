// Stores beside the default one.

import { indexedDBStore } from "./indexeddb.js";
import { either, localStore, webStorage } from "./local.js";

export { either, indexedDBStore, localStore };

/** `sessionStorage`: one tab, until it is closed. Take `lease: undefined` with it. */
export const sessionStore = (name = "tokenlatch") => webStorage(name, () => sessionStorage, 0);

/** Memory: until the page is left. `store: undefined` does the same without writing anything. */
export const memoryStore = () => {
  let cell;
  return {
    read: async () => cell,
    write: async (record) => {
      cell = record;
    },
  };
};
