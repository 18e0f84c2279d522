//! The numbers that stand for states, events, orders and errors where only integers cross: in C, and in JavaScript.
//!
//! One table for both. A number keeps its meaning for ever: one that goes out of use is not given to something else.

mod convert;

pub(crate) use convert::*;

/// Taken. Drain the effects.
pub const TL_OUTCOME_DONE: i32 = 0;
/// The id is unknown, superseded or answered already: nothing changed.
pub const TL_OUTCOME_STALE: i32 = 1;
/// The grant belongs to a sign-in that is over, and the tokens are nobody's: revoke them.
pub const TL_OUTCOME_ORPHANED: i32 = 2;
/// A login began; its ticket was written.
pub const TL_OUTCOME_LOGIN: i32 = 3;
/// The request needs no token: send it as it is.
pub const TL_OUTCOME_PASS: i32 = 4;
/// The request waits; a release or a refusal will name it.
pub const TL_OUTCOME_ADMITTED: i32 = 5;
/// The answer is the application's.
pub const TL_OUTCOME_DELIVER: i32 = 6;
/// Not the application's: request access again with this receipt.
pub const TL_OUTCOME_RETRY: i32 = 7;
/// This plus a cause: give the answer, or the cause, to the application; sending again can't help.
pub const TL_OUTCOME_SURFACE: i32 = 256;

/// An argument that has no meaning: NULL, a length without memory, memory that is not aligned, an unknown number, text
/// that is not UTF-8.
pub const TL_ERR_ARGUMENT: i32 = -1;
/// The sizes or the version do not fit this library: header and library are not of one build.
pub const TL_ERR_ABI: i32 = -2;
/// Not a latch: not initialised, wiped, or copied from elsewhere.
pub const TL_ERR_UNINIT: i32 = -3;
/// The buffer is too small; the length that is needed was written.
pub const TL_ERR_SPACE: i32 = -4;
/// The record belongs to an order that was superseded.
pub const TL_ERR_STALE: i32 = -5;
/// `tl_opened` comes first.
pub const TL_ERR_NOT_OPENED: i32 = -10;
/// `tl_opened` was told already.
pub const TL_ERR_ALREADY_OPENED: i32 = -11;
/// As many requests wait as there is room for: try again when one has ended.
pub const TL_ERR_QUEUE_FULL: i32 = -12;
/// A request with this id waits already.
pub const TL_ERR_DUPLICATE_WAITER: i32 = -13;
/// There is no session to renew.
pub const TL_ERR_NO_SESSION: i32 = -14;
/// The budget of token requests is spent: try again later.
pub const TL_ERR_THROTTLED: i32 = -15;
/// A token is missing or empty.
pub const TL_ERR_GRANT_EMPTY: i32 = -20;
/// A token is a script's literal for a missing value: `undefined`, `null`.
pub const TL_ERR_GRANT_LITERAL: i32 = -21;
/// A token has quotes around it.
pub const TL_ERR_GRANT_QUOTED: i32 = -22;
/// A token begins with its scheme.
pub const TL_ERR_GRANT_SCHEME: i32 = -23;
/// A token has a character that no header can carry.
pub const TL_ERR_GRANT_CHARACTER: i32 = -24;
/// A field is longer than the latch was built for.
pub const TL_ERR_GRANT_TOO_LONG: i32 = -25;
/// The lifetime is zero, negative, over by the server's own clock, or not a number.
pub const TL_ERR_GRANT_LIFETIME: i32 = -26;
/// The token type is not understood.
pub const TL_ERR_GRANT_TOKEN_TYPE: i32 = -27;
/// Not released, or the gate closed again since: the request still waits, a release will come.
pub const TL_ERR_NOT_READY: i32 = -30;
/// No such request waits, or no such order is under way.
pub const TL_ERR_UNKNOWN: i32 = -31;
/// A lease guards a store, and there is none.
pub const TL_ERR_CONFIG_LEASE_WITHOUT_STORE: i32 = -40;
/// This confirmation level needs a store.
pub const TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE: i32 = -41;
/// A cookie session is confirmed by a probe only.
pub const TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE: i32 = -42;
/// A field that must not be zero is.
pub const TL_ERR_CONFIG_ZERO: i32 = -43;
/// `backoff_cap_ms` is smaller than `backoff_base_ms`.
pub const TL_ERR_CONFIG_BACKOFF_CAP: i32 = -44;
/// `lease_timeout_ms` is shorter than one renewal of another holder.
pub const TL_ERR_CONFIG_LEASE_TIMEOUT: i32 = -45;
/// The latch was told something before it was recorded: a recording begins with a new latch.
pub const TL_ERR_RECORDING_NOT_NEW: i32 = -50;
/// The buffer does not even hold the configuration.
pub const TL_ERR_RECORDING_SPACE: i32 = -51;
/// Nothing is recorded.
pub const TL_ERR_RECORDING_NONE: i32 = -52;
/// This less a cause: the request was refused and waits no longer.
pub const TL_ERR_REFUSED: i32 = -1000;

