//! From the library's types to their numbers, and back.

#[cfg(feature = "capi")]
use crate::challenge::ChallengeKind;
use crate::config::ConfigError;
use crate::effect::Effect;
use crate::effect::GrantType;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::RecordError;
use crate::error::Rejected;
#[cfg(feature = "capi")]
use crate::event::EventKind;
use crate::event::ProbeResult;
use crate::event::Ticket;
use crate::grant::Expiry;
use crate::grant::GrantError;
use crate::grant::TokenType;
#[cfg(feature = "capi")]
use crate::record::Corrupt;
#[cfg(feature = "recording")]
use crate::recording::RecorderError;
use crate::renewal::TokenFailure;
use crate::state::State;

use super::*;

pub(crate) const fn outcome(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Done => TL_OUTCOME_DONE,
        Outcome::Stale => TL_OUTCOME_STALE,
        Outcome::Orphaned => TL_OUTCOME_ORPHANED,
        Outcome::Login(_) => TL_OUTCOME_LOGIN,
        Outcome::Pass => TL_OUTCOME_PASS,
        Outcome::Admitted => TL_OUTCOME_ADMITTED,
        Outcome::Deliver => TL_OUTCOME_DELIVER,
        Outcome::Retry => TL_OUTCOME_RETRY,
        Outcome::Surface(cause) => TL_OUTCOME_SURFACE.saturating_add(cause.code() as i32),
    }
}

pub(crate) const fn rejected(rejected: Rejected) -> i32 {
    match rejected {
        Rejected::NotOpened => TL_ERR_NOT_OPENED,
        Rejected::AlreadyOpened => TL_ERR_ALREADY_OPENED,
        Rejected::QueueFull => TL_ERR_QUEUE_FULL,
        Rejected::DuplicateWaiter => TL_ERR_DUPLICATE_WAITER,
        Rejected::NoSession => TL_ERR_NO_SESSION,
        Rejected::Throttled => TL_ERR_THROTTLED,
        Rejected::Grant(error) => grant_error(error),
    }
}

pub(crate) const fn grant_error(error: GrantError) -> i32 {
    match error {
        GrantError::Empty => TL_ERR_GRANT_EMPTY,
        GrantError::Literal => TL_ERR_GRANT_LITERAL,
        GrantError::Quoted => TL_ERR_GRANT_QUOTED,
        GrantError::Scheme => TL_ERR_GRANT_SCHEME,
        GrantError::Character => TL_ERR_GRANT_CHARACTER,
        GrantError::TooLong => TL_ERR_GRANT_TOO_LONG,
        GrantError::Lifetime => TL_ERR_GRANT_LIFETIME,
        GrantError::TokenType => TL_ERR_GRANT_TOKEN_TYPE,
    }
}

pub(crate) const fn permit_error(error: PermitError) -> i32 {
    match error {
        PermitError::NotReady => TL_ERR_NOT_READY,
        PermitError::Unknown => TL_ERR_UNKNOWN,
        PermitError::Refused(cause) => TL_ERR_REFUSED.saturating_sub(cause.code() as i32),
    }
}

pub(crate) const fn record_error(error: RecordError) -> i32 {
    match error {
        RecordError::Stale => TL_ERR_STALE,
        RecordError::BufferTooSmall => TL_ERR_SPACE,
    }
}

#[cfg(feature = "recording")]
pub(crate) const fn recorder_error(error: RecorderError) -> i32 {
    match error {
        RecorderError::BufferTooSmall => TL_ERR_RECORDING_SPACE,
        RecorderError::NotNew => TL_ERR_RECORDING_NOT_NEW,
        RecorderError::Config(error) => config_error(error),
    }
}

pub(crate) const fn config_error(error: ConfigError) -> i32 {
    match error {
        ConfigError::LeaseWithoutStore => TL_ERR_CONFIG_LEASE_WITHOUT_STORE,
        ConfigError::ConfirmationWithoutStore => TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE,
        ConfigError::AmbientWithoutProbe => TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE,
        ConfigError::Zero(_) => TL_ERR_CONFIG_ZERO,
        ConfigError::BackoffCap => TL_ERR_CONFIG_BACKOFF_CAP,
        ConfigError::LeaseTimeout => TL_ERR_CONFIG_LEASE_TIMEOUT,
    }
}

