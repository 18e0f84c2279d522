//! What an event must do, by its kind: the properties that name one promise each.

use super::input::Input;
use super::input::Load;
use super::proof::Broken;
use crate::config::Confirmation;
use crate::config::LeaseMode;
use crate::effect::Outcome;
use crate::event::Access;
use crate::lease::Lease;
use crate::machine::Machine;
use crate::renewal::TokenFailure;
use crate::session::Trouble;
use crate::state::Gate;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::sync::Goal;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::waiters::Fate;
use crate::waiters::Slot;
use crate::waiters::Waiter;
use crate::why::Cause;

impl<const W: usize> Machine<W> {
    /// Whether a request may leave (P1): said here once more, so that the machine's own word is not what it is judged by.
    pub(super) fn may_serve(&self) -> bool {
        let serves = matches!(
            self.phase,
            Phase::Ready
                | Phase::Refreshing(
                    Refreshing::Preparing(Gate::Serving) | Refreshing::Exchanging(_, Gate::Serving)
                )
        );
        let Some(session) = &self.session else {
            return false;
        };
        serves && !session.refused && !session.forced && self.clock.now < session.expires_at
    }

    /// Work that changes the store goes on under the lease, where there is one (P3).
    pub(super) fn has_lease_for_work(&self) -> bool {
        let Some(Sync { goal, stage, .. }) = &self.sync else {
            return true;
        };
        if self.config.lease == LeaseMode::None || *stage == Stage::Leasing {
            return true;
        }
        !matches!(goal, Goal::Mark | Goal::Save) || matches!(self.lease, Lease::Held { .. })
    }

    /// Compares the machine before an event with that after it.
    pub(super) fn broken_by(&self, input: &Input, outcome: Outcome, after: &Self) -> Broken {
        let stays = self.session.is_none()
            || after.session.is_some()
            || self.has(Trouble::Lasting(Cause::SessionEnded));
        match *input {
            // P6: what ends is written down, where there is a store.
            Input::LogoutRequested if self.session.is_some() && self.config.store => {
                if !after.dirty && !after.is_saving() {
                    return 83;
                }
            }
            // P5: a renewal comes after what it renews.
            Input::Granted { .. } if self.stamp.serial < u32::MAX => {
                if self.stamp.sign_in < u32::MAX && !after.stamp.against(&self.stamp).is_gt() {
                    return 84;
                }
            }
            // P11: only a refusal of the refresh token is evidence.
            Input::TokenFailed { failure, .. } if failure != TokenFailure::InvalidGrant => {
                if !stays {
                    return 85;
                }
            }
            Input::Loaded {
                found: Load::Absent | Load::Corrupt(_),
                ..
            } if !matches!(self.phase, Phase::Refreshing(Refreshing::Rechecking)) => {
                if !stays {
                    return 86;
                }
            }
            // P2: what is to be read back is not taken for stored before it was.
            Input::Stored { .. } if self.config.confirmation >= Confirmation::ReadBack => {
                if !after.is_reading_back() {
                    return 82;
                }
            }
            // P9: a second time with one credential is known as such.
            Input::AccessRequested {
                waiter,
                access: Access::Retry(receipt),
            } if outcome == Outcome::Admitted && receipt.version() == self.version => {
                // Each one is looked at: what a search stops at would be an open address for the prover.
                let marked = |slot: &&Slot| slot.waiter == waiter && slot.again;
                if after.waiters.iter().filter(marked).count() == 0 {
                    return 87;
                }
            }
            _ => {}
        }
        // P2: what the store says is no probe.
        if let Input::Loaded { .. } | Input::Stored { .. } | Input::StoreFailed { .. } = *input {
            let unconfirmed = |machine: &Self| {
                let session = machine.session.as_ref();
                session.is_none_or(|session| !session.confirmed)
            };
            let probed =
                self.config.confirmation == Confirmation::Probed && after.stamp == self.stamp;
            if probed && unconfirmed(self) && !unconfirmed(after) {
                return 89;
            }
        }
        // P7: another sign-in ends what waited under the one before, be it found in the store or a login here.
        if let Input::Loaded { .. } = *input {
            let another = self.session.is_some() && after.since > self.since;
            if another && self.is_bound_kept_by(after) {
                return 90;
            }
        }
        if let Input::Granted { ticket, .. } = *input {
            if self.is_logging_in(ticket) && self.is_bound_kept_by(after) {
                return 88;
            }
        }
        0
    }

    /// Whether the session has this trouble. With `Lasting(SessionEnded)` its refresh token was refused, and it ends with its
    /// access token (P11).
    pub(super) fn has(&self, trouble: Trouble) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.trouble == Some(trouble))
    }

    fn is_saving(&self) -> bool {
        matches!(
            self.sync,
            Some(Sync {
                goal: Goal::Save,
                ..
            })
        )
    }

    fn is_reading_back(&self) -> bool {
        matches!(
            self.sync,
            Some(Sync {
                stage: Stage::ReadingBack(_),
                ..
            })
        )
    }

    /// Whether nobody before it may leave instead (P8); who was refused with this credential once may have to wait longer.
    pub(super) fn is_first(&self, waiter: Waiter) -> bool {
        let mut before = self.waiters.iter().take_while(|slot| slot.waiter != waiter);
        !before.any(|slot| slot.fate == Fate::Waiting && !slot.again)
    }

    /// Whether a request of this sign-in still waits.
    fn is_bound_kept_by(&self, after: &Self) -> bool {
        self.waiters
            .iter()
            .zip(after.waiters.iter())
            .any(|(was, is)| {
                matches!(was.fate, Fate::Waiting | Fate::Released)
                    && !matches!(is.fate, Fate::Refused(_))
            })
    }

    /// What is under way is waited for no longer than until its deadline (P15).
    pub(super) fn broken_deadline(&self) -> Broken {
        let next = self.poll_timeout();
        if let Phase::Refreshing(Refreshing::Exchanging(order, _)) = &self.phase {
            if next > order.deadline {
                return 63;
            }
        }
        if self.sync_order().is_some_and(|order| next > order.deadline) {
            return 64;
        }
        0
    }
}
