// The declarations, as an application's compiler reads them.

import axios from "axios";
import ky, { type Hooks } from "ky";
import ky2 from "ky2";
import { createLatch, LatchError, type State, type Store } from "tokenlatch";
import { attach } from "tokenlatch/axios";
import { WAIT_LIMIT_MS } from "tokenlatch/config";
import { hooks } from "tokenlatch/ky";
import { memoryStore, sessionStore } from "tokenlatch/stores";
import { redeem } from "tokenlatch/ticket";
import { describe, explain } from "tokenlatch/why";
import { sendXhr } from "tokenlatch/xhr";

export const latch = createLatch({
  tokenEndpoint: "https://auth.test/token",
  clientId: "app",
  allow: ["https://api.test"],
  tune: { [WAIT_LIMIT_MS]: 10_000 },
  shape: { access_token: "data.token", success: [0] },
  onLoginRequired: (cause) => console.log(explain(cause).sentence),
  isAuthFailure: async (response: Response) => (await response.json()).code === 401,
});

export const use = async (): Promise<State> => {
  const response: Response = await latch.fetch("https://api.test/orders", { public: false });
  const cause: number | undefined = latch.why(response);
  const status: number = await latch.run(async ({ headers }) => Object.keys(headers).length, { see: (n) => [n, () => null] });
  try {
    await latch.ready();
  } catch (error) {
    if (error instanceof LatchError) console.log(explain(error.cause).fix, cause, status);
  }
  const xhr: XMLHttpRequest = await sendXhr(latch, { url: "/x", prepare: (request) => (request.responseType = "blob") });
  console.log(xhr.status, latch.trace().map(describe));
  attach(latch, axios.create(), axios)();
  await axios.get("/open", { public: latch.volatile });
  await redeem(latch, (ticket) => fetch("/ticket?" + ticket));
  return latch.login(fetch("/login"));
};

export const gated: Hooks = hooks(latch);
export const client = ky.create({ hooks: hooks(latch), context: { public: true } });
export const second = ky2.create({ hooks: hooks(latch, { fetch, timeout: 10_000 }), context: { public: true } });

export const stores: Store[] = [memoryStore(), sessionStore()];

// @ts-expect-error: a state can't be set.
latch.state = "Ready";
// @ts-expect-error: times are numbers.
createLatch({ tune: { [WAIT_LIMIT_MS]: "10s" } });
