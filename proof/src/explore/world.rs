//! One world: contexts with their hosts, what is under way, a store, a lease, a server, two clocks.

use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;

use tokenlatch::Receipt;
use tokenlatch::Waiter;
use tokenlatch::promises::Checked;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;
use tokenlatch::verify::Move;
use tokenlatch::verify::rewrite_record;

use super::entropy::Lanes;
use super::space::Left;
use super::space::Space;

/// Bytes of a token.
pub(crate) const TOKEN: usize = 8;
/// Room for requests that wait.
pub(crate) const WAITERS: usize = 3;
pub(crate) const RECORD: usize = tokenlatch::Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;
/// What the clocks say in a canonical world.
pub(crate) const MONOTONIC: u64 = 1_000;
pub(crate) const WALL: u64 = 1_000_000;
/// A context that was not told the time for so long has no deadline left.
const LAG: u64 = 16;
/// By how much the wall clock jumps.
pub(crate) const JUMP: u64 = 3;

pub(crate) type Watched = Checked<TOKEN, WAITERS>;

/// A pair of tokens, by the sign-in that they belong to and the renewals since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    pub(crate) family: u8,
    pub(crate) serial: u8,
}

/// What the store holds, or shall hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) bytes: heapless::Vec<u8, RECORD>,
    /// Neither what was there nor what should be.
    pub(crate) torn: bool,
}

pub(crate) type Cell = Option<Arc<Record>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Load {
    pub(crate) ticket: u32,
    /// What was read, once it is.
    pub(crate) read: Option<Cell>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Ordered,
    Written,
    /// Half written.
    Torn,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Write {
    pub(crate) ticket: u32,
    pub(crate) record: Arc<Record>,
    pub(crate) stage: Stage,
}

/// A token request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Exchange {
    pub(crate) ticket: u32,
    pub(crate) at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// On its way, with this refresh token.
    Sent(Token),
    Granted(Token),
    Refused,
}

/// A request that left with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) receipt: Receipt,
    pub(crate) user: Option<u8>,
}

/// A context and its host.
pub(crate) struct Context {
    /// Its number in a transcript.
    pub(crate) name: u8,
    pub(crate) latch: Watched,
    pub(crate) monotonic: u64,
    pub(crate) open: bool,
    pub(crate) frozen: bool,
    pub(crate) load: Option<Load>,
    pub(crate) store: Option<Write>,
    /// A write that the latch gave up waiting for.
    pub(crate) late: Option<Arc<Record>>,
    pub(crate) asked: Option<u32>,
    /// The lease is here, by this order.
    pub(crate) held: Option<u32>,
    /// The lease was taken away, and nobody told.
    pub(crate) lost: Option<u32>,
    pub(crate) login: Option<u32>,
    pub(crate) token: Option<Exchange>,
    /// A token request that the latch gave up waiting for.
    pub(crate) old: Option<Exchange>,
    pub(crate) probe: Option<u32>,
    pub(crate) revoke: Option<(u32, Token)>,
    /// An announcement is under way to this context.
    pub(crate) news: bool,
    pub(crate) waiting: heapless::Vec<(Waiter, Option<u8>), 4>,
    pub(crate) flying: heapless::Vec<Flight, 4>,
    /// The families whose session was ended here.
    pub(crate) signed_out: u8,
}

/// A sign-in, as the server knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Family {
    pub(crate) user: u8,
    pub(crate) serial: u8,
    pub(crate) revoked: bool,
}

/// With any number of sign-ins only two families are told apart, and two renewals of each: 0 for what the latch has, 1
/// for what it had before. This one is new.
pub(crate) const FRESH: u8 = 2;

/// How many families the server remembers.
pub(crate) const FAMILIES: usize = 4;

/// Everything.
pub(crate) struct World {
    pub(crate) space: Arc<Space>,
    pub(crate) left: Left,
    pub(crate) contexts: Vec<Context>,
    pub(crate) cell: Cell,
    pub(crate) families: [Family; FAMILIES],
    /// Sign-ins so far.
    pub(crate) signed_in: u8,
    /// A refresh token was used twice.
    pub(crate) replayed: bool,
    pub(crate) wall: u64,
    /// Whether the clocks and numbers run on, as for a transcript.
    pub(crate) raw: bool,
    /// What was told and given, for a transcript.
    pub(crate) log: Option<Vec<String>>,
}

pub(crate) fn broken(promise: Promise, what: &'static str) -> Violation {
    Violation { promise, what }
}

impl Token {
    /// As the server writes it.
    pub(crate) fn text(self, kind: char) -> String {
        let digit = |n: u8| char::from(b'0'.saturating_add(n));
        String::from_iter([kind, digit(self.family), digit(self.serial)])
    }

    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        match text {
            [b'a' | b'r', family, serial] => Some(Self {
                family: family.checked_sub(b'0')?,
                serial: serial.checked_sub(b'0')?,
            }),
            _ => None,
        }
    }
}

impl Context {
    pub(crate) fn new(space: &Space, name: u8) -> Self {
        let latch = Checked::new(space.config, 0);
        Self {
            latch: latch.unwrap_or_else(|error| panic!("{error}")),
            name,
            monotonic: MONOTONIC,
            open: false,
            frozen: false,
            load: None,
            store: None,
            late: None,
            asked: None,
            held: None,
            lost: None,
            login: None,
            token: None,
            old: None,
            probe: None,
            revoke: None,
            news: false,
            waiting: heapless::Vec::new(),
            flying: heapless::Vec::new(),
            signed_out: 0,
        }
    }

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

