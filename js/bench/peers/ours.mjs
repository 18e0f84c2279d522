// tokenlatch, with its record in memory: there is one context, and node has no IndexedDB.
import { createLatch } from "../../dist/index.js";
import { memoryStore } from "../../dist/stores.js";

export const name = "**tokenlatch**";
export const packages = [];

export function make(server) {
  const latch = createLatch({
    store: memoryStore(), lease: undefined, allow: [server], clientId: "native-app",
    tokenEndpoint: `${server}/token`, revocationEndpoint: `${server}/revoke`, tune: { 9: 2_000 },
  });
  const form = { grant_type: "password", username: "alice", password: "wonderland", client_id: "native-app" };
  return {
    login: () => latch.login(() => fetch(`${server}/token`, { method: "POST", body: new URLSearchParams(form) })),
    logout: () => latch.logout(),
    // A token can be read through a request only; what is left is whether one could leave.
    token: () => (latch.state === "Unauthenticated" ? null : latch.state),
    request: async (url) => (await latch.fetch(url)).status,
    end: () => latch.destroy(),
  };
}
