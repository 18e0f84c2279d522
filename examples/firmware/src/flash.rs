//! A NOR flash chip, emulated word by word, with a supply that can be cut at any moment.
//!
//! The rules are those of the parts in microcontrollers: an erase sets the bits of a whole page; a write clears bits,
//! whole words at a time, and only in words that have been erased; but zeros, all of a word's bits, can be written over
//! anything, also where each word has a checksum of its own. Where the supply ends half way, some words are written
//! and one is torn; of a page some words are erased and some are not. Real firmware has a driver here.

use core::fmt;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;

use embassy_futures::yield_now;
use embedded_storage_async::nor_flash::ErrorType;
use embedded_storage_async::nor_flash::NorFlash;
use embedded_storage_async::nor_flash::NorFlashError;
use embedded_storage_async::nor_flash::NorFlashErrorKind;
use embedded_storage_async::nor_flash::ReadNorFlash;

/// Bytes of a word: what is written at once.
pub const WORD: usize = 4;
/// Bytes of a page: what is erased at once.
pub const PAGE: usize = 1024;
/// Pages of the chip.
pub const PAGES: usize = 4;
/// Words of the chip.
pub const WORDS: usize = PAGES * PAGE / WORD;

const ERASED: u32 = u32::MAX;
/// The bits of a torn word that were cleared already, if they were to be.
const TORN: [u32; 4] = [0x0000_ffff, 0xffff_0000, 0x5a5a_5a5a, 0xff00_0000];

/// The memory of a chip. It keeps what it holds while everything else starts anew.
pub type Cells = [AtomicU32; WORDS];

/// Sets every bit, as in a chip that has never been used.
pub fn blank(cells: &Cells) {
    for cell in cells {
        cell.store(ERASED, Ordering::Relaxed);
    }
}

/// Where a supply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// At this write or erase, counted from 0.
    pub operation: u32,
    /// How far that one came, in words. A write tears the word that is next; an erase leaves it weak.
    pub words: u32,
}

/// What is done to a chip besides reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Write,
    Erase,
}

/// The supply of a chip, and what it sees of the work.
pub trait Supply {
    /// An operation on so many words begins; where the supply ends within it, how many words are done by then.
    fn begin(&mut self, kind: Kind, words: u32) -> Option<u32>;

    /// The supply has ended. Nothing may run after this.
    fn end(&mut self) -> impl Future<Output = ()>;
}

/// A supply that does not end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady;

impl Supply for Steady {
    fn begin(&mut self, _: Kind, _: u32) -> Option<u32> {
        None
    }

    async fn end(&mut self) {}
}

/// The chip as its driver shows it.
pub struct Flash<'a, S> {
    cells: &'a Cells,
    supply: S,
}

/// Why a driver did not do what it was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum FlashError {
    /// The address or the length is no multiple of what the chip can do.
    NotAligned,
    /// There is no such address.
    OutOfBounds,
    /// The word was written since it was erased.
    NotErased,
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAligned => "not aligned",
            Self::OutOfBounds => "out of bounds",
            Self::NotErased => "written twice without an erase",
        })
    }
}

impl core::error::Error for FlashError {}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotErased => NorFlashErrorKind::Other,
        }
    }
}

impl<'a, S: Supply> Flash<'a, S> {
    pub const fn new(cells: &'a Cells, supply: S) -> Self {
        Self { cells, supply }
    }

    /// The words from one address to another.
    fn words(&self, from: usize, to: usize, unit: usize) -> Result<&'a [AtomicU32], FlashError> {
        if !from.is_multiple_of(unit) || !to.is_multiple_of(unit) {
            return Err(FlashError::NotAligned);
        }
        let words = self.cells.get(from / WORD..to / WORD);
        words.ok_or(FlashError::OutOfBounds)
    }
}

/// An address of the trait, as a place in memory.
fn place(address: u32) -> Result<usize, FlashError> {
    usize::try_from(address).map_err(|_| FlashError::OutOfBounds)
}

fn count(words: &[AtomicU32]) -> u32 {
    u32::try_from(words.len()).unwrap_or(u32::MAX)
}

/// In how many places an erase can end. What is left of a page then is up to the chip: its words come one by one from
/// the front, or from the back, or the bits of all of them as chance has it.
fn steps(words: &[AtomicU32]) -> u32 {
    count(words).saturating_mul(3)
}

fn erase_partly(words: &[AtomicU32], end: u32) {
    let all = count(words).max(1);
    let done = end % all;
    for (index, word) in (0..).zip(words) {
        let place = match end / all {
            0 => index,
            1 => all - 1 - index,
            2 => {
                word.fetch_or(risen(index, done, all), Ordering::Relaxed);
                continue;
            }
            _ => 0,
        };
        if place < done || end / all > 2 {
            word.store(ERASED, Ordering::Relaxed);
        } else if place == done {
            word.fetch_or(torn(index as usize), Ordering::Relaxed);
        }
    }
}

/// The bits of a word that have risen when so many parts of the time for all of them have passed.
fn risen(index: u32, done: u32, all: u32) -> u32 {
    let mut mask = 0;
    for bit in 0..u32::BITS {
        let mixed =
            (index * u32::BITS + bit).wrapping_mul(0x9e37_79b9) ^ done.wrapping_mul(0x85eb_ca6b);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d);
        let mixed = (mixed ^ mixed >> 13) % all;
        if mixed < done {
            mask |= 1 << bit;
        }
    }
    mask
}

