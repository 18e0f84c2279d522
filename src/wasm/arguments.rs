//! From numbers and bytes to a fact.

use crate::challenge::Challenge;
use crate::challenge::ChallengeKind;
use crate::event::Access;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::numbers;
use crate::time::Instant;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// The largest double up to which every whole number is one: 2^53.
const MAX: f64 = 9_007_199_254_740_992.0;

/// A fact as numbers; see [`Context::handle`](super::Context::handle).
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "what is passed is agreed")]
pub struct Arguments {
    /// The kind, in the order of [`crate::EventKind`].
    pub kind: u32,
    /// The monotonic clock, in milliseconds.
    pub monotonic: f64,
    /// The wall clock, in milliseconds; 0 for none.
    pub wall: f64,
    /// Ticket, waiter or receipt.
    pub id: f64,
    /// As the kind has it.
    pub a: f64,
    /// As the kind has it.
    pub b: f64,
    /// As the kind has it.
    pub c: f64,
}

impl Arguments {
    pub(super) fn event<'a>(&self, buffer: &'a [u8]) -> Option<(Now, Event<'a>)> {
        let now = now(self.monotonic, self.wall)?;
        let id = whole(self.id)?;
        // Only a receipt has more bits.
        let low = match self.kind {
            numbers::TL_EVENT_ANSWERED => 0,
            _ => u32::try_from(id).ok()?,
        };
        let (waiter, ticket) = (Waiter::from_u32(low), Ticket(low));
        let event = match self.kind {
            0 => Event::Opened,
            1 => Event::Resumed,
            2 => Event::StoreChanged,
            3 => Event::WentOffline,
            4 => Event::WentOnline,
            5 => Event::LoginStarted,
            6 => Event::Granted {
                ticket,
                grant: self.grant(buffer)?,
            },
            7 => Event::TokenFailed {
                ticket,
                failure: numbers::token_failure(small(self.a)?)?,
                retry_after: small(self.b),
            },
            8 => Event::Loaded {
                ticket,
                record: bytes(self.a, buffer)?,
            },
            9 => Event::LoadFailed { ticket },
            10 => Event::Stored { ticket },
            11 => Event::StoreFailed { ticket },
            12 => Event::Probed {
                ticket,
                result: numbers::probe_result(small(self.a)?)?,
            },
            13 => Event::LeaseGranted { ticket },
            14 => Event::LeaseDenied { ticket },
            15 => Event::LeaseLost { ticket },
            16 => Event::Revoked { ticket },
            17 => Event::RevokeFailed { ticket },
            18 => Event::AccessRequested {
                waiter,
                access: self.access()?,
            },
            19 => Event::Answered {
                receipt: Receipt::from_u64(id),
                status: u16::try_from(small(self.a)?).ok()?,
                challenge: match bytes(self.b, buffer)? {
                    Some(header) => Challenge::parse([header]).kind(),
                    None => ChallengeKind::Absent,
                },
            },
            20 => Event::WaiterCancelled { waiter },
            21 => Event::RefreshRequested,
            22 => Event::LogoutRequested,
            23 => Event::TimeoutReached,
            _ => return None,
        };
        Some((now, event))
    }

    fn access(&self) -> Option<Access> {
        if self.a == 0.0 {
            return Some(Access::First);
        }
        if self.a == 1.0 {
            return Some(Access::Retry(Receipt::from_u64(whole(self.b)?)));
        }
        None
    }

    fn grant<'a>(&self, buffer: &'a [u8]) -> Option<Grant<'a>> {
        let form = small(self.a)?;
        let mut rest = buffer;
        let [access, refresh, scope, subject, data] = [(); 5].map(|()| field(&mut rest));
        let mut grant = Grant::new(core::str::from_utf8(access?).ok()?);
        grant.refresh_token = text(refresh?)?;
        grant.scope = text(scope?)?;
        grant.subject = text(subject?)?;
        grant.app_data = Some(data?).filter(|data| !data.is_empty());
        grant.expiry = numbers::expiry(form & 3, whole(self.b)?)?;
        grant.server_time = Some(whole(self.c)?).filter(|time| *time > 0);
        grant.token_type = numbers::token_type(form >> 2)?;
        Some(grant)
    }
}

/// The next field, after its length in two bytes.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [high, low, tail @ ..] = *rest else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (field, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    Some(field)
}

#[expect(clippy::option_option, reason = "no text, nothing, or some")]
fn text(bytes: &[u8]) -> Option<Option<&str>> {
    let text = core::str::from_utf8(bytes).ok()?;
    Some(Some(text).filter(|text| !text.is_empty()))
}

/// The bytes at the beginning of the buffer; none for a negative length.
#[expect(clippy::option_option, reason = "no length, nothing, or some")]
fn bytes(length: f64, buffer: &[u8]) -> Option<Option<&[u8]>> {
    if length < 0.0 {
        return Some(None);
    }
    let length = usize::try_from(small(length)?).ok()?;
    Some(Some(buffer.get(..length)?))
}

pub(super) fn now(monotonic: f64, wall: f64) -> Option<Now> {
    Some(Now {
        monotonic: Instant::from_millis(whole(monotonic)?),
        wall: Some(whole(wall)?).filter(|wall| *wall > 0),
    })
}

/// A whole number up to 2^53, fractions cut off. What is not one is refused: as an integer, NaN would be 0 and
/// infinity a time that never comes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked"
)]
#[inline(never)]
fn whole(number: f64) -> Option<u64> {
    if (0.0..=MAX).contains(&number) {
        return Some(number as u64);
    }
    None
}

fn small(number: f64) -> Option<u32> {
    u32::try_from(whole(number)?).ok()
}
