// Fields of the configuration, for `tune`. Times are in milliseconds.

/** 0 in memory, 1 stored, 2 read back, 3 probed. Default: 1. */
export const CONFIRMATION: 1;
/** Requests while nobody is signed in: 0 wait, 1 are refused. Default: 0. */
export const WHEN_SIGNED_OUT: 5;
/** Requests while a renewal failed for now: 0 wait, 1 are refused. Default: 0. */
export const WHEN_UNAVAILABLE: 6;
/** 1: a renewal started by the timer lets requests use the old, still valid token. Default: 0. */
export const SERVE_WHILE_REFRESHING: 7;
/** 1: a 401 without any challenge is somebody else's. Default: 0. */
export const REQUIRE_CHALLENGE: 8;
/** How long a request may wait. Default: 30 s. */
export const WAIT_LIMIT_MS: 9;
/** How often one request may be sent in all. Default: 3. */
export const MAX_ATTEMPTS: 10;
/** How long before its end a token is renewed, at most. Default: 60 s. */
export const REFRESH_MARGIN_MS: 11;
/** First back-off of a failed renewal. Default: 1 s. */
export const BACKOFF_BASE_MS: 12;
/** Longest back-off. Default: 5 min. */
export const BACKOFF_CAP_MS: 13;
/** Longest `Retry-After` that is honoured. Default: 1 h. */
export const RETRY_AFTER_CAP_MS: 14;
/** Token requests in any window. Default: 10. */
export const BUDGET: 15;
/** The window of the budget. Default: 1 min. */
export const BUDGET_WINDOW_MS: 16;
/** How long after it was first sent the server accepts a used refresh token again. Default: 10 s. */
export const REUSE_GRACE_MS: 17;
/** Age below which a refused, never accepted token is taken for replica lag. Default: 2 s. */
export const FRESH_WINDOW_MS: 18;
/** Delay of the retry then. Default: 500 ms. */
export const FRESH_RETRY_MS: 19;
/** Difference between the clocks that counts as sleep or a jump. Default: 5 s. */
export const CLOCK_TOLERANCE_MS: 20;
/** Deadline of a load or store. Default: 5 s. */
export const STORE_TIMEOUT_MS: 21;
/** Deadline of a token request. Default: 30 s. */
export const TOKEN_TIMEOUT_MS: 22;
/** Deadline of a probe. Default: 15 s. */
export const PROBE_TIMEOUT_MS: 23;
/** Deadline of a revocation. Default: 15 s. */
export const REVOKE_TIMEOUT_MS: 24;
/** Deadline of a lease. Default: 60 s. */
export const LEASE_TIMEOUT_MS: 25;
/** Deadline of a login that the application started. Default: 10 min. */
export const LOGIN_TIMEOUT_MS: 26;
/** How often a load, a store, a probe or a revocation is tried. Default: 3. */
export const ATTEMPTS: 27;
