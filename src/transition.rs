//! What each event does: the dispatch, the clock, signing in and out. Renewal is in `refresh`, the store in
//! `sync`, requests and their answers in `requests`.

use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::Waiting;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Ticket;
use crate::machine::Bytes;
use crate::machine::GrantFacts;
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
use crate::state::Stamp;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::sync::Lease;
use crate::sync::RecordFacts;
use crate::time::Jump;
use crate::time::Now;
use crate::waiters::Slot;
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

    fn is_asking(&self, wanted: u32) -> bool {
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

    /// Nobody is signed in, and nothing in the store says otherwise.
    pub(crate) fn nobody(&mut self, cause: Cause) {
        self.ended = cause;
        if self.config.credential == Credential::Ambient {
            if cause != Cause::SignedOut {
                return self.probe_for_cookie();
            }
        }
        self.phase = Phase::Unauthenticated(Unauthenticated::SignedOut);
        self.refuse_if_nobody_comes();
        self.require_login(cause);
    }

    /// Requests that wait for a sign-in are refused where the host chose so.
    pub(crate) fn refuse_if_nobody_comes(&mut self) {
        if self.config.when_signed_out == Waiting::Refuse {
            self.waiters.refuse(self.ended, |_| true);
        }
    }

    pub(crate) fn require_login(&mut self, cause: Cause) {
        if self.login_told {
            return;
        }
        self.login_told = true;
        self.login = Some(cause);
    }

    fn login_started(&mut self) -> Outcome {
        if let Phase::Pending(Pending::LoggingIn(_)) = self.phase {
            self.orphan_earlier_tickets();
        }
        self.abandon();
        self.login = None;
        self.login_told = false;
        let mut order = self.order(self.config.login_timeout_ms);
        order.told = true;
        self.phase = Phase::Pending(Pending::LoggingIn(order));
        Outcome::Login(Ticket(order.ticket))
    }

    /// Leaves whatever was under way for a session that stays.
    fn abandon(&mut self) {
        match self.phase {
            Phase::Pending(Pending::Saving) | Phase::Refreshing(Refreshing::Saving) => {
                self.dirty = self.config.store;
            }
            // Its answer would come for nobody: as good as lost.
            Phase::Refreshing(Refreshing::Exchanging(..)) => self.lose_answer(),
            Phase::Refreshing(Refreshing::Rechecking) => self.refuse_for_good(Cause::SessionEnded),
            Phase::Pending(Pending::Restoring | Pending::Looking) => self.look = true,
            _ => {}
        }
        self.sync = None;
    }

    fn granted(&mut self, ticket: u32, grant: GrantFacts) -> Outcome {
        match self.phase {
            Phase::Pending(Pending::LoggingIn(order)) if order.ticket == ticket => {
                self.signed_in(order.began_at(self.config.login_timeout_ms), &grant);
                Outcome::Done
            }
            Phase::Refreshing(Refreshing::Exchanging(order, _)) if order.ticket == ticket => {
                self.renewed(order.began_at(self.config.token_timeout_ms), &grant);
                Outcome::Done
            }
            _ => self.granted_late(ticket, &grant),
        }
    }

    /// A login succeeded: a new sign-in, whoever was signed in before.
    fn signed_in(&mut self, sent_at: u64, grant: &GrantFacts) {
        self.orphan_earlier_tickets();
        self.waiters.refuse(Cause::SignInChanged, Slot::is_bound);
        self.new_sign_in(true);
        let session = self.new_session(sent_at, grant);
        self.session = Some(session);
        self.bytes = Bytes::TakeGrant;
        self.save_then_confirm(Phase::Pending(Pending::Saving));
    }

    /// Another credential: receipts of the one before are late from now on.
    pub(crate) fn next_version(&mut self) {
        self.version = self.version.saturating_add(1);
        self.waiters.renew();
    }

    /// Raises the generation; what the store holds is only known once it was read.
    pub(crate) fn new_sign_in(&mut self, live: bool) {
        self.next_version();
        self.since = self.version;
        let sign_in = self.stamp.sign_in.saturating_add(1);
        let origin = self.random.nonce();
        self.stamp = Stamp {
            sign_in,
            live,
            serial: 0,
            origin,
            nonce: origin,
        };
        self.unbound = live;
        self.save_at = 0;
    }

    /// Stores the new credential if the host's level asks for it, then goes on to confirm it.
    pub(crate) fn save_then_confirm(&mut self, saving: Phase) {
        self.dirty = self.config.store;
        let wait = match self.config.confirmation {
            Confirmation::Memory => false,
            Confirmation::Stored | Confirmation::ReadBack | Confirmation::Probed => {
                self.config.store
            }
        };
        self.sync = None;
        self.phase = saving;
        if wait {
            self.begin_sync(Goal::Save);
        } else {
            self.confirm();
        }
    }

    fn token_failed(
        &mut self,
        ticket: u32,
        failure: TokenFailure,
        retry_after: Option<u32>,
    ) -> Outcome {
        match self.phase {
            Phase::Pending(Pending::LoggingIn(order)) if order.ticket == ticket => {
                self.login_failed();
            }
            Phase::Refreshing(Refreshing::Exchanging(order, _)) if order.ticket == ticket => {
                self.exchange_failed(failure, retry_after);
            }
            _ => return Outcome::Stale,
        }
        Outcome::Done
    }

    /// Back to what was before the login.
    fn login_failed(&mut self) {
        if self.session.is_some() {
            self.waiters.refuse(Cause::LoginFailed, Slot::is_early);
        } else if self.config.when_signed_out == Waiting::Refuse {
            self.waiters.refuse(Cause::LoginFailed, |_| true);
        }
        self.settle();
    }

    /// P6: on return nothing can leave, nothing can be read, everybody is told.
    fn logout(&mut self) {
        let before_the_look = matches!(
            self.phase,
            Phase::Pending(Pending::Restoring | Pending::Looking)
        );
        let nothing = matches!(self.phase, Phase::Unauthenticated(_));
        self.waiters.refuse(Cause::SignedOut, |_| true);
        if nothing {
            return;
        }
        let unbound = before_the_look || self.unbound || self.look;
        if self.session.is_some() {
            self.wipe_session(true);
        }
        self.end_sign_in(Cause::SignedOut);
        self.unbound = unbound;
        self.login = None;
        self.login_told = false;
    }

    /// The session is over here; the store is told in the background.
    pub(crate) fn end_session(&mut self, cause: Cause) {
        self.waiters.refuse(cause, Slot::is_bound);
        self.bytes = Bytes::Wipe;
        self.end_sign_in(cause);
        self.refuse_if_nobody_comes();
        self.require_login(cause);
    }

    fn end_sign_in(&mut self, cause: Cause) {
        self.ended_serial = self.stamp.serial;
        self.session = None;
        self.sync = None;
        self.look = false;
        self.new_sign_in(false);
        self.orphan_earlier_tickets();
        self.dirty = self.config.store;
        self.ended = cause;
        self.phase = Phase::Unauthenticated(Unauthenticated::SignedOut);
    }

    /// A tombstone in the store: another context ended the sign-in. What we have and the store never had is
    /// nobody's from now on, and revoked.
    pub(crate) fn signed_out_elsewhere(&mut self, stamp: Stamp, unstored: bool) {
        self.waiters
            .refuse(Cause::SignedOutElsewhere, Slot::is_bound);
        self.new_sign_in(false);
        self.orphan_earlier_tickets();
        self.stamp = stamp;
        self.ended = Cause::SignedOutElsewhere;
        if self.session.is_some() {
            self.wipe_session(unstored);
        }
        if let Phase::Pending(Pending::LoggingIn(_)) = self.phase {
            return;
        }
        self.phase = Phase::Unauthenticated(Unauthenticated::SignedOut);
        self.refuse_if_nobody_comes();
        self.require_login(Cause::SignedOutElsewhere);
    }

    /// Ends the session's bytes; `revoke` if its token is alive and nobody else has it.
    fn wipe_session(&mut self, revoke: bool) {
        self.session = None;
        self.bytes = Bytes::Wipe;
        if revoke {
            self.bytes = Bytes::Revoke;
            self.start_revocation();
        }
    }

    /// Takes over what another context, or this one before a restart, has stored.
    pub(crate) fn adopt(&mut self, facts: &RecordFacts) {
        let logging_in = matches!(self.phase, Phase::Pending(Pending::LoggingIn(_)));
        if self.is_same_sign_in(facts) {
            self.next_version();
        } else {
            if self.session.is_some() {
                self.waiters.refuse(Cause::SignInChanged, Slot::is_bound);
            }
            if !logging_in {
                self.orphan_earlier_tickets();
            }
            self.new_sign_in(true);
        }
        self.unbound = false;
        self.stamp = facts.stamp;
        self.login = None;
        self.login_told = false;
        let session = self.restored_session(facts);
        self.session = Some(session);
        self.bytes = Bytes::TakeRecord;
        if !logging_in {
            self.settle();
        }
    }

    fn is_same_sign_in(&self, facts: &RecordFacts) -> bool {
        if self.session.is_none() {
            return false;
        }
        (facts.stamp.sign_in, facts.stamp.origin) == (self.stamp.sign_in, self.stamp.origin)
    }
}
