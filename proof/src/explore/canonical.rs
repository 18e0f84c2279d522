//! The form in which worlds that behave alike are equal.

use super::entropy::Lanes;
use super::entropy::MIDDLE;
use super::entropy::ranks;
use super::left::Left;
use super::space::Space;
use super::world::At;
use super::world::Context;
use super::world::JUMP;
use super::world::MONOTONIC;
use super::world::RECORD;
use super::world::Record;
use super::world::Stage;
use super::world::Token;
use super::world::WALL;
use super::world::World;
use std::sync::Arc;
use tokenlatch::Receipt;
use tokenlatch::Waiter;
use tokenlatch::verify::Move;
use tokenlatch::verify::rewrite_record;

/// A context that was not told the time for so long has no deadline left.
const LAG: u64 = 16;

impl Context {
    /// Forgets what was ordered and is not awaited any more, where nothing but a stale answer can come of it.
    pub(crate) fn prune(&mut self, late_writes: bool, oracle: bool) {
        let latch = &mut self.latch;
        self.load = self.load.take().filter(|load| latch.awaits(load.ticket));
        if let Some(write) = self.store.take_if(|write| !latch.awaits(write.ticket)) {
            if late_writes && write.stage == Stage::Ordered {
                self.late = Some(write.record);
            }
        }
        for order in [
            &mut self.asked,
            &mut self.lost,
            &mut self.login,
            &mut self.probe,
        ] {
            *order = order.filter(|ticket| latch.awaits(*ticket));
        }
        self.revoke = self.revoke.filter(|(ticket, _)| latch.awaits(*ticket));
        if let Some(exchange) = self.token.take_if(|token| !latch.awaits(token.ticket)) {
            self.old = match exchange.at {
                At::Refused => self.old,
                _ => Some(exchange),
            };
        }
        if oracle {
            // Whatever else the late answer did, it would be stale.
            self.old = self.old.filter(|token| latch.recalls(token.ticket));
        }
    }

    /// Puts requests under way whose answers would do the same side by side.
    pub(crate) fn sort(&mut self) {
        let latch = &self.latch;
        self.flying
            .sort_unstable_by_key(|flight| (latch.class_of(flight.receipt).as_u64(), flight.user));
    }

    fn canonical(&mut self, space: &Space, left: &Left, wall: u64) {
        let told_at = self.latch.told_at();
        let lag = self.monotonic.saturating_sub(told_at).min(LAG);
        // A new latch was told nothing yet, not even the time.
        let told = told_at > 0;
        let monotonic = if told { told_at + lag } else { self.monotonic };
        let clocks = Move {
            monotonic,
            skipped: self.monotonic - monotonic,
            to_monotonic: MONOTONIC,
            wall,
            to_wall: WALL,
            back: JUMP * u64::from(left.setbacks),
            horizon: space.lifetime + u64::from(space.config.reuse_grace_ms),
        };
        if told {
            self.latch.move_clocks(&clocks);
        }
        self.monotonic = MONOTONIC;
        self.rename();
        let mut lanes = Lanes::new();
        self.latch.hash_all(&mut lanes);
        self.watched = lanes.both();
        self.hash_host(&mut lanes);
        self.print = lanes.both();
        self.ranks = ranks(self.nonces());
        self.touched = false;
    }

    fn rename(&mut self) {
        let mut tickets: heapless::Vec<&mut u32, 12> = heapless::Vec::new();
        let orders = [
            self.load.as_mut().map(|load| &mut load.ticket),
            self.store.as_mut().map(|write| &mut write.ticket),
            self.asked.as_mut(),
            self.held.as_mut(),
            self.lost.as_mut(),
            self.login.as_mut(),
            self.token.as_mut().map(|token| &mut token.ticket),
            self.old.as_mut().map(|token| &mut token.ticket),
            self.probe.as_mut(),
            self.revoke.as_mut().map(|(ticket, _)| ticket),
        ];
        for ticket in orders.into_iter().flatten() {
            let _ = tickets.push(ticket);
        }
        self.latch.rename_tickets(&mut tickets);
        let mut receipts: heapless::Vec<&mut Receipt, 4> = heapless::Vec::new();
        for flight in &mut self.flying {
            let _ = receipts.push(&mut flight.receipt);
        }
        self.latch.rename_versions(&mut receipts);
        let places = self.latch.rename_waiters();
        for (waiter, _) in &mut self.waiting {
            let place = places.iter().position(|place| *place == Some(*waiter));
            let name = place.and_then(|place| u32::try_from(place).ok());
            *waiter = Waiter::from_u32(name.unwrap_or(u32::MAX));
        }
    }

    /// Numbers the tokens anew, where the server may give any number of them.
    fn rename_tokens(&mut self) {
        let current = Token::read(self.latch.latch().exposed());
        let renamed = |token: Token| {
            let current = current.filter(|current| current.family == token.family);
            Token {
                family: u8::from(current.is_none()),
                serial: u8::from(current.is_none_or(|current| current.serial != token.serial)),
            }
        };
        self.latch.each_token(&mut |bytes| {
            if let (Some(token), Some(kind)) = (Token::read(bytes), bytes.first().copied()) {
                bytes.copy_from_slice(renamed(token).text(char::from(kind)).as_bytes());
            }
        });
        for exchange in [&mut self.token, &mut self.old].into_iter().flatten() {
            if let At::Sent(token) | At::Granted(token) = &mut exchange.at {
                *token = renamed(*token);
            }
        }
        if let Some((_, token)) = &mut self.revoke {
            *token = renamed(*token);
        }
        self.signed_out = 2;
    }

