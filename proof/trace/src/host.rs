//! The generator: what is told next, from a xorshift of 32 bits.

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::ConfigError;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;

use crate::digest::Digest;
use crate::digest::number;

const TOKEN: usize = 32;
const WAITERS: usize = 4;
const EPOCH: u64 = 1_700_000_000_000;
const SEED: u64 = 0x5eed;
const CELL: usize = Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;
/// Requests under way at the API, at most.
const SENT: usize = 8;

/// How the latch is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// No store: what an independent model retells.
    Memory,
    /// Store, read back, lease: everything.
    Stored,
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
    let mut config = match profile {
        Profile::Memory => Config::in_memory(),
        Profile::Stored => Config::new(),
    };
    if profile == Profile::Stored {
        config.confirmation = Confirmation::ReadBack;
        config.lease = LeaseMode::Host;
    }
    let mut host = Host::new(config, seed)?;
    for _ in 0..events {
        host.step();
    }
    Ok(Played {
        number: host.digest.finish(),
        kinds: host.digest.kinds(),
    })
}

/// The orders that wait for an answer.
#[derive(Default)]
struct Orders {
    load: Option<Ticket>,
    store: Option<Ticket>,
    lease: Option<Ticket>,
    exchange: Option<Ticket>,
    revoke: Option<Ticket>,
    login: Option<Ticket>,
}

