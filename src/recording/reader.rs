//! The total reader: every byte string is a recording, or damaged at a byte that is named.

use super::MAGIC;
use super::RecordingError;
use super::VERSION;
use super::fact::Fact;
use super::redacted::Redacted;
use crate::cbor::Reader;
use crate::cbor::Writer;
use crate::config::Config;
use crate::config::ConfigError;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::latch::Latch;
use crate::state::State;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

pub(super) const HEADER_FIELDS: u64 = 7;
pub(super) const SECRET_FIELDS: u64 = 3;
/// One call is told from a secret by their numbers of fields.
pub(super) const CALL_FIELDS: u64 = 6;

/// The clocks at the last call; what is written is how far they went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    millis: u64,
    /// Wall time less monotonic time, modulo 2^64.
    offset: u64,
}

impl Clocks {
    /// The clocks now, how far the monotonic one went, and how far the wall clock went beside it.
    pub(super) fn passed(self, now: Now) -> (Self, i64, Option<i64>) {
        let millis = now.monotonic.as_millis();
        let passed = millis.wrapping_sub(self.millis).cast_signed();
        let offset = now.wall.map(|wall| wall.wrapping_sub(millis));
        let beside = offset.map(|offset| offset.wrapping_sub(self.offset).cast_signed());
        let clocks = Self {
            millis,
            offset: offset.unwrap_or(self.offset),
        };
        (clocks, passed, beside)
    }

    fn pass(&mut self, millis: i64, beside: Option<i64>) -> Now {
        self.millis = self.millis.wrapping_add(millis.cast_unsigned());
        let Some(beside) = beside else {
            return Now::monotonic(self.millis);
        };
        self.offset = self.offset.wrapping_add(beside.cast_unsigned());
        Now::new(self.millis, self.millis.wrapping_add(self.offset))
    }
}

/// A secret where it is first seen.
pub(super) struct Secret {
    pub(super) redacted: Redacted,
    pub(super) hash: [u8; 16],
    /// Where the secret before it stands, 0 for none.
    pub(super) before: u64,
}

impl Secret {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        reader.fields(SECRET_FIELDS)?;
        Self::decode(&mut reader)
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            redacted: Redacted::decode(reader)?,
            hash: reader.bytes()?.try_into().ok()?,
            before: reader.number()?,
        })
    }
}

/// A call and what it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "without a heap there is nowhere else to put it"
)]
pub(super) enum Call {
    Told(Fact, Result<Outcome, Rejected>),
    Claimed(Waiter, Result<Receipt, PermitError>),
}

impl Call {
    /// Two items.
    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        match self {
            Self::Told(fact, outcome) => {
                fact.encode(writer)?;
                writer.coded(*outcome)
            }
            Self::Claimed(waiter, receipt) => {
                writer.coded(*waiter)?;
                writer.coded(*receipt)
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(if reader.is_array() {
            Self::Told(Fact::decode(reader)?, reader.coded()?)
        } else {
            Self::Claimed(reader.coded()?, reader.coded()?)
        })
    }
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "without a heap there is nowhere else to put it"
)]
pub enum Entry {
    /// The latch was told something.
    Told {
        /// When.
        now: Now,
        /// What.
        fact: Fact,
        /// What it said.
        outcome: Result<Outcome, Rejected>,
        /// Its state after that.
        state: State,
        /// A number that is the same if all else that can be seen of the latch after the call is the same.
        seen: u32,
    },
    /// A permit was claimed.
    Claimed {
        /// When.
        now: Now,
        /// For which request.
        waiter: Waiter,
        /// What came of it.
        receipt: Result<Receipt, PermitError>,
        /// Its state after that.
        state: State,
        /// As with `Told`.
        seen: u32,
    },
    /// The host took this order.
    Given(Effect),
    /// A token, subject, scope or the app's bytes that were not seen before.
    Secret {
        /// How the entries after this one name it.
        redacted: Redacted,
        /// Its keyed hash: the same in two recordings with one key, if it is the same secret.
        hash: [u8; 16],
    },
    /// The buffer was full: what came then is not here. Always the last.
    Cut,
}

