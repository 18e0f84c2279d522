//! The paths of the library.

use core::hint::black_box;

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;

use crate::Case;
use crate::Who;
use crate::World;
use crate::bytes::ACCESS;
use crate::bytes::REFRESH;
use crate::path;
use crate::rival::DUE;
use crate::rival::LIFETIME;
use crate::rival::WAITER;

const WALL: u64 = 1_700_000_000_000;
const CAPACITY: usize = Device::RECORD_CAPACITY;

type Device = Latch<1024, 8>;

pub(crate) struct Side {
    pub(crate) latch: Device,
    cell: [u8; CAPACITY],
    stored: usize,
    /// Of the token that is there, and of the one before.
    current: Receipt,
    late: Receipt,
    pub(crate) ticket: Ticket,
}

impl Default for Side {
    fn default() -> Self {
        Self::new(Config::new())
    }
}

impl Side {
    fn new(config: Config) -> Self {
        #[expect(clippy::unwrap_used, reason = "both of these configurations work")]
        let latch = Latch::new(config, 0x5eed).unwrap();
        Self {
            latch,
            cell: [0; CAPACITY],
            stored: 0,
            current: Receipt::from_u64(0),
            late: Receipt::from_u64(0),
            ticket: Ticket::from_u32(0),
        }
    }

    #[inline(always)]
    fn tell(&mut self, millis: u64, event: Event<'_>) -> Option<Outcome> {
        self.latch.handle(now(millis), event).ok()
    }

    /// Carries out what concerns the store; gives the ticket of a token request.
    fn drain(&mut self, millis: u64) -> Option<Ticket> {
        let mut exchange = None;
        while let Some(effect) = self.latch.poll_effect() {
            match effect {
                Effect::Load { ticket } => {
                    let record = Some(self.cell.get(..self.stored).unwrap_or_default());
                    let _ = self
                        .latch
                        .handle(now(millis), Event::Loaded { ticket, record });
                }
                Effect::Store { ticket } => {
                    self.stored = self.latch.record(ticket, &mut self.cell).unwrap_or(0);
                    self.tell(millis, Event::Stored { ticket });
                }
                Effect::SendTokenRequest { ticket, .. } => exchange = Some(ticket),
                _ => {}
            }
        }
        exchange
    }

    fn login(&mut self, millis: u64) {
        if let Some(Outcome::Login(ticket)) = self.tell(millis, Event::LoginStarted) {
            self.ticket = ticket;
        }
    }

    fn grant(&mut self, millis: u64) {
        let ticket = self.ticket;
        let grant = grant();
        self.tell(millis, Event::Granted { ticket, grant });
    }

    fn grant_short(&mut self, millis: u64) {
        let ticket = self.ticket;
        let mut grant = Grant::new("access");
        grant.refresh_token = Some("refresh");
        grant.expiry = Expiry::In(LIFETIME);
        self.tell(millis, Event::Granted { ticket, grant });
    }

    fn fail(&mut self, millis: u64) {
        let (ticket, failure) = (self.ticket, TokenFailure::Unavailable);
        let retry_after = None;
        self.tell(
            millis,
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            },
        );
    }

    /// A request that goes all the way; its receipt.
    fn send(&mut self, millis: u64) -> Receipt {
        self.request(millis);
        let permit = self.latch.permit(now(millis), Waiter::from_u32(WAITER));
        permit.map_or(Receipt::from_u64(0), |permit| permit.receipt())
    }

    #[inline(always)]
    fn request(&mut self, millis: u64) -> u32 {
        let (waiter, access) = (Waiter::from_u32(black_box(WAITER)), Access::First);
        self.tell(millis, Event::AccessRequested { waiter, access });
        let mut found = 0;
        while let Some(effect) = self.latch.poll_effect() {
            if let Effect::Release { waiter } = effect {
                found = waiter.as_u32();
            }
        }
        found
    }

    #[inline(always)]
    fn answer(&mut self, receipt: Receipt, status: u16) -> Option<Outcome> {
        let challenge = ChallengeKind::Absent;
        self.tell(
            black_box(1),
            Event::Answered {
                receipt: black_box(receipt),
                status: black_box(status),
                challenge,
            },
        )
    }

    /// What lies in the store.
    pub(crate) fn record(&self) -> &[u8] {
        self.cell.get(..self.stored).unwrap_or_default()
    }

    fn state(&self) -> u32 {
        self.latch.state() as u32
    }
}

fn now(millis: u64) -> Now {
    Now::new(millis, WALL + millis)
}

pub(crate) fn grant() -> Grant<'static> {
    let mut grant = Grant::new(ACCESS);
    grant.refresh_token = Some(REFRESH);
    grant.expiry = Expiry::In(LIFETIME);
    grant
}

/// Signed in, with so many steps behind it that the trace is full.
fn opened(world: &mut World, config: Config) {
    world.latch = Side::new(config);
    let side = &mut world.latch;
    side.tell(0, Event::Opened);
    side.drain(0);
    side.login(0);
    side.grant(0);
    side.drain(0);
    side.late = side.send(0);
    side.tell(0, Event::RefreshRequested);
    if let Some(ticket) = side.drain(0) {
        side.ticket = ticket;
    }
    side.grant(0);
    side.drain(0);
    side.current = side.send(0);
    side.answer(side.current, 200);
}