/// Which bits of a torn word have changed: different ones in each place, the same ones in each run.
fn torn(place: usize) -> u32 {
    TORN.get(place % TORN.len()).copied().unwrap_or_default()
}

impl<S> ErrorType for Flash<'_, S> {
    type Error = FlashError;
}

impl<S: Supply> ReadNorFlash for Flash<'_, S> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        for (address, byte) in (place(offset)?..).zip(bytes) {
            let word = self.cells.get(address / WORD);
            let word = word.ok_or(FlashError::OutOfBounds)?;
            let bytes = word.load(Ordering::Relaxed).to_le_bytes();
            *byte = bytes.get(address % WORD).copied().unwrap_or_default();
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE
    }
}

impl<S: Supply> NorFlash for Flash<'_, S> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let words = self.words(place(from)?, place(to)?, PAGE)?;
        let end = self.supply.begin(Kind::Erase, steps(words));
        match end {
            None => words
                .iter()
                .for_each(|word| word.store(ERASED, Ordering::Relaxed)),
            Some(end) => erase_partly(words, end),
        }
        if end.is_some() {
            self.supply.end().await;
        }
        yield_now().await;
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let from = place(offset)?;
        let to = from.saturating_add(bytes.len());
        let words = self.words(from, to, WORD)?;
        let (values, _) = bytes.as_chunks::<WORD>();
        let writes = words
            .iter()
            .zip(values.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        for (word, value) in writes.clone() {
            if word.load(Ordering::Relaxed) != ERASED && value != 0 {
                return Err(FlashError::NotErased);
            }
        }
        let end = self.supply.begin(Kind::Write, count(words));
        for (done, (index, (word, value))) in (0..).zip(writes.enumerate()) {
            if Some(done) == end {
                word.fetch_and(value | !torn(index), Ordering::Relaxed);
                break;
            }
            word.store(value, Ordering::Relaxed);
            // Other tasks run while the chip is busy.
            if end.is_none() {
                yield_now().await;
            }
        }
        if end.is_some() {
            self.supply.end().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embassy_futures::block_on;

    use super::*;

    struct Once(Option<u32>);

    impl Supply for Once {
        fn begin(&mut self, _: Kind, _: u32) -> Option<u32> {
            self.0.take()
        }

        async fn end(&mut self) {}
    }

    fn cells() -> Cells {
        let cells = [const { AtomicU32::new(0) }; WORDS];
        blank(&cells);
        cells
    }

    fn words(cells: &Cells, count: usize) -> Vec<u32> {
        let words = cells.iter().take(count);
        words.map(|word| word.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn a_word_is_written_once_between_two_erases() {
        let cells = cells();
        let mut flash = Flash::new(&cells, Steady);
        assert_eq!(block_on(flash.write(0, &[1, 2, 3, 4])), Ok(()));
        let again = block_on(flash.write(0, &[1, 2, 3, 4]));
        assert_eq!(again, Err(FlashError::NotErased));
        assert_eq!(block_on(flash.erase(0, 1024)), Ok(()));
        assert_eq!(block_on(flash.write(0, &[5, 6, 7, 8])), Ok(()));
        let mut read = [0; 3];
        assert_eq!(block_on(flash.read(1, &mut read)), Ok(()));
        assert_eq!(read, [6, 7, 8]);
    }

    #[test]
    fn addresses_are_those_of_words_and_pages() {
        let cells = cells();
        let mut flash = Flash::new(&cells, Steady);
        let error = |done: Result<(), FlashError>| done.expect_err("it can't be done");
        assert_eq!(
            error(block_on(flash.write(2, &[0; 4]))),
            FlashError::NotAligned
        );
        assert_eq!(
            error(block_on(flash.write(0, &[0; 3]))),
            FlashError::NotAligned
        );
        assert_eq!(error(block_on(flash.erase(0, 512))), FlashError::NotAligned);
        let past = u32::try_from(PAGES * PAGE).unwrap_or_default();
        assert_eq!(
            error(block_on(flash.write(past, &[0; 4]))),
            FlashError::OutOfBounds
        );
        assert_eq!(
            error(block_on(flash.erase(0, past + 1024))),
            FlashError::OutOfBounds
        );
        assert_eq!(
            error(block_on(flash.read(past, &mut [0]))),
            FlashError::OutOfBounds
        );
    }

    #[test]
    fn a_cut_leaves_a_torn_word_and_the_rest_untouched() {
        let cells = cells();
        let mut flash = Flash::new(&cells, Once(Some(2)));
        let _ = block_on(flash.write(0, &[0; 16]));
        assert_eq!(words(&cells, 4), [0, 0, !TORN[2], ERASED]);
        let mut flash = Flash::new(&cells, Once(Some(2)));
        let _ = block_on(flash.write(16, &[0; 4]));
        assert_eq!(words(&cells, 5)[4], 0, "the word was whole before the cut");
        let mut flash = Flash::new(&cells, Once(Some(1)));
        let _ = block_on(flash.erase(0, 1024));
        assert_eq!(words(&cells, 5), [ERASED, 0 | TORN[1], !TORN[2], ERASED, 0]);
    }
}
