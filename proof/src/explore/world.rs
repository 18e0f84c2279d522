//! One world: contexts with their hosts, what is under way, a store, a lease, a server, two clocks.

use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;

use tokenlatch::Receipt;
use tokenlatch::Waiter;
use tokenlatch::promises::Checked;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;
use tokenlatch::verify::each_nonce;

use super::contexts::Contexts;
use super::entropy::Lanes;
use super::left::Left;
use super::space::Space;

/// Bytes of a token.
pub(crate) const TOKEN: usize = 8;
/// Room for requests that wait.
pub(crate) const WAITERS: usize = 3;
pub(crate) const RECORD: usize = tokenlatch::Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;
/// What the clocks say in a canonical world.
pub(crate) const MONOTONIC: u64 = 1_000;
pub(crate) const WALL: u64 = 1_000_000;
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
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) bytes: heapless::Vec<u8, RECORD>,
    /// Neither what was there nor what should be.
    pub(crate) torn: bool,
    /// Its nonces, as they stand in the bytes; 0 for none.
    pub(crate) nonces: [u32; 2],
    /// It has its canonical form, if the wall clock may be set back by no more than this.
    pub(crate) settled: Option<u64>,
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
    /// It was changed since it had its canonical form.
    pub(crate) touched: bool,
    /// Its state in canonical form, as 128 bits.
    pub(crate) print: u128,
    /// That of the latch alone.
    pub(crate) watched: u128,
    /// The ranks of its nonces.
    pub(crate) ranks: u32,
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

/// What happened in the last step that a lease prevents.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noted {
    /// A token request left while another context had one under way.
    pub(crate) beside: bool,
    /// An older credential replaced a newer one in the store.
    pub(crate) older: bool,
    /// A latch gave an order.
    pub(crate) ordered: bool,
    /// Other contexts were told that the store has changed.
    pub(crate) announced: bool,
    /// A token request left.
    pub(crate) sent: bool,
    /// Nonces were numbered anew, in the whole world.
    pub(crate) renumbered: bool,
}

/// Everything.
pub(crate) struct World {
    pub(crate) space: Arc<Space>,
    pub(crate) left: Left,
    pub(crate) contexts: Contexts,
    pub(crate) cell: Cell,
    pub(crate) families: [Family; FAMILIES],
    /// Sign-ins so far.
    pub(crate) signed_in: u8,
    /// A refresh token was used twice.
    pub(crate) replayed: bool,
    /// A token request left although its mark could not be stored.
    pub(crate) unmarked: bool,
    pub(crate) wall: u64,
    pub(crate) noted: Noted,
    /// Whether the clocks and numbers run on, as for a transcript.
    pub(crate) raw: bool,
    /// What was told and given, for a transcript.
    pub(crate) log: Option<Vec<String>>,
}

/// The fingerprint of a world, from what stands around its contexts and theirs.
pub(crate) fn fingerprint(mut around: Lanes, prints: impl Iterator<Item = u128>) -> u128 {
    prints.for_each(|print| around.write_u128(print));
    around.both()
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
            touched: true,
            print: 0,
            watched: 0,
            ranks: 0,
        }
    }

    pub(crate) fn hash(&self, hasher: &mut impl Hasher) {
        self.latch.hash_all(hasher);
        self.hash_host(hasher);
    }

    pub(crate) fn hash_host(&self, hasher: &mut impl Hasher) {
        (self.open, self.frozen, self.news, self.signed_out).hash(hasher);
        (&self.load, &self.store, &self.late).hash(hasher);
        (self.asked, self.held, self.lost, self.login, self.probe).hash(hasher);
        (self.token, self.old, self.revoke).hash(hasher);
        (&self.waiting, &self.flying, self.monotonic).hash(hasher);
    }
}

impl Clone for Context {
    fn clone(&self) -> Self {
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
}

impl World {
    pub(crate) fn new(space: &Arc<Space>) -> Self {
        let mut world = Self {
            space: Arc::clone(space),
            left: space.left,
            contexts: Contexts::new(),
            cell: None,
            families: [Family::default(); FAMILIES],
            signed_in: 0,
            replayed: false,
            unmarked: false,
            wall: WALL,
            noted: Noted::default(),
            raw: false,
            log: None,
        };
        for name in (0..).take(space.contexts) {
            world.contexts.push(Context::new(space, name));
        }
        if space.signed_in {
            let stored = world.foreign();
            stored.unwrap_or_else(|broken| panic!("{broken}"));
        }
        world
    }

    /// All of it, for a person.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{:?} {:?} {:?}\n", self.left, self.cell, self.families);
        for context in self.contexts.iter() {
            let _ = context.latch.show(&mut text);
            let under_way = (&context.load, &context.store, &context.late, context.old);
            text += &format!(
                "\n{under_way:?} {:?} {:?}\n",
                context.waiting, context.flying
            );
        }
        text
    }

    /// All of the state, as 128 bits, of a world in canonical form.
    pub(crate) fn fingerprint(&self) -> u128 {
        let prints = self.contexts.iter().map(|context| context.print);
        fingerprint(self.around(), prints)
    }

    /// What stands around the contexts, hashed.
    pub(crate) fn around(&self) -> Lanes {
        let mut lanes = Lanes::new();
        self.hash_around(&mut lanes);
        lanes
    }

    fn hash_around(&self, hasher: &mut impl Hasher) {
        (self.left, &self.cell).hash(hasher);
        (self.families, self.signed_in, self.wall).hash(hasher);
        (self.replayed, self.unmarked).hash(hasher);
    }
}

impl Record {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut nonces = [0; 2];
        let mut places = nonces.iter_mut();
        let mut note = |nonce: &mut u32| {
            if let Some(place) = places.next() {
                *place = *nonce;
            }
        };
        each_nonce(bytes, &mut note);
        Self {
            bytes: heapless::Vec::from_slice(bytes).unwrap_or_default(),
            torn: false,
            nonces,
            settled: None,
        }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        (self.torn, &self.bytes) == (other.torn, &other.bytes)
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.bytes, self.torn).hash(hasher);
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.hash_around(hasher);
        for context in self.contexts.iter() {
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
            contexts: self.contexts.clone(),
            cell: self.cell.clone(),
            families: self.families,
            signed_in: self.signed_in,
            replayed: self.replayed,
            unmarked: self.unmarked,
            wall: self.wall,
            noted: self.noted,
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
