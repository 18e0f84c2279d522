//! The laboratory: cuts the supply at every step of every write and erase of a sign-in, a renewal and a sign-out.
//!
//! Each life of the board begins with a reset. In one it signs in, say, and the supply ends at the step that is noted;
//! in the next it starts with what the chip holds by then, and what it finds is looked at. Then the chip and the
//! servers are set back, and the same operation is cut one step later. When it gets through, the next one follows.

mod notes;

use embassy_futures::select::Either4;
use embassy_futures::select::select4;
use embassy_time::Timer;
use tokenlatch::Generation;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::inspect;

use crate::clock;
use crate::flash::Flash;
use crate::flash::Kind;
use crate::flash::Supply;
use crate::host;
use crate::host::Buffers;
use crate::host::Gate;
use crate::host::Host;
use crate::log::error;
use crate::network::Network;
use crate::network::Socket;
use crate::seeded::Raw;
use crate::seeded::Seeded;
use crate::seeded::Watched;
use crate::server::token;
use crate::spared::Spared;
use crate::spared::Word;
use crate::spared::copy;
use crate::store::Buffer;
use crate::store::Slot;
use crate::store::Store;
use crate::tasks::fetch;
use crate::tasks::pair;

pub(crate) use notes::Noted;
pub use notes::Notes;
pub use notes::Operation;
pub use notes::Strides;
pub use notes::Tally;

/// So many operations, so that each kind of them comes to a full page, with an erase.
const OPERATIONS: u32 = 7 * 4;
/// A token lives longer than that.
const LIFETIME: u32 = 1_000_000;
/// Between two operations the budget for token requests is free again.
const PAUSE: u32 = 600;

/// What was found that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum Violation {
    /// The chip holds neither the record that was stored last nor the one that was being written: half of one, one
    /// from before, or nothing at all.
    Record(StoreContent),
    /// The latch says something else than the record.
    Latch(State, Generation),
    /// A request left with another token than that of the record.
    Token,
    /// The board can't go on.
    Stuck,
}

/// What comes after a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    Life,
    /// Everything was cut everywhere.
    End,
    /// A promise is broken.
    Broken(Violation),
}

/// How a laboratory is run.
pub struct Lab<'a, R> {
    pub spared: &'a Spared,
    /// A mistake that was built in, to see whether it is found.
    pub seeded: Seeded,
    pub strides: Strides,
    /// Ends this life.
    pub reset: R,
}

/// The supply of a life: ends at the noted step.
struct Fuse<'a, R> {
    notes: &'a Notes,
    begun: u32,
    writes: &'a Word,
    erases: &'a Word,
    reset: &'a R,
}

impl<R: AsyncFn()> Supply for Fuse<'_, R> {
    fn begin(&mut self, kind: Kind, steps: u32) -> Option<u32> {
        match kind {
            Kind::Write => self.writes.add(1),
            Kind::Erase => self.erases.add(1),
        }
        let index = self.begun;
        self.begun = self.begun.saturating_add(1);
        let notes = self.notes;
        if notes.is_recovering.get() == 1 || index != notes.cut_at.get() {
            return None;
        }
        notes.steps.set(steps);
        notes.is_erase.set(u32::from(kind == Kind::Erase));
        Some(notes.cut_step.get())
    }

    async fn end(&mut self) {
        self.notes.is_recovering.set(1);
        (self.reset)().await;
    }
}

