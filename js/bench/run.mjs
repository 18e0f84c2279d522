// Everything in one go, and the table of it: `cargo xtask bench js`.
import { readFileSync, writeFileSync } from "node:fs";

import { testserver } from "../test/browsers/lib/servers.mjs";
import { oneTab } from "./lib/one-tab.mjs";
import { sizes } from "./lib/sizes.mjs";
import { speed, withoutJit } from "./lib/speed.mjs";
import { peers as tabs, twoTabs } from "./lib/two-tabs.mjs";
import * as alova from "./peers/alova.mjs";
import { retrying, standard } from "./peers/axios.mjs";
import * as ky from "./peers/ky.mjs";
import * as ours from "./peers/ours.mjs";
import * as plain from "./peers/plain.mjs";

const COLLISIONS = 50;
// Several peers leave a rejection to nobody.
process.on("unhandledRejection", () => {});

const row = (...cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(...head), row(...head.map((_, at) => (at ? "---:" : "---"))), ...rows.map((cells) => row(...cells))].join("\n");
const bytes = (n) => (n === undefined ? "–" : n.toLocaleString("en"));

const server = await testserver({ latencyMs: 20 });
const one = [];
for (const peer of [ours, standard, retrying, alova, ky, plain]) {
  console.log(peer.name);
  one.push([peer.name, await oneTab(peer, server)]);
}
await server.stop();
console.log("two tabs");
const two = await twoTabs(tabs, COLLISIONS);
console.log("sizes");
const size = await sizes();
console.log("speed");
const fast = await speed();
const slow = await withoutJit();

const { dependencies } = JSON.parse(readFileSync(new URL("package.json", import.meta.url)));
const versions = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`).join(", ");

const good = ({ s1, s2, s3, s4, s5 }) => s1.without === 0 && s2.refreshes === 1 && s2.ok === 10 && s3.refreshes === 1 && s4.refreshes === 1 && s4.settled === 5 && s5.token === null;
const oneRows = one.map(([name, { s1, s2, s3, s4, s5 }]) => [
  name, `${s1.without} of 5`, `${s2.refreshes}, ${s2.replayed} used twice`, `${s2.ok} of 10`, s3.refreshes, `${s4.settled} of 5, ${s4.refreshes} refreshes`, s5.token === null ? "none" : "**back again**",
]);
const smaller = size.filter(({ brotli }) => brotli && brotli < size[0].brotli).map(({ name }) => name);
const quick = fast.filter(({ name }) => name !== "fetch alone" && name !== "**tokenlatch**");
const ourSpeed = fast.find(({ name }) => name === "**tokenlatch**");
const slower = ["node", "chromium", "start"].filter((what) => quick.some((peer) => peer[what] < ourSpeed[what]));

writeFileSync(new URL("README.md", import.meta.url), `# Beside its peers

Written by \`cargo xtask bench js\` on ${new Date().toISOString().slice(0, 10)}, with node ${process.versions.node} and ${two[0].browser}, on two cores.
Peers: ${versions}.

## One tab

Against the embedded test server, which rotates refresh tokens and ends a session when one is used twice. S1: five requests
while the login is under way, those sent without a token. S2: ten requests meet an expired token. S3: a 401 that comes after
the refresh of another; one refresh suffices. S4: the refresh is refused while five requests wait; how many ever end. S5: a
logout during a refresh; the token afterwards.

${table(["", "S1 without token", "S2 refreshes", "S2 answered", "S3 refreshes", "S4 end", "S5 token"], oneRows)}

${good(one[0][1]) ? "tokenlatch has the best value in every column." : "tokenlatch does not have the best value in every column: see the first row."}

## Two tabs

Opened separately, one origin; ${COLLISIONS} times both find the token expired in the same moment. The server takes 30 ms and accepts a
used refresh token again, so that the collisions can go on; each such use is counted.

${table(["", "used twice", "failed calls", "median ms", "most ms"], two.map((peer) => [peer.name, `${peer.doubled} of ${peer.collisions}`, peer.failed, peer.median.toFixed(1), peer.max.toFixed(1)]))}

tokenlatch writes a mark before it sends and the new token before it lets a request go, so that a crash in between loses
nothing. The peers that are quicker do neither, or use a token twice.

## Bytes

esbuild, minified, everything bundled. The translation of the core to JavaScript is a file of its own, which a page loads only
where WebAssembly is not to be had; in mini-programs it is part of the bundle.

${table(["", "minified", "gzip", "brotli"], size.map((one) => [one.name, bytes(one.min), bytes(one.gzip), bytes(one.brotli)]))}

${smaller.length ? `Smaller than the page's bundle: ${smaller.join(", ")}. Of these oidc-client-ts, keycloak-js and alova's token authentication have a life cycle of tokens. oidc-client-ts is in the table of two tabs, alova in that of one; keycloak-js was only weighed.` : "Nothing is smaller than the page's bundle."}

## Time

Microseconds for a request with a token at hand, on a network that answers at once; milliseconds from import to the first answer, in node.

${table(["", "node µs", "Chromium µs", "import and start ms"], fast.map((one) => [one.name, one.node.toFixed(1), one.chromium.toFixed(1), one.start.toFixed(1)]))}

${slower.length ? `A peer is quicker in: ${slower.join(", ")}. The latch asks its core for each request and copies what it may have to send again.` : "No peer is quicker."}

A mini-program's request in JavaScriptCore, with the core as JavaScript: microseconds.

${table(["", "bare", "gated"], slow.map((one) => [one.name, one.bare.toFixed(1), one.gated.toFixed(1)]))}
`);
console.log("js/bench/README.md is written");
