//! One request of one task, from its admission to its answer.

use core::fmt;
use core::future::poll_fn;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;

use embassy_sync::blocking_mutex::raw::RawMutex;

use super::Gate;
use super::error::GateError;
use crate::challenge::ChallengeKind;
use crate::effect::Outcome;
use crate::event::Access;
use crate::permit::Permit;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// Where a request is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// It has a seat.
    Waiting(Waiter),
    /// It left; its answer is awaited.
    Sent(Receipt),
    /// It was answered, and may ask again.
    Again(Receipt),
    Over,
}

/// A request of one task. Dropping it gives its place up.
///
/// [`permit`](Self::permit) waits until it may leave, [`answered`](Self::answered) tells what the API said; after
/// [`Outcome::Retry`] the same two once more. How often is bounded by the latch ([`crate::Config::max_attempts`]).
#[must_use = "a request that is dropped gives its place up"]
pub struct Request<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> {
    gate: &'g Gate<M, T, W, C>,
    stage: Stage,
}

impl<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Request<'g, M, T, W, C> {
    pub(super) const fn new(gate: &'g Gate<M, T, W, C>, waiter: Waiter) -> Self {
        Self {
            gate,
            stage: Stage::Waiting(waiter),
        }
    }

    /// Waits until the request may leave, and calls `with` with its permit.
    ///
    /// `with` runs inside the mutex, once, at the moment the request leaves: let it copy the token to where the
    /// request is built, and no more. From inside it the gate can only be looked at.
    ///
    /// Cancel-safe: dropping this future keeps the place in the queue; dropping the request gives it up.
    ///
    /// # Errors
    ///
    /// `Refused`: it will not leave. `Rejected`: it was to be retried and there is no room to wait; it may try again.
    /// `OutOfTurn`: it has left, and was not answered with `Retry`.
    pub async fn permit<R>(&mut self, with: impl FnOnce(Permit<'_>) -> R) -> Result<R, GateError> {
        let mut with = Some(with);
        poll_fn(|cx| self.claim(Some(cx.waker()), &mut with)).await
    }

    /// [`permit`](Self::permit) for hand-written futures: `with` is called only for `Ready(Ok(_))`.
    ///
    /// # Errors
    ///
    /// As [`permit`](Self::permit).
    pub fn poll_permit<R>(
        &mut self,
        cx: &Context<'_>,
        with: impl FnOnce(Permit<'_>) -> R,
    ) -> Poll<Result<R, GateError>> {
        self.claim(Some(cx.waker()), &mut Some(with))
    }

    /// [`permit`](Self::permit) for those who can't wait.
    ///
    /// # Errors
    ///
    /// As [`permit`](Self::permit), and `NotReady` if the request still waits: it keeps its place.
    pub fn try_permit<R>(&mut self, with: impl FnOnce(Permit<'_>) -> R) -> Result<R, GateError> {
        match self.claim(None, &mut Some(with)) {
            Poll::Ready(done) => done,
            Poll::Pending => Err(GateError::NotReady),
        }
    }

    fn claim<R, F: FnOnce(Permit<'_>) -> R>(
        &mut self,
        waker: Option<&Waker>,
        with: &mut Option<F>,
    ) -> Poll<Result<R, GateError>> {
        if let Stage::Again(receipt) = self.stage {
            match self.gate.admit(Access::Retry(receipt)) {
                Ok(waiter) => self.stage = Stage::Waiting(waiter),
                Err(GateError::Refused(cause)) => {
                    self.stage = Stage::Over;
                    return Poll::Ready(Err(GateError::Refused(cause)));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let Stage::Waiting(waiter) = self.stage else {
            return Poll::Ready(Err(GateError::OutOfTurn));
        };
        let now = self.gate.now();
        // Polled after its end it has nothing left to call.
        let called = |permit: Permit<'_>| with.take().map(|with| with(permit));
        let claimed = self
            .gate
            .enter(|shared| shared.claim(now, waiter, waker, called));
        match claimed {
            Ok(None) => Poll::Pending,
            Ok(Some((given, receipt))) => {
                self.stage = Stage::Sent(receipt);
                Poll::Ready(given.ok_or(GateError::OutOfTurn))
            }
            Err(GateError::Reentered) => Poll::Ready(Err(GateError::Reentered)),
            Err(error) => {
                self.stage = Stage::Over;
                Poll::Ready(Err(error))
            }
        }
    }

    /// Tells what the API answered, and what becomes of it: the application's (`Deliver`), to be asked for again with
    /// [`permit`](Self::permit) (`Retry`), or with a cause that sending again can't help (`Surface`). `Stale`: the
    /// sign-in is over; whether its answer is still shown is the application's choice.
    ///
    /// Does not wait. A request that got no answer at all is just dropped.
    ///
    /// # Errors
    ///
    /// `OutOfTurn`: it has not left, or was answered already.
    pub fn answered(
        &mut self,
        status: u16,
        challenge: ChallengeKind,
    ) -> Result<Outcome, GateError> {
        let Stage::Sent(receipt) = self.stage else {
            return Err(GateError::OutOfTurn);
        };
        let outcome = self.gate.answered(receipt, status, challenge)?;
        self.stage = match outcome {
            Outcome::Retry => Stage::Again(receipt),
            _ => Stage::Over,
        };
        Ok(outcome)
    }

    /// The receipt of the attempt that left last, for those who tell [`Gate::answered`] elsewhere.
    #[must_use]
    pub const fn receipt(&self) -> Option<Receipt> {
        match self.stage {
            Stage::Sent(receipt) | Stage::Again(receipt) => Some(receipt),
            Stage::Waiting(_) | Stage::Over => None,
        }
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Drop for Request<'_, M, T, W, C> {
    fn drop(&mut self) {
        if let Stage::Waiting(waiter) = self.stage {
            let now = self.gate.now();
            self.gate.enter(|shared| shared.abandon(now, waiter));
        }
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> fmt::Debug
    for Request<'_, M, T, W, C>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
