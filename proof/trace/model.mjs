// A second telling of the latch without a store, and of the trace's generator: `node model.mjs SEED EVENTS`.
//
// Written from the promises and the documentation, with none of the library's code: plain objects, one `settle`, the
// queue as an array. It has to come to the same number as the library.

const NEVER = Infinity;
const EPOCH = 1_700_000_000_000;
const U64 = (1n << 64n) - 1n;

// Kinds and causes, by their numbers.
const DONE = [0, 0], STALE = [1, 0], ORPHANED = [2, 0], ADMITTED = [5, 0], DELIVER = [6, 0], RETRY = [7, 0];
const surface = (cause) => [8, cause];
const ALREADY_OPENED = [17, 0], NOT_OPENED = [16, 0], QUEUE_FULL = [18, 0], NO_SESSION = [20, 0], THROTTLED_CALL = [21, 0];
const NOT_SIGNED_IN = 1, SIGNED_OUT = 2, SIGN_IN_CHANGED = 4, LOGIN_FAILED = 5, WAIT_TIMEOUT = 6, UNAVAILABLE = 7;
const OFFLINE = 8, THROTTLED = 9, SESSION_ENDED = 10, RESPONSE_LOST = 11, INTERACTION = 12, MISCONFIGURED = 13;
const EXPIRED = 14, REFUSED_FRESH = 15, INSUFFICIENT_SCOPE = 16, DPOP_NONCE = 18, RETRIES_EXHAUSTED = 19;
const NO_CREDENTIAL = 25, OTHER_SCHEME = 26, MALFORMED = 27, UNKNOWN = 28;

class Latch {
  constructor(seed, room) {
    this.seed = BigInt(seed);
    this.room = room;
    this.now = 0;
    this.offset = null;
    this.phase = { name: "unopened" };
    this.session = null;
    this.tokens = { access: "", refresh: "", subject: "" };
    this.queue = [];
    this.signIn = 0;
    this.serial = 0;
    this.version = 0;
    this.since = 1;
    this.ticket = 1;
    this.firstTicket = 1;
    this.arrival = 0;
    this.revocation = null;
    this.toRevoke = "";
    this.offline = false;
    this.login = 0;
    this.loginTold = false;
    this.ended = NOT_SIGNED_IN;
    this.stateTold = 0;
  }

  // SplitMix64.
  draw() {
    this.seed = (this.seed + 0x9e3779b97f4a7c15n) & U64;
    let z = this.seed;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & U64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & U64;
    return z ^ (z >> 31n);
  }

  /** From 1 to `most`. */
  upTo(most) {
    return Number((this.draw() * BigInt(Math.max(most, 1))) >> 64n) + 1;
  }

  backoff(failures) {
    return this.upTo(Math.min(1_000 * 2 ** Math.min(failures, 31), 300_000));
  }

  state() {
    switch (this.phase.name) {
      case "unopened": case "out": return 0;
      case "login": return 1;
      case "ready": return 2;
      case "exchange": return 3;
      default: return 4;
    }
  }

  order(timeout) {
    return { ticket: this.ticket++, deadline: this.now + timeout, told: false };
  }

  usable() {
    const s = this.session;
    return s !== null && !s.refused && !s.forced && this.now < s.expiresAt;
  }

  open() {
    return this.phase.name === "ready" && this.usable();
  }

  renewable() {
    const s = this.session;
    if (s === null || s.trouble?.lasting || !s.hasRefresh) return false;
    return !s.lost || s.keeps || this.now < s.resendUntil;
  }

  budgetAt() {
    return Math.max(this.arrival - 40_000, 0);
  }

  refuse(cause, which = () => true) {
    for (const slot of this.queue) {
      if (slot.fate !== "refused" && which(slot)) Object.assign(slot, { fate: "refused", cause });
    }
  }

  requireLogin(cause) {
    if (this.loginTold) return;
    this.loginTold = true;
    this.login = cause;
  }

  troubleNow() {
    const s = this.session;
    if (s === null) return this.ended;
    if (s.trouble) return s.trouble.cause;
    if (s.lost) return RESPONSE_LOST;
    if (s.expiresAt <= this.now) return EXPIRED;
    return s.accepted ? UNKNOWN : REFUSED_FRESH;
  }

