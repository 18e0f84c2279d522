//! Facts about requests and their answers.

use core::ffi::c_char;

use crate::capi::facts::now;
use crate::capi::facts::outcome;
use crate::capi::facts::tell;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Held;
use crate::capi::types::tl_latch;
use crate::challenge::Challenge;
use crate::event::Access;
use crate::event::Event;
use crate::numbers;
use crate::numbers::TL_ERR_ARGUMENT;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// A request wants to leave.
///
/// `waiter` is the host's id for it, unique among those that wait. `TL_OUTCOME_ADMITTED`: a
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
    request(latch, (now_ms, wall_ms), waiter, Access::First)
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
    request(latch, (now_ms, wall_ms), waiter, access)
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
    request(latch, (now_ms, wall_ms), waiter, Access::Public)
}

/// A request was answered by the API, whatever the HTTP status; a 401 that hides in a 200 body is told as 401.
///
/// `receipt` is from `tl_permit`. `www_authenticate` holds the values of all headers of that name, joined by `\n`; no length: there
/// is none. Any bytes are safe.
///
/// Outcomes: `TL_OUTCOME_DELIVER`, `TL_OUTCOME_RETRY` (go on with `tl_access_retried`), `TL_OUTCOME_SURFACE` with a
/// cause, `TL_OUTCOME_STALE`: the sign-in is over, and whether its answer is still shown is the application's choice.
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
        let mut latch = latch?;
        // SAFETY: the caller's promise.
        let headers = unsafe { ptr::list(www_authenticate.cast::<u8>(), len) }?;
        let event = Event::Answered {
            receipt: Receipt::from_u64(receipt),
            status,
            challenge: challenge(headers).kind(),
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms)?, event)))
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
        let mut latch = latch?;
        let event = Event::Answered {
            receipt: Receipt::from_u64(receipt),
            status,
            challenge: numbers::challenge_kind(challenge).ok_or(TL_ERR_ARGUMENT)?,
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms)?, event)))
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
    tell(latch, (now_ms, wall_ms), Event::WaiterCancelled { waiter })
}

fn request(latch: Result<Held<'_>, i32>, now: (u64, u64), waiter: u32, access: Access) -> i32 {
    let waiter = Waiter::from_u32(waiter);
    tell(latch, now, Event::AccessRequested { waiter, access })
}

/// The headers of an answer, joined by line feeds; no byte is none.
pub(super) fn challenge(headers: &[u8]) -> Challenge<'_> {
    if headers.is_empty() {
        return Challenge::default();
    }
    Challenge::parse(headers.split(|byte| *byte == b'\n'))
}
