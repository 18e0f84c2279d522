// Mini-programs: the `wx` family of platforms (`wx`, `my`, `tt`, `qq`, `swan`, `uni`, Taro).

import translated from "core:translated";
import { soon, start } from "./latch.js";
import { ARGUMENT, LOST, NOT_SENT, RESUMED, SIGNED_OUT, SUPERSEDED, WENT_OFFLINE, WENT_ONLINE } from "./numbers.js";
import { LatchError } from "./latch.js";

export { LatchError };

// What a request's task, and a socket's, can be asked before it exists.
const TASK =
  "onHeadersReceived offHeadersReceived onChunkReceived offChunkReceived onProgressUpdate offProgressUpdate".split(" ");
const SOCKET = "send close onOpen onClose onError onMessage".split(" ");

// Platforms run ten requests at once and queue the rest. One is left for the renewal.
const SLOTS = 9;

// A platform's login that has no answer by then has none, and so has the exchange of its code: as long as the core waits.
const LOGIN_MS = 3e4;
const EXCHANGE_MS = 6e5;

// Keys in any case.
const lookUp = (headers, wanted) => {
  for (const name in headers) if (name.toLowerCase() === wanted) return `${headers[name]}`;
};

// `my` has other names for the two.
const statusOf = (answer) => answer && (answer.statusCode || (answer.headers && answer.status));

const see = (answer) =>
  statusOf(answer)
    ? [statusOf(answer), (name) => lookUp(answer.header || answer.headers, name), () => answer.data]
    : [200, () => {}, () => answer];

// A frozen, aborted or timed-out request may have arrived.
const failure = (error) => (/abort|timeout|interrupt/i.test(error && error.errMsg) ? LOST : NOT_SENT);

// Not every storage keeps each character.
const toHex = (text) => text.replace(/[^]/g, (byte) => (byte.charCodeAt(0) + 256).toString(16).slice(1));
const fromHex = (hex) => `${hex}`.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));

// Where a platform gives a promise beside its callbacks, one of the two is enough.
const quiet = (given) => {
  given && given.catch && given.catch(() => {});
  return given;
};

// It takes and gives objects where the others take values; `uni` on it does not.
const isMy = (platform) => platform.getAuthCode && !platform.login;

const storage = (platform, key, { sync, encrypt } = {}) => {
  // Only what is asynchronous encrypts.
  if (sync && encrypt) throw new LatchError(ARGUMENT);
  const call = (method, options) =>
    new Promise((success, fail) => quiet(platform[method](Object.assign({ key }, encrypt && { encrypt }, options, { success, fail }))));
  if (sync) {
    if (isMy(platform))
      return {
        read: () => fromHex(platform.getStorageSync({ key }).data || ""),
        write: (record) => platform.setStorageSync({ key, data: toHex(record) }),
      };
    return {
      read: () => fromHex(platform.getStorageSync(key)),
      write: (record) => platform.setStorageSync(key, toHex(record)),
    };
  }
  return {
    read: () =>
      call("getStorage").then(
        ({ data }) => fromHex(data || ""),
        (error) => {
          // Absent is no failure.
          if (/not found|not exist/i.test(error && error.errMsg)) return "";
          throw error;
        },
      ),
    write: (record) => call("setStorage", { data: toHex(record) }),
  };
};

// Whoever asks while an earlier one is under way gets that one.
const joint = (begin) => {
  let under;
  const join = () => {
    if (!under) {
      const mine = (under = begin());
      const done = () => under === mine && join.forget();
      mine.then(done, done);
    }
    return under;
  };
  join.forget = () => (under = undefined);
  return join;
};

