// The interceptor that most applications write by hand: attach, renew on 401, send again.
import { Session } from "./session.mjs";

export const name = "plain interceptor";
export const packages = [];

export function make(server) {
  const session = new Session(server);
  const send = (url) => fetch(url, { headers: session.header() });
  return {
    login: () => session.login(),
    logout: () => session.logout(),
    token: () => session.access,
    async request(url) {
      const answer = await send(url);
      if (answer.status !== 401) return answer.status;
      await session.renew();
      return (await send(url)).status;
    },
  };
}
