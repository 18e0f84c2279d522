//! What each event does: the dispatch, the clock and the deadlines. Signing in and out is in `sign_in`, renewal in
//! `refresh`, confirming in `probe`, the store in `sync`, requests and their answers in `requests`.

use crate::effect::Outcome;
use crate::error::Rejected;
use crate::lease::Lease;
use crate::machine::Input;
use crate::machine::Machine;
use crate::machine::Revocation;
use crate::renewal::TokenFailure;
use crate::renewal::backoff;
use crate::session::Trouble;
use crate::state::Expired;
use crate::state::Gate;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::time::Jump;
use crate::time::Now;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
    /// What the caller may not tell now. Comes first, so that a refusal changes nothing (P14).
    pub(crate) fn check(&self, now: u64, input: &Input) -> Result<(), Rejected> {
        let unopened = self.phase == Phase::Unauthenticated(Unauthenticated::Unopened);
        match input {
            Input::Opened => {
                if unopened {
                    return Ok(());
                }
                Err(Rejected::AlreadyOpened)
            }
            Input::Resumed
            | Input::StoreChanged
            | Input::LoginStarted
            | Input::RefreshRequested
            | Input::LogoutRequested
                if unopened =>
            {
                Err(Rejected::NotOpened)
            }
            Input::AccessRequested { waiter, access } => self.check_request(*waiter, *access),
            Input::RefreshRequested => self.check_refresh(now),
            _ => Ok(()),
        }
    }

    /// Time first: what fell due before the event happens before it.
    pub(crate) fn observe(&mut self, now: Now) {
        match self
            .clock
            .observe(now, u64::from(self.config.clock_tolerance_ms))
        {
            Jump::None => {}
            Jump::Forward(gap) => {
                if let Some(session) = &mut self.session {
                    session.age(gap);
                }
                self.look_again();
            }
            Jump::Back => self.look_again(),
        }
        self.deadlines();
        self.finish();
    }

    /// One event.
    pub(crate) fn step(&mut self, input: Input) -> Outcome {
        let outcome = self.dispatch(input);
        self.finish();
        outcome
    }

    fn dispatch(&mut self, input: Input) -> Outcome {
        match input {
            Input::Opened => self.opened(),
            Input::Resumed | Input::StoreChanged => self.look_again(),
            Input::WentOffline => self.offline = true,
            Input::WentOnline => self.went_online(),
            Input::LoginStarted => return self.login_started(),
            Input::Granted { ticket, grant } => return self.granted(ticket, grant),
            Input::TokenFailed {
                ticket,
                failure,
                retry_after,
            } => {
                return self.token_failed(ticket, failure, retry_after);
            }
            Input::Loaded { ticket, .. } | Input::LoadFailed { ticket }
                if !self.is_loading(ticket) =>
            {
                return Outcome::Stale;
            }
            Input::Stored { ticket } | Input::StoreFailed { ticket }
                if !self.is_storing(ticket) =>
            {
                return Outcome::Stale;
            }
            Input::Loaded { found, .. } => self.loaded(found),
            Input::Stored { .. } => self.stored(),
            Input::LoadFailed { .. } | Input::StoreFailed { .. } => self.sync_failed(),
            Input::Probed { ticket, result } => return self.probed(ticket, result),
            Input::LeaseGranted { ticket } | Input::LeaseDenied { ticket }
                if !self.is_asking(ticket) =>
            {
                return Outcome::Stale;
            }
            Input::LeaseGranted { .. } => self.lease_granted(),
            Input::LeaseDenied { .. } => self.lease_denied(),
            Input::LeaseLost { ticket } => {
                if !self.is_holding(ticket) {
                    return Outcome::Stale;
                }
                self.lease_lost();
            }
            Input::Revoked { ticket } | Input::RevokeFailed { ticket }
                if !self.is_revoking(ticket) =>
            {
                return Outcome::Stale;
            }
            Input::Revoked { .. } => self.revocation = Revocation::None,
            Input::RevokeFailed { .. } => self.revoke_failed(),
            Input::AccessRequested { waiter, access } => {
                return self.access_requested(waiter, access);
            }
            Input::Answered {
                receipt,
                status,
                challenge,
            } => return self.answered(receipt, status, challenge),
            Input::WaiterCancelled { waiter } => {
                if !self.waiters.remove(waiter) {
                    return Outcome::Stale;
                }
            }
            Input::RefreshRequested => self.refresh_requested(),
            Input::LogoutRequested => self.logout(),
            Input::TimeoutReached => {}
        }
        Outcome::Done
    }

    /// What holds after every step, whatever it did.
    fn finish(&mut self) {
        self.save_in_background();
        self.release_idle_lease();
        if !self.is_open() {
            self.waiters.hold();
        }
    }

    /// Everything whose time has come. The same fields as in `poll_timeout`.
    fn deadlines(&mut self) {
        let now = self.clock.now;
        let waited = if self.offline {
            Cause::Offline
        } else {
            Cause::WaitTimeout
        };
        if self
            .waiters
            .iter()
            .any(|slot| slot.is_early() && slot.until <= now)
        {
            // Nobody came: the next request asks for a login again.
            self.login_told = false;
        }
        self.waiters.refuse(waited, |slot| slot.until <= now);
        if self.is_sync_overdue() {
            self.sync_failed();
        }
        if let Lease::Asked(order) = self.lease {
            if order.deadline <= now {
                if order.told {
                    self.release = order.ticket;
                }
                self.lease_denied();
            }
        }
        self.revocation_deadline();
        if self.phase_deadline() <= now {
            self.phase_overdue();
        }
    }

    fn is_sync_overdue(&self) -> bool {
        self.sync_order()
            .is_some_and(|order| order.deadline <= self.clock.now)
    }

    fn phase_overdue(&mut self) {
        match self.phase {
            Phase::Pending(Pending::LoggingIn(_)) => self.login_failed(),
            Phase::Pending(Pending::Probing(_)) | Phase::Refreshing(Refreshing::Probing(_)) => {
                self.probe_unanswered();
            }
            Phase::Refreshing(Refreshing::Exchanging(..)) => {
                self.exchange_failed(TokenFailure::Lost, None);
            }
            _ => self.settle(),
        }
    }

    fn revocation_deadline(&mut self) {
        match self.revocation {
            Revocation::None => {}
            Revocation::Ordered {
                order: Order { deadline, .. },
                ..
            } => {
                if deadline <= self.clock.now {
                    self.revoke_failed();
                }
            }
            Revocation::Waiting { at, tries } => {
                if self.offline {
                    return;
                }
                if at <= self.clock.now {
                    let order = self.order(self.config.revoke_timeout_ms);
                    self.revocation = Revocation::Ordered { order, tries };
                }
            }
        }
    }

    pub(crate) fn start_revocation(&mut self) {
        self.revocation = Revocation::Waiting { at: 0, tries: 0 };
        self.revocation_deadline();
    }

    fn revoke_failed(&mut self) {
        let Revocation::Ordered { tries, .. } = self.revocation else {
            return;
        };
        let tries = tries.saturating_add(1);
        if tries >= self.config.attempts {
            self.revocation = Revocation::None;
            return;
        }
        let pause = backoff(&self.config, tries, &mut self.random);
        self.revocation = Revocation::Waiting {
            at: self.clock.now.saturating_add(pause),
            tries,
        };
    }

    pub(crate) fn is_revoking(&self, wanted: u32) -> bool {
        match self.revocation {
            Revocation::Ordered {
                order: Order { ticket, .. },
                ..
            } => ticket == wanted,
            _ => false,
        }
    }

    pub(crate) fn is_logging_in(&self, wanted: u32) -> bool {
        match self.phase {
            Phase::Pending(Pending::LoggingIn(Order { ticket, .. })) => ticket == wanted,
            _ => false,
        }
    }

    pub(crate) fn is_asking(&self, wanted: u32) -> bool {
        match self.lease {
            Lease::Asked(Order { ticket, .. }) => ticket == wanted,
            _ => false,
        }
    }

    fn is_holding(&self, wanted: u32) -> bool {
        match self.lease {
            Lease::Held { ticket, .. } => ticket == wanted,
            _ => false,
        }
    }

    fn opened(&mut self) {
        if self.config.store {
            // Until the store was read, whatever it holds comes before what we do.
            self.unbound = true;
            self.phase = Phase::Pending(Pending::Restoring);
            self.begin_sync(Goal::Restore);
        } else {
            self.nobody(Cause::NotSignedIn);
        }
    }

    /// The store may hold something newer: the gate closes until it was looked at.
    fn look_again(&mut self) {
        self.look = true;
        match &mut self.phase {
            Phase::Unauthenticated(Unauthenticated::Unopened) => self.look = false,
            Phase::Unauthenticated(Unauthenticated::SignedOut)
            | Phase::Ready
            | Phase::Expired(_) => self.settle(),
            Phase::Pending(Pending::Restoring) => self.begin_sync(Goal::Restore),
            Phase::Pending(Pending::Looking) => self.begin_sync(Goal::Look),
            Phase::Refreshing(Refreshing::Preparing(gate) | Refreshing::Exchanging(_, gate)) => {
                *gate = Gate::Closed;
            }
            Phase::Pending(_) | Phase::Refreshing(_) => {}
        }
    }

    fn went_online(&mut self) {
        self.offline = false;
        if let Some(session) = &mut self.session {
            if session.trouble == Some(Trouble::Passing(Cause::Offline)) {
                session.trouble = None;
                session.failures = 0;
                session.retry_at = 0;
            }
        }
        match self.phase {
            Phase::Ready | Phase::Expired(Expired::Retrying) => self.settle(),
            _ => {}
        }
        self.revocation_deadline();
    }
}
