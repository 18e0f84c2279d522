//! Signing in and out: the host's login, sign-out (P6), another context's sign-in or sign-out.

use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::Waiting;
use crate::effect::Outcome;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::machine::Told;
use crate::renewal::TokenFailure;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::sync::RecordFacts;
use crate::waiters::Which;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
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
            self.waiters.refuse(self.ended, Which::All);
        }
    }

    pub(crate) fn require_login(&mut self, cause: Cause) {
        if self.login_told {
            return;
        }
        self.login_told = true;
        self.login = Some(cause);
    }

    pub(crate) fn login_started(&mut self) -> Outcome {
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
    pub(crate) fn abandon(&mut self) {
        match self.phase {
            // Its answer would come for nobody: as good as lost.
            Phase::Refreshing(Refreshing::Exchanging(..)) => self.lose_answer(),
            Phase::Refreshing(Refreshing::Rechecking) => self.refuse_for_good(Cause::SessionEnded),
            Phase::Pending(Pending::Restoring | Pending::Looking) => self.look = true,
            _ => {}
        }
        self.sync = None;
    }

    #[inline(never)]
    pub(crate) fn granted(&mut self, ticket: u32, grant: &Grant<'_>, told: Told) -> Outcome {
        match self.phase {
            Phase::Pending(Pending::LoggingIn(order)) if order.ticket == ticket => {
                self.first_ticket = ticket;
                self.signed_in(order.began_at(self.config.login_timeout_ms), grant);
                Outcome::Done
            }
            Phase::Refreshing(Refreshing::Exchanging(order, _)) if order.ticket == ticket => {
                self.renewed(order.began_at(self.config.token_timeout_ms), grant, told);
                Outcome::Done
            }
            _ => self.granted_late(ticket, grant, told),
        }
    }

    /// A login succeeded: a new sign-in, whoever was signed in before.
    pub(crate) fn signed_in(&mut self, sent_at: u64, grant: &Grant<'_>) {
        self.waiters.refuse(Cause::SignInChanged, Which::Bound);
        self.new_sign_in(true);
        self.new_session(sent_at, grant);
        self.bytes = Bytes::TakeGrant;
        self.phase = Phase::Pending(Pending::Saving);
        self.save_then_confirm();
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
    pub(crate) fn save_then_confirm(&mut self) {
        self.dirty = self.config.store;
        self.sync = None;
        if self.waits_for_the_store() {
            self.begin_sync(Goal::Save);
        } else {
            self.confirm();
        }
    }

    pub(crate) fn waits_for_the_store(&self) -> bool {
        self.config.store && self.config.confirmation != Confirmation::Memory
    }

    #[inline(never)]
    pub(crate) fn token_failed(
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
    pub(crate) fn login_failed(&mut self) {
        if self.session.is_some() {
            self.waiters.refuse(Cause::LoginFailed, Which::Early);
        } else {
            self.orphan_earlier_tickets();
            if self.config.when_signed_out == Waiting::Refuse {
                self.waiters.refuse(Cause::LoginFailed, Which::All);
            }
        }
        self.settle();
    }

    /// P6: on return nothing can leave, nothing can be read, everybody is told.
    #[inline(never)]
    pub(crate) fn logout(&mut self) {
        let before_the_look = matches!(
            self.phase,
            Phase::Pending(Pending::Restoring | Pending::Looking)
        );
        let nothing = matches!(self.phase, Phase::Unauthenticated(_));
        self.waiters.refuse(Cause::SignedOut, Which::All);
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
        self.waiters.refuse(cause, Which::Bound);
        self.bytes = Bytes::Wipe;
        self.end_sign_in(cause);
        self.refuse_if_nobody_comes();
        self.require_login(cause);
    }

    pub(crate) fn end_sign_in(&mut self, cause: Cause) {
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
        self.waiters.refuse(Cause::SignedOutElsewhere, Which::Bound);
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
    pub(crate) fn wipe_session(&mut self, revoke: bool) {
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
                self.waiters.refuse(Cause::SignInChanged, Which::Bound);
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
        self.restored_session(facts);
        self.bytes = Bytes::TakeRecord;
        if !logging_in {
            self.settle();
        }
    }

    pub(crate) fn is_same_sign_in(&self, facts: &RecordFacts) -> bool {
        if self.session.is_none() {
            return false;
        }
        (facts.stamp.sign_in, facts.stamp.origin) == (self.stamp.sign_in, self.stamp.origin)
    }
}
