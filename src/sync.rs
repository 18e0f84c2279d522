//! Keeping the store and the machine in step: lease, load, compare, store, read back.
//!
//! One procedure serves opening, looking again, marking a renewal, saving and the background writes of a
//! tombstone or of a credential that could not be stored at once.

mod found;

use crate::config::Confirmation;
use crate::config::LeaseMode;
use crate::lease::Lease;
use crate::machine::Machine;
use crate::state::Expired;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Unauthenticated;
use crate::why::Cause;
pub(crate) use found::Found;
pub(crate) use found::RecordFacts;

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

    /// Everything was looked at and nothing newer is there: mark the record, then send.
    fn mark(&mut self) {
        // The network may have gone while the lease was waited for.
        if !self.can_attempt() {
            self.sync = None;
            return self.settle();
        }
        // And the store may know of a budget that others have spent.
        if self.budget.allows_at(&self.config) > self.clock.now {
            self.sync = None;
            return self.settle();
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
