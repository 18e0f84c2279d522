//! Facts: what the host tells.
//!
//! Each returns an outcome, or an error after which nothing has changed. Every fact but `tl_opened` and those about
//! requests gives `TL_ERR_NOT_OPENED` before `tl_opened`.

use core::ffi::c_char;
use core::ptr::null;

use crate::capi::Latch;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::shape;
use crate::capi::types::tl_grant;
use crate::capi::types::tl_latch;
use crate::capi::types::tl_response;
use crate::challenge::Challenge;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Access;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::numbers;
use crate::numbers::TL_ERR_ARGUMENT;
use crate::response::TokenResponse;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// The host is ready to carry out orders. First fact, once; requests may wait before it.
///
/// Errors: `TL_ERR_ALREADY_OPENED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_opened(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::Opened)
}

/// The context was asleep or in a cache and is back (wake, page shown): the gate closes until the store has been looked
/// at again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_resumed(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::Resumed)
}

/// Another context announced, or the platform reported, a change of the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_store_changed(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::StoreChanged)
}

/// No network: token requests wait, no budget is spent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_went_offline(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::WentOffline)
}

/// The network is back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_went_online(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::WentOnline)
}

/// Renew now, whatever the timer says: the token lacks something new. Joins a renewal under way.
///
/// Errors: `TL_ERR_NO_SESSION`, `TL_ERR_THROTTLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_refresh_requested(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::RefreshRequested)
}

/// The user signs out. On return nothing can leave and no secret can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_logout_requested(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::LogoutRequested)
}

/// The time of `tl_poll_timeout` has come. Calling too early or too often is harmless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_timeout_reached(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, now(now_ms, wall_ms), Event::TimeoutReached)
}

/// A login begins. `TL_OUTCOME_LOGIN`: `*ticket` goes with its result. An earlier login is superseded. A token's lifetime
/// counts from here, so tell it when the request is sent, again if need be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_login_started(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: *mut u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    // SAFETY: the caller's promise.
    let ticket = unsafe { ptr::Out::new(ticket) };
    let tell = || {
        let (latch, ticket) = (latch?, ticket?);
        let told = latch.handle(now(now_ms, wall_ms), Event::LoginStarted);
        if let Ok(Outcome::Login(Ticket(raw))) = told {
            ticket.write(raw);
        }
        Ok(outcome(told))
    };
    number(tell())
}

/// A login or a token request succeeded. Use the macro `tl_granted(latch, now_ms, wall_ms, ticket, grant)`.
///
/// `ticket` is from `tl_login_started` or `TL_EFFECT_SEND_TOKEN_REQUEST`. The grant and its texts are copied.
/// `TL_OUTCOME_ORPHANED`: the sign-in is over and nobody owns these tokens; revoke them.
///
/// Errors: `TL_ERR_GRANT_*`: the grant can't be used; tell it corrected, or tell `tl_token_failed` with
/// `TL_FAILURE_UNUSABLE_*`. `TL_ERR_ARGUMENT` also for a text that is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_granted_sized(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
    grant: *const tl_grant,
    grant_size: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        // SAFETY: the caller's promise.
        let raw = unsafe { ptr::read_sized(grant, grant_size, NO_GRANT) }?;
        // SAFETY: the caller's promise.
        let grant = unsafe { grant_of(&raw) }?;
        let ticket = Ticket(ticket);
        Ok(outcome(latch.handle(
            now(now_ms, wall_ms),
            Event::Granted { ticket, grant },
        )))
    };
    number(tell())
}

/// A login or a token request failed: `failure` is `TL_FAILURE_*`. `retry_after_s` is `Retry-After` in seconds
/// (`tl_retry_after`), or `TL_NO_RETRY_AFTER`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_token_failed(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
    failure: u32,
    retry_after_s: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        let event = Event::TokenFailed {
            ticket: Ticket(ticket),
            failure: numbers::token_failure(failure).ok_or(TL_ERR_ARGUMENT)?,
            retry_after: some(retry_after_s),
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms), event)))
    };
    number(tell())
}