/// No credential. Requests wait for a login or are refused, as configured.
pub const TL_STATE_UNAUTHENTICATED: u32 = 0;
/// A credential is on its way but not confirmed. The gate is closed.
pub const TL_STATE_PENDING: u32 = 1;
/// Confirmed and unexpired. The gate is open.
pub const TL_STATE_READY: u32 = 2;
/// A renewal is under way. The gate is closed, or serves the old token where that is configured.
pub const TL_STATE_REFRESHING: u32 = 3;
/// The credential can't be used: a retry is scheduled, or a new login is needed. The gate is closed.
pub const TL_STATE_EXPIRED: u32 = 4;

/// `tl_opened`.
pub const TL_EVENT_OPENED: u32 = 0;
/// `tl_resumed`.
pub const TL_EVENT_RESUMED: u32 = 1;
/// `tl_store_changed`.
pub const TL_EVENT_STORE_CHANGED: u32 = 2;
/// `tl_went_offline`.
pub const TL_EVENT_WENT_OFFLINE: u32 = 3;
/// `tl_went_online`.
pub const TL_EVENT_WENT_ONLINE: u32 = 4;
/// `tl_login_started`.
pub const TL_EVENT_LOGIN_STARTED: u32 = 5;
/// `tl_granted`.
pub const TL_EVENT_GRANTED: u32 = 6;
/// `tl_token_failed`.
pub const TL_EVENT_TOKEN_FAILED: u32 = 7;
/// `tl_loaded`.
pub const TL_EVENT_LOADED: u32 = 8;
/// `tl_load_failed`.
pub const TL_EVENT_LOAD_FAILED: u32 = 9;
/// `tl_stored`.
pub const TL_EVENT_STORED: u32 = 10;
/// `tl_store_failed`.
pub const TL_EVENT_STORE_FAILED: u32 = 11;
/// `tl_probed`.
pub const TL_EVENT_PROBED: u32 = 12;
/// `tl_lease_granted`.
pub const TL_EVENT_LEASE_GRANTED: u32 = 13;
/// `tl_lease_denied`.
pub const TL_EVENT_LEASE_DENIED: u32 = 14;
/// `tl_lease_lost`.
pub const TL_EVENT_LEASE_LOST: u32 = 15;
/// `tl_revoked`.
pub const TL_EVENT_REVOKED: u32 = 16;
/// `tl_revoke_failed`.
pub const TL_EVENT_REVOKE_FAILED: u32 = 17;
/// `tl_access_requested` and its kin.
pub const TL_EVENT_ACCESS_REQUESTED: u32 = 18;
/// `tl_answered`.
pub const TL_EVENT_ANSWERED: u32 = 19;
/// `tl_waiter_cancelled`.
pub const TL_EVENT_WAITER_CANCELLED: u32 = 20;
/// `tl_refresh_requested`.
pub const TL_EVENT_REFRESH_REQUESTED: u32 = 21;
/// `tl_logout_requested`.
pub const TL_EVENT_LOGOUT_REQUESTED: u32 = 22;
/// `tl_timeout_reached`.
pub const TL_EVENT_TIMEOUT_REACHED: u32 = 23;

