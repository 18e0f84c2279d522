//! Secrets as lengths and numbers, and the made-up text that stands for them in a replay.

use super::code::Coded;
use super::siphash;
use crate::grant::GrantError;
use crate::grant::check_token;
use crate::record;

/// The host's key for the hashes of a recording (SipHash-2-4, 128 bits): 16 bytes of its entropy.
///
/// A new one for each report, unless reports have to be compared. It is not in the recording, and its `Debug` does not
/// show it.
#[derive(Clone, Copy)]
pub struct Key([u8; 16]);

impl Key {
    /// From the host's entropy.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn hash(&self, bytes: &[u8]) -> [u8; 16] {
        siphash::hash(self.0, bytes)
    }

    /// Tells recordings of one key from those of another.
    pub(super) fn id(&self) -> u64 {
        let [id @ .., _, _, _, _, _, _, _, _] = self.hash(b"tokenlatch recording");
        u64::from_le_bytes(id)
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key")
    }
}

/// What a recording holds of a token, a subject, a scope or the app's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Redacted {
    /// Its length in bytes.
    pub length: u32,
    /// Which of those with this length: the same number, the same bytes.
    pub number: u32,
    pub(super) form: Form,
}

/// What is wrong with it as a token, so that what stands for it is refused for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Form {
    Plain,
    /// Good as a refresh token, not as an access token.
    Spaced,
    Literal,
    Quoted,
    Scheme,
    Character,
}

impl Coded for Form {
    fn number(self) -> u64 {
        self as u64
    }

    fn coded(number: u64) -> Option<Self> {
        [
            Self::Plain,
            Self::Spaced,
            Self::Literal,
            Self::Quoted,
            Self::Scheme,
            Self::Character,
        ]
        .into_iter()
        .find(|form| form.number() == number)
    }
}

impl Form {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let Ok(text) = core::str::from_utf8(bytes) else {
            return Self::Character;
        };
        match check_token(text, usize::MAX, 0x21) {
            Err(GrantError::Literal) => Self::Literal,
            Err(GrantError::Quoted) => Self::Quoted,
            Err(GrantError::Scheme) => Self::Scheme,
            Err(GrantError::Character) => match check_token(text, usize::MAX, 0x20) {
                Ok(()) => Self::Spaced,
                Err(_) => Self::Character,
            },
            _ => Self::Plain,
        }
    }
}

/// What a scratch buffer for [`Fact::event`](super::Fact::event) and [`Replay::step`](super::Replay::step) needs at most,
/// for a latch with this token capacity.
#[must_use]
pub const fn scratch_capacity(token_capacity: usize) -> usize {
    // Five parts, each cut where it is too long anyway, and a record with all of them.
    token_capacity
        .saturating_add(1)
        .saturating_mul(10)
        .saturating_add(record::OVERHEAD)
}

impl Redacted {
    /// Nothing, which is no secret.
    pub(super) const EMPTY: Self = Self {
        length: 0,
        number: 0,
        form: Form::Plain,
    };

    /// The same, said to be so long and to be this one of that length: for tests where another length serves as well.
    /// What is told by its length alone stays: nothing, and a script's literal.
    #[must_use]
    pub const fn renamed(self, length: u32, number: u32) -> Self {
        match (self.length, self.form) {
            (0, _) | (_, Form::Literal) => self,
            (_, form) => Self {
                length,
                number,
                form,
            },
        }
    }

    /// Longer than any latch of this capacity takes.
    pub(super) const fn stretched(self) -> Self {
        Self {
            length: u32::MAX,
            ..self
        }
    }

    /// Text that has this length, or is too long for the capacity like this one; different for different numbers, as
    /// long as there are characters for it.
    pub(super) fn text<'s>(self, capacity: usize, scratch: &mut &'s mut [u8]) -> Option<&'s [u8]> {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let length = length.min(capacity.saturating_add(1));
        let (text, rest) = core::mem::take(scratch).split_at_mut_checked(length)?;
        *scratch = rest;
        text.fill(b'-');
        let mut number = self.number;
        for place in text.iter_mut().rev() {
            *place = DIGITS
                .get(usize::try_from(number % 36).unwrap_or_default())
                .copied()
                .unwrap_or(b'0');
            number /= 36;
            if number == 0 {
                break;
            }
        }
        let head: &[u8] = match self.form {
            Form::Plain => b"",
            Form::Spaced => b" ",
            Form::Quoted => b"\"",
            Form::Character => b"\x01",
            // The shortest: what begins with a scheme has room for it.
            Form::Scheme => b"dpop ",
            Form::Literal => LITERALS
                .into_iter()
                .find(|literal| literal.len() == text.len())
                .unwrap_or_default(),
        };
        for (place, byte) in text.iter_mut().zip(head) {
            *place = *byte;
        }
        Some(text)
    }
}

/// Capitals, so that no number reads as a script's literal.
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Each has another length.
const LITERALS: [&[u8]; 4] = [b"undefined", b"null", b"[object Object]", b"NaN"];