/// The answer to a login or a token request, as it came: reads the JSON body, and tells what `tl_granted` or
/// `tl_token_failed` would. Use the macro `tl_token_response(latch, now_ms, wall_ms, ticket, response, body, len)`.
///
/// `body` is written to: escapes in its texts are undone where they stand, also when the call fails. A grant that can't
/// be used is a failure of the server's, and told as such.
///
/// Errors: `TL_ERR_ARGUMENT` also for a status over 65535, a shape without a path of the access token, an unknown
/// `expiry_form`, more than `TL_CODES` codes, or a path or code that is not UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_token_response_sized(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
    response: *const tl_response,
    response_size: usize,
    body: *mut u8,
    len: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        // SAFETY: the caller's promise.
        let raw = unsafe { ptr::read_sized(response, response_size, NO_RESPONSE) }?;
        // SAFETY: the caller's promise.
        let body = unsafe { ptr::list_mut(body, len) }?;
        let status = u16::try_from(raw.status).map_err(|_| TL_ERR_ARGUMENT)?;
        let mut around = TokenResponse::new(status);
        around.retry_after = some(raw.retry_after_s);
        around.server_time = some(raw.server_time_ms);
        let now = now(now_ms, wall_ms);
        let ticket = Ticket(ticket);
        // SAFETY: the caller's promise.
        let told = unsafe {
            shape::with(raw.shape, |shape| {
                latch.handle_response_as(shape, now, ticket, around, body)
            })
        }?;
        Ok(outcome(told))
    };
    number(tell())
}

/// The store was read (`TL_EFFECT_LOAD`): `record` is what stood there, byte for byte; NULL and 0 if nothing did. Any
/// bytes are safe. They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_loaded(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
    record: *const u8,
    len: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        // SAFETY: the caller's promise.
        let record = unsafe { ptr::maybe_bytes(record, len) }?;
        let ticket = Ticket(ticket);
        Ok(outcome(latch.handle(
            now(now_ms, wall_ms),
            Event::Loaded { ticket, record },
        )))
    };
    number(tell())
}

/// The store could not be read (`TL_EFFECT_LOAD`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_load_failed(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::LoadFailed { ticket })
}

/// The record is written and will survive a crash (`TL_EFFECT_STORE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_stored(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::Stored { ticket })
}

/// The record could not be written (`TL_EFFECT_STORE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_store_failed(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::StoreFailed { ticket })
}

/// The lease is ours (`TL_EFFECT_ACQUIRE_LEASE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_lease_granted(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::LeaseGranted { ticket })
}

/// The lease can't be had (`TL_EFFECT_ACQUIRE_LEASE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_lease_denied(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::LeaseDenied { ticket })
}

/// The lease was taken away while we held it (the ticket is that of `TL_EFFECT_ACQUIRE_LEASE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_lease_lost(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::LeaseLost { ticket })
}

/// The token is revoked, or the server has no revocation (`TL_EFFECT_REVOKE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_revoked(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::Revoked { ticket })
}

/// The revocation did not reach the server (`TL_EFFECT_REVOKE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_revoke_failed(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let ticket = Ticket(ticket);
    tell(latch, now(now_ms, wall_ms), Event::RevokeFailed { ticket })
}

/// A probe was answered, or not (`TL_EFFECT_PROBE`): `result` is `TL_PROBE_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_probed(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    ticket: u32,
    result: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        let event = Event::Probed {
            ticket: Ticket(ticket),
            result: numbers::probe_result(result).ok_or(TL_ERR_ARGUMENT)?,
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms), event)))
    };
    number(tell())
}

/// A request wants to leave. `waiter` is the host's id for it, unique among those that wait. `TL_OUTCOME_ADMITTED`: a
/// `TL_EFFECT_RELEASE` or `TL_EFFECT_REFUSE` will name it. `TL_OUTCOME_SURFACE`: refused at once, with the cause.
///
/// Errors: `TL_ERR_QUEUE_FULL`, `TL_ERR_DUPLICATE_WAITER`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_access_requested(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    request(latch, now(now_ms, wall_ms), waiter, Access::First)
}

/// The same request again: the outcome of its last answer, with this receipt, was `TL_OUTCOME_RETRY`.
///
/// Errors: as `tl_access_requested`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_access_retried(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
    receipt: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let access = Access::Retry(Receipt::from_u64(receipt));
    request(latch, now(now_ms, wall_ms), waiter, access)
}

/// A request that needs no token: `TL_OUTCOME_PASS`, in any state. Its answer is not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_access_public(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    request(latch, now(now_ms, wall_ms), waiter, Access::Public)
}

