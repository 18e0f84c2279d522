//! Faults that can be switched on while the server runs.

use std::collections::VecDeque;
use std::time::Duration;

/// The endpoint a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `/token`
    Token,
    /// `/api/...`
    Api,
    /// `/revoke`
    Revocation,
}

/// For how many requests a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next so many requests.
    Next(u32),
    /// All requests until the faults are cleared.
    UntilCleared,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 401, not processed: `invalid_client` from the token and revocation endpoints,
    /// `invalid_token` from the API.
    Unauthorized,
    /// 429, not processed.
    TooManyRequests {
        /// Seconds in `Retry-After`.
        retry_after: u64,
    },
    /// 503, not processed.
    Unavailable {
        /// Seconds in `Retry-After`, when it is sent.
        retry_after: Option<u64>,
    },
    /// An HTML page in place of the answer, not processed: a captive portal.
    HtmlPage {
        /// Status of the page, such as 200 or 503.
        status: u16,
    },
    /// 400 `invalid_grant`, not processed; the tokens stay as they are.
    InvalidGrant,
    /// Processed at once, answered later by this much.
    Slow {
        /// Time added to the latency.
        delay: Duration,
    },
    /// The connection is closed without an answer; the request is not processed.
    CutBefore,
    /// The request is processed, then the connection is closed without a byte of the answer.
    CutAfter,
    /// Processed, but the body of the answer is no JSON.
    MalformedJson,
    /// Processed, but the connection ends in the middle of the announced body.
    TruncatedJson,
}

impl Fault {
    /// Whether the server processes a request with this fault, so that its effects last.
    #[must_use]
    pub fn is_processed(self) -> bool {
        matches!(
            self,
            Self::Slow { .. } | Self::CutAfter | Self::MalformedJson | Self::TruncatedJson
        )
    }
}

/// Faults waiting, per endpoint, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    token: VecDeque<(Fault, Times)>,
    api: VecDeque<(Fault, Times)>,
    revocation: VecDeque<(Fault, Times)>,
}

impl Faults {
    pub(crate) fn set(&mut self, target: Target, fault: Fault, times: Times) {
        if times != Times::Next(0) {
            self.queue(target).push_back((fault, times));
        }
    }

    pub(crate) fn clear(&mut self, target: Target) {
        self.queue(target).clear();
    }

    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// The fault for one request.
    pub(crate) fn take(&mut self, target: Target) -> Option<Fault> {
        let queue = self.queue(target);
        let (fault, times) = queue.front_mut()?;
        let fault = *fault;
        if let Times::Next(left) = times {
            *left = left.saturating_sub(1);
            if *left == 0 {
                queue.pop_front();
            }
        }
        Some(fault)
    }

    fn queue(&mut self, target: Target) -> &mut VecDeque<(Fault, Times)> {
        match target {
            Target::Token => &mut self.token,
            Target::Api => &mut self.api,
            Target::Revocation => &mut self.revocation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, Target, Times};

    #[test]
    fn faults_are_used_in_order_and_per_endpoint() {
        let mut f = Faults::default();
        f.set(Target::Token, Fault::CutBefore, Times::Next(2));
        f.set(Target::Token, Fault::Unauthorized, Times::Next(0));
        f.set(Target::Token, Fault::CutAfter, Times::UntilCleared);
        assert_eq!(f.take(Target::Api), None);
        let got: Vec<_> = (0..4).filter_map(|_| f.take(Target::Token)).collect();
        let (before, after) = (Fault::CutBefore, Fault::CutAfter);
        assert_eq!(got, [before, before, after, after]);
        f.clear(Target::Token);
        assert_eq!(f.take(Target::Token), None);
    }
}
