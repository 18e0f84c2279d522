// A deterministic mini-program platform: a virtual clock, ten slots, storage in both forms, codes that work once,
// tokens that rotate, a background that freezes. It needs nothing of the engine, so that one seed plays the same day in
// each.

/** @param {number} seed */
export const createWorld = (seed = 1) => {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now, random: Math.random };
  const timers = [];
  const trace = [];
  let now = 1_700_000_000_000;
  let order = 0;
  let state = seed >>> 0 || 1;
  let frozen = false;

  const random = (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
  const at = (delay, work, platform) => {
    const timer = { at: now + Math.max(delay || 0, 0), order: order++, work, platform };
    timers.push(timer);
    return timer;
  };
  const note = (...what) => trace.push([now - 1_700_000_000_000, ...what].join(" "));

  globalThis.setTimeout = (work, delay, ...args) => at(delay, () => work(...args));
  globalThis.clearTimeout = (timer) => {
    const place = timers.indexOf(timer);
    if (place >= 0) timers.splice(place, 1);
  };
  Date.now = () => now;
  Math.random = () => random(1 << 30) / (1 << 30);

  // Promises are settled before time goes on.
  const settle = async () => {
    for (let i = 0; i < 60; i++) await null;
  };

  const server = {
    logins: 0,
    unauthenticated: 0,
    requests: 0,
    codes: new Set(),
    token: null,
    expires: 0,
    ttl: 7200_000,
    latency: 80,
    down: false,
    loginStatus: 200,
  };
  const cell = new Map();
  const running = new Set();
  const queued = [];
  const hooks = { show: [], hide: [], network: [] };
  let codes = 0;
  let flights = 0;
  let broken = null;

  const reply = (request) => {
    if (request.url.endsWith("/login")) {
      const { code } = request.data;
      if (!server.codes.delete(code)) return [400, { error: "invalid_grant", errcode: 40163 }];
      if (server.loginStatus !== 200) return [server.loginStatus, { error: "server_error" }];
      server.logins++;
      server.token = `t${server.logins}`;
      server.expires = now + server.ttl;
      return [200, { access_token: server.token, expires_in: server.ttl / 1000 }];
    }
    server.requests++;
    const header = (request.header || {}).Authorization;
    const ok = header === `Bearer ${server.token}` && now < server.expires;
    if (!header) server.unauthenticated++;
    return ok ? [200, { ok: true }] : [401, { message: "unauthorized" }, { "Www-Authenticate": 'Bearer error="invalid_token"' }];
  };

  const begin = (flight) => {
    if (running.size >= 10) return void queued.push(flight);
    running.add(flight);
    world.most = Math.max(world.most, running.size);
    note("send", flight.method, flight.request.url);
    const answer = server.down ? null : reply(flight.request);
    flight.timer = at(
      server.latency + random(20),
      () => {
        if (server.down || !answer) return flight.end("fail", { errMsg: `${flight.method}:fail connect error` });
        const [statusCode, data, header = {}] = answer;
        flight.headers.forEach((listener) => listener({ header }));
        // `success` for every status.
        flight.end("success", { statusCode, data, header, errMsg: `${flight.method}:ok` });
      },
      true,
    );
  };
  const launch = (method) => (request) => {
    const flight = { id: ++flights, method, request, headers: [], ended: false };
    flight.end = (kind, value) => {
      if (flight.ended) return;
      flight.ended = true;
      running.delete(flight);
      const place = queued.indexOf(flight);
      if (place >= 0) queued.splice(place, 1);
      note(kind, method, request.url, value.statusCode || value.errMsg);
      if (request[kind]) request[kind](value);
      if (request.complete) request.complete(value);
      if (queued.length) begin(queued.shift());
    };
    begin(flight);
    return {
      abort: () => flight.end("fail", { errMsg: `${method}:fail abort` }),
      onHeadersReceived: (listener) => flight.headers.push(listener),
      offHeadersReceived: () => {},
      onProgressUpdate: () => {},
      offProgressUpdate: () => {},
    };
  };

  const wx = {
    request: launch("request"),
    uploadFile: launch("uploadFile"),
    downloadFile: launch("downloadFile"),
    connectSocket: (request) => {
      note("connect", request.url, (request.header || {}).Authorization);
      return { send: (what) => note("socket", what.data), close: () => note("closed"), onOpen: (done) => at(10, done), onMessage() {}, onClose() {}, onError() {} };
    },
    login: ({ success, fail }) => {
      note("wx.login");
      at(30, () => {
        if (world.loginFails > 0) {
          world.loginFails--;
          return fail({ errMsg: "login:fail" });
        }
        // Each code ends the last.
        server.codes.clear();
        server.codes.add(`c${++codes}`);
        success({ code: `c${codes}`, errMsg: "login:ok" });
      });
    },
    setStorage: ({ key, data, encrypt, success, fail }) => {
      at(3, () => {
        if (broken) return fail({ errMsg: broken });
        cell.set(key + (encrypt ? "*" : ""), data);
        success({ errMsg: "setStorage:ok" });
      });
    },
    getStorage: ({ key, encrypt, success, fail }) => {
      at(3, () => {
        const data = cell.get(key + (encrypt ? "*" : ""));
        if (data === undefined) fail({ errMsg: "getStorage:fail data not found" });
        else success({ data });
      });
    },
    setStorageSync: (key, data) => void cell.set(key, data),
    getStorageSync: (key) => cell.get(key) || "",
    onAppShow: (listener) => hooks.show.push(listener),
    offAppShow: (listener) => hooks.show.splice(hooks.show.indexOf(listener), 1),
    onNetworkStatusChange: (listener) => hooks.network.push(listener),
    offNetworkStatusChange: (listener) => hooks.network.splice(hooks.network.indexOf(listener), 1),
  };

  const world = {
    wx,
    server,
    cell,
    trace,
    most: 0,
    loginFails: 0,
    random,
    hooks,
    breakStorage: (message) => (broken = message),
    now: () => now,
    /** Lets time pass, timer by timer. */
    pass: async (millis) => {
      const until = now + millis;
      await settle();
      for (;;) {
        timers.sort((a, b) => a.at - b.at || a.order - b.order);
        // A frozen program's timers wait; what the platform does goes on.
        const next = timers.find((timer) => !frozen || timer.platform);
        if (!next || next.at > until) break;
        timers.splice(timers.indexOf(next), 1);
        now = Math.max(now, next.at);
        next.work();
        await settle();
      }
      now = until;
    },
    /** Goes to the background: what is under way fails after 5 s, and nothing runs until it is shown again. */
    hide: () => {
      at(
        5000,
        () => {
          frozen = true;
          for (const flight of [...running]) flight.end("fail", { errMsg: `${flight.method}:fail interrupted` });
        },
        true,
      );
    },
    show: () => {
      frozen = false;
      hooks.show.forEach((listener) => listener({}));
    },
    network: (isConnected) => {
      server.down = !isConnected;
      hooks.network.forEach((listener) => listener({ isConnected }));
    },
    end: () => {
      globalThis.setTimeout = real.setTimeout;
      globalThis.clearTimeout = real.clearTimeout;
      Date.now = real.now;
      Math.random = real.random;
    },
  };
  return world;
};
