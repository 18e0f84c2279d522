// The host loop: tells the core facts, carries out its orders, and comes back in time.

import { classify } from "./answer.js";
import {
  ACCESS_REQUESTED,
  ADMITTED,
  AMBIENT,
  ANSWERED,
  ARGUMENT,
  BUFFER,
  CONFIRMATION,
  CREDENTIAL,
  DESTROYED,
  FAILED,
  GENERATION,
  GRANTED,
  GRANT_ERRORS,
  GRANT_TOO_LONG,
  HAS_STORE,
  LEASE,
  LEASE_DENIED,
  LEASE_GRANTED,
  LEASE_LOST,
  LOADED,
  LOAD_FAILED,
  LOGIN_STARTED,
  LOGOUT_REQUESTED,
  LOST,
  NOT_LOADED,
  NOT_REPLAYABLE,
  OPENED,
  ORPHANED,
  PENDING,
  PROBED,
  READY,
  RECORD,
  REFRESH_REQUESTED,
  REFRESH_TOKEN,
  REFUSED,
  RENEWAL,
  RETRY,
  REVOCATION,
  REVOKED,
  REVOKE_FAILED,
  SCHEME,
  SCOPE,
  SIGNED_OUT,
  STORED,
  STORE_FAILED,
  SUBJECT,
  SUPERSEDED,
  SURFACE,
  TIMEOUT_REACHED,
  TOKEN_FAILED,
  UNUSABLE,
  WAITER_CANCELLED,
} from "./numbers.js";

const REFUSAL = 'Bearer error="invalid_token"';
const STATES = ["Unauthenticated", "Pending", "Ready", "Refreshing", "Expired"];

/** Why a request did not leave, or a login failed: `cause` is a number that `tokenlatch/why` explains. */
export function LatchError(cause, response) {
  // A class has no equal in ES5, where `this` would be no error.
  const error = new Error("tokenlatch " + cause);
  Object.setPrototypeOf(error, LatchError.prototype);
  return Object.assign(error, { cause, response });
}
LatchError.prototype = Object.create(Error.prototype, { name: { value: "LatchError" }, constructor: { value: LatchError } });

export const soon = (work, a, b) => Promise.resolve().then(() => work && work(a, b));

/**
 * A latch over a core.
 *
 * @param {() => any} boot gives the exports of a fresh core, or a promise of them
 * @param {any} host what the platform and the application provide
 */
