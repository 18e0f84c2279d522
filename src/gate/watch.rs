//! A task that shows the state.

use core::fmt;
use core::future::poll_fn;
use core::task::Context;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::RawMutex;

use super::Gate;
use super::board::Status;
use crate::time::Now;

/// Watches the status. What changed twice between two looks is seen once.
pub struct Watch<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> {
    gate: &'g Gate<M, T, W, C>,
    place: usize,
    seen: u32,
}

impl<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Watch<'g, M, T, W, C> {
    pub(super) const fn new(gate: &'g Gate<M, T, W, C>, place: usize) -> Self {
        Self {
            gate,
            place,
            seen: 0,
        }
    }

    /// Waits until the status is another than the one that this watch gave last; the first comes at once.
    ///
    /// Cancel-safe: a status that was not given is given next time.
    pub async fn changed(&mut self) -> Status {
        poll_fn(|cx| self.poll_changed(cx)).await
    }

    /// [`changed`](Self::changed) for hand-written futures.
    pub fn poll_changed(&mut self, cx: &Context<'_>) -> Poll<Status> {
        let (place, seen) = (self.place, &mut self.seen);
        self.gate.enter(|shared| match shared.board.news(seen) {
            Some(status) => Poll::Ready(status),
            None => {
                shared.board.register(place, cx.waker());
                Poll::Pending
            }
        })
    }

    /// [`changed`](Self::changed) for those who can't wait: `None` if it is the same.
    pub fn try_changed(&mut self) -> Option<Status> {
        let seen = &mut self.seen;
        self.gate.enter(|shared| shared.board.news(seen))
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Drop for Watch<'_, M, T, W, C> {
    fn drop(&mut self) {
        self.gate.enter(|shared| shared.board.leave(self.place));
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> fmt::Debug
    for Watch<'_, M, T, W, C>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
