//! Renewal: how a token request can fail, and when the next may leave.

use crate::config::Config;
use crate::grant::GrantError;
use crate::time::later;
use crate::time::since;

/// How a token request failed; RFC 6749 5.2 and what the transport, proxies and portals add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TokenFailure {
    /// The request never left (no route, no name, refused connection, TLS failed). Safe to send again.
    NotSent,
    /// The request left and no whole answer came back: the server may have rotated the refresh token.
    Lost,
    /// 429, or `slow_down`, `rate_limit_exceeded`, `too_many_requests`, `over_request_rate_limit`.
    RateLimited,
    /// 5xx, or `temporarily_unavailable`, `server_error`.
    Unavailable,
    /// `invalid_grant` and its kin: the only answer that ends a session (P11).
    InvalidGrant,
    /// The server wants the user: `mfa_required`, `interaction_required`, `login_required`, `consent_required`,
    /// `account_selection_required`.
    InteractionRequired,
    /// The client is set up wrong: `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
    /// `invalid_scope`, `invalid_request`. The session is kept, and tried again at the longest back-off.
    Misconfigured,
    /// A success answer whose grant can't be used.
    Unusable(GrantError),
    /// Not an answer of a token endpoint (HTML, a portal, an unknown 4xx): kept and tried again.
    Unrecognized,
}

impl core::fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotSent => f.write_str("the token request never left"),
            Self::Lost => f.write_str("the answer to the token request was lost"),
            Self::RateLimited => f.write_str("the token endpoint limits the rate"),
            Self::Unavailable => f.write_str("the token endpoint is unavailable"),
            Self::InvalidGrant => f.write_str("the grant is invalid, expired or revoked"),
            Self::InteractionRequired => f.write_str("the server wants the user"),
            Self::Misconfigured => f.write_str("the token endpoint refuses the client's set-up"),
            Self::Unusable(error) => error.fmt(f),
            Self::Unrecognized => f.write_str("the answer is not a token endpoint's"),
        }
    }
}

impl core::error::Error for TokenFailure {}

/// Longest lifetime that is believed: ten years.
pub(crate) const MAX_LIFETIME: u64 = 10 * 365 * 24 * 3_600_000;

/// The host's entropy, stretched (SplitMix64): jitter and nonces, nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    #[cfg_attr(feature = "_verify", inline(never))]
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) const fn nonce(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// Evenly from 1 to `max`, and 1 for 0.
    #[cfg_attr(feature = "_verify", inline(never))]
    pub(crate) const fn up_to(&mut self, max: u32) -> u32 {
        // The high part of 64 bits times the range, so that no division is needed.
        let range = if max == 0 { 1 } else { max as u64 };
        let random = self.next();
        let (high, low) = (random >> 32, random & 0xffff_ffff);
        let carried = low.wrapping_mul(range) >> 32;
        let scaled = high.wrapping_mul(range).wrapping_add(carried) >> 32;
        // Less than the range; not wrapping, so that it is seen not to be 0 without a thought to the products.
        (scaled as u32).saturating_add(1)
    }
}

/// Exponential back-off with full jitter; the longest when trying soon can't help.
#[cfg_attr(feature = "_verify", inline(never))]
pub(crate) fn backoff(config: &Config, failures: u8, random: &mut Random) -> u32 {
    let mut pause = config.backoff_base_ms;
    for _ in 0..failures.min(31) {
        pause = pause.saturating_add(pause);
    }
    random.up_to(pause.min(config.backoff_cap_ms))
}

/// At most `budget` token requests in any `budget_window_ms` (P10).
///
/// Kept as one time, the theoretical arrival of the next request (the GCRA of ATM networks): half of the budget
/// may leave at once, the other half is spread over the window, and the two never add up to more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) arrival: u64,
}

impl Budget {
    pub(crate) const fn new() -> Self {
        Self { arrival: 0 }
    }

    fn burst(config: &Config) -> u32 {
        u32::from(config.budget).div_ceil(2)
    }

    fn interval(config: &Config) -> u64 {
        let spread = u32::from(config.budget)
            .saturating_sub(Self::burst(config))
            .saturating_add(1);
        u64::from(config.budget_window_ms.div_ceil(spread))
    }

    /// When the next request may leave.
    pub(crate) fn allows_at(&self, config: &Config) -> u64 {
        let behind = Self::burst(config).saturating_sub(1);
        // 32 and 8 bits: nothing wraps.
        let slack = Self::interval(config).wrapping_mul(u64::from(behind));
        since(self.arrival, slack)
    }

    /// Spends one.
    pub(crate) fn spend(&mut self, config: &Config, now: u64) {
        self.arrival = later(self.arrival.max(now), Self::interval(config));
    }

    /// What was spent leaves only now: it refills from here on.
    pub(crate) fn leaves(&mut self, config: &Config, now: u64) {
        self.arrival = self.arrival.max(later(now, Self::interval(config)));
    }

    /// What is spent and not yet refilled, in milliseconds: goes into the record.
    pub(crate) const fn debt(&self, now: u64) -> u64 {
        since(self.arrival, now)
    }

    /// Takes over what another context, or this one before a restart, has spent.
    pub(crate) fn owe(&mut self, config: &Config, now: u64, debt: u64) {
        let most = Self::interval(config).wrapping_mul(u64::from(Self::burst(config)));
        self.arrival = self.arrival.max(later(now, debt.min(most)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of `SplitMix64` as published, from the seed 1234567.
    #[test]
    fn the_random_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn a_number_up_to_nothing_is_one() {
        let mut random = Random(1);
        assert_eq!(random.up_to(0), 1);
        assert_eq!(random.up_to(1), 1);
        assert!((0..100).any(|_| random.up_to(2) == 2));
    }
}
