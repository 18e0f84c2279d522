//! Orders, and the bytes that belong to them. Bytes are copied out.

use core::ffi::c_char;

use crate::capi::Latch;
use crate::capi::facts::now;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Buffer;
use crate::capi::types::tl_effect;
use crate::capi::types::tl_latch;
use crate::effect::Effect;
use crate::event::Ticket;
use crate::grant::Part;
use crate::numbers;
use crate::numbers::TL_ERR_UNKNOWN;
use crate::numbers::TL_OUTCOME_DONE;
use crate::permit::Permit;
use crate::record;
use crate::time::NEVER;
use crate::waiters::Waiter;

/// Gives the next order. Call it after each fact and each permit until it returns 0, and carry the orders out.
///
/// Returns 1 if there is one; 0 if there is none until something is told, and `effect->kind` is `TL_EFFECT_NONE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_poll_effect(latch: *mut tl_latch, effect: *mut tl_effect) -> i32 {
    // SAFETY: the caller's promise.
    let (latch, effect) = unsafe { (ptr::latch_mut(latch), ptr::Out::new(effect)) };
    let poll = || {
        let (mut latch, place) = (latch?, effect?);
        let effect = latch.poll_effect();
        place.write(effect.as_ref().map(effect_of).unwrap_or_default());
        Ok(i32::from(effect.is_some()))
    };
    number(poll())
}

fn effect_of(effect: &Effect) -> tl_effect {
    let mut raw = tl_effect {
        kind: numbers::effect(effect),
        ticket: numbers::ticket(effect),
        ..tl_effect::default()
    };
    match *effect {
        Effect::StateChanged { state } => raw.state = numbers::state(state),
        Effect::SendTokenRequest { grant_type, .. } => {
            raw.grant_type = numbers::grant_type(grant_type);
        }
        Effect::RequireLogin { cause } => raw.cause = cause.code().into(),
        Effect::Refuse { waiter, cause } => {
            raw.waiter = waiter.as_u32();
            raw.cause = cause.code().into();
        }
        Effect::Release { waiter } => raw.waiter = waiter.as_u32(),
        _ => {}
    }
    raw
}

/// When to tell `tl_timeout_reached`, by the monotonic clock, if nothing else happens before; `TL_NEVER` if there is
/// nothing to wait for, or no latch. May change with every fact and every permit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_poll_timeout(latch: *const tl_latch) -> u64 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch(latch) };
    latch.map_or(NEVER, |latch| latch.machine().poll_timeout())
}

/// Claims the permit of a released request, which ends its wait, and copies the access token out.
///
/// It is UTF-8, not terminated, `*len` bytes; none for a cookie session.
///
/// `*receipt` comes back with the answer (`tl_answered`). Time
/// passes first, as with `tl_timeout_reached`.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed, and nothing was claimed. `TL_ERR_NOT_READY`: the gate closed since
/// the release; the request keeps its place and is released again. `TL_ERR_REFUSED - cause`: it waits no longer, no
/// refusal follows. `TL_ERR_UNKNOWN`: it does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_permit(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
    token: *mut c_char,
    capacity: usize,
    len: *mut usize,
    receipt: *mut u64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        claim(
            (latch, now_ms, wall_ms, waiter),
            (token, capacity, len, receipt),
            &TOKEN,
        )
    }
}

/// As `tl_permit`, with the whole header line (`Authorization: Bearer ...`, or `DPoP`).
///
/// It is terminated by NUL, which `*len` does not count. An empty line for a cookie session. `TL_HEADER_CAPACITY` bytes hold any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_permit_header(
    latch: *mut tl_latch,
    now_ms: u64,
    wall_ms: u64,
    waiter: u32,
    line: *mut c_char,
    capacity: usize,
    len: *mut usize,
    receipt: *mut u64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        claim(
            (latch, now_ms, wall_ms, waiter),
            (line, capacity, len, receipt),
            &HEADER,
        )
    }
}

/// The credential for the probe under way (`TL_EFFECT_PROBE`), before anything else may use it. As `tl_permit`, but
/// nothing is claimed and there is no receipt.
///
/// Errors: `TL_ERR_SPACE`; `TL_ERR_UNKNOWN`: the ticket is not that of the probe under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_probe_permit(
    latch: *const tl_latch,
    ticket: u32,
    token: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { probe(latch, ticket, (token, capacity, len), &TOKEN) }
}

/// As `tl_probe_permit`, with the whole header line, as `tl_permit_header` writes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_probe_permit_header(
    latch: *const tl_latch,
    ticket: u32,
    line: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { probe(latch, ticket, (line, capacity, len), &HEADER) }
}

/// How a token is written.
struct Form {
    /// What stands before the scheme.
    before: &'static [u8],
    /// What stands between scheme and token.
    between: &'static [u8],
    has_scheme: bool,
    end: &'static [u8],
}

const TOKEN: Form = Form {
    before: b"",
    between: b"",
    has_scheme: false,
    end: b"",
};

