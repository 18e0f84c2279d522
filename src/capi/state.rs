//! What a latch says of itself: it changes nothing. Several threads may ask at once, if none tells a fact meanwhile.

use core::ffi::c_char;

use crate::capi::Latch;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Buffer;
use crate::capi::types::tl_latch;
use crate::capi::types::tl_step;
use crate::grant::TokenType;
use crate::numbers;
use crate::numbers::TL_OUTCOME_DONE;
use crate::time::Instant;
use crate::time::NEVER;
use crate::trace::Step;

/// What the latch is: `TL_STATE_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_state(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| numbers::state(latch.state()).cast_signed()))
}

/// Which credential it has, or had last: sign-ins and sign-outs of the store, and renewals within the sign-in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_generation(
    latch: *const tl_latch,
    sign_in: *mut u32,
    serial: *mut u32,
) -> i32 {
    let tell = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let sign_in = unsafe { ptr::Out::new(sign_in) }?;
        // SAFETY: the caller's promise.
        let serial = unsafe { ptr::Out::new(serial) }?;
        let generation = latch.generation();
        sign_in.write(generation.sign_in);
        serial.write(generation.serial);
        Ok(TL_OUTCOME_DONE)
    };
    number(tell())
}

/// 1 if the store does not hold the credential: it would not survive a restart. Else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_is_volatile(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| latch.is_volatile().into()))
}

/// 1 if the host said that there is no network. Else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_is_offline(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| latch.is_offline().into()))
}

/// How many requests wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_waiting(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| i32::try_from(latch.waiting()).unwrap_or(i32::MAX)))
}

/// What keeps the gate closed, or would keep the next renewal from happening: `TL_CAUSE_*`, or `TL_CAUSE_NONE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_trouble(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| latch.trouble().map_or(0, |cause| cause.code().into())))
}

/// What was wrong with the bytes that the last load found: `TL_CORRUPT_*`, or `TL_CORRUPT_NONE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_corrupt(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    number(latch.map(|latch| numbers::corrupt(latch.corrupt()).cast_signed()))
}

/// How the token is used: `TL_TOKEN_TYPE_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_token_type(latch: *const tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    let number_of = |latch: &Latch| match latch.token_type {
        TokenType::Bearer => numbers::TL_TOKEN_TYPE_BEARER.cast_signed(),
        TokenType::Dpop => numbers::TL_TOKEN_TYPE_DPOP.cast_signed(),
    };
    number(latch.map(number_of))
}

/// When the access token ends, by the monotonic clock; `TL_NEVER` if that is not known, or there is no latch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_expires_at(latch: *const tl_latch) -> u64 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    let at = latch.ok().and_then(Latch::expires_at);
    at.map_or(NEVER, Instant::as_millis)
}

/// Copies out who is signed in, as the grant named them: UTF-8, not terminated, `*len` bytes; none if that is not known.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_subject(
    latch: *const tl_latch,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        copy(latch, (text.cast(), capacity, len), |latch| {
            latch.subject().unwrap_or_default().as_bytes()
        })
    }
}

/// Copies out the granted scope: UTF-8, not terminated, `*len` bytes; none if that is not known.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_scope(
    latch: *const tl_latch,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        copy(latch, (text.cast(), capacity, len), |latch| {
            latch.scope().unwrap_or_default().as_bytes()
        })
    }
}

/// Copies out the app's own bytes, `*len` of them; none if nobody is signed in.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_app_data(
    latch: *const tl_latch,
    data: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        copy(latch, (data, capacity, len), |latch| {
            latch.app_data().unwrap_or_default()
        })
    }
}

/// # Safety
///
/// The caller's promise.
unsafe fn copy(
    latch: *const tl_latch,
    (at, capacity, len): (*mut u8, usize, *mut usize),
    bytes: impl FnOnce(&Latch) -> &[u8],
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(at, capacity, len) }?;
        buffer.put(&[bytes(latch)], &[])?;
        Ok(TL_OUTCOME_DONE)
    };
    number(copy())
}

/// Copies out the last steps, oldest first: as many as there are and as there is room for. `TL_TRACE_CAPACITY` hold
/// all.
///
/// Returns how many were written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_trace(
    latch: *const tl_latch,
    steps: *mut tl_step,
    capacity: usize,
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let places = unsafe { ptr::places(steps, capacity) }?;
        let mut count = 0_i32;
        for (place, step) in places.zip(latch.trace()) {
            place.write(step_of(&step));
            count = count.saturating_add(1);
        }
        Ok(count)
    };
    number(copy())
}

fn step_of(step: &Step) -> tl_step {
    tl_step {
        at_ms: step.at.as_millis(),
        sign_in: step.generation.sign_in,
        serial: step.generation.serial,
        event: numbers::event(step.event),
        from: numbers::state(step.from),
        to: numbers::state(step.to),
        // The kinds count from 1.
        effects: u32::from(step.effects.bits()) << 1,
    }
}
