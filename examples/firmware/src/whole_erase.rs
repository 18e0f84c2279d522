//! A chip whose erases are whole: one that the loss of power cut short is finished before anything else is done.
//!
//! What such an erase leaves of a page is up to the chip: a whole old record, for instance, behind a mark that says
//! that the page is in use. A store that comes upon it may take that record for the newest one, and the session from
//! before a sign-out is back. So the last page of the chip holds a note of each erase: written before it begins, and
//! overwritten with zeros when it is done. For chips on which zeros can be written over anything.

use embedded_storage_async::nor_flash::ErrorType;
use embedded_storage_async::nor_flash::NorFlash;
use embedded_storage_async::nor_flash::ReadNorFlash;

/// What a note begins with. The number of a page follows, and its complement: every note has as many bits set, so that
/// none becomes another one while it is being overwritten.
const NOTE: [u8; 2] = *b"TE";
const DONE: u32 = 0;
const BLANK: u32 = u32::MAX;
/// Bytes of a note.
const LENGTH: u32 = 4;

pub struct WholeErase<F> {
    flash: F,
    /// Where the next note goes.
    next: u32,
    /// Whether an erase may be half done: its future was dropped.
    begun: bool,
}

/// What the page of notes looks like.
struct Notes {
    /// The first place that holds no note of something that is done.
    next: u32,
    /// What stands there.
    last: u32,
    /// Whether nothing but blank follows.
    tidy: bool,
}

impl<F: NorFlash> WholeErase<F> {
    /// Finishes what was begun before.
    ///
    /// # Errors
    ///
    /// The chip's.
    pub async fn open(flash: F) -> Result<Self, F::Error> {
        const {
            assert!(
                F::WRITE_SIZE <= LENGTH as usize,
                "a note is written at once"
            )
        };
        let mut open = Self {
            flash,
            next: 0,
            begun: true,
        };
        open.settle().await?;
        Ok(open)
    }

    /// Finishes what was begun, if anything was.
    async fn settle(&mut self) -> Result<(), F::Error> {
        if !self.begun {
            return Ok(());
        }
        let notes = self.read_notes().await?;
        self.next = notes.next;
        if !notes.tidy {
            // The notes themselves were being erased, so nothing else was.
            self.forget().await?;
        } else if notes.last != BLANK {
            if let Some(page) = self.noted(notes.last) {
                let end = page.saturating_add(Self::page());
                self.flash.erase(page, end).await?;
            }
            // Else the note was being written, and the erase had not begun.
            self.done().await?;
        }
        self.begun = false;
        Ok(())
    }

    /// Bytes of a page.
    const fn page() -> u32 {
        F::ERASE_SIZE as u32
    }

    fn end(&self) -> u32 {
        u32::try_from(self.flash.capacity()).unwrap_or(u32::MAX)
    }

    /// Where the notes begin.
    fn notes(&self) -> u32 {
        self.end().saturating_sub(Self::page())
    }

    async fn read_notes(&mut self) -> Result<Notes, F::Error> {
        let mut notes = Notes {
            next: self.end(),
            last: BLANK,
            tidy: true,
        };
        for offset in (self.notes()..self.end()).step_by(LENGTH as usize) {
            let mut bytes = [0; LENGTH as usize];
            self.flash.read(offset, &mut bytes).await?;
            let note = u32::from_le_bytes(bytes);
            if notes.next < self.end() {
                notes.tidy &= note == BLANK;
            } else if note != DONE {
                notes.next = offset;
                notes.last = note;
            }
        }
        Ok(notes)
    }

    /// The address of the page that a note names.
    fn noted(&self, note: u32) -> Option<u32> {
        let [page, ..] = note.to_le_bytes();
        let address = u32::from(page).checked_mul(Self::page())?;
        (note == self::note(page) && address < self.notes()).then_some(address)
    }

    async fn write(&mut self, note: u32) -> Result<(), F::Error> {
        self.flash.write(self.next, &note.to_le_bytes()).await
    }

    async fn done(&mut self) -> Result<(), F::Error> {
        self.write(DONE).await?;
        self.next = self.next.saturating_add(LENGTH);
        Ok(())
    }

    async fn forget(&mut self) -> Result<(), F::Error> {
        self.flash.erase(self.notes(), self.end()).await?;
        self.next = self.notes();
        Ok(())
    }
}

/// The note for a page.
const fn note(page: u8) -> u32 {
    let [first, second] = NOTE;
    u32::from_le_bytes([page, !page, first, second])
}

impl<F: ErrorType> ErrorType for WholeErase<F> {
    type Error = F::Error;
}

impl<F: NorFlash> ReadNorFlash for WholeErase<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), F::Error> {
        self.settle().await?;
        self.flash.read(offset, bytes).await
    }

    fn capacity(&self) -> usize {
        self.flash.capacity().saturating_sub(F::ERASE_SIZE)
    }
}

impl<F: NorFlash> NorFlash for WholeErase<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.settle().await?;
        for page in (from..to).step_by(F::ERASE_SIZE) {
            self.begun = true;
            if self.next >= self.end() {
                self.forget().await?;
            }
            let number = page / Self::page();
            self.write(note(u8::try_from(number).unwrap_or(u8::MAX)))
                .await?;
            self.flash
                .erase(page, page.saturating_add(Self::page()))
                .await?;
            self.done().await?;
            self.begun = false;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.settle().await?;
        self.flash.write(offset, bytes).await
    }
}
