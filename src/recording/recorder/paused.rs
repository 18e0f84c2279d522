//! A recorder without its buffer, for hosts that lend the buffer for one call at a time.

use super::Clocks;
use super::Key;
use super::Recorder;

/// All that a recorder has besides its buffer.
#[derive(Clone, Copy)]
pub(crate) struct Paused {
    length: usize,
    is_full: bool,
    key: Key,
    clocks: Clocks,
    newest: usize,
}

impl Paused {
    /// Goes on in the same buffer.
    pub(crate) const fn resume(self, buffer: &mut [u8]) -> Recorder<'_> {
        Recorder {
            buffer,
            length: self.length,
            is_full: self.is_full,
            key: self.key,
            clocks: self.clocks,
            newest: self.newest,
        }
    }

    /// How much of the buffer is written.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Whether the buffer was full and the rest is missing.
    #[cfg(feature = "capi")]
    pub(crate) const fn is_full(&self) -> bool {
        self.is_full
    }
}

impl Recorder<'_> {
    /// Gives the buffer back, to be resumed later.
    pub(crate) const fn pause(&self) -> Paused {
        Paused {
            length: self.length,
            is_full: self.is_full,
            key: self.key,
            clocks: self.clocks,
            newest: self.newest,
        }
    }
}
