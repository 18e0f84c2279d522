//! The configuration, field by field.

use crate::config::Config;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::LeaseMode;
use crate::config::Renewal;
use crate::config::Waiting;

/// Sets the field at a place; `None` if there is no such field or it can't be that.
pub(super) fn set(config: &mut Config, key: u32, value: u32) -> Option<()> {
    let field = match key {
        9 => &mut config.wait_limit_ms,
        11 => &mut config.refresh_margin_ms,
        12 => &mut config.backoff_base_ms,
        13 => &mut config.backoff_cap_ms,
        14 => &mut config.retry_after_cap_ms,
        16 => &mut config.budget_window_ms,
        17 => &mut config.reuse_grace_ms,
        18 => &mut config.fresh_window_ms,
        19 => &mut config.fresh_retry_ms,
        20 => &mut config.clock_tolerance_ms,
        21 => &mut config.store_timeout_ms,
        22 => &mut config.token_timeout_ms,
        23 => &mut config.probe_timeout_ms,
        24 => &mut config.revoke_timeout_ms,
        25 => &mut config.lease_timeout_ms,
        26 => &mut config.login_timeout_ms,
        _ => return choose(config, key, u8::try_from(value).ok()?),
    };
    *field = value;
    Some(())
}

fn choose(config: &mut Config, key: u32, value: u8) -> Option<()> {
    match key {
        0 => config.store = switch(value)?,
        1 => {
            config.confirmation = match value {
                0 => Confirmation::Memory,
                1 => Confirmation::Stored,
                2 => Confirmation::ReadBack,
                3 => Confirmation::Probed,
                _ => return None,
            }
        }
        2 => {
            config.lease = if switch(value)? {
                LeaseMode::Host
            } else {
                LeaseMode::None
            }
        }
        3 => {
            config.credential = if switch(value)? {
                Credential::Ambient
            } else {
                Credential::Token
            }
        }
        4 => {
            config.renewal = if switch(value)? {
                Renewal::Login
            } else {
                Renewal::RefreshToken
            }
        }
        5 => config.when_signed_out = waiting(value)?,
        6 => config.when_unavailable = waiting(value)?,
        7 => config.serve_while_refreshing = switch(value)?,
        8 => config.require_challenge = switch(value)?,
        10 => config.max_attempts = value,
        15 => config.budget = value,
        27 => config.attempts = value,
        _ => return None,
    }
    Some(())
}

const fn switch(value: u8) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn waiting(value: u8) -> Option<Waiting> {
    Some(if switch(value)? {
        Waiting::Refuse
    } else {
        Waiting::Hold
    })
}
