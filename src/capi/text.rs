//! Names and sentences. They are terminated by NUL, never NULL, never freed; a number without one gives "unknown", and
//! `TL_CAUSE_NONE` "none".

use core::ffi::CStr;
use core::ffi::c_char;

use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Buffer;
use crate::capi::types::tl_step;
use crate::numbers::*;
use crate::why::Cause;

const UNKNOWN: &CStr = c"unknown";

fn named(names: &[&'static CStr], number: u32) -> &'static CStr {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    name.copied().unwrap_or(UNKNOWN)
}

const STATES: [&CStr; 5] = [
    c"Unauthenticated",
    c"Pending",
    c"Ready",
    c"Refreshing",
    c"Expired",
];

const EVENTS: [&CStr; 24] = [
    c"Opened",
    c"Resumed",
    c"StoreChanged",
    c"WentOffline",
    c"WentOnline",
    c"LoginStarted",
    c"Granted",
    c"TokenFailed",
    c"Loaded",
    c"LoadFailed",
    c"Stored",
    c"StoreFailed",
    c"Probed",
    c"LeaseGranted",
    c"LeaseDenied",
    c"LeaseLost",
    c"Revoked",
    c"RevokeFailed",
    c"AccessRequested",
    c"Answered",
    c"WaiterCancelled",
    c"RefreshRequested",
    c"LogoutRequested",
    c"TimeoutReached",
];

const EFFECTS: [&CStr; 13] = [
    c"None",
    c"StateChanged",
    c"Load",
    c"Store",
    c"Announce",
    c"ReleaseLease",
    c"AcquireLease",
    c"SendTokenRequest",
    c"Probe",
    c"Revoke",
    c"RequireLogin",
    c"Refuse",
    c"Release",
];

const OUTCOMES: [&CStr; 8] = [
    c"Done",
    c"Stale",
    c"Orphaned",
    c"Login",
    c"Pass",
    c"Admitted",
    c"Deliver",
    c"Retry",
];

const CHALLENGES: [&CStr; 9] = [
    c"absent",
    c"other_scheme",
    c"no_error",
    c"other_error",
    c"invalid_request",
    c"invalid_token",
    c"insufficient_scope",
    c"insufficient_user_authentication",
    c"use_dpop_nonce",
];

const CORRUPT: [&CStr; 6] = [
    c"nothing is wrong with the record",
    c"the record is cut short",
    c"these bytes are not a record",
    c"the record was written by a later version",
    c"the record's checksum does not fit",
    c"the record's content does not fit this latch",
];

/// What an error means, in one English sentence; for a refusal (`TL_ERR_REFUSED - cause`) and for `TL_OUTCOME_SURFACE` that
/// of the cause. Another outcome has its name.
#[unsafe(no_mangle)]
pub extern "C" fn tl_strerror(code: i32) -> *const c_char {
    let text = match code {
        TL_ERR_ARGUMENT => c"an argument has no meaning",
        TL_ERR_ABI => c"the header does not go with this library",
        TL_ERR_UNINIT => c"the latch is not initialised, was wiped, or is a copy",
        TL_ERR_SPACE => c"the buffer is too small",
        TL_ERR_STALE => c"this store order was superseded",
        TL_ERR_NOT_OPENED => c"`Opened` was not told yet",
        TL_ERR_ALREADY_OPENED => c"`Opened` was told already",
        TL_ERR_QUEUE_FULL => c"as many requests wait as there is room for",
        TL_ERR_DUPLICATE_WAITER => c"a request with this id waits already",
        TL_ERR_NO_SESSION => c"there is no session to renew",
        TL_ERR_THROTTLED => c"the budget of token requests is spent",
        TL_ERR_GRANT_EMPTY => c"a token is missing or empty",
        TL_ERR_GRANT_LITERAL => c"the token is a script's literal for a missing value",
        TL_ERR_GRANT_QUOTED => c"the token has quotes around it",
        TL_ERR_GRANT_SCHEME => c"the token begins with its scheme",
        TL_ERR_GRANT_CHARACTER => c"the token has a character that no header can carry",
        TL_ERR_GRANT_TOO_LONG => c"a field is longer than the latch was built for",
        TL_ERR_GRANT_LIFETIME => c"the lifetime is zero, negative, over or not a number",
        TL_ERR_GRANT_TOKEN_TYPE => c"the token type is not understood",
        TL_ERR_NOT_READY => c"the request still waits",
        TL_ERR_UNKNOWN => c"no such request waits, or no such order is under way",
        TL_ERR_CONFIG_LEASE_WITHOUT_STORE => c"a lease needs a store",
        TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE => c"this confirmation level needs a store",
        TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE => c"a cookie session is confirmed by a probe only",
        TL_ERR_CONFIG_ZERO => c"a field that must not be zero is",
        TL_ERR_CONFIG_BACKOFF_CAP => c"the back-off cap is smaller than its base",
        TL_ERR_CONFIG_LEASE_TIMEOUT => c"the lease deadline is shorter than one renewal",
        TL_ERR_RECORDING_NOT_NEW => c"the latch was told something before it was recorded",
        TL_ERR_RECORDING_SPACE => c"the buffer is too small for a recording",
        TL_ERR_RECORDING_NONE => c"nothing is recorded",
        TL_OUTCOME_DONE => c"no error",
        ..TL_OUTCOME_DONE => {
            return tl_cause_sentence(TL_ERR_REFUSED.wrapping_sub(code).cast_unsigned());
        }
        TL_OUTCOME_SURFACE.. => {
            return tl_cause_sentence(code.wrapping_sub(TL_OUTCOME_SURFACE).cast_unsigned());
        }
        _ => return tl_outcome_name(code),
    };
    text.as_ptr()
}

/// The name of an outcome: `"Done"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_outcome_name(outcome: i32) -> *const c_char {
    if outcome >= TL_OUTCOME_SURFACE {
        return c"Surface".as_ptr();
    }
    named(&OUTCOMES, outcome.cast_unsigned()).as_ptr()
}

/// The name of a state: `"Ready"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_state_name(state: u32) -> *const c_char {
    named(&STATES, state).as_ptr()
}

