//! What the watcher keeps of an event that was taken, and what such an event must have done.

use super::Checked;
use super::Known;
use super::Orders;
use super::Proof;
use super::Seen;
use crate::challenge::ChallengeKind;
use crate::config::Credential;
use crate::effect::Outcome;
use crate::event::Access;
use crate::event::Event;
use crate::event::ProbeResult;
use crate::promises::Promise;
use crate::promises::Violation;
use crate::promises::ensure;
use crate::renewal::TokenFailure;
use crate::state::State;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

impl<const T: usize, const W: usize> Checked<T, W> {
    /// Takes note of an event that was taken, and checks what it must have done.
    pub(super) fn note(
        &mut self,
        event: &Event<'_>,
        outcome: Outcome,
        before: Seen,
    ) -> Result<(), Violation> {
        match *event {
            Event::LoginStarted => {
                self.outstanding = None;
                let Outcome::Login(ticket) = outcome else {
                    return ensure(false, Promise::P4, "a login began without a ticket");
                };
                self.orders.login = Some(ticket);
            }
            Event::Granted { ticket, .. } => {
                if self.orders.login == Some(ticket) {
                    self.orders.login = None;
                    self.loops = 0;
                }
                self.outstanding = None;
                self.proof = Proof::NONE;
                self.evidence = false;
            }
            Event::TokenFailed {
                ticket, failure, ..
            } => {
                if self.orders.login != Some(ticket) {
                    self.outstanding = None;
                    self.evidence |= failure == TokenFailure::InvalidGrant;
                }
            }
            Event::Stored { .. } => self.proof.stored = true,
            Event::Loaded { record, .. } => self.note_loaded(record.unwrap_or_default(), before)?,
            Event::Probed { result, .. } => {
                if result == ProbeResult::Accepted {
                    self.proof.probed = true;
                    self.loops = 0;
                } else {
                    self.evidence |= self.latch.config().credential == Credential::Ambient;
                }
            }
            Event::AccessRequested { waiter, access } => {
                if outcome == Outcome::Admitted {
                    self.admit(waiter, access, before)?;
                }
            }
            Event::WaiterCancelled { waiter } => self.end(waiter)?,
            Event::Answered {
                status,
                challenge,
                receipt,
            } => self.note_answer(status, challenge, receipt, before)?,
            Event::LogoutRequested => self.note_logout(before)?,
            _ => {}
        }
        ensure(
            self.known.len() == self.latch.waiting(),
            Promise::P8,
            "a request was lost or doubled",
        )
    }

    fn note_loaded(&mut self, record: &[u8], before: Seen) -> Result<(), Violation> {
        self.proof.read_back |= self.proof.stored;
        let machine = self.latch.machine();
        let adopted = machine.session.is_some() && machine.version > before.version;
        match crate::record::inspect(record) {
            crate::record::StoreContent::Tombstone(_) => self.evidence = true,
            crate::record::StoreContent::Session(_) => {
                if adopted {
                    self.proof = Proof {
                        from_store: true,
                        ..Proof::NONE
                    };
                    self.evidence = false;
                    self.loops = 0;
                }
            }
            crate::record::StoreContent::Absent | crate::record::StoreContent::Corrupt(_) => {
                let kept = before.session == self.latch.machine().session.is_some();
                let ambient = self.latch.config().credential == Credential::Ambient;
                // After a refused refresh token the recheck finds nothing better, and that ends the session.
                ensure(
                    kept || self.evidence || ambient,
                    Promise::P12,
                    "bytes that are no record changed the session",
                )?;
            }
        }
        Ok(())
    }

    fn admit(&mut self, waiter: Waiter, access: Access, before: Seen) -> Result<(), Violation> {
        let sign_in = match before.state {
            State::Ready | State::Refreshing => Some(self.latch.machine().since),
            _ => None,
        };
        let before = match access {
            Access::Retry(receipt) => Some(receipt),
            _ => None,
        };
        let room = self.known.push(Known {
            waiter,
            sign_in,
            before,
            released: false,
        });
        ensure(
            room.is_ok(),
            Promise::P8,
            "more requests admitted than there is room for",
        )
    }

    fn note_answer(
        &mut self,
        status: u16,
        challenge: ChallengeKind,
        receipt: Receipt,
        before: Seen,
    ) -> Result<(), Violation> {
        let machine = self.latch.machine();
        if (200..400).contains(&status) && receipt.version() == before.version {
            self.loops = 0;
        }
        let began = before.state == State::Ready && self.latch.state() == State::Refreshing;
        if !began {
            return Ok(());
        }
        ensure(
            status == 401,
            Promise::P9,
            "something else than a 401 began a renewal",
        )?;
        let helpless = matches!(
            challenge,
            ChallengeKind::InsufficientScope | ChallengeKind::InsufficientUserAuthentication
        );
        ensure(!helpless, Promise::P9, "a renewal that can't help")?;
        ensure(
            receipt.version() == before.version,
            Promise::P9,
            "a late 401 began a renewal",
        )?;
        let accepted = machine
            .session
            .as_ref()
            .is_some_and(|session| session.accepted);
        if !accepted {
            self.loops = self.loops.saturating_add(1);
        }
        ensure(
            self.loops <= 1,
            Promise::P9,
            "a refresh loop of tokens that were never accepted",
        )
    }

    /// P6, on return of the call.
    fn note_logout(&mut self, before: Seen) -> Result<(), Violation> {
        let machine = self.latch.machine();
        ensure(
            self.latch.state() == State::Unauthenticated,
            Promise::P6,
            "signed out and not Unauthenticated",
        )?;
        ensure(
            !self.latch.holds_secret(),
            Promise::P6,
            "signed out and a secret is left",
        )?;
        ensure(
            self.latch.subject().is_none(),
            Promise::P6,
            "signed out and the subject is left",
        )?;
        let refused = machine
            .waiters
            .iter()
            .all(|slot| matches!(slot.fate, crate::waiters::Fate::Refused(_)));
        ensure(refused, Promise::P6, "signed out and a request still waits")?;
        self.evidence = true;
        self.outstanding = None;
        if before.state != State::Unauthenticated {
            // Nothing asked before may come back: no ticket of before is known any more.
            self.orders = Orders {
                revocation: self.orders.revocation,
                lease: self.orders.lease,
                ..Orders::NONE
            };
        }
        Ok(())
    }

    pub(in crate::promises) fn end(&mut self, waiter: Waiter) -> Result<(), Violation> {
        let before = self.known.len();
        self.known.retain(|known| known.waiter != waiter);
        ensure(
            self.known.len() < before,
            Promise::P8,
            "a request ended twice, or never came",
        )
    }
}

#[cfg(test)]
mod tests;
