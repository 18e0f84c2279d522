//! For tools: what a fact says, and the same fact changed a little.

use core::fmt;

use super::content::RedactedFound;
use super::content::RedactedGrant;
use super::fact::Fact;
use super::fact::Told;
use super::redacted::Redacted;
use crate::event::Access;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Expiry;
use crate::waiters::Receipt;

impl Fact {
    /// The order or login that it answers.
    #[must_use]
    pub fn ticket(&self) -> Option<Ticket> {
        let mut copy = *self;
        copy.ticket_mut().copied()
    }

    /// The same as an answer to this one.
    #[must_use]
    pub fn with_ticket(mut self, ticket: Ticket) -> Self {
        if let Some(place) = self.ticket_mut() {
            *place = ticket;
        }
        self
    }

    const fn ticket_mut(&mut self) -> Option<&mut Ticket> {
        match &mut self.0 {
            Told::Granted { ticket, .. } | Told::Loaded { ticket, .. } => Some(ticket),
            Told::Plain(event) => match event {
                Event::Granted { ticket, .. }
                | Event::TokenFailed { ticket, .. }
                | Event::Loaded { ticket, .. }
                | Event::LoadFailed { ticket }
                | Event::Stored { ticket }
                | Event::StoreFailed { ticket }
                | Event::Probed { ticket, .. }
                | Event::LeaseGranted { ticket }
                | Event::LeaseDenied { ticket }
                | Event::LeaseLost { ticket }
                | Event::Revoked { ticket }
                | Event::RevokeFailed { ticket } => Some(ticket),
                _ => None,
            },
        }
    }

    /// The receipt that it brings back.
    #[must_use]
    pub fn receipt(&self) -> Option<Receipt> {
        let mut copy = *self;
        copy.receipt_mut().copied()
    }

    /// The same with this receipt.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Receipt) -> Self {
        if let Some(place) = self.receipt_mut() {
            *place = receipt;
        }
        self
    }

    const fn receipt_mut(&mut self) -> Option<&mut Receipt> {
        match &mut self.0 {
            Told::Plain(
                Event::Answered { receipt, .. }
                | Event::AccessRequested {
                    access: Access::Retry(receipt),
                    ..
                },
            ) => Some(receipt),
            _ => None,
        }
    }

    /// The same with each secret replaced: `change` must give different ones for different ones.
    #[must_use]
    pub fn renamed(mut self, mut change: impl FnMut(Redacted) -> Redacted) -> Self {
        match &mut self.0 {
            Told::Granted { grant, .. }
            | Told::Loaded {
                found: RedactedFound::Record(_, Some(grant)),
                ..
            } => grant.each(&mut change),
            _ => {}
        }
        self
    }
}

/// The kind of the event and what goes with it; a secret as its length and, after `/`, its number.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind())?;
        if let Some(ticket) = self.ticket() {
            write!(f, " #{}", ticket.as_u32())?;
        }
        match &self.0 {
            Told::Granted { grant, .. } => grant.fmt(f),
            Told::Loaded { found, .. } => match found {
                RedactedFound::Absent => f.write_str(" nothing"),
                RedactedFound::Corrupt(corrupt) => write!(f, " {corrupt:?}"),
                RedactedFound::Record(facts, grant) => {
                    let stamp = facts.stamp;
                    let sent = if facts.sent { " sent" } else { "" };
                    write!(f, " {}.{}{sent}", stamp.sign_in, stamp.serial)?;
                    match grant {
                        Some(grant) => grant.fmt(f),
                        None => f.write_str(" tombstone"),
                    }
                }
            },
            Told::Plain(Event::TokenFailed {
                failure,
                retry_after,
                ..
            }) => {
                write!(f, " {failure:?}")?;
                match retry_after {
                    Some(seconds) => write!(f, ", again after {seconds} s"),
                    None => Ok(()),
                }
            }
            Told::Plain(Event::Probed { result, .. }) => write!(f, " {result:?}"),
            Told::Plain(Event::AccessRequested { waiter, access }) => {
                write!(f, " {}", waiter.as_u32())?;
                match access {
                    Access::First => Ok(()),
                    Access::Public => f.write_str(" public"),
                    Access::Retry(receipt) => write!(f, " again after {:#x}", receipt.as_u64()),
                }
            }
            Told::Plain(Event::Answered {
                receipt,
                status,
                challenge,
            }) => {
                let challenge = challenge.name();
                write!(f, " {:#x} {status} {challenge}", receipt.as_u64())
            }
            Told::Plain(Event::WaiterCancelled { waiter }) => write!(f, " {}", waiter.as_u32()),
            Told::Plain(_) => Ok(()),
        }
    }
}

impl fmt::Display for RedactedGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " access {}", self.access_token)?;
        let names = ["refresh", "scope", "subject", "app"];
        for (name, part) in names.into_iter().zip(self.rest) {
            if let Some(part) = part {
                write!(f, " {name} {part}")?;
            }
        }
        match self.plain.expiry {
            Expiry::Unknown => Ok(()),
            Expiry::In(millis) => write!(f, " for {millis} ms"),
            Expiry::At(millis) => write!(f, " until {millis}"),
        }
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.length, self.number)
    }
}
