//! The store: one record in one slot of a `sequential-storage` map, which keeps the old one until the new one is whole.
//!
//! An older record stays in the chip, unreadable through the map, until its page is erased for want of room. Where
//! the chip can be taken out and read, encrypt it, or give it a part that can't be read from outside.

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::Error;
use sequential_storage::cache::Cache;
use sequential_storage::cache::Uncached;
use sequential_storage::map::MapConfig;
use sequential_storage::map::MapStorage;
use tokenlatch::Latch;
use tokenlatch::gate::Failed;

use crate::flash;
use crate::whole_erase::WholeErase;

/// Tokens of 256 bytes, 8 requests that wait.
pub const TOKEN: usize = 256;
pub const WAITING: usize = 8;

/// What a record takes at most.
pub const RECORD: usize = Latch::<TOKEN, WAITING>::RECORD_CAPACITY;

/// The slot of the record. The rest of the map is free for the application's own values, if they are no longer than a
/// record, leave room for it, and may go with a map that can't be made sense of.
const SLOT: u8 = 1;

/// The addresses of the map. The last page belongs to `WholeErase`.
const MAP: u32 = ((flash::PAGES - 1) * flash::PAGE) as u32;

/// The record and the key, up to the next word.
const BUFFER: usize = (RECORD + 1).next_multiple_of(flash::WORD);

/// Where one record is kept.
#[expect(async_fn_in_trait, reason = "nobody asks for `Send` here")]
pub trait Slot {
    /// The record, if there is one; bytes that are none, if what stands there can't be made sense of.
    ///
    /// # Errors
    ///
    /// The chip's.
    async fn load<'a>(&mut self, buffer: &'a mut Buffer) -> Result<Option<&'a [u8]>, Failed>;

    /// Takes the place of the record. When this returns, the new one survives the loss of power; until then the old
    /// one does. What can't be made sense of is erased first.
    ///
    /// # Errors
    ///
    /// The chip's. The old record may stand there still.
    async fn save(&mut self, record: &[u8]) -> Result<(), Failed>;
}

/// The map on a chip.
pub struct Store<F: NorFlash> {
    map: MapStorage<u8, F, Cache<Uncached, Uncached, Uncached, u8>>,
}

impl<F: NorFlash> Store<WholeErase<F>> {
    /// A store on the whole of a chip. What stands there stays.
    ///
    /// # Errors
    ///
    /// The chip's.
    pub async fn open(chip: F) -> Result<Self, F::Error> {
        Ok(Self::on(WholeErase::open(chip).await?))
    }
}

impl<F: NorFlash> Store<F> {
    /// A store on a chip whose erases are never cut short.
    pub const fn on(chip: F) -> Self {
        Self {
            map: MapStorage::new(chip, MapConfig::new(0..MAP), Cache::new_uncached()),
        }
    }
}

impl<F: NorFlash> Slot for Store<F> {
    async fn load<'a>(&mut self, buffer: &'a mut Buffer) -> Result<Option<&'a [u8]>, Failed> {
        let found = self.map.fetch_item(&mut buffer.0, &SLOT).await;
        found.or_else(|error| match is_nonsense(&error) {
            true => Ok(Some(NO_RECORD)),
            false => Err(Failed),
        })
    }

    async fn save(&mut self, record: &[u8]) -> Result<(), Failed> {
        let mut buffer = Buffer::default();
        // What can't be read now can't be read behind it either.
        let found = self.map.fetch_item::<&[u8]>(&mut buffer.0, &SLOT).await;
        if found.is_err_and(|error| is_nonsense(&error)) {
            self.map.erase_all().await.map_err(|_| Failed)?;
        }
        let mut saved = self.map.store_item(&mut buffer.0, &SLOT, &record).await;
        if saved.as_ref().is_err_and(is_nonsense) {
            self.map.erase_all().await.map_err(|_| Failed)?;
            saved = self.map.store_item(&mut buffer.0, &SLOT, &record).await;
        }
        saved.map_err(|_| Failed)
    }
}

/// What no latch has written.
const NO_RECORD: &[u8] = b"?";

/// The chip works, and what stands there is not what this firmware wrote: another one with longer tokens did, or something
/// else. Reading it again would not help, and nothing would ever be stored. One record fills no map.
const fn is_nonsense<E>(error: &Error<E>) -> bool {
    matches!(
        error,
        Error::Corrupted { .. } | Error::BufferTooSmall(_) | Error::FullStorage
    )
}

