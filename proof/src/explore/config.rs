//! How the latches of the worlds are set up.

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::LeaseMode;

/// Short times, so that few differ: everything is a small number of milliseconds.
pub(crate) const fn config() -> Config {
    let mut config = Config::new();
    config.wait_limit_ms = 2;
    config.max_attempts = 2;
    config.refresh_margin_ms = 1;
    config.backoff_base_ms = 1;
    config.backoff_cap_ms = 1;
    config.retry_after_cap_ms = 1;
    config.budget = 1;
    config.budget_window_ms = 2;
    config.reuse_grace_ms = 0;
    config.fresh_window_ms = 1;
    config.fresh_retry_ms = 1;
    config.clock_tolerance_ms = 1;
    config.store_timeout_ms = 1;
    config.token_timeout_ms = 1;
    config.probe_timeout_ms = 1;
    config.revoke_timeout_ms = 1;
    config.lease_timeout_ms = 2;
    config.login_timeout_ms = 1;
    config.attempts = 1;
    config
}

pub(crate) const fn in_memory() -> Config {
    let mut config = config();
    config.store = false;
    config.confirmation = Confirmation::Memory;
    config
}

/// A renewal takes so long that the token which serves meanwhile may end.
pub(crate) const fn serving() -> Config {
    let mut config = in_memory();
    config.serve_while_refreshing = true;
    config.token_timeout_ms = 2;
    config
}

pub(crate) const fn one_at_a_time() -> Config {
    let mut config = in_memory();
    config.wait_limit_ms = 1;
    config.budget_window_ms = 1;
    config
}

pub(crate) const fn leased() -> Config {
    let mut config = config();
    config.lease = LeaseMode::Host;
    config.budget_window_ms = 1;
    config
}

pub(crate) const fn unleased() -> Config {
    let mut config = config();
    config.budget_window_ms = 1;
    config
}

pub(crate) const fn read_back() -> Config {
    let mut config = config();
    config.confirmation = Confirmation::ReadBack;
    config
}

pub(crate) const fn probed() -> Config {
    let mut config = config();
    config.confirmation = Confirmation::Probed;
    config
}
