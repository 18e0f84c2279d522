// What the provider saw, by its own events, and what the API saw, each by grant.

const emptyApi = () => ({ answered: 0, expired_token: 0, unknown_token: 0, without_token: 0 });

export function createStats(provider) {
  const byGrant = new Map();
  const grantOfToken = new Map();
  const savedAt = new Map();
  const total = { revoked: 0, invalid_grant: 0, other_errors: 0 };
  const apiWithoutGrant = emptyApi();
  const clientCredentials = { granted: 0, api: emptyApi() };
  // The sign-ins made at start are not rotations.
  let started = false;

  const entry = (grantId) => byGrant.get(grantId);

  provider.on("refresh_token.saved", (token) => {
    grantOfToken.set(token.jti, token.grantId);
    const seen = entry(token.grantId);
    if (started && seen) {
      seen.saved += 1;
      seen.rotations = Math.max(seen.rotations, token.rotations ?? 0);
    }
  });
  provider.on("refresh_token.consumed", (token) => {
    const seen = entry(token.grantId);
    if (seen) seen.consumed += 1;
  });
  provider.on("access_token.saved", (token) => savedAt.set(token.jti, Date.now()));
  provider.on("client_credentials.saved", (token) => savedAt.set(token.jti, Date.now()));
  provider.on("grant.success", (ctx) => {
    if (ctx.oidc.params.grant_type === "client_credentials") {
      clientCredentials.granted += 1;
      return;
    }
    const seen = entry(ctx.oidc.entities.Grant?.jti);
    if (seen) seen.refreshes += 1;
  });
  provider.on("grant.revoked", (_ctx, grantId) => {
    total.revoked += 1;
    const seen = entry(grantId);
    if (seen) seen.revoked += 1;
  });
  provider.on("grant.error", (ctx, error) => {
    // A refresh token that was already used is answered invalid_grant (RFC 6749 5.2).
    const kind = error.error === "invalid_grant" ? "invalid_grant" : "other_errors";
    total[kind] += 1;
    const seen = entry(grantOfToken.get(ctx.oidc?.params?.refresh_token));
    if (seen) seen[kind] += 1;
    console.error(`provider: ${error.error}: ${error.error_detail ?? error.error_description}`);
  });
  provider.on("server_error", (_ctx, error) => {
    total.other_errors += 1;
    console.error(error);
  });

  return {
    start: () => {
      started = true;
    },
    watch: (grantId, clientId) => {
      byGrant.set(grantId, {
        client_id: clientId,
        refreshes: 0,
        consumed: 0,
        saved: 0,
        rotations: 0,
        invalid_grant: 0,
        other_errors: 0,
        revoked: 0,
        api: emptyApi(),
      });
    },
    savedAt: (jti) => savedAt.get(jti) ?? 0,
    // `owner` is a grant, or the client where the token came without one.
    api: (owner, outcome) => {
      const seen = entry(owner)?.api ?? (owner === "none" ? apiWithoutGrant : clientCredentials.api);
      seen[outcome] += 1;
    },
    report: () => ({
      total,
      // In the order in which the sign-ins were made.
      grants: [...byGrant.values()],
      client_credentials: clientCredentials,
      api_without_grant: apiWithoutGrant,
    }),
  };
}
