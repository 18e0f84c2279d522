// oidc-client-ts with refresh tokens in localStorage; a call is the silent renewal that its timer does.
import { User, UserManager, WebStorageStateStore } from "oidc-client-ts";

const authority = `${SERVER}`;
const manager = new UserManager({
  authority, client_id: "native-app", redirect_uri: `${location.origin}/`, scope: "read",
  metadata: { issuer: authority, token_endpoint: `${SERVER}/token`, authorization_endpoint: `${SERVER}/authorize` },
  userStore: new WebStorageStateStore({ store: localStorage }), automaticSilentRenew: false,
});

export const tab = {
  seed: (tokens) => manager.storeUser(new User({
    ...tokens, scope: "read", profile: { sub: "alice" }, expires_at: Math.floor(Date.now() / 1000) + 60,
  })),
  open() {},
  expire() {},
  call: async () => (await manager.signinSilent()).access_token,
};
