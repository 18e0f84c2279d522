//! Orders that the latch gives the host, and what it answers at once.

use crate::event::Ticket;
use crate::state::State;
use crate::waiters::Waiter;
use crate::why::Cause;

/// What a token request is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GrantType {
    /// RFC 6749 6, with [`crate::Latch::refresh_token`].
    RefreshToken,
    /// The host's own login call that needs no user.
    Login,
}

/// An order. Carry it out and answer with its ticket; a newer order of a kind replaces the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Effect {
    /// The state is now this one. For the app's display: nothing has to be answered.
    StateChanged {
        /// The state.
        state: State,
    },
    /// Read the store; answer `Loaded` or `LoadFailed`.
    Load {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Write [`crate::Latch::record`] to the store, in one piece; answer `Stored` or `StoreFailed`. Writes are
    /// carried out in the order they were given.
    Store {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Tell the other contexts that the store changed. It carries nothing: they read the store.
    Announce,
    /// Give the lease up, or stop waiting for it.
    ReleaseLease {
        /// Of the `AcquireLease`.
        ticket: Ticket,
    },
    /// Get the lease between contexts; answer `LeaseGranted` or `LeaseDenied`.
    AcquireLease {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Send a token request; answer `Granted` or `TokenFailed`. A DPoP nonce that the token endpoint asks for
    /// (RFC 9449 8) is the host's affair within the same order: send again with it.
    SendTokenRequest {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Of which kind.
        grant_type: GrantType,
    },
    /// Make a cheap request with the credential ([`crate::Latch::probe_permit`]); answer `Probed`.
    Probe {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Revoke [`crate::Latch::revocation`] (RFC 7009); answer `Revoked` or `RevokeFailed`. It is empty for a cookie
    /// session: call the server's logout, so that the cookie ends too.
    Revoke {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Nobody can be served until someone logs in. Given out once, and again if a request has waited in vain.
    ///
    /// Where several contexts share a store and the credentials work only once (a refresh token from outside), the
    /// host holds its lease while it logs in, and looks first whether another context has done so
    /// ([`crate::inspect`]; then it tells `StoreChanged` instead).
    RequireLogin {
        /// Why.
        cause: Cause,
    },
    /// This request will not leave. It waits no longer.
    Refuse {
        /// The host's id.
        waiter: Waiter,
        /// Why.
        cause: Cause,
    },
    /// This request may leave: claim its permit ([`crate::Latch::permit`]).
    Release {
        /// The host's id.
        waiter: Waiter,
    },
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// Taken. Drain the effects.
    Done,
    /// The id is unknown, superseded or answered already: nothing changed (P4). An API's answer with such a receipt may
    /// still be shown to whoever asked.
    Stale,
    /// The grant belongs to a sign-in that is over: nothing changed, and the tokens are nobody's. Revoke them.
    Orphaned,
    /// A login began; this ticket goes with its result.
    Login(Ticket),
    /// The request needs no token: send it as it is.
    Pass,
    /// The request waits; a `Release` or `Refuse` will name it.
    Admitted,
    /// The answer is the application's.
    Deliver,
    /// Not the application's: request access again with this receipt.
    Retry,
    /// Give the answer, or this cause, to the application; sending again can't help.
    Surface(Cause),
}
