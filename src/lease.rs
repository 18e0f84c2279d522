//! The lease between contexts: mutual exclusion is the host's, this is what it is used for.

use crate::machine::Machine;
use crate::state::Order;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::sync::Goal;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::why::Cause;

/// The lease as we know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Lease {
    Free,
    Asked(Order),
    Held {
        ticket: u32,
        /// The store was read since, so that nobody else can have changed it.
        reread: bool,
    },
}

impl<const W: usize> Machine<W> {
    pub(crate) fn lease_granted(&mut self) {
        if let Lease::Asked(order) = self.lease {
            self.lease = Lease::Held {
                ticket: order.ticket,
                reread: false,
            };
        }
        if let Some(Sync {
            stage: Stage::Leasing,
            ..
        }) = self.sync
        {
            let stage = self.loading();
            self.set_stage(stage);
        }
    }

    /// The lease can't be had: the work fails at once, waiting longer would only queue behind the same holder.
    pub(crate) fn lease_denied(&mut self) {
        self.lease = Lease::Free;
        if let Some(Sync {
            goal,
            stage: Stage::Leasing,
            ..
        }) = self.sync
        {
            self.sync = None;
            match goal {
                Goal::Mark => self.renewal_failed(Cause::LeaseUnavailable, None),
                _ => self.save_failed(),
            }
        }
    }

    pub(crate) fn lease_lost(&mut self) {
        self.lease = Lease::Free;
        if let Some(Sync {
            goal: goal @ (Goal::Mark | Goal::Save),
            tries,
            ..
        }) = self.sync
        {
            let tries = tries.saturating_add(1);
            if tries < self.config.attempts {
                self.restart_sync(goal, tries);
            } else {
                self.give_up();
            }
        }
    }

    /// Gives the lease up when no work needs it. It stays for a write that waits for a look at the store: a sibling that had
    /// it in between would take our mark for that of a context that is gone.
    pub(crate) fn release_idle_lease(&mut self) {
        if let Some(Sync { goal, .. }) = self.sync {
            let needed = match goal {
                Goal::Mark | Goal::Save | Goal::Recheck => true,
                Goal::Look => self.dirty && matches!(self.lease, Lease::Held { .. }),
                Goal::Restore => false,
            };
            if needed {
                return;
            }
        }
        if let Phase::Refreshing(Refreshing::Exchanging(..)) = self.phase {
            return;
        }
        match self.lease {
            Lease::Free => return,
            // An order that the host never saw needs no counter-order.
            Lease::Asked(Order { told: false, .. }) => {}
            Lease::Asked(Order { ticket, .. }) => self.release = ticket,
            Lease::Held { ticket, .. } => self.release = ticket,
        }
        self.lease = Lease::Free;
    }
}
