// alova with its token authentication: renewal on 401, the roles by metadata.
import { createAlova } from "alova";
import { createServerTokenAuthentication } from "alova/client";
import adapterFetch from "alova/fetch";

import { Session } from "./session.mjs";

export const name = "alova, server token authentication";
export const packages = ["alova"];

export function make(server, options = {}) {
  const session = options.session ?? new Session(server);
  const { onAuthRequired, onResponseRefreshToken } = createServerTokenAuthentication({
    refreshTokenOnSuccess: {
      isExpired: (response) => response.status === 401,
      handler: () => session.renew(),
    },
    assignToken(method) {
      if (session.access !== null) method.config.headers.Authorization = `Bearer ${session.access}`;
    },
  });
  const api = createAlova({
    requestAdapter: options.adapter ?? adapterFetch(),
    cacheFor: null,
    shareRequest: false,
    beforeRequest: onAuthRequired(),
    responded: onResponseRefreshToken((response) => response),
  });
  return {
    login: () => session.login(),
    logout: () => session.logout(),
    token: () => session.access,
    request: async (url) => (await api.Get(url)).status,
  };
}
