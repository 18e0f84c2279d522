//! Numbers, configurations and answers at random: the same on every machine.

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::LeaseMode;
use tokenlatch::Renewal;
use tokenlatch::Waiting;

/// A small generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 32
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[at as usize]
    }
}

/// A configuration that works.
pub(crate) fn config(random: &mut Random) -> Config {
    let waiting = [Waiting::Hold, Waiting::Refuse];
    loop {
        let mut config = Config::new();
        config.store = !random.one_in(4);
        config.confirmation = random.pick(&[
            Confirmation::Memory,
            Confirmation::Stored,
            Confirmation::ReadBack,
            Confirmation::Probed,
        ]);
        config.lease = random.pick(&[LeaseMode::None, LeaseMode::Host]);
        config.credential = random.pick(&[
            Credential::Token,
            Credential::Token,
            Credential::Token,
            Credential::Ambient,
        ]);
        config.renewal =
            random.pick(&[Renewal::RefreshToken, Renewal::RefreshToken, Renewal::Login]);
        config.when_signed_out = random.pick(&waiting);
        config.when_unavailable = random.pick(&waiting);
        config.serve_while_refreshing = random.one_in(2);
        config.require_challenge = random.one_in(3);
        config.max_attempts = random.pick(&[1, 2, 3, 255]);
        config.attempts = random.pick(&[1, 2, 3]);
        config.budget = random.pick(&[1, 3, 10]);
        for time in [
            &mut config.wait_limit_ms,
            &mut config.refresh_margin_ms,
            &mut config.backoff_base_ms,
            &mut config.backoff_cap_ms,
            &mut config.retry_after_cap_ms,
            &mut config.budget_window_ms,
            &mut config.reuse_grace_ms,
            &mut config.fresh_window_ms,
            &mut config.fresh_retry_ms,
            &mut config.clock_tolerance_ms,
            &mut config.store_timeout_ms,
            &mut config.token_timeout_ms,
            &mut config.probe_timeout_ms,
            &mut config.revoke_timeout_ms,
            &mut config.lease_timeout_ms,
            &mut config.login_timeout_ms,
        ] {
            if random.one_in(4) {
                *time = random.pick(&[0, 1, 700, 20_000, u32::MAX]);
            }
        }
        if config.validate().is_ok() {
            return config;
        }
    }
}
