//! Confirming a credential by a request of our own (P2); the only evidence that a cookie session has.

use crate::config::Confirmation;
use crate::config::Credential;
use crate::effect::Outcome;
use crate::event::ProbeResult;
use crate::machine::Machine;
use crate::session::Session;
use crate::session::Trouble;
use crate::state::Expired;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::sync::Goal;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
    /// The credential is in memory and, if asked for, in the store: what is left is a probe.
    pub(crate) fn confirm(&mut self) {
        self.note_saved();
        self.settle();
    }

    /// The store has it: all that is asked for, unless that is a probe.
    pub(crate) fn note_saved(&mut self) {
        if self.config.confirmation == Confirmation::Probed {
            return;
        }
        if let Some(session) = &mut self.session {
            session.confirmed = true;
        }
    }

    /// A login in between has stopped the confirming of what we have.
    pub(crate) fn resume_confirming(&mut self) {
        match self.config.confirmation {
            Confirmation::Probed => self.probe_when_due(),
            _ => {
                // Only a store is waited for: without one it would be confirmed.
                self.dirty = true;
                self.phase = Phase::Pending(Pending::Saving);
                self.begin_sync(Goal::Save);
            }
        }
    }

    /// What the store says tells nothing of a cookie.
    pub(crate) fn unconfirm_ambient(&mut self) {
        if self.config.credential == Credential::Token {
            return;
        }
        if let Some(session) = &mut self.session {
            session.confirmed = false;
        }
    }

    /// A cookie may be there although no record is. Until a probe says so the sign-in has no number.
    pub(crate) fn probe_for_cookie(&mut self) {
        Session::begin(&mut self.session, self.clock.now).restored = true;
        self.settle();
    }

    pub(crate) fn probe_when_due(&mut self) {
        let now = self.clock.now;
        if self.offline {
            self.set_trouble(Trouble::Passing(Cause::Offline));
        }
        let due = self
            .session
            .as_ref()
            .is_some_and(|session| session.retry_at <= now);
        if self.offline || !due {
            self.phase = Phase::Expired(Expired::Retrying);
            return;
        }
        let order = self.order(self.config.probe_timeout_ms);
        self.phase = match self.phase {
            Phase::Refreshing(_) => Phase::Refreshing(Refreshing::Probing(order)),
            _ => Phase::Pending(Pending::Probing(order)),
        };
    }

    /// The ticket of the probe under way.
    pub(crate) fn probing(&self) -> Option<u32> {
        match self.phase {
            Phase::Pending(Pending::Probing(order))
            | Phase::Refreshing(Refreshing::Probing(order)) => Some(order.ticket),
            _ => None,
        }
    }

    #[inline(never)]
    pub(crate) fn probed(&mut self, ticket: u32, result: ProbeResult) -> Outcome {
        if self.probing() != Some(ticket) {
            return Outcome::Stale;
        }
        match result {
            ProbeResult::Accepted => self.probe_accepted(),
            ProbeResult::Refused => self.probe_refused(),
            ProbeResult::Unreachable => self.probe_unanswered(),
        }
        Outcome::Done
    }

    fn probe_accepted(&mut self) {
        if let Some(session) = &mut self.session {
            session.confirmed = true;
            session.accept();
            session.probes = 0;
            session.trouble = None;
        }
        if !self.stamp.live {
            self.new_sign_in(true);
            self.dirty = self.config.store;
        }
        self.settle();
    }

    pub(crate) fn probe_unanswered(&mut self) {
        self.probe_again(Cause::Unavailable);
    }

    fn probe_again(&mut self, cause: Cause) {
        if let Some(session) = &mut self.session {
            let failures = session.probes;
            session.probes = failures.saturating_add(1);
            self.pause(failures, cause, 0);
        }
        self.settle();
    }

    fn probe_refused(&mut self) {
        let Some(session) = &mut self.session else {
            return;
        };
        let fresh = !session.restored;
        if fresh {
            if session.probes == 0 {
                // Replica lag, or a cookie still on its way: once more, a little later.
                session.probes = 1;
                session.retry_at = self.clock.after(self.config.fresh_retry_ms);
                return self.settle();
            }
        }
        if self.config.credential == Credential::Ambient {
            return self.no_cookie(fresh);
        }
        session.refused = true;
        session.unaccepted = session.unaccepted.saturating_add(1);
        session.retry_at = 0;
        session.trouble = None;
        if session.unaccepted > 1 {
            self.refuse_for_good(Cause::RefusedFresh);
        }
        self.settle();
    }

    /// The probe is the only evidence that a cookie session has, and it says no.
    fn no_cookie(&mut self, fresh: bool) {
        let cause = if fresh {
            Cause::CookieNotSent
        } else {
            Cause::NotSignedIn
        };
        if self.stamp.live {
            return self.end_session(cause);
        }
        // There never was a sign-in, so none has to be ended.
        self.session = None;
        self.settle();
        self.refuse_if_nobody_comes();
        self.require_login(cause);
    }
}