  settle() {
    const s = this.session;
    if (s === null) { this.phase = { name: "out" }; return; }
    if (this.usable() && s.refreshAt > this.now) { this.ready(); return; }
    if (!this.renewable()) {
      if (this.usable()) { this.ready(); return; }
      const cause = s.trouble?.lasting ? s.trouble.cause : s.lost ? RESPONSE_LOST : this.troubleNow();
      if (cause === SESSION_ENDED) this.endSession(cause);
      else {
        this.ended = cause;
        this.phase = { name: "loginRequired", cause };
        this.refuse(cause, bound);
        this.requireLogin(cause);
      }
      return;
    }
    if (this.offline) s.trouble = { cause: OFFLINE };
    else if (s.retryAt <= this.now) {
      if (this.budgetAt() > this.now) {
        s.retryAt = this.budgetAt();
        s.trouble = { cause: THROTTLED };
      } else {
        this.bind();
        this.arrival = Math.max(this.arrival, this.now) + 10_000;
        if (!s.lost) s.resendUntil = this.now + 10_000;
        const order = this.order(30_000);
        s.exchange = order.ticket;
        this.phase = { name: "exchange", order };
        return;
      }
    }
    if (this.usable()) this.ready();
    else this.phase = { name: "retrying" };
  }

  ready() {
    this.phase = { name: "ready" };
    this.bind();
  }

  bind() {
    for (const slot of this.queue) if (slot.fate === "early") slot.fate = "waiting";
  }

  newSession(sentAt, grant) {
    const margin = Math.min(60_000, Math.floor(grant.lifetime / 4));
    const jitter = this.upTo(Math.floor(margin / 2) + 1) - 1;
    const expiresAt = sentAt + grant.lifetime;
    return {
      expiresAt, refreshAt: Math.max(expiresAt - (margin - jitter), 0), grantedAt: this.now, retryAt: 0,
      freshRetryAt: 0, resendUntil: 0, exchange: 0, failures: 0, unaccepted: 0, keeps: false,
      hasRefresh: grant.refresh !== null, lost: false, accepted: false, refused: false, forced: false, trouble: null,
    };
  }

  nextVersion() {
    this.version++;
    for (const slot of this.queue) slot.again = false;
  }

  newSignIn() {
    this.nextVersion();
    this.since = this.version;
    this.signIn++;
    this.serial = 0;
    this.draw();
  }

  take(grant) {
    this.tokens = { access: grant.access, refresh: grant.refresh ?? "", subject: grant.subject ?? "" };
  }

  wipe() {
    this.tokens = { access: "", refresh: "", subject: "" };
  }

  endSession(cause) {
    this.refuse(cause, bound);
    this.wipe();
    this.endSignIn(cause);
    this.requireLogin(cause);
  }

  endSignIn(cause) {
    this.session = null;
    this.newSignIn();
    this.firstTicket = this.ticket;
    this.ended = cause;
    this.phase = { name: "out" };
  }

  // Time.

  observe(now, wall) {
    this.now = Math.max(this.now, now);
    const first = this.offset === null;
    const expected = this.now + (first ? wall - this.now : this.offset);
    if (first || Math.abs(wall - expected) > 5_000) {
      this.offset = wall - this.now;
      const gap = wall - expected;
      if (gap > 0) this.age(gap);
      if (gap !== 0 && ["out", "ready", "retrying", "loginRequired"].includes(this.phase.name)) this.settle();
    }
    this.deadlines();
    this.hold();
  }

  age(gap) {
    const s = this.session;
    if (s === null) return;
    for (const time of ["expiresAt", "refreshAt", "retryAt", "resendUntil"]) s[time] = Math.max(s[time] - gap, 0);
  }

  hold() {
    if (this.open()) return;
    for (const slot of this.queue) if (slot.fate === "released") slot.fate = "waiting";
  }

  deadlines() {
    if (this.queue.some((slot) => slot.fate === "early" && slot.until <= this.now)) this.loginTold = false;
    this.refuse(this.offline ? OFFLINE : WAIT_TIMEOUT, (slot) => slot.until <= this.now);
    this.revocationDue();
    if (this.phaseDeadline() > this.now) return;
    if (this.phase.name === "login") this.loginFailed();
    else if (this.phase.name === "exchange") this.exchangeFailed("Lost", null);
    else this.settle();
  }

