//! The generator: what is told next, from a xorshift of 32 bits.

use tokenlatch::Config;
use tokenlatch::ConfigError;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Ticket;

use crate::digest::Digest;
use crate::digest::number;

pub(crate) const TOKEN: usize = 32;
pub(crate) const WAITERS: usize = 4;
pub(crate) const EPOCH: u64 = 1_700_000_000_000;
const SEED: u64 = 0x5eed;
pub(crate) const CELL: usize = Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;
/// Requests under way at the API, at most.
pub(crate) const SENT: usize = 8;

/// How the latch is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// No store: what an independent model retells.
    Memory,
    /// Store, read back, lease: everything.
    Stored,
    /// Another configuration every few events, grants of every shape, headers as servers write them.
    Various,
}

impl Profile {
    /// All of them, with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("memory", Self::Memory),
        ("stored", Self::Stored),
        ("various", Self::Various),
    ];

    fn config(self) -> Config {
        let mut config = match self {
            Self::Memory => Config::in_memory(),
            Self::Stored | Self::Various => Config::new(),
        };
        if self == Self::Stored {
            config.confirmation = Confirmation::ReadBack;
            config.lease = LeaseMode::Host;
        }
        config
    }
}

/// What a trace gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Played {
    /// One number for all that the latch answered.
    pub number: u64,
    /// The kinds of answer that came, as a set: see `digest`.
    pub kinds: u64,
}

/// Plays `events` events from `seed`.
///
/// # Errors
///
/// The profile's configuration does not work.
pub fn run(profile: Profile, seed: u32, events: u32) -> Result<Played, ConfigError> {
    let mut host = Host::new(profile.config(), seed)?;
    for event in 0..events {
        if profile == Profile::Various {
            host.vary(event)?;
        }
        host.step();
    }
    Ok(Played {
        number: host.digest.finish(),
        kinds: host.digest.kinds(),
    })
}

/// The orders that wait for an answer.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) load: Option<Ticket>,
    pub(crate) store: Option<Ticket>,
    pub(crate) lease: Option<Ticket>,
    pub(crate) exchange: Option<Ticket>,
    pub(crate) probe: Option<Ticket>,
    pub(crate) revoke: Option<Ticket>,
    pub(crate) login: Option<Ticket>,
}

pub(crate) struct Host {
    pub(crate) latch: Latch<TOKEN, WAITERS>,
    pub(crate) random: u32,
    pub(crate) millis: u64,
    pub(crate) wall: u64,
    pub(crate) orders: Orders,
    /// Held lease.
    pub(crate) held: Option<Ticket>,
    pub(crate) cell: [u8; CELL],
    pub(crate) stored: usize,
    /// The last requests that were admitted, and the last ones that left.
    pub(crate) admitted: [u32; WAITERS],
    pub(crate) sent: [Option<Receipt>; SENT],
    pub(crate) requests: u32,
    pub(crate) tokens: u32,
    pub(crate) digest: Digest,
    /// Grants come in every shape.
    pub(crate) various: bool,
}

impl Host {
    fn new(config: Config, seed: u32) -> Result<Self, ConfigError> {
        Ok(Self {
            latch: Latch::new(config, SEED)?,
            random: seed | 1,
            millis: 0,
            wall: EPOCH,
            orders: Orders::default(),
            held: None,
            cell: [0; CELL],
            stored: 0,
            admitted: [0; WAITERS],
            sent: [None; SENT],
            requests: 0,
            tokens: 0,
            digest: Digest::new(),
            various: false,
        })
    }

    /// Evenly enough from 0 to `below` - 1 (xorshift32, Marsaglia 2003).
    pub(crate) fn pick(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random.checked_rem(below).unwrap_or(0)
    }

    pub(crate) fn index(&mut self, below: usize) -> usize {
        usize::try_from(self.pick(u32::try_from(below).unwrap_or(0))).unwrap_or(0)
    }

    pub(crate) fn now(&self) -> Now {
        Now::new(self.millis, self.wall)
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.millis += millis;
        self.wall += millis;
    }

    pub(crate) fn tell(&mut self, event: Event<'_>) -> Option<Outcome> {
        let told = self.latch.handle(self.now(), event);
        self.digest.told(told);
        if self.various {
            // Not every host drains at once.
            if self.pick(8) == 0 {
                return told.ok();
            }
        }
        self.drain();
        told.ok()
    }

