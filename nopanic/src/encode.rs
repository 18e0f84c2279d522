//! Numbers for what the library answers.

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Effect;
use tokenlatch::Expiry;
use tokenlatch::Generation;
use tokenlatch::GrantError;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::RecordError;
use tokenlatch::Rejected;
use tokenlatch::TokenFailure;

use crate::memory::MaybeU64;

pub(crate) const REJECTED: u64 = 1 << 63;

pub(crate) fn now(millis: u64, wall: MaybeU64) -> Now {
    match wall.get() {
        Some(wall) => Now::new(millis, wall),
        None => Now::monotonic(millis),
    }
}

pub(crate) fn cause(cause: Cause) -> u64 {
    u64::from(cause.code())
}

pub(crate) fn outcome(result: Result<Outcome, Rejected>) -> u64 {
    match result {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Stale) => 1,
        Ok(Outcome::Orphaned) => 2,
        Ok(Outcome::Login(ticket)) => 3 | (u64::from(ticket.as_u32()) << 8),
        Ok(Outcome::Pass) => 4,
        Ok(Outcome::Admitted) => 5,
        Ok(Outcome::Deliver) => 6,
        Ok(Outcome::Retry) => 7,
        Ok(Outcome::Surface(why)) => 8 | (cause(why) << 8),
        Ok(_) => 9,
        Err(why) => REJECTED | rejected(why),
    }
}

fn rejected(why: Rejected) -> u64 {
    match why {
        Rejected::NotOpened => 0,
        Rejected::AlreadyOpened => 1,
        Rejected::QueueFull => 2,
        Rejected::DuplicateWaiter => 3,
        Rejected::Grant(error) => 4 | (grant_error(error) << 8),
        Rejected::NoSession => 5,
        Rejected::Throttled => 6,
        _ => 7,
    }
}

pub(crate) fn grant_error(error: GrantError) -> u64 {
    match error {
        GrantError::Empty => 0,
        GrantError::Literal => 1,
        GrantError::Quoted => 2,
        GrantError::Scheme => 3,
        GrantError::Character => 4,
        GrantError::TooLong => 5,
        GrantError::Lifetime => 6,
        GrantError::TokenType => 7,
        _ => 8,
    }
}

pub(crate) fn permit_error(error: PermitError) -> u64 {
    match error {
        PermitError::NotReady => 1,
        PermitError::Refused(why) => 2 | (cause(why) << 8),
        PermitError::Unknown => 3,
        _ => 4,
    }
}

pub(crate) fn record_error(error: RecordError) -> usize {
    match error {
        RecordError::Stale => usize::MAX,
        _ => usize::MAX - 1,
    }
}

pub(crate) fn generation(generation: Generation) -> u64 {
    (u64::from(generation.sign_in) << 32) | u64::from(generation.serial)
}

pub(crate) fn effect(effect: Option<Effect>) -> u64 {
    let with = |kind: u64, value: u64| kind | (value << 8);
    match effect {
        None => 0,
        Some(Effect::StateChanged { state }) => with(1, state as u64),
        Some(Effect::Load { ticket }) => with(2, ticket.as_u32().into()),
        Some(Effect::Store { ticket }) => with(3, ticket.as_u32().into()),
        Some(Effect::Announce) => 4,
        Some(Effect::ReleaseLease { ticket }) => with(5, ticket.as_u32().into()),
        Some(Effect::AcquireLease { ticket }) => with(6, ticket.as_u32().into()),
        Some(Effect::SendTokenRequest { ticket, grant_type }) => {
            with(7, ticket.as_u32().into()) | ((grant_type as u64) << 40)
        }
        Some(Effect::Probe { ticket }) => with(8, ticket.as_u32().into()),
        Some(Effect::Revoke { ticket }) => with(9, ticket.as_u32().into()),
        Some(Effect::RequireLogin { cause: why }) => with(10, cause(why)),
        Some(Effect::Refuse { waiter, cause: why }) => {
            with(11, waiter.as_u32().into()) | (cause(why) << 40)
        }
        Some(Effect::Release { waiter }) => with(12, waiter.as_u32().into()),
        Some(_) => 13,
    }
}

pub(crate) fn challenge(number: u8) -> ChallengeKind {
    match number {
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

pub(crate) fn failure(number: u8) -> TokenFailure {
    match number {
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

pub(crate) fn expiry(kind: u8, millis: u64) -> Expiry {
    match kind {
        0 => Expiry::Unknown,
        1 => Expiry::In(millis),
        _ => Expiry::At(millis),
    }
}
