//! An event without its secrets, and the event that stands for it in a replay.

use super::code::Coded;
use super::content::RedactedFound;
use super::content::RedactedGrant;
use super::redacted::Redacted;
use crate::cbor::Reader;
use crate::cbor::Writer;
use crate::event::Access;
use crate::event::Event;
use crate::event::EventKind;
use crate::event::Ticket;
use crate::grant::Grant;

/// What the latch was told, without secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact(pub(super) Told);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// An event that holds no bytes.
    Plain(Event<'static>),
    Granted {
        ticket: Ticket,
        grant: RedactedGrant,
    },
    Loaded {
        ticket: Ticket,
        found: RedactedFound,
    },
}

impl core::fmt::Debug for Told {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Plain(event) => event.fmt(f),
            Self::Granted { .. } => f.write_str("Granted"),
            Self::Loaded { .. } => f.write_str("Loaded"),
        }
    }
}

impl Fact {
    /// Of which kind the event was.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match &self.0 {
            Told::Plain(event) => event.kind(),
            Told::Granted { .. } => EventKind::Granted,
            Told::Loaded { .. } => EventKind::Loaded,
        }
    }

    /// An event that does to a latch what the real one did, for a latch with this token capacity. Its secrets are made
    /// up, and stand in `scratch`; `None` if that is smaller than [`scratch_capacity`](super::scratch_capacity).
    #[must_use]
    pub fn event<'s>(&self, capacity: usize, scratch: &'s mut [u8]) -> Option<Event<'s>> {
        let mut scratch = scratch;
        Some(match &self.0 {
            Told::Plain(event) => *event,
            Told::Granted { ticket, grant } => Event::Granted {
                ticket: *ticket,
                grant: grant.grant(capacity, &mut scratch)?,
            },
            Told::Loaded { ticket, found } => Event::Loaded {
                ticket: *ticket,
                record: found.record(capacity, &mut scratch)?,
            },
        })
    }

    /// What a latch refused as too long is too long on a larger latch as well.
    pub(super) const fn stretched(mut self) -> Self {
        if let Told::Granted { grant, .. } = &mut self.0 {
            grant.access_token = grant.access_token.stretched();
            let [_, _, _, app_data] = &mut grant.rest;
            *app_data = Some(Redacted::EMPTY.stretched());
        }
        self
    }
}

/// How many numbers of its own an event may have.
const NUMBERS: usize = 3;

/// The event's own numbers; the grant and the found record are written apart.
fn numbers(event: &Event<'_>) -> ([u64; NUMBERS], usize) {
    let one = |number: u64| ([number, 0, 0], 1);
    match *event {
        Event::Opened
        | Event::Resumed
        | Event::StoreChanged
        | Event::WentOffline
        | Event::WentOnline
        | Event::LoginStarted
        | Event::RefreshRequested
        | Event::LogoutRequested
        | Event::TimeoutReached => ([0; NUMBERS], 0),
        Event::Granted { ticket, .. }
        | Event::Loaded { ticket, .. }
        | Event::LoadFailed { ticket }
        | Event::Stored { ticket }
        | Event::StoreFailed { ticket }
        | Event::LeaseGranted { ticket }
        | Event::LeaseDenied { ticket }
        | Event::LeaseLost { ticket }
        | Event::Revoked { ticket }
        | Event::RevokeFailed { ticket } => one(ticket.number()),
        Event::WaiterCancelled { waiter } => one(waiter.number()),
        Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        } => ([ticket.number(), failure.number(), retry_after.number()], 3),
        Event::Probed { ticket, result } => ([ticket.number(), result.number(), 0], 2),
        Event::AccessRequested { waiter, access } => {
            let (kind, receipt) = match access {
                Access::First => (0, 0),
                Access::Public => (1, 0),
                Access::Retry(receipt) => (2, receipt.number()),
            };
            ([waiter.number(), kind, receipt], 3)
        }
        Event::Answered {
            receipt,
            status,
            challenge,
        } => ([receipt.number(), status.number(), challenge.number()], 3),
    }
}

/// In this order, which is the order of their numbers.
const EVENTS: [EventKind; 24] = [
    EventKind::Opened,
    EventKind::Resumed,
    EventKind::StoreChanged,
    EventKind::WentOffline,
    EventKind::WentOnline,
    EventKind::LoginStarted,
    EventKind::Granted,
    EventKind::TokenFailed,
    EventKind::Loaded,
    EventKind::LoadFailed,
    EventKind::Stored,
    EventKind::StoreFailed,
    EventKind::Probed,
    EventKind::LeaseGranted,
    EventKind::LeaseDenied,
    EventKind::LeaseLost,
    EventKind::Revoked,
    EventKind::RevokeFailed,
    EventKind::AccessRequested,
    EventKind::Answered,
    EventKind::WaiterCancelled,
    EventKind::RefreshRequested,
    EventKind::LogoutRequested,
    EventKind::TimeoutReached,
];

