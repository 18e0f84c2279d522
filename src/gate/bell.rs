//! One waker.

use core::cell::Cell;
use core::task::Waker;

/// Holds the waker of one task that waits.
pub(super) struct Bell(Cell<Option<Waker>>);

impl Bell {
    pub(super) const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Keeps this waker, or the one that is there if it wakes the same task.
    pub(super) fn register(&self, waker: &Waker) {
        let kept = self.0.take().filter(|known| known.will_wake(waker));
        self.0.set(Some(kept.unwrap_or_else(|| waker.clone())));
    }

    /// The waker, to be woken outside of the mutex.
    pub(super) fn take(&self) -> Option<Waker> {
        self.0.take()
    }
}
