//! Taking the latch's orders, and what must be true of them in the whole world.

use std::fmt::Write as _;
use std::sync::Arc;

use tokenlatch::Effect;
use tokenlatch::LeaseMode;
use tokenlatch::State;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;
use tokenlatch::verify::recorded;

use super::transcript;
use super::world::At;
use super::world::Context;
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
                    log.push(transcript::given(
                        usize::from(self.contexts[index].name),
                        &effect,
                    ));
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
        self.noted.ordered = true;
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
                self.unmarked |= context.latch.latch().is_volatile();
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
                self.noted.announced = true;
                for other in 0..self.contexts.len() {
                    if other != index {
                        self.contexts[other].news = true;
                    }
                }
            }
            Effect::Refuse { waiter, .. } => self.ended(index, waiter),
            _ => {}
        }
        Ok(())
    }

    /// P3 among contexts: nobody else has a token request outstanding while there is a lease that nobody stole.
    fn check_sending(&mut self, index: usize) -> Result<(), Violation> {
        self.noted.sent = true;
        let others = self.contexts.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != index);
        self.noted.beside = others.any(|(_, context)| context.token.is_some());
        if self.noted.beside && self.space.no_replay {
            return Err(broken(Promise::P3, "two contexts send token requests"));
        }
        Ok(())
    }

    /// A write reaches the store. P5: under a lease nothing older ever replaces something newer, and what has the same
    /// generation is the same.
    pub(crate) fn write(&mut self, record: Arc<Record>) -> Result<(), Violation> {
        let old = self.cell.as_ref().and_then(|cell| recorded(&cell.bytes));
        if let (Some((old, had)), Some((new, has))) = (old, recorded(&record.bytes)) {
            self.noted.older = new < old;
            if self.space.no_replay && self.noted.older {
                let what = "an older credential replaces a newer one in the store";
                return Err(broken(Promise::P5, what));
            }
            // Without a lease two contexts may give the same number; the nonce settles that.
            let alone = self.contexts.len() == 1 && self.space.left.foreign == 0;
            if alone && new == old && had != has {
                let what = "two credentials of one generation";
                return Err(broken(Promise::P5, what));
            }
        }
        self.cell = Some(record);
        Ok(())
    }

    /// What must be true of each state, however it was reached.
    pub(crate) fn look(&self) -> Result<(), Violation> {
        for context in self.contexts.iter() {
            context.look_for_secret()?;
        }
        self.look_for_tombstones()
    }

    /// P6: a latch that has nothing left to do has stored the sign-out. Where the store keeps what it is told, and nobody
    /// writes at the same time: without a lease the write of another context may be the last one.
    pub(super) fn look_for_tombstones(&self) -> Result<(), Violation> {
        let idle = |context: &Context| {
            let latch = context.latch.latch();
            latch.state() == State::Unauthenticated && latch.poll_timeout().is_none()
        };
        let mut contexts = self.contexts.iter();
        if self.writes_alone() && contexts.any(|context| idle(context) && self.is_owed(context)) {
            return Err(broken(Promise::P6, "a sign-out is not in the store"));
        }
        Ok(())
    }

    /// Whether the store holds a session that a context has signed out, and nobody can have written it over the tombstone.
    pub(super) fn owes_tombstone(&self) -> bool {
        self.writes_alone() && self.contexts.iter().any(|context| self.is_owed(context))
    }

    /// Whether two contexts never write at the same time.
    fn writes_alone(&self) -> bool {
        self.contexts.len() == 1 || self.space.config.lease == LeaseMode::Host
    }

    fn is_owed(&self, context: &Context) -> bool {
        let kept = self.space.left.faults == 0 && self.space.left.crashes == 0;
        if !kept || context.signed_out == 0 {
            return false;
        }
        let stored = self.cell.as_ref().and_then(|cell| recorded(&cell.bytes));
        let Some(((_, true, _), token)) = stored else {
            return false;
        };
        Token::read(token.as_bytes())
            .is_some_and(|token| context.signed_out & (1 << token.family) > 0)
    }
}

impl Context {
    /// P13: no `Debug` shows a secret.
    pub(super) fn look_for_secret(&self) -> Result<(), Violation> {
        let latch = self.latch.latch();
        let token = latch.exposed();
        if token.is_empty() {
            return Ok(());
        }
        let mut shown = String::with_capacity(256);
        let _ = write!(shown, "{latch:?}");
        let mut parts = shown.as_bytes().windows(token.len());
        if parts.any(|part| part == token) {
            return Err(broken(Promise::P13, "a token is printed"));
        }
        Ok(())
    }
}