impl<R: AsyncFn()> Lab<'_, R> {
    /// Lives once. Where the supply ends, this does not return.
    pub async fn live(&self, buffers: &mut Buffers) -> Next {
        let (writes, erases) = (Word::new(), Word::new());
        let notes = &self.spared.notes;
        if notes.is_recovering.get() == 0 {
            self.set_back();
        }
        // The supply is back after ten seconds.
        let later = notes.is_recovering.get().saturating_mul(10);
        clock::set(
            notes
                .number
                .get()
                .saturating_mul(PAUSE)
                .saturating_add(later),
        );
        self.spared.server.lifetime.set(LIFETIME);
        let fuse = Fuse {
            notes,
            begun: 0,
            writes: &writes,
            erases: &erases,
            reset: &self.reset,
        };
        let chip = Flash::new(&self.spared.chip, fuse);
        let lived = match self.seeded {
            Seeded::InPlace => self.live_with(Raw::new(chip), buffers).await,
            Seeded::TornErase => self.live_with(Store::on(chip), buffers).await,
            _ => match Store::open(chip).await {
                Ok(store) => self.live_with(store, buffers).await,
                Err(_) => Err(Violation::Stuck),
            },
        };
        let operation = Operation::numbered(notes.number.get());
        let tally = notes.tally(operation);
        let broken = lived.err();
        if let Some(violation) = broken {
            tally.violations.add(1);
            let (at, step) = (notes.cut_at.get(), notes.cut_step.get());
            error!(
                "{}, operation {}, step {}: {}",
                operation, at, step, violation
            );
        }
        if notes.is_recovering.get() == 1 {
            tally.cuts.add(1);
            notes.next_cut(self.strides);
            notes.is_recovering.set(0);
        } else {
            tally.runs.add(1);
            tally.writes.add(writes.get());
            tally.erases.add(erases.get());
            self.keep();
        }
        match broken {
            Some(violation) => Next::Broken(violation),
            None if notes.number.get() >= OPERATIONS => Next::End,
            None => Next::Life,
        }
    }

    /// Everything as it was when the operation was begun.
    fn set_back(&self) {
        let spared = self.spared;
        copy(&spared.chip_before, &spared.chip);
        spared.server.take_from(&spared.server_before);
        let notes = &spared.notes;
        notes.stored.take_from(&notes.stored_before);
        notes.handed.take_from(&Noted::new());
    }

    /// Everything as it is now, for the next operation.
    fn keep(&self) {
        let spared = self.spared;
        copy(&spared.chip, &spared.chip_before);
        spared.server_before.take_from(&spared.server);
        spared.notes.stored_before.take_from(&spared.notes.stored);
        spared.notes.number.add(1);
        spared.notes.cut_at.set(0);
        spared.notes.cut_step.set(0);
    }

    async fn live_with(&self, mut slot: impl Slot, buffers: &mut Buffers) -> Result<(), Violation> {
        let notes = &self.spared.notes;
        let ledger = &self.spared.server;
        let found = if notes.is_recovering.get() == 1 {
            Some(self.look(&mut slot).await?)
        } else {
            None
        };
        let network = Network::new();
        let gate =
            host::gate(u64::from(notes.cut_step.get()) << 32 | u64::from(notes.cut_at.get()));
        let host = Watched::new(Host::new(slot, &network), notes, ledger, self.seeded);
        let Ok(mut runner) = gate.runner() else {
            return Err(Violation::Stuck);
        };
        let story = async {
            let mut reply = [0; 640];
            host.opened(&gate).await;
            match found {
                Some(found) => {
                    self.compare(&gate, found).await?;
                    go_on(&gate, &network, &mut reply).await
                }
                None => self.perform(&gate, &network, &host, &mut reply).await,
            }
        };
        let runs = runner.run(&host, &mut buffers.record, &mut buffers.reply);
        let lived = select4(runs, network.serve(ledger, &[]), host.write_late(), story).await;
        match lived {
            Either4::Fourth(lived) => lived,
            _ => Err(Violation::Stuck),
        }
    }

    /// What the chip holds, compared with what it may hold.
    async fn look(&self, slot: &mut impl Slot) -> Result<Found, Violation> {
        let notes = &self.spared.notes;
        let mut buffer = Buffer::default();
        let record = slot.load(&mut buffer).await.unwrap_or(None);
        let record = record.unwrap_or_default();
        let content = inspect(record);
        let digest = digest(record);
        let noted = if digest == notes.stored.digest.get() {
            &notes.stored
        } else if digest == notes.handed.digest.get() {
            &notes.handed
        } else {
            return Err(Violation::Record(content));
        };
        let tally = notes.tally(Operation::numbered(notes.number.get()));
        match content {
            StoreContent::Session(generation) if number(generation) == notes.before.get() => {
                tally.old.add(1);
            }
            StoreContent::Session(_) => tally.new.add(1),
            _ => tally.none.add(1),
        }
        Ok(Found {
            content,
            token: token("access", noted.session.get(), noted.serial.get()),
        })
    }

    /// What the latch makes of it.
    async fn compare(&self, gate: &Gate, found: Found) -> Result<(), Violation> {
        let status = gate.status();
        let fits = match found.content {
            StoreContent::Session(generation) => {
                generation == status.generation && status.state == State::Ready
            }
            _ => status.state == State::Unauthenticated,
        };
        if !fits {
            return Err(Violation::Latch(status.state, status.generation));
        }
        if status.state == State::Ready {
            let request = gate.request();
            let mut request = request.map_err(|_| Violation::Stuck)?;
            let same = request.permit(|permit| permit.token() == found.token).await;
            if same != Ok(true) {
                return Err(Violation::Token);
            }
        }
        Ok(())
    }

    async fn perform<S: Slot>(
        &self,
        gate: &Gate,
        network: &Network,
        host: &Watched<'_, S>,
        reply: &mut [u8],
    ) -> Result<(), Violation> {
        let notes = &self.spared.notes;
        let before = gate.status();
        let live = before.state == State::Ready;
        notes
            .before
            .set(if live { number(before.generation) } else { 0 });
        let begun = match Operation::numbered(notes.number.get()) {
            Operation::Login => pair(gate, network, reply).await.is_ok(),
            Operation::Refresh => gate.refresh().is_ok(),
            Operation::Logout => gate.logout().is_ok(),
        };
        // 20 s are more than any of it takes.
        for _ in 0..2_000 {
            let now = gate.status();
            let changed = now.generation != before.generation;
            let settled = matches!(now.state, State::Ready | State::Unauthenticated);
            if begun && changed && settled && host.is_idle() {
                // Whatever somebody does later than he says is cut too.
                Timer::after_millis(100).await;
                return Ok(());
            }
            Timer::after_millis(10).await;
        }
        Err(Violation::Stuck)
    }
}

