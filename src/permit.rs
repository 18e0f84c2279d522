//! The only door to a token (P1).

use core::fmt;

use crate::grant::TokenType;
use crate::waiters::Receipt;

/// Lets one request leave, now. Borrowed from the latch: it can't be kept, copied or made otherwise.
#[must_use = "a claimed permit ends the request's wait"]
pub struct Permit<'a> {
    pub(crate) token: &'a str,
    pub(crate) token_type: TokenType,
    pub(crate) receipt: Receipt,
}

impl Permit<'_> {
    /// The access token; empty for a cookie session.
    #[must_use]
    pub const fn token(&self) -> &str {
        self.token
    }

    /// How the token is used.
    #[must_use]
    pub const fn token_type(&self) -> TokenType {
        self.token_type
    }

    /// The scheme of the `Authorization` header: `Bearer` or `DPoP`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self.token_type {
            TokenType::Bearer => "Bearer",
            TokenType::Dpop => "DPoP",
        }
    }

    /// Goes with the request and comes back with its answer.
    #[must_use]
    pub const fn receipt(&self) -> Receipt {
        self.receipt
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("receipt", &self.receipt)
            .finish_non_exhaustive()
    }
}