fn ready(world: &mut World) {
    opened(world, Config::new());
}

fn ready_in_memory(world: &mut World) {
    opened(world, Config::in_memory());
}

fn fresh(world: &mut World) {
    world.latch = Side::new(Config::in_memory());
    world.latch.tell(0, Event::Opened);
    world.latch.drain(0);
}

fn released(world: &mut World) {
    ready(world);
    world.latch.request(1);
}

fn permit(world: &mut World) {
    let waiter = Waiter::from_u32(black_box(WAITER));
    let permit = world.latch.latch.permit(now(black_box(1)), waiter);
    // The token is there to be read; which number its credential has is the latch's own affair.
    let length = permit.map_or(0, |permit| permit.token().len());
    world.found = u32::from(length == ACCESS.len());
}

fn request(world: &mut World) {
    world.found = world.latch.request(black_box(1));
}

fn answer(world: &mut World) {
    let outcome = world.latch.answer(world.latch.current, 200);
    world.found = u32::from(outcome == Some(Outcome::Deliver));
}

fn permit_and_answer(world: &mut World) {
    let waiter = Waiter::from_u32(black_box(WAITER));
    let side = &mut world.latch;
    let permit = side.latch.permit(now(black_box(1)), waiter);
    let receipt = permit.map_or(Receipt::from_u64(0), |permit| permit.receipt());
    let outcome = side.answer(receipt, 200);
    world.found = u32::from(outcome == Some(Outcome::Deliver));
}

fn late_401(world: &mut World) {
    let outcome = world.latch.answer(world.latch.late, 401);
    world.found = u32::from(outcome == Some(Outcome::Retry));
}

fn timer(world: &mut World) {
    world.latch.tell(black_box(DUE), Event::TimeoutReached);
    world.found = world.latch.state();
}

fn round(world: &mut World) {
    let side = &mut world.latch;
    side.tell(black_box(DUE), Event::TimeoutReached);
    if let Some(ticket) = side.drain(DUE) {
        side.ticket = ticket;
    }
    side.grant(black_box(DUE));
    side.drain(DUE);
    world.found = side.state();
}

/// The same way as the others go: see there. The tokens are short, it is the transitions that count.
fn tour(world: &mut World) {
    let side = &mut world.latch;
    let mut found = 0_u32;
    let mut see = |side: &mut Side, millis| {
        if let Some(ticket) = side.drain(millis) {
            side.ticket = ticket;
        }
        found = (found << 3) | side.state();
    };
    side.login(black_box(0));
    see(side, 0);
    side.fail(black_box(1));
    see(side, 1);
    side.login(black_box(2));
    see(side, 2);
    side.grant_short(black_box(3));
    see(side, 3);
    side.tell(black_box(DUE), Event::TimeoutReached);
    see(side, DUE);
    side.fail(black_box(LIFETIME + 10));
    see(side, LIFETIME + 10);
    side.tell(black_box(LIFETIME + 20_000), Event::TimeoutReached);
    see(side, LIFETIME + 20_000);
    side.grant_short(black_box(LIFETIME + 20_001));
    see(side, LIFETIME + 20_001);
    side.tell(black_box(LIFETIME + 20_002), Event::LogoutRequested);
    see(side, LIFETIME + 20_002);
    world.found = found;
}

const fn case(path: &'static str, prepare: fn(&mut World), run: fn(&mut World)) -> Case {
    Case {
        path,
        who: Who::Latch,
        prepare,
        run,
    }
}

pub(crate) const CASES: &[Case] = &[
    case(path::PERMIT, released, permit),
    case(path::REQUEST, ready, request),
    case(path::ANSWER, ready, answer),
    case(path::PERMIT_AND_ANSWER, released, permit_and_answer),
    case(path::LATE_401, ready, late_401),
    case(path::TIMER, ready, timer),
    case(path::ROUND, ready_in_memory, round),
    case(path::STORED_ROUND, ready, round),
    case(path::TOUR, fresh, tour),
    case(path::ENCODE, storing, encode),
];

/// The order to store the second token's record is under way.
pub(crate) fn storing(world: &mut World) {
    ready(world);
    let side = &mut world.latch;
    side.tell(DUE, Event::TimeoutReached);
    while let Some(effect) = side.latch.poll_effect() {
        if let Effect::Load { ticket } = effect {
            let record = side.cell.get(..side.stored);
            let _ = side
                .latch
                .handle(now(DUE), Event::Loaded { ticket, record });
        }
        if let Effect::Store { ticket } = effect {
            side.ticket = ticket;
        }
    }
}

fn encode(world: &mut World) {
    let side = &mut world.latch;
    let ticket = black_box(side.ticket);
    let length = side.latch.record(ticket, &mut side.cell);
    world.found = length.map_or(0, |length| u32::from(length > ACCESS.len() + REFRESH.len()));
}