    /// Each record that is under way.
    fn records(&mut self) -> impl Iterator<Item = &mut Arc<Record>> {
        let read = self.load.as_mut().and_then(|load| load.read.as_mut());
        read.and_then(Option::as_mut)
            .into_iter()
            .chain(self.store.as_mut().map(|write| &mut write.record))
            .chain(self.late.as_mut())
    }

    fn fork(&self) -> Self {
        Self {
            latch: self.latch.fork(),
            load: self.load.clone(),
            store: self.store.clone(),
            late: self.late.clone(),
            waiting: self.waiting.clone(),
            flying: self.flying.clone(),
            ..*self
        }
    }

    fn hash(&self, hasher: &mut impl Hasher) {
        self.latch.hash_all(hasher);
        (self.open, self.frozen, self.news, self.signed_out).hash(hasher);
        (&self.load, &self.store, &self.late).hash(hasher);
        (self.asked, self.held, self.lost, self.login, self.probe).hash(hasher);
        (self.token, self.old, self.revoke).hash(hasher);
        (&self.waiting, &self.flying, self.monotonic).hash(hasher);
    }
}

impl World {
    pub(crate) fn new(space: &Arc<Space>) -> Self {
        let mut world = Self {
            space: Arc::clone(space),
            left: space.left,
            contexts: Vec::new(),
            cell: None,
            families: [Family::default(); FAMILIES],
            signed_in: 0,
            replayed: false,
            wall: WALL,
            raw: false,
            log: None,
        };
        for name in (0..).take(space.contexts) {
            world.contexts.push(Context::new(space, name));
        }
        world
    }

    /// Rewrites itself so that worlds that behave alike are equal; a raw one only where its own entropy needs it.
    pub(crate) fn canonical(&mut self) {
        let mut nonces: heapless::Vec<u32, 32> = heapless::Vec::new();
        let mut note = |nonce: &mut u32| {
            if *nonce > 0 && !nonces.contains(nonce) {
                let _ = nonces.push(*nonce);
            }
        };
        for context in &mut self.contexts {
            context.latch.each_nonce(&mut note);
        }
        let still = Move {
            monotonic: 0,
            skipped: 0,
            to_monotonic: 0,
            wall: self.wall,
            to_wall: self.wall,
            back: u64::MAX / 2,
            horizon: 0,
        };
        let records = self.contexts.iter_mut().flat_map(Context::records);
        for record in records.chain(self.cell.as_mut()) {
            let mut buffer = [0; RECORD];
            let _ = rewrite_record(&record.bytes, &mut buffer, &still, 0, &mut note);
        }
        nonces.sort_unstable();
        let mut renamed = |nonce: &mut u32| {
            if let Some(rank) = nonces.iter().position(|known| known == nonce) {
                *nonce = super::entropy::MIDDLE + u32::try_from(rank).unwrap_or(0);
            }
        };
        for context in &mut self.contexts {
            context.latch.each_nonce(&mut renamed);
        }
        let clocks = Move {
            back: JUMP * u64::from(self.left.setbacks),
            to_wall: if self.raw { self.wall } else { WALL },
            ..still
        };
        let clocks = if self.raw { still } else { clocks };
        let grace = self.space.config.reuse_grace_ms;
        let records = self.contexts.iter_mut().flat_map(Context::records);
        for record in records.chain(self.cell.as_mut()) {
            let mut buffer = [0; RECORD];
            let length = rewrite_record(&record.bytes, &mut buffer, &clocks, grace, &mut renamed);
            let bytes = match length {
                Some(length) => &buffer[..length],
                // Every corrupt one is treated alike.
                None => b"T",
            };
            if record.bytes != bytes {
                *record = Arc::new(Record {
                    torn: record.torn,
                    ..Record::new(bytes)
                });
            }
        }
        if self.space.oracle {
            self.contexts.iter_mut().for_each(Context::rename_tokens);
        }
        if self.raw {
            return self.line_up();
        }
        for context in &mut self.contexts {
            context.canonical(&self.space, &self.left, self.wall);
        }
        self.wall = WALL;
        if self.space.symmetric {
            self.contexts.sort_by_cached_key(|context| {
                let mut lanes = Lanes::new();
                context.hash(&mut lanes);
                lanes.both()
            });
        }
    }

    /// Puts the contexts of a raw world into the order that its canonical form has.
    fn line_up(&mut self) {
        if self.space.symmetric {
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

    /// All of it, for a person.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{:?} {:?} {:?}\n", self.left, self.cell, self.families);
        for context in &self.contexts {
            let _ = context.latch.show(&mut text);
            let under_way = (&context.load, &context.store, &context.late, context.old);
            text += &format!(
                "\n{under_way:?} {:?} {:?}\n",
                context.waiting, context.flying
            );
        }
        text
    }

    /// All of the state, as 128 bits.
    pub(crate) fn fingerprint(&self) -> u128 {
        let mut lanes = Lanes::new();
        self.hash(&mut lanes);
        lanes.both()
    }
}

impl Record {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: heapless::Vec::from_slice(bytes).unwrap_or_default(),
            torn: false,
        }
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.left, &self.cell).hash(hasher);
        (self.families, self.signed_in, self.replayed, self.wall).hash(hasher);
        for context in &self.contexts {
            context.hash(hasher);
        }
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for World {}

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            space: Arc::clone(&self.space),
            left: self.left,
            contexts: self.contexts.iter().map(Context::fork).collect(),
            cell: self.cell.clone(),
            families: self.families,
            signed_in: self.signed_in,
            replayed: self.replayed,
            wall: self.wall,
            raw: self.raw,
            log: self.log.clone(),
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.contexts.iter().map(|context| &context.latch))
            .finish()
    }
}
