//! What stands behind the mutex: the latch, a seat for each task that waits, and the desk of the runner.
//!
//! The mutex of `embassy-sync` lets the same thread in twice. So the latch is in a `RefCell` that is only ever tried,
//! and all else is in cells: from inside a closure of the gate a call is refused, and what is dropped there is noted.

use core::cell::Cell;
use core::cell::RefCell;
use core::task::Waker;

use super::bell::Bell;
use super::board::Board;
use super::desk::Desk;
use super::error::GateError;
use super::watched::Watched;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Access;
use crate::event::Event;
use crate::latch::Latch;
use crate::permit::Permit;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use crate::why::Cause;

/// How a task's wait stands.
#[derive(Clone, Copy)]
enum Fate {
    /// Nobody has this seat.
    Free,
    Waiting,
    /// The latch let it go; the permit is not claimed yet.
    Released,
    /// The latch has ended it; the task was not told yet.
    Refused(Cause),
    /// The task is gone and the latch was not told yet.
    Abandoned,
}

/// One task that waits. Its number is the latch's id for the request.
struct Seat {
    fate: Cell<Fate>,
    bell: Bell,
}

impl Seat {
    const fn new() -> Self {
        Self {
            fate: Cell::new(Fate::Free),
            bell: Bell::new(),
        }
    }

    fn free(&self) {
        self.fate.set(Fate::Free);
        self.bell.take();
    }

    /// The task's waker, if there is something to tell it.
    fn ring(&self) -> Option<Waker> {
        match self.fate.get() {
            Fate::Released | Fate::Refused(_) => self.bell.take(),
            _ => None,
        }
    }
}

pub(super) struct Shared<const T: usize, const W: usize> {
    latch: RefCell<Watched<T, W>>,
    seats: [Seat; W],
    abandoned: Cell<bool>,
    pub(super) desk: Desk,
    pub(super) board: Board,
}

impl<const T: usize, const W: usize> Shared<T, W> {
    pub(super) const fn new(latch: Latch<T, W>) -> Self {
        Self {
            latch: RefCell::new(Watched::new(latch)),
            seats: [const { Seat::new() }; W],
            abandoned: Cell::new(false),
            desk: Desk::new(),
            board: Board::new(),
        }
    }

    /// Lets the latch be looked at.
    pub(super) fn peek<R>(&self, look: impl FnOnce(&Latch<T, W>) -> R) -> Result<R, GateError> {
        let latch = self.latch.try_borrow().map_err(|_| GateError::Reentered)?;
        Ok(look(latch.latch()))
    }

    #[cfg(feature = "_verify")]
    pub(super) fn broken(&self) -> Option<crate::promises::Violation> {
        self.latch.try_borrow().ok()?.broken()
    }

    /// Tells the latch a fact, and hands on what it orders.
    pub(super) fn tell(&self, now: Now, event: Event<'_>) -> Result<Outcome, GateError> {
        self.step(now, |latch| Ok(latch.handle(now, event)?))
    }

    fn step<R>(
        &self,
        now: Now,
        step: impl FnOnce(&mut Watched<T, W>) -> Result<R, GateError>,
    ) -> Result<R, GateError> {
        let Ok(mut latch) = self.latch.try_borrow_mut() else {
            return Err(GateError::Reentered);
        };
        self.sweep(now, &mut latch);
        let done = step(&mut latch);
        while let Some(effect) = latch.poll_effect() {
            self.route(effect);
        }
        self.desk.look(latch.latch(), now);
        self.board.look(latch.latch());
        done
    }

    /// Cancels the requests whose tasks went away where the latch could not be told.
    fn sweep(&self, now: Now, latch: &mut Watched<T, W>) {
        if !self.abandoned.replace(false) {
            return;
        }
        for (seat, id) in self.seats.iter().zip(0..u32::MAX) {
            if let Fate::Abandoned = seat.fate.get() {
                let waiter = Waiter::from_u32(id);
                // It is there, or was refused just now: either way it is gone afterwards.
                let _ = latch.handle(now, Event::WaiterCancelled { waiter });
                seat.free();
            }
        }
    }