pub(crate) const fn state(state: State) -> u32 {
    match state {
        State::Unauthenticated => TL_STATE_UNAUTHENTICATED,
        State::Pending => TL_STATE_PENDING,
        State::Ready => TL_STATE_READY,
        State::Refreshing => TL_STATE_REFRESHING,
        State::Expired => TL_STATE_EXPIRED,
    }
}

/// The kind of an order.
pub(crate) const fn effect(effect: &Effect) -> u32 {
    match effect {
        Effect::StateChanged { .. } => TL_EFFECT_STATE_CHANGED,
        Effect::Load { .. } => TL_EFFECT_LOAD,
        Effect::Store { .. } => TL_EFFECT_STORE,
        Effect::Announce => TL_EFFECT_ANNOUNCE,
        Effect::ReleaseLease { .. } => TL_EFFECT_RELEASE_LEASE,
        Effect::AcquireLease { .. } => TL_EFFECT_ACQUIRE_LEASE,
        Effect::SendTokenRequest { .. } => TL_EFFECT_SEND_TOKEN_REQUEST,
        Effect::Probe { .. } => TL_EFFECT_PROBE,
        Effect::Revoke { .. } => TL_EFFECT_REVOKE,
        Effect::RequireLogin { .. } => TL_EFFECT_REQUIRE_LOGIN,
        Effect::Refuse { .. } => TL_EFFECT_REFUSE,
        Effect::Release { .. } => TL_EFFECT_RELEASE,
    }
}

/// The ticket of an order; 0 if it has none.
pub(crate) const fn ticket(effect: &Effect) -> u32 {
    match effect {
        Effect::Load {
            ticket: Ticket(raw),
        }
        | Effect::Store {
            ticket: Ticket(raw),
        }
        | Effect::ReleaseLease {
            ticket: Ticket(raw),
        }
        | Effect::AcquireLease {
            ticket: Ticket(raw),
        }
        | Effect::SendTokenRequest {
            ticket: Ticket(raw),
            ..
        }
        | Effect::Probe {
            ticket: Ticket(raw),
        }
        | Effect::Revoke {
            ticket: Ticket(raw),
        } => *raw,
        Effect::StateChanged { .. }
        | Effect::Announce
        | Effect::RequireLogin { .. }
        | Effect::Refuse { .. }
        | Effect::Release { .. } => 0,
    }
}

pub(crate) const fn grant_type(grant_type: GrantType) -> u32 {
    match grant_type {
        GrantType::RefreshToken => TL_GRANT_TYPE_REFRESH_TOKEN,
        GrantType::Login => TL_GRANT_TYPE_LOGIN,
    }
}

#[cfg(feature = "capi")]
pub(crate) const fn event(kind: EventKind) -> u32 {
    match kind {
        EventKind::Opened => TL_EVENT_OPENED,
        EventKind::Resumed => TL_EVENT_RESUMED,
        EventKind::StoreChanged => TL_EVENT_STORE_CHANGED,
        EventKind::WentOffline => TL_EVENT_WENT_OFFLINE,
        EventKind::WentOnline => TL_EVENT_WENT_ONLINE,
        EventKind::LoginStarted => TL_EVENT_LOGIN_STARTED,
        EventKind::Granted => TL_EVENT_GRANTED,
        EventKind::TokenFailed => TL_EVENT_TOKEN_FAILED,
        EventKind::Loaded => TL_EVENT_LOADED,
        EventKind::LoadFailed => TL_EVENT_LOAD_FAILED,
        EventKind::Stored => TL_EVENT_STORED,
        EventKind::StoreFailed => TL_EVENT_STORE_FAILED,
        EventKind::Probed => TL_EVENT_PROBED,
        EventKind::LeaseGranted => TL_EVENT_LEASE_GRANTED,
        EventKind::LeaseDenied => TL_EVENT_LEASE_DENIED,
        EventKind::LeaseLost => TL_EVENT_LEASE_LOST,
        EventKind::Revoked => TL_EVENT_REVOKED,
        EventKind::RevokeFailed => TL_EVENT_REVOKE_FAILED,
        EventKind::AccessRequested => TL_EVENT_ACCESS_REQUESTED,
        EventKind::Answered => TL_EVENT_ANSWERED,
        EventKind::WaiterCancelled => TL_EVENT_WAITER_CANCELLED,
        EventKind::RefreshRequested => TL_EVENT_REFRESH_REQUESTED,
        EventKind::LogoutRequested => TL_EVENT_LOGOUT_REQUESTED,
        EventKind::TimeoutReached => TL_EVENT_TIMEOUT_REACHED,
    }
}

