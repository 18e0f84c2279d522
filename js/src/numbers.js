// The numbers of the core, as src/numbers.rs has them; test/numbers.test.mjs compares the two.

// Facts.
export const OPENED = 0;
export const RESUMED = 1;
export const STORE_CHANGED = 2;
export const WENT_OFFLINE = 3;
export const WENT_ONLINE = 4;
export const LOGIN_STARTED = 5;
export const GRANTED = 6;
export const TOKEN_FAILED = 7;
export const LOADED = 8;
export const LOAD_FAILED = 9;
export const STORED = 10;
export const STORE_FAILED = 11;
export const PROBED = 12;
export const LEASE_GRANTED = 13;
export const LEASE_DENIED = 14;
export const LEASE_LOST = 15;
export const REVOKED = 16;
export const REVOKE_FAILED = 17;
export const ACCESS_REQUESTED = 18;
export const ANSWERED = 19;
export const WAITER_CANCELLED = 20;
export const REFRESH_REQUESTED = 21;
export const LOGOUT_REQUESTED = 22;
export const TIMEOUT_REACHED = 23;

// Orders.
export const STATE_CHANGED = 1;
export const LOAD = 2;
export const STORE = 3;
export const ANNOUNCE = 4;
export const RELEASE_LEASE = 5;
export const ACQUIRE_LEASE = 6;
export const SEND_TOKEN_REQUEST = 7;
export const PROBE = 8;
export const REVOKE = 9;
export const REQUIRE_LOGIN = 10;
export const REFUSE = 11;
export const RELEASE = 12;

// Outcomes.
export const DONE = 0;
export const STALE = 1;
export const ORPHANED = 2;
export const ADMITTED = 5;
export const RETRY = 7;
export const SURFACE = 256;
export const REFUSED = -1000;

// How a token request failed; a grant that can't be used is 16 less its error.
export const NOT_SENT = 0;
export const LOST = 1;
export const RATE_LIMITED = 2;
export const UNAVAILABLE = 3;
export const INVALID_GRANT = 4;
export const INTERACTION_REQUIRED = 5;
export const MISCONFIGURED = 6;
export const UNRECOGNIZED = 7;
export const UNUSABLE = 16;
export const UNUSABLE_EMPTY = 36;
export const UNUSABLE_LIFETIME = 42;
export const UNUSABLE_TYPE = 43;

// What `read` gives.
export const REFRESH_TOKEN = 0;
export const REVOCATION = 1;
export const RECORD = 2;
export const CREDENTIAL = 3;
export const SCOPE = 4;
export const SUBJECT = 5;
export const APP_DATA = 6;
export const GENERATION = 7;
export const SCHEME = 8;

// The configuration's fields that the host loop sets itself.
export const HAS_STORE = 0;
export const CONFIRMATION = 1;
export const LEASE = 2;
export const AMBIENT = 3;
export const RENEWAL = 4;

// An argument that is none.
export const ARGUMENT = -1;

// Errors of grants, from here down.
export const GRANT_ERRORS = -20;
export const GRANT_TOO_LONG = -25;

// The room for bytes: Context::BUFFER.
export const BUFFER = 16512;

// States and causes that the host loop knows.
export const PENDING = 1;
export const READY = 2;
export const SIGNED_OUT = 2;

// Causes of the host's own, beside those of the core. A failed token request is 200 and how it failed.
export const REDIRECTED = 100;
export const NOT_REPLAYABLE = 101;
export const DESTROYED = 102;
export const SUPERSEDED = 103;
export const NOT_LOADED = 104;
export const FAILED = 200;
