// auth0-spa-js with refresh tokens in localStorage; a call is `getTokenSilently` on an expired entry.
import { Auth0Client } from "@auth0/auth0-spa-js";

const SCOPE = "openid offline_access";
const KEY = `@@auth0spajs@@::native-app::default::${SCOPE}`;
let client;

export const tab = {
  seed(tokens) {
    const body = { ...tokens, client_id: "native-app", audience: "default", scope: SCOPE, oauthTokenScope: SCOPE, expires_in: 3600 };
    localStorage.setItem(KEY, JSON.stringify({ body, expiresAt: Math.floor(Date.now() / 1000) + 3600 }));
  },
  open() {
    client = new Auth0Client({
      domain: SERVER.replace("https://", ""), clientId: "native-app", useRefreshTokens: true, cacheLocation: "localstorage",
      authorizationParams: { scope: SCOPE, redirect_uri: `${location.origin}/` },
    });
  },
  expire() {
    const key = Object.keys(localStorage).find((one) => one.startsWith(KEY));
    const entry = JSON.parse(localStorage.getItem(key));
    localStorage.setItem(key, JSON.stringify({ ...entry, expiresAt: 1 }));
  },
  call: () => client.getTokenSilently(),
};
