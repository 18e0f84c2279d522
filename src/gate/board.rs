//! What a task that shows the state looks at.

use core::cell::Cell;
use core::task::Waker;

use super::bell::Bell;
use crate::grant::Generation;
use crate::latch::Latch;
use crate::state::Expired;
use crate::state::Phase;
use crate::state::State;
use crate::state::Unauthenticated;
use crate::why::Cause;

/// How many tasks may watch at a time.
pub const WATCHERS: usize = 4;

/// What can be seen of a latch from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Status {
    /// What it is.
    pub state: State,
    /// Which credential it has, or had last.
    pub generation: Generation,
    /// Why somebody must log in, if only that helps.
    pub login: Option<Cause>,
    /// What keeps the gate closed, or would keep the next renewal from happening.
    pub trouble: Option<Cause>,
    /// Whether the store does not hold the credential.
    pub is_volatile: bool,
    /// Whether the host said that there is no network.
    pub is_offline: bool,
}

impl Status {
    const fn new() -> Self {
        Self {
            state: State::Unauthenticated,
            generation: Generation::new(0, 0),
            login: None,
            trouble: Some(Cause::NotSignedIn),
            is_volatile: false,
            is_offline: false,
        }
    }

    pub(super) fn of<const T: usize, const W: usize>(latch: &Latch<T, W>) -> Self {
        let machine = latch.machine();
        let login = match machine.phase {
            Phase::Unauthenticated(Unauthenticated::SignedOut) => Some(machine.ended),
            Phase::Expired(Expired::LoginRequired(cause)) => Some(cause),
            _ => None,
        };
        Self {
            state: latch.state(),
            generation: latch.generation(),
            login,
            trouble: latch.trouble(),
            is_volatile: latch.is_volatile(),
            is_offline: latch.is_offline(),
        }
    }
}

/// A seat of a task that watches.
struct Place {
    taken: Cell<bool>,
    bell: Bell,
}

impl Place {
    const fn new() -> Self {
        Self {
            taken: Cell::new(false),
            bell: Bell::new(),
        }
    }
}

pub(super) struct Board {
    status: Cell<Status>,
    /// Counts the changes.
    version: Cell<u32>,
    places: [Place; WATCHERS],
    due: Cell<bool>,
}

impl Board {
    pub(super) const fn new() -> Self {
        Self {
            status: Cell::new(Status::new()),
            version: Cell::new(1),
            places: [const { Place::new() }; WATCHERS],
            due: Cell::new(false),
        }
    }

    pub(super) fn status(&self) -> Status {
        self.status.get()
    }

    /// After each step of the latch.
    pub(super) fn look<const T: usize, const W: usize>(&self, latch: &Latch<T, W>) {
        let status = Status::of(latch);
        if self.status.replace(status) != status {
            // 0 is what a new watch has seen.
            self.version.set(self.version.get().wrapping_add(1).max(1));
            self.due.set(true);
        }
    }

    pub(super) fn enter(&self) -> Option<usize> {
        self.places
            .iter()
            .position(|place| !place.taken.replace(true))
    }

    pub(super) fn leave(&self, place: usize) {
        if let Some(place) = self.places.get(place) {
            place.taken.set(false);
            place.bell.take();
        }
    }

    /// The status, if it is not the one that was seen.
    pub(super) fn news(&self, seen: &mut u32) -> Option<Status> {
        if *seen == self.version.get() {
            return None;
        }
        *seen = self.version.get();
        Some(self.status.get())
    }

    pub(super) fn register(&self, place: usize, waker: &Waker) {
        if let Some(place) = self.places.get(place) {
            place.bell.register(waker);
        }
    }

    /// A watcher's waker, while there is news.
    pub(super) fn ring(&self) -> Option<Waker> {
        if !self.due.get() {
            return None;
        }
        let waker = self.places.iter().find_map(|place| place.bell.take());
        if waker.is_none() {
            self.due.set(false);
        }
        waker
    }
}
