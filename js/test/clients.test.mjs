// Clients with interceptors, as the README has them wired: the real ones, on a platform of this file's neighbour.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createAlova } from "alova";
import { createLatch } from "../dist/mini.js";
import { interceptors, taro } from "../dist/interceptors.js";
import { createWorld } from "./fake-wx.mjs";

const API = "https://api.example.com";
/** No test sends as many; one that does would go on for ever. */
const MOST_REQUESTS = 200;

// Most are written for bundlers. They take the platform when they are loaded, and what is there when they send.
let platform;
const request = (options) => platform.request(options);
Object.assign(globalThis, { uni: { request }, wx: { request }, getApp() {}, getCurrentPages() {}, requirePlugin() {} });
const load = async (contents) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    write: false,
    format: "esm",
    mainFields: ["module", "main"],
    define: { __mpx_mode__: '"wx"' },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
};
const { Request, XFetch, Link, processApis } = await load(`
  export { default as Request } from "luch-request";
  export { XFetch } from "@mpxjs/fetch";
  export { default as Link } from "@tarojs/api/dist/interceptor/index.js";
  export { processApis } from "@tarojs/shared";
`);

const blocks = (name) => {
  const text = readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
  return [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code).filter((code) => /interceptors\(auth/.test(code));
};
const shown = blocks("README.md");

/** The two halves, for so many requests. */
const bounded = (latch, shape) => {
  const pair = interceptors(latch, shape);
  let count = 0;
  const request = (config) => {
    if (++count > MOST_REQUESTS) throw new Error("requests without end");
    return pair.request(config);
  };
  return { ...pair, request };
};

/** What the README's block with this in it makes, under its name there. */
const wire = (with_, made, given) => {
  const found = shown.filter((code) => code.includes(with_));
  assert.equal(found.length, 1, with_);
  return new Function(...Object.keys(given), `${found[0]}return ${made};`)(...Object.values(given));
};

const join = (path) => (/^https?:/.test(path) ? path : API + path);

const newTaro = (wx) => {
  const Taro = { Link, options: {}, config: {} };
  processApis(Taro, wx);
  return Taro;
};

/**
 * Each gives what sends: a path or an address, whether without a token, and a body, with a query too. That gives the status
 * that came, whether the client takes it for an error or not.
 */
const CLIENTS = {
  "luch-request": (auth, seen) => {
    const http = wire("new Request()", "http", { auth, interceptors: bounded, Request });
    const own = (answer) => {
      seen.push(answer.statusCode);
      return { status: answer.statusCode };
    };
    http.interceptors.response.use(own, (error) => (error.statusCode ? own(error) : Promise.reject(error)));
    return (url, open, data) => {
      const config = { url, custom: { public: open }, ...(data && { method: "POST", data, params: { n: 1 } }) };
      return http.request(config).then(({ status }) => status);
    };
  },
  mpx: (auth, seen) => {
    const mpx = { xfetch: new XFetch() };
    wire("mpx.xfetch", "pair", { auth, interceptors: bounded, mpx });
    mpx.xfetch.interceptors.response.use(({ status }) => {
      seen.push(status);
      return { own: status };
    });
    return (path, open, data) => {
      const config = { url: join(path), public: open, ...(data && { method: "POST", data, params: { n: 1 } }) };
      return mpx.xfetch.fetch(config).then(({ own }) => own);
    };
  },
  alova: (auth, seen) => {
    // As the one of @alova/adapter-uniapp.
    const requestAdapter = ({ url, type, data, headers }) => {
      const response = new Promise((success, fail) => request({ url, method: type, data, header: headers, success, fail }));
      return { response: () => response, headers: () => response.then(({ header }) => header), abort() {} };
    };
    const read = ({ statusCode }) => {
      seen.push(statusCode);
      return { status: statusCode };
    };
    const AdapterUniapp = () => ({ requestAdapter, cacheFor: null });
    const alova = wire("createAlova", "alova", { auth, interceptors: bounded, createAlova, AdapterUniapp, read });
    const transform = ({ status }) => ({ own: status });
    return (path, open, data) => {
      const config = { meta: { public: open }, transform, ...(data && { params: { n: 1 } }) };
      return (data ? alova.Post(path, data, config) : alova.Get(path, config)).then(({ own }) => own);
    };
  },
  Taro: (auth, seen, Taro = newTaro({ request })) => {
    Taro.addInterceptor((chain) =>
      chain.proceed(chain.requestParams).then(({ statusCode }) => {
        seen.push(statusCode);
        return { own: statusCode };
      }),
    );
    Taro.addInterceptor(taro(auth));
    return (path, open, data) => {
      const options = data ? { url: `${join(path)}?n=1`, method: "POST", data } : { url: join(path), public: open };
      return Taro.request(options).then(({ own }) => own);
    };
  },
};

/** A program that has just been opened: its client, what was sent, and what interceptors of its own saw. */
const open = (t, client, wrap = () => undefined) => {
  const world = createWorld();
  const sent = [];
  const seen = [];
  platform = {
    ...world.wx,
    request: (what) => {
      const { pathname, host, search } = new URL(what.url);
      const where = host === "api.example.com" ? pathname + search : host;
      const token = (what.header || {}).Authorization;
      if (where !== "/login") sent.push(what.data ? [what.method, where, token, what.data] : [where, token]);
      // The address that refuses every token.
      return world.wx.request(pathname === "/never" ? { ...what, header: {} } : what);
    },
  };
  const login = (code) => ({ url: `${API}/login`, method: "POST", data: { code } });
  const wrapped = wrap(platform);
  const latch = createLatch(wrapped || platform, { allow: [API], login });
  t.after(() => {
    latch.destroy();
    world.end();
  });
  const send = CLIENTS[client](latch, seen, wrapped);
  const get = (...args) => {
    const result = {};
    send(...args).then(
      (status) => (result.status = status),
      (error) => (result.error = error),
    );
    return result;
  };
  return { world, latch, get, sent, seen };
};

/** One whose token has been accepted. */
const opened = async (t, client) => {
  const program = open(t, client);
  program.get("/first");
  await program.world.pass(1000);
  assert.deepEqual(program.sent.splice(0), [["/first", "Bearer t1"]]);
  assert.deepEqual(program.seen.splice(0), [200]);
  return program;
};

test("both languages show the same code", () => {
  assert.equal(shown.length, 3);
  assert.deepEqual(blocks("README.zh-CN.md"), shown);
});

for (const client of Object.keys(CLIENTS)) {
  test(`${client}: requests before the login wait for it and have its token`, async (t) => {
    const { world, get, sent, seen } = open(t, client);
    const early = [get("/a"), get("/b")];
    await world.pass(100);
    assert.deepEqual(sent, []);
    await world.pass(1000);
    assert.deepEqual(early, [{ status: 200 }, { status: 200 }]);
    assert.deepEqual(sent, [["/a", "Bearer t1"], ["/b", "Bearer t1"]]);
    assert.deepEqual(seen, [200, 200]);
  });

  test(`${client}: a 401 that a renewal cures is sent again once, and seen by nobody`, async (t) => {
    const { world, get, sent, seen } = await opened(t, client);
    world.server.token = "gone";
    const orders = get("/orders", false, { a: 1 });
    await world.pass(1000);
    assert.deepEqual(orders, { status: 200 });
    const [[, , , body]] = sent;
    assert.deepEqual(typeof body === "string" ? JSON.parse(body) : body, { a: 1 });
    assert.deepEqual(sent, [["POST", "/orders?n=1", "Bearer t1", body], ["POST", "/orders?n=1", "Bearer t2", body]]);
    assert.deepEqual(seen, [200]);
  });

  test(`${client}: ten 401s at once cause one renewal`, async (t) => {
    const { world, get, sent } = await opened(t, client);
    world.server.token = "gone";
    const all = Array.from({ length: 10 }, (_, n) => get(`/orders/${n}`));
    await world.pass(3000);
    assert.deepEqual(all, Array(10).fill({ status: 200 }));
    assert.deepEqual([sent.length, world.server.logins], [20, 2]);
  });

  test(`${client}: what is always refused is sent three times at most`, async (t) => {
    const { world, get, sent } = await opened(t, client);
    const never = get("/never");
    // Others have each new token accepted, so that it is not the token.
    for (let i = 0; i < 60; i++) {
      get("/orders");
      await world.pass(1000);
    }
    assert.ok(never.status === 401 || never.error, "it ends");
    const count = sent.filter(([path]) => path === "/never").length;
    assert.ok(count > 1 && count < 4, `${count} times`);
  });

  test(`${client}: a public request and one to another origin have no token and don't wait`, async (t) => {
    const { world, get, sent } = open(t, client);
    const early = [get("/open", true), get("https://other.test/a"), get("https://api.example.com.other.test/b")];
    await world.pass(110);
    assert.deepEqual(sent.map(([, token]) => token), [undefined, undefined, undefined]);
    await world.pass(1000);
    assert.deepEqual(early, Array(3).fill({ status: 401 }));
    assert.equal(world.server.logins, 1);
    get("/open", true);
    get("https://other.test/a");
    await world.pass(1000);
    assert.deepEqual(sent.slice(3), [["/open", undefined], ["other.test", undefined]]);
  });

  test(`${client}: what fails on its way stays a failure, and so does what may not leave`, async (t) => {
    const { world, latch, get, sent, seen } = await opened(t, client);
    world.server.down = true;
    const lost = get("/orders");
    await world.pass(1000);
    assert.match(lost.error.errMsg, /fail connect error/);
    world.server.down = false;
    latch.logout();
    const late = get("/orders");
    await world.pass(60_000);
    assert.ok(late.error.cause > 0, "a cause");
    assert.deepEqual(sent, [["/orders", "Bearer t1"]]);
    assert.deepEqual(seen, []);
  });
}

test("mpx: what goes through a proxy is sent again with the new token, too", async (t) => {
  const { world, latch, sent } = open(t, "mpx");
  const mpx = { xfetch: new XFetch() };
  wire("mpx.xfetch", "pair", { auth: latch, interceptors: bounded, mpx });
  mpx.xfetch.setProxy({ test: { host: "api.example.com" }, proxy: { host: "dev.example.net" } });
  const statuses = [];
  const get = () => mpx.xfetch.fetch({ url: `${API}/orders` }).then(({ status }) => statuses.push(status));
  get();
  await world.pass(1000);
  world.server.token = "gone";
  get();
  await world.pass(3000);
  assert.ok(sent.every((request) => request.includes("dev.example.net")));
  assert.deepEqual(sent.map((request) => request.find((part) => /^Bearer/.test(part))), ["Bearer t1", "Bearer t1", "Bearer t2"]);
  assert.deepEqual(statuses, [200, 200]);
});

test("Taro: a latch on it sends past the interceptor that it is in", async (t) => {
  const { world, latch, get, sent } = open(t, "Taro", newTaro);
  const early = [get("/orders"), latch.request({ url: `${API}/own` })];
  await world.pass(1000);
  assert.deepEqual(early[0], { status: 200 });
  assert.equal((await early[1]).statusCode, 200);
  assert.deepEqual(sent, [["/orders", "Bearer t1"], ["/own", "Bearer t1"]]);
  assert.equal(world.server.logins, 1);
});

/** A pair on a latch that keeps what it is told, and that answers so many 401s with another attempt. */
const alone = (shape, retries = 9) => {
  const told = [];
  const latch = {
    allows: (url) => told.push(["allows", url]) && !/other/.test(url),
    enter: async (_, last) => {
      told.push(["enter", last && last.receipt]);
      return { headers: { token: told.length }, receipt: told.length };
    },
    answered: ({ receipt }, status, challenge) => {
      told.push(["answered", receipt, status, challenge]);
      return status === 401 && retries-- > 0 ? 7 : 6;
    },
  };
  const see = ({ status, headers }) => [status, headers];
  const attach = (config, headers, permit) => ({ ...config, permit });
  return { told, ...interceptors(latch, { attach, see, resend: () => "again", ...shape }) };
};

test("the address is the one that clients make of a base and the rest", async () => {
  const cases = [
    [{ url: "https://a.test/x" }, "https://a.test/x"],
    [{ url: "/x" }, "/x"],
    [{ url: "/x", baseURL: "https://a.test" }, "https://a.test/x"],
    [{ url: "x", baseURL: "https://a.test/v1/" }, "https://a.test/v1/x"],
    [{ url: "x", baseUrl: "https://a.test" }, "https://a.test/x"],
    [{ baseURL: "https://a.test" }, "https://a.test/"],
    [{ url: "HTTPS://other.test/x", baseURL: "https://a.test" }, "HTTPS://other.test/x"],
    [{ url: "//other.test/x", baseURL: "https://a.test" }, "//other.test/x"],
  ];
  for (const [config, address] of cases) {
    const { told, request } = alone();
    await request(config);
    assert.deepEqual(told[0], ["allows", address]);
    assert.equal(told.length, /other/.test(address) ? 1 : 2);
  }
  const { told, request } = alone({ url: ({ to }) => to.href });
  await request({ to: new URL("https://a.test/y") });
  assert.deepEqual(told[0], ["allows", "https://a.test/y"]);
  await assert.rejects(request({}), TypeError);
});

test("a thenable is sent by nobody but its client", async () => {
  const method = { url: "/x", then: () => assert.fail("sent") };
  assert.equal(await alone({ attach() {} }).request(method), undefined);
  assert.equal(await alone({ isPublic: () => true }).request(method), undefined);
});

test("a challenge is told by itself and out of headers of any case; no answer is told nothing of", async () => {
  const { told, request, response, rejected } = alone();
  const answer = async (status, headers) => {
    const config = await request({ url: "/x" });
    told.length = 0;
    return response({ status, headers }, config);
  };
  for (const headers of ["Bearer", { "WWW-Authenticate": "Bearer" }, { a: 1, "www-authenticate": ["Bearer"] }]) {
    await answer(403, headers);
    assert.deepEqual(told.map(([, , ...rest]) => rest), [[403, "Bearer"]]);
  }
  await answer(200, { a: 1 });
  assert.deepEqual(told.map(([, , ...rest]) => rest), [[200, undefined]]);
  await answer(undefined, undefined);
  assert.deepEqual(told, []);
  // What never had a request.
  const error = new Error("refused");
  await assert.rejects(rejected(error, undefined), error);
  assert.deepEqual(told, []);
});

test("an attempt follows the last one, whichever way the client hands its configuration on", async () => {
  const copy = (config) => JSON.parse(JSON.stringify(config));
  const ways = {
    "the same object": { attach() {}, resend: (config) => config },
    "copies that keep what attach put": { between: copy, last: ({ permit }) => permit, resend: copy },
    "copies that keep what resend put": {
      attach: (config) => ({ ...config }),
      last: ({ last }) => last,
      resend: (config, last) => copy({ ...config, last }),
    },
  };
  for (const [way, { between = (config) => config, ...shape }] of Object.entries(ways)) {
    const { told, request, response } = alone(shape, 2);
    let config = { url: "/x" };
    let answer;
    do {
      const before = await request(config);
      config = await response((answer = { status: 401 }), between(before));
    } while (config !== answer);
    const calls = told.filter(([what]) => what !== "allows").map(([what, receipt]) => `${what} ${receipt}`);
    assert.deepEqual(calls, ["enter undefined", "answered 2", "enter 2", "answered 4", "enter 4", "answered 6"], way);
  }
});

test("whoever sends a configuration another time means another request", async () => {
  const { told, request, response, rejected } = alone({ last: ({ permit }) => permit });
  const attempt = async (config) => {
    told.length = 0;
    const next = await request(config);
    assert.deepEqual(told[1], ["enter", undefined]);
    return next;
  };
  // After an answer, after none, and after one that these sent again.
  let config = await attempt({ url: "/x" });
  await response({ status: 200 }, config);
  config = await attempt(config);
  await assert.rejects(rejected({}, config));
  config = await attempt(config);
  await response({ status: 401 }, config);
  await request(config);
  await attempt(config);
  // An answer is told once, and one to a public request never.
  await response({ status: 401 }, config);
  assert.deepEqual(told.filter(([what]) => what === "answered"), []);
});
