// What a page pays for: everything bundled, minified and compressed.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BENCH = fileURLToPath(new URL("..", import.meta.url));

/** The entries that are measured: a name and the code of a user. */
export const entries = [
  ["**tokenlatch**, page", 'export { createLatch } from "../dist/index.js"'],
  ["**tokenlatch**, mini-program", 'export { createLatch } from "../dist/mini.js"'],
  ["@auth0/auth0-spa-js", 'export { createAuth0Client } from "@auth0/auth0-spa-js"'],
  ["oidc-client-ts", 'export { UserManager, WebStorageStateStore } from "oidc-client-ts"'],
  ["@supabase/auth-js", 'export { AuthClient } from "@supabase/auth-js"'],
  ["keycloak-js", 'export { default } from "keycloak-js"'],
  ["axios", 'export { default } from "axios"'],
  ["axios + axios-auth-refresh", 'export { default } from "axios"; export { createAuthRefresh } from "axios-auth-refresh"'],
  ["alova + fetch adapter", 'export { createAlova } from "alova"; export { default } from "alova/fetch"'],
  ["alova + token authentication", 'export { createAlova } from "alova"; export { default } from "alova/fetch"; export { createServerTokenAuthentication } from "alova/client"'],
  ["ky", 'export { default } from "ky"'],
  ["wretch", 'export { default } from "wretch"'],
  ["luch-request", 'export { default } from "luch-request"'],
  ["flyio, wx", 'export { default } from "flyio/dist/npm/wx"'],
  ["@mpxjs/fetch", 'export { XFetch } from "@mpxjs/fetch"'],
  ["@openid/appauth", 'export * from "@openid/appauth/built/src/index.js"'],
  ["jwt-decode", 'export { jwtDecode } from "jwt-decode"'],
];

/** Bundles code as a page would get it; with a `globalName` it is a script that leaves its exports there. */
export async function bundle(contents, more = {}) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: BENCH, loader: "js" },
    // Loaded only where WebAssembly is not to be had.
    external: ["tokenlatch/core"],
    bundle: true, write: false, minify: true, format: "esm", platform: "browser", target: "es2020",
    legalComments: "none", logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"', __mpx_mode__: '"wx"' },
    ...more,
  });
  return outputFiles[0].text;
}

export function measure(text) {
  const bytes = Buffer.from(text);
  return {
    min: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
  };
}

export async function sizes() {
  const told = [];
  for (const [name, code] of entries) {
    try {
      told.push({ name, ...measure(await bundle(code)) });
    } catch (error) {
      told.push({ name, failed: String(error.message).split("\n")[1] ?? String(error.message) });
    }
  }
  return told;
}
