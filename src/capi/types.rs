//! What crosses the boundary: integers, pointers and lengths.

use core::ffi::c_char;

use crate::capi::TL_LATCH_WORDS;

/// Memory for a latch. Its header is written by hand, because its size follows from the capacities.
#[repr(C)]
#[derive(Debug)]
pub struct tl_latch {
    opaque_: [u64; TL_LATCH_WORDS],
}

/// How a latch behaves. Begin with `tl_config_init`, and change what differs. Times are in milliseconds; a switch is
/// 0 or 1.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct tl_config {
    /// Whether there is a store. Default: 1.
    pub store: u32,
    /// When a new credential counts as ready: `TL_CONFIRMATION_*`. Default: stored. Without a store it must be
    /// memory or probed.
    pub confirmation: u32,
    /// The lease between contexts: `TL_LEASE_*`. Default: none.
    pub lease: u32,
    /// Token or cookie: `TL_CREDENTIAL_*`. Default: token.
    pub credential: u32,
    /// How a session is renewed: `TL_RENEWAL_*`. Default: by refresh token.
    pub renewal: u32,
    /// Requests while nobody is signed in: `TL_WAITING_*`. Default: hold.
    pub when_signed_out: u32,
    /// Requests while a renewal failed for now: `TL_WAITING_*`. Default: hold.
    pub when_unavailable: u32,
    /// Whether a renewal started by the timer lets requests use the old, still valid token. Default: 0.
    pub serve_while_refreshing: u32,
    /// Whether a 401 without any challenge is somebody else's. Default: 0.
    pub require_challenge: u32,
    /// How long a request may wait. Default: 30 s.
    pub wait_limit_ms: u32,
    /// How often one request may be sent in all, up to 255. Default: 3.
    pub max_attempts: u32,
    /// How long before its end a token is renewed, at most; never more than a quarter of its lifetime. Default: 60 s.
    pub refresh_margin_ms: u32,
    /// First back-off of a failed renewal; doubles each time, with full jitter. Default: 1 s.
    pub backoff_base_ms: u32,
    /// Longest back-off. Default: 5 min.
    pub backoff_cap_ms: u32,
    /// Longest `Retry-After` that is honoured. Default: 1 h.
    pub retry_after_cap_ms: u32,
    /// Token requests in any window, up to 255; half of them may leave at once. Default: 10.
    pub budget: u32,
    /// The window of the budget. Default: 1 min.
    pub budget_window_ms: u32,
    /// How long after it was first sent the server accepts a used refresh token again. Default: 10 s.
    pub reuse_grace_ms: u32,
    /// Age below which a refused, never accepted token is taken for replica lag. Default: 2 s.
    pub fresh_window_ms: u32,
    /// Delay of the retry in that case. Default: 500 ms.
    pub fresh_retry_ms: u32,
    /// Difference between the clocks that counts as sleep or a jump. Default: 5 s.
    pub clock_tolerance_ms: u32,
    /// Deadline of a load or store. Default: 5 s.
    pub store_timeout_ms: u32,
    /// Deadline of a token request. Default: 30 s.
    pub token_timeout_ms: u32,
    /// Deadline of a probe. Default: 15 s.
    pub probe_timeout_ms: u32,
    /// Deadline of a revocation. Default: 15 s.
    pub revoke_timeout_ms: u32,
    /// Deadline of a lease; longer than the longest renewal of another holder. Default: 60 s.
    pub lease_timeout_ms: u32,
    /// Deadline of a login that the host started. Default: 10 min.
    pub login_timeout_ms: u32,
    /// How often a load, a store, a probe or a revocation is tried, up to 255. Default: 3.
    pub attempts: u32,
}

/// What a login or a renewal gave. All zero is a good start: NULL means absent, and every 0 is a default. The texts
/// are UTF-8, not terminated, and are copied by the latch.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tl_grant {
    /// The access token, as it goes into the header, without a scheme. NULL for a cookie session.
    pub access_token: *const c_char,
    /// Its length in bytes.
    pub access_token_len: usize,
    /// The refresh token. Absent in a renewal: the old one stays.
    pub refresh_token: *const c_char,
    /// Its length in bytes.
    pub refresh_token_len: usize,
    /// The granted scope.
    pub scope: *const c_char,
    /// Its length in bytes.
    pub scope_len: usize,
    /// Who signed in, as the server names them: lets the latch notice another user.
    pub subject: *const c_char,
    /// Its length in bytes.
    pub subject_len: usize,
    /// A few bytes of the app's own, kept with the tokens in the record.
    pub app_data: *const u8,
    /// Their length.
    pub app_data_len: usize,
    /// The number that `expiry` speaks of, in milliseconds.
    pub expiry_ms: u64,
    /// The server's clock when it answered, Unix milliseconds; 0: unknown. Give it with `TL_EXPIRY_AT`.
    pub server_time_ms: u64,
    /// What is known of the lifetime: `TL_EXPIRY_*`.
    pub expiry: u32,
    /// How the token is used: `TL_TOKEN_TYPE_*`.
    pub token_type: u32,
}

