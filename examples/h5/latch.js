// The same client on a latch.
import { createLatch } from "tokenlatch";

export function createLatched(world, { send, state, onSignedOut }) {
  const latch = createLatch({
    name: "h5-example",
    clientId: "page",
    tokenEndpoint: `/${world}/token`,
    revocationEndpoint: `/${world}/revoke`,
    onLoginRequired: onSignedOut,
    // Only so that this page can draw what leaves and when.
    fetch: (input, init) => send(input.headers?.get("x-row") ?? "token", input, init),
    // Nobody is here to sign in: 1 refuses such requests at once, 0 would let them wait for a login.
    tune: { 5: 1 },
  });
  state(latch.state);
  latch.subscribe(state);
  return {
    login: () => latch.login(() => send("token", `/${world}/token`, {
      method: "POST", body: new URLSearchParams({ grant_type: "password", username: "alice" }),
    })),
    load: (path, row) => latch.fetch(path, { headers: { "x-row": row } }),
    logout: () => latch.logout(),
    has: () => latch.state !== "Unauthenticated",
    latch,
  };
}