/// The name of an event: `"Opened"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_event_name(event: u32) -> *const c_char {
    named(&EVENTS, event).as_ptr()
}

/// The name of an order: `"Load"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_effect_name(effect: u32) -> *const c_char {
    named(&EFFECTS, effect).as_ptr()
}

/// The name of a kind of challenge: `"invalid_token"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_challenge_name(challenge: u32) -> *const c_char {
    named(&CHALLENGES, challenge).as_ptr()
}

/// What is wrong with a record (`TL_CORRUPT_*`), in one English sentence.
#[unsafe(no_mangle)]
pub extern "C" fn tl_corrupt_sentence(corrupt: u32) -> *const c_char {
    named(&CORRUPT, corrupt).as_ptr()
}

/// The name of a cause: `"Expired"`.
#[unsafe(no_mangle)]
pub extern "C" fn tl_cause_name(cause: u32) -> *const c_char {
    of_cause(cause, Cause::c_name)
}

/// One English sentence about a cause, for a person.
#[unsafe(no_mangle)]
pub extern "C" fn tl_cause_sentence(cause: u32) -> *const c_char {
    of_cause(cause, Cause::c_sentence)
}

/// One Chinese sentence about a cause, for a person, in UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn tl_cause_sentence_zh(cause: u32) -> *const c_char {
    of_cause(cause, Cause::c_sentence_zh)
}

/// What to do about a cause.
#[unsafe(no_mangle)]
pub extern "C" fn tl_cause_fix(cause: u32) -> *const c_char {
    of_cause(cause, Cause::c_fix)
}

fn of_cause(number: u32, text: impl Fn(Cause) -> &'static CStr) -> *const c_char {
    if number == TL_CAUSE_NONE {
        return c"none".as_ptr();
    }
    let cause = u16::try_from(number).ok().and_then(Cause::from_code);
    cause.map_or(UNKNOWN, text).as_ptr()
}

/// Writes a step as a line for a person, terminated by NUL, which `*len` does not count.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed, with the NUL. `TL_STEP_CAPACITY` bytes hold any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_step_text(
    step: *const tl_step,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let write = || {
        // SAFETY: the caller's promise.
        let step = unsafe { ptr::read(step) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(text.cast(), capacity, len) }?;
        let mut needed = 0_usize;
        pieces(&step, |piece| needed = needed.saturating_add(piece.len()));
        buffer.fill(needed.saturating_add(1), |place| {
            let mut line = Line(place);
            pieces(&step, |piece| line.add(piece));
            line.add(b"\0");
            Ok(needed)
        })?;
        Ok(TL_OUTCOME_DONE)
    };
    number(write())
}

/// What is still free of a line.
struct Line<'a>(&'a mut [u8]);

impl Line<'_> {
    fn add(&mut self, piece: &[u8]) {
        let free = core::mem::take(&mut self.0);
        for (place, byte) in free.iter_mut().zip(piece) {
            *place = *byte;
        }
        self.0 = free.get_mut(piece.len()..).unwrap_or_default();
    }
}

/// The line in pieces, as [`crate::Step`] is displayed, without the formatting machinery.
fn pieces(step: &tl_step, mut piece: impl FnMut(&[u8])) {
    let mut digits = [b' '; DIGITS];
    let time = decimal(step.at_ms, &mut digits);
    let padding = b"          ".get(time.len()..).unwrap_or_default();
    for part in [padding, time, b" ms  "] {
        piece(part);
    }
    piece(named(&EVENTS, step.event).to_bytes());
    piece(b": ");
    piece(named(&STATES, step.from).to_bytes());
    if step.from != step.to {
        piece(b" -> ");
        piece(named(&STATES, step.to).to_bytes());
    }
    piece(b"  [");
    piece(decimal(step.sign_in.into(), &mut digits));
    piece(b".");
    piece(decimal(step.serial.into(), &mut digits));
    piece(b"]");
    let mut kinds = step.effects;
    for name in EFFECTS {
        if kinds & 1 == 1 {
            piece(b" ");
            piece(name.to_bytes());
        }
        kinds >>= 1;
    }
}

const DIGITS: usize = 20;

/// The digits of a number, at the end of the buffer.
fn decimal(mut number: u64, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut count = 0_usize;
    for place in digits.iter_mut().rev() {
        *place = (number % 10) as u8 | b'0';
        number /= 10;
        count = count.saturating_add(1);
        if number == 0 {
            break;
        }
    }
    digits
        .get(DIGITS.saturating_sub(count)..)
        .unwrap_or_default()
}
