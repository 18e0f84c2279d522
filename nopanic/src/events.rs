//! `handle`, with a function for each kind of event, so that each is measured.

use tokenlatch::Access;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::Waiter;

use crate::Latch;
use crate::encode;
use crate::memory::Bytes;
use crate::memory::MaybeU64;

/// One function for each kind of event.
macro_rules! events {
    ($($name:ident($($argument:ident: $type:ty),*) $event:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(latch: &mut Latch, at: u64, wall: MaybeU64, $($argument: $type),*) -> u64 {
                encode::outcome(latch.handle(encode::now(at, wall), $event))
            }
        )*
    };
}

events! {
    latch_handle_opened() Event::Opened;
    latch_handle_resumed() Event::Resumed;
    latch_handle_store_changed() Event::StoreChanged;
    latch_handle_went_offline() Event::WentOffline;
    latch_handle_went_online() Event::WentOnline;
    latch_handle_login_started() Event::LoginStarted;
    latch_handle_token_failed(ticket: u32, failure: u8, retry_after: MaybeU64) Event::TokenFailed {
        ticket: Ticket::from_u32(ticket),
        failure: encode::failure(failure),
        retry_after: retry_after.get_u32(),
    };
    latch_handle_load_failed(ticket: u32) Event::LoadFailed { ticket: Ticket::from_u32(ticket) };
    latch_handle_stored(ticket: u32) Event::Stored { ticket: Ticket::from_u32(ticket) };
    latch_handle_store_failed(ticket: u32) Event::StoreFailed { ticket: Ticket::from_u32(ticket) };
    latch_handle_probed(ticket: u32, result: u8) Event::Probed {
        ticket: Ticket::from_u32(ticket),
        result: match result {
            0 => ProbeResult::Accepted,
            1 => ProbeResult::Refused,
            _ => ProbeResult::Unreachable,
        },
    };
    latch_handle_lease_granted(ticket: u32) Event::LeaseGranted { ticket: Ticket::from_u32(ticket) };
    latch_handle_lease_denied(ticket: u32) Event::LeaseDenied { ticket: Ticket::from_u32(ticket) };
    latch_handle_lease_lost(ticket: u32) Event::LeaseLost { ticket: Ticket::from_u32(ticket) };
    latch_handle_revoked(ticket: u32) Event::Revoked { ticket: Ticket::from_u32(ticket) };
    latch_handle_revoke_failed(ticket: u32) Event::RevokeFailed { ticket: Ticket::from_u32(ticket) };
    latch_handle_access_requested(waiter: u32, access: u8, receipt: u64) Event::AccessRequested {
        waiter: Waiter::from_u32(waiter),
        access: match access {
            0 => Access::First,
            1 => Access::Retry(Receipt::from_u64(receipt)),
            _ => Access::Public,
        },
    };
    latch_handle_answered(receipt: u64, status: u16, challenge: u8) Event::Answered {
        receipt: Receipt::from_u64(receipt),
        status,
        challenge: encode::challenge(challenge),
    };
    latch_handle_waiter_cancelled(waiter: u32) Event::WaiterCancelled { waiter: Waiter::from_u32(waiter) };
    latch_handle_refresh_requested() Event::RefreshRequested;
    latch_handle_logout_requested() Event::LogoutRequested;
    latch_handle_timeout_reached() Event::TimeoutReached;
}

/// A grant of the caller's.
#[repr(C)]
pub struct RawGrant {
    access_token: Bytes,
    refresh_token: Bytes,
    scope: Bytes,
    subject: Bytes,
    app_data: Bytes,
    expires: u64,
    server_time: MaybeU64,
    expiry: u8,
    dpop: bool,
}

/// # Safety
///
/// The bytes of the grant can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_handle_granted(
    latch: &mut Latch,
    at: u64,
    wall: MaybeU64,
    ticket: u32,
    raw: &RawGrant,
) -> u64 {
    // SAFETY: the caller's promise.
    let mut grant = Grant::new(unsafe { raw.access_token.text() }.unwrap_or_default());
    // SAFETY: as above.
    grant.refresh_token = unsafe { raw.refresh_token.text() };
    // SAFETY: as above.
    grant.scope = unsafe { raw.scope.text() };
    // SAFETY: as above.
    grant.subject = unsafe { raw.subject.text() };
    // SAFETY: as above.
    grant.app_data = unsafe { raw.app_data.get() };
    grant.expiry = encode::expiry(raw.expiry, raw.expires);
    grant.server_time = raw.server_time.get();
    if raw.dpop {
        grant.token_type = TokenType::Dpop;
    }
    let ticket = Ticket::from_u32(ticket);
    encode::outcome(latch.handle(encode::now(at, wall), Event::Granted { ticket, grant }))
}

/// A session whose token is a cookie.
#[unsafe(no_mangle)]
pub extern "C" fn latch_handle_granted_ambient(
    latch: &mut Latch,
    at: u64,
    wall: MaybeU64,
    ticket: u32,
) -> u64 {
    let event = Event::Granted {
        ticket: Ticket::from_u32(ticket),
        grant: Grant::ambient(),
    };
    encode::outcome(latch.handle(encode::now(at, wall), event))
}

/// # Safety
///
/// The bytes of the record can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_handle_loaded(
    latch: &mut Latch,
    at: u64,
    wall: MaybeU64,
    ticket: u32,
    record: Bytes,
) -> u64 {
    let event = Event::Loaded {
        ticket: Ticket::from_u32(ticket),
        // SAFETY: the caller's promise.
        record: unsafe { record.get() },
    };
    encode::outcome(latch.handle(encode::now(at, wall), event))
}
