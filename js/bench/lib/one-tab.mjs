// Five scenarios in one context, against the server that counts what it saw.
import { pause } from "../../test/browsers/lib/child.mjs";

/** How long a request that has no answer is given: one of these never settles. */
const PATIENCE = 3_000;

/** Runs requests together; gives how many were answered well, badly, or never. */
async function settle(requests) {
  const never = Symbol("never");
  const done = await Promise.all(requests.map((one) => Promise.race([
    Promise.resolve(one).then((status) => status, (error) => error?.response?.status ?? error?.status ?? String(error?.message ?? error)),
    pause(PATIENCE).then(() => never),
  ])));
  return {
    ok: done.filter((one) => one === 200).length,
    refused: done.filter((one) => one === 401).length,
    failed: done.filter((one) => one !== 200 && one !== 401 && one !== never).length,
    never: done.filter((one) => one === never).length,
  };
}

const urls = (server, count) => Array.from({ length: count }, (_, at) => `${server.url}/api/notes/${at}`);

export const scenarios = {
  /** Five requests while the login is on its way: how many were sent without a token. */
  async s1(client, server) {
    await server.control("delay_next_login", { ms: 60 });
    const login = client.login();
    const requests = urls(server, 5).map((url) => client.request(url));
    // Some end before the login does; they are looked at afterwards.
    for (const one of requests) Promise.resolve(one).catch(() => {});
    await login.catch(() => {});
    const seen = await settle(requests);
    return { without: (await server.counts()).sent_without_token, ...seen };
  },

  /** Ten requests in flight when the token has expired: one refresh is enough, and all ten can succeed. */
  async s2(client, server) {
    await client.login();
    await settle([client.request(urls(server, 1)[0])]);
    await server.control("expire_access_now");
    const seen = await settle(urls(server, 10).map((url) => client.request(url)));
    const { refresh_requests: refreshes, replayed } = await server.counts();
    return { refreshes, replayed, ...seen };
  },

  /** A 401 that comes when the refresh after another one is done already: one refresh is enough. */
  async s3(client, server) {
    await client.login();
    await settle([client.request(urls(server, 1)[0])]);
    await server.control("expire_access_now");
    await server.control("fault", { target: "api", fault: "slow", ms: 200, times: 1 });
    const [late, early] = urls(server, 2);
    const first = client.request(late);
    await pause(30);
    const seen = await settle([first, client.request(early)]);
    return { refreshes: (await server.counts()).refresh_requests, ...seen };
  },

  /** The refresh is refused while five requests wait for it: one refresh, and all of them end. */
  async s4(client, server) {
    await client.login();
    await settle([client.request(urls(server, 1)[0])]);
    await server.control("expire_access_now");
    await server.control("fault", { target: "token", fault: "invalid_grant", times: "until_cleared" });
    const seen = await settle(urls(server, 5).map((url) => client.request(url)));
    await server.control("clear_faults");
    return { refreshes: (await server.counts()).refresh_requests, settled: 5 - seen.never, ...seen };
  },

  /** A logout while a refresh is on its way: there must be no token afterwards. */
  async s5(client, server) {
    await client.login();
    await settle([client.request(urls(server, 1)[0])]);
    await server.control("expire_access_now");
    await server.control("fault", { target: "token", fault: "slow", ms: 150, times: 1 });
    const request = client.request(urls(server, 1)[0]);
    await pause(80);
    await client.logout();
    const seen = await settle([request]);
    await pause(250);
    return { token: (await client.token()) ?? null, ...seen };
  },
};

/** All five for one peer, each with a client of its own. */
export async function oneTab(peer, server) {
  const told = {};
  for (const [name, play] of Object.entries(scenarios)) {
    await server.forget();
    const client = await peer.make(server.url, {});
    told[name] = await play(client, server);
    await client.end?.();
  }
  return told;
}
