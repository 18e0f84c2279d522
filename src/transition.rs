//! What each event does: the dispatch, the clock and the deadlines. Signing in and out is in `sign_in`, renewal in
//! `refresh`, confirming in `probe`, the store in `sync`, requests and their answers in `requests`.

use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::lease::Lease;
use crate::machine::Machine;
use crate::machine::Revocation;
use crate::machine::Told;
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
    pub(crate) fn check(&self, now: u64, event: &Event<'_>) -> Result<(), Rejected> {
        match *event {
            Event::Opened => {
                if self.is_unopened() {
                    return Ok(());
                }
                Err(Rejected::AlreadyOpened)
            }
            Event::Resumed
            | Event::StoreChanged
            | Event::LoginStarted
            | Event::RefreshRequested
            | Event::LogoutRequested
                if self.is_unopened() =>
            {
                Err(Rejected::NotOpened)
            }
            Event::AccessRequested { waiter, access } => self.check_request(waiter, access),
            Event::RefreshRequested => self.check_refresh(now),
            _ => Ok(()),
        }
    }

    const fn is_unopened(&self) -> bool {
        matches!(
            self.phase,
            Phase::Unauthenticated(Unauthenticated::Unopened)
        )
    }

    /// Time first: what fell due before the event happens before it.
    pub(crate) fn observe(&mut self, now: &Now) {
        let tolerance = u64::from(self.config.clock_tolerance_ms);
        let jump = self.clock.observe(now, tolerance);
        self.pass(jump);
    }

    /// What follows from a reading: what fell due happens.
    #[inline(never)]
    pub(crate) fn pass(&mut self, jump: Jump) {
        match jump {
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

    /// One event, but for what a load found: see `loaded`. No byte of a grant or a record is looked at.
    pub(crate) fn step(&mut self, event: &Event<'_>, told: Told) -> Outcome {
        let outcome = self.dispatch(event, told);
        self.finish();
        outcome
    }

    #[inline(never)]
    fn dispatch(&mut self, event: &Event<'_>, told: Told) -> Outcome {
        match *event {
            Event::Opened => self.opened(),
            Event::Resumed | Event::StoreChanged => self.look_again(),
            Event::WentOffline => self.offline = true,
            Event::WentOnline => self.went_online(),
            Event::LoginStarted => return self.login_started(),
            Event::Granted { ticket, ref grant } => return self.granted(ticket.0, grant, told),
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            } => {
                return self.token_failed(ticket.0, failure, retry_after);
            }
            // That of the load under way does not come here.
            Event::Loaded { .. } => return Outcome::Stale,
            Event::LoadFailed { ticket } if !self.is_loading(ticket.0) => return Outcome::Stale,
            Event::Stored { ticket } | Event::StoreFailed { ticket }
                if !self.is_storing(ticket.0) =>
            {
                return Outcome::Stale;
            }
            Event::Stored { .. } => self.stored(),
            Event::LoadFailed { .. } | Event::StoreFailed { .. } => self.sync_failed(),
            Event::Probed { ticket, result } => return self.probed(ticket.0, result),
            Event::LeaseGranted { ticket } | Event::LeaseDenied { ticket }
                if !self.is_asking(ticket.0) =>
            {
                return Outcome::Stale;
            }
            Event::LeaseGranted { .. } => self.lease_granted(),
            Event::LeaseDenied { .. } => self.lease_denied(),
            Event::LeaseLost { ticket } => {
                if !self.is_holding(ticket.0) {
                    return Outcome::Stale;
                }
                self.lease_lost();
            }
            Event::Revoked { ticket } | Event::RevokeFailed { ticket }
                if !self.is_revoking(ticket.0) =>
            {
                return Outcome::Stale;
            }
            Event::Revoked { .. } => self.revocation = Revocation::None,
            Event::RevokeFailed { .. } => self.revoke_failed(),
            Event::AccessRequested { waiter, access } => {
                return self.access_requested(waiter, access);
            }
            Event::Answered {
                receipt,
                status,
                challenge,
            } => return self.answered(receipt, status, challenge),
            Event::WaiterCancelled { waiter } => {
                if !self.waiters.remove(waiter) {
                    return Outcome::Stale;
                }
            }
            Event::RefreshRequested => self.refresh_requested(),
            Event::LogoutRequested => self.logout(),
            Event::TimeoutReached => {}
        }
        Outcome::Done
    }

    /// What holds after every step, whatever it did.
    pub(crate) fn finish(&mut self) {
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
        if self.waiters.refuse_overdue(waited, now) {
            // Nobody came: the next request asks for a login again.
            self.login_told = false;
        }
        if self.is_sync_overdue() {
            self.sync_failed();
        }
        if self.lease_deadline() <= now {
            self.lease_overdue();
        }
        self.revocation_deadline();
        if self.phase_deadline() <= now {
            self.phase_overdue();
        }
    }

    fn is_sync_overdue(&self) -> bool {
        self.sync_deadline() <= self.clock.now
    }

    /// The order is taken back, if the host has it.
    fn lease_overdue(&mut self) {
        if let Lease::Asked(Order {
            told: true, ticket, ..
        }) = self.lease
        {
            self.release = ticket;
        }
        self.lease_denied();
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
        if self.revocation_at() > self.clock.now {
            return;
        }
        match self.revocation {
            Revocation::None => {}
            Revocation::Ordered { .. } => self.revoke_failed(),
            Revocation::Waiting { tries, .. } => {
                let order = self.order(self.config.revoke_timeout_ms);
                self.revocation = Revocation::Ordered { order, tries };
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
            at: self.clock.after(pause),
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