/// Where the fields stand in a token endpoint's JSON body: keys joined with dots (`"data.token"`).
///
/// All texts are terminated by NUL; NULL means that there is no such field. Begin with `tl_response_shape_init`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tl_response_shape {
    /// Path of the access token; not NULL.
    pub access_token: *const c_char,
    /// Path of the refresh token.
    pub refresh_token: *const c_char,
    /// Path of the lifetime or expiry: a number, or a number as a string.
    pub expiry: *const c_char,
    /// Path of the token type. Absent in the body: Bearer.
    pub token_type: *const c_char,
    /// Path of the granted scope.
    pub scope: *const c_char,
    /// Path of the subject: a string or an integer.
    pub subject: *const c_char,
    /// Path of an error or result code: a string or an integer.
    pub code: *const c_char,
    /// Codes that mean success, up to `TL_CODES`. None: an empty
    /// one, `false` and `0`.
    pub success_codes: *const *const c_char,
    /// How many they are.
    pub success_codes_len: usize,
    /// Codes that end the session, beside `invalid_grant`, up to `TL_CODES`.
    pub ended_codes: *const *const c_char,
    /// How many they are.
    pub ended_codes_len: usize,
    /// What the number at `expiry` means: `TL_EXPIRY_FORM_*`.
    pub expiry_form: u32,
}

/// What stands around the body of a token endpoint's answer. All zero but the status is a good start.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tl_response {
    /// `Date`, in milliseconds since the Unix epoch (`tl_http_date`); 0: unknown.
    pub server_time_ms: u64,
    /// Where the fields stand in the body; NULL: as in RFC 6749.
    pub shape: *const tl_response_shape,
    /// HTTP status.
    pub status: u32,
    /// `Retry-After`, in seconds (`tl_retry_after`); `TL_NO_RETRY_AFTER`, which is 0: none.
    pub retry_after_s: u32,
}

/// An order. What does not belong to its kind is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct tl_effect {
    /// `TL_EFFECT_*`.
    pub kind: u32,
    /// Comes back with the answer.
    pub ticket: u32,
    /// The host's id of the request that is released or refused.
    pub waiter: u32,
    /// The new state: `TL_STATE_*`.
    pub state: u32,
    /// What the token request is made of: `TL_GRANT_TYPE_*`.
    pub grant_type: u32,
    /// Why a login is needed or a request refused: `TL_CAUSE_*`.
    pub cause: u32,
}

/// One of the last steps: an event, what it changed, and the orders that were given after it. Never a secret.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct tl_step {
    /// When, by the monotonic clock.
    pub at_ms: u64,
    /// Sign-ins and sign-outs of the store so far.
    pub sign_in: u32,
    /// Renewals within the sign-in.
    pub serial: u32,
    /// `TL_EVENT_*`.
    pub event: u32,
    /// State before: `TL_STATE_*`.
    pub from: u32,
    /// State after.
    pub to: u32,
    /// Orders given since: bit n for kind n (`1u << TL_EFFECT_LOAD`).
    pub effects: u32,
}

/// What a `WWW-Authenticate` says.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct tl_challenge {
    /// How many seconds ago the user may have authenticated (RFC 9470); counts if `has_max_age`.
    pub max_age_s: u64,
    /// `TL_CHALLENGE_*`.
    pub kind: u32,
    /// Whether there is a `max_age` that is a number.
    pub has_max_age: u32,
}

/// What a store holds, without the secrets.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct tl_store_content {
    /// `TL_STORE_*`.
    pub content: u32,
    /// What is wrong with it: `TL_CORRUPT_*`.
    pub corrupt: u32,
    /// Of a session or a tombstone.
    pub sign_in: u32,
    /// Of a session or a tombstone.
    pub serial: u32,
}