  phaseDeadline() {
    const s = this.session;
    switch (this.phase.name) {
      case "login": case "exchange": return this.phase.order.deadline;
      case "ready": {
        const renewal = !this.offline && this.renewable() ? Math.max(s.refreshAt, s.retryAt) : NEVER;
        return Math.min(renewal, s.expiresAt);
      }
      case "retrying": return s !== null && !this.offline ? s.retryAt : NEVER;
      default: return NEVER;
    }
  }

  timeout() {
    let next = this.phaseDeadline();
    for (const slot of this.queue) {
      if (slot.fate === "refused") continue;
      next = Math.min(next, slot.until);
      if (slot.again && this.session !== null && this.session.freshRetryAt > this.now) {
        next = Math.min(next, this.session.freshRetryAt);
      }
    }
    const r = this.revocation;
    if (r?.order) next = Math.min(next, r.order.deadline);
    else if (r && !this.offline) next = Math.min(next, r.at);
    return next;
  }

  revocationDue() {
    const r = this.revocation;
    if (r === null) return;
    if (r.order) {
      if (r.order.deadline <= this.now) this.revokeFailed();
    } else if (!this.offline && r.at <= this.now) {
      this.revocation = { order: this.order(15_000), tries: r.tries };
    }
  }

  revokeFailed() {
    const tries = this.revocation.tries + 1;
    this.revocation = tries >= 3 ? null : { at: this.now + this.backoff(tries), tries };
  }

  // Events: each gives what became of it, as two numbers.

  handle(now, wall, event) {
    const refused = this.check(now, event);
    if (refused) return refused;
    this.observe(now, wall);
    this.forget();
    const outcome = this[event.kind](event) ?? DONE;
    this.hold();
    this.forget();
    return outcome;
  }

  forget() {
    if (this.revocation === null) this.toRevoke = "";
  }

  check(now, event) {
    const unopened = this.phase.name === "unopened";
    switch (event.kind) {
      case "opened": return unopened ? null : ALREADY_OPENED;
      case "changed": case "loginStarted": case "logout": return unopened ? NOT_OPENED : null;
      case "refresh": {
        if (unopened) return NOT_OPENED;
        if (!this.renewable()) return NO_SESSION;
        const rest = ["ready", "retrying", "loginRequired"].includes(this.phase.name);
        return rest && this.budgetAt() > Math.max(now, this.now) ? THROTTLED_CALL : null;
      }
      case "request":
        return this.queue.length === this.room ? QUEUE_FULL : null;
      default: return null;
    }
  }

  opened() {
    this.ended = NOT_SIGNED_IN;
    this.phase = { name: "out" };
    this.requireLogin(NOT_SIGNED_IN);
  }

  timeoutReached() {}

  changed() {
    if (["out", "ready", "retrying", "loginRequired"].includes(this.phase.name)) this.settle();
  }

  wentOffline() {
    this.offline = true;
  }

  wentOnline() {
    this.offline = false;
    const s = this.session;
    if (s?.trouble?.cause === OFFLINE && !s.trouble.lasting) {
      Object.assign(s, { trouble: null, failures: 0, retryAt: 0 });
    }
    if (this.phase.name === "ready" || this.phase.name === "retrying") this.settle();
    this.revocationDue();
  }

  loginStarted() {
    if (this.phase.name === "login") this.firstTicket = this.ticket;
    if (this.phase.name === "exchange") this.session.lost = true;
    this.login = 0;
    this.loginTold = false;
    const order = this.order(600_000);
    this.phase = { name: "login", order };
    return [3, order.ticket];
  }

  isUnderWay(name, ticket) {
    return this.phase.name === name && this.phase.order.ticket === ticket;
  }

  granted({ ticket, grant }) {
    if (this.isUnderWay("login", ticket)) {
      const sentAt = this.phase.order.deadline - 600_000;
      this.firstTicket = ticket;
      this.refuse(SIGN_IN_CHANGED, bound);
      this.newSignIn();
      this.session = this.newSession(sentAt, grant);
      this.take(grant);
      this.settle();
      return DONE;
    }
    if (this.isUnderWay("exchange", ticket)) {
      this.renewed(this.phase.order.deadline - 30_000, grant);
      return DONE;
    }
    const s = this.session;
    const rest = ["ready", "retrying", "loginRequired", "login"].includes(this.phase.name);
    if (s !== null && s.exchange === ticket && s.lost && rest) {
      this.renewed(Math.max(s.resendUntil - 10_000, 0), grant);
      return DONE;
    }
    return ticket < this.firstTicket ? ORPHANED : STALE;
  }

