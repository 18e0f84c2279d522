// Authorization code with PKCE against a real provider: signs in when it must, and asks for data at once.
import { createLatch } from "tokenlatch";

const issuer = new URLSearchParams(location.hash.slice(1)).get("issuer") ?? sessionStorage.issuer;
sessionStorage.issuer = issuer;
const redirect_uri = `${location.origin}/pages/oidc.html`;
const text = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
const statuses = [];

async function authorize() {
  sessionStorage.verifier = random();
  sessionStorage.state = random();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sessionStorage.verifier)));
  location.assign(`${issuer}/auth?${new URLSearchParams({
    client_id: "page", response_type: "code", scope: "openid offline_access", prompt: "consent", redirect_uri,
    state: sessionStorage.state, code_challenge: text(hash), code_challenge_method: "S256",
  })}`);
}

const answer = new URLSearchParams(location.search);
const latch = createLatch({
  clientId: "page",
  tokenEndpoint: `${issuer}/token`,
  revocationEndpoint: `${issuer}/token/revocation`,
  allow: [issuer],
  onLoginRequired: () => answer.has("code") || authorize(),
});

async function ask() {
  try {
    statuses.push((await latch.fetch(`${issuer}/api/notes`)).status);
  } catch (error) {
    statuses.push(`${error.cause}`);
  }
}

const early = Promise.all([ask(), ask(), ask()]);
if (answer.has("code") && answer.get("state") === sessionStorage.state) {
  history.replaceState(null, "", "/pages/oidc.html");
  latch.login(() => fetch(`${issuer}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", client_id: "page", code: answer.get("code"), redirect_uri,
      code_verifier: sessionStorage.verifier,
    }),
  })).catch((error) => statuses.push(`login ${error.cause}`));
}

let asking;
window.oidc = {
  latch, statuses, early: () => early,
  /** Asks again and again, as an open page does. */
  begin(everyMs) { asking = setInterval(ask, everyMs); },
  end() { clearInterval(asking); },
};