/// No order until something is told again.
pub const TL_EFFECT_NONE: u32 = 0;
/// The state is now `state`. For display: nothing has to be answered.
pub const TL_EFFECT_STATE_CHANGED: u32 = 1;
/// Read the store; answer `tl_loaded` or `tl_load_failed`.
pub const TL_EFFECT_LOAD: u32 = 2;
/// Write `tl_record` to the store, in one piece, in the order given; answer `tl_stored` or `tl_store_failed`.
pub const TL_EFFECT_STORE: u32 = 3;
/// Tell the other contexts that the store changed. It carries nothing: they read the store.
pub const TL_EFFECT_ANNOUNCE: u32 = 4;
/// Give the lease up, or stop waiting for it. The ticket is that of the order to acquire it.
pub const TL_EFFECT_RELEASE_LEASE: u32 = 5;
/// Get the lease between contexts; answer `tl_lease_granted` or `tl_lease_denied`.
pub const TL_EFFECT_ACQUIRE_LEASE: u32 = 6;
/// Send a token request of kind `grant_type`; answer `tl_token_response`, or `tl_granted` or `tl_token_failed`.
pub const TL_EFFECT_SEND_TOKEN_REQUEST: u32 = 7;
/// Make a cheap request with `tl_probe_permit`; answer `tl_probed`.
pub const TL_EFFECT_PROBE: u32 = 8;
/// Revoke `tl_revocation` at the server (RFC 7009); answer `tl_revoked` or `tl_revoke_failed`.
pub const TL_EFFECT_REVOKE: u32 = 9;
/// Nobody can be served until someone logs in; `cause` says why.
pub const TL_EFFECT_REQUIRE_LOGIN: u32 = 10;
/// The request `waiter` will not leave, because of `cause`. It waits no longer.
pub const TL_EFFECT_REFUSE: u32 = 11;
/// The request `waiter` may leave: claim `tl_permit`.
pub const TL_EFFECT_RELEASE: u32 = 12;

/// There is no such header.
pub const TL_CHALLENGE_ABSENT: u32 = 0;
/// No challenge in it is Bearer's or DPoP's.
pub const TL_CHALLENGE_OTHER_SCHEME: u32 = 1;
/// Bearer or DPoP without `error`: the request had no usable credential, or the server doesn't say.
pub const TL_CHALLENGE_NO_ERROR: u32 = 2;
/// An `error` that no RFC names.
pub const TL_CHALLENGE_OTHER_ERROR: u32 = 3;
/// `invalid_request`: the request is malformed, or carries the token twice.
pub const TL_CHALLENGE_INVALID_REQUEST: u32 = 4;
/// `invalid_token`: expired, revoked or malformed. A renewal may help.
pub const TL_CHALLENGE_INVALID_TOKEN: u32 = 5;
/// `insufficient_scope`: a renewal can't widen the scope.
pub const TL_CHALLENGE_INSUFFICIENT_SCOPE: u32 = 6;
/// `insufficient_user_authentication` (RFC 9470): the user has to authenticate again, or better.
pub const TL_CHALLENGE_INSUFFICIENT_USER_AUTHENTICATION: u32 = 7;
/// `use_dpop_nonce` (RFC 9449): the same token, with a proof that has the server's new nonce.
pub const TL_CHALLENGE_USE_DPOP_NONCE: u32 = 8;

/// `realm` (RFC 9110 11.5).
pub const TL_CHALLENGE_PARAM_REALM: u32 = 0;
/// `scope`: what the resource needs, separated by spaces (RFC 6750 3).
pub const TL_CHALLENGE_PARAM_SCOPE: u32 = 1;
/// `acr_values`: the authentication that would do, in order of preference (RFC 9470 3).
pub const TL_CHALLENGE_PARAM_ACR_VALUES: u32 = 2;

/// The request never left (no route, refused connection, TLS failed). Safe to send again.
pub const TL_FAILURE_NOT_SENT: u32 = 0;
/// The request left and no whole answer came back: the server may have rotated the refresh token.
pub const TL_FAILURE_LOST: u32 = 1;
/// 429.
pub const TL_FAILURE_RATE_LIMITED: u32 = 2;
/// 5xx, or `temporarily_unavailable`, `server_error`.
pub const TL_FAILURE_UNAVAILABLE: u32 = 3;
/// `invalid_grant` and its kin: the only answer that ends a session.
pub const TL_FAILURE_INVALID_GRANT: u32 = 4;
/// The server wants the user.
pub const TL_FAILURE_INTERACTION_REQUIRED: u32 = 5;
/// The client is set up wrong: `invalid_client`, `invalid_scope` and others.
pub const TL_FAILURE_MISCONFIGURED: u32 = 6;
/// Not an answer of a token endpoint (HTML, a portal, an unknown 4xx).
pub const TL_FAILURE_UNRECOGNIZED: u32 = 7;
/// A success answer whose grant can't be used: as `TL_ERR_GRANT_EMPTY`.
pub const TL_FAILURE_UNUSABLE_EMPTY: u32 = 36;
/// As `TL_ERR_GRANT_LITERAL`.
pub const TL_FAILURE_UNUSABLE_LITERAL: u32 = 37;
/// As `TL_ERR_GRANT_QUOTED`.
pub const TL_FAILURE_UNUSABLE_QUOTED: u32 = 38;
/// As `TL_ERR_GRANT_SCHEME`.
pub const TL_FAILURE_UNUSABLE_SCHEME: u32 = 39;
/// As `TL_ERR_GRANT_CHARACTER`.
pub const TL_FAILURE_UNUSABLE_CHARACTER: u32 = 40;
/// As `TL_ERR_GRANT_TOO_LONG`.
pub const TL_FAILURE_UNUSABLE_TOO_LONG: u32 = 41;
/// As `TL_ERR_GRANT_LIFETIME`.
pub const TL_FAILURE_UNUSABLE_LIFETIME: u32 = 42;
/// As `TL_ERR_GRANT_TOKEN_TYPE`.
pub const TL_FAILURE_UNUSABLE_TOKEN_TYPE: u32 = 43;

