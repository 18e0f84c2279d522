//! The total reader: every byte string is a recording, or damaged at a byte that is named.

use minicbor::Decoder;
use minicbor::Encoder;
use minicbor::data::Type;
use minicbor::encode::Write;

use super::MAGIC;
use super::RecordingError;
use super::VERSION;
use super::code::Coded;
use super::content::Encoded;
use super::content::is_some;
use super::fact::Fact;
use super::redacted::Redacted;
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
        let mut decoder = Decoder::new(bytes);
        if decoder.array().ok()? != Some(SECRET_FIELDS) {
            return None;
        }
        Self::decode(&mut decoder)
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            redacted: Redacted::decode(decoder)?,
            hash: decoder.bytes().ok()?.try_into().ok()?,
            before: decoder.u64().ok()?,
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
    pub(super) fn encode<B: Write>(&self, encoder: &mut Encoder<B>) -> Encoded<B> {
        match self {
            Self::Told(fact, outcome) => {
                fact.encode(encoder)?;
                encoder.u64(outcome.number())?.ok()
            }
            Self::Claimed(waiter, receipt) => {
                encoder.u64(waiter.number())?;
                encoder.u64(receipt.number())?.ok()
            }
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if decoder.datatype().ok()? == Type::Array {
            let fact = Fact::decode(decoder)?;
            return Some(Self::Told(fact, Coded::coded(decoder.u64().ok()?)?));
        }
        let waiter = Coded::coded(decoder.u64().ok()?)?;
        Some(Self::Claimed(waiter, Coded::coded(decoder.u64().ok()?)?))
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
    bytes: &'a [u8],
    begin: usize,
}

impl<'a> Recording<'a> {
    /// Reads the head. The entries are read one by one, and may still be damaged.
    ///
    /// # Errors
    ///
    /// `Magic`, `Version`, `Damaged` and `Config`.
    pub fn read(bytes: &'a [u8]) -> Result<Self, RecordingError> {
        let Some((head, [version, ..])) = bytes.split_at_checked(MAGIC.len()) else {
            return Err(RecordingError::Magic);
        };
        if head != MAGIC {
            return Err(RecordingError::Magic);
        }
        if *version != VERSION {
            return Err(RecordingError::Version);
        }
        let begin = MAGIC.len().saturating_add(1);
        let mut decoder = Decoder::new(bytes);
        decoder.set_position(begin);
        let read = Self::decode(bytes, &mut decoder).ok_or(RecordingError::Damaged(begin))?;
        read.config.validate().map_err(RecordingError::Config)?;
        Ok(read)
    }

    fn decode(bytes: &'a [u8], decoder: &mut Decoder<'a>) -> Option<Self> {
        if decoder.array().ok()? != Some(HEADER_FIELDS) {
            return None;
        }
        Some(Self {
            written_by: decoder.str().ok()?,
            tokens: decoder.u64().ok()?,
            waiters: decoder.u64().ok()?,
            seed: decoder.u64().ok()?,
            is_checked: decoder.bool().ok()?,
            key_id: decoder.u64().ok()?,
            config: super::config::decode(decoder)?,
            bytes,
            begin: decoder.position(),
        })
    }

    /// What happened, in order. Ends after the first entry that can't be read.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        let mut decoder = Decoder::new(self.bytes);
        decoder.set_position(self.begin);
        Entries {
            decoder,
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
    decoder: Decoder<'a>,
    clocks: Clocks,
    is_over: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.decoder.position();
        if self.is_over || at == self.decoder.input().len() {
            return None;
        }
        let read = self.read().ok_or(RecordingError::Damaged(at));
        self.is_over = !matches!(read, Ok(ref entry) if *entry != Entry::Cut);
        Some(read)
    }
}

impl Entries<'_> {
    fn read(&mut self) -> Option<Entry> {
        match self.decoder.datatype().ok()? {
            Type::Null => {
                self.decoder.null().ok()?;
                Some(Entry::Cut)
            }
            Type::Array => match self.decoder.array().ok()?? {
                SECRET_FIELDS => {
                    let Secret { redacted, hash, .. } = Secret::decode(&mut self.decoder)?;
                    Some(Entry::Secret { redacted, hash })
                }
                CALL_FIELDS => self.call(),
                _ => None,
            },
            _ => Some(Entry::Given(Coded::coded(self.decoder.u64().ok()?)?)),
        }
    }

    fn call(&mut self) -> Option<Entry> {
        let decoder = &mut self.decoder;
        let millis = decoder.i64().ok()?;
        let beside = if is_some(decoder)? {
            Some(decoder.i64().ok()?)
        } else {
            None
        };
        let call = Call::decode(decoder)?;
        let state = Coded::coded(decoder.u64().ok()?)?;
        let seen = decoder.u32().ok()?;
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
