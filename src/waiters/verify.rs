//! The requests themselves, for the checkers alone: the machine has but the operations of the queue.

use super::Slot;
use super::Waiters;

impl<const W: usize> Waiters<W> {
    pub(crate) fn slots(&mut self) -> &mut [Slot] {
        &mut self.0
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Slot> {
        self.0.get(place)
    }
}
