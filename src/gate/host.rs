//! What the runner asks of the host.

use super::error::Failed;
use super::error::TokenError;
use crate::effect::GrantType;
use crate::event::ProbeResult;
use crate::grant::Grant;
use crate::permit::Permit;
use crate::time::Instant;
use crate::why::Cause;

/// A token request to be sent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TokenRequest<'a> {
    /// Of which kind.
    pub grant_type: GrantType,
    /// The refresh token; empty for another kind of grant.
    pub refresh_token: &'a str,
}

impl core::fmt::Debug for TokenRequest<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TokenRequest")
            .field("grant_type", &self.grant_type)
            .finish_non_exhaustive()
    }
}

/// What carries the orders out: a store, a network, a timer.
///
/// The runner calls each method with one order at a time, but different methods overlap: a sign-out is written while
/// a token request hangs. So they take `&self`, and what two of them share (a connection, a flash driver) is behind
/// the host's own async mutex. Of `revoke` two calls may overlap: that of a sign-out, and that of a token which came after
/// it and is nobody's.
///
/// The returned futures must be cancel-safe: one is dropped when a newer order replaces its own, when its deadline
/// has passed, or when the runner is dropped. What it had begun may then be done or not done, as after a power cut.
/// Three are never dropped while the runner runs: `announce`, `release_lease` and `require_login`. Bound them in time: the next
/// order of their kind waits for them.
#[expect(
    async_fn_in_trait,
    reason = "the runner asks for no `Send`: its future has it if the host's futures have it"
)]
pub trait Host {
    /// Sleeps until this moment of the clock that the gate was built with, or a little longer.
    async fn wait_until(&self, at: Instant);

    /// Reads the store into the buffer, and tells how many bytes stood there; 0 if there was nothing. More than the buffer
    /// holds is no record of this latch: read what fits, or nothing, and tell the length all the same. It is not read,
    /// and written over by the next login.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed>;

    /// Writes the record in one piece, so that it survives a crash.
    ///
    /// # Errors
    ///
    /// It could not be written.
    async fn store(&self, record: &[u8]) -> Result<(), Failed>;

    /// Sends a token request, and gives what the server granted, as it stands in `reply`.
    ///
    /// The future may outlive its order: after a sign-out it goes on until the next token request, and at most twice
    /// [`crate::Config::token_timeout_ms`], so that a session that the server has just opened can be ended with
    /// [`revoke`](Self::revoke).
    ///
    /// # Errors
    ///
    /// How it failed. With the feature `json`, `Ok(response::parse(shape, status, body)?)` tells.
    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError>;

    /// Tells the other contexts that the store changed. Without it: there are none.
    async fn announce(&self) {}

    /// Gets the lease between contexts. To drop the future is to stop waiting for it. Without it: there is none.
    ///
    /// # Errors
    ///
    /// It can't be had.
    async fn acquire_lease(&self) -> Result<(), Failed> {
        Err(Failed)
    }

    /// Gives the lease up, if it is held. Without it: there is none.
    async fn release_lease(&self) {}

    /// Makes a cheap request with the credential of the permit. Without it: no answer.
    async fn probe(&self, permit: Permit<'_>) -> ProbeResult {
        let _ = permit;
        ProbeResult::Unreachable
    }

    /// Revokes this token at the server (RFC 7009); it is empty for a cookie session, which the server's logout ends.
    /// Without it: the server has no revocation.
    ///
    /// # Errors
    ///
    /// The revocation did not reach the server.
    async fn revoke(&self, token: &str) -> Result<(), Failed> {
        let _ = token;
        Ok(())
    }

    /// Somebody has to log in: show it, or begin it. An order that a login has overtaken is not given. Without it: a task looks at [`super::Status::login`].
    async fn require_login(&self, cause: Cause) {
        let _ = cause;
    }
}