/// A request was answered by the API, whatever the HTTP status; a 401 that hides in a 200 body is told as 401. `receipt`
/// is from `tl_permit`. `www_authenticate` holds the values of all headers of that name, joined by `\n`; no length: there
/// is none. Any bytes are safe.
///
/// Outcomes: `TL_OUTCOME_DELIVER`, `TL_OUTCOME_RETRY` (go on with `tl_access_retried`), `TL_OUTCOME_SURFACE` with a
/// cause, `TL_OUTCOME_STALE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_answered(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    receipt: u64,
    status: u16,
    www_authenticate: *const c_char,
    len: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        // SAFETY: the caller's promise.
        let headers = unsafe { ptr::list(www_authenticate.cast::<u8>(), len) }?;
        let event = Event::Answered {
            receipt: Receipt::from_u64(receipt),
            status,
            challenge: challenge(headers).kind(),
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms), event)))
    };
    number(tell())
}

/// As `tl_answered`, for a host that has read the header already: `challenge` is `TL_CHALLENGE_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_answered_as(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    receipt: u64,
    status: u16,
    challenge: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let tell = || {
        let latch = latch?;
        let event = Event::Answered {
            receipt: Receipt::from_u64(receipt),
            status,
            challenge: numbers::challenge_kind(challenge).ok_or(TL_ERR_ARGUMENT)?,
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms), event)))
    };
    number(tell())
}

/// The owner of a waiting request gave it up. `TL_OUTCOME_STALE` if it does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_waiter_cancelled(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let waiter = Waiter::from_u32(waiter);
    tell(
        latch,
        now(now_ms, wall_ms),
        Event::WaiterCancelled { waiter },
    )
}

fn tell(latch: Result<&mut Latch, i32>, now: Now, event: Event<'_>) -> i32 {
    number(latch.map(|latch| outcome(latch.handle(now, event))))
}

fn request(latch: Result<&mut Latch, i32>, now: Now, waiter: u32, access: Access) -> i32 {
    let waiter = Waiter::from_u32(waiter);
    tell(latch, now, Event::AccessRequested { waiter, access })
}

fn outcome(told: Result<Outcome, Rejected>) -> i32 {
    match told {
        Ok(outcome) => numbers::outcome(outcome),
        Err(rejected) => numbers::rejected(rejected),
    }
}

/// Both clocks, or the one: a wall clock at 0 is none.
pub(super) fn now(now_ms: u64, wall_ms: u64) -> Now {
    match wall_ms {
        0 => Now::monotonic(now_ms),
        wall_ms => Now::new(now_ms, wall_ms),
    }
}

/// 0 is none.
fn some<T: Default + PartialEq>(number: T) -> Option<T> {
    (number != T::default()).then_some(number)
}

/// The headers of an answer, joined by line feeds; no byte is none.
pub(super) fn challenge(headers: &[u8]) -> Challenge<'_> {
    if headers.is_empty() {
        return Challenge::default();
    }
    Challenge::parse(headers.split(|byte| *byte == b'\n'))
}

const NO_GRANT: tl_grant = tl_grant {
    access_token: null(),
    access_token_len: 0,
    refresh_token: null(),
    refresh_token_len: 0,
    scope: null(),
    scope_len: 0,
    subject: null(),
    subject_len: 0,
    app_data: null(),
    app_data_len: 0,
    expiry_ms: 0,
    server_time_ms: 0,
    expiry: numbers::TL_EXPIRY_UNKNOWN,
    token_type: numbers::TL_TOKEN_TYPE_BEARER,
};

const NO_RESPONSE: tl_response = tl_response {
    server_time_ms: 0,
    shape: null(),
    status: 0,
    retry_after_s: 0,
};

/// # Safety
///
/// The caller's promise, for each of the texts.
unsafe fn grant_of<'a>(raw: &tl_grant) -> Result<Grant<'a>, i32> {
    // SAFETY: the caller's promise.
    let access_token = unsafe { ptr::text(raw.access_token, raw.access_token_len) }?;
    let mut grant = Grant::new(access_token);
    // SAFETY: the caller's promise.
    grant.refresh_token = unsafe { ptr::maybe_text(raw.refresh_token, raw.refresh_token_len) }?;
    // SAFETY: the caller's promise.
    grant.scope = unsafe { ptr::maybe_text(raw.scope, raw.scope_len) }?;
    // SAFETY: the caller's promise.
    grant.subject = unsafe { ptr::maybe_text(raw.subject, raw.subject_len) }?;
    // SAFETY: the caller's promise.
    grant.app_data = unsafe { ptr::maybe_bytes(raw.app_data, raw.app_data_len) }?;
    grant.expiry = numbers::expiry(raw.expiry, raw.expiry_ms).ok_or(TL_ERR_ARGUMENT)?;
    grant.token_type = numbers::token_type(raw.token_type).ok_or(TL_ERR_ARGUMENT)?;
    grant.server_time = some(raw.server_time_ms);
    Ok(grant)
}
