// The page on loopback: `cargo xtask js`, then `node examples/h5/serve.mjs [--port 8080]`, and open what it prints.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { backend } from "./server.mjs";

const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
const HERE = fileURLToPath(new URL(".", import.meta.url));
/** The npm package, as `cargo xtask js` builds it. */
const PACKAGE = fileURLToPath(new URL("../../js/dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript" };

async function file(folder, name, response) {
  const path = normalize(name || "index.html");
  if (path.startsWith("..")) return false;
  try {
    const body = await readFile(join(folder, path));
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "cache-control": "no-cache" });
    response.end(body);
    return true;
  } catch {
    return false;
  }
}

const answer = backend();
const server = createServer(async (request, response) => {
  if (await answer(request, response)) return;
  const { pathname } = new URL(request.url, "http://localhost");
  const [folder, name] = pathname.startsWith("/tokenlatch/") ? [PACKAGE, pathname.slice(12)] : [HERE, pathname.slice(1)];
  if (await file(folder, name, response)) return;
  response.writeHead(404).end(folder === PACKAGE ? "run `cargo xtask js` first" : "");
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(Number(values.port), "127.0.0.1", () => console.log(`http://localhost:${server.address().port}/`));