/// Room for the bytes on their way to and from the chip.
pub struct Buffer(pub(crate) [u8; BUFFER]);

impl Default for Buffer {
    fn default() -> Self {
        Self([0; BUFFER])
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::future::poll_fn;
    use core::ops::Range;
    use core::pin::pin;
    use core::sync::atomic::AtomicU32;
    use core::sync::atomic::Ordering;
    use core::task::Context;
    use core::task::Poll;
    use core::task::Waker;

    use super::*;
    use crate::flash::Cells;
    use crate::flash::Cut;
    use crate::flash::Flash;
    use crate::flash::FlashError;
    use crate::flash::Kind;
    use crate::flash::Supply;
    use crate::flash::WORDS;
    use crate::flash::blank;

    /// Counts the operations, and ends at one of them.
    #[derive(Default)]
    struct Fuse {
        cut: Cell<Option<Cut>>,
        operations: Cell<u32>,
        words: Cell<u32>,
        ended: Cell<bool>,
    }

    impl Supply for &Fuse {
        fn begin(&mut self, _: Kind, words: u32) -> Option<u32> {
            let operation = self.operations.replace(self.operations.get() + 1);
            self.words.set(words);
            let cut = self.cut.get()?;
            (cut.operation == operation).then_some(cut.words)
        }

        async fn end(&mut self) {
            self.ended.set(true);
            poll_fn(|_| Poll::Pending).await
        }
    }

    /// Runs until it is done or the supply ends; nothing of it is left then.
    fn run<T>(fuse: &Fuse, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Some(done);
            }
            if fuse.ended.get() {
                return None;
            }
        }
    }

    fn record(number: u8) -> Vec<u8> {
        let length = [RECORD, 40, 300, 21, 180][usize::from(number) % 5];
        vec![number; length]
    }

    async fn saves(cells: &Cells, fuse: &Fuse, numbers: Range<u8>, done: &Cell<u8>) {
        let store = Store::open(Flash::new(cells, fuse)).await;
        let mut store = store.expect("the chip works");
        for number in numbers {
            store.save(&record(number)).await.expect("the chip works");
            done.set(number);
        }
    }

    fn found(cells: &Cells) -> Option<u8> {
        let fuse = Fuse::default();
        let mut buffer = Buffer::default();
        let look = async {
            let store = Store::open(Flash::new(cells, &fuse)).await;
            store.map_err(|_| Failed)?.load(&mut buffer).await
        };
        let bytes = run(&fuse, look)?.expect("the chip works")?;
        assert_eq!(bytes, record(bytes[0]), "half of one");
        Some(bytes[0])
    }

    fn copy(cells: &Cells) -> Cells {
        core::array::from_fn(|place| AtomicU32::new(cells[place].load(Ordering::Relaxed)))
    }

    /// Cuts at each word of each operation of `numbers`, and hands what is left to `then`.
    fn each_cut(cells: &Cells, numbers: Range<u8>, then: impl Fn(Cells, u8)) -> u32 {
        let (mut cuts, mut cut) = (
            0,
            Cut {
                operation: 0,
                words: 0,
            },
        );
        loop {
            let cells = copy(cells);
            let fuse = Fuse::default();
            fuse.cut.set(Some(cut));
            let done = Cell::new(numbers.start - 1);
            let whole = run(&fuse, saves(&cells, &fuse, numbers.clone(), &done)).is_some();
            if whole {
                return cuts;
            }
            cuts += 1;
            then(cells, done.get());
            cut.words += 1;
            if cut.words > fuse.words.get() {
                cut = Cut {
                    operation: cut.operation + 1,
                    words: 0,
                };
            }
        }
    }

    #[test]
    fn a_cut_anywhere_leaves_the_old_record_or_the_new_one() {
        let cells = [const { AtomicU32::new(0) }; WORDS];
        blank(&cells);
        let cuts = each_cut(&cells, 1..25, |cells, done| {
            let found = found(&cells).unwrap_or(0);
            assert!(found == done || found == done + 1, "{found} after {done}");
        });
        assert!(cuts > 2_000, "{cuts}");
    }

    #[test]
    fn a_second_cut_while_the_first_is_mended_does_no_harm() {
        let cells = [const { AtomicU32::new(0) }; WORDS];
        blank(&cells);
        each_cut(&cells, 1..12, |cells, _| {
            let first = found(&cells).unwrap_or(0);
            each_cut(&cells, first + 1..first + 2, |cells, _| {
                let found = found(&cells).unwrap_or(0);
                assert!(
                    found == first || found == first + 1,
                    "{found} after {first}"
                );
            });
            let fuse = Fuse::default();
            let done = Cell::new(0);
            run(&fuse, saves(&cells, &fuse, first + 1..first + 3, &done));
            assert_eq!(self::found(&cells), Some(first + 2));
        });
    }

    /// Loads, which is no failure, then stores a record, which is found after the next start.
    fn heals(cells: &Cells, what: &str) {
        let fuse = Fuse::default();
        let work = async {
            let mut store = Store::open(Flash::new(cells, &fuse)).await?;
            let mut buffer = Buffer::default();
            let loaded = store.load(&mut buffer).await.expect(what);
            assert!(loaded.is_none_or(|bytes| bytes == NO_RECORD), "{what}");
            store.save(&record(1)).await.expect(what);
            Ok::<_, FlashError>(())
        };
        run(&fuse, work)
            .expect("it does not end")
            .expect("it opens");
        assert_eq!(found(cells), Some(1), "{what}");
    }

    #[test]
    fn a_record_of_a_firmware_with_longer_tokens_is_written_over() {
        let cells = [const { AtomicU32::new(0) }; WORDS];
        blank(&cells);
        let fuse = Fuse::default();
        let longer = [7; BUFFER + 64];
        let work = async {
            let mut store = Store::open(Flash::new(&cells, &fuse)).await?;
            let mut buffer = [0; BUFFER + 128];
            let saved = store.map.store_item(&mut buffer, &SLOT, &&longer[..]).await;
            saved.expect("the chip works");
            let mut buffer = Buffer::default();
            let loaded = store.load(&mut buffer).await.expect("the chip works");
            assert_eq!(loaded, Some(NO_RECORD));
            Ok::<_, FlashError>(())
        };
        run(&fuse, work)
            .expect("it does not end")
            .expect("it opens");
        heals(&cells, "a longer record");
    }

    #[test]
    fn what_stood_in_the_chip_before_does_no_harm() {
        let mut corrupt = 0;
        for seed in 1..200_u32 {
            let cells = [const { AtomicU32::new(0) }; WORDS];
            blank(&cells);
            let mut noise = seed.wrapping_mul(0x9E37_79B9);
            for cell in &cells[..MAP as usize / flash::WORD] {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                // All of it noise, or zeros, or a page of each kind.
                let value = [noise, 0, noise & 0xff, noise | 0xffff_0000][seed as usize % 4];
                cell.store(value, Ordering::Relaxed);
            }
            let fuse = Fuse::default();
            let mut buffer = Buffer::default();
            let look = async {
                let store = Store::open(Flash::new(&cells, &fuse)).await;
                store.map_err(|_| Failed)?.load(&mut buffer).await
            };
            corrupt += u32::from(matches!(run(&fuse, look), Some(Ok(Some(NO_RECORD)))));
            heals(&cells, &format!("noise {seed}"));
        }
        assert!(corrupt > 0, "no noise was any");
    }

    /// A runner drops the future of a write that took too long, or that a newer order has replaced.
    #[test]
    fn a_save_that_is_dropped_half_way_does_no_harm() {
        for polls in 0..400 {
            let cells = [const { AtomicU32::new(0) }; WORDS];
            blank(&cells);
            let fuse = Fuse::default();
            let work = async {
                let mut store = Store::open(Flash::new(&cells, &fuse)).await?;
                for number in 1..20 {
                    let record = record(number);
                    let save = pin!(store.save(&record));
                    let (dropped, mut left) = (number % 3 == 0, polls);
                    let mut save = save;
                    poll_fn(|context| match save.as_mut().poll(context) {
                        Poll::Pending if dropped && left == 0 => Poll::Ready(()),
                        Poll::Pending => {
                            left -= u32::from(dropped);
                            Poll::Pending
                        }
                        Poll::Ready(done) => Poll::Ready(done.expect("the chip works")),
                    })
                    .await;
                }
                Ok::<_, FlashError>(())
            };
            run(&fuse, work)
                .expect("it does not end")
                .expect("it opens");
            assert_eq!(found(&cells), Some(19), "dropped after {polls}");
        }
    }
}
