//! Taking the latch's orders, and what must be true of them in the whole world.

use std::sync::Arc;

use tokenlatch::Effect;
use tokenlatch::StoreContent;
use tokenlatch::inspect;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;

use super::transcript;
use super::world::At;
use super::world::Exchange;
use super::world::Load;
use super::world::RECORD;
use super::world::Record;
use super::world::Stage;
use super::world::Token;
use super::world::World;
use super::world::Write;
use super::world::broken;

impl World {
    /// Takes every order of a context.
    pub(crate) fn drain(&mut self, index: usize) -> Result<(), Violation> {
        loop {
            let effect = self.contexts[index].latch.poll_effect();
            if let Some(log) = &mut self.log {
                if !matches!(effect, Ok(None)) {
                    log.push(transcript::given(index, &effect));
                }
            }
            match effect? {
                Some(effect) => self.order(index, effect)?,
                None => return Ok(()),
            }
        }
    }

    pub(crate) fn note(&mut self, line: String) {
        if let Some(log) = &mut self.log {
            log.push(format!("// {line}"));
        }
    }

    fn order(&mut self, index: usize, effect: Effect) -> Result<(), Violation> {
        let context = &mut self.contexts[index];
        match effect {
            Effect::Load { ticket } => {
                context.load = Some(Load {
                    ticket: ticket.as_u32(),
                    read: None,
                });
            }
            Effect::Store { ticket } => {
                let mut buffer = [0; RECORD];
                let length = context.latch.latch().record(ticket, &mut buffer);
                let length = length.map_err(|_| broken(Promise::P2, "a store without a record"))?;
                if let Some(given_up) = context.store.take() {
                    if self.space.late_writes && given_up.stage == Stage::Ordered {
                        context.late = Some(given_up.record);
                    }
                }
                context.store = Some(Write {
                    ticket: ticket.as_u32(),
                    record: Arc::new(Record::new(&buffer[..length])),
                    stage: Stage::Ordered,
                });
            }
            Effect::AcquireLease { ticket } => context.asked = Some(ticket.as_u32()),
            Effect::ReleaseLease { ticket } => {
                for order in [&mut context.asked, &mut context.held, &mut context.lost] {
                    order.take_if(|order| *order == ticket.as_u32());
                }
            }
            Effect::SendTokenRequest { ticket, .. } => {
                let token = context.latch.latch().refresh_token(ticket);
                let token = token.and_then(|token| Token::read(token.as_bytes()));
                let token = token.ok_or(broken(Promise::P3, "a refresh without a token"))?;
                if let Some(given_up) = context.token.take() {
                    context.old = Some(given_up);
                }
                context.token = Some(Exchange {
                    ticket: ticket.as_u32(),
                    at: At::Sent(token),
                });
                return self.check_sending(index);
            }
            Effect::Probe { ticket } => context.probe = Some(ticket.as_u32()),
            Effect::Revoke { ticket } => {
                let token = context.latch.latch().revocation(ticket);
                let token = token.and_then(|token| Token::read(token.as_bytes()));
                let token = token.ok_or(broken(Promise::P6, "a revocation without a token"))?;
                context.revoke = Some((ticket.as_u32(), token));
            }
            Effect::Announce => {
                for (other, context) in self.contexts.iter_mut().enumerate() {
                    context.news |= other != index;
                }
            }
            Effect::Refuse { waiter, .. } => self.ended(index, waiter),
            _ => {}
        }
        Ok(())
    }

    /// P3 among contexts: nobody else has a token request outstanding while there is a lease that nobody stole.
    fn check_sending(&self, index: usize) -> Result<(), Violation> {
        if !self.space.no_replay {
            return Ok(());
        }
        let others = self.contexts.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != index);
        if others.any(|(_, context)| context.token.is_some()) {
            return Err(broken(Promise::P3, "two contexts send token requests"));
        }
        Ok(())
    }

    /// A write reaches the store. P5: under a lease nothing older ever replaces something newer.
    pub(crate) fn write(&mut self, record: Arc<Record>) -> Result<(), Violation> {
        let generation = |record: &Record| match inspect(&record.bytes) {
            StoreContent::Session(generation) => {
                Some((generation.sign_in, true, generation.serial))
            }
            StoreContent::Tombstone(generation) => {
                Some((generation.sign_in, false, generation.serial))
            }
            _ => None,
        };
        if self.space.no_replay {
            let new = generation(&record);
            if self.cell.as_ref().and_then(|cell| generation(cell)) > new {
                return Err(broken(
                    Promise::P5,
                    "an older credential replaces a newer one in the store",
                ));
            }
        }
        self.cell = Some(record);
        Ok(())
    }
}
