//! Latches of any size behind one interface: the sizes of a latch are known when it is compiled, those of a recording
//! only when it is read.

use tokenlatch::promises::{Checked, Violation};
use tokenlatch::recording::{
    Entry, Key, Recorder, Recording, Replay, ReplayError, scratch_capacity,
};
use tokenlatch::{Effect, Event, Generation, Now, Outcome, PermitError, Receipt, Rejected};
use tokenlatch::{State, Waiter};

use crate::Failure;

/// Room for tokens: what was too long for the recorded one is made too long for this one. A latch with more room is refused.
pub(crate) const TOKENS: usize = 16_384;

/// Calls the function with the recorded number of waiting requests as its constant. Each has a frame of its own: these
/// latches are large.
macro_rules! with_recorded {
    ($recording:ident, $make:ident $arguments:tt) => {
        with_recorded!($recording, $make $arguments:
            1 2 3 4 5 6 7 8 10 12 16 20 24 32 48 64 96 128 192 255)
    };
    ($recording:ident, $make:ident $arguments:tt: $($number:literal)*) => {
        match $recording.waiters {
            $($number => $make::<$number> $arguments,)*
            other => Err(format!(
                "this program has no latch for {other} waiting requests: add the number in {}",
                file!()
            )
            .into()),
        }
    };
}

/// A replay.
pub(crate) trait Steps {
    fn step(&mut self) -> Option<Result<Entry, ReplayError>>;
    fn entry(&self) -> Option<Entry>;
    fn generation(&self) -> Generation;
}

struct Playing<'a, const W: usize> {
    replay: Replay<'a, TOKENS, W>,
    scratch: Vec<u8>,
}

impl<const W: usize> Steps for Playing<'_, W> {
    fn step(&mut self) -> Option<Result<Entry, ReplayError>> {
        self.replay.step(&mut self.scratch)
    }

    fn entry(&self) -> Option<Entry> {
        self.replay.entry().copied()
    }

    fn generation(&self) -> Generation {
        self.replay.latch().generation()
    }
}

pub(crate) fn replay<'a>(recording: &Recording<'a>) -> Result<Box<dyn Steps + 'a>, Failure> {
    with_recorded!(recording, playing(recording))
}

fn playing<'a, const W: usize>(recording: &Recording<'a>) -> Result<Box<dyn Steps + 'a>, Failure> {
    Ok(Box::new(Playing::<W> {
        replay: Replay::new(recording)?,
        scratch: vec![0; scratch_capacity(TOKENS)],
    }))
}

/// A latch under watch, and a recorder for what it is told.
pub(crate) trait Player {
    fn tell(&mut self, now: Now, event: Event<'_>) -> Told;
    fn poll_effect(&mut self) -> Result<Option<Effect>, Violation>;
    fn permit(&mut self, now: Now, waiter: Waiter) -> Claimed;
    fn state(&self) -> State;
    fn generation(&self) -> Generation;
    fn recorded(&self) -> &[u8];
}

type Told = Result<Result<Outcome, Rejected>, Violation>;
type Claimed = Result<Result<Receipt, PermitError>, Violation>;

struct Watched<'b, const W: usize> {
    latch: Checked<TOKENS, W>,
    recorder: Recorder<'b>,
}

impl<const W: usize> Player for Watched<'_, W> {
    fn tell(&mut self, now: Now, event: Event<'_>) -> Told {
        let outcome = self.latch.handle(now, event)?;
        self.recorder.told(self.latch.latch(), now, &event, outcome);
        Ok(outcome)
    }

    fn poll_effect(&mut self) -> Result<Option<Effect>, Violation> {
        let effect = self.latch.poll_effect()?;
        if let Some(effect) = effect {
            self.recorder.given(effect);
        }
        Ok(effect)
    }

    fn permit(&mut self, now: Now, waiter: Waiter) -> Claimed {
        let claimed = self.latch.permit(now, waiter)?;
        let receipt = claimed.map(|permit| permit.receipt());
        let latch = self.latch.latch();
        self.recorder.claimed(latch, now, waiter, receipt);
        Ok(receipt)
    }

    fn state(&self) -> State {
        self.latch.latch().state()
    }

    fn generation(&self) -> Generation {
        self.latch.latch().generation()
    }

    fn recorded(&self) -> &[u8] {
        self.recorder.bytes()
    }
}

/// A new latch as the recorded one was. What it is told is written to the buffer; the secrets are made up, so that the
/// key need not be one.
pub(crate) fn player<'b>(
    recording: &Recording<'_>,
    buffer: &'b mut [u8],
) -> Result<Box<dyn Player + 'b>, Failure> {
    with_recorded!(recording, watched(recording, buffer))
}

fn watched<'b, const W: usize>(
    recording: &Recording<'_>,
    buffer: &'b mut [u8],
) -> Result<Box<dyn Player + 'b>, Failure> {
    let latch = Checked::new(recording.config, recording.seed)?;
    let recorder = Recorder::for_checked(&latch, Key::new([0; 16]), buffer)?;
    Ok(Box::new(Watched::<W> { latch, recorder }))
}