  renewed(sentAt, grant) {
    const old = this.session;
    const session = this.newSession(sentAt, grant);
    // A login goes on; what it falls back to is another token.
    const settle = () => this.phase.name === "login" || this.settle();
    if (grant.subject && this.tokens.subject && grant.subject !== this.tokens.subject) {
      this.refuse(SIGN_IN_CHANGED, bound);
      this.firstTicket = old.exchange;
      this.newSignIn();
      this.session = session;
      this.take(grant);
      settle();
      return;
    }
    session.keeps = !(grant.refresh !== null && grant.refresh !== this.tokens.refresh);
    session.hasRefresh ||= old.hasRefresh;
    session.unaccepted = old.unaccepted;
    if (session.expiresAt <= this.now) {
      session.failures = Math.min(old.failures + 1, 255);
      session.retryAt = this.now + this.backoff(old.failures);
      session.trouble = { cause: UNAVAILABLE };
    }
    this.session = session;
    this.nextVersion();
    this.serial++;
    this.draw();
    this.tokens.access = grant.access;
    if (grant.refresh !== null) this.tokens.refresh = grant.refresh;
    if (grant.subject) this.tokens.subject = grant.subject;
    settle();
  }

  failed({ ticket, failure, retryAfter }) {
    if (this.isUnderWay("login", ticket)) this.loginFailed();
    else if (this.isUnderWay("exchange", ticket)) this.exchangeFailed(failure, retryAfter);
    else return STALE;
    return DONE;
  }

  loginFailed() {
    if (this.session !== null) this.refuse(LOGIN_FAILED, (slot) => slot.fate === "early");
    else this.firstTicket = this.ticket;
    this.settle();
  }

  exchangeFailed(failure, retryAfter) {
    const s = this.session;
    switch (failure) {
      case "Lost":
        s.lost = true;
        return this.later(UNAVAILABLE, retryAfter);
      case "NotSent":
        return this.later(OFFLINE, retryAfter);
      case "Misconfigured":
        return this.later(MISCONFIGURED, retryAfter ?? 300);
      case "InteractionRequired":
        Object.assign(s, { trouble: { cause: INTERACTION, lasting: true }, forced: false });
        this.requireLogin(INTERACTION);
        return this.settle();
      case "InvalidGrant":
        Object.assign(s, { trouble: { cause: SESSION_ENDED, lasting: true }, forced: false });
        if (!this.usable()) return this.endSession(SESSION_ENDED);
        this.serial++;
        this.draw();
        this.tokens.refresh = "";
        Object.assign(s, { hasRefresh: false, lost: false });
        return this.settle();
      default:
        return this.later(UNAVAILABLE, retryAfter);
    }
  }

  later(cause, retryAfter) {
    const s = this.session;
    const asked = Math.min((retryAfter ?? 0) * 1_000, 3_600_000);
    s.retryAt = this.now + Math.max(this.backoff(s.failures), asked);
    s.failures = Math.min(s.failures + 1, 255);
    s.trouble = { cause };
    this.settle();
  }

  revoked({ ticket }) {
    if (this.revocation?.order?.ticket !== ticket) return STALE;
    this.revocation = null;
    return DONE;
  }

  revokeNotDone({ ticket }) {
    if (this.revocation?.order?.ticket !== ticket) return STALE;
    this.revokeFailed();
    return DONE;
  }

  stored() {
    return STALE;
  }

  cancelled({ waiter }) {
    const before = this.queue.length;
    this.queue = this.queue.filter((slot) => slot.waiter !== waiter);
    return this.queue.length < before ? DONE : STALE;
  }

  refresh() {
    if (this.phase.name === "exchange") return;
    Object.assign(this.session, { forced: true, refreshAt: this.now });
    if (this.phase.name !== "login") this.settle();
  }