#[cfg(feature = "capi")]
pub(crate) const fn challenge(kind: ChallengeKind) -> u32 {
    match kind {
        ChallengeKind::Absent => TL_CHALLENGE_ABSENT,
        ChallengeKind::OtherScheme => TL_CHALLENGE_OTHER_SCHEME,
        ChallengeKind::NoError => TL_CHALLENGE_NO_ERROR,
        ChallengeKind::OtherError => TL_CHALLENGE_OTHER_ERROR,
        ChallengeKind::InvalidRequest => TL_CHALLENGE_INVALID_REQUEST,
        ChallengeKind::InvalidToken => TL_CHALLENGE_INVALID_TOKEN,
        ChallengeKind::InsufficientScope => TL_CHALLENGE_INSUFFICIENT_SCOPE,
        ChallengeKind::InsufficientUserAuthentication => {
            TL_CHALLENGE_INSUFFICIENT_USER_AUTHENTICATION
        }
        ChallengeKind::UseDpopNonce => TL_CHALLENGE_USE_DPOP_NONCE,
    }
}

#[cfg(feature = "capi")]
pub(crate) const fn corrupt(corrupt: Option<Corrupt>) -> u32 {
    match corrupt {
        None => TL_CORRUPT_NONE,
        Some(Corrupt::Truncated) => TL_CORRUPT_TRUNCATED,
        Some(Corrupt::Magic) => TL_CORRUPT_MAGIC,
        Some(Corrupt::Version) => TL_CORRUPT_VERSION,
        Some(Corrupt::Checksum) => TL_CORRUPT_CHECKSUM,
        Some(Corrupt::Content) => TL_CORRUPT_CONTENT,
    }
}

pub(crate) const fn token_type(number: u32) -> Option<TokenType> {
    match number {
        TL_TOKEN_TYPE_BEARER => Some(TokenType::Bearer),
        TL_TOKEN_TYPE_DPOP => Some(TokenType::Dpop),
        _ => None,
    }
}

pub(crate) const fn expiry(number: u32, millis: u64) -> Option<Expiry> {
    match number {
        TL_EXPIRY_UNKNOWN => Some(Expiry::Unknown),
        TL_EXPIRY_IN => Some(Expiry::In(millis)),
        TL_EXPIRY_AT => Some(Expiry::At(millis)),
        _ => None,
    }
}

pub(crate) const fn probe_result(number: u32) -> Option<ProbeResult> {
    match number {
        TL_PROBE_ACCEPTED => Some(ProbeResult::Accepted),
        TL_PROBE_REFUSED => Some(ProbeResult::Refused),
        TL_PROBE_UNREACHABLE => Some(ProbeResult::Unreachable),
        _ => None,
    }
}

#[cfg(feature = "capi")]
pub(crate) const fn failure(failure: TokenFailure) -> u32 {
    match failure {
        TokenFailure::NotSent => TL_FAILURE_NOT_SENT,
        TokenFailure::Lost => TL_FAILURE_LOST,
        TokenFailure::RateLimited => TL_FAILURE_RATE_LIMITED,
        TokenFailure::Unavailable => TL_FAILURE_UNAVAILABLE,
        TokenFailure::InvalidGrant => TL_FAILURE_INVALID_GRANT,
        TokenFailure::InteractionRequired => TL_FAILURE_INTERACTION_REQUIRED,
        TokenFailure::Misconfigured => TL_FAILURE_MISCONFIGURED,
        TokenFailure::Unrecognized => TL_FAILURE_UNRECOGNIZED,
        TokenFailure::Unusable(error) => match error {
            GrantError::Empty => TL_FAILURE_UNUSABLE_EMPTY,
            GrantError::Literal => TL_FAILURE_UNUSABLE_LITERAL,
            GrantError::Quoted => TL_FAILURE_UNUSABLE_QUOTED,
            GrantError::Scheme => TL_FAILURE_UNUSABLE_SCHEME,
            GrantError::Character => TL_FAILURE_UNUSABLE_CHARACTER,
            GrantError::TooLong => TL_FAILURE_UNUSABLE_TOO_LONG,
            GrantError::Lifetime => TL_FAILURE_UNUSABLE_LIFETIME,
            GrantError::TokenType => TL_FAILURE_UNUSABLE_TOKEN_TYPE,
        },
    }
}

