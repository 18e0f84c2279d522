//! A recording run again, step by step.

use core::fmt;

use super::Entries;
use super::Entry;
use super::Recording;
use super::RecordingError;
use super::fact::Fact;
use super::seen;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Event;
use crate::grant::GrantError;
use crate::latch::Latch;
use crate::state::State;
use crate::time::Now;
use crate::waiters::Receipt;

/// What a replay gave, where the recording says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The outcome of an event.
    Outcome(Result<Outcome, Rejected>),
    /// The outcome of a claim.
    Receipt(Result<Receipt, PermitError>),
    /// An effect, or that there was none.
    Effect(Option<Effect>),
    /// The state after a call.
    State(State),
    /// Something else that can be seen of the latch: its generation, its next timeout, who waits, what is wrong.
    Seen,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(outcome) => write!(f, "the outcome is {outcome:?}"),
            Self::Receipt(receipt) => write!(f, "the claim gives {receipt:?}"),
            Self::Effect(Some(effect)) => write!(f, "the effect is {effect:?}"),
            Self::Effect(None) => f.write_str("there is no effect"),
            Self::State(state) => write!(f, "the state is {state}"),
            Self::Seen => f.write_str("the latch's generation, timeout or waiters differ"),
        }
    }
}

/// Why a step was not the same as then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// The entry can't be read. Nothing comes after it.
    Recording(RecordingError),
    /// The latch did something else: it is another version of this crate, the file was changed, or the host's calls were
    /// not all recorded.
    Differs(Difference),
    /// The scratch buffer is smaller than [`scratch_capacity`](super::scratch_capacity).
    ScratchTooSmall,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording(error) => error.fmt(f),
            Self::Differs(difference) => difference.fmt(f),
            Self::ScratchTooSmall => f.write_str("the scratch buffer is too small"),
        }
    }
}

impl core::error::Error for ReplayError {}

/// Runs a recording on a latch of its own. `T` may be larger than it was, not smaller, `W` must be the same.
#[derive(Debug)]
pub struct Replay<'a, const T: usize, const W: usize> {
    latch: Latch<T, W>,
    entries: Entries<'a>,
    entry: Option<Entry>,
    is_checked: bool,
}

impl<'a, const T: usize, const W: usize> Replay<'a, T, W> {
    /// At the beginning.
    ///
    /// # Errors
    ///
    /// `Waiters`, `Tokens`, and `Config`.
    pub fn new(recording: &Recording<'a>) -> Result<Self, RecordingError> {
        if u64::try_from(W) != Ok(recording.waiters) {
            return Err(RecordingError::Waiters);
        }
        if u64::try_from(T).is_ok_and(|room| room < recording.tokens) {
            return Err(RecordingError::Tokens);
        }
        Ok(Self {
            latch: recording.latch().map_err(RecordingError::Config)?,
            entries: recording.entries(),
            entry: None,
            is_checked: recording.is_checked,
        })
    }

    /// The latch, to look at.
    #[must_use]
    pub const fn latch(&self) -> &Latch<T, W> {
        &self.latch
    }

    /// The entry that was run last: the one that differs, after a difference.
    #[must_use]
    pub const fn entry(&self) -> Option<&Entry> {
        self.entry.as_ref()
    }

    /// Runs one entry, and gives it. After a difference it can go on, but what follows means little.
    pub fn step(&mut self, scratch: &mut [u8]) -> Option<Result<Entry, ReplayError>> {
        let entry = match self.entries.next()? {
            Ok(entry) => *self.entry.insert(entry),
            Err(error) => return Some(Err(ReplayError::Recording(error))),
        };
        Some(match self.run(&entry, scratch) {
            Ok(None) => Ok(entry),
            Ok(Some(difference)) => Err(ReplayError::Differs(difference)),
            Err(error) => Err(error),
        })
    }

    fn run(
        &mut self,
        entry: &Entry,
        scratch: &mut [u8],
    ) -> Result<Option<Difference>, ReplayError> {
        let (state, seen_then) = match *entry {
            Entry::Secret { .. } | Entry::Cut => return Ok(None),
            Entry::Given(effect) => {
                let given = self.latch.poll_effect();
                return Ok((given != Some(effect)).then_some(Difference::Effect(given)));
            }
            Entry::Told {
                now,
                fact,
                outcome,
                state,
                seen,
            } => {
                let event = fact.event_for(outcome, T, scratch);
                let event = event.ok_or(ReplayError::ScratchTooSmall)?;
                self.pass_time(now);
                let told = self.latch.handle(now, event);
                if told != outcome {
                    return Ok(Some(Difference::Outcome(told)));
                }
                (state, seen)
            }
            Entry::Claimed {
                now,
                waiter,
                receipt,
                state,
                seen,
            } => {
                self.pass_time(now);
                let claimed = self.latch.permit(now, waiter);
                let claimed = claimed.map(|permit| permit.receipt());
                if claimed != receipt {
                    return Ok(Some(Difference::Receipt(claimed)));
                }
                (state, seen)
            }
        };
        if self.latch.state() != state {
            return Ok(Some(Difference::State(self.latch.state())));
        }
        Ok((seen(&self.latch) != seen_then).then_some(Difference::Seen))
    }

    /// As [`Checked`](crate::promises::Checked) does before each call.
    fn pass_time(&mut self, now: Now) {
        if self.is_checked {
            // It is refused only before `Opened`, as it was then.
            let _ = self.latch.handle(now, Event::TimeoutReached);
        }
    }
}

impl Fact {
    /// As [`event`](Self::event); what was too long for the recorded latch is too long for this one as well.
    #[must_use]
    pub fn event_for<'s>(
        self,
        outcome: Result<Outcome, Rejected>,
        capacity: usize,
        scratch: &'s mut [u8],
    ) -> Option<Event<'s>> {
        if outcome == Err(Rejected::Grant(GrantError::TooLong)) {
            return self.stretched().event(capacity, scratch);
        }
        self.event(capacity, scratch)
    }
}
