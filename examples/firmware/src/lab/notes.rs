//! What the laboratory cuts, and what it writes down where no reset comes.

use crate::spared::Word;

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum Operation {
    Login,
    Refresh,
    Logout,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Login, Self::Refresh, Self::Logout];
    const ROUND: [Self; 4] = [Self::Login, Self::Refresh, Self::Refresh, Self::Logout];

    /// The operation with this number.
    pub(super) fn numbered(number: u32) -> Self {
        let place = number as usize % Self::ROUND.len();
        Self::ROUND.get(place).copied().unwrap_or(Self::Login)
    }
}

/// What is noted over a reset.
pub struct Notes {
    pub(super) number: Word,
    pub(super) is_recovering: Word,
    pub(super) cut_at: Word,
    pub(super) cut_step: Word,
    /// Of the write or erase that is cut: how many steps it has, and whether it is an erase.
    pub(super) steps: Word,
    pub(super) is_erase: Word,
    /// Digests of records: the last one that was reported as stored, and the one that is being written, if there is
    /// one; with the tokens in them.
    pub(crate) stored: Noted,
    pub(crate) handed: Noted,
    /// The one that was stored when the operation began.
    pub(super) stored_before: Noted,
    /// Who was signed in when the operation began.
    pub(super) before: Word,
    tallies: [Tally; 3],
}

#[derive(Default)]
pub(crate) struct Noted {
    pub(crate) digest: Word,
    pub(crate) session: Word,
    pub(crate) serial: Word,
}

/// What became of the cuts of one kind of operation.
#[derive(Default)]
pub struct Tally {
    pub runs: Word,
    pub writes: Word,
    pub erases: Word,
    pub cuts: Word,
    pub old: Word,
    pub new: Word,
    pub none: Word,
    pub violations: Word,
}

impl Noted {
    pub(crate) const fn new() -> Self {
        Self {
            digest: Word::new(),
            session: Word::new(),
            serial: Word::new(),
        }
    }

    pub(crate) fn take_from(&self, other: &Self) {
        self.digest.set(other.digest.get());
        self.session.set(other.session.get());
        self.serial.set(other.serial.get());
    }
}

impl Tally {
    const fn new() -> Self {
        Self {
            runs: Word::new(),
            writes: Word::new(),
            erases: Word::new(),
            cuts: Word::new(),
            old: Word::new(),
            new: Word::new(),
            none: Word::new(),
            violations: Word::new(),
        }
    }

    fn clear(&self) {
        let words = [&self.runs, &self.writes, &self.erases, &self.cuts];
        words.iter().for_each(|word| word.set(0));
        let words = [&self.old, &self.new, &self.none, &self.violations];
        words.iter().for_each(|word| word.set(0));
    }
}

impl Notes {
    pub const fn new() -> Self {
        Self {
            number: Word::new(),
            is_recovering: Word::new(),
            cut_at: Word::new(),
            cut_step: Word::new(),
            steps: Word::new(),
            is_erase: Word::new(),
            stored: Noted::new(),
            handed: Noted::new(),
            stored_before: Noted::new(),
            before: Word::new(),
            tallies: [const { Tally::new() }; 3],
        }
    }

    pub fn clear(&self) {
        let words = [&self.number, &self.is_recovering, &self.cut_at];
        words.iter().for_each(|word| word.set(0));
        let words = [&self.cut_step, &self.steps, &self.is_erase, &self.before];
        words.iter().for_each(|word| word.set(0));
        self.stored.take_from(&Noted::new());
        self.handed.take_from(&Noted::new());
        self.stored_before.take_from(&Noted::new());
        self.tallies.iter().for_each(Tally::clear);
    }

    pub fn tally(&self, operation: Operation) -> &Tally {
        let [login, refresh, logout] = &self.tallies;
        match operation {
            Operation::Login => login,
            Operation::Refresh => refresh,
            Operation::Logout => logout,
        }
    }

    /// The cut that comes next: some steps later, or at the end of this operation of the chip, or in the next one.
    pub(super) fn next_cut(&self, strides: Strides) {
        let is_erase = self.is_erase.get() == 1;
        let stride = if is_erase {
            strides.erase
        } else {
            strides.write
        };
        let (step, end) = (self.cut_step.get(), self.steps.get());
        if step < end {
            return self.cut_step.set(step.saturating_add(stride).min(end));
        }
        self.cut_at.add(1);
        self.cut_step.set(0);
    }
}

/// How many steps are taken at once: a write has one for each word, an erase some hundreds. The first and the last one
/// are never left out.
#[derive(Debug, Clone, Copy)]
pub struct Strides {
    pub write: u32,
    pub erase: u32,
}

impl Default for Notes {
    fn default() -> Self {
        Self::new()
    }
}
