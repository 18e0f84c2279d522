//! Renewal (RFC 6749 6; RFC 9700 4.14), and what a session is after a grant or a look at the store.

use crate::config::Waiting;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::grant::Grant;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::machine::Told;
use crate::renewal::TokenFailure;
use crate::renewal::backoff;
use crate::session::Rotation;
use crate::session::Session;
use crate::session::Trouble;
use crate::state::Expired;
use crate::state::Gate;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::time::since;
use crate::waiters::Which;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
    /// Where a session stands when nothing is under way: the one place that decides between the five states.
    pub(crate) fn settle(&mut self) {
        if self.look {
            if self.config.store {
                return self.begin_look();
            }
            self.look = false;
            self.unconfirm_ambient();
        }
        let now = self.clock.now;
        let Some(session) = &self.session else {
            self.phase = Phase::Unauthenticated(Unauthenticated::SignedOut);
            return;
        };
        if !session.confirmed {
            if !session.refused {
                return self.resume_confirming();
            }
        }
        if !session.is_due(now) {
            self.ready();
            return;
        }
        if !self.is_renewable() {
            return self.settle_without_renewal();
        }
        if self.may_renew_now() {
            return self.begin_renewal();
        }
        self.settle_until_retry();
    }

    fn begin_look(&mut self) {
        self.phase = Phase::Pending(Pending::Looking);
        self.begin_sync(Goal::Look);
    }

    /// The gate opens; who waited for a sign-in has found it.
    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.waiters.bind();
    }

    /// A renewal is due and possible, but not yet.
    fn settle_until_retry(&mut self) {
        if self.is_usable() {
            self.ready();
            return;
        }
        self.phase = Phase::Expired(Expired::Retrying);
        if self.config.when_unavailable == Waiting::Refuse {
            let cause = self.trouble();
            self.waiters.refuse(cause, Which::All);
        }
    }

    /// No way to renew: the token serves as long as it lives.
    fn settle_without_renewal(&mut self) {
        if self.is_usable() {
            self.ready();
            return;
        }
        if self.must_reread() {
            // A sibling may have renewed since: only the store can tell (hard parts 2.5).
            return self.begin_look();
        }
        match self.hopeless() {
            Cause::SessionEnded => self.end_session(Cause::SessionEnded),
            cause => self.login_required(cause),
        }
    }

    /// Whether an answer was lost and the store was not looked at since.
    fn must_reread(&mut self) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let unread = session.lost && !session.reread;
        session.reread = true;
        unread && self.config.store
    }

    /// Why only a login helps: a trouble that passes says nothing about that.
    fn hopeless(&self) -> Cause {
        match &self.session {
            Some(Session {
                trouble: Some(Trouble::Lasting(cause)),
                ..
            }) => *cause,
            Some(session) if session.lost => Cause::RefreshResponseLost,
            _ => self.trouble(),
        }
    }

    fn login_required(&mut self, cause: Cause) {
        self.ended = cause;
        self.phase = Phase::Expired(Expired::LoginRequired(cause));
        self.waiters.refuse(cause, Which::Bound);
        if self.config.when_signed_out == Waiting::Refuse {
            self.waiters.refuse(cause, Which::All);
        }
        self.require_login(cause);
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.is_usable(self.clock.now))
    }

    /// Why the session can't be used or renewed.
    pub(crate) fn trouble(&self) -> Cause {
        let Some(session) = &self.session else {
            return self.ended;
        };
        if let Some(trouble) = session.trouble {
            return trouble.cause();
        }
        if session.expires_at <= self.clock.now {
            return Cause::Expired;
        }
        if session.accepted {
            Cause::Unknown
        } else {
            Cause::RefusedFresh
        }
    }

    fn may_renew_now(&mut self) -> bool {
        let now = self.clock.now;
        if self.offline {
            self.set_trouble(Trouble::Passing(Cause::Offline));
            return false;
        }
        let allowed = self.budget.allows_at(&self.config);
        if let Some(session) = &mut self.session {
            if session.retry_at > now {
                return false;
            }
            if allowed > now {
                session.retry_at = allowed;
                session.trouble = Some(Trouble::Passing(Cause::Throttled));
                return false;
            }
        }
        true
    }

    pub(crate) fn set_trouble(&mut self, trouble: Trouble) {
        if let Some(session) = &mut self.session {
            session.trouble = Some(trouble);
        }
    }

    fn begin_renewal(&mut self) {
        // A forced renewal serves nobody: its session is not usable.
        let gate = match (self.config.serve_while_refreshing, self.is_usable()) {
            (true, true) => Gate::Serving,
            _ => Gate::Closed,
        };
        self.phase = Phase::Refreshing(Refreshing::Preparing(gate));
        self.waiters.bind();
        if self.config.store {
            return self.begin_sync(Goal::Mark);
        }
        self.note_sending();
        self.exchange();
    }

    /// From here on the refresh token counts as sent: the record says so before the request leaves.
    pub(crate) fn note_sending(&mut self) {
        self.budget.spend(&self.config, self.clock.now);
        let Some(session) = &mut self.session else {
            return;
        };
        session.sent = true;
        if session.lost {
            return;
        }
        session.resend_until = self.clock.after(self.config.reuse_grace_ms);
        // A mark that the store may still hold stays known by its time.
        if !session.void_mark {
            session.sent_wall = self.clock.wall;
        }
    }

    /// Sends the token request (P3: the phase is the single flight).
    pub(crate) fn exchange(&mut self) {
        let gate = match self.phase {
            Phase::Refreshing(Refreshing::Preparing(gate)) => gate,
            _ => Gate::Closed,
        };
        self.budget.leaves(&self.config, self.clock.now);
        let order = self.order(self.config.token_timeout_ms);
        if let Some(session) = &mut self.session {
            session.exchange = order.ticket;
        }
        self.phase = Phase::Refreshing(Refreshing::Exchanging(order, gate));
    }

    /// The total table of failed renewals (hard parts 2.16).
    pub(crate) fn exchange_failed(&mut self, failure: TokenFailure, retry_after: Option<u32>) {
        match failure {
            TokenFailure::Lost | TokenFailure::Unusable(_) => {
                self.lose_answer();
                self.renewal_failed(Cause::Unavailable, retry_after);
            }
            TokenFailure::NotSent => {
                self.unsend();
                self.renewal_failed(Cause::Offline, retry_after);
            }
            TokenFailure::RateLimited | TokenFailure::Unavailable | TokenFailure::Unrecognized => {
                self.unsend();
                self.renewal_failed(Cause::Unavailable, retry_after);
            }
            TokenFailure::Misconfigured => {
                self.unsend();
                let longest = self.config.backoff_cap_ms.div_ceil(1_000);
                self.renewal_failed(Cause::Misconfigured, Some(retry_after.unwrap_or(longest)));
            }
            TokenFailure::InteractionRequired => {
                self.unsend();
                self.refuse_for_good(Cause::InteractionRequired);
                self.require_login(Cause::InteractionRequired);
                self.settle();
            }
            TokenFailure::InvalidGrant => {
                if self.config.store {
                    self.phase = Phase::Refreshing(Refreshing::Rechecking);
                    self.begin_sync(Goal::Recheck);
                } else {
                    self.refresh_refused();
                }
            }
        }
    }

    /// The server answered and did not rotate, or was not asked: the refresh token is as it was before.
    pub(crate) fn unsend(&mut self) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.sent = session.lost;
        session.void_mark = self.config.store;
        self.dirty = self.config.store;
        self.save_at = 0;
    }

    /// The server may have rotated: nobody knows.
    pub(crate) fn lose_answer(&mut self) {
        if let Some(session) = &mut self.session {
            session.lost = true;
            session.reread = false;
        }
    }

    /// Only a login helps; until then the old token serves, whatever a newer one was wanted for.
    pub(crate) fn refuse_for_good(&mut self, cause: Cause) {
        if let Some(session) = &mut self.session {
            session.trouble = Some(Trouble::Lasting(cause));
            session.forced = false;
        }
    }

    /// A renewal failed for now: back-off, or what the server asked for if that is longer (P10).
    pub(crate) fn renewal_failed(&mut self, cause: Cause, retry_after: Option<u32>) {
        let asked = retry_after.unwrap_or(0).saturating_mul(1_000);
        let asked = asked.min(self.config.retry_after_cap_ms);
        self.pause_renewals(cause, asked);
        self.settle();
    }

    /// `invalid_grant`, and no sibling has won. The access token serves as long as it lives, then the session ends.
    pub(crate) fn refresh_refused(&mut self) {
        self.refuse_for_good(Cause::SessionEnded);
        if !self.is_usable() {
            return self.end_session(Cause::SessionEnded);
        }
        self.next_serial();
        self.dirty = self.config.store;
        self.bytes = Bytes::DropRefresh;
        if let Some(session) = &mut self.session {
            session.has_refresh = false;
            session.sent = false;
            session.lost = false;
        }
        self.settle();
    }

    /// New tokens for this session, or for another one where a silent login changed the user.
    pub(crate) fn renewed(&mut self, sent_at: u64, grant: &Grant<'_>, told: Told) {
        let Some(old) = &self.session else { return };
        let (had_refresh, unaccepted, failures) = (old.has_refresh, old.unaccepted, old.failures);
        let ticket = old.exchange;
        self.new_session(sent_at, grant);
        self.bytes = Bytes::MergeGrant;
        if told.other_subject {
            self.waiters.refuse(Cause::SignInChanged, Which::Bound);
            self.first_ticket = ticket;
            self.new_sign_in(true);
            self.bytes = Bytes::TakeGrant;
        } else {
            self.carry_on(had_refresh, unaccepted, failures, told.rotated);
            self.next_version();
            self.next_serial();
        }
        if let Phase::Pending(Pending::LoggingIn(_)) = self.phase {
            // Confirmed when the login has failed.
            self.dirty = self.config.store;
            if !self.waits_for_the_store() {
                self.note_saved();
            }
            return;
        }
        self.phase = Phase::Refreshing(Refreshing::Saving);
        self.save_then_confirm();
    }

    /// What a renewed session has of the one before it.
    fn carry_on(&mut self, had_refresh: bool, unaccepted: u8, failures: u8, rotated: bool) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.has_refresh |= had_refresh;
        session.unaccepted = unaccepted;
        session.rotation = if rotated {
            Rotation::Rotates
        } else {
            Rotation::Keeps
        };
        if session.expires_at <= self.clock.now {
            // It took longer to arrive than it lives: not at once again.
            session.failures = failures;
            self.pause_renewals(Cause::Unavailable, 0);
        }
    }

    /// Back-off after another failure, or longer if that was asked for.
    fn pause_renewals(&mut self, cause: Cause, asked: u32) {
        if let Some(session) = &mut self.session {
            let failures = session.failures;
            session.failures = failures.saturating_add(1);
            self.pause(failures, cause, asked);
        }
    }

    /// After that many failures.
    #[inline(never)]
    pub(crate) fn pause(&mut self, failures: u8, cause: Cause, asked: u32) {
        let pause = backoff(&self.config, failures, &mut self.random).max(asked);
        if let Some(session) = &mut self.session {
            session.retry_at = self.clock.after(pause);
            session.trouble = Some(Trouble::Passing(cause));
        }
    }

    /// Another credential of the same sign-in.
    fn next_serial(&mut self) {
        self.stamp.serial = self.stamp.serial.saturating_add(1);
        self.stamp.nonce = self.random.nonce();
        self.save_at = 0;
    }

    /// A grant whose order is not under way. The late answer to this session's own last request is its lost
    /// answer found again; one from a sign-in that is over is nobody's.
    pub(crate) fn granted_late(&mut self, ticket: u32, grant: &Grant<'_>, told: Told) -> Outcome {
        // What the store is asked beside a login is asked for the session as it is.
        let at_rest = matches!(self.phase, Phase::Ready | Phase::Expired(_))
            || self.sync.is_none() && matches!(self.phase, Phase::Pending(Pending::LoggingIn(_)));
        if let Some(session) = &self.session {
            let (own, lost) = (session.exchange == ticket, session.lost);
            // Its sending was noted as the begin of the grace.
            let grace = u64::from(self.config.reuse_grace_ms);
            let sent_at = since(session.resend_until, grace);
            if (own, lost, at_rest) == (true, true, true) {
                self.renewed(sent_at, grant, told);
                return Outcome::Done;
            }
        }
        if ticket < self.first_ticket {
            return Outcome::Orphaned;
        }
        Outcome::Stale
    }

    pub(crate) fn check_refresh(&self, now: u64) -> Result<(), Rejected> {
        if !self.is_renewable() {
            return Err(Rejected::NoSession);
        }
        match self.phase {
            Phase::Ready | Phase::Expired(_)
                if self.budget.allows_at(&self.config) > now.max(self.clock.now) =>
            {
                Err(Rejected::Throttled)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn refresh_requested(&mut self) {
        match &mut self.phase {
            // Joined; whoever asked wants the new token, not the old one.
            Phase::Refreshing(Refreshing::Preparing(gate) | Refreshing::Exchanging(_, gate)) => {
                *gate = Gate::Closed;
            }
            // A new token is on its way already.
            Phase::Refreshing(_) | Phase::Pending(Pending::Saving | Pending::Probing(_)) => {}
            _ => self.force_renewal(),
        }
    }

    fn force_renewal(&mut self) {
        let now = self.clock.now;
        if let Some(session) = &mut self.session {
            session.forced = true;
            session.refresh_at = now;
        }
        if let Phase::Ready | Phase::Expired(_) = self.phase {
            self.settle();
        }
    }
}
