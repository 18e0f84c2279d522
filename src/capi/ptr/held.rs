//! A latch for the length of one call, and, with the feature `recording`, the recorder that writes the call down.

use crate::capi::Latch;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Event;
use crate::permit::Permit;
#[cfg(feature = "recording")]
use crate::recording::Recorder;
use crate::time::Now;
use crate::waiters::Waiter;

#[cfg(feature = "recording")]
use super::tape::Tape;

/// Everything that changes a latch goes through here.
pub(in crate::capi) struct Held<'a> {
    pub(super) latch: &'a mut Latch,
    #[cfg(feature = "recording")]
    pub(super) tape: &'a mut Option<Tape>,
}

impl Held<'_> {
    /// [`Latch::handle`](crate::Latch::handle).
    pub(in crate::capi) fn handle(
        &mut self,
        now: Now,
        event: Event<'_>,
    ) -> Result<Outcome, Rejected> {
        let outcome = self.latch.handle(now, event);
        #[cfg(feature = "recording")]
        self.record(|recorder, latch| recorder.told(latch, now, &event, outcome));
        outcome
    }

    /// [`Latch::poll_effect`](crate::Latch::poll_effect).
    pub(in crate::capi) fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.latch.poll_effect()?;
        #[cfg(feature = "recording")]
        self.record(|recorder, _| recorder.given(effect));
        Some(effect)
    }

    /// [`Latch::permit`](crate::Latch::permit).
    pub(in crate::capi) fn permit(
        &mut self,
        now: Now,
        waiter: Waiter,
    ) -> Result<Permit<'_>, PermitError> {
        let claimed = self.latch.permit(now, waiter);
        let receipt = claimed.map(|permit| permit.receipt());
        #[cfg(feature = "recording")]
        self.record(|recorder, latch| recorder.claimed(latch, now, waiter, receipt));
        Ok(self.latch.permit_with(receipt?))
    }

    /// The latch, to look at.
    pub(in crate::capi) const fn latch(&self) -> &Latch {
        self.latch
    }

    #[cfg(feature = "recording")]
    fn record(&mut self, write: impl FnOnce(&mut Recorder<'_>, &Latch)) {
        if let Some(tape) = self.tape {
            tape.record(|recorder| write(recorder, self.latch));
        }
    }

    /// What the latch is told from now on goes to this tape, or to none.
    #[cfg(feature = "recording")]
    pub(in crate::capi) fn set_tape(&mut self, tape: Option<Tape>) {
        *self.tape = tape;
    }
}
