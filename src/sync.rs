//! Keeping the store and the machine in step: lease, load, compare, store, read back.
//!
//! One procedure serves opening, looking again, marking a renewal, saving and the background writes of a
//! tombstone or of a credential that could not be stored at once.

use core::cmp::Ordering;

use crate::config::Confirmation;
use crate::config::LeaseMode;
use crate::lease::Lease;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::machine::Seen;
use crate::record::Corrupt;
use crate::session::Rotation;
use crate::session::left;
use crate::state::Expired;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::state::Unauthenticated;
use crate::time::since;
use crate::why::Cause;

/// What the work on the store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Goal {
    /// Take what is there.
    Restore,
    /// See whether something newer is there.
    Look,
    /// The same, and mark the record before a renewal.
    Mark,
    /// Write what we have.
    Save,
    /// After a refused refresh token: see whether a sibling won.
    Recheck,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Stage {
    /// The order is in `Machine::lease`.
    Leasing,
    Loading(Order),
    Storing(Order),
    ReadingBack(Order),
}

/// A stage without its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StageKind {
    Leasing,
    Loading,
    Storing,
    ReadingBack,
}

impl Stage {
    fn kind(&self) -> StageKind {
        match self {
            Self::Leasing => StageKind::Leasing,
            Self::Loading(_) => StageKind::Loading,
            Self::Storing(_) => StageKind::Storing,
            Self::ReadingBack(_) => StageKind::ReadingBack,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sync {
    pub(crate) goal: Goal,
    pub(crate) stage: Stage,
    pub(crate) tries: u8,
}

/// What a load found, without the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    Absent,
    Corrupt(Corrupt),
    Record(&'a RecordFacts),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RecordFacts {
    pub(crate) stamp: Stamp,
    pub(crate) saved_wall: u64,
    pub(crate) issued_wall: u64,
    pub(crate) expires_wall: u64,
    pub(crate) sent_wall: u64,
    pub(crate) sent: bool,
    pub(crate) has_refresh: bool,
    pub(crate) rotation: Rotation,
    pub(crate) debt: u64,
}

impl<const W: usize> Machine<W> {
    /// Starts work on the store; what was under way is superseded. Only called where there is a store.
    pub(crate) fn begin_sync(&mut self, goal: Goal) {
        self.restart_sync(goal, 0);
    }

    pub(crate) fn restart_sync(&mut self, goal: Goal, tries: u8) {
        let stage = match goal {
            Goal::Restore | Goal::Look | Goal::Recheck => self.loading(),
            Goal::Mark | Goal::Save => self.first_stage(goal),
        };
        self.sync = Some(Sync { goal, stage, tries });
    }

    fn first_stage(&mut self, goal: Goal) -> Stage {
        if self.config.lease == LeaseMode::None {
            return self.loading();
        }
        match self.lease {
            Lease::Free => {
                let order = self.order(self.config.lease_timeout_ms);
                self.lease = Lease::Asked(order);
                Stage::Leasing
            }
            Lease::Asked(_) => Stage::Leasing,
            Lease::Held { reread, .. } => {
                if self.unbound {
                    return self.loading();
                }
                match (goal, reread) {
                    (Goal::Save, true) => self.storing(),
                    _ => self.loading(),
                }
            }
        }
    }

    pub(crate) fn loading(&mut self) -> Stage {
        // What another context changed before this load is seen by it.
        self.look = false;
        Stage::Loading(self.order(self.config.store_timeout_ms))
    }

    pub(crate) fn storing(&mut self) -> Stage {
        Stage::Storing(self.order(self.config.store_timeout_ms))
    }

    pub(crate) fn set_stage(&mut self, stage: Stage) {
        if let Some(sync) = &mut self.sync {
            sync.stage = stage;
        }
    }

    /// Whether `ticket` is that of the load under way.
    pub(crate) fn is_loading(&self, ticket: u32) -> bool {
        match &self.sync {
            Some(Sync {
                stage: Stage::Loading(order) | Stage::ReadingBack(order),
                ..
            }) => order.ticket == ticket,
            _ => false,
        }
    }

    /// Whether `ticket` is that of the store under way.
    pub(crate) fn is_storing(&self, ticket: u32) -> bool {
        match &self.sync {
            Some(Sync {
                stage: Stage::Storing(order),
                ..
            }) => order.ticket == ticket,
            _ => false,
        }
    }

    /// The answer of the load under way.
    pub(crate) fn loaded(&mut self, found: Found<'_>) {
        let Some(sync) = &self.sync else { return };
        let goal = sync.goal;
        let reading_back = matches!(sync.stage, Stage::ReadingBack(_));
        if let Lease::Held { reread, .. } = &mut self.lease {
            // A look does not do what is done before a write.
            *reread |= goal != Goal::Look;
        }
        self.note_budget(found);
        if self.unbound {
            match goal {
                Goal::Save => {
                    self.raise_above(found);
                    return self.store_record();
                }
                Goal::Mark => {
                    self.raise_above(found);
                    return self.mark();
                }
                Goal::Restore | Goal::Look | Goal::Recheck => {}
            }
        }
        let Found::Record(facts) = found else {
            return self.loaded_older(goal, reading_back, found);
        };
        if goal == Goal::Restore {
            return self.restore(facts);
        }
        match facts.stamp.against(&self.stamp) {
            Ordering::Greater => self.take_newer(facts),
            Ordering::Equal => self.loaded_same(goal, reading_back, facts),
            Ordering::Less => self.loaded_older(goal, reading_back, found),
        }
    }

    /// What the budget in the record says was spent, here before a restart or in another context.
    fn note_budget(&mut self, found: Found<'_>) {
        let Found::Record(facts) = found else { return };
        let seen = Seen {
            saved: facts.saved_wall,
            nonce: facts.stamp.nonce,
            debt: facts.debt,
        };
        if self.debt_seen == seen {
            // The same record again: our own clock has counted since then, whatever the wall clock did.
            return;
        }
        self.debt_seen = seen;
        let passed = since(self.clock.wall, facts.saved_wall);
        self.budget
            .owe(&self.config, self.clock.now, since(facts.debt, passed));
    }

    /// A new sign-in or sign-out comes after whatever the store holds.
    fn raise_above(&mut self, found: Found<'_>) {
        self.unbound = false;
        let Found::Record(facts) = found else { return };
        if facts.stamp.sign_in >= self.stamp.sign_in {
            self.stamp.sign_in = facts.stamp.sign_in.saturating_add(1);
        }
        if self.session.is_none() {
            if facts.stamp.live {
                // The sign-out came before the first look: this is the session it ends.
                self.revoke_found();
            }
        }
    }

    fn restore(&mut self, facts: &RecordFacts) {
        self.sync = None;
        self.unbound = false;
        if facts.stamp.live {
            return self.take_newer(facts);
        }
        self.stamp = facts.stamp;
        self.nobody(Cause::SignedOut);
    }

    /// Another context signed in, out, or renewed.
    fn take_newer(&mut self, facts: &RecordFacts) {
        self.sync = None;
        let unstored = core::mem::take(&mut self.dirty);
        if facts.stamp.live {
            self.adopt(facts);
        } else {
            self.signed_out_elsewhere(facts.stamp, unstored);
        }
    }

    fn loaded_same(&mut self, goal: Goal, reading_back: bool, facts: &RecordFacts) {
        if reading_back {
            return self.read_back(facts);
        }
        match goal {
            Goal::Restore | Goal::Look => self.looked(),
            Goal::Recheck => self.rechecked(),
            Goal::Save => {
                self.keep_mark(facts);
                self.store_record();
            }
            Goal::Mark => {
                self.keep_mark(facts);
                self.mark();
            }
        }
    }

    /// The mark must be there too: a sibling would send the refresh token again without it.
    fn read_back(&mut self, facts: &RecordFacts) {
        let sent = self.session.as_ref().is_some_and(|session| session.sent);
        if facts.sent == sent {
            return self.synced();
        }
        self.sync_failed();
    }

    fn loaded_older(&mut self, goal: Goal, reading_back: bool, found: Found<'_>) {
        if reading_back {
            // The store did not keep what it said it wrote.
            return self.sync_failed();
        }
        match goal {
            Goal::Restore => self.restored_nothing(found),
            Goal::Look => {
                // What we hold is not there (any more): write it, unless there never was anything.
                self.dirty = self.stamp.is_given();
                self.looked();
            }
            Goal::Recheck => self.rechecked(),
            Goal::Save => {
                self.revoke_if_ended(found);
                self.store_record();
            }
            Goal::Mark => self.mark(),
        }
    }

    fn restored_nothing(&mut self, found: Found<'_>) {
        self.sync = None;
        self.unbound = false;
        let cause = match found {
            Found::Corrupt(_) => Cause::StoreCorrupt,
            _ => Cause::NotSignedIn,
        };
        self.nobody(cause);
    }

    /// A sibling renewed after our sign-out and before we had the lease: its token is alive, and nobody's.
    fn revoke_if_ended(&mut self, found: Found<'_>) {
        if self.session.is_some() {
            return;
        }
        let Found::Record(RecordFacts { stamp, .. }) = found else {
            return;
        };
        if !stamp.live {
            return;
        }
        if stamp.sign_in.saturating_add(1) == self.stamp.sign_in {
            if stamp.serial > self.ended_serial {
                self.revoke_found();
            }
        }
    }

    fn revoke_found(&mut self) {
        self.bytes = Bytes::RevokeFound;
        self.start_revocation();
    }

    /// What is written over a record with the same credential must not lose a sibling's mark. Our own, known by its
    /// time, goes: the server has answered, or was not asked.
    fn keep_mark(&mut self, facts: &RecordFacts) {
        let wall = self.clock.wall;
        let Some(session) = &mut self.session else {
            return;
        };
        if session.void_mark {
            if session.sent_wall == facts.sent_wall {
                return;
            }
        }
        if session.sent {
            return;
        }
        // A mark that we did not set, and we hold the lease: its holder is gone, the answer is lost.
        if facts.sent {
            session.sent = true;
            session.lost = true;
            session.reread = true;
            session.sent_wall = facts.sent_wall;
            let left = left(self.config.reuse_grace_ms, facts.sent_wall, wall);
            session.resend_until = self.clock.after(left);
        }
    }

    /// Everything was looked at and nothing newer is there: mark the record, then send.
    fn mark(&mut self) {
        // The network may have gone while the lease was waited for.
        if !self.can_attempt() {
            self.sync = None;
            return self.settle();
        }
        let allowed = self.budget.allows_at(&self.config);
        if allowed > self.clock.now {
            self.sync = None;
            return self.throttled(allowed);
        }
        self.note_sending();
        self.store_record();
    }

    fn store_record(&mut self) {
        let stage = self.storing();
        self.set_stage(stage);
    }

    pub(crate) fn stored(&mut self) {
        if self.config.confirmation >= Confirmation::ReadBack {
            let order = self.order(self.config.store_timeout_ms);
            return self.set_stage(Stage::ReadingBack(order));
        }
        self.synced();
    }

    /// The store holds what we have.
    fn synced(&mut self) {
        let Some(Sync { goal, .. }) = self.sync else {
            return;
        };
        self.sync = None;
        self.dirty = false;
        self.save_failures = 0;
        if let Some(session) = &mut self.session {
            session.void_mark = false;
        }
        if goal == Goal::Mark {
            return self.exchange();
        }
        self.announce = true;
        self.note_saved();
        self.saved();
    }

    /// Goes on from a save, successful or not, where the state waited for it.
    fn saved(&mut self) {
        match self.phase {
            Phase::Pending(Pending::Saving) => self.confirm(),
            Phase::Refreshing(Refreshing::Saving) => self.confirm(),
            _ => {}
        }
    }

    /// The save failed for now: what we have is volatile, and written again in the background.
    pub(crate) fn save_failed(&mut self) {
        self.dirty = true;
        let pause = crate::renewal::backoff(&self.config, self.save_failures, &mut self.random);
        self.save_failures = self.save_failures.saturating_add(1);
        self.save_at = self.clock.after(pause);
        self.saved();
    }

    fn looked(&mut self) {
        self.sync = None;
        if self.session.is_none() {
            self.phase = Phase::Unauthenticated(Unauthenticated::SignedOut);
            return;
        }
        self.unconfirm_ambient();
        self.settle();
    }

    fn rechecked(&mut self) {
        self.sync = None;
        self.refresh_refused();
    }

    /// A load, a store or a read-back failed, or was not answered in time.
    pub(crate) fn sync_failed(&mut self) {
        let tries = match &mut self.sync {
            Some(sync) => {
                sync.tries = sync.tries.saturating_add(1);
                sync.tries
            }
            None => return,
        };
        if tries >= self.config.attempts {
            return self.give_up();
        }
        self.try_again();
    }

    #[inline(never)]
    fn try_again(&mut self) {
        let stage = match self.sync.as_ref().map(|sync| &sync.stage) {
            Some(Stage::Loading(_)) => self.loading(),
            _ => self.storing(),
        };
        self.set_stage(stage);
    }

    pub(crate) fn give_up(&mut self) {
        let Some(sync) = &self.sync else { return };
        let (goal, reached) = (sync.goal, sync.stage.kind());
        self.sync = None;
        match goal {
            Goal::Restore => self.nobody(Cause::StoreUnavailable),
            Goal::Look => {
                // The last good answer is our own memory; it says that it is volatile.
                self.dirty = self.stamp.is_given();
                self.looked();
            }
            Goal::Recheck => self.rechecked(),
            Goal::Save => self.save_failed(),
            Goal::Mark => self.mark_failed(reached),
        }
    }

    /// Without a mark: go on if only this context is concerned, or if the store was read.
    fn mark_failed(&mut self, reached: StageKind) {
        match reached {
            StageKind::ReadingBack if self.config.lease == LeaseMode::Host => {
                self.unsend();
                self.renewal_failed(Cause::StoreUnavailable, None);
            }
            StageKind::Storing | StageKind::ReadingBack => {
                self.dirty = true;
                self.exchange();
            }
            _ if self.config.lease == LeaseMode::Host => {
                self.renewal_failed(Cause::StoreUnavailable, None);
            }
            _ => {
                self.dirty = true;
                self.note_sending();
                self.exchange();
            }
        }
    }

    /// Starts the write that is owed, when nothing else is under way.
    pub(crate) fn save_in_background(&mut self) {
        if self.is_save_due() {
            self.begin_sync(Goal::Save);
        }
    }

    /// Whether a write is owed and may begin.
    pub(crate) fn is_save_due(&self) -> bool {
        if !self.dirty {
            return false;
        }
        if self.sync.is_some() {
            return false;
        }
        if self.save_at > self.clock.now {
            return false;
        }
        matches!(
            self.phase,
            Phase::Unauthenticated(Unauthenticated::SignedOut)
                | Phase::Pending(Pending::LoggingIn(_))
                | Phase::Ready
                | Phase::Expired(Expired::Retrying | Expired::LoginRequired(_))
        )
    }
}