fn kind_number(kind: EventKind) -> u64 {
    let found = EVENTS.iter().position(|known| *known == kind);
    found
        .and_then(|at| u64::try_from(at).ok())
        .unwrap_or(u64::MAX)
}

impl Fact {
    /// Writes it as one array.
    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        let event = match self.0 {
            Told::Plain(event) => event,
            Told::Granted { ticket, grant } => Event::Granted {
                ticket,
                grant: grant.plain,
            },
            Told::Loaded { ticket, .. } => Event::Loaded {
                ticket,
                record: None,
            },
        };
        let (numbers, count) = numbers(&event);
        let apart = usize::from(!matches!(self.0, Told::Plain(_)));
        let fields = count.saturating_add(apart).saturating_add(1);
        writer.array(u64::try_from(fields).ok()?)?;
        writer.number(kind_number(event.kind()))?;
        for number in numbers.iter().take(count) {
            writer.number(*number)?;
        }
        match &self.0 {
            Told::Plain(_) => Some(()),
            Told::Granted { grant, .. } => grant.encode(writer),
            Told::Loaded { found, .. } => found.encode(writer),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let fields = reader.array()?;
        let kind = *EVENTS.get(reader.number::<usize>()?)?;
        let apart = matches!(kind, EventKind::Granted | EventKind::Loaded);
        let count = fields.checked_sub(1)?.checked_sub(u64::from(apart))?;
        let mut own = [0; NUMBERS];
        if usize::try_from(count).ok()? > NUMBERS {
            return None;
        }
        for number in own.iter_mut().take(usize::try_from(count).ok()?) {
            *number = reader.number()?;
        }
        let event = event(kind, own)?;
        // As many as this kind has, and 0 where it has none: what is read can be written again.
        let (numbers, expected) = numbers(&event);
        if numbers != own {
            return None;
        }
        if u64::try_from(expected) != Ok(count) {
            return None;
        }
        Some(Self(match event {
            Event::Granted { ticket, .. } => Told::Granted {
                ticket,
                grant: RedactedGrant::decode(reader)?,
            },
            Event::Loaded { ticket, .. } => Told::Loaded {
                ticket,
                found: RedactedFound::decode(reader)?,
            },
            event => Told::Plain(event),
        }))
    }
}

fn event(kind: EventKind, [first, second, third]: [u64; NUMBERS]) -> Option<Event<'static>> {
    let ticket = Ticket::coded(first);
    Some(match kind {
        EventKind::Opened => Event::Opened,
        EventKind::Resumed => Event::Resumed,
        EventKind::StoreChanged => Event::StoreChanged,
        EventKind::WentOffline => Event::WentOffline,
        EventKind::WentOnline => Event::WentOnline,
        EventKind::LoginStarted => Event::LoginStarted,
        EventKind::RefreshRequested => Event::RefreshRequested,
        EventKind::LogoutRequested => Event::LogoutRequested,
        EventKind::TimeoutReached => Event::TimeoutReached,
        EventKind::Granted => Event::Granted {
            ticket: ticket?,
            grant: Grant::ambient(),
        },
        EventKind::Loaded => Event::Loaded {
            ticket: ticket?,
            record: None,
        },
        EventKind::LoadFailed => Event::LoadFailed { ticket: ticket? },
        EventKind::Stored => Event::Stored { ticket: ticket? },
        EventKind::StoreFailed => Event::StoreFailed { ticket: ticket? },
        EventKind::LeaseGranted => Event::LeaseGranted { ticket: ticket? },
        EventKind::LeaseDenied => Event::LeaseDenied { ticket: ticket? },
        EventKind::LeaseLost => Event::LeaseLost { ticket: ticket? },
        EventKind::Revoked => Event::Revoked { ticket: ticket? },
        EventKind::RevokeFailed => Event::RevokeFailed { ticket: ticket? },
        EventKind::WaiterCancelled => Event::WaiterCancelled {
            waiter: Coded::coded(first)?,
        },
        EventKind::TokenFailed => Event::TokenFailed {
            ticket: ticket?,
            failure: Coded::coded(second)?,
            retry_after: Coded::coded(third)?,
        },
        EventKind::Probed => Event::Probed {
            ticket: ticket?,
            result: Coded::coded(second)?,
        },
        EventKind::AccessRequested => Event::AccessRequested {
            waiter: Coded::coded(first)?,
            access: match second {
                0 => Access::First,
                1 => Access::Public,
                2 => Access::Retry(Coded::coded(third)?),
                _ => return None,
            },
        },
        EventKind::Answered => Event::Answered {
            receipt: Coded::coded(first)?,
            status: Coded::coded(second)?,
            challenge: Coded::coded(third)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_in_the_order_of_their_declaration() {
        for (at, kind) in EVENTS.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
            assert_eq!(kind_number(kind), at as u64);
        }
    }
}
