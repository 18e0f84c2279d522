//! Any machine at all, and one step of it: what the inductive proof is about (`cargo xtask prove`).
//!
//! Each number comes from a source that the proof leaves open, so that what is shown for one call is shown for every
//! machine, event and time. [`Any::holds`] is the invariant that each step must keep.

use super::input::GrantFacts;
use super::input::Input;
use super::input::Load;
use crate::challenge::ChallengeKind;
use crate::config::Config;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::LeaseMode;
use crate::config::Renewal;
use crate::config::Waiting;
use crate::event::Access;
use crate::event::ProbeResult;
use crate::grant::Expiry;
use crate::grant::GrantError;
use crate::lease::Lease;
use crate::machine::Machine;
use crate::machine::Revocation;
use crate::record::Corrupt;
use crate::renewal::Budget;
use crate::renewal::Random;
use crate::renewal::TokenFailure;
use crate::session::Rotation;
use crate::session::Session;
use crate::session::Trouble;
use crate::state::Expired;
use crate::state::Gate;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::state::State;
use crate::state::Unauthenticated;
use crate::sync::Goal;
use crate::sync::RecordFacts;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::time::Clock;
use crate::waiters::Fate;
use crate::waiters::Receipt;
use crate::waiters::Slot;
use crate::waiters::Waiter;
use crate::waiters::Waiters;
use crate::why::Cause;

/// Where the numbers come from.
pub trait Source {
    /// Any number.
    fn number(&mut self) -> u64;

    /// Any number below `end`.
    fn below(&mut self, end: u64) -> u64;

    /// Whether to go on. A proof leaves out what does not hold, and always goes on.
    fn assume(&mut self, holds: bool) -> bool {
        holds
    }
}

/// What a proof fixes, so that one run stays small; all of them together are every case.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "private")]
pub struct Case {
    /// Which phase: below [`PHASES`].
    pub phase: u8,
    /// What is under way with the store: 0 for nothing, or below [`SYNCS`].
    pub sync: u8,
    /// How many requests wait.
    pub waiting: u8,
}

/// How many phases there are.
pub const PHASES: u8 = 15;
/// Five goals in four stages, and nothing.
pub const SYNCS: u8 = 21;
/// How many kinds of event there are.
pub const EVENTS: u8 = 24;

fn flag(from: &mut impl Source) -> bool {
    from.below(2) == 1
}

fn small(from: &mut impl Source) -> u8 {
    let [byte, ..] = from.number().to_le_bytes();
    byte
}