/// What was recorded, of which latch.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Recording<'a> {
    /// The version of this crate that wrote it.
    pub written_by: &'a str,
    /// Room for token bytes (`T`).
    pub tokens: u64,
    /// Room for waiting requests (`W`).
    pub waiters: u64,
    /// The seed of the latch.
    pub seed: u64,
    /// Whether the latch was inside a [`Checked`](crate::promises::Checked), which lets the time pass before each call.
    pub is_checked: bool,
    /// The same for recordings whose secrets were hashed with the same key.
    pub key_id: u64,
    /// The configuration; `response` is the default.
    pub config: Config,
    length: usize,
    /// What follows the head.
    rest: &'a [u8],
}

impl<'a> Recording<'a> {
    /// Reads the head. The entries are read one by one, and may still be damaged.
    ///
    /// # Errors
    ///
    /// `Magic`, `Version`, `Damaged` and `Config`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RecordingError> {
        let Some([version, rest @ ..]) = bytes.strip_prefix(&MAGIC) else {
            return Err(RecordingError::Magic);
        };
        if *version != VERSION {
            return Err(RecordingError::Version);
        }
        let damaged = RecordingError::Damaged(bytes.len().saturating_sub(rest.len()));
        let read = Self::decode(bytes.len(), &mut Reader(rest)).ok_or(damaged)?;
        read.config.validate().map_err(RecordingError::Config)?;
        Ok(read)
    }

    fn decode(length: usize, reader: &mut Reader<'a>) -> Option<Self> {
        reader.fields(HEADER_FIELDS)?;
        Some(Self {
            written_by: reader.text()?,
            tokens: reader.number()?,
            waiters: reader.number()?,
            seed: reader.number()?,
            is_checked: reader.bool()?,
            key_id: reader.number()?,
            config: super::config::decode(reader)?,
            length,
            rest: reader.0,
        })
    }

    /// What happened, in order. Ends after the first entry that can't be read.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        Entries {
            length: self.length,
            reader: Reader(self.rest),
            clocks: Clocks::default(),
            is_over: false,
        }
    }

    /// A latch as it was at the beginning. It may have another token capacity than the recorded one, if that is larger.
    ///
    /// # Errors
    ///
    /// What [`Latch::new`] says.
    pub const fn latch<const T: usize, const W: usize>(&self) -> Result<Latch<T, W>, ConfigError> {
        Latch::new(self.config, self.seed)
    }
}

/// The entries of a [`Recording`].
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    length: usize,
    reader: Reader<'a>,
    clocks: Clocks,
    is_over: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over || self.reader.0.is_empty() {
            return None;
        }
        let at = self.length.saturating_sub(self.reader.0.len());
        let read = self.read().ok_or(RecordingError::Damaged(at));
        self.is_over = !matches!(read, Ok(ref entry) if *entry != Entry::Cut);
        Some(read)
    }
}

impl Entries<'_> {
    fn read(&mut self) -> Option<Entry> {
        if self.reader.null() {
            return Some(Entry::Cut);
        }
        if !self.reader.is_array() {
            return self.reader.coded().map(Entry::Given);
        }
        match self.reader.array()? {
            SECRET_FIELDS => {
                let Secret { redacted, hash, .. } = Secret::decode(&mut self.reader)?;
                Some(Entry::Secret { redacted, hash })
            }
            CALL_FIELDS => self.call(),
            _ => None,
        }
    }

    fn call(&mut self) -> Option<Entry> {
        let reader = &mut self.reader;
        let millis = reader.signed()?;
        let beside = reader.option(Reader::signed)?;
        let call = Call::decode(reader)?;
        let state = reader.coded()?;
        let seen = reader.number()?;
        let now = self.clocks.pass(millis, beside);
        Some(match call {
            Call::Told(fact, outcome) => Entry::Told {
                now,
                fact,
                outcome,
                state,
                seen,
            },
            Call::Claimed(waiter, receipt) => Entry::Claimed {
                now,
                waiter,
                receipt,
                state,
                seen,
            },
        })
    }
}
