//! Facts: what the host tells.
//!
//! Each returns an outcome, or an error after which nothing has changed.

use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Held;
use crate::capi::types::tl_latch;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::numbers;
use crate::numbers::TL_ERR_ARGUMENT;
use crate::time::Now;

/// The host is ready to carry out orders. First fact, once; requests may wait before it.
///
/// Errors: `TL_ERR_ALREADY_OPENED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_opened(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::Opened)
}

/// The context was asleep or in a cache and is back (wake, page shown): the gate closes until the store has been looked
/// at again.
///
/// Errors: `TL_ERR_NOT_OPENED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_resumed(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::Resumed)
}

/// Another context announced, or the platform reported, a change of the store.
///
/// Errors: `TL_ERR_NOT_OPENED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_store_changed(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::StoreChanged)
}

/// No network: token requests wait, no budget is spent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_went_offline(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::WentOffline)
}

/// The network is back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_went_online(latch: *mut tl_latch, now_ms: u64, wall_ms: u64) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::WentOnline)
}

/// Renew now, whatever the timer says: the token lacks something new. Joins a renewal under way.
///
/// Errors: `TL_ERR_NOT_OPENED`, `TL_ERR_NO_SESSION`, `TL_ERR_THROTTLED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_refresh_requested(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::RefreshRequested)
}

/// The user signs out. On return nothing can leave and no secret can be read.
///
/// Errors: `TL_ERR_NOT_OPENED`: the session in the store is untouched, so tell it again after `tl_opened`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_logout_requested(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    tell(latch, (now_ms, wall_ms), Event::LogoutRequested)
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
    tell(latch, (now_ms, wall_ms), Event::TimeoutReached)
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
        let mut latch = latch?;
        // SAFETY: the caller's promise.
        let record = unsafe { ptr::maybe_bytes(record, len) }?;
        let ticket = Ticket(ticket);
        Ok(outcome(latch.handle(
            now(now_ms, wall_ms)?,
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
    tell(latch, (now_ms, wall_ms), Event::LoadFailed { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::Stored { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::StoreFailed { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::LeaseGranted { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::LeaseDenied { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::LeaseLost { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::Revoked { ticket })
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
    tell(latch, (now_ms, wall_ms), Event::RevokeFailed { ticket })
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
        let mut latch = latch?;
        let event = Event::Probed {
            ticket: Ticket(ticket),
            result: numbers::probe_result(result).ok_or(TL_ERR_ARGUMENT)?,
        };
        Ok(outcome(latch.handle(now(now_ms, wall_ms)?, event)))
    };
    number(tell())
}

pub(super) fn tell(
    latch: Result<Held<'_>, i32>,
    (now_ms, wall_ms): (u64, u64),
    event: Event<'_>,
) -> i32 {
    let tell = || Ok(outcome(latch?.handle(now(now_ms, wall_ms)?, event)));
    number(tell())
}

pub(super) fn outcome(told: Result<Outcome, Rejected>) -> i32 {
    match told {
        Ok(outcome) => numbers::outcome(outcome),
        Err(rejected) => numbers::rejected(rejected),
    }
}

/// Both clocks, or the one: a wall clock at 0 is none. What a clock with a sign calls negative is refused: the latch
/// would wait for it for ever.
pub(super) fn now(now_ms: u64, wall_ms: u64) -> Result<Now, i32> {
    if now_ms.max(wall_ms).cast_signed() < 0 {
        return Err(TL_ERR_ARGUMENT);
    }
    Ok(match wall_ms {
        0 => Now::monotonic(now_ms),
        wall_ms => Now::new(now_ms, wall_ms),
    })
}

/// 0 is none.
pub(super) fn some<T: Default + PartialEq>(number: T) -> Option<T> {
    (number != T::default()).then_some(number)
}
