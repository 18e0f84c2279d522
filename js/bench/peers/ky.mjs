// ky with the hooks of its own documentation: the token before each request, a renewal before the retry of a 401.
import ky from "ky";

import { Session } from "./session.mjs";

export const name = "ky, hooks recipe";
export const packages = ["ky"];

export function make(server, options = {}) {
  const session = options.session ?? new Session(server);
  const api = ky.create({
    ...options.ky,
    retry: { limit: 1, statusCodes: [401], delay: () => 0 },
    throwHttpErrors: true,
    hooks: {
      beforeRequest: [({ request }) => {
        if (session.access !== null) request.headers.set("authorization", `Bearer ${session.access}`);
      }],
      beforeRetry: [async ({ request }) => {
        await session.renew();
        request.headers.set("authorization", `Bearer ${session.access}`);
      }],
    },
  });
  return {
    login: () => session.login(),
    logout: () => session.logout(),
    token: () => session.access,
    request: async (url) => (await api.get(url)).status,
  };
}
