//! The bounded queue of requests that wait, and the receipts of those that left.

#[cfg(feature = "_verify")]
mod verify;

use core::cell::Cell;

use crate::error::PermitError;
use crate::error::Rejected;
use crate::why::Cause;

/// The host's id for a request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Waiter(u32);

impl Waiter {
    /// From the host's number.
    #[must_use]
    pub const fn from_u32(raw: u32) -> Self {
        Self(raw)
    }

    /// The host's number.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

/// Says under which credential and as which attempt a request left; comes back with its answer.
///
/// Fits 41 bits, so that it is also a safe integer in JavaScript. Made by a permit; a number from elsewhere is
/// harmless: at worst its answer is taken for that of an older or an ended credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Receipt(u64);

impl Receipt {
    /// As a number, for hosts that pass integers.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// From the number.
    #[must_use]
    pub const fn from_u64(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) const fn new(version: u32, attempt: u8, again: bool) -> Self {
        Self((version as u64) | ((attempt as u64) << 32) | ((again as u64) << 40))
    }

    /// The local number of the credential.
    pub(crate) const fn version(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// 1 for the first.
    pub(crate) const fn attempt(self) -> u8 {
        ((self.0 >> 32) & 0xff) as u8
    }

    /// Whether this was already the second time with the same credential (P9: there is no third).
    pub(crate) const fn is_again(self) -> bool {
        (self.0 >> 40) & 1 == 1
    }
}

/// Whose token a request may leave with (P7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// Waits for the sign-in under which it was admitted.
    Waiting,
    /// Waits for the next sign-in: nobody was signed in when it was admitted.
    Early,
    /// `Release` was given out; the permit is not yet claimed.
    Released,
    /// `Refuse` is still to be given out.
    Refused(Cause),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) waiter: Waiter,
    pub(crate) fate: Fate,
    /// Attempts already made.
    pub(crate) attempts: u8,
    /// The last attempt was made with the credential that the latch still has.
    pub(crate) again: bool,
    /// When it is refused for having waited too long.
    pub(crate) until: u64,
}

impl Slot {
    pub(crate) fn is_early(&self) -> bool {
        self.fate == Fate::Early
    }
}

/// Which of the requests that wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Admitted under the sign-in that is (or was) there.
    Bound,
    /// Waiting for the next sign-in.
    Early,
}

/// First in, first out; a request keeps its place until it is claimed, refused or cancelled (P8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Waiters<const W: usize>(heapless::Vec<Slot, W, u8>);

impl<const W: usize> Waiters<W> {
    pub(crate) const fn new() -> Self {
        const {
            assert!(
                W > 0 && W < 256,
                "a latch has room for 1 to 255 waiting requests"
            );
        };
        Self(heapless::Vec::new())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one more may come (P8: capacity is checked at admission, never later).
    pub(crate) fn check(&self, waiter: Waiter) -> Result<(), Rejected> {
        if self.0.iter().any(|slot| slot.waiter == waiter) {
            return Err(Rejected::DuplicateWaiter);
        }
        if self.0.is_full() {
            return Err(Rejected::QueueFull);
        }
        Ok(())
    }

    /// Takes a request that `check` let pass.
    pub(crate) fn admit(&mut self, slot: Slot) {
        // `check` made sure that there is room.
        let _ = self.0.push(slot);
    }

    /// Removes a request; false if it was not there.
    pub(crate) fn remove(&mut self, waiter: Waiter) -> bool {
        // Those behind it move up, each to the place before its own.
        let slots = Cell::from_mut(self.0.as_mut_slice()).as_slice_of_cells();
        let mut found = false;
        for (to, from) in slots.iter().zip(slots.iter().skip(1)) {
            found |= to.get().waiter == waiter;
            if found {
                to.set(from.get());
            }
        }
        found |= self.0.last().is_some_and(|slot| slot.waiter == waiter);
        if found {
            self.0.pop();
        }
        found
    }

    /// Refuses those that are meant and not refused yet.
    #[inline(never)]
    pub(crate) fn refuse(&mut self, cause: Cause, which: Which) {
        for slot in &mut self.0 {
            let meant = match slot.fate {
                Fate::Refused(_) => false,
                Fate::Early => which != Which::Bound,
                Fate::Waiting | Fate::Released => which != Which::Early,
            };
            if meant {
                slot.fate = Fate::Refused(cause);
            }
        }
    }

    /// Refuses those that have waited too long; whether one of them waited for a sign-in.
    pub(crate) fn refuse_overdue(&mut self, cause: Cause, now: u64) -> bool {
        let mut early = false;
        for slot in &mut self.0 {
            if let Fate::Refused(_) = slot.fate {
                continue;
            }
            if slot.until <= now {
                early |= slot.is_early();
                slot.fate = Fate::Refused(cause);
            }
        }
        early
    }

    /// The requests that waited for somebody to sign in belong to that sign-in from now on.
    pub(crate) fn bind(&mut self) {
        for slot in &mut self.0 {
            if slot.is_early() {
                slot.fate = Fate::Waiting;
            }
        }
    }

    /// There is another credential: no attempt was made with it yet.
    pub(crate) fn renew(&mut self) {
        for slot in &mut self.0 {
            slot.again = false;
        }
    }

    /// The gate closed: what was released but not claimed waits again, in its old place.
    pub(crate) fn hold(&mut self) {
        for slot in &mut self.0 {
            if slot.fate == Fate::Released {
                slot.fate = Fate::Waiting;
            }
        }
    }

    /// The next refusal to give out; it ends the request.
    pub(crate) fn take_refused(&mut self) -> Option<(Waiter, Cause)> {
        let (waiter, cause) = self.0.iter().find_map(|slot| match slot.fate {
            Fate::Refused(cause) => Some((slot.waiter, cause)),
            _ => None,
        })?;
        self.remove(waiter);
        Some((waiter, cause))
    }

    /// The next request to release, in order; it stays until it is claimed.
    pub(crate) fn release(&mut self, may: impl Fn(&Slot) -> bool) -> Option<Waiter> {
        let slot = self
            .0
            .iter_mut()
            .filter(|slot| slot.fate == Fate::Waiting)
            .find(|slot| may(slot))?;
        slot.fate = Fate::Released;
        Some(slot.waiter)
    }

    /// Ends a request that was released; a refused one ends too, with its cause.
    pub(crate) fn claim(&mut self, waiter: Waiter) -> Result<Slot, PermitError> {
        let mut slots = self.0.iter();
        let slot = slots.find(|slot| slot.waiter == waiter);
        let slot = slot.copied().ok_or(PermitError::Unknown)?;
        if slot.fate == Fate::Released {
            self.remove(waiter);
            return Ok(slot);
        }
        Err(self.unclaimed(waiter, slot.fate))
    }

    #[inline(never)]
    fn unclaimed(&mut self, waiter: Waiter, fate: Fate) -> PermitError {
        if let Fate::Refused(cause) = fate {
            self.remove(waiter);
            return PermitError::Refused(cause);
        }
        PermitError::NotReady
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter()
    }
}