    fn route(&self, effect: Effect) {
        let (waiter, fate) = match effect {
            Effect::Release { waiter } => (waiter, Fate::Released),
            Effect::Refuse { waiter, cause } => (waiter, Fate::Refused(cause)),
            order => return self.desk.put(order),
        };
        let Some(seat) = self.seat(waiter) else {
            return;
        };
        match seat.fate.get() {
            Fate::Waiting | Fate::Released => seat.fate.set(fate),
            Fate::Free | Fate::Refused(_) | Fate::Abandoned => {}
        }
    }

    fn seat(&self, waiter: Waiter) -> Option<&Seat> {
        self.seats.get(usize::try_from(waiter.as_u32()).ok()?)
    }

    /// Gives a request a seat, if the latch lets it wait.
    pub(super) fn admit(&self, now: Now, access: Access) -> Result<Waiter, GateError> {
        self.step(now, |latch| {
            let mut seats = self.seats.iter().zip(0..u32::MAX);
            let free = seats.find(|(seat, _)| matches!(seat.fate.get(), Fate::Free));
            let Some((seat, id)) = free else {
                return Err(Rejected::QueueFull.into());
            };
            let waiter = Waiter::from_u32(id);
            match latch.handle(now, Event::AccessRequested { waiter, access })? {
                Outcome::Admitted => {
                    seat.fate.set(Fate::Waiting);
                    Ok(waiter)
                }
                Outcome::Surface(cause) => Err(GateError::Refused(cause)),
                _ => Err(GateError::OutOfTurn),
            }
        })
    }

    /// Ends a wait with the permit, if the request may leave now; `None` if it still waits.
    pub(super) fn claim<R>(
        &self,
        now: Now,
        waiter: Waiter,
        waker: Option<&Waker>,
        with: impl FnOnce(Permit<'_>) -> R,
    ) -> Result<Option<(R, Receipt)>, GateError> {
        let Some(seat) = self.seat(waiter) else {
            return Err(GateError::OutOfTurn);
        };
        if let Fate::Released = seat.fate.get() {
            let claimed = self.step(now, |latch| {
                let claimed = latch.claim(now, waiter);
                match claimed {
                    Ok(_) => seat.free(),
                    Err(PermitError::NotReady) => seat.fate.set(Fate::Waiting),
                    Err(PermitError::Refused(cause)) => seat.fate.set(Fate::Refused(cause)),
                    // The latch knows every request that has a seat.
                    Err(PermitError::Unknown) => seat.fate.set(Fate::Refused(Cause::Unknown)),
                }
                Ok(claimed)
            })?;
            if let Ok(receipt) = claimed {
                let given = self.peek(|latch| with(latch.permit_with(receipt)))?;
                return Ok(Some((given, receipt)));
            }
        }
        match seat.fate.get() {
            Fate::Refused(cause) => {
                seat.free();
                return Err(GateError::Refused(cause));
            }
            Fate::Waiting | Fate::Released => {}
            Fate::Free | Fate::Abandoned => return Err(GateError::OutOfTurn),
        }
        if let Some(waker) = waker {
            seat.bell.register(waker);
        }
        Ok(None)
    }

    /// The task gives its wait up.
    pub(super) fn abandon(&self, now: Now, waiter: Waiter) {
        let Some(seat) = self.seat(waiter) else {
            return;
        };
        match seat.fate.get() {
            Fate::Free | Fate::Abandoned => {}
            // The latch has forgotten it already.
            Fate::Refused(_) => seat.free(),
            Fate::Waiting | Fate::Released => {
                seat.bell.take();
                seat.fate.set(Fate::Abandoned);
                self.abandoned.set(true);
                // Refused where the latch is in use: then the next step sweeps it.
                let _ = self.step(now, |_| Ok(()));
            }
        }
    }

    /// The next task that has to be woken. It has no bell any more until it is polled again.
    pub(super) fn ring(&self) -> Option<Waker> {
        self.desk
            .ring()
            .or_else(|| self.seats.iter().find_map(Seat::ring))
            .or_else(|| self.board.ring())
    }
}
