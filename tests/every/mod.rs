//! Every value of what has no list of its own in the library.

use tokenlatch::ChallengeKind;
use tokenlatch::GrantError;
use tokenlatch::TokenFailure;

/// In the order of its numbers.
pub(crate) const GRANT_ERRORS: [GrantError; 8] = [
    GrantError::Empty,
    GrantError::Literal,
    GrantError::Quoted,
    GrantError::Scheme,
    GrantError::Character,
    GrantError::TooLong,
    GrantError::Lifetime,
    GrantError::TokenType,
];

pub(crate) const FAILURES: [TokenFailure; 16] = [
    TokenFailure::NotSent,
    TokenFailure::Lost,
    TokenFailure::RateLimited,
    TokenFailure::Unavailable,
    TokenFailure::InvalidGrant,
    TokenFailure::InteractionRequired,
    TokenFailure::Misconfigured,
    TokenFailure::Unrecognized,
    TokenFailure::Unusable(GrantError::Empty),
    TokenFailure::Unusable(GrantError::Literal),
    TokenFailure::Unusable(GrantError::Quoted),
    TokenFailure::Unusable(GrantError::Scheme),
    TokenFailure::Unusable(GrantError::Character),
    TokenFailure::Unusable(GrantError::TooLong),
    TokenFailure::Unusable(GrantError::Lifetime),
    TokenFailure::Unusable(GrantError::TokenType),
];

pub(crate) const CHALLENGES: [ChallengeKind; 9] = [
    ChallengeKind::Absent,
    ChallengeKind::OtherScheme,
    ChallengeKind::NoError,
    ChallengeKind::OtherError,
    ChallengeKind::InvalidRequest,
    ChallengeKind::InvalidToken,
    ChallengeKind::InsufficientScope,
    ChallengeKind::InsufficientUserAuthentication,
    ChallengeKind::UseDpopNonce,
];
