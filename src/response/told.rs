//! From the bytes of an answer straight to the latch.

use super::fill;
use crate::config::ResponseShape;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::latch::Latch;
use crate::renewal::TokenFailure;
use crate::time::Now;

/// What stands around the body of a token endpoint's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct TokenResponse {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds ([`crate::retry_after`]).
    pub retry_after: Option<u32>,
    /// `Date`, in milliseconds since the Unix epoch ([`crate::http_date`]): makes an absolute expiry independent
    /// of this device's clock.
    pub server_time: Option<u64>,
}

impl TokenResponse {
    /// An answer with this status.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            retry_after: None,
            server_time: None,
        }
    }
}

/// What became of an answer that was told as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Handled {
    /// Of `Granted`, or of `TokenFailed`.
    pub outcome: Outcome,
    /// Why it was told as a failure; `None` for a grant.
    pub failure: Option<TokenFailure>,
}

impl<const T: usize, const W: usize> Latch<T, W> {
    /// Tells the answer to a login or a token request as it came: [`parse`](super::parse) with the shape of the configuration,
    /// then `Granted`, or `TokenFailed` with what was wrong. Whether a login may be tried again is in `failure`.
    ///
    /// The texts of the body are changed where they stand. To revoke the tokens of a grant that is `Orphaned`, use
    /// `parse` and tell what it gives instead.
    ///
    /// Nothing is refused: a grant that can't be used is a failure of the server's, and told as such.
    pub fn handle_response(
        &mut self,
        now: Now,
        ticket: Ticket,
        response: TokenResponse,
        body: &mut [u8],
    ) -> Handled {
        let mut event = granted(ticket, response);
        read(&mut event, self.config().response, response, body);
        let told = tell(&mut event, response, |event| self.handle_any(&now, event));
        // Of an answer only the grant is refused, and that was told again.
        let outcome = told.unwrap_or(Outcome::Stale);
        let failure = match event {
            Event::TokenFailed { failure, .. } => Some(failure),
            _ => None,
        };
        Handled { outcome, failure }
    }
}

/// A grant to read the answer into.
pub(crate) fn granted<'a>(ticket: Ticket, response: TokenResponse) -> Event<'a> {
    let mut grant = Grant::new("");
    grant.server_time = response.server_time;
    Event::Granted { ticket, grant }
}

/// Reads into a grant, or makes a failure of it.
pub(crate) fn read<'a>(
    event: &mut Event<'a>,
    shape: &ResponseShape,
    response: TokenResponse,
    body: &'a mut [u8],
) {
    if let Event::Granted { ticket, grant } = event {
        if let Err(failure) = fill(grant, shape, response.status, body) {
            *event = failed(*ticket, response, failure);
        }
    }
}

/// Tells with `handle` what was read; a grant that it can't use is a failure of the server's.
pub(crate) fn tell(
    event: &mut Event<'_>,
    response: TokenResponse,
    mut handle: impl FnMut(&Event<'_>) -> Result<Outcome, Rejected>,
) -> Result<Outcome, Rejected> {
    let told = handle(event);
    if let (Event::Granted { ticket, .. }, Err(Rejected::Grant(error))) = (&*event, told) {
        *event = failed(*ticket, response, TokenFailure::Unusable(error));
        return handle(event);
    }
    told
}

fn failed<'a>(ticket: Ticket, response: TokenResponse, failure: TokenFailure) -> Event<'a> {
    Event::TokenFailed {
        ticket,
        failure,
        retry_after: response.retry_after,
    }
}