/// A request with `tl_refresh_token` (RFC 6749 6).
pub const TL_GRANT_TYPE_REFRESH_TOKEN: u32 = 0;
/// The host's own login call that needs no user.
pub const TL_GRANT_TYPE_LOGIN: u32 = 1;

/// The server did not say how long the token lives.
pub const TL_EXPIRY_UNKNOWN: u32 = 0;
/// `expiry_ms` milliseconds from when the request for it was sent (`expires_in`).
pub const TL_EXPIRY_IN: u32 = 1;
/// At `expiry_ms` milliseconds since the Unix epoch, by the server's clock (`expires_at`, `exp`).
pub const TL_EXPIRY_AT: u32 = 2;

/// RFC 6750.
pub const TL_TOKEN_TYPE_BEARER: u32 = 0;
/// RFC 9449: the host adds a proof to each request.
pub const TL_TOKEN_TYPE_DPOP: u32 = 1;

/// The server took the credential (2xx).
pub const TL_PROBE_ACCEPTED: u32 = 0;
/// The server answered 401.
pub const TL_PROBE_REFUSED: u32 = 1;
/// No answer, or one that says nothing about the credential (5xx, 429, HTML).
pub const TL_PROBE_UNREACHABLE: u32 = 2;

/// It is in the latch's memory; it is stored in the background.
pub const TL_CONFIRMATION_MEMORY: u32 = 0;
/// The store said that it is written.
pub const TL_CONFIRMATION_STORED: u32 = 1;
/// The store was read again and gave it back.
pub const TL_CONFIRMATION_READ_BACK: u32 = 2;
/// A request in this very context was accepted with it.
pub const TL_CONFIRMATION_PROBED: u32 = 3;

/// No lease: one context, or several that settle conflicts by generation and nonce.
pub const TL_LEASE_NONE: u32 = 0;
/// The host has one: a file lock, a mutex.
pub const TL_LEASE_HOST: u32 = 1;

/// A token that the client puts into a header.
pub const TL_CREDENTIAL_TOKEN: u32 = 0;
/// A cookie that the client can't see: only a probe shows that it is there.
pub const TL_CREDENTIAL_AMBIENT: u32 = 1;

/// By the refresh token (RFC 6749 6).
pub const TL_RENEWAL_REFRESH_TOKEN: u32 = 0;
/// By a login call that the host can repeat without the user.
pub const TL_RENEWAL_LOGIN: u32 = 1;

/// The request waits, at most `wait_limit_ms`.
pub const TL_WAITING_HOLD: u32 = 0;
/// The request is refused at once, with the cause.
pub const TL_WAITING_REFUSE: u32 = 1;

/// Seconds from the request (RFC 6749 `expires_in`).
pub const TL_EXPIRY_FORM_IN_SECONDS: u32 = 0;
/// Milliseconds from the request.
pub const TL_EXPIRY_FORM_IN_MILLISECONDS: u32 = 1;
/// Seconds since the Unix epoch.
pub const TL_EXPIRY_FORM_AT_SECONDS: u32 = 2;
/// Milliseconds since the Unix epoch.
pub const TL_EXPIRY_FORM_AT_MILLISECONDS: u32 = 3;

