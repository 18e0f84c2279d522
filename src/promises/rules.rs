//! What must hold, promise by promise.

use super::Promise;
use super::Violation;
use super::checked::Checked;
use super::checked::Known;
use super::checked::Proof;
use super::checked::Seen;
use super::ensure;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::effect::Effect;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::state::State;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

impl<const T: usize, const W: usize> Checked<T, W> {
    /// P1, P7, P9 at the moment a request leaves.
    pub(super) fn check_permit(
        &self,
        known: Option<Known>,
        open: bool,
        receipt: Receipt,
        token: usize,
    ) -> Result<(), Violation> {
        ensure(open, Promise::P1, "a permit while the gate is closed")?;
        self.check_gate()?;
        if self.latch.config().credential == Credential::Token {
            ensure(token > 0, Promise::P1, "a permit without a token")?;
        }
        let Some(known) = known else {
            return ensure(
                false,
                Promise::P8,
                "a permit for a request that does not wait",
            );
        };
        ensure(
            known.released,
            Promise::P8,
            "a permit for a request that was not released",
        )?;
        if let Some(sign_in) = known.sign_in {
            ensure(
                sign_in == self.latch.machine().since,
                Promise::P7,
                "a request leaves under another sign-in",
            )?;
        }
        ensure(
            receipt.attempt() <= self.latch.config().max_attempts,
            Promise::P9,
            "more attempts than allowed",
        )?;
        let Some(before) = known.before else {
            return ensure(
                receipt.attempt() == 1,
                Promise::P9,
                "a first attempt is not counted as such",
            );
        };
        ensure(
            receipt.attempt() == before.attempt().saturating_add(1),
            Promise::P9,
            "an attempt was not counted",
        )?;
        if receipt.version() == before.version() {
            ensure(
                !before.is_again(),
                Promise::P9,
                "a request is retried twice under one generation",
            )?;
            return ensure(
                receipt.is_again(),
                Promise::P9,
                "a retry under the same generation is not marked",
            );
        }
        Ok(())
    }

    /// P1: what an open gate implies.
    pub(super) fn check_gate(&self) -> Result<(), Violation> {
        let serving = self.latch.config().serve_while_refreshing;
        match self.latch.state() {
            State::Ready => {}
            State::Refreshing => ensure(
                serving,
                Promise::P1,
                "open while refreshing, and the host did not ask for it",
            )?,
            _ => return ensure(false, Promise::P1, "the gate is open in a closed state"),
        }
        let alive = self
            .latch
            .expires_at()
            .is_none_or(|at| at.as_millis() > self.now);
        ensure(alive, Promise::P1, "the gate is open with an expired token")?;
        let refused = self
            .latch
            .machine()
            .session
            .as_ref()
            .is_none_or(|session| session.refused);
        ensure(
            !refused,
            Promise::P1,
            "the gate is open with a refused token",
        )
    }

    pub(super) fn check_rejected(
        &self,
        event: &Event<'_>,
        rejected: Rejected,
        waiting: usize,
    ) -> Result<(), Violation> {
        match rejected {
            Rejected::QueueFull => ensure(waiting == W, Promise::P8, "full with room left"),
            Rejected::DuplicateWaiter => {
                let Event::AccessRequested { waiter, .. } = event else {
                    return ensure(false, Promise::P8, "not a request");
                };
                ensure(
                    self.known.iter().any(|known| known.waiter == *waiter),
                    Promise::P8,
                    "not a duplicate",
                )
            }
            _ => Ok(()),
        }
    }

    /// P4: only an answer to an order under way is taken.
    pub(super) fn check_ticket(&self, event: &Event<'_>) -> Result<(), Violation> {
        let orders = &self.orders;
        let (known, ticket) = match *event {
            Event::Granted { ticket, .. } | Event::TokenFailed { ticket, .. } => {
                ([orders.login, orders.exchange], ticket)
            }
            Event::Loaded { ticket, .. } | Event::LoadFailed { ticket } => {
                ([orders.load, None], ticket)
            }
            Event::Stored { ticket } | Event::StoreFailed { ticket } => {
                ([orders.store, None], ticket)
            }
            Event::Probed { ticket, .. } => ([orders.probe, None], ticket),
            Event::LeaseGranted { ticket }
            | Event::LeaseDenied { ticket }
            | Event::LeaseLost { ticket } => ([orders.lease, None], ticket),
            Event::Revoked { ticket } | Event::RevokeFailed { ticket } => {
                ([orders.revocation, None], ticket)
            }
            _ => return Ok(()),
        };
        ensure(
            known.contains(&Some(ticket)),
            Promise::P4,
            "an answer with an unknown id was taken",
        )
    }