pub(crate) const fn token_failure(number: u32) -> Option<TokenFailure> {
    let error = match number {
        TL_FAILURE_NOT_SENT => return Some(TokenFailure::NotSent),
        TL_FAILURE_LOST => return Some(TokenFailure::Lost),
        TL_FAILURE_RATE_LIMITED => return Some(TokenFailure::RateLimited),
        TL_FAILURE_UNAVAILABLE => return Some(TokenFailure::Unavailable),
        TL_FAILURE_INVALID_GRANT => return Some(TokenFailure::InvalidGrant),
        TL_FAILURE_INTERACTION_REQUIRED => return Some(TokenFailure::InteractionRequired),
        TL_FAILURE_MISCONFIGURED => return Some(TokenFailure::Misconfigured),
        TL_FAILURE_UNRECOGNIZED => return Some(TokenFailure::Unrecognized),
        TL_FAILURE_UNUSABLE_EMPTY => GrantError::Empty,
        TL_FAILURE_UNUSABLE_LITERAL => GrantError::Literal,
        TL_FAILURE_UNUSABLE_QUOTED => GrantError::Quoted,
        TL_FAILURE_UNUSABLE_SCHEME => GrantError::Scheme,
        TL_FAILURE_UNUSABLE_CHARACTER => GrantError::Character,
        TL_FAILURE_UNUSABLE_TOO_LONG => GrantError::TooLong,
        TL_FAILURE_UNUSABLE_LIFETIME => GrantError::Lifetime,
        TL_FAILURE_UNUSABLE_TOKEN_TYPE => GrantError::TokenType,
        _ => return None,
    };
    Some(TokenFailure::Unusable(error))
}

