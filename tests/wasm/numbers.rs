//! What the library's types are in numbers, as the documentation of the context has it.

use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::Effect;
use tokenlatch::GrantError;
use tokenlatch::GrantType;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::Renewal;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiting;
use tokenlatch::numbers::*;

use crate::every::GRANT_ERRORS;

/// The values of a configuration's fields, in the order of their places.
pub(crate) fn values(config: &Config) -> [u32; 28] {
    [
        config.store.into(),
        match config.confirmation {
            Confirmation::Memory => TL_CONFIRMATION_MEMORY,
            Confirmation::Stored => TL_CONFIRMATION_STORED,
            Confirmation::ReadBack => TL_CONFIRMATION_READ_BACK,
            Confirmation::Probed => TL_CONFIRMATION_PROBED,
        },
        u32::from(config.lease == LeaseMode::Host),
        u32::from(config.credential == Credential::Ambient),
        u32::from(config.renewal == Renewal::Login),
        u32::from(config.when_signed_out == Waiting::Refuse),
        u32::from(config.when_unavailable == Waiting::Refuse),
        config.serve_while_refreshing.into(),
        config.require_challenge.into(),
        config.wait_limit_ms,
        config.max_attempts.into(),
        config.refresh_margin_ms,
        config.backoff_base_ms,
        config.backoff_cap_ms,
        config.retry_after_cap_ms,
        config.budget.into(),
        config.budget_window_ms,
        config.reuse_grace_ms,
        config.fresh_window_ms,
        config.fresh_retry_ms,
        config.clock_tolerance_ms,
        config.store_timeout_ms,
        config.token_timeout_ms,
        config.probe_timeout_ms,
        config.revoke_timeout_ms,
        config.lease_timeout_ms,
        config.login_timeout_ms,
        config.attempts.into(),
    ]
}

pub(crate) fn clocks(now: Now) -> (f64, f64) {
    let wall = now.wall.unwrap_or_default();
    (now.monotonic.as_millis() as f64, wall as f64)
}

fn place(error: GrantError) -> u32 {
    (0..)
        .zip(GRANT_ERRORS)
        .find_map(|(at, other)| (other == error).then_some(at))
        .expect("it is listed")
}

pub(crate) fn failure_of(failure: TokenFailure) -> u32 {
    match failure {
        TokenFailure::NotSent => TL_FAILURE_NOT_SENT,
        TokenFailure::Lost => TL_FAILURE_LOST,
        TokenFailure::RateLimited => TL_FAILURE_RATE_LIMITED,
        TokenFailure::Unavailable => TL_FAILURE_UNAVAILABLE,
        TokenFailure::InvalidGrant => TL_FAILURE_INVALID_GRANT,
        TokenFailure::InteractionRequired => TL_FAILURE_INTERACTION_REQUIRED,
        TokenFailure::Misconfigured => TL_FAILURE_MISCONFIGURED,
        TokenFailure::Unrecognized => TL_FAILURE_UNRECOGNIZED,
        TokenFailure::Unusable(error) => TL_FAILURE_UNUSABLE_EMPTY + place(error),
        other => panic!("{other:?} has no number here"),
    }
}

/// A header that says this.
pub(crate) fn header_of(challenge: ChallengeKind) -> &'static str {
    match challenge {
        ChallengeKind::Absent => "",
        ChallengeKind::OtherScheme => "Basic realm=\"x\"",
        ChallengeKind::NoError => "Bearer",
        ChallengeKind::OtherError => "Bearer error=\"x\"",
        ChallengeKind::InvalidRequest => "Bearer error=\"invalid_request\"",
        ChallengeKind::InvalidToken => "DPoP error=\"invalid_token\"",
        ChallengeKind::InsufficientScope => "Bearer error=insufficient_scope",
        ChallengeKind::InsufficientUserAuthentication => {
            "Bearer error=\"insufficient_user_authentication\""
        }
        _ => "DPoP error=\"use_dpop_nonce\"",
    }
}

pub(crate) fn outcome_of(outcome: Result<Outcome, Rejected>) -> i32 {
    match outcome {
        Ok(Outcome::Done) => TL_OUTCOME_DONE,
        Ok(Outcome::Stale) => TL_OUTCOME_STALE,
        Ok(Outcome::Orphaned) => TL_OUTCOME_ORPHANED,
        Ok(Outcome::Login(_)) => TL_OUTCOME_LOGIN,
        Ok(Outcome::Admitted) => TL_OUTCOME_ADMITTED,
        Ok(Outcome::Deliver) => TL_OUTCOME_DELIVER,
        Ok(Outcome::Retry) => TL_OUTCOME_RETRY,
        Ok(Outcome::Surface(cause)) => TL_OUTCOME_SURFACE + i32::from(cause.code()),
        Err(Rejected::NotOpened) => TL_ERR_NOT_OPENED,
        Err(Rejected::AlreadyOpened) => TL_ERR_ALREADY_OPENED,
        Err(Rejected::QueueFull) => TL_ERR_QUEUE_FULL,
        Err(Rejected::DuplicateWaiter) => TL_ERR_DUPLICATE_WAITER,
        Err(Rejected::NoSession) => TL_ERR_NO_SESSION,
        Err(Rejected::Throttled) => TL_ERR_THROTTLED,
        Err(Rejected::Grant(error)) => TL_ERR_GRANT_EMPTY - place(error).cast_signed(),
        other => panic!("{other:?} has no number here"),
    }
}

pub(crate) fn order_of(effect: Effect) -> (u32, [f64; 2]) {
    let ticket = |ticket: Ticket| [f64::from(ticket.as_u32()), 0.0];
    match effect {
        Effect::StateChanged { state } => (TL_EFFECT_STATE_CHANGED, [f64::from(state as u32), 0.0]),
        Effect::Load { ticket: its } => (TL_EFFECT_LOAD, ticket(its)),
        Effect::Store { ticket: its } => (TL_EFFECT_STORE, ticket(its)),
        Effect::Announce => (TL_EFFECT_ANNOUNCE, [0.0; 2]),
        Effect::ReleaseLease { ticket: its } => (TL_EFFECT_RELEASE_LEASE, ticket(its)),
        Effect::AcquireLease { ticket: its } => (TL_EFFECT_ACQUIRE_LEASE, ticket(its)),
        Effect::SendTokenRequest {
            ticket: its,
            grant_type,
        } => {
            let grant_type = f64::from(u8::from(grant_type == GrantType::Login));
            (TL_EFFECT_SEND_TOKEN_REQUEST, [ticket(its)[0], grant_type])
        }
        Effect::Probe { ticket: its } => (TL_EFFECT_PROBE, ticket(its)),
        Effect::Revoke { ticket: its } => (TL_EFFECT_REVOKE, ticket(its)),
        Effect::RequireLogin { cause } => (TL_EFFECT_REQUIRE_LOGIN, [0.0, f64::from(cause.code())]),
        Effect::Refuse { waiter, cause } => {
            let id = f64::from(waiter.as_u32());
            (TL_EFFECT_REFUSE, [id, f64::from(cause.code())])
        }
        Effect::Release { waiter } => (TL_EFFECT_RELEASE, [f64::from(waiter.as_u32()), 0.0]),
        other => panic!("{other:?} has no number here"),
    }
}