    pub(super) fn check_effect(&mut self, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Load { ticket } => self.orders.load = Some(ticket),
            Effect::Store { ticket } => self.orders.store = Some(ticket),
            Effect::AcquireLease { ticket } => self.orders.lease = Some(ticket),
            Effect::Probe { ticket } => self.orders.probe = Some(ticket),
            Effect::Revoke { ticket } => self.orders.revocation = Some(ticket),
            Effect::SendTokenRequest { ticket, .. } => self.check_sending(ticket)?,
            Effect::Refuse { waiter, .. } => self.end(waiter)?,
            Effect::Release { waiter } => self.check_release(waiter)?,
            Effect::StateChanged { .. }
            | Effect::Announce
            | Effect::ReleaseLease { .. }
            | Effect::RequireLogin { .. } => {}
        }
        Ok(())
    }

    /// P3 and P10.
    pub(super) fn check_sending(&mut self, ticket: Ticket) -> Result<(), Violation> {
        let alone = self.outstanding.is_none_or(|deadline| deadline <= self.now);
        ensure(
            alone,
            Promise::P3,
            "a second token request while one is outstanding",
        )?;
        let deadline = self.latch.machine().phase_deadline();
        self.outstanding = Some(deadline);
        self.orders.exchange = Some(ticket);
        let config = self.latch.config();
        let sent = deadline.saturating_sub(u64::from(config.token_timeout_ms));
        if self.sent.is_full() {
            self.sent.pop_front();
        }
        let _ = self.sent.push_back(sent);
        let window = u64::from(config.budget_window_ms);
        let recent = self
            .sent
            .iter()
            .filter(|at| sent.saturating_sub(**at) < window)
            .count();
        ensure(
            recent <= usize::from(config.budget),
            Promise::P10,
            "more token requests than the budget",
        )
    }

    pub(super) fn check_release(&mut self, waiter: Waiter) -> Result<(), Violation> {
        ensure(
            self.latch.machine().is_open(),
            Promise::P1,
            "a release while the gate is closed",
        )?;
        self.check_gate()?;
        for known in &mut self.known {
            if known.waiter == waiter {
                known.released = true;
                return Ok(());
            }
            // A retry with the same, fresh token waits a little and lets others pass.
            let passed = known.released || known.before.is_some();
            ensure(
                passed,
                Promise::P8,
                "a request was released before an earlier one",
            )?;
        }
        ensure(
            false,
            Promise::P8,
            "a release for a request that does not wait",
        )
    }

    /// What must hold after every call.
    pub(super) fn look(&self, before: Seen) -> Result<(), Violation> {
        let after = self.seen();
        ensure(
            after.generation >= before.generation,
            Promise::P5,
            "the generation went back",
        )?;
        ensure(
            after.version >= before.version,
            Promise::P5,
            "the credential's number went back",
        )?;
        if before.session && !after.session {
            ensure(
                self.evidence,
                Promise::P11,
                "a session ended without evidence",
            )?;
            ensure(
                !self.latch.holds_secret(),
                Promise::P6,
                "a session ended and a secret is left",
            )?;
        }
        if after.state == State::Ready && before.state != State::Ready {
            self.check_confirmed()?;
        }
        if let State::Pending | State::Refreshing = after.state {
            ensure(
                self.latch.poll_timeout().is_some(),
                Promise::P15,
                "an order without a deadline",
            )?;
        }
        if self.latch.machine().is_open() {
            self.check_gate()?;
        }
        Ok(())
    }

    /// P2, when the gate opens.
    pub(super) fn check_confirmed(&self) -> Result<(), Violation> {
        let config = self.latch.config();
        let Proof {
            stored,
            read_back,
            probed,
            from_store,
        } = self.proof;
        if config.confirmation == Confirmation::Probed {
            ensure(probed, Promise::P2, "ready without a probe")?;
        }
        if !config.store || from_store || self.latch.is_volatile() {
            return Ok(());
        }
        match config.confirmation {
            Confirmation::Memory => Ok(()),
            Confirmation::Stored => ensure(
                stored,
                Promise::P2,
                "ready, not stored, and not said to be volatile",
            ),
            Confirmation::ReadBack | Confirmation::Probed => ensure(
                read_back,
                Promise::P2,
                "ready, not read back, and not said to be volatile",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
