//! What a reset leaves alone: the chip, and what stands for the world outside of the board.
//!
//! Everything here is made of atomic words, so that any content is safe to find, and none is ever set at a start.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;

use crate::flash;
use crate::flash::Cells;
use crate::flash::WORDS;
use crate::lab::Notes;
use crate::server::Ledger;

/// Says that this memory was in use before.
const IN_USE: u32 = 0x7061_6e21;

pub struct Spared {
    in_use: AtomicU32,
    pub chip: Cells,
    pub server: Ledger,
    /// The time of day, in seconds, when the board last started.
    pub started: Word,
    /// The chip and the server as they were before an operation was begun, and what the laboratory notes.
    pub chip_before: Cells,
    pub server_before: Ledger,
    pub notes: Notes,
}

/// A word of this memory.
#[derive(Default)]
pub struct Word(AtomicU32);

impl Word {
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn add(&self, more: u32) {
        self.set(self.get().saturating_add(more));
    }
}

impl Spared {
    pub const fn new() -> Self {
        Self {
            in_use: AtomicU32::new(0),
            chip: [const { AtomicU32::new(0) }; WORDS],
            server: Ledger::new(),
            started: Word::new(),
            chip_before: [const { AtomicU32::new(0) }; WORDS],
            server_before: Ledger::new(),
            notes: Notes::new(),
        }
    }

    /// Whether the board starts for the first time; everything is new then.
    pub fn is_first_start(&self) -> bool {
        if self.in_use.swap(IN_USE, Ordering::Relaxed) == IN_USE {
            return false;
        }
        flash::blank(&self.chip);
        flash::blank(&self.chip_before);
        self.server.clear();
        self.server_before.clear();
        self.started.set(0);
        self.notes.clear();
        true
    }
}

impl Default for Spared {
    fn default() -> Self {
        Self::new()
    }
}

pub fn copy(from: &Cells, to: &Cells) {
    for (from, to) in from.iter().zip(to) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
