//! A short way through Ready, where nearly every call finds that nothing fell due and nothing is ordered.
//!
//! Only what a look at the machine told is kept here, and it goes with the first step that could change it: without
//! it every call does the same, in more instructions.

use crate::effect::Effect;
use crate::effect::Outcome;
use crate::event::Access;
use crate::event::Event;
use crate::latch::Latch;
use crate::state::Phase;
use crate::time::Jump;
use crate::time::Now;

/// Which orders the machine has to give out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Orders {
    Unknown,
    /// None but for releasing and refusing requests.
    OfRequests,
    None,
}

impl<const T: usize, const W: usize> Latch<T, W> {
    /// Nothing is known of the machine any more.
    pub(crate) const fn stir(&mut self) {
        self.idle_until = 0;
        self.orders = Orders::Unknown;
    }

    /// Time passes: what fell due happens.
    pub(crate) fn pass(&mut self, now: Now) {
        let jump = self.machine.read_clocks(now);
        if jump == Jump::None {
            if self.is_idle() {
                return;
            }
        }
        self.pass_by(jump);
        self.stir();
        if self.machine.phase == Phase::Ready {
            self.idle_until = self.machine.poll_timeout();
        }
    }

    /// Whether the passing of time has changed nothing but the reading.
    fn is_idle(&self) -> bool {
        self.machine.clock.now < self.idle_until
    }

    /// A step after which nothing else is due or ordered than before, a request that may leave excepted; `None` for
    /// any other, which is not taken.
    pub(crate) fn idle_step(&mut self, event: &Event<'_>) -> Option<Outcome> {
        if !self.is_idle() {
            return None;
        }
        match *event {
            Event::AccessRequested {
                waiter,
                access: Access::First,
            } => {
                let until = self.machine.wait_until();
                self.idle_until = self.idle_until.min(until);
                if let Orders::None = self.orders {
                    self.orders = Orders::OfRequests;
                }
                Some(self.machine.access_requested(waiter, Access::First))
            }
            Event::Answered {
                receipt,
                status,
                challenge,
            } => {
                if self.machine.may_refuse(receipt, status) {
                    return None;
                }
                Some(self.machine.answered(receipt, status, challenge))
            }
            _ => None,
        }
    }

    /// The next order of the machine.
    pub(crate) fn next_effect(&mut self) -> Option<Effect> {
        let effect = match self.orders {
            Orders::None => return None,
            Orders::OfRequests => self.machine.poll_waiters(),
            Orders::Unknown => self.machine.poll_effect(),
        };
        if effect.is_none() {
            self.orders = Orders::None;
        }
        effect
    }
}

#[cfg(test)]
mod tests;