struct Host {
    latch: Latch<TOKEN, WAITERS>,
    random: u32,
    millis: u64,
    wall: u64,
    orders: Orders,
    /// Held lease.
    held: Option<Ticket>,
    cell: [u8; CELL],
    stored: usize,
    /// The last requests that were admitted, and the last ones that left.
    admitted: [u32; WAITERS],
    sent: [Option<Receipt>; SENT],
    requests: u32,
    tokens: u32,
    digest: Digest,
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
        })
    }

    /// Evenly enough from 0 to `below` - 1 (xorshift32, Marsaglia 2003).
    fn pick(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random.checked_rem(below).unwrap_or(0)
    }

    fn index(&mut self, below: usize) -> usize {
        usize::try_from(self.pick(u32::try_from(below).unwrap_or(0))).unwrap_or(0)
    }

    fn now(&self) -> Now {
        Now::new(self.millis, self.wall)
    }

    fn pass(&mut self, millis: u64) {
        self.millis += millis;
        self.wall += millis;
    }

    fn tell(&mut self, event: Event<'_>) -> Option<Outcome> {
        let told = self.latch.handle(self.now(), event);
        self.digest.told(told);
        self.drain();
        told.ok()
    }

    fn drain(&mut self) {
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
            27 => self.revoke(),
            28 => self.lease(),
            29 => self.load(),
            30 => self.store(),
            _ => self.jump(),
        }
    }

    /// Tokens that nobody had before: two letters and a number.
    fn token(kind: u8, number: u32, buffer: &mut [u8; 12]) -> &str {
        let mut rest = number;
        let [first, second, digits @ ..] = buffer;
        (*first, *second) = (kind, b'-');
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        core::str::from_utf8(buffer).unwrap_or_default()
    }

    fn grant(&mut self, ticket: Ticket, subject: bool) {
        self.tokens += 1;
        let number = self.tokens;
        let lifetime = [5_000, 60_000, 600_000, 3_600_000][self.index(4)];
        let rotates = self.pick(4) > 0;
        let user = self.pick(2);
        let (mut access, mut refresh) = ([0; 12], [0; 12]);
        let mut grant = Grant::new(Self::token(b'a', number, &mut access));
        if rotates {
            grant.refresh_token = Some(Self::token(b'r', number, &mut refresh));
        }
        grant.expiry = Expiry::In(lifetime);
        if subject {
            grant.subject = Some(["anna", "ben"][if user == 0 { 0 } else { 1 }]);
        }
        self.tell(Event::Granted { ticket, grant });
    }

    fn fail(&mut self, ticket: Ticket) {
        let failures = [
            TokenFailure::NotSent,
            TokenFailure::Lost,
            TokenFailure::RateLimited,
            TokenFailure::Unavailable,
            TokenFailure::InvalidGrant,
            TokenFailure::InteractionRequired,
            TokenFailure::Misconfigured,
            TokenFailure::Unrecognized,
        ];
        let failure = failures[self.index(failures.len())];
        let retry_after = match self.pick(4) {
            0 => Some(self.pick(120)),
            _ => None,
        };
        self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        });
    }

    fn sleep_until_due(&mut self) {
        if let Some(at) = self.latch.poll_timeout() {
            self.pass(at.as_millis().saturating_sub(self.millis));
        }
        self.tell(Event::TimeoutReached);
    }

    fn request(&mut self, retry: Option<Receipt>) {
        self.requests += 1;
        let waiter = Waiter::from_u32(self.requests);
        let access = retry.map_or(Access::First, Access::Retry);
        if self.tell(Event::AccessRequested { waiter, access }) == Some(Outcome::Admitted) {
            let place = self.index(WAITERS);
            self.admitted[place] = self.requests;
        }
    }

    fn some_waiter(&mut self) -> Waiter {
        let place = self.index(WAITERS);
        Waiter::from_u32(self.admitted[place])
    }

    fn claim(&mut self) {
        let waiter = self.some_waiter();
        let place = self.index(SENT);
        match self.latch.permit(self.now(), waiter) {
            Ok(permit) => {
                let receipt = permit.receipt();
                self.digest.bytes(permit.token().as_bytes());
                self.digest.long(receipt.as_u64());
                self.sent[place] = Some(receipt);
            }
            Err(error) => self.digest.no_permit(error),
        }
        self.drain();
    }

    fn answer(&mut self) {
        let challenges = [
            ChallengeKind::InvalidToken,
            ChallengeKind::Absent,
            ChallengeKind::NoError,
            ChallengeKind::OtherScheme,
            ChallengeKind::InvalidRequest,
            ChallengeKind::InsufficientScope,
            ChallengeKind::UseDpopNonce,
            ChallengeKind::OtherError,
        ];
        let place = self.index(SENT);
        let status = [200, 200, 200, 401, 401, 403, 500][self.index(7)];
        let challenge = challenges[self.index(challenges.len())];
        let Some(receipt) = self.sent[place].take() else {
            return;
        };
        let challenge = if status == 401 {
            challenge
        } else {
            ChallengeKind::Absent
        };
        let outcome = self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        });
        if outcome == Some(Outcome::Retry) {
            self.request(Some(receipt));
        }
    }

    fn exchange(&mut self) {
        let Some(ticket) = self.orders.exchange.take() else {
            return;
        };
        match self.pick(3) {
            0 => self.fail(ticket),
            _ => self.grant(ticket, false),
        }
    }

    fn login(&mut self) {
        let Some(ticket) = self.orders.login.take() else {
            // Someone who is signed in logs in now and then only.
            let willing = self.pick(8) == 0;
            let needed = matches!(self.latch.state(), State::Unauthenticated | State::Expired);
            if willing || needed {
                if let Some(Outcome::Login(ticket)) = self.tell(Event::LoginStarted) {
                    self.orders.login = Some(ticket);
                }
            }
            return;
        };
        match self.pick(8) {
            0 => self.fail(ticket),
            _ => self.grant(ticket, true),
        }
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

    /// Answers that nobody waits for.
    fn stale(&mut self) {
        let ticket = Ticket::from_u32(self.pick(1 << 20));
        match self.pick(4) {
            0 => self.grant(ticket, true),
            1 => self.fail(ticket),
            2 => {
                self.tell(Event::Stored { ticket });
            }
            _ => {
                self.tell(Event::Revoked { ticket });
            }
        }
    }

    fn revoke(&mut self) {
        let Some(ticket) = self.orders.revoke.take() else {
            return;
        };
        let event = match self.pick(3) {
            0 => Event::RevokeFailed { ticket },
            _ => Event::Revoked { ticket },
        };
        self.tell(event);
    }

    fn lease(&mut self) {
        if let Some(ticket) = self.held {
            if self.pick(8) == 0 {
                self.held = None;
                self.tell(Event::LeaseLost { ticket });
            }
            return;
        }
        let Some(ticket) = self.orders.lease.take() else {
            return;
        };
        if self.pick(8) == 0 {
            self.tell(Event::LeaseDenied { ticket });
            return;
        }
        self.held = Some(ticket);
        self.tell(Event::LeaseGranted { ticket });
    }

    fn load(&mut self) {
        let Some(ticket) = self.orders.load.take() else {
            return;
        };
        if self.pick(8) == 0 {
            self.tell(Event::LoadFailed { ticket });
            return;
        }
        let cell = self.cell;
        let record = cell.get(..self.stored).unwrap_or_default();
        self.tell(Event::Loaded {
            ticket,
            record: Some(record),
        });
    }

    fn store(&mut self) {
        let Some(ticket) = self.orders.store.take() else {
            return;
        };
        let mut buffer = [0; CELL];
        let written = self.latch.record(ticket, &mut buffer).unwrap_or(0);
        self.digest.bytes(buffer.get(..written).unwrap_or_default());
        match self.pick(8) {
            // Torn, and told so.
            0 => {
                self.cell = buffer;
                self.stored = written / 2;
                self.tell(Event::StoreFailed { ticket });
            }
            // It lies.
            1 => {
                self.tell(Event::Stored { ticket });
            }
            _ => {
                self.cell = buffer;
                self.stored = written;
                self.tell(Event::Stored { ticket });
            }
        }
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
    }

    #[test]
    fn one_seed_gives_one_number_and_another_gives_another() {
        let number = |seed| run(Profile::Stored, seed, 10_000).unwrap().number;
        assert_eq!(number(3), number(3));
        assert_ne!(number(3), number(5));
    }
}
