// npm's `oidc-provider` with a public client, PKCE, rotation with reuse detection, and a protected API.
//
//   node provider.mjs <issuer> <seconds an access token lives> <redirect address>...
import { createServer } from "node:http";
import { generateKeyPairSync, randomBytes } from "node:crypto";

console.info = console.log = console.error;
const { default: Provider } = await import("oidc-provider");

const [issuer, seconds, ...redirects] = process.argv.slice(2);
const ttl = Number(seconds);
const counts = { code: 0, refreshes: 0, invalid_grant: 0, revoked_grants: 0, revocations: 0, api: 0, api_401: 0, api_without_token: 0 };

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const provider = new Provider(issuer, {
  clients: [{
    client_id: "page", token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"], redirect_uris: redirects, application_type: "web", id_token_signed_response_alg: "ES256",
  }],
  jwks: { keys: [{ ...key, use: "sig", alg: "ES256", kid: "start" }] },
  cookies: { keys: [randomBytes(24).toString("base64url")] },
  clientBasedCORS: () => true,
  scopes: ["openid", "offline_access"],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: ttl, IdToken: 3600, RefreshToken: 86_400, Grant: 86_400, Session: 86_400, Interaction: 600 },
});
provider.proxy = true;
provider.on("grant.success", (ctx) => {
  if (ctx.oidc.params.grant_type === "refresh_token") counts.refreshes += 1;
  else counts.code += 1;
});
provider.on("grant.error", (_ctx, error) => { if (error.error === "invalid_grant") counts.invalid_grant += 1; });
provider.on("grant.revoked", () => { counts.revoked_grants += 1; });

async function signIn(request, response, url) {
  const { params } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><title>Sign in</title>
      <form method="post"><input name="user" value="alice"><button id="go">Sign in</button></form>`);
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const accountId = new URLSearchParams(body).get("user");
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope("openid offline_access");
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } }, { mergeWithLastSubmission: false });
}

async function api(request, response) {
  counts.api += 1;
  const value = /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  const headers = {
    "access-control-allow-origin": request.headers.origin ?? "*", "access-control-allow-headers": "authorization",
    "access-control-expose-headers": "www-authenticate", "cache-control": "no-store", "content-type": "application/json",
  };
  if (request.method === "OPTIONS") {
    counts.api -= 1;
    response.writeHead(204, headers).end();
    return;
  }
  if (value === undefined) counts.api_without_token += 1;
  const token = value && (await provider.AccessToken.find(value));
  if (!token) {
    counts.api_401 += 1;
    const error = value === undefined ? "" : ', error="invalid_token"';
    response.writeHead(401, { ...headers, "www-authenticate": `Bearer realm="page"${error}` }).end("{}");
    return;
  }
  response.writeHead(200, headers).end(JSON.stringify({ sub: token.accountId }));
}

const callback = provider.callback();
const server = createServer((request, response) => {
  const url = new URL(request.url, issuer);
  const failed = (error) => {
    console.error(error);
    response.writeHead(500).end();
  };
  if (url.pathname === "/counts") response.end(JSON.stringify(counts));
  else if (url.pathname.startsWith("/sign-in/")) signIn(request, response, url).catch(failed);
  else if (url.pathname.startsWith("/api/")) api(request, response).catch(failed);
  else {
    if (url.pathname === "/token/revocation" && request.method === "POST") counts.revocations += 1;
    callback(request, response);
  }
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));
process.stdin.once("end", () => process.exit(0));
process.stdin.resume();
setTimeout(() => process.exit(1), 900_000).unref();
