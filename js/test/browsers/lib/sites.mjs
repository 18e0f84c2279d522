// Sites of real names on one port of loopback: pages and packages from files, the servers of the tests behind them.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { request as ask } from "node:http";
import { createServer } from "node:https";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { folder } from "./child.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
  ".json": "application/json", ".wasm": "application/wasm",
};
const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));

/** A certificate for these names that no authority has signed, made anew. */
async function certificate(names) {
  const { path, remove } = await folder("certificate");
  const [key, cert] = [join(path, "key.pem"), join(path, "cert.pem")];
  const alternatives = [...names.map((name) => `DNS:${name}`), "IP:127.0.0.1"].join(",");
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${alternatives}`, "-keyout", key, "-out", cert,
  ], { stdio: "pipe" });
  const made = { key: await readFile(key), cert: await readFile(cert) };
  await remove();
  return made;
}

/**
 * Serves sites: `{ "app.example.com": { files: { "/": "js/test/browsers/pages" } }, "api.example.com": { to } }`.
 *
 * `files` maps prefixes of paths to folders of the repository, `to` is the address of a server that answers instead,
 * and `answer(request, response, url)` may answer first by giving true. A page asks for its own policy by `?csp=`.
 */
export async function serve(sites) {
  const server = createServer(await certificate(Object.keys(sites)), (request, response) => {
    handle(sites, request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error?.stack ?? error));
    });
  });
  server.on("tlsClientError", () => {});
  let lost = false;
  server.on("connection", (socket) => lost && socket.destroy());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    port,
    url: (site, path = "/") => `https://${site}:${port}${path}`,
    origin: (site) => `https://${site}:${port}`,
    /** Cuts what is open and refuses what comes, as a lost network does, until told otherwise. */
    cut(on) {
      lost = on;
      if (on) server.closeAllConnections();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(sites, request, response) {
  const url = new URL(request.url, `https://${request.headers.host}`);
  const site = sites[url.hostname];
  if (!site) return void response.writeHead(421).end();
  if (site.cors) {
    cors(request, response);
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
  }
  if (await site.answer?.(request, response, url)) return;
  if (site.files) {
    const prefix = Object.keys(site.files).filter((one) => url.pathname.startsWith(one)).sort((a, b) => b.length - a.length)[0];
    if (prefix !== undefined && (await file(site.files[prefix], url.pathname.slice(prefix.length), url, response))) return;
  }
  if (site.to) return void forward(site.to, request, response);
  response.writeHead(404).end();
}

function cors(request, response) {
  if (!request.headers.origin) return;
  response.setHeader("access-control-allow-origin", request.headers.origin);
  response.setHeader("access-control-allow-methods", "GET, POST, PUT, DELETE");
  response.setHeader("access-control-allow-headers", "authorization, content-type, dpop, auth0-client, apikey, x-supabase-api-version, x-client-info");
  response.setHeader("access-control-expose-headers", "www-authenticate, retry-after, date");
  response.setHeader("access-control-max-age", "600");
  response.setHeader("vary", "origin");
}

async function file(folder, path, url, response) {
  const name = normalize(path || "index.html");
  if (name.startsWith("..")) return false;
  let body;
  try {
    body = await readFile(join(REPOSITORY, folder, name.endsWith("/") || name === "" ? `${name}index.html` : name));
  } catch {
    return false;
  }
  const headers = { "content-type": TYPES[extname(name) || ".html"] ?? "application/octet-stream" };
  const policy = url.searchParams.get("csp");
  if (policy) headers["content-security-policy"] = policy;
  response.writeHead(200, headers).end(body);
  return true;
}

/** Hands a request on, with all of its headers, and the answer back. */
function forward(to, request, response) {
  const target = new URL(request.url, to);
  const headers = { ...request.headers, "x-forwarded-proto": "https", "x-forwarded-host": request.headers.host };
  const asked = ask(target, { method: request.method, headers, setHost: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on("error", () => response.destroy());
  // A page that gives up cuts the request here too; the server has had it all the same.
  response.on("close", () => asked.destroy());
  request.pipe(asked);
}
