//! The feature `json`.

use core::mem::MaybeUninit;

use tokenlatch::Expiry;
use tokenlatch::ResponseShape;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::response;
use tokenlatch::response::TokenResponse;

use crate::Latch;
use crate::encode;
use crate::memory::Buffer;
use crate::memory::Bytes;
use crate::memory::MaybeU64;

/// A grant of the server's.
#[repr(C)]
pub struct ParsedGrant {
    access_token: Bytes,
    refresh_token: Bytes,
    scope: Bytes,
    subject: Bytes,
    expires: MaybeU64,
    dpop: bool,
}

/// True for a grant.
///
/// # Safety
///
/// The body can be read and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_parse(
    shape: &'static ResponseShape,
    status: u16,
    body: Buffer,
    out: &mut MaybeUninit<ParsedGrant>,
) -> bool {
    // SAFETY: the caller's promise.
    let body = unsafe { body.get() };
    match response::parse(shape, status, body) {
        Ok(grant) => {
            out.write(ParsedGrant {
                access_token: grant.access_token.into(),
                refresh_token: grant.refresh_token.into(),
                scope: grant.scope.into(),
                subject: grant.subject.into(),
                expires: match grant.expiry {
                    Expiry::Unknown => None,
                    Expiry::In(millis) | Expiry::At(millis) => Some(millis),
                }
                .into(),
                dpop: grant.token_type == TokenType::Dpop,
            });
            true
        }
        Err(_) => false,
    }
}

/// # Safety
///
/// The body can be read and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_handle_response(
    latch: &mut Latch,
    at: u64,
    wall: MaybeU64,
    ticket: u32,
    status: u16,
    retry_after: MaybeU64,
    server_time: MaybeU64,
    body: Buffer,
) -> u64 {
    let mut around = TokenResponse::new(status);
    around.retry_after = retry_after.get_u32();
    around.server_time = server_time.get();
    // SAFETY: the caller's promise.
    let body = unsafe { body.get() };
    let now = encode::now(at, wall);
    let told = latch.handle_response(now, Ticket::from_u32(ticket), around, body);
    encode::outcome(Ok(told.outcome))
}
