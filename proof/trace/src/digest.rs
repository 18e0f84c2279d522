//! The number: two 32-bit lanes, so that it is as easily computed where integers have 53 bits.

use tokenlatch::Effect;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Rejected;
use tokenlatch::State;

/// Everything seen so far.
#[derive(Debug)]
pub(crate) struct Digest {
    low: u32,
    high: u32,
    /// The kinds of answer that came, as a set.
    kinds: u64,
}

impl Digest {
    pub(crate) const fn new() -> Self {
        Self {
            low: 0x811c_9dc5,
            high: 0x9e37_79b9,
            kinds: 0,
        }
    }

    pub(crate) const fn finish(&self) -> u64 {
        ((self.high as u64) << 32) | self.low as u64
    }

    pub(crate) const fn kinds(&self) -> u64 {
        self.kinds
    }

    const fn answer(&mut self, kind: u32, value: u32) {
        self.kinds |= 1 << kind;
        self.word(kind);
        self.word(value);
    }

    pub(crate) const fn word(&mut self, word: u32) {
        self.low = (self.low ^ word).wrapping_mul(0x0100_0193);
        self.high = (self.high.rotate_left(5) ^ word).wrapping_mul(0x85eb_ca6b);
    }

    pub(crate) fn long(&mut self, long: u64) {
        self.word((long & 0xffff_ffff) as u32);
        self.word((long >> 32) as u32);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.word(u32::from(*byte));
        }
    }

    pub(crate) fn told(&mut self, told: Result<Outcome, Rejected>) {
        let (kind, value) = match told {
            Ok(Outcome::Done) => (0, 0),
            Ok(Outcome::Stale) => (1, 0),
            Ok(Outcome::Orphaned) => (2, 0),
            Ok(Outcome::Login(ticket)) => (3, ticket.as_u32()),
            Ok(Outcome::Pass) => (4, 0),
            Ok(Outcome::Admitted) => (5, 0),
            Ok(Outcome::Deliver) => (6, 0),
            Ok(Outcome::Retry) => (7, 0),
            Ok(Outcome::Surface(cause)) => (8, u32::from(cause.code())),
            Err(Rejected::NotOpened) => (16, 0),
            Err(Rejected::AlreadyOpened) => (17, 0),
            Err(Rejected::QueueFull) => (18, 0),
            Err(Rejected::DuplicateWaiter) => (19, 0),
            Err(Rejected::NoSession) => (20, 0),
            Err(Rejected::Throttled) => (21, 0),
            Err(Rejected::Grant(error)) => {
                self.bytes(error.sentence().as_bytes());
                (23, 0)
            }
            Ok(_) | Err(_) => (22, 0),
        };
        self.answer(kind, value);
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        let (kind, value) = match effect {
            Effect::StateChanged { state } => (32, number(state)),
            Effect::Load { ticket } => (33, ticket.as_u32()),
            Effect::Store { ticket } => (34, ticket.as_u32()),
            Effect::Announce => (35, 0),
            Effect::ReleaseLease { ticket } => (36, ticket.as_u32()),
            Effect::AcquireLease { ticket } => (37, ticket.as_u32()),
            Effect::SendTokenRequest { ticket, .. } => (38, ticket.as_u32()),
            Effect::Probe { ticket } => (39, ticket.as_u32()),
            Effect::Revoke { ticket } => (40, ticket.as_u32()),
            Effect::RequireLogin { cause } => (41, u32::from(cause.code())),
            Effect::Refuse { waiter, cause } => {
                self.word(waiter.as_u32());
                (42, u32::from(cause.code()))
            }
            Effect::Release { waiter } => (43, waiter.as_u32()),
            _ => (44, 0),
        };
        self.answer(kind, value);
    }

    pub(crate) fn no_permit(&mut self, error: PermitError) {
        let (kind, value) = match error {
            PermitError::NotReady => (48, 0),
            PermitError::Refused(cause) => (49, u32::from(cause.code())),
            _ => (50, 0),
        };
        self.answer(kind, value);
    }
}

pub(crate) const fn number(state: State) -> u32 {
    match state {
        State::Unauthenticated => 0,
        State::Pending => 1,
        State::Ready => 2,
        State::Refreshing => 3,
        State::Expired => 4,
    }
}