  logout() {
    const nothing = this.phase.name === "out";
    this.refuse(SIGNED_OUT);
    if (nothing) return;
    if (this.session !== null) {
      this.session = null;
      this.toRevoke = this.tokens.refresh || this.tokens.access;
      this.wipe();
      this.revocation = { at: 0, tries: 0 };
      this.revocationDue();
    }
    this.endSignIn(SIGNED_OUT);
    this.login = 0;
    this.loginTold = false;
  }

  isEnded(receipt) {
    return this.session === null || receipt.version < this.since || receipt.version > this.version;
  }

  endedBy() {
    return this.session === null ? this.ended : SIGN_IN_CHANGED;
  }

  turnedAway(receipt) {
    if (receipt === null) return null;
    if (this.isEnded(receipt)) return this.endedBy();
    if (receipt.attempt >= 3) return RETRIES_EXHAUSTED;
    if (receipt.version === this.version && receipt.again) return RETRIES_EXHAUSTED;
    return this.phase.name === "loginRequired" ? this.phase.cause : null;
  }

  request({ waiter, retry }) {
    if (this.phase.name === "out" || this.phase.name === "loginRequired") this.requireLogin(this.ended);
    const cause = this.turnedAway(retry);
    if (cause !== null) return surface(cause);
    const early = ["unopened", "out", "login", "loginRequired"].includes(this.phase.name) || this.session === null;
    this.queue.push({
      waiter,
      fate: early && retry === null ? "early" : "waiting",
      attempts: retry?.attempt ?? 0,
      again: retry !== null && retry.version === this.version,
      until: this.now + 30_000,
    });
    return ADMITTED;
  }

  permit(now, wall, waiter) {
    this.observe(now, wall);
    this.forget();
    const slot = this.queue.find((slot) => slot.waiter === waiter);
    if (!slot) return { error: [50, 0] };
    if (slot.fate === "waiting" || slot.fate === "early") return { error: [48, 0] };
    this.queue.splice(this.queue.indexOf(slot), 1);
    if (slot.fate === "refused") return { error: [49, slot.cause] };
    const receipt = { version: this.version, attempt: slot.attempts + 1, again: slot.again };
    return { token: this.tokens.access, receipt };
  }

  again(receipt) {
    if (receipt.attempt >= 3) return surface(RETRIES_EXHAUSTED);
    return this.phase.name === "loginRequired" ? surface(this.phase.cause) : RETRY;
  }

  againWithTheSame(receipt, cause) {
    return receipt.version === this.version && receipt.again ? surface(cause) : this.again(receipt);
  }

  answered({ receipt, status, challenge }) {
    if (this.isEnded(receipt)) return status === 401 ? surface(this.endedBy()) : STALE;
    if (challenge === "UseDpopNonce") return this.againWithTheSame(receipt, DPOP_NONCE);
    if (challenge === "InsufficientScope") return surface(INSUFFICIENT_SCOPE);
    if (status === 401) return this.unauthorized(receipt, challenge);
    if (status < 400 && receipt.version >= this.version) Object.assign(this.session, { accepted: true, unaccepted: 0 });
    return DELIVER;
  }

  unauthorized(receipt, challenge) {
    if (challenge === "OtherScheme") return surface(OTHER_SCHEME);
    if (challenge === "InvalidRequest") return surface(MALFORMED);
    if (receipt.version < this.version) return this.again(receipt);
    const renewable = this.renewable();
    const s = this.session;
    if (s.refused) return this.again(receipt);
    if (!s.accepted) {
      const cause = challenge === "NoError" ? NO_CREDENTIAL : REFUSED_FRESH;
      if (this.now - s.grantedAt < 2_000) {
        s.freshRetryAt = this.now + 500;
        return this.againWithTheSame(receipt, cause);
      }
      if (receipt.again || s.unaccepted > 0) return surface(cause);
      s.unaccepted = 1;
    }
    if (!renewable && challenge === "NoError") return surface(NO_CREDENTIAL);
    s.refused = true;
    if (this.phase.name === "ready" || this.phase.name === "retrying") this.settle();
    if (this.phase.name === "out") return surface(this.ended);
    return this.again(receipt);
  }

  // Orders.