#[cfg(feature = "capi")]
pub(crate) const fn challenge_kind(number: u32) -> Option<ChallengeKind> {
    match number {
        TL_CHALLENGE_ABSENT => Some(ChallengeKind::Absent),
        TL_CHALLENGE_OTHER_SCHEME => Some(ChallengeKind::OtherScheme),
        TL_CHALLENGE_NO_ERROR => Some(ChallengeKind::NoError),
        TL_CHALLENGE_OTHER_ERROR => Some(ChallengeKind::OtherError),
        TL_CHALLENGE_INVALID_REQUEST => Some(ChallengeKind::InvalidRequest),
        TL_CHALLENGE_INVALID_TOKEN => Some(ChallengeKind::InvalidToken),
        TL_CHALLENGE_INSUFFICIENT_SCOPE => Some(ChallengeKind::InsufficientScope),
        TL_CHALLENGE_INSUFFICIENT_USER_AUTHENTICATION => {
            Some(ChallengeKind::InsufficientUserAuthentication)
        }
        TL_CHALLENGE_USE_DPOP_NONCE => Some(ChallengeKind::UseDpopNonce),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Cause;

    const GRANT_ERRORS: [GrantError; 8] = [
        GrantError::Empty,
        GrantError::Literal,
        GrantError::Quoted,
        GrantError::Scheme,
        GrantError::Character,
        GrantError::TooLong,
        GrantError::Lifetime,
        GrantError::TokenType,
    ];

    #[test]
    fn outcomes_and_errors_have_the_numbers_of_the_table() {
        let ticket = Ticket(1);
        let outcomes = [
            Outcome::Done,
            Outcome::Stale,
            Outcome::Orphaned,
            Outcome::Login(ticket),
            Outcome::Pass,
            Outcome::Admitted,
            Outcome::Deliver,
            Outcome::Retry,
        ];
        assert_eq!(outcomes.map(outcome), [0, 1, 2, 3, 4, 5, 6, 7]);
        let rejections = [
            Rejected::NotOpened,
            Rejected::AlreadyOpened,
            Rejected::QueueFull,
            Rejected::DuplicateWaiter,
            Rejected::NoSession,
            Rejected::Throttled,
        ];
        assert_eq!(rejections.map(rejected), [-10, -11, -12, -13, -14, -15]);
        let numbers = GRANT_ERRORS.map(|error| rejected(Rejected::Grant(error)));
        assert_eq!(numbers, [-20, -21, -22, -23, -24, -25, -26, -27]);
        let permits = [PermitError::NotReady, PermitError::Unknown];
        assert_eq!(permits.map(permit_error), [-30, -31]);
        let records = [RecordError::Stale, RecordError::BufferTooSmall];
        assert_eq!(records.map(record_error), [-5, -4]);
        let configs = [
            ConfigError::LeaseWithoutStore,
            ConfigError::ConfirmationWithoutStore,
            ConfigError::AmbientWithoutProbe,
            ConfigError::Zero("budget"),
            ConfigError::BackoffCap,
            ConfigError::LeaseTimeout,
        ];
        assert_eq!(configs.map(config_error), [-40, -41, -42, -43, -44, -45]);
        for cause in Cause::ALL {
            let code = i32::from(cause.code());
            assert_eq!(outcome(Outcome::Surface(*cause)), 256 + code);
            assert_eq!(permit_error(PermitError::Refused(*cause)), -1000 - code);
        }
    }

    #[test]
    fn orders_have_the_numbers_of_the_table_and_their_tickets() {
        use crate::waiters::Waiter;
        let (ticket, state, cause) = (Ticket(9), State::Ready, Cause::Offline);
        let (waiter, grant_type) = (Waiter::from_u32(5), GrantType::Login);
        let orders = [
            (Effect::StateChanged { state }, 0),
            (Effect::Load { ticket }, 9),
            (Effect::Store { ticket }, 9),
            (Effect::Announce, 0),
            (Effect::ReleaseLease { ticket }, 9),
            (Effect::AcquireLease { ticket }, 9),
            (Effect::SendTokenRequest { ticket, grant_type }, 9),
            (Effect::Probe { ticket }, 9),
            (Effect::Revoke { ticket }, 9),
            (Effect::RequireLogin { cause }, 0),
            (Effect::Refuse { waiter, cause }, 0),
            (Effect::Release { waiter }, 0),
        ];
        for ((order, its), number) in orders.iter().zip(1..) {
            assert_eq!((effect(order), super::ticket(order)), (number, *its));
        }
        let states = [
            State::Unauthenticated,
            State::Pending,
            State::Ready,
            State::Refreshing,
            State::Expired,
        ];
        assert_eq!(states.map(super::state), [0, 1, 2, 3, 4]);
        let types = [GrantType::RefreshToken, GrantType::Login];
        assert_eq!(types.map(super::grant_type), [0, 1]);
    }

    /// Each number means one thing, and that thing has this number.
    #[test]
    fn numbers_mean_what_they_stand_for() {
        let failures = (0..1_000).filter_map(token_failure);
        assert_eq!(failures.count(), 16);
        #[cfg(feature = "capi")]
        for number in 0..1_000 {
            if let Some(read) = token_failure(number) {
                assert_eq!(failure(read), number);
            }
            if let Some(kind) = challenge_kind(number) {
                assert_eq!(challenge(kind), number);
            }
        }
        #[cfg(feature = "capi")]
        assert_eq!((0..1_000).filter_map(challenge_kind).count(), 9);
        let expiries = [Expiry::Unknown, Expiry::In(5), Expiry::At(5)].map(Some);
        assert_eq!([0, 1, 2].map(|number| expiry(number, 5)), expiries);
        assert_eq!(expiry(3, 5), None);
        let types = [Some(TokenType::Bearer), Some(TokenType::Dpop), None];
        assert_eq!([0, 1, 2].map(token_type), types);
        let results = [
            Some(ProbeResult::Accepted),
            Some(ProbeResult::Refused),
            Some(ProbeResult::Unreachable),
            None,
        ];
        assert_eq!([0, 1, 2, 3].map(probe_result), results);
    }
}
