//! A short way through Ready, where nearly every call finds that nothing fell due and nothing is ordered.
//!
//! Only what a look at the machine told is kept here, and it goes with the first step that could change it: without
//! it every call does the same, in more instructions.

use crate::challenge::ChallengeKind;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::event::Access;
use crate::event::Event;
use crate::event::EventKind;
use crate::latch::Latch;
use crate::state::Phase;
use crate::state::State;
use crate::time::LATEST;
use crate::time::Now;
use crate::waiters::Receipt;

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

    /// What can be known of the machine after a step of any kind.
    pub(crate) fn look_around(&mut self) {
        self.stir();
        if self.machine.phase == Phase::Ready {
            self.idle_until = self.machine.poll_timeout().min(LATEST);
        }
    }

    /// Time passes: what fell due happens.
    #[inline]
    pub(crate) fn pass(&mut self, now: &Now) {
        if !self.pass_idly(now) {
            self.pass_any(now);
        }
    }

    #[inline(never)]
    fn pass_any(&mut self, now: &Now) {
        self.pass_by(now);
        self.look_around();
    }

    /// The passing of time that changes nothing but the reading; false for any other, which has not happened.
    #[inline]
    fn pass_idly(&mut self, now: &Now) -> bool {
        if now.monotonic.as_millis() >= self.idle_until {
            return false;
        }
        let tolerance = u64::from(self.machine.config.clock_tolerance_ms);
        self.machine.clock.advance(now, tolerance)
    }

    /// What is usual most of all: the server took the credential at hand. False, with nothing changed, for all else.
    #[inline]
    pub(crate) fn accepted_idly(
        &mut self,
        now: &Now,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    ) -> bool {
        if !self.machine.is_accepted(receipt, status, challenge) {
            return false;
        }
        if !self.pass_idly(now) {
            return false;
        }
        let Some(session) = &mut self.machine.session else {
            return false;
        };
        session.accept();
        self.remember(EventKind::Answered, State::Ready, State::Ready);
        true
    }

    /// A step after which nothing else is due or ordered than before, a request that may leave excepted; `None` for
    /// any other, which is not taken.
    #[inline]
    pub(crate) fn idle_step(&mut self, now: &Now, event: &Event<'_>) -> Option<Outcome> {
        let outcome = match *event {
            Event::AccessRequested {
                waiter,
                access: Access::First,
            } => {
                self.machine.waiters.check(waiter).ok()?;
                if !self.pass_idly(now) {
                    return None;
                }
                let until = self.machine.wait_until();
                self.idle_until = self.idle_until.min(until);
                if let Orders::None = self.orders {
                    self.orders = Orders::OfRequests;
                }
                self.machine.access_requested(waiter, Access::First)
            }
            Event::Answered {
                receipt,
                status,
                challenge,
            } => {
                if self.machine.may_refuse(receipt, status) {
                    return None;
                }
                if !self.pass_idly(now) {
                    return None;
                }
                self.machine.answered(receipt, status, challenge)
            }
            _ => return None,
        };
        self.remember(event.kind(), State::Ready, State::Ready);
        Some(outcome)
    }

    /// Writes a step down.
    #[inline]
    pub(crate) fn remember(&mut self, kind: EventKind, from: State, to: State) {
        let (at, generation) = (self.machine.clock.now, self.generation());
        self.trace.push(at, generation, kind, (from, to));
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
