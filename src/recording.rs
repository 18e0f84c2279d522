//! What a latch was told and what it gave, without secrets, so that a report from the field can be run again.
//!
//! A [`Recorded`] latch is called like a [`Latch`] and writes each call into a buffer that the host gives. A token, a
//! subject, a scope and the app's own bytes are written as a length, a number that tells them apart, and once as a
//! keyed hash; everything that the latch decides by (times, lifetimes, counters, statuses, ids) is written as it is.
//! [`Replay`] runs a [`Recording`] on a fresh latch, with made-up tokens of the same lengths that are equal where the
//! real ones were, and compares every outcome, every effect and the state after every call.
//!
//! ```
//! use tokenlatch::recording::{Key, Recorded, Recording, Replay, scratch_capacity};
//! use tokenlatch::{Config, Event, Expiry, Grant, Now, Outcome};
//!
//! let mut buffer = [0; 1024];
//! let key = Key::new([7; 16]); // the host's entropy, new for each report
//! let mut latch = Recorded::<64, 4>::new(Config::in_memory(), 1, key, &mut buffer).unwrap();
//! latch.handle(Now::monotonic(0), Event::Opened).unwrap();
//! let Ok(Outcome::Login(ticket)) = latch.handle(Now::monotonic(1), Event::LoginStarted) else { unreachable!() };
//! let mut grant = Grant::new("a-real-token");
//! grant.expiry = Expiry::In(3_600_000);
//! latch.handle(Now::monotonic(90), Event::Granted { ticket, grant }).unwrap();
//! while latch.poll_effect().is_some() {} // a host carries them out
//! let bytes = latch.recorder().bytes(); // goes into the report
//! assert!(!bytes.windows(12).any(|part| part == b"a-real-token"));
//!
//! let recording = Recording::read(bytes).unwrap();
//! let mut replay = Replay::<64, 4>::new(&recording).unwrap();
//! let mut scratch = [0; scratch_capacity(64)];
//! while let Some(step) = replay.step(&mut scratch) {
//!     step.unwrap(); // the same as then, or what differs
//! }
//! assert_eq!(replay.latch().state(), latch.state());
//! ```
//!
//! # What a recording reveals
//!
//! When the latch was told what, the lengths of the tokens and of the subject, lifetimes, HTTP statuses, the host's
//! numbers for its requests, counters and nonces of the stored record, the configuration and the seed. Whether two
//! secrets are the same can be seen within a recording, and between recordings with the same [`Key`]. Without the key
//! no secret can be guessed back; whoever has it can try guesses, and a subject such as an e-mail address is soon
//! guessed. So keep the key out of the report, and make a new one each time unless reports have to be compared.
//!
//! # Form, version 1
//!
//! `TLR`, the version, then a CBOR sequence (RFC 8742): an array with the capacities, the seed and the configuration;
//! then an array for each call, a number for each effect, an array for each new secret. Where the buffer was full stands
//! `null`, and nothing comes after it: what was recorded until then can be run.

mod code;
mod config;
mod content;
mod edit;
mod fact;
mod reader;
mod recorder;
mod redacted;
mod replay;
mod siphash;

use core::fmt;

pub use reader::Entries;
pub use reader::Entry;
pub use reader::Recording;
#[cfg(any(feature = "capi", feature = "wasm"))]
pub(crate) use recorder::Paused;
pub use recorder::Recorded;
pub use recorder::Recorder;
pub use redacted::Key;
pub use redacted::Redacted;
pub use redacted::scratch_capacity;
pub use replay::Difference;
pub use replay::Replay;
pub use replay::ReplayError;

pub use fact::Fact;

use crate::config::ConfigError;
use crate::latch::Latch;
use crate::time::NEVER;

const MAGIC: [u8; 3] = *b"TLR";
const VERSION: u8 = 1;

/// Why nothing can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecorderError {
    /// The buffer does not even hold the configuration: give 256 bytes at the least, and some 25 for each call.
    BufferTooSmall,
    /// The latch was told something before: a recording begins with a new latch.
    NotNew,
    /// The configuration can't work.
    Config(ConfigError),
}

impl fmt::Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall => f.write_str("the buffer is too small for a recording"),
            Self::NotNew => f.write_str("the latch was told something before it was recorded"),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RecorderError {}

/// Why bytes can't be read or run as a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecordingError {
    /// They do not begin as a recording does.
    Magic,
    /// Made by a later version of this crate: read it with that one.
    Version,
    /// What stands at this byte can't be read: the file was cut or changed on its way.
    Damaged(usize),
    /// The configuration in it can't work: the file was changed on its way.
    Config(ConfigError),
    /// The latch to run it on has room for another number of waiting requests than the recorded one.
    Waiters,
    /// The latch to run it on has room for shorter tokens than the recorded one.
    Tokens,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => f.write_str("these bytes are not a recording"),
            Self::Version => f.write_str("the recording was made by a later version"),
            Self::Damaged(at) => write!(f, "the recording is damaged at byte {at}"),
            Self::Config(error) => error.fmt(f),
            Self::Waiters => f.write_str("the recorded latch has another number of places"),
            Self::Tokens => f.write_str("the recorded latch has room for longer tokens"),
        }
    }
}

impl core::error::Error for RecordingError {}

/// All that can be seen of a latch after a call, in 32 bits (FNV-1a): the same on every platform, and in every version
/// that behaves the same.
fn seen<const T: usize, const W: usize>(latch: &Latch<T, W>) -> u32 {
    let generation = latch.generation();
    let at = |instant: Option<crate::time::Instant>| instant.map_or(NEVER, |at| at.as_millis());
    let numbers = [
        u64::from(generation.sign_in),
        u64::from(generation.serial),
        u64::try_from(latch.waiting()).unwrap_or(u64::MAX),
        at(latch.poll_timeout()),
        at(latch.expires_at()),
        latch.trouble().map_or(0, |cause| u64::from(cause.code())),
        u64::from(latch.is_volatile()),
        u64::from(latch.is_offline()),
        latch.corrupt().map_or(NEVER, code::Coded::number),
    ];
    let mut hash = 0x811c_9dc5_u32;
    for byte in numbers.iter().flat_map(|number| number.to_le_bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash
}
