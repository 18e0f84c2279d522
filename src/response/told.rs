//! From the bytes of an answer straight to the latch.

use super::parse;
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

impl<const T: usize, const W: usize> Latch<T, W> {
    /// Tells the answer to a login or a token request as it came: [`parse`] with the shape of the configuration,
    /// then `Granted`, or `TokenFailed` with what was wrong.
    ///
    /// # Errors
    ///
    /// As [`handle`](Self::handle). A grant that can't be used is not among them: it is a failure of the server's,
    /// and told as such.
    pub fn handle_response(
        &mut self,
        now: Now,
        ticket: Ticket,
        response: TokenResponse,
        body: &mut [u8],
    ) -> Result<Outcome, Rejected> {
        let parsed = parse(self.config().response, response.status, body);
        tell_parsed(ticket, response, parsed, |event| {
            self.handle_any(&now, event)
        })
    }
}

/// Tells with `handle` what was read of the body.
pub(crate) fn tell_parsed(
    ticket: Ticket,
    response: TokenResponse,
    parsed: Result<Grant<'_>, TokenFailure>,
    mut handle: impl FnMut(&Event<'_>) -> Result<Outcome, Rejected>,
) -> Result<Outcome, Rejected> {
    let retry_after = response.retry_after;
    let failed = |failure| Event::TokenFailed {
        ticket,
        failure,
        retry_after,
    };
    let mut event = match parsed {
        Err(failure) => failed(failure),
        Ok(grant) => Event::Granted {
            ticket,
            grant: Grant {
                server_time: response.server_time,
                ..grant
            },
        },
    };
    let told = handle(&event);
    let Err(Rejected::Grant(error)) = told else {
        return told;
    };
    event = failed(TokenFailure::Unusable(error));
    handle(&event)
}
