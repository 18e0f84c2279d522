//! Requests that want to leave, and the answers they got (RFC 6750 3, RFC 9449 8 and 9, RFC 9470).

use crate::challenge::ChallengeKind;
use crate::config::Waiting;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Access;
use crate::machine::Machine;
use crate::state::Expired;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Unauthenticated;
use crate::time::since;
use crate::waiters::Fate;
use crate::waiters::Receipt;
use crate::waiters::Slot;
use crate::waiters::Waiter;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
    pub(crate) fn check_request(&self, waiter: Waiter, access: Access) -> Result<(), Rejected> {
        if access == Access::Public {
            return Ok(());
        }
        self.waiters.check(waiter)
    }

    /// Why this request may not even wait.
    fn turned_away(&self, retry: Option<Receipt>) -> Option<Cause> {
        if let Some(receipt) = retry {
            if self.is_ended(receipt) {
                return Some(self.ended_by());
            }
            if receipt.attempt() >= self.config.max_attempts {
                return Some(Cause::RetriesExhausted);
            }
            if receipt.version() == self.version {
                if receipt.is_again() {
                    return Some(Cause::RetriesExhausted);
                }
            }
        }
        if let Phase::Expired(Expired::LoginRequired(cause)) = self.phase {
            if retry.is_some() {
                // It belongs to this sign-in, and only another one can come.
                return Some(cause);
            }
        }
        let (policy, cause) = match self.phase {
            Phase::Unauthenticated(Unauthenticated::SignedOut) => {
                (self.config.when_signed_out, self.ended)
            }
            Phase::Expired(Expired::LoginRequired(cause)) => (self.config.when_signed_out, cause),
            Phase::Expired(Expired::Retrying) => (self.config.when_unavailable, self.trouble()),
            _ => return None,
        };
        match policy {
            Waiting::Hold => None,
            Waiting::Refuse => Some(cause),
        }
    }

    /// Whether the sign-in of this receipt is over, or the receipt is not ours.
    fn is_ended(&self, receipt: Receipt) -> bool {
        if self.session.is_none() {
            return true;
        }
        !(self.since..=self.version).contains(&receipt.version())
    }

    fn ended_by(&self) -> Cause {
        if self.session.is_some() {
            Cause::SignInChanged
        } else {
            self.ended
        }
    }

    #[inline(never)]
    pub(crate) fn access_requested(&mut self, waiter: Waiter, access: Access) -> Outcome {
        let retry = match access {
            Access::Public => return Outcome::Pass,
            Access::First => None,
            Access::Retry(receipt) => Some(receipt),
        };
        if let Phase::Unauthenticated(Unauthenticated::SignedOut)
        | Phase::Expired(Expired::LoginRequired(_)) = self.phase
        {
            self.require_login(self.ended);
        }
        if let Some(cause) = self.turned_away(retry) {
            return Outcome::Surface(cause);
        }
        let fate = match self.phase {
            Phase::Unauthenticated(_)
            | Phase::Pending(Pending::Restoring | Pending::LoggingIn(_))
            | Phase::Expired(Expired::LoginRequired(_)) => Fate::Early,
            _ if self.session.is_none() => Fate::Early,
            _ => Fate::Waiting,
        };
        let fate = if retry.is_some() { Fate::Waiting } else { fate };
        self.waiters.admit(Slot {
            waiter,
            fate,
            attempts: retry.map_or(0, Receipt::attempt),
            again: retry.is_some_and(|receipt| receipt.version() == self.version),
            until: self.wait_until(),
        });
        Outcome::Admitted
    }

    /// How long a request that comes now may wait.
    pub(crate) const fn wait_until(&self) -> u64 {
        self.clock.after(self.config.wait_limit_ms)
    }

    /// Whether this answer may say that the credential at hand is not taken.
    pub(crate) const fn may_refuse(&self, receipt: Receipt, status: u16) -> bool {
        if status != 401 {
            return false;
        }
        receipt.version() == self.version
    }

    /// Whether this answer says that the credential at hand was taken, and nothing else.
    pub(crate) fn is_accepted(
        &self,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    ) -> bool {
        if receipt.version() != self.version {
            return false;
        }
        matches!(
            (u32::from(status), challenge),
            (200..=399, ChallengeKind::Absent)
        )
    }

    /// Ends a released request with a receipt, if the gate is open now (P1, P8).
    pub(crate) fn claim(&mut self, waiter: Waiter) -> Result<Receipt, PermitError> {
        let slot = self.waiters.claim(waiter)?;
        Ok(Receipt::new(
            self.version,
            slot.attempts.saturating_add(1),
            slot.again,
        ))
    }

    #[inline(never)]
    pub(crate) fn answered(
        &mut self,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    ) -> Outcome {
        if self.is_ended(receipt) {
            return match status {
                401 => Outcome::Surface(self.ended_by()),
                _ => Outcome::Stale,
            };
        }
        match challenge {
            ChallengeKind::UseDpopNonce => return self.retry_same(receipt, Cause::DpopNonce),
            ChallengeKind::InsufficientScope => return Outcome::Surface(Cause::InsufficientScope),
            ChallengeKind::InsufficientUserAuthentication => {
                return Outcome::Surface(Cause::StepUp);
            }
            _ => {}
        }
        match status {
            401 => self.refused(receipt, challenge),
            200..=399 => {
                self.accepted(receipt);
                Outcome::Deliver
            }
            _ => Outcome::Deliver,
        }
    }

    fn accepted(&mut self, receipt: Receipt) {
        if receipt.version() < self.version {
            return;
        }
        if let Some(session) = &mut self.session {
            session.accept();
        }
    }

    /// The same token once more, with something else changed (a proof, some time).
    fn retry_same(&self, receipt: Receipt, cause: Cause) -> Outcome {
        if receipt.version() == self.version {
            if receipt.is_again() {
                return Outcome::Surface(cause);
            }
        }
        self.retry(receipt)
    }

    fn retry(&self, receipt: Receipt) -> Outcome {
        if receipt.attempt() >= self.config.max_attempts {
            return Outcome::Surface(Cause::RetriesExhausted);
        }
        if let Phase::Expired(Expired::LoginRequired(cause)) = self.phase {
            return Outcome::Surface(cause);
        }
        Outcome::Retry
    }

    /// A 401 (hard parts 2.1, 2.2, 2.17).
    fn refused(&mut self, receipt: Receipt, challenge: ChallengeKind) -> Outcome {
        match challenge {
            ChallengeKind::OtherScheme => return Outcome::Surface(Cause::OtherScheme),
            ChallengeKind::InvalidRequest => return Outcome::Surface(Cause::MalformedCredential),
            ChallengeKind::Absent if self.config.require_challenge => {
                return Outcome::Surface(Cause::OtherScheme);
            }
            _ => {}
        }
        if receipt.version() < self.version {
            // Late: somebody renewed since.
            return self.retry(receipt);
        }
        let renewable = self.is_renewable();
        let Some(session) = &mut self.session else {
            return Outcome::Stale;
        };
        if session.refused {
            return self.retry(receipt);
        }
        if !session.accepted {
            let cause = match challenge {
                ChallengeKind::NoError => Cause::NoCredential,
                _ => Cause::RefusedFresh,
            };
            if !session.restored {
                let age = since(self.clock.now, session.granted_at);
                if age < u64::from(self.config.fresh_window_ms) {
                    session.fresh_retry_at = self.clock.after(self.config.fresh_retry_ms);
                    return self.retry_same(receipt, cause);
                }
                if receipt.is_again() {
                    return Outcome::Surface(cause);
                }
            }
            if session.unaccepted > 0 {
                return Outcome::Surface(cause);
            }
            session.unaccepted = 1;
        }
        if !renewable {
            if challenge == ChallengeKind::NoError {
                // The server saw none: that says nothing about the token we have.
                return Outcome::Surface(Cause::NoCredential);
            }
        }
        session.refused = true;
        self.settle_if_at_rest();
        match self.phase {
            Phase::Unauthenticated(_) => Outcome::Surface(self.ended),
            Phase::Expired(Expired::LoginRequired(cause)) => Outcome::Surface(cause),
            _ => self.retry(receipt),
        }
    }

    fn settle_if_at_rest(&mut self) {
        match self.phase {
            Phase::Ready | Phase::Expired(Expired::Retrying) => self.settle(),
            _ => {}
        }
    }
}