  poll() {
    if (this.stateTold !== this.state()) {
      this.stateTold = this.state();
      return { kind: 32, value: this.stateTold };
    }
    if (this.phase.name === "exchange" && !this.phase.order.told) {
      this.phase.order.told = true;
      return { kind: 38, value: this.phase.order.ticket };
    }
    const order = this.revocation?.order;
    if (order && !order.told) {
      order.told = true;
      return { kind: 40, value: order.ticket };
    }
    if (this.login > 0) {
      const value = this.login;
      this.login = 0;
      return { kind: 41, value };
    }
    const refused = this.queue.findIndex((slot) => slot.fate === "refused");
    if (refused >= 0) {
      const [{ waiter, cause }] = this.queue.splice(refused, 1);
      return { kind: 42, waiter, value: cause };
    }
    if (!this.open()) return null;
    const may = (slot) => slot.fate === "waiting" && (!slot.again || this.session.freshRetryAt <= this.now);
    const slot = this.queue.find(may);
    if (!slot) return null;
    slot.fate = "released";
    return { kind: 43, value: slot.waiter };
  }

  trouble() {
    return this.session === null ? this.ended : this.session.trouble?.cause ?? 0;
  }
}

const bound = (slot) => slot.fate === "waiting" || slot.fate === "released";

class Digest {
  low = 0x811c9dc5 | 0;
  high = 0x9e3779b9 | 0;

  word(word) {
    this.low = Math.imul(this.low ^ word, 0x01000193);
    this.high = Math.imul(((this.high << 5) | (this.high >>> 27)) ^ word, 0x85ebca6b);
  }

  long(long) {
    if (long === NEVER) return this.words(0xffffffff, 0xffffffff);
    this.words(long % 2 ** 32, Math.floor(long / 2 ** 32));
  }

  words(...words) {
    for (const word of words) this.word(word);
  }

  text(text) {
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }

  finish() {
    const hex = (lane) => (lane >>> 0).toString(16).padStart(8, "0");
    return hex(this.high) + hex(this.low);
  }
}

class Host {
  constructor(seed) {
    this.latch = new Latch(0x5eed, 4);
    this.random = seed | 1;
    this.millis = 0;
    this.wall = EPOCH;
    this.orders = { exchange: 0, revoke: 0, login: 0 };
    this.admitted = [0, 0, 0, 0];
    this.sent = Array(8).fill(null);
    this.requests = 0;
    this.issued = 0;
    this.digest = new Digest();
  }

  pick(below) {
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return (this.random >>> 0) % below;
  }

  pass(millis) {
    this.millis += millis;
    this.wall += millis;
  }

  tell(kind, more) {
    const [outcome, value] = this.latch.handle(this.millis, this.wall, { kind, ...more });
    this.digest.words(outcome, value);
    this.drain();
    return [outcome, value];
  }

  drain() {
    const { latch, digest } = this;
    for (let effect = latch.poll(); effect; effect = latch.poll()) {
      if (effect.kind === 42) digest.word(effect.waiter);
      digest.words(effect.kind, effect.value);
      if (effect.kind === 38) {
        digest.text(latch.tokens.refresh);
        this.orders.exchange = effect.value;
      }
      if (effect.kind === 40) {
        digest.text(latch.toRevoke);
        this.orders.revoke = effect.value;
      }
    }
    digest.word(latch.state());
    digest.long(latch.timeout());
    digest.words(latch.signIn, latch.serial, latch.trouble(), latch.queue.length);
  }

  step() {
    const choice = this.pick(32);
    if (choice < 4) {
      this.pass(this.pick(3_000));
      this.tell("timeoutReached");
    } else if (choice === 4) {
      this.pass(this.pick(30) * 60_000);
      this.tell("timeoutReached");
    } else if (choice === 5) {
      const at = this.latch.timeout();
      if (at !== NEVER) this.pass(Math.max(at - this.millis, 0));
      this.tell("timeoutReached");
    } else if (choice < 10) this.request(null);
    else if (choice < 14) this.claim();
    else if (choice < 17) this.answer();
    else if (choice < 20) this.exchange();
    else if (choice === 20) this.login();
    else if (choice === 21) {
      if (this.pick(4) === 0) this.tell("logout");
    } else if (choice === 22) this.tell("cancelled", { waiter: this.admitted[this.pick(4)] });
    else if (choice === 23) this.tell(this.pick(3) === 0 ? "wentOffline" : "wentOnline");
    else if (choice === 24) this.insist();
    else if (choice === 25) this.tell(this.pick(3) < 2 ? "changed" : "opened");
    else if (choice === 26) this.stale();
    else if (choice === 27) this.revoke();
    else if (choice === 31) this.jump();
  }

