//! Facts about logins and token requests.

use core::ptr::null;

use crate::capi::facts::now;
use crate::capi::facts::outcome;
use crate::capi::facts::some;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::shape;
use crate::capi::types::tl_grant;
use crate::capi::types::tl_latch;
use crate::capi::types::tl_response;
use crate::capi::types::tl_response_shape;
use crate::effect::Outcome;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::numbers;
use crate::numbers::TL_ERR_ARGUMENT;
use crate::response;
use crate::response::TokenResponse;

/// A login begins.
///
/// `TL_OUTCOME_LOGIN`: `*ticket` goes with its result. An earlier login is superseded. A token's lifetime
/// counts from here, so tell it when the request is sent, again if need be.
///
/// Errors: `TL_ERR_NOT_OPENED`.
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
        let (mut latch, ticket) = (latch?, ticket?);
        let told = latch.handle(now(now_ms, wall_ms)?, Event::LoginStarted);
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
/// `TL_FAILURE_UNUSABLE_*`. `TL_ERR_ARGUMENT` also for a text that is not UTF-8; `TL_ERR_ABI` for a size that is not one of
/// this library's.
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
        let mut latch = latch?;
        // SAFETY: the caller's promise.
        let raw = unsafe { ptr::read_sized(grant, grant_size, NO_GRANT) }?;
        // SAFETY: the caller's promise.
        let grant = unsafe { grant_of(&raw) }?;
        let ticket = Ticket(ticket);
        Ok(outcome(latch.handle(
            now(now_ms, wall_ms)?,
            Event::Granted { ticket, grant },
        )))
    };
    number(tell())
}

/// A login or a token request failed: `failure` is `TL_FAILURE_*`.
///
/// `retry_after_s` is `Retry-After` in seconds
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
        let mut latch = latch?;
        let event = Event::TokenFailed {
            ticket: Ticket(ticket),
            failure: numbers::token_failure(failure).ok_or(TL_ERR_ARGUMENT)?,
            retry_after: some(retry_after_s),
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms)?, event)))
    };
    number(tell())
}

/// The answer to a login or a token request, as it came: reads the JSON body, and tells what `tl_granted` or
/// `tl_token_failed` would.
///
/// Use the macro `tl_token_response(latch, now_ms, wall_ms, ticket, response, body, len)`.
///
/// `body` is written to: escapes in its texts are undone where they stand, also when the call fails. A grant that can't
/// be used is a failure of the server's, and told as such. A failure is `TL_OUTCOME_DONE` too: who has to know which one
/// it was calls `tl_token_response_read`.
///
/// Errors: `TL_ERR_ARGUMENT` also for a status over 65535, a shape without a path of the access token, an unknown
/// `expiry_form`, more than `TL_CODES` codes, or a path or code that is not UTF-8; `TL_ERR_ABI` for a size that is not one
/// of this library's.
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
        let mut latch = latch?;
        // SAFETY: the caller's promise.
        let raw = unsafe { ptr::read_sized(response, response_size, NO_RESPONSE) }?;
        // SAFETY: the caller's promise.
        let body = unsafe { ptr::list_mut(body, len) }?;
        let status = u16::try_from(raw.status).map_err(|_| TL_ERR_ARGUMENT)?;
        let mut around = TokenResponse::new(status);
        around.retry_after = some(raw.retry_after_s);
        around.server_time = some(raw.server_time_ms);
        let now = now(now_ms, wall_ms)?;
        let mut event = response::granted(Ticket(ticket), around);
        // SAFETY: the caller's promise.
        unsafe { read(&mut event, raw.shape, around, body) }?;
        let told = response::tell(&mut event, around, |event| latch.handle(now, *event));
        Ok(outcome(told))
    };
    number(tell())
}

/// What stands in the body. Not inlined: so the shape leaves the stack before the latch is told.
///
/// # Safety
///
/// The caller's promise, for the shape and its texts.
#[inline(never)]
unsafe fn read<'a>(
    event: &mut Event<'a>,
    raw: *const tl_response_shape,
    around: TokenResponse,
    body: &'a mut [u8],
) -> Result<(), i32> {
    // SAFETY: the caller's promise; the event borrows nothing of the shape.
    unsafe { shape::with(raw, |shape| response::read(event, shape, around, body)) }
}

pub(super) const NO_GRANT: tl_grant = tl_grant {
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

pub(super) const NO_RESPONSE: tl_response = tl_response {
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