    pub(crate) fn drain(&mut self) {
        while let Some(effect) = self.latch.poll_effect() {
            self.digest.effect(effect);
            match effect {
                Effect::Load { ticket } => self.orders.load = Some(ticket),
                Effect::Store { ticket } => self.orders.store = Some(ticket),
                Effect::AcquireLease { ticket } => self.orders.lease = Some(ticket),
                Effect::ReleaseLease { .. } => self.held = None,
                Effect::SendTokenRequest { ticket, .. } => {
                    let token = self.latch.refresh_token(ticket).unwrap_or_default();
                    self.digest.bytes(token.as_bytes());
                    self.orders.exchange = Some(ticket);
                }
                Effect::Probe { ticket } => {
                    if let Ok(permit) = self.latch.probe_permit(ticket) {
                        self.digest.bytes(permit.token().as_bytes());
                    }
                    self.orders.probe = Some(ticket);
                }
                Effect::Revoke { ticket } => {
                    let token = self.latch.revocation(ticket).unwrap_or_default();
                    self.digest.bytes(token.as_bytes());
                    self.orders.revoke = Some(ticket);
                }
                _ => {}
            }
        }
        self.look();
    }

    fn look(&mut self) {
        self.digest.word(number(self.latch.state()));
        let timeout = self.latch.poll_timeout();
        self.digest
            .long(timeout.map_or(u64::MAX, |at| at.as_millis()));
        let generation = self.latch.generation();
        self.digest.word(generation.sign_in);
        self.digest.word(generation.serial);
        let trouble = self.latch.trouble().map_or(0, |cause| cause.code());
        self.digest.word(u32::from(trouble));
        self.digest
            .word(u32::try_from(self.latch.waiting()).unwrap_or(0));
    }

    fn step(&mut self) {
        let choice = self.pick(32);
        match choice {
            0..4 => {
                let millis = self.pick(3_000);
                self.pass(u64::from(millis));
                self.tell(Event::TimeoutReached);
            }
            4 => {
                let minutes = self.pick(30);
                self.pass(u64::from(minutes) * 60_000);
                self.tell(Event::TimeoutReached);
            }
            5 => self.sleep_until_due(),
            6..10 => self.request(None),
            10..14 => self.claim(),
            14..17 => self.answer(),
            17..20 => self.exchange(),
            20 => self.login(),
            21 => self.logout(),
            22 => {
                let waiter = self.some_waiter();
                self.tell(Event::WaiterCancelled { waiter });
            }
            23 => self.network(),
            24 => self.insist(),
            25 => self.lifecycle(),
            26 => self.stale(),
            27 => {
                self.revoke();
                self.probe();
            }
            28 => self.lease(),
            29 => self.load(),
            30 => self.store(),
            _ => self.jump(),
        }
    }

    fn sleep_until_due(&mut self) {
        if let Some(at) = self.latch.poll_timeout() {
            self.pass(at.as_millis().saturating_sub(self.millis));
        }
        self.tell(Event::TimeoutReached);
    }

    fn logout(&mut self) {
        if self.pick(4) == 0 {
            self.tell(Event::LogoutRequested);
        }
    }

    fn network(&mut self) {
        let event = match self.pick(3) {
            0 => Event::WentOffline,
            _ => Event::WentOnline,
        };
        self.tell(event);
    }

    /// Someone who wants a new token, and now and then another and another.
    fn insist(&mut self) {
        let times = if self.pick(16) == 0 { 7 } else { 1 };
        for _ in 0..times {
            self.tell(Event::RefreshRequested);
            if times > 1 {
                self.exchange();
            }
        }
    }

    fn lifecycle(&mut self) {
        let event = match self.pick(3) {
            0 => Event::Resumed,
            1 => Event::StoreChanged,
            _ => Event::Opened,
        };
        self.tell(event);
    }

    /// Sleep, and a wall clock that is set.
    fn jump(&mut self) {
        let seconds = u64::from(self.pick(20));
        match self.pick(4) {
            0 => self.wall = self.wall.saturating_sub(seconds * 1_000),
            _ => self.wall += seconds * 1_000,
        }
        self.tell(Event::TimeoutReached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: u32 = 200_000;

    /// The numbers in `digest`, as a set.
    fn set(kinds: &[u32]) -> u64 {
        kinds.iter().fold(0, |set, kind| set | 1 << kind)
    }

    #[test]
    fn each_kind_of_answer_comes() {
        let both = set(&[
            0, 1, 2, 3, 5, 6, 7, 8, 17, 18, 20, 32, 38, 40, 41, 42, 43, 48, 50,
        ]);
        let (throttled, store) = (set(&[21]), set(&[33, 34, 35, 36, 37]));
        let kinds = |profile| run(profile, 1, EVENTS).unwrap().kinds;
        assert_eq!((both | throttled) & !kinds(Profile::Memory), 0);
        assert_eq!(store & kinds(Profile::Memory), 0);
        assert_eq!((both | store) & !kinds(Profile::Stored), 0);
        let various = both | throttled | store | set(&[23, 39, 49]);
        assert_eq!(various & !kinds(Profile::Various), 0);
    }

    #[test]
    fn one_seed_gives_one_number_and_another_gives_another() {
        let number = |seed| run(Profile::Stored, seed, 10_000).unwrap().number;
        assert_eq!(number(3), number(3));
        assert_ne!(number(3), number(5));
    }
}