/// What a board found when it started.
struct Found {
    content: StoreContent,
    token: crate::server::Token,
}

/// Whoever is signed in, or nobody: the board serves requests again, if need be after another sign-in.
async fn go_on(gate: &Gate, network: &Network, reply: &mut [u8]) -> Result<(), Violation> {
    for _ in 0..2 {
        if gate.status().login.is_some() {
            pair(gate, network, reply)
                .await
                .map_err(|_| Violation::Stuck)?;
        }
        let fetched = embassy_futures::select::select(
            fetch(gate, network, Socket::Telemetry, "/after"),
            // The sign-in is over: somebody has to pair the device.
            async {
                while gate.status().login.is_none() {
                    Timer::after_millis(10).await;
                }
            },
        );
        if let embassy_futures::select::Either::First(Ok((200, _))) = fetched.await {
            return Ok(());
        }
    }
    Err(Violation::Stuck)
}

fn number(generation: Generation) -> u32 {
    let Generation {
        sign_in, serial, ..
    } = generation;
    sign_in.wrapping_mul(0x1_0000).wrapping_add(serial)
}

/// A number that stands for a record; 0 for none.
pub(crate) fn digest(record: &[u8]) -> u32 {
    let mut digest: u32 = if record.is_empty() { 0 } else { 0x811c_9dc5 };
    for byte in record {
        digest = (digest ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    digest
}

#[cfg(test)]
mod tests;
