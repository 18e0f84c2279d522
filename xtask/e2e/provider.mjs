// An OpenID provider and a small protected API in one process, on loopback only.
//
//   node provider.mjs [--ttl 2] [--refresh-tokens 2] [--max-seconds 300]
//
// The first line on standard output says where it listens, who its clients are and which refresh
// tokens were issued; the last one, printed once standard input is closed, is what it counted.
// GET /stats answers the same counts at any time.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { createStats } from "./stats.mjs";

// Standard output carries JSON lines only; the provider's notices go where people look for them.
console.info = console.log = console.error;

const { default: Provider } = await import("oidc-provider");

const { values: options } = parseArgs({
  options: {
    ttl: { type: "string", default: "2" },
    "refresh-tokens": { type: "string", default: "2" },
    "max-seconds": { type: "string", default: "300" },
  },
});
const ttl = Number(options.ttl);
const secret = () => randomBytes(24).toString("base64url");
const ACCOUNT = "account-1";
const SCOPE = "openid offline_access";
const REDIRECT = "http://127.0.0.1/callback";

// The issuer names the port, so the port must be known before the provider is made.
let answer = (_request, response) => response.writeHead(503).end();
const server = createServer((request, response) => answer(request, response));
await new Promise((resolve, reject) => {
  server.once("error", reject);
  server.listen(0, "127.0.0.1", resolve);
});
const issuer = `http://127.0.0.1:${server.address().port}`;

const grants = ["authorization_code", "refresh_token"];
const common = {
  redirect_uris: [REDIRECT],
  response_types: ["code"],
  application_type: "native",
  id_token_signed_response_alg: "ES256",
};
const confidential = {
  ...common,
  client_id: "e2e-confidential",
  client_secret: secret(),
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: [...grants, "client_credentials"],
};
const open = {
  ...common,
  client_id: "e2e-public",
  token_endpoint_auth_method: "none",
  grant_types: grants,
};

const provider = new Provider(issuer, {
  clients: [confidential, open],
  jwks: { keys: [{ ...newKey(), use: "sig", alg: "ES256", kid: "start" }] },
  cookies: { keys: [secret()] },
  scopes: ["openid", "offline_access"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    revocation: { enabled: true },
  },
  interactions: { url: () => "/interaction" },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  ttl: {
    AccessToken: ttl,
    ClientCredentials: ttl,
    IdToken: 3600,
    RefreshToken: 86_400,
    Grant: 86_400,
  },
});

const stats = createStats(provider);

function newKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "jwk" });
}

// What an authorization code exchange would have left behind, without a browser.
async function signIn(clientId) {
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: ACCOUNT, clientId });
  grant.addOIDCScope(SCOPE);
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId: ACCOUNT,
    client,
    grantId,
    gty: "authorization_code",
    scope: SCOPE,
    authTime: Math.floor(Date.now() / 1000),
    rotations: 0,
  });
  const value = await token.save();
  stats.watch(grantId, clientId);
  return value;
}

const refreshTokens = [];
const publicRefreshTokens = [];
for (let i = 0; i < Number(options["refresh-tokens"]); i += 1) {
  refreshTokens.push(await signIn(confidential.client_id));
  publicRefreshTokens.push(await signIn(open.client_id));
}
stats.start();

const REALM = 'Bearer realm="e2e"';

function refuse(response, challenge) {
  response.writeHead(401, { "www-authenticate": challenge, "cache-control": "no-store" }).end();
}

function json(response, body) {
  response
    .writeHead(200, { "content-type": "application/json", "cache-control": "no-store" })
    .end(JSON.stringify(body));
}

async function api(request, response) {
  const value = /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  if (value === undefined) {
    // RFC 6750 3.1: a request without any token is told no error code.
    stats.api("none", "without_token");
    refuse(response, REALM);
    return;
  }
  // The provider rounds times down to seconds, which takes up to a second off a lifetime of two.
  // The API honours the lifetime that the client was told, to the millisecond.
  const late = { ignoreExpiration: true };
  const token =
    (await provider.AccessToken.find(value, late)) ??
    (await provider.ClientCredentials.find(value, late));
  const owner = token?.grantId ?? token?.clientId ?? "none";
  if (token === undefined || Date.now() >= stats.savedAt(token.jti) + ttl * 1000) {
    const outcome = token === undefined ? "unknown_token" : "expired_token";
    stats.api(owner, outcome);
    refuse(response, `${REALM}, error="invalid_token", error_description="${outcome}"`);
    return;
  }
  stats.api(owner, "answered");
  json(response, { sub: token.accountId ?? token.clientId });
}

const handleProvider = provider.callback();
answer = (request, response) => {
  const path = new URL(request.url, issuer).pathname;
  if (path === "/stats") {
    json(response, stats.report());
  } else if (path.startsWith("/api/")) {
    api(request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  } else {
    handleProvider(request, response);
  }
};

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function stop(status) {
  print(stats.report());
  server.close();
  server.closeAllConnections();
  // Let the line reach a pipe before the process ends.
  process.stdout.write("", () => process.exit(status));
}

process.stdin.once("end", () => stop(0));
process.stdin.once("error", () => stop(0));
process.stdin.resume();
setTimeout(() => {
  console.error("provider: its longest lifetime has passed");
  stop(1);
}, Number(options["max-seconds"]) * 1000).unref();

print({
  issuer,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/me`,
  api: `${issuer}/api/`,
  ttl,
  client_id: confidential.client_id,
  client_secret: confidential.client_secret,
  refresh_tokens: refreshTokens,
  public_client_id: open.client_id,
  public_refresh_tokens: publicRefreshTokens,
});