pub(super) fn id(from: &mut impl Source) -> u32 {
    let [a, b, c, d, ..] = from.number().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn maybe(from: &mut impl Source) -> Option<u64> {
    let number = from.number();
    if flag(from) { Some(number) } else { None }
}

fn order(from: &mut impl Source) -> Order {
    Order {
        ticket: id(from),
        deadline: from.number(),
        told: flag(from),
    }
}

fn gate(from: &mut impl Source) -> Gate {
    if flag(from) {
        Gate::Serving
    } else {
        Gate::Closed
    }
}

/// A few causes stand for all: no decision looks at others.
pub(super) fn cause(from: &mut impl Source) -> Cause {
    match from.below(6) {
        0 => Cause::SessionEnded,
        1 => Cause::Offline,
        2 => Cause::SignedOut,
        3 => Cause::NotSignedIn,
        4 => Cause::ClockSuspect,
        _ => Cause::Unavailable,
    }
}

fn waiting(from: &mut impl Source) -> Waiting {
    if flag(from) {
        Waiting::Hold
    } else {
        Waiting::Refuse
    }
}

fn stamp(from: &mut impl Source) -> Stamp {
    if flag(from) {
        return Stamp::default();
    }
    Stamp {
        sign_in: id(from),
        live: flag(from),
        serial: id(from),
        origin: id(from),
        nonce: id(from),
    }
}

fn rotation(from: &mut impl Source) -> Rotation {
    match from.below(3) {
        0 => Rotation::Unknown,
        1 => Rotation::Rotates,
        _ => Rotation::Keeps,
    }
}

pub(super) fn config(from: &mut impl Source) -> Config {
    let mut config = Config::new();
    config.store = flag(from);
    config.confirmation = match from.below(4) {
        0 => Confirmation::Memory,
        1 => Confirmation::Stored,
        2 => Confirmation::ReadBack,
        _ => Confirmation::Probed,
    };
    config.lease = if flag(from) {
        LeaseMode::None
    } else {
        LeaseMode::Host
    };
    config.credential = if flag(from) {
        Credential::Token
    } else {
        Credential::Ambient
    };
    config.renewal = if flag(from) {
        Renewal::RefreshToken
    } else {
        Renewal::Login
    };
    config.when_signed_out = waiting(from);
    config.when_unavailable = waiting(from);
    config.serve_while_refreshing = flag(from);
    config.require_challenge = flag(from);
    config.max_attempts = small(from);
    config.attempts = small(from);
    config
}

fn session(from: &mut impl Source) -> Session {
    Session {
        expires_at: from.number(),
        refresh_at: from.number(),
        granted_at: from.number(),
        issued_wall: from.number(),
        expires_wall: from.number(),
        retry_at: from.number(),
        fresh_retry_at: from.number(),
        resend_until: from.number(),
        sent_wall: from.number(),
        exchange: id(from),
        failures: small(from),
        probes: small(from),
        unaccepted: small(from),
        rotation: rotation(from),
        has_refresh: flag(from),
        sent: flag(from),
        void_mark: flag(from),
        lost: flag(from),
        reread: flag(from),
        confirmed: flag(from),
        accepted: flag(from),
        refused: flag(from),
        forced: flag(from),
        restored: flag(from),
        trouble: match from.below(3) {
            0 => None,
            1 => Some(Trouble::Passing(cause(from))),
            _ => Some(Trouble::Lasting(cause(from))),
        },
    }
}

fn phase(number: u8, from: &mut impl Source) -> Phase {
    match number {
        0 => Phase::Unauthenticated(Unauthenticated::Unopened),
        1 => Phase::Unauthenticated(Unauthenticated::SignedOut),
        2 => Phase::Pending(Pending::Restoring),
        3 => Phase::Pending(Pending::Looking),
        4 => Phase::Pending(Pending::LoggingIn(order(from))),
        5 => Phase::Pending(Pending::Saving),
        6 => Phase::Pending(Pending::Probing(order(from))),
        7 => Phase::Ready,
        8 => Phase::Refreshing(Refreshing::Preparing(gate(from))),
        9 => Phase::Refreshing(Refreshing::Exchanging(order(from), gate(from))),
        10 => Phase::Refreshing(Refreshing::Rechecking),
        11 => Phase::Refreshing(Refreshing::Saving),
        12 => Phase::Refreshing(Refreshing::Probing(order(from))),
        13 => Phase::Expired(Expired::Retrying),
        _ => Phase::Expired(Expired::LoginRequired(cause(from))),
    }
}

fn sync(number: u8, from: &mut impl Source) -> Option<Sync> {
    let number = number.checked_sub(1)?;
    Some(Sync {
        goal: match number / 4 {
            0 => Goal::Restore,
            1 => Goal::Look,
            2 => Goal::Mark,
            3 => Goal::Save,
            _ => Goal::Recheck,
        },
        stage: match number % 4 {
            0 => Stage::Leasing,
            1 => Stage::Loading(order(from)),
            2 => Stage::Storing(order(from)),
            _ => Stage::ReadingBack(order(from)),
        },
        tries: small(from),
    })
}

pub(super) fn slot(from: &mut impl Source) -> Slot {
    Slot {
        waiter: Waiter::from_u32(id(from)),
        fate: match from.below(4) {
            0 => Fate::Waiting,
            1 => Fate::Early,
            2 => Fate::Released,
            _ => Fate::Refused(cause(from)),
        },
        attempts: small(from),
        again: flag(from),
        until: from.number(),
    }
}

pub(super) fn machine<const W: usize>(case: Case, from: &mut impl Source) -> Machine<W> {
    let mut machine = Machine::new(config(from), from.number());
    machine.phase = phase(case.phase, from);
    machine.session = if flag(from) {
        Some(session(from))
    } else {
        None
    };
    machine.stamp = stamp(from);
    machine.ended_serial = id(from);
    machine.sync = sync(case.sync, from);
    machine.lease = match from.below(3) {
        0 => Lease::Free,
        1 => Lease::Asked(order(from)),
        _ => Lease::Held {
            ticket: id(from),
            reread: flag(from),
        },
    };
    machine.revocation = match from.below(3) {
        0 => Revocation::None,
        1 => Revocation::Waiting {
            at: from.number(),
            tries: small(from),
        },
        _ => Revocation::Ordered {
            order: order(from),
            tries: small(from),
        },
    };
    machine.waiters = Waiters::new();
    for _ in 0..case.waiting {
        machine.waiters.admit(slot(from));
    }
    machine.budget = Budget {
        arrival: from.number(),
    };
    machine.debt_seen = crate::machine::Seen {
        nonce: id(from),
        saved: from.number(),
        debt: from.number(),
    };
    machine.clock = Clock {
        now: from.number(),
        wall: from.number(),
        offset: maybe(from),
    };
    machine.random = Random(from.number());
    machine.next_ticket = id(from);
    machine.first_ticket = id(from);
    machine.version = id(from);
    machine.since = id(from);
    machine.save_at = from.number();
    machine.save_failures = small(from);
    machine.dirty = flag(from);
    machine.unbound = flag(from);
    machine.look = flag(from);
    machine.offline = flag(from);
    machine.announce = flag(from);
    machine.release = id(from);
    machine.login = if flag(from) { Some(cause(from)) } else { None };
    machine.login_told = flag(from);
    machine.ended = cause(from);
    machine.told = match from.below(5) {
        0 => State::Unauthenticated,
        1 => State::Pending,
        2 => State::Ready,
        3 => State::Refreshing,
        _ => State::Expired,
    };
    machine
}

fn found(from: &mut impl Source) -> Load {
    match from.below(3) {
        0 => Load::Absent,
        1 => Load::Corrupt(Corrupt::Checksum),
        _ => Load::Record(RecordFacts {
            stamp: stamp(from),
            saved_wall: from.number(),
            issued_wall: from.number(),
            expires_wall: from.number(),
            sent_wall: from.number(),
            sent: flag(from),
            has_refresh: flag(from),
            rotation: rotation(from),
            debt: from.number(),
        }),
    }
}

fn failure(from: &mut impl Source) -> TokenFailure {
    match from.below(9) {
        0 => TokenFailure::NotSent,
        1 => TokenFailure::Lost,
        2 => TokenFailure::RateLimited,
        3 => TokenFailure::Unavailable,
        4 => TokenFailure::InvalidGrant,
        5 => TokenFailure::InteractionRequired,
        6 => TokenFailure::Misconfigured,
        7 => TokenFailure::Unusable(GrantError::Empty),
        _ => TokenFailure::Unrecognized,
    }
}

fn challenge(from: &mut impl Source) -> ChallengeKind {
    match from.below(9) {
        0 => ChallengeKind::Absent,
        1 => ChallengeKind::OtherScheme,
        2 => ChallengeKind::NoError,
        3 => ChallengeKind::OtherError,
        4 => ChallengeKind::InvalidRequest,
        5 => ChallengeKind::InvalidToken,
        6 => ChallengeKind::InsufficientScope,
        7 => ChallengeKind::InsufficientUserAuthentication,
        _ => ChallengeKind::UseDpopNonce,
    }
}

pub(super) fn input(kind: u8, from: &mut impl Source) -> Input {
    let ticket = id(from);
    match kind {
        0 => Input::Opened,
        1 => Input::Resumed,
        2 => Input::StoreChanged,
        3 => Input::WentOffline,
        4 => Input::WentOnline,
        5 => Input::LoginStarted,
        6 => Input::Granted {
            ticket,
            grant: GrantFacts {
                expiry: match from.below(3) {
                    0 => Expiry::Unknown,
                    1 => Expiry::In(from.number()),
                    _ => Expiry::At(from.number()),
                },
                server_time: maybe(from),
                has_refresh: flag(from),
                rotated: flag(from),
                other_subject: flag(from),
            },
        },
        7 => Input::TokenFailed {
            ticket,
            failure: failure(from),
            retry_after: if flag(from) { Some(id(from)) } else { None },
        },
        8 => Input::Loaded {
            ticket,
            found: found(from),
        },
        9 => Input::LoadFailed { ticket },
        10 => Input::Stored { ticket },
        11 => Input::StoreFailed { ticket },
        12 => Input::Probed {
            ticket,
            result: match from.below(3) {
                0 => ProbeResult::Accepted,
                1 => ProbeResult::Refused,
                _ => ProbeResult::Unreachable,
            },
        },
        13 => Input::LeaseGranted { ticket },
        14 => Input::LeaseDenied { ticket },
        15 => Input::LeaseLost { ticket },
        16 => Input::Revoked { ticket },
        17 => Input::RevokeFailed { ticket },
        18 => Input::AccessRequested {
            waiter: Waiter::from_u32(ticket),
            access: match from.below(3) {
                0 => Access::First,
                1 => Access::Retry(Receipt::from_u64(from.number())),
                _ => Access::Public,
            },
        },
        19 => Input::Answered {
            receipt: Receipt::from_u64(from.number()),
            status: u16::from_le_bytes([small(from), small(from)]),
            challenge: challenge(from),
        },
        20 => Input::WaiterCancelled {
            waiter: Waiter::from_u32(ticket),
        },
        21 => Input::RefreshRequested,
        22 => Input::LogoutRequested,
        _ => Input::TimeoutReached,
    }
}
