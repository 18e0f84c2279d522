//! The invariant: what holds for every machine between two calls.

use super::proof::Broken;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::lease::Lease;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::session::Session;
use crate::session::Trouble;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::waiters::Fate;
use crate::why::Cause;

/// Whether it was confirmed, or was and is refused now: only such a session is renewed.
const fn is_settled(session: &Session) -> bool {
    session.confirmed || session.refused
}

impl<const W: usize> Machine<W> {
    /// The invariant of every machine between two calls.
    pub(crate) fn broken(&self) -> Broken {
        must!(1, self.config.validate().is_ok());
        must!(2, self.since <= self.version.max(1));
        must!(3, self.clock.now <= crate::time::LATEST);
        must!(4, self.are_waiters_apart());
        // P1: whoever may claim a permit may do so now.
        must!(31, self.has_lease_for_work());
        if !self.may_serve() {
            must!(
                5,
                !self.waiters.iter().any(|slot| slot.fate == Fate::Released)
            );
        }
        must!(6, self.bytes_fit());
        let broken = self.broken_phase();
        if broken > 0 {
            return broken;
        }
        self.broken_sync()
    }

    fn are_waiters_apart(&self) -> bool {
        let slots = &self.waiters;
        for (at, slot) in slots.iter().enumerate() {
            for other in slots.iter().skip(at.saturating_add(1)) {
                if slot.waiter == other.waiter {
                    return false;
                }
            }
        }
        true
    }

    fn bytes_fit(&self) -> bool {
        self.bytes == Bytes::Keep
    }

    /// What a phase needs.
    fn broken_phase(&self) -> Broken {
        let goal = self.sync.as_ref().map(|sync| sync.goal);
        match &self.phase {
            Phase::Unauthenticated(Unauthenticated::Unopened) => {
                must!(10, self.session.is_none());
                must!(11, goal.is_none());
                must!(12, self.stamp == Stamp::default());
                must!(9, !self.dirty);
                must!(7, self.since > self.version);
            }
            Phase::Unauthenticated(Unauthenticated::SignedOut) => {
                must!(13, self.session.is_none());
                must!(14, matches!(goal, None | Some(Goal::Save)));
            }
            Phase::Pending(Pending::Restoring) => {
                must!(15, self.session.is_none());
                must!(16, goal == Some(Goal::Restore));
                must!(8, self.stamp == Stamp::default());
                must!(32, self.since > self.version);
                must!(33, !self.dirty);
            }
            Phase::Pending(Pending::Looking) => must!(17, goal == Some(Goal::Look)),
            Phase::Pending(Pending::LoggingIn(_)) => {
                must!(18, matches!(goal, None | Some(Goal::Save)));
            }
            Phase::Pending(Pending::Saving) | Phase::Refreshing(Refreshing::Saving) => {
                must!(19, self.session.is_some());
                must!(20, goal == Some(Goal::Save));
            }
            Phase::Pending(Pending::Probing(_)) | Phase::Refreshing(Refreshing::Probing(_)) => {
                must!(21, self.session.is_some());
                must!(22, matches!(goal, None | Some(Goal::Save)));
            }
            Phase::Ready | Phase::Expired(_) => {
                must!(23, self.session.is_some());
                if self.phase == Phase::Ready {
                    must!(
                        54,
                        self.session
                            .as_ref()
                            .is_some_and(|session| session.confirmed)
                    );
                }
                must!(24, matches!(goal, None | Some(Goal::Save)));
            }
            Phase::Refreshing(Refreshing::Preparing(_)) => {
                must!(25, self.session.as_ref().is_some_and(is_settled));
                must!(26, goal == Some(Goal::Mark));
            }
            Phase::Refreshing(Refreshing::Exchanging(..)) => {
                must!(27, self.session.as_ref().is_some_and(is_settled));
                must!(28, goal.is_none());
            }
            Phase::Refreshing(Refreshing::Rechecking) => {
                must!(29, self.session.as_ref().is_some_and(is_settled));
                must!(30, goal == Some(Goal::Recheck));
            }
        }
        0
    }

    /// What work on the store needs.
    fn broken_sync(&self) -> Broken {
        if let Some(Sync { goal, stage, .. }) = &self.sync {
            must!(40, self.config.store);
            match stage {
                Stage::Leasing => {
                    must!(41, matches!(goal, Goal::Mark | Goal::Save));
                    must!(42, matches!(self.lease, Lease::Asked(_)));
                }
                Stage::Loading(_) => {}
                Stage::Storing(_) | Stage::ReadingBack(_) => {
                    must!(43, matches!(goal, Goal::Mark | Goal::Save));
                }
            }
            if *goal == Goal::Restore {
                must!(44, self.unbound);
            }
        }
        let needs_lease = matches!(
            self.sync,
            Some(Sync {
                goal: Goal::Mark | Goal::Save | Goal::Recheck,
                ..
            })
        ) || matches!(self.phase, Phase::Refreshing(Refreshing::Exchanging(..)));
        let looks_before_a_write = self.dirty
            && matches!(
                self.sync,
                Some(Sync {
                    goal: Goal::Look,
                    ..
                })
            )
            && matches!(self.lease, Lease::Held { .. });
        if !needs_lease && !looks_before_a_write {
            must!(45, self.lease == Lease::Free);
        }
        // A trouble that passes would end the session.
        must!(34, !self.has(Trouble::Passing(Cause::SessionEnded)));
        if self.session.is_some() {
            if !self.stamp.live {
                // A cookie that may be there: nothing of it is in the store.
                must!(55, self.config.credential == Credential::Ambient);
                must!(
                    56,
                    !self
                        .session
                        .as_ref()
                        .is_some_and(|session| session.confirmed)
                );
                must!(57, self.since > self.version);
                // Nor was anything sent for it.
                must!(
                    58,
                    !self
                        .session
                        .as_ref()
                        .is_some_and(|session| session.refused || session.lost)
                );
                must!(49, self.stamp == Stamp::default());
                must!(52, !self.dirty);
                must!(
                    53,
                    !matches!(
                        self.sync,
                        Some(Sync {
                            goal: Goal::Save,
                            ..
                        })
                    )
                );
            }
        }
        // A save in the background begins as soon as it can.
        must!(47, !self.is_save_due());
        if self.config.store {
            return 0;
        }
        must!(46, !self.dirty);
        if self.config.confirmation < Confirmation::Probed {
            must!(
                48,
                self.session
                    .as_ref()
                    .is_none_or(|session| session.confirmed)
            );
        }
        0
    }
}
