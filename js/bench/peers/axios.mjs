// axios with axios-auth-refresh, as its documentation shows it, and with the option that makes all requests retry.
import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

import { Session } from "./session.mjs";

function variant(name, refresh) {
  return {
    name,
    packages: ["axios", "axios-auth-refresh"],
    make(server, options = {}) {
      const session = options.session ?? new Session(server);
      const api = axios.create(options.axios);
      api.interceptors.request.use((config) => {
        if (session.access !== null) config.headers.Authorization = `Bearer ${session.access}`;
        return config;
      });
      createAuthRefresh(api, async (error) => {
        await session.renew();
        error.response.config.headers.Authorization = `Bearer ${session.access}`;
      }, refresh);
      return {
        login: () => session.login(),
        logout: () => session.logout(),
        token: () => session.access,
        request: async (url) => (await api.get(url)).status,
      };
    },
  };
}

export const standard = variant("axios-auth-refresh", {});
export const retrying = variant("axios-auth-refresh, `deduplicateRefresh: false`", { deduplicateRefresh: false });