/// Nothing.
pub const TL_STORE_ABSENT: u32 = 0;
/// A session.
pub const TL_STORE_SESSION: u32 = 1;
/// The tombstone that a sign-out left.
pub const TL_STORE_TOMBSTONE: u32 = 2;
/// Bytes that are not a usable record.
pub const TL_STORE_CORRUPT: u32 = 3;

/// Nothing was wrong.
pub const TL_CORRUPT_NONE: u32 = 0;
/// Too short to be a record: a torn write.
pub const TL_CORRUPT_TRUNCATED: u32 = 1;
/// It does not begin as a record does: another program's bytes.
pub const TL_CORRUPT_MAGIC: u32 = 2;
/// Written by a later version.
pub const TL_CORRUPT_VERSION: u32 = 3;
/// The checksum does not fit: a torn write or a flipped bit.
pub const TL_CORRUPT_CHECKSUM: u32 = 4;
/// The checksum fits but the content does not: another capacity, or not written by a latch.
pub const TL_CORRUPT_CONTENT: u32 = 5;

/// No cause.
pub const TL_CAUSE_NONE: u32 = 0;
/// Nobody is signed in.
pub const TL_CAUSE_NOT_SIGNED_IN: u32 = 1;
/// The user signed out.
pub const TL_CAUSE_SIGNED_OUT: u32 = 2;
/// Another context signed out.
pub const TL_CAUSE_SIGNED_OUT_ELSEWHERE: u32 = 3;
/// Another sign-in replaced the one this request belongs to.
pub const TL_CAUSE_SIGN_IN_CHANGED: u32 = 4;
/// The login this request waited for failed.
pub const TL_CAUSE_LOGIN_FAILED: u32 = 5;
/// The request waited longer than it may.
pub const TL_CAUSE_WAIT_TIMEOUT: u32 = 6;
/// The token could not be renewed for now.
pub const TL_CAUSE_UNAVAILABLE: u32 = 7;
/// The device is offline.
pub const TL_CAUSE_OFFLINE: u32 = 8;
/// Too many token requests in the window.
pub const TL_CAUSE_THROTTLED: u32 = 9;
/// The server ended the session (`invalid_grant`): revoked, expired or reused.
pub const TL_CAUSE_SESSION_ENDED: u32 = 10;
/// The answer to a renewal was lost, and the old refresh token may be used up.
pub const TL_CAUSE_REFRESH_RESPONSE_LOST: u32 = 11;
/// The server wants the user before it renews (for example a second factor).
pub const TL_CAUSE_INTERACTION_REQUIRED: u32 = 12;
/// The token endpoint refuses this client's set-up.
pub const TL_CAUSE_MISCONFIGURED: u32 = 13;
/// The token expired and there is no way to renew it.
pub const TL_CAUSE_EXPIRED: u32 = 14;
/// The server refused a token that it had just issued.
pub const TL_CAUSE_REFUSED_FRESH: u32 = 15;
/// The token lacks the scope (`insufficient_scope`); renewing can't help.
pub const TL_CAUSE_INSUFFICIENT_SCOPE: u32 = 16;
/// The server wants a stronger or newer authentication (RFC 9470).
pub const TL_CAUSE_STEP_UP: u32 = 17;
/// The DPoP nonce was refused twice.
pub const TL_CAUSE_DPOP_NONCE: u32 = 18;
/// The request was refused as often as it may be tried.
pub const TL_CAUSE_RETRIES_EXHAUSTED: u32 = 19;
/// The clock does not fit the times in the stored record.
pub const TL_CAUSE_CLOCK_SUSPECT: u32 = 20;
/// The stored record can't be read.
pub const TL_CAUSE_STORE_CORRUPT: u32 = 21;
/// The store does not answer.
pub const TL_CAUSE_STORE_UNAVAILABLE: u32 = 22;
/// The lease between contexts could not be had.
pub const TL_CAUSE_LEASE_UNAVAILABLE: u32 = 23;
/// The session cookie was not stored or not sent.
pub const TL_CAUSE_COOKIE_NOT_SENT: u32 = 24;
/// The server saw no credential in the request.
pub const TL_CAUSE_NO_CREDENTIAL: u32 = 25;
/// The server asks for another authentication scheme.
pub const TL_CAUSE_OTHER_SCHEME: u32 = 26;
/// The server could not read the credential (`invalid_request`).
pub const TL_CAUSE_MALFORMED_CREDENTIAL: u32 = 27;
/// The server refused the request and gave no reason.
pub const TL_CAUSE_UNKNOWN: u32 = 28;
