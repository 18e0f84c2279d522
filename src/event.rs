//! Facts that the host tells the latch.

use crate::challenge::ChallengeKind;
use crate::grant::Grant;
use crate::renewal::TokenFailure;
use crate::waiters::{Receipt, Waiter};

/// The id of an order. It comes back with the answer; an answer with another id, or a second one, is `Stale` (P4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(crate) u32);

impl Ticket {
    /// As a number, for hosts that pass integers.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }

    /// From the number; any number is safe, an unknown one is `Stale`.
    #[must_use]
    pub const fn from_u32(raw: u32) -> Self {
        Self(raw)
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "first, again or never")]
pub enum Access {
    /// A token; it was not sent yet.
    First,
    /// A token; the outcome of its last attempt, with this receipt, was `Retry`.
    Retry(Receipt),
    /// None: it passes at once, in any state, and its answer is not the latch's (a visitor's page, the login).
    Public,
}

/// What a probe showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "accepted, refused or no answer")]
pub enum ProbeResult {
    /// The server took the credential (2xx).
    Accepted,
    /// The server answered 401.
    Refused,
    /// No answer, or one that says nothing about the credential (5xx, 429, HTML).
    Unreachable,
}

/// A fact. Each may be told at any time; what does not fit is refused (`Err`, nothing changed) or `Stale`.
///
/// Its `Debug` is the kind alone, since a grant and a record hold secrets (P13).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The host is ready to carry out orders. First event, once; requests may wait before it.
    Opened,
    /// The context was hidden, asleep or in a cache and is back (page shown, onShow, wake): the gate closes
    /// until the store has been looked at again.
    Resumed,
    /// Another context announced, or the platform reported, a change of the store.
    StoreChanged,
    /// No network: token requests wait, no budget is spent.
    WentOffline,
    /// The network is back.
    WentOnline,
    /// A login begins. The outcome `Login` carries the ticket for its result; an earlier login is superseded.
    /// A token's lifetime counts from here, so tell it when the request is sent, again if need be.
    LoginStarted,
    /// A login or a token request succeeded.
    Granted {
        /// From `Outcome::Login` or `Effect::SendTokenRequest`.
        ticket: Ticket,
        /// What was given.
        grant: Grant<'a>,
    },
    /// A login or a token request failed.
    TokenFailed {
        /// From `Outcome::Login` or `Effect::SendTokenRequest`.
        ticket: Ticket,
        /// How.
        failure: TokenFailure,
        /// `Retry-After`, in seconds ([`crate::retry_after`]).
        retry_after: Option<u32>,
    },
    /// The store was read.
    Loaded {
        /// From `Effect::Load`.
        ticket: Ticket,
        /// What stood there, byte for byte; `None` if nothing did.
        record: Option<&'a [u8]>,
    },
    /// The store could not be read.
    LoadFailed {
        /// From `Effect::Load`.
        ticket: Ticket,
    },
    /// The record is written and will survive a crash.
    Stored {
        /// From `Effect::Store`.
        ticket: Ticket,
    },
    /// The record could not be written.
    StoreFailed {
        /// From `Effect::Store`.
        ticket: Ticket,
    },
    /// A probe was answered, or not.
    Probed {
        /// From `Effect::Probe`.
        ticket: Ticket,
        /// What it showed.
        result: ProbeResult,
    },
    /// The lease is ours.
    LeaseGranted {
        /// From `Effect::AcquireLease`.
        ticket: Ticket,
    },
    /// The lease can't be had.
    LeaseDenied {
        /// From `Effect::AcquireLease`.
        ticket: Ticket,
    },
    /// The lease was taken away while we held it.
    LeaseLost {
        /// From `Effect::AcquireLease`.
        ticket: Ticket,
    },
    /// The token is revoked, or the server has no revocation (RFC 7009).
    Revoked {
        /// From `Effect::Revoke`.
        ticket: Ticket,
    },
    /// The revocation did not reach the server.
    RevokeFailed {
        /// From `Effect::Revoke`.
        ticket: Ticket,
    },
    /// A request wants to leave.
    AccessRequested {
        /// The host's id for it, unique among those that wait.
        waiter: Waiter,
        /// For the first time, again, or without a token.
        access: Access,
    },
    /// A request was answered by the API, whatever the status. A 401 that hides in a 200 body is told as 401.
    Answered {
        /// From the permit.
        receipt: Receipt,
        /// HTTP status.
        status: u16,
        /// What `WWW-Authenticate` said ([`crate::Challenge`]).
        challenge: ChallengeKind,
    },
    /// The owner of a waiting request gave it up.
    WaiterCancelled {
        /// The host's id.
        waiter: Waiter,
    },
    /// Renew now, whatever the timer says: the token lacks something new (a claims challenge, changed permissions).
    /// Joins a renewal under way. The old token is not used until the server has renewed it, or has refused to.
    RefreshRequested,
    /// The user signs out. On return nothing can leave and no secret can be read (P6).
    LogoutRequested,
    /// The time of `poll_timeout()` has come. Calling too early or too often is harmless.
    TimeoutReached,
}

/// The kinds of event, for the trace and for tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[expect(missing_docs, reason = "one for one the variants of `Event`")]
pub enum EventKind {
    Opened,
    Resumed,
    StoreChanged,
    WentOffline,
    WentOnline,
    LoginStarted,
    Granted,
    TokenFailed,
    Loaded,
    LoadFailed,
    Stored,
    StoreFailed,
    Probed,
    LeaseGranted,
    LeaseDenied,
    LeaseLost,
    Revoked,
    RevokeFailed,
    AccessRequested,
    Answered,
    WaiterCancelled,
    RefreshRequested,
    LogoutRequested,
    TimeoutReached,
}

impl core::fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.kind().fmt(f)
    }
}

impl Event<'_> {
    /// Which kind of event this is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Opened => EventKind::Opened,
            Self::Resumed => EventKind::Resumed,
            Self::StoreChanged => EventKind::StoreChanged,
            Self::WentOffline => EventKind::WentOffline,
            Self::WentOnline => EventKind::WentOnline,
            Self::LoginStarted => EventKind::LoginStarted,
            Self::Granted { .. } => EventKind::Granted,
            Self::TokenFailed { .. } => EventKind::TokenFailed,
            Self::Loaded { .. } => EventKind::Loaded,
            Self::LoadFailed { .. } => EventKind::LoadFailed,
            Self::Stored { .. } => EventKind::Stored,
            Self::StoreFailed { .. } => EventKind::StoreFailed,
            Self::Probed { .. } => EventKind::Probed,
            Self::LeaseGranted { .. } => EventKind::LeaseGranted,
            Self::LeaseDenied { .. } => EventKind::LeaseDenied,
            Self::LeaseLost { .. } => EventKind::LeaseLost,
            Self::Revoked { .. } => EventKind::Revoked,
            Self::RevokeFailed { .. } => EventKind::RevokeFailed,
            Self::AccessRequested { .. } => EventKind::AccessRequested,
            Self::Answered { .. } => EventKind::Answered,
            Self::WaiterCancelled { .. } => EventKind::WaiterCancelled,
            Self::RefreshRequested => EventKind::RefreshRequested,
            Self::LogoutRequested => EventKind::LogoutRequested,
            Self::TimeoutReached => EventKind::TimeoutReached,
        }
    }
}
