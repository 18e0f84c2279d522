//! The store and the lease: what is read, written, granted and taken away.

use super::act::Act;
use super::step::Done;
use super::step::spend;
use super::world::Record;
use super::world::Stage;
use super::world::World;
use super::world::broken;
use std::sync::Arc;
use tokenlatch::Event;
use tokenlatch::Ticket;
use tokenlatch::promises::Promise;

impl World {
    pub(super) fn load(&mut self, index: usize, act: Act) -> Done {
        let cell = self.cell.clone();
        let context = &mut self.contexts[index];
        let Some(load) = &mut context.load else {
            return Ok(());
        };
        let ticket = Ticket::from_u32(load.ticket);
        match act {
            Act::Read => load.read = Some(cell),
            Act::Loaded => {
                let found = load.read.take().unwrap_or(cell);
                context.load = None;
                let record = found.as_ref().map(|record| record.bytes.as_slice());
                self.tell(index, Event::Loaded { ticket, record })?.ok();
                let seen = self.contexts[index].latch.latch().corrupt().is_some();
                if found.is_some_and(|record| record.torn) && !seen {
                    return Err(broken(
                        Promise::P12,
                        "half a record was taken for a whole one",
                    ));
                }
            }
            _ => {
                spend(&mut self.left.faults);
                context.load = None;
                self.tell(index, Event::LoadFailed { ticket })?.ok();
            }
        }
        Ok(())
    }

    pub(super) fn store(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        if act == Act::LateWrite {
            let late = context.late.take();
            self.cell = late.or_else(|| self.cell.clone());
            return Ok(());
        }
        let Some(write) = &mut context.store else {
            return Ok(());
        };
        let ticket = Ticket::from_u32(write.ticket);
        match act {
            Act::Write => {
                write.stage = Stage::Written;
                let record = Arc::clone(&write.record);
                return self.write(record);
            }
            Act::Tear => {
                spend(&mut self.left.faults);
                write.stage = Stage::Torn;
                // The old bytes are left behind the first half of the new ones.
                let (prefix, _) = write.record.bytes.split_at(write.record.bytes.len() / 2);
                let mut torn = prefix.to_vec();
                if let Some(old) = &self.cell {
                    torn.extend(old.bytes.iter().skip(prefix.len()));
                    // As good as no write, or as a whole one: these happen by themselves.
                    if torn == *old.bytes {
                        torn.truncate(prefix.len());
                    }
                }
                if torn == *write.record.bytes {
                    torn.truncate(prefix.len());
                }
                self.cell = Some(Arc::new(Record {
                    torn: true,
                    ..Record::new(&torn)
                }));
            }
            Act::Stored => {
                context.store = None;
                self.tell(index, Event::Stored { ticket })?.ok();
            }
            Act::Lie => {
                spend(&mut self.left.faults);
                context.store = None;
                self.tell(index, Event::Stored { ticket })?.ok();
            }
            _ => {
                if write.stage == Stage::Ordered {
                    spend(&mut self.left.faults);
                }
                context.store = None;
                self.tell(index, Event::StoreFailed { ticket })?.ok();
            }
        }
        Ok(())
    }

    pub(super) fn lease(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        match act {
            Act::LeaseGranted => {
                if let Some(ticket) = context.asked.take() {
                    context.held = Some(ticket);
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseGranted { ticket })?.ok();
                }
            }
            Act::LeaseDenied => {
                spend(&mut self.left.denials);
                if let Some(ticket) = context.asked.take() {
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseDenied { ticket })?.ok();
                }
            }
            Act::Steal => {
                spend(&mut self.left.steals);
                context.lost = context.held.take();
            }
            _ => {
                if let Some(ticket) = context.lost.take() {
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseLost { ticket })?.ok();
                }
            }
        }
        Ok(())
    }
}
