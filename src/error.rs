//! What the caller did wrong. A refused call changes nothing (P14).

use crate::grant::GrantError;
use crate::why::Cause;

/// Why `handle` refused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Rejected {
    /// `Opened` comes first.
    NotOpened,
    /// `Opened` was told already.
    AlreadyOpened,
    /// As many requests wait as the latch has room for: try again when one has ended.
    QueueFull,
    /// A request with this id waits already.
    DuplicateWaiter,
    /// The grant can't be used. Tell it corrected, or tell `TokenFailed` with `Unusable`.
    Grant(GrantError),
    /// There is no session to renew, or nothing to renew it with: no refresh token, and no login without a user.
    NoSession,
    /// The budget of token requests is spent: try again later.
    Throttled,
}

impl core::fmt::Display for Rejected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotOpened => f.write_str("`Opened` was not told yet"),
            Self::AlreadyOpened => f.write_str("`Opened` was told already"),
            Self::QueueFull => f.write_str("as many requests wait as there is room for"),
            Self::DuplicateWaiter => f.write_str("a request with this id waits already"),
            Self::Grant(error) => error.fmt(f),
            Self::NoSession => f.write_str("there is no session to renew"),
            Self::Throttled => f.write_str("the budget of token requests is spent"),
        }
    }
}

impl core::error::Error for Rejected {}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PermitError {
    /// Not released, or the gate closed again since: the request still waits, a `Release` will come.
    NotReady,
    /// The request was refused and waits no longer.
    Refused(Cause),
    /// No such request waits, or no such probe is under way.
    Unknown,
}

impl core::fmt::Display for PermitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotReady => f.write_str("the request still waits"),
            Self::Refused(cause) => cause.fmt(f),
            Self::Unknown => f.write_str("no such request waits"),
        }
    }
}

impl core::error::Error for PermitError {}

/// Why the record was not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecordError {
    /// The ticket is not that of the store order under way.
    Stale,
    /// The buffer is smaller than [`crate::Latch::RECORD_CAPACITY`] and the record does not fit.
    BufferTooSmall,
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stale => f.write_str("this store order was superseded"),
            Self::BufferTooSmall => f.write_str("the record does not fit the buffer"),
        }
    }
}

impl core::error::Error for RecordError {}
