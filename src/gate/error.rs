//! What the gate tells a task that it can't serve.

use core::fmt;

use crate::error::Rejected;
use crate::renewal::TokenFailure;
use crate::why::Cause;

/// Why a task got nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GateError {
    /// The request will not leave, for this cause.
    Refused(Cause),
    /// The latch refused the call, and nothing changed. `QueueFull`: as many tasks wait as there is room for.
    Rejected(Rejected),
    /// `try_permit` only: the request still waits.
    NotReady,
    /// The request does not wait: first `permit`, then `answered`, then, if that said `Retry`, `permit` again.
    OutOfTurn,
    /// The gate was called from inside a closure that it had called itself. Nothing changed; call it afterwards.
    Reentered,
    /// The gate has a runner already.
    Running,
    /// As many tasks watch as there is room for ([`super::WATCHERS`]).
    WatchersFull,
}

impl From<Rejected> for GateError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(cause) => cause.fmt(f),
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::NotReady => f.write_str("the request still waits"),
            Self::OutOfTurn => f.write_str("the request does not wait for a permit"),
            Self::Reentered => f.write_str("the gate was called from inside its own closure"),
            Self::Running => f.write_str("the gate has a runner already"),
            Self::WatchersFull => f.write_str("as many tasks watch as there is room for"),
        }
    }
}

impl core::error::Error for GateError {}

/// The host could not do it: the answer is the order's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "it failed, and that is all")]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host could not carry out the order")
    }
}

impl core::error::Error for Failed {}

/// How a token request failed, and when the server wants the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "what `TokenFailed` tells")]
pub struct TokenError {
    /// How.
    pub failure: TokenFailure,
    /// `Retry-After`, in seconds ([`crate::retry_after`]).
    pub retry_after: Option<u32>,
}

impl From<TokenFailure> for TokenError {
    fn from(failure: TokenFailure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl core::error::Error for TokenError {}