// The origin of a whole address, without its port where that goes without saying; a socket's is that of its requests.
const originOf = (url) => {
  const [, secure, site] = /^(?:http|ws)(s?):\/\/([^/?#\\]+)/i.exec(url) || [];
  return site && `${secure}//${site}`.toLowerCase().replace(secure ? /:443$/ : /:80$/, "");
};

/**
 * A latch for a mini-program.
 *
 * @param {any} platform `wx`, `my`, `tt`, `qq`, `swan`, `uni` or Taro
 * @param {import("../types/mini").Options} options
 * @returns {import("../types/mini").Latch}
 */
export const createLatch = (platform, options) => {
  const { name = "tokenlatch" } = options;
  const queue = [];
  let busy = 0;
  let last = Date.now();
  let passed = 0;
  // Raised by each sign-out: what was begun before is over.
  let signOuts = 0;
  let retry;

  const sites =
    options.allow &&
    [].concat(options.allow).map((url) => {
      if (!originOf(url)) throw new LatchError(ARGUMENT);
      return originOf(url);
    });
  const allows = (url) => !sites || sites.indexOf(originOf(url)) >= 0;

  // A slot for each request on its way; those that wait at the gate take none.
  const enter = (leave, after) => {
    if (busy < SLOTS) leave();
    else queue.push([leave, after]);
  };
  const left = () => {
    busy--;
    while (busy < SLOTS && queue.length) {
      const [leave, after] = queue.shift();
      leave();
      after && after();
    }
  };

  // One request of the platform's, as a promise; its task goes to `began`. No interceptor has to gate it again.
  const send = (method, request, began = () => {}) =>
    new Promise((success, fail) => {
      busy++;
      let once = () => {
        once = () => {};
        left();
      };
      const ended = (settle) => (value) => {
        settle(value);
        once();
      };
      const callbacks = { public: true, success: ended(success), fail: ended(fail), complete: undefined };
      try {
        const task = quiet(platform[method](Object.assign({}, request, callbacks)));
        // Taro's sockets come later.
        if (task && task.then && !task.abort) task.then(began, () => {});
        else began(task);
      } catch (error) {
        callbacks.fail(error);
      }
    });

  // An answer, or a request for one.
  const sent = (answer) => (answer && answer.url ? send("request", withHeaders(answer)) : answer);

  const within = (ms, work) =>
    new Promise((success, fail) => {
      // Of no effect once there is an answer.
      setTimeout(fail, ms, { errMsg: "login:fail timeout" });
      work(success, fail);
    });

  // The code of a login works once, and each one may end the last: one at a time.
  const silent = joint(
    () => within(EXCHANGE_MS, (success, fail) =>
      within(LOGIN_MS, (success, fail) => {
        const method = isMy(platform) ? "getAuthCode" : "login";
        quiet(platform[method](Object.assign({}, options.loginOptions, { success, fail })));
      })
        .then((result) => options.login(result.code || result.authCode, result))
        .then(sent)
        .then(success, fail),
    ),
  );

  // Nobody gives anything for these either.
  const signIn = joint(() => login(silent));

  // Another sign-in, or none: what is under way is nobody's.
  const forget = () => {
    silent.forget();
    signIn.forget();
  };

  // A login that needs nobody is made at once, and again for a while.
  const required = (cause, tries = 0) => {
    if (!options.login || cause === SIGNED_OUT) return options.onLoginRequired && options.onLoginRequired(cause);
    const before = signOuts;
    signIn().catch((error) => {
      // Somebody signed out, or signs in otherwise.
      if (before !== signOuts || error.cause === SUPERSEDED) return;
      if (tries < 3 && latch.state === "Unauthenticated") retry = setTimeout(again, 1000 << tries, cause, tries + 1);
      else if (options.onLoginRequired) options.onLoginRequired(error.cause);
    });
  };

  const again = (cause, tries) => latch.state === "Unauthenticated" && required(cause, tries);

  const signedOut = () => {
    signOuts++;
    forget();
    clearTimeout(retry);
  };

  const host = Object.assign({
    // Never backwards, whatever happens to the clock.
    now: () => {
      const now = Date.now();
      passed += Math.max(now - last, 0);
      last = now;
      return passed;
    },
    seed: () => [Math.random() * 4294967296, (Math.random() * 4294967296) ^ Date.now()],
    store: storage(platform, name, options.storage),
    see,
    failure,
    enter,
  }, options, {
    refresh: options.refresh && ((token) => Promise.resolve(options.refresh(token)).then(sent)),
    relogin: options.refresh ? undefined : options.login && silent,
    onLoginRequired: required,
    close: () => {
      signedOut();
      platform.offAppShow && platform.offAppShow(shown);
      platform.offNetworkStatusChange && platform.offNetworkStatusChange(network);
    },
  });

  // With WebAssembly where the application asks for it and the platform has it, else with its translation.
  const boot = () => {
    const engine =
      typeof WXWebAssembly !== "undefined" ? WXWebAssembly : typeof TTWebAssembly !== "undefined" ? TTWebAssembly : 0;
    if (!options.wasm || !engine) return translated();
    return engine.instantiate(options.wasm, {}).then((result) => (result.instance || result).exports).catch(translated);
  };
  const latch = start(boot, host);
  const { login, logout } = latch;

  const withHeaders = (request, headers) => {
    const all = Object.assign({}, request.header, request.headers, headers);
    return Object.assign({}, request, { header: all }, isMy(platform) && { headers: all });
  };

  // A gated copy of one of the platform's functions: callbacks, a promise where there are none, and the task.
  const wrap = (method, names, single) => (request) => {
    const { success, fail, complete, public: open } = request;
    const rest = Object.assign({}, request);
    delete rest.public;
    const calls = [];
    const listeners = [];
    let task;
    let ended;
    const signal = {
      reason: { errMsg: `${method}:fail abort` },
      addEventListener: (_, listener) => listeners.push(listener),
      removeEventListener: (_, listener) => listeners.splice(listeners.indexOf(listener), 1),
    };
    const end = (callback) => (value) => {
      if (ended) return value;
      ended = true;
      // What goes wrong in them is the application's: a rejection that nobody catches.
      soon(callback, value);
      soon(complete, value);
      return value;
    };
    const attempt = ({ headers }) =>
      send(method, withHeaders(rest, headers), (began) => {
        task = began;
        for (const [name, argument] of calls) if (task && task[name]) task[name](argument);
      });
    const plain = () =>
      new Promise((resolve, reject) => {
        listeners.push(() => reject(signal.reason));
        enter(() => {
          listeners.pop();
          if (!signal.aborted) resolve(attempt({}));
        });
      });
    const result =
      open || !allows(rest.url)
        ? plain()
        : single
          ? latch.enter(signal).then(attempt)
          : latch.run(attempt, { signal });
    const proxy = {
      abort: () => {
        signal.aborted = true;
        // It waits, at first or after an answer that sends it again; else it is on its way.
        if (listeners[0]) listeners.slice().forEach((listener) => listener());
        else if (task) task.abort();
      },
    };
    names.forEach((name) => {
      proxy[name] = (argument) => {
        calls.push([name, argument]);
        if (task && task[name]) task[name](argument);
        else if (name === "close") proxy.abort();
      };
    });
    const told = result.then(end(success), (error) => {
      const shown = error && error.errMsg ? error : { errMsg: `${method}:fail ${error && error.message}`, cause: error && error.cause };
      end(fail)(shown);
      throw shown;
    });
    // A promise that nobody asked for must not be one that nobody caught.
    told.catch(() => {});
    if (!single && !success && !fail && !complete)
      for (const name of ["then", "catch", "finally"]) if (told[name]) proxy[name] = told[name].bind(told);
    return proxy;
  };

  const network = ({ isConnected }) => latch.tell(isConnected ? WENT_ONLINE : WENT_OFFLINE);
  const shown = () => {
    // Nobody told it what happened to the network meanwhile.
    const success = ({ networkType }) => network({ isConnected: !/none|notreachable/i.test(networkType) });
    platform.getNetworkType && quiet(platform.getNetworkType({ success }));
    latch.tell(RESUMED);
  };
  platform.onAppShow && platform.onAppShow(shown);
  platform.onNetworkStatusChange && platform.onNetworkStatusChange(network);

  return Object.assign(latch, {
    request: wrap("request", TASK),
    uploadFile: wrap("uploadFile", TASK),
    downloadFile: wrap("downloadFile", TASK),
    connectSocket: wrap("connectSocket", SOCKET, true),
    login: (work) => {
      if (!work) return signIn();
      forget();
      return login(work);
    },
    logout: () => {
      signedOut();
      return logout();
    },
    allows,
    /** The address of a page in a web-view, with a one-time ticket. */
    webView: (url, issue) =>
      Promise.resolve(issue()).then((ticket) =>
        url.replace(/^[^#]*/, (page) => `${page}${/\?/.test(page) ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`),
      ),
  });
};