  grant(ticket, named) {
    const number = String(++this.issued).padStart(10, "0");
    const lifetime = [5_000, 60_000, 600_000, 3_600_000][this.pick(4)];
    const rotates = this.pick(4) > 0;
    const subject = ["anna", "ben"][this.pick(2)];
    const grant = {
      access: `a-${number}`,
      refresh: rotates ? `r-${number}` : null,
      lifetime,
      subject: named ? subject : null,
    };
    this.tell("granted", { ticket, grant });
  }

  fail(ticket) {
    const failures = [
      "NotSent", "Lost", "RateLimited", "Unavailable", "InvalidGrant", "InteractionRequired", "Misconfigured",
      "Unrecognized",
    ];
    const failure = failures[this.pick(failures.length)];
    const retryAfter = this.pick(4) === 0 ? this.pick(120) : null;
    this.tell("failed", { ticket, failure, retryAfter });
  }

  request(retry) {
    const waiter = ++this.requests;
    const [outcome] = this.tell("request", { waiter, retry });
    if (outcome === 5) this.admitted[this.pick(4)] = waiter;
  }

  claim() {
    const waiter = this.admitted[this.pick(4)];
    const place = this.pick(8);
    const { error, token, receipt } = this.latch.permit(this.millis, this.wall, waiter);
    if (error) this.digest.words(...error);
    else {
      this.digest.text(token);
      this.digest.words(receipt.version, receipt.attempt | (Number(receipt.again) << 8));
      this.sent[place] = receipt;
    }
    this.drain();
  }

  answer() {
    const challenges = [
      "InvalidToken", "Absent", "NoError", "OtherScheme", "InvalidRequest", "InsufficientScope", "UseDpopNonce",
      "OtherError",
    ];
    const place = this.pick(8);
    const status = [200, 200, 200, 401, 401, 403, 500][this.pick(7)];
    const some = challenges[this.pick(challenges.length)];
    const receipt = this.sent[place];
    if (!receipt) return;
    this.sent[place] = null;
    const [outcome] = this.tell("answered", { receipt, status, challenge: status === 401 ? some : "Absent" });
    if (outcome === 7) this.request(receipt);
  }

  exchange() {
    const ticket = this.orders.exchange;
    if (!ticket) return;
    this.orders.exchange = 0;
    if (this.pick(3) === 0) this.fail(ticket);
    else this.grant(ticket, false);
  }

  login() {
    const ticket = this.orders.login;
    if (!ticket) {
      const willing = this.pick(8) === 0;
      const state = this.latch.state();
      if (willing || state === 0 || state === 4) {
        const [outcome, value] = this.tell("loginStarted");
        if (outcome === 3) this.orders.login = value;
      }
      return;
    }
    this.orders.login = 0;
    if (this.pick(8) === 0) this.fail(ticket);
    else this.grant(ticket, true);
  }

  insist() {
    const times = this.pick(16) === 0 ? 7 : 1;
    for (let i = 0; i < times; i++) {
      this.tell("refresh");
      if (times > 1) this.exchange();
    }
  }

  stale() {
    const ticket = this.pick(1 << 20);
    switch (this.pick(4)) {
      case 0: return this.grant(ticket, true);
      case 1: return this.fail(ticket);
      case 2: return this.tell("stored");
      default: return this.tell("revoked", { ticket });
    }
  }

  revoke() {
    const ticket = this.orders.revoke;
    if (!ticket) return;
    this.orders.revoke = 0;
    this.tell(this.pick(3) === 0 ? "revokeNotDone" : "revoked", { ticket });
  }

  jump() {
    const millis = this.pick(20) * 1_000;
    this.wall += this.pick(4) === 0 ? -millis : millis;
    this.tell("timeoutReached");
  }
}

const [seed, events] = process.argv.slice(2).map(Number);
const host = new Host(seed);
for (let i = 0; i < events; i++) host.step();
console.log(`memory ${host.digest.finish()}`);
