//! The latch of a gate. With the private feature `_verify` each of its steps is checked against the promises.

use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Event;
use crate::latch::Latch;
#[cfg(feature = "_verify")]
use crate::promises::Checked;
#[cfg(feature = "_verify")]
use crate::promises::Violation;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

#[cfg(not(feature = "_verify"))]
pub(super) struct Watched<const T: usize, const W: usize>(Latch<T, W>);

#[cfg(not(feature = "_verify"))]
impl<const T: usize, const W: usize> Watched<T, W> {
    pub(super) const fn new(latch: Latch<T, W>) -> Self {
        Self(latch)
    }

    pub(super) const fn latch(&self) -> &Latch<T, W> {
        &self.0
    }

    pub(super) fn handle(&mut self, now: Now, event: Event<'_>) -> Result<Outcome, Rejected> {
        self.0.handle(now, event)
    }

    pub(super) fn poll_effect(&mut self) -> Option<Effect> {
        self.0.poll_effect()
    }

    pub(super) fn claim(&mut self, now: Now, waiter: Waiter) -> Result<Receipt, PermitError> {
        Ok(self.0.permit(now, waiter)?.receipt())
    }
}

#[cfg(feature = "_verify")]
pub(super) struct Watched<const T: usize, const W: usize> {
    latch: Checked<T, W>,
    /// The first promise that was broken.
    broken: Option<Violation>,
}

#[cfg(feature = "_verify")]
impl<const T: usize, const W: usize> Watched<T, W> {
    pub(super) const fn new(latch: Latch<T, W>) -> Self {
        Self {
            latch: Checked::watching(latch),
            broken: None,
        }
    }

    pub(super) const fn latch(&self) -> &Latch<T, W> {
        self.latch.latch()
    }

    pub(super) fn handle(&mut self, now: Now, event: Event<'_>) -> Result<Outcome, Rejected> {
        let told = self.latch.handle(now, event);
        self.note(told).unwrap_or(Ok(Outcome::Stale))
    }

    pub(super) fn poll_effect(&mut self) -> Option<Effect> {
        let given = self.latch.poll_effect();
        self.note(given).flatten()
    }

    pub(super) fn claim(&mut self, now: Now, waiter: Waiter) -> Result<Receipt, PermitError> {
        let claimed = self.latch.permit(now, waiter);
        let claimed = claimed.map(|permit| permit.map(|permit| permit.receipt()));
        self.note(claimed).unwrap_or(Err(PermitError::Unknown))
    }

    fn note<R>(&mut self, step: Result<R, Violation>) -> Option<R> {
        match step {
            Ok(done) => Some(done),
            Err(broken) => {
                self.broken.get_or_insert(broken);
                None
            }
        }
    }

    pub(super) const fn broken(&self) -> Option<Violation> {
        self.broken
    }
}
