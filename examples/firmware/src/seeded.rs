//! The host in the laboratory: notes what is stored, and makes the mistakes that the laboratory must find.

use core::cell::Cell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::Timer;
use embedded_storage_async::nor_flash::NorFlash;
use heapless::Vec;
use tokenlatch::Grant;
use tokenlatch::Instant;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::gate;
use tokenlatch::gate::Failed;
use tokenlatch::gate::Host as _;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;
use tokenlatch::inspect;

use crate::flash;
use crate::host::Gate;
use crate::host::Host;
use crate::lab::Noted;
use crate::lab::Notes;
use crate::lab::digest;
use crate::server::Ledger;
use crate::store::Buffer;
use crate::store::RECORD;
use crate::store::Slot;

/// A mistake in the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum Seeded {
    None,
    /// A record is reported as stored when its write has only begun.
    Early,
    /// A sign-out is not written.
    NoTombstone,
    /// A record is written over the old one.
    InPlace,
    /// An erase that was cut short is not finished at the next start.
    TornErase,
}

impl Seeded {
    pub const ALL: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("early", Self::Early),
        ("no-tombstone", Self::NoTombstone),
        ("in-place", Self::InPlace),
        ("torn-erase", Self::TornErase),
    ];

    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(own, _)| *own == name).map(|(_, seeded)| *seeded)
    }
}

pub(crate) struct Watched<'a, S: Slot> {
    host: Host<'a, S>,
    notes: &'a Notes,
    ledger: &'a Ledger,
    seeded: Seeded,
    is_loaded: Cell<bool>,
    writing: Cell<u32>,
    late: Signal<NoopRawMutex, Vec<u8, RECORD>>,
    unsaved: Cell<bool>,
}

impl<'a, S: Slot> Watched<'a, S> {
    pub(crate) fn new(
        host: Host<'a, S>,
        notes: &'a Notes,
        ledger: &'a Ledger,
        seeded: Seeded,
    ) -> Self {
        Self {
            host,
            notes,
            ledger,
            seeded,
            is_loaded: Cell::new(false),
            writing: Cell::new(0),
            late: Signal::new(),
            unsaved: Cell::new(false),
        }
    }

    /// Until the latch has seen what the store holds.
    pub(crate) async fn opened(&self, gate: &Gate) {
        while !self.is_loaded.get() || gate.state() == State::Pending {
            Timer::after_millis(1).await;
        }
        self.unsaved.set(true);
    }

    /// Whether something was stored since then, and nothing is being stored.
    pub(crate) fn is_idle(&self) -> bool {
        self.writing.get() == 0 && !self.unsaved.get()
    }

    /// Writes what was reported as stored before it was.
    pub(crate) async fn write_late(&self) {
        loop {
            let record = self.late.wait().await;
            Timer::after_millis(20).await;
            let _ = self.host.store(&record).await;
        }
    }

    async fn write(&self, record: &[u8]) -> Result<(), Failed> {
        let is_tombstone = matches!(inspect(record), StoreContent::Tombstone(_));
        match self.seeded {
            Seeded::Early => {
                let record = Vec::from_slice(record).map_err(|_| Failed)?;
                self.late.signal(record);
                Ok(())
            }
            Seeded::NoTombstone if is_tombstone => Ok(()),
            _ => self.host.store(record).await,
        }
    }
}

impl<S: Slot> gate::Host for Watched<'_, S> {
    async fn wait_until(&self, at: Instant) {
        self.host.wait_until(at).await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        let loaded = self.host.load(buffer).await;
        self.is_loaded.set(true);
        loaded
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        let handed = &self.notes.handed;
        handed.digest.set(digest(record));
        handed.session.set(self.ledger.session.get());
        handed.serial.set(self.ledger.serial.get());
        self.writing.set(self.writing.get().saturating_add(1));
        let written = self.write(record).await;
        self.writing.set(self.writing.get().saturating_sub(1));
        if written.is_ok() {
            self.notes.stored.take_from(handed);
            handed.take_from(&Noted::default());
            self.unsaved.set(false);
        }
        written
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        self.host.send_token_request(request, reply).await
    }

    async fn revoke(&self, token: &str) -> Result<(), Failed> {
        self.host.revoke(token).await
    }
}

/// A store as it is written when nobody thinks of the supply: the page is erased, then the record is written to it.
pub(crate) struct Raw<F> {
    chip: F,
}

impl<F: NorFlash> Raw<F> {
    pub(crate) const fn new(chip: F) -> Self {
        Self { chip }
    }
}

impl<F: NorFlash> Slot for Raw<F> {
    async fn load<'a>(&mut self, buffer: &'a mut Buffer) -> Result<Option<&'a [u8]>, Failed> {
        let mut length = [0; 4];
        let read = self.chip.read(0, &mut length).await;
        read.map_err(|_| Failed)?;
        let length = u32::from_le_bytes(length) as usize;
        let Some(place) = buffer.0.get_mut(..length) else {
            return Ok(None);
        };
        let read = self.chip.read(4, place).await;
        read.map_err(|_| Failed)?;
        Ok(Some(place))
    }

    async fn save(&mut self, record: &[u8]) -> Result<(), Failed> {
        let mut buffer = Buffer::default();
        let length = u32::try_from(record.len()).map_err(|_| Failed)?;
        let place = buffer.0.get_mut(..record.len()).ok_or(Failed)?;
        place.copy_from_slice(record);
        let padded = record.len().next_multiple_of(flash::WORD);
        let bytes = buffer.0.get(..padded).ok_or(Failed)?;
        let page = u32::try_from(flash::PAGE).map_err(|_| Failed)?;
        let erased = self.chip.erase(0, page).await;
        erased.map_err(|_| Failed)?;
        let written = self.chip.write(0, &length.to_le_bytes()).await;
        written.map_err(|_| Failed)?;
        self.chip.write(4, bytes).await.map_err(|_| Failed)
    }
}