    /// The nonces that it knows, in its latch and in records under way; 0 for none.
    pub(crate) fn nonces(&self) -> impl Iterator<Item = u32> {
        let records = self.records().flat_map(|record| record.nonces);
        self.latch.nonces().into_iter().chain(records)
    }

    /// Each record that is under way.
    fn records(&self) -> impl Iterator<Item = &Arc<Record>> {
        let read = self.load.as_ref().and_then(|load| load.read.as_ref());
        read.and_then(Option::as_ref)
            .into_iter()
            .chain(self.store.as_ref().map(|write| &write.record))
            .chain(self.late.as_ref())
    }

    fn records_mut(&mut self) -> impl Iterator<Item = &mut Arc<Record>> {
        let read = self.load.as_mut().and_then(|load| load.read.as_mut());
        read.and_then(Option::as_mut)
            .into_iter()
            .chain(self.store.as_mut().map(|write| &mut write.record))
            .chain(self.late.as_mut())
    }
}

/// What a record is rewritten with.
struct Rewrite {
    clocks: Move,
    grace: u32,
    /// The nonces in use, in their order.
    nonces: heapless::Vec<u32, 32>,
}

impl Rewrite {
    fn note(&mut self, nonce: u32) {
        if nonce > 0 && !self.nonces.contains(&nonce) {
            let _ = self.nonces.push(nonce);
        }
    }

    fn renamed(&self, nonce: u32) -> u32 {
        match self.nonces.iter().position(|known| *known == nonce) {
            Some(rank) => MIDDLE + u32::try_from(rank).unwrap_or(0),
            None => nonce,
        }
    }

    fn keeps(&self, nonces: &[u32]) -> bool {
        nonces.iter().all(|nonce| self.renamed(*nonce) == *nonce)
    }

    /// Whether a record is already what it would be rewritten to.
    fn is_done(&self, record: &Record) -> bool {
        record.settled == Some(self.clocks.back)
            && self.clocks.wall == self.clocks.to_wall
            && self.keeps(&record.nonces)
    }

    fn rewrite(&self, record: &mut Arc<Record>) {
        if self.is_done(record) {
            return;
        }
        let mut buffer = [0; RECORD];
        let length = rewrite_record(
            &record.bytes,
            &mut buffer,
            &self.clocks,
            self.grace,
            &mut |nonce| *nonce = self.renamed(*nonce),
        );
        let bytes = match length {
            Some(length) => &buffer[..length],
            // Every corrupt one is treated alike.
            None => b"T",
        };
        *record = Arc::new(Record {
            bytes: heapless::Vec::from_slice(bytes).unwrap_or_default(),
            torn: record.torn,
            nonces: record.nonces.map(|nonce| self.renamed(nonce)),
            settled: Some(self.clocks.back),
        });
    }
}

impl World {
    /// Rewrites itself so that worlds that behave alike are equal; a raw one only where its own entropy needs it.
    pub(crate) fn canonical(&mut self) {
        self.settle();
        self.line_up();
    }

    /// All of it but the order of the contexts.
    pub(super) fn settle(&mut self) {
        let (wall, raw) = (self.wall, self.raw);
        let mut rewrite = Rewrite {
            clocks: Move {
                monotonic: 0,
                skipped: 0,
                to_monotonic: 0,
                wall,
                to_wall: if raw { wall } else { WALL },
                back: if raw {
                    u64::MAX / 2
                } else {
                    JUMP * u64::from(self.left.setbacks)
                },
                horizon: 0,
            },
            grace: self.space.config.reuse_grace_ms,
            nonces: heapless::Vec::new(),
        };
        for context in self.contexts.iter() {
            context.nonces().for_each(|nonce| rewrite.note(nonce));
        }
        if let Some(record) = &self.cell {
            record.nonces.iter().for_each(|nonce| rewrite.note(*nonce));
        }
        rewrite.nonces.sort_unstable();
        self.noted.renumbered = !rewrite.keeps(&rewrite.nonces);
        for index in 0..self.contexts.len() {
            let context = &self.contexts[index];
            if !rewrite.keeps(&context.latch.nonces()) {
                let latch = &mut self.contexts[index].latch;
                latch.each_nonce(&mut |nonce| *nonce = rewrite.renamed(*nonce));
            }
            let context = &self.contexts[index];
            if !context.records().all(|record| rewrite.is_done(record)) {
                let records = self.contexts[index].records_mut();
                records.for_each(|record| rewrite.rewrite(record));
            }
        }
        if let Some(record) = &mut self.cell {
            rewrite.rewrite(record);
        }
        if self.space.oracle {
            self.contexts.touched().for_each(Context::rename_tokens);
        }
        if !raw {
            self.settle_contexts();
        }
    }

    /// The contexts: all of them if time has passed.
    fn settle_contexts(&mut self) {
        let (wall, space, left) = (self.wall, Arc::clone(&self.space), self.left);
        let settle = |context: &mut Context| context.canonical(&space, &left, wall);
        if wall == WALL {
            self.contexts.touched().for_each(settle);
        } else {
            self.contexts.iter_mut().for_each(settle);
        }
        self.wall = WALL;
    }

    /// Puts contexts that can be told apart by their past only into the order of the canonical form.
    pub(super) fn line_up(&mut self) {
        if !self.space.symmetric {
            return;
        }
        if !self.raw {
            self.contexts.sort_by_key(|context| context.print);
        } else {
            let mut twin = self.clone();
            twin.raw = false;
            twin.canonical();
            let place = |name| {
                twin.contexts
                    .iter()
                    .position(|context| context.name == name)
            };
            self.contexts.sort_by_key(|context| place(context.name));
        }
    }
}
