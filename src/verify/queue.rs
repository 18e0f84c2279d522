//! The queue by itself: what each of its operations does to every request in it.
//!
//! The machine has no other way to its queue, so that what holds here for a queue of any length holds in the machine.

use super::any;
use super::any::Source;
use super::proof::Broken;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::waiters::Fate;
use crate::waiters::Slot;
use crate::waiters::Waiter;
use crate::waiters::Waiters;
use crate::waiters::Which;
use crate::why::Cause;

/// How many operations there are.
pub const OPERATIONS: u8 = 10;

impl<const W: usize> Waiters<W> {
    fn knows(&self, waiter: Waiter) -> bool {
        self.iter().any(|slot| slot.waiter == waiter)
    }

    fn has(&self, wanted: &Slot) -> bool {
        self.iter().any(|slot| slot == wanted)
    }

    fn has_refused(&self, waiter: Waiter, cause: Cause) -> bool {
        let fate = Fate::Refused(cause);
        self.iter()
            .any(|slot| slot.waiter == waiter && slot.fate == fate)
    }

    /// The same requests in their places, what was refused with its cause.
    fn keeps(&self, before: &Self) -> bool {
        let mut slots = self.iter();
        for was in before.iter() {
            let Some(is) = slots.next() else { return false };
            if (is.waiter, is.attempts, is.until) != (was.waiter, was.attempts, was.until) {
                return false;
            }
            if matches!(was.fate, Fate::Refused(_)) && is.fate != was.fate {
                return false;
            }
        }
        slots.next().is_none()
    }

    /// Without this one the others are there as before, in their order. For a checker all places are constant.
    fn lost(&self, before: &Self, gone: Waiter) -> bool {
        let mut passed = false;
        for at in 0..before.len() {
            let (was, next) = (before.at(at), before.at(at.saturating_add(1)));
            let is = self.at(at);
            passed |= was.is_some_and(|slot| slot.waiter == gone);
            let (stays, moves_up) = (is == was, is == next);
            if !(if passed { moves_up } else { stays }) {
                return false;
            }
        }
        self.len() <= before.len()
    }
}

/// One operation, below [`OPERATIONS`], of any queue in which so many wait. That no two have one id is not even needed: it
/// is always the first that counts.
pub fn check<const W: usize>(operation: u8, waiting: u8, from: &mut impl Source) -> Broken {
    let mut before = Waiters::<W>::new();
    for _ in 0..waiting {
        before.admit(slot(from));
    }
    judge(operation, &before, from)
}

/// With one of more ids than requests fit: the queue asks of ids only whether they are the same.
fn slot(from: &mut impl Source) -> Slot {
    let [id, ..] = from.number().to_le_bytes();
    Slot {
        waiter: Waiter::from_u32(u32::from(id)),
        ..any::slot(from)
    }
}

fn judge<const W: usize>(operation: u8, before: &Waiters<W>, from: &mut impl Source) -> Broken {
    let mut after = before.clone();
    let slot = slot(from);
    let waiter = slot.waiter;
    match operation {
        0 => {
            let checked = after.check(waiter);
            must!(116, after == *before);
            let known = before.knows(waiter);
            must!(117, known == (checked == Err(Rejected::DuplicateWaiter)));
            let full = before.len() == W && !known;
            must!(118, full == (checked == Err(Rejected::QueueFull)));
            if checked.is_ok() {
                after.admit(slot);
                must!(119, after.len() == before.len().saturating_add(1));
                must!(120, after.iter().last() == Some(&slot));
                let mut others = before.iter().zip(after.iter());
                must!(121, others.all(|(was, is)| was == is));
            }
        }
        1 => {
            let was_there = after.remove(waiter);
            must!(122, was_there == (after.len() < before.len()));
            must!(123, after.lost(before, waiter));
        }
        2 => {
            let which = match from.below(3) {
                0 => Which::All,
                1 => Which::Bound,
                _ => Which::Early,
            };
            after.refuse(any::cause(from), which);
            must!(124, after.keeps(before));
            let is_left = |slot: &Slot| match slot.fate {
                Fate::Refused(_) => false,
                Fate::Early => which != Which::Bound,
                Fate::Waiting | Fate::Released => which != Which::Early,
            };
            must!(125, !after.iter().any(is_left));
        }
        3 => {
            let now = from.number();
            after.refuse_overdue(any::cause(from), now);
            must!(126, after.keeps(before));
            let is_refused = |slot: &Slot| matches!(slot.fate, Fate::Refused(_));
            must!(
                127,
                after
                    .iter()
                    .all(|slot| is_refused(slot) || slot.until > now)
            );
        }
        4..7 => {
            match operation {
                4 => after.bind(),
                5 => after.renew(),
                _ => after.hold(),
            }
            must!(128, after.keeps(before));
        }
        7 => match after.take_refused() {
            Some((waiter, cause)) => {
                must!(129, before.has_refused(waiter, cause));
                must!(130, after.lost(before, waiter));
            }
            None => must!(131, after == *before),
        },
        8 => {
            let [limit, ..] = from.number().to_le_bytes();
            let may = |slot: &Slot| slot.attempts <= limit;
            let mut first = None;
            for slot in before.iter() {
                if first.is_none() && slot.fate == Fate::Waiting && may(slot) {
                    first = Some(slot.waiter);
                }
            }
            must!(132, after.release(may) == first);
            must!(133, after.keeps(before));
        }
        _ => match after.claim(waiter) {
            Ok(slot) => {
                must!(134, slot.fate == Fate::Released);
                must!(135, slot.waiter == waiter && before.has(&slot));
                must!(136, after.lost(before, waiter));
            }
            Err(PermitError::Refused(cause)) => {
                must!(137, before.has_refused(waiter, cause));
                must!(138, after.lost(before, waiter));
            }
            Err(_) => must!(139, after == *before),
        },
    }
    0
}