export const start = (boot, host) => {
  let core, bytes, out, base, timer, due, release, ended, said, owed;
  let used = 0;
  let state = 0;
  let lastWaiter = 0;
  let writes = Promise.resolve();
  let queue = [];
  const waiting = new Map();
  const listeners = new Set();
  const logins = new Set();
  const signOuts = new Set();
  const reasons = new WeakMap();
  const steps = [];

  // Runs at once, or as soon as there is a core or will be none.
  const when = (work) => (queue ? queue.push(work) : work());

  // Bytes travel as strings with a character for each, and are wiped where they were.
  const put = (text) => {
    used = Math.min(text.length, BUFFER);
    for (let i = 0; i < used; i++) bytes[base + i] = text.charCodeAt(i);
    return used;
  };
  const wipe = () => {
    bytes.fill(0, base, base + used);
    used = 0;
  };
  const get = (length) => {
    if (length < 0) return;
    const text = String.fromCharCode.apply(0, bytes.subarray(base, base + length));
    used = length;
    wipe();
    return text;
  };
  const read = (what, ticket) => get(core.r(what, ticket));
  const name = (what) => {
    const text = core && read(what, 0);
    return text && decodeURIComponent(escape(text));
  };

  const pump = (step) => {
    let order;
    while ((order = core.p())) {
      step.push(order);
      orders[order](out[0], out[1]);
    }
    const at = core.t();
    // The timer that runs is the right one; one that went off runs no more.
    if (at === due) return;
    due = at;
    clearTimeout(timer);
    // A millisecond more, since times are cut off to whole ones. Timers have 31 bits.
    if (at >= 0) timer = setTimeout(() => tell(TIMEOUT_REACHED, (due = 0)), Math.min(Math.max(at - host.now(), 0) + 1, 2e9));
  };

  const tell = (kind, id = 0, a = 0, b = 0, c = 0) => {
    if (ended) return;
    const step = [Date.now(), kind, state, state];
    const outcome = core.h(kind, host.now(), step[0], id, a, b, c);
    const number = out[0];
    wipe();
    if (steps.push(step) > 32) steps.shift();
    pump(step);
    step[3] = state;
    said = number;
    rest();
    return outcome;
  };

  // A sign-out is done when the store has it or need not have it, or when the core, signed out, waits for nothing.
  const settle = () => {
    owed = 0;
    signOuts.forEach((done) => done());
    signOuts.clear();
  };
  const rest = () => (ended || !owed || state > PENDING || (due < 0 && !state)) && settle();

  // Clients that reject with an answer give one all the same.
  const caught = (work) =>
    soon(work).catch((error) => {
      if (host.answerOf && error && error.response && error.response.status) return host.answerOf(error);
      throw error;
    });

  const succeeded = (status) => status > 199 && status < 300;

  // The answer to a login or a token request.
  const answer = (ticket, work) => {
    let response, header, token;
    let retryAfter = -1;
    return caught(work)
      .then((came) => {
        response = came;
        const [status, look, body] = host.see(came);
        header = look;
        const later = look("retry-after");
        // A date by the server's clock.
        if (later) retryAfter = Math.ceil(later >= 0 ? later : (Date.parse(later) - (Date.parse(look("date")) || Date.now())) / 1e3);
        // A cookie session shows nothing but that it was let in.
        if (host.cookie && succeeded(status)) return ["", "", "", "", 0, 0];
        // A body that breaks off is the beginning of one.
        return soon(body).catch(() => "{").then((body) => classify(host.shape || {}, status, body));
      })
      .then((found) => {
        if (found.push) {
          // Bytes of UTF-8; a half of a surrogate pair has none, and throws.
          const fields = found.splice(0, 4, "").map((field) => unescape(encodeURIComponent(field)));
          token = fields[1] || fields[0];
          // One that can't be sent renews nothing.
          if (!host.refresh && !host.relogin) fields[1] = "";
          found[0] = fields.concat("").map((field) => String.fromCharCode(field.length >> 8, field.length) + field).join("");
        }
        return found;
      })
      // Whatever is wrong with an answer, the request has arrived.
      .catch((error) => (header ? LOST : host.failure((response = error))))
      .then((failure) => {
        if (failure.push) {
          const [fields, form, millis] = failure;
          put(fields);
          const outcome = tell(GRANTED, ticket, form, millis, Math.max(Date.parse(header("date")), 0) || 0);
          if (!outcome) return;
          if (outcome > 0) {
            // Nobody's tokens: the sign-in that they belong to is over.
            if (outcome === ORPHANED) soon(host.revoke, token).catch(() => {});
            throw new LatchError(outcome === ORPHANED && !state ? SIGNED_OUT : SUPERSEDED, response);
          }
          failure = UNUSABLE - (outcome > GRANT_ERRORS ? GRANT_TOO_LONG : outcome);
        }
        tell(TOKEN_FAILED, ticket, failure, Math.min(retryAfter, 4294967295));
        throw new LatchError(FAILED + failure, response);
      });
  };

  // How a token travels.
  const placed = (token, scheme) => (token ? { [host.header || "Authorization"]: `${host.scheme ?? scheme} ${token}`.trim() } : {});

  const orders = [
    ,
    (next) => {
      state = next;
      listeners.forEach((listener) => soon(listener, STATES[state]));
    },
    (ticket) => {
      soon(host.store.read).then(
        (record) => tell(LOADED, ticket, record ? put(record) : -1),
        () => tell(LOAD_FAILED, ticket),
      );
    },
    (ticket) => {
      // In the order given; what was superseded in the meantime is not written.
      writes = writes.then(() => {
        const record = ended ? "" : read(RECORD, ticket);
        return (
          record &&
          soon(host.store.write, record).then(
            // What was stored before a sign-out is superseded.
            () => tell(STORED, ticket) || settle(),
            () => tell(STORE_FAILED, ticket),
          )
        );
      });
    },
    () => soon(host.announce, read(GENERATION, 0)).catch(() => {}),
    () => release(),
    (ticket) => {
      release = host.lease(
        () => tell(LEASE_GRANTED, ticket),
        () => {
          // One of the two is stale: it was never had, or it was taken away.
          tell(LEASE_DENIED, ticket);
          tell(LEASE_LOST, ticket);
        },
      );
    },
    (ticket, silent) => {
      const token = read(REFRESH_TOKEN, ticket);
      answer(ticket, () => (silent ? host.relogin() : host.refresh(token))).catch(() => {});
    },
    (ticket) => {
      const token = read(CREDENTIAL, ticket);
      const headers = placed(token, read(SCHEME, ticket));
      caught(() => host.probe(headers)).then(
        (response) => {
          const [status] = host.see(response);
          tell(PROBED, ticket, status === 401 ? 1 : succeeded(status) ? 0 : 2);
        },
        () => tell(PROBED, ticket, 2),
      );
    },
    (ticket) => {
      const token = read(REVOCATION, ticket);
      soon(host.revoke, token).then(
        () => tell(REVOKED, ticket),
        () => tell(REVOKE_FAILED, ticket),
      );
    },
    (_, cause) => soon(host.onLoginRequired, cause),
    (waiter, cause) => end(waiter, cause),
    (waiter) => {
      // A permit is claimed when the request can leave; should the gate close before, there will be another release.
      const claim = () => {
        const length = ended ? 0 : core.g(host.now(), Date.now(), waiter);
        const scheme = out[1] ? "DPoP" : "Bearer";
        if (length <= REFUSED) end(waiter, REFUSED - length);
        else if (length >= 0) end(waiter, 0, { headers: placed(get(length), scheme), receipt: out[0] });
      };
      host.enter ? host.enter(claim, () => ended || pump([])) : claim();
    },
  ];

  const end = (waiter, cause, permit) => {
    const [done, failed] = waiting.get(waiter) || [];
    if (waiting.delete(waiter)) permit ? done(permit) : failed(new LatchError(cause));
  };

  // Waits for a permit, which is used at once: nothing comes between it and the request.
  const gate = (signal, done, failed, retry, receipt) =>
    when(() => {
      const waiter = ++lastWaiter;
      const cancel = () => {
        waiting.delete(waiter);
        tell(WAITER_CANCELLED, waiter);
        failed(signal.reason);
      };
      const leave = (settle) => (value) => {
        signal && signal.removeEventListener("abort", cancel);
        settle(value);
      };
      waiting.set(waiter, [leave(done), leave(failed)]);
      if (signal) {
        if (signal.aborted) return cancel();
        signal.addEventListener("abort", cancel);
      }
      const outcome = ended || tell(ACCESS_REQUESTED, waiter, retry, receipt);
      if (outcome !== ADMITTED) end(waiter, outcome > SURFACE ? outcome - SURFACE : outcome);
    });

  // A challenge of the application's own scheme is one of this token.
  const own = host.scheme && new RegExp(`(^|,)(\\s*)${host.scheme.replace(/\W/g, "\\$&")}(?=[\\s,]|$)`, "gi");
  const answered = (permit, status, challenge) =>
    tell(ANSWERED, permit.receipt, status, challenge ? put(own ? challenge.replace(own, "$1$2Bearer") : challenge) : -1);

  // What an answer means for its request.
  const judge = (permit, response, see = host.see, copy = () => (response.clone ? response.clone() : response)) => {
    const [status, header] = see(response);
    // Without a status there is nothing to ask, and an answer that the application can't read is what it is.
    const ask = () => status && host.isAuthFailure && host.isAuthFailure(copy(response));
    return soon(ask).catch(() => 0).then((failed) => {
      const challenge = header("www-authenticate");
      // What the application says counts more than a challenge of another's.
      const outcome = failed && !/bearer|dpop/i.test(challenge) ? answered(permit, 401, REFUSAL) : answered(permit, failed ? 401 : status, challenge);
      if (outcome > SURFACE && Object(response) === response) reasons.set(response, outcome - SURFACE);
      return outcome === RETRY;
    });
  };

  const run = (send, { signal, replay = true, see, copy } = {}) =>
    new Promise((resolve, reject) => {
      const attempt = (retry, receipt, last) =>
        gate(
          signal,
          (permit) => {
            new Promise((sent) => sent(send(permit)))
              .then((response) =>
                judge(permit, response, see, copy).then((again) => {
                  if (!again) resolve(response);
                  else if (replay) attempt(1, permit.receipt, response);
                  else throw new LatchError(NOT_REPLAYABLE, response);
                }),
              )
              .catch(reject);
          },
          (error) => {
            // Whoever aborts may give any reason.
            if (error instanceof LatchError) error.response = last;
            reject(error);
          },
          retry,
          receipt,
        );
      attempt();
    });

  const enter = (signal, last) =>
    new Promise((resolve, reject) => gate(signal, resolve, reject, last ? 1 : 0, last ? last.receipt : 0));

  const login = (work) =>
    new Promise((resolve, reject) =>
      when(() => {
        const over = () => reject(new LatchError(ended));
        if (ended) return over();
        logins.add(over);
        tell(LOGIN_STARTED);
        answer(said, () => (typeof work === "function" ? work() : work))
          .then(() => {
            const settled = () => {
              if (state === PENDING) return;
              listeners.delete(settled);
              logins.delete(over);
              resolve(STATES[state]);
            };
            listeners.add(settled);
            settled();
          })
          .catch((error) => {
            logins.delete(over);
            reject(error);
          });
      }),
    );

  const opened = (exports) => {
    core = exports;
    const { buffer } = core.memory;
    base = core.a() + 16;
    bytes = new Uint8Array(buffer);
    out = new Float64Array(buffer, base - 16, 2);
    const set = (key, value) => {
      // The core would take NaN for 0 and cut what is too large.
      if (key >>> 0 !== key || value >>> 0 !== value || core.c(key, value)) throw new LatchError(ARGUMENT);
    };
    if (!host.store) {
      set(HAS_STORE, 0);
      set(CONFIRMATION, 0);
    } else if (host.lease) set(LEASE, 1);
    if (host.cookie) {
      set(AMBIENT, 1);
      set(CONFIRMATION, 3);
    }
    if (host.relogin) set(RENEWAL, 1);
    for (const key in host.tune) set(+key, host.tune[key]);
    const [low, high] = host.seed();
    const wrong = core.s(low, high);
    if (wrong) throw new LatchError(wrong);
    tell(OPENED);
  };
  const flush = () => {
    const works = queue;
    queue = 0;
    works.forEach((work) => work());
  };
  const exports = boot();
  if (exports.then) {
    exports.then(opened).catch((error) => (ended = error.cause || NOT_LOADED)).then(flush);
  } else {
    opened(exports);
    flush();
  }

  return {
    run,
    enter,
    answered,
    judge,
    login,
    logout: () =>
      new Promise((done) =>
        when(() => {
          if (state) owed = host.store;
          tell(LOGOUT_REQUESTED);
          signOuts.add(done);
          rest();
        }),
      ),
    renew: () => when(() => tell(REFRESH_REQUESTED)),
    ready: (signal) => enter(signal).then(() => {}),
    get state() {
      return STATES[state];
    },
    get volatile() {
      return !ended && !!core && (read(GENERATION, 0) === undefined || !!(host.store || 0).volatile);
    },
    get subject() {
      return name(SUBJECT);
    },
    get scope() {
      return name(SCOPE);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    why: (response) => reasons.get(response) || reasons.get(response.response) || response.cause,
    trace: () => steps.slice(),
    // Another context's announcement of what this one has is no news: under a lease a generation is one record.
    tell: (kind, generation) =>
      when(() => (generation && host.lease && state === READY && generation === read(GENERATION, 0)) || tell(kind)),
    note: (response, cause) => reasons.set(response, cause),
    destroy() {
      if (ended === DESTROYED) return;
      ended = DESTROYED;
      when(() => {
        clearTimeout(timer);
        release && release();
        waiting.forEach((_, waiter) => end(waiter, DESTROYED));
        logins.forEach((over) => over());
        settle();
        // Nothing secret is left in its memory.
        bytes && bytes.fill(0);
        host.close && host.close();
      });
    },
  };
};