const HEADER: Form = Form {
    before: b"Authorization: ",
    between: b" ",
    has_scheme: true,
    end: b"\0",
};

impl Form {
    fn put(&self, permit: &Permit<'_>, buffer: Buffer) -> Result<(), i32> {
        let token = permit.token().as_bytes();
        if token.is_empty() {
            return buffer.put(&[], self.end);
        }
        let scheme = if self.has_scheme { permit.scheme() } else { "" };
        buffer.put(
            &[self.before, scheme.as_bytes(), self.between, token],
            self.end,
        )
    }

    /// The length, without a look at the token.
    fn needed(&self, latch: &Latch) -> usize {
        let token = latch.access.expose().len();
        let mut needed = token.saturating_add(self.end.len());
        if token > 0 {
            if self.has_scheme {
                let permit = latch.permit_with(crate::waiters::Receipt::from_u64(0));
                needed = needed.saturating_add(permit.scheme().len());
            }
            needed = needed.saturating_add(self.before.len());
            needed = needed.saturating_add(self.between.len());
        }
        needed
    }
}

/// # Safety
///
/// The caller's promise.
unsafe fn claim(
    (latch, now_ms, wall_ms, waiter): (*mut tl_latch, u64, u64, u32),
    (at, capacity, len, receipt): (*mut c_char, usize, *mut usize, *mut u64),
    form: &Form,
) -> i32 {
    let claim = || {
        // SAFETY: the caller's promise.
        let mut latch = unsafe { ptr::latch_mut(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(at.cast(), capacity, len) }?;
        // SAFETY: the caller's promise.
        let receipt = unsafe { ptr::Out::new(receipt) }?;
        buffer.room(form.needed(latch.latch()))?;
        let permit = latch
            .permit(now(now_ms, wall_ms)?, Waiter::from_u32(waiter))
            .map_err(numbers::permit_error)?;
        form.put(&permit, buffer)?;
        receipt.write(permit.receipt().as_u64());
        Ok(TL_OUTCOME_DONE)
    };
    number(claim())
}

/// # Safety
///
/// The caller's promise.
unsafe fn probe(
    latch: *const tl_latch,
    ticket: u32,
    (at, capacity, len): (*mut c_char, usize, *mut usize),
    form: &Form,
) -> i32 {
    let probe = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(at.cast(), capacity, len) }?;
        let permit = latch
            .probe_permit(Ticket(ticket))
            .map_err(numbers::permit_error)?;
        form.put(&permit, buffer)?;
        Ok(TL_OUTCOME_DONE)
    };
    number(probe())
}

/// Copies out the refresh token for the token request under way (`TL_EFFECT_SEND_TOKEN_REQUEST` with
/// `TL_GRANT_TYPE_REFRESH_TOKEN`): not terminated, `*len` bytes.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed. `TL_ERR_UNKNOWN`: another ticket, or another kind of request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_refresh_token(
    latch: *const tl_latch,
    ticket: u32,
    token: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(token.cast(), capacity, len) }?;
        let token = latch.refresh_token(Ticket(ticket)).ok_or(TL_ERR_UNKNOWN)?;
        buffer.put(&[token.as_bytes()], &[])?;
        Ok(TL_OUTCOME_DONE)
    };
    number(copy())
}

/// Copies out the token to revoke, for the revocation under way (`TL_EFFECT_REVOKE`): not terminated, `*len` bytes. None
/// for a cookie session: call the server's logout, so that the cookie ends too.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed. `TL_ERR_UNKNOWN`: another ticket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_revocation(
    latch: *const tl_latch,
    ticket: u32,
    token: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(token.cast(), capacity, len) }?;
        let token = latch.revocation(Ticket(ticket)).ok_or(TL_ERR_UNKNOWN)?;
        buffer.put(&[token.as_bytes()], &[])?;
        Ok(TL_OUTCOME_DONE)
    };
    number(copy())
}

/// Writes the record for the store order under way (`TL_EFFECT_STORE`), `*len` bytes. It holds the tokens, and is not
/// encrypted. `TL_RECORD_CAPACITY` bytes hold any.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed at most. `TL_ERR_STALE`: the order was superseded; write nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_record(
    latch: *const tl_latch,
    ticket: u32,
    record: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let latch = unsafe { ptr::latch(latch) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(record, capacity, len) }?;
        if !latch.machine().is_storing(ticket) {
            return Err(numbers::TL_ERR_STALE);
        }
        buffer.fill(longest_record(latch), |place| {
            latch
                .record(Ticket(ticket), place)
                .map_err(numbers::record_error)
        })?;
        Ok(TL_OUTCOME_DONE)
    };
    number(copy())
}

/// What the record takes at most.
fn longest_record(latch: &Latch) -> usize {
    let parts = [
        Part::RefreshToken,
        Part::Scope,
        Part::Subject,
        Part::AppData,
    ];
    let mut len = record::OVERHEAD.saturating_add(latch.access.expose().len());
    for part in parts {
        len = len.saturating_add(latch.rest.get(part).len());
    }
    len
}
