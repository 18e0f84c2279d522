//! What is asked of a latch.

use core::mem::MaybeUninit;

use tokenlatch::State;
use tokenlatch::Step;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::Waiter;

use crate::Latch;
use crate::encode;
use crate::memory::Buffer;
use crate::memory::Bytes;
use crate::memory::MaybeU64;

#[unsafe(no_mangle)]
pub extern "C" fn latch_poll_effect(latch: &mut Latch) -> u64 {
    encode::effect(latch.poll_effect())
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_poll_timeout(latch: &Latch) -> MaybeU64 {
    latch
        .poll_timeout()
        .map(tokenlatch::Instant::as_millis)
        .into()
}

/// What a permit says.
#[repr(C)]
pub struct RawPermit {
    token: Bytes,
    scheme: Bytes,
    receipt: u64,
    dpop: bool,
}

impl RawPermit {
    pub(crate) fn of(permit: &tokenlatch::Permit<'_>) -> Self {
        Self {
            token: permit.token().into(),
            scheme: permit.scheme().into(),
            receipt: permit.receipt().as_u64(),
            dpop: permit.token_type() == TokenType::Dpop,
        }
    }
}

/// 0, or why there is none.
#[unsafe(no_mangle)]
pub extern "C" fn latch_permit(
    latch: &mut Latch,
    at: u64,
    wall: MaybeU64,
    waiter: u32,
    permit: &mut MaybeUninit<RawPermit>,
) -> u64 {
    match latch.permit(encode::now(at, wall), Waiter::from_u32(waiter)) {
        Ok(claimed) => {
            permit.write(RawPermit::of(&claimed));
            0
        }
        Err(error) => encode::permit_error(error),
    }
}

/// 0, or why there is none.
#[unsafe(no_mangle)]
pub extern "C" fn latch_probe_permit(
    latch: &Latch,
    ticket: u32,
    permit: &mut MaybeUninit<RawPermit>,
) -> u64 {
    match latch.probe_permit(Ticket::from_u32(ticket)) {
        Ok(claimed) => {
            permit.write(RawPermit::of(&claimed));
            0
        }
        Err(error) => encode::permit_error(error),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_refresh_token(latch: &Latch, ticket: u32) -> Bytes {
    latch.refresh_token(Ticket::from_u32(ticket)).into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_revocation(latch: &Latch, ticket: u32) -> Bytes {
    latch.revocation(Ticket::from_u32(ticket)).into()
}

/// # Safety
///
/// The buffer can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_record(latch: &Latch, ticket: u32, buffer: Buffer) -> usize {
    // SAFETY: the caller's promise.
    let buffer = unsafe { buffer.get() };
    match latch.record(Ticket::from_u32(ticket), buffer) {
        Ok(length) => length,
        Err(error) => encode::record_error(error),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_state(latch: &Latch) -> u8 {
    latch.state() as u8
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_generation(latch: &Latch) -> u64 {
    encode::generation(latch.generation())
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_is_volatile(latch: &Latch) -> bool {
    latch.is_volatile()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_is_offline(latch: &Latch) -> bool {
    latch.is_offline()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_waiting(latch: &Latch) -> usize {
    latch.waiting()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_trouble(latch: &Latch) -> u64 {
    latch.trouble().map_or(0, encode::cause)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_corrupt(latch: &Latch) -> Bytes {
    latch.corrupt().map(tokenlatch::Corrupt::sentence).into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_expires_at(latch: &Latch) -> MaybeU64 {
    latch
        .expires_at()
        .map(tokenlatch::Instant::as_millis)
        .into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_subject(latch: &Latch) -> Bytes {
    latch.subject().into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_scope(latch: &Latch) -> Bytes {
    latch.scope().into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_app_data(latch: &Latch) -> Bytes {
    latch.app_data().map_or(Bytes::NONE, Bytes::of)
}

/// One of the last steps.
#[repr(C)]
pub struct RawStep {
    at: u64,
    generation: u64,
    event: u8,
    from: Bytes,
    to: Bytes,
    is_silent: bool,
}

impl RawStep {
    fn of(step: &Step) -> Self {
        Self {
            at: step.at.as_millis(),
            generation: encode::generation(step.generation),
            event: step.event as u8,
            from: step.from.name().into(),
            to: State::name(step.to).into(),
            is_silent: step.effects.is_empty(),
        }
    }
}

/// The last steps, as many as there is room for, and the names of the effects of all of them.
///
/// # Safety
///
/// `count` items can be written at each place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_trace(
    latch: &Latch,
    steps: *mut RawStep,
    names: *mut Bytes,
    count: usize,
) {
    // SAFETY: the caller's promise.
    let steps = unsafe { core::slice::from_raw_parts_mut(steps, count) };
    // SAFETY: the caller's promise.
    let names = unsafe { core::slice::from_raw_parts_mut(names, count) };
    for (place, step) in steps.iter_mut().zip(latch.trace()) {
        *place = RawStep::of(&step);
    }
    let known = latch.trace().flat_map(|step| step.effects.names());
    for (place, name) in names.iter_mut().zip(known) {
        *place = name.into();
    }
}

/// The numbers of the configuration that a host needs.
#[unsafe(no_mangle)]
pub extern "C" fn latch_config(latch: &Latch) -> u32 {
    latch.config().wait_limit_ms
}
