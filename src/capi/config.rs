//! A configuration from its numbers.

use core::ffi::CStr;

use crate::capi::types::tl_config;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::LeaseMode;
use crate::config::Renewal;
use crate::config::ValidConfig;
use crate::config::Waiting;
use crate::numbers::*;

/// What is wrong with a configuration, and the field that it is about.
pub(super) type Wrong = (i32, &'static CStr);

pub(super) const DEFAULTS: tl_config = tl_config::of(&Config::new());

impl tl_config {
    pub(super) const fn of(config: &Config) -> Self {
        Self {
            store: config.store as u32,
            confirmation: match config.confirmation {
                Confirmation::Memory => TL_CONFIRMATION_MEMORY,
                Confirmation::Stored => TL_CONFIRMATION_STORED,
                Confirmation::ReadBack => TL_CONFIRMATION_READ_BACK,
                Confirmation::Probed => TL_CONFIRMATION_PROBED,
            },
            lease: match config.lease {
                LeaseMode::None => TL_LEASE_NONE,
                LeaseMode::Host => TL_LEASE_HOST,
            },
            credential: match config.credential {
                Credential::Token => TL_CREDENTIAL_TOKEN,
                Credential::Ambient => TL_CREDENTIAL_AMBIENT,
            },
            renewal: match config.renewal {
                Renewal::RefreshToken => TL_RENEWAL_REFRESH_TOKEN,
                Renewal::Login => TL_RENEWAL_LOGIN,
            },
            when_signed_out: waiting(config.when_signed_out),
            when_unavailable: waiting(config.when_unavailable),
            serve_while_refreshing: config.serve_while_refreshing as u32,
            require_challenge: config.require_challenge as u32,
            wait_limit_ms: config.wait_limit_ms,
            max_attempts: config.max_attempts as u32,
            refresh_margin_ms: config.refresh_margin_ms,
            backoff_base_ms: config.backoff_base_ms,
            backoff_cap_ms: config.backoff_cap_ms,
            retry_after_cap_ms: config.retry_after_cap_ms,
            budget: config.budget as u32,
            budget_window_ms: config.budget_window_ms,
            reuse_grace_ms: config.reuse_grace_ms,
            fresh_window_ms: config.fresh_window_ms,
            fresh_retry_ms: config.fresh_retry_ms,
            clock_tolerance_ms: config.clock_tolerance_ms,
            store_timeout_ms: config.store_timeout_ms,
            token_timeout_ms: config.token_timeout_ms,
            probe_timeout_ms: config.probe_timeout_ms,
            revoke_timeout_ms: config.revoke_timeout_ms,
            lease_timeout_ms: config.lease_timeout_ms,
            login_timeout_ms: config.login_timeout_ms,
            attempts: config.attempts as u32,
        }
    }

    /// The same, as the library's own type, checked.
    pub(super) fn checked(&self) -> Result<ValidConfig, Wrong> {
        let mut config = Config::new();
        config.store = switch(self.store, c"store")?;
        config.confirmation = match self.confirmation {
            TL_CONFIRMATION_MEMORY => Confirmation::Memory,
            TL_CONFIRMATION_STORED => Confirmation::Stored,
            TL_CONFIRMATION_READ_BACK => Confirmation::ReadBack,
            TL_CONFIRMATION_PROBED => Confirmation::Probed,
            _ => return Err((TL_ERR_ARGUMENT, c"confirmation")),
        };
        config.lease = match self.lease {
            TL_LEASE_NONE => LeaseMode::None,
            TL_LEASE_HOST => LeaseMode::Host,
            _ => return Err((TL_ERR_ARGUMENT, c"lease")),
        };
        config.credential = match self.credential {
            TL_CREDENTIAL_TOKEN => Credential::Token,
            TL_CREDENTIAL_AMBIENT => Credential::Ambient,
            _ => return Err((TL_ERR_ARGUMENT, c"credential")),
        };
        config.renewal = match self.renewal {
            TL_RENEWAL_REFRESH_TOKEN => Renewal::RefreshToken,
            TL_RENEWAL_LOGIN => Renewal::Login,
            _ => return Err((TL_ERR_ARGUMENT, c"renewal")),
        };
        config.when_signed_out = waiting_of(self.when_signed_out, c"when_signed_out")?;
        config.when_unavailable = waiting_of(self.when_unavailable, c"when_unavailable")?;
        config.serve_while_refreshing =
            switch(self.serve_while_refreshing, c"serve_while_refreshing")?;
        config.require_challenge = switch(self.require_challenge, c"require_challenge")?;
        config.wait_limit_ms = self.wait_limit_ms;
        config.max_attempts = small(self.max_attempts, c"max_attempts")?;
        config.refresh_margin_ms = self.refresh_margin_ms;
        config.backoff_base_ms = self.backoff_base_ms;
        config.backoff_cap_ms = self.backoff_cap_ms;
        config.retry_after_cap_ms = self.retry_after_cap_ms;
        config.budget = small(self.budget, c"budget")?;
        config.budget_window_ms = self.budget_window_ms;
        config.reuse_grace_ms = self.reuse_grace_ms;
        config.fresh_window_ms = self.fresh_window_ms;
        config.fresh_retry_ms = self.fresh_retry_ms;
        config.clock_tolerance_ms = self.clock_tolerance_ms;
        config.store_timeout_ms = self.store_timeout_ms;
        config.token_timeout_ms = self.token_timeout_ms;
        config.probe_timeout_ms = self.probe_timeout_ms;
        config.revoke_timeout_ms = self.revoke_timeout_ms;
        config.lease_timeout_ms = self.lease_timeout_ms;
        config.login_timeout_ms = self.login_timeout_ms;
        config.attempts = small(self.attempts, c"attempts")?;
        config
            .validated()
            .map_err(|error| (config_error(error), self.field(error)))
    }

    /// The field that an error is about.
    fn field(&self, error: ConfigError) -> &'static CStr {
        match error {
            ConfigError::LeaseWithoutStore => c"lease",
            ConfigError::ConfirmationWithoutStore | ConfigError::AmbientWithoutProbe => {
                c"confirmation"
            }
            ConfigError::BackoffCap => c"backoff_cap_ms",
            ConfigError::LeaseTimeout => c"lease_timeout_ms",
            ConfigError::Zero(_) => self.zero(),
        }
    }

    /// The first field that must not be zero and is, in the order of [`Config::validate`].
    fn zero(&self) -> &'static CStr {
        let fields = [
            (self.max_attempts, c"max_attempts"),
            (self.attempts, c"attempts"),
            (self.budget, c"budget"),
            (self.wait_limit_ms, c"wait_limit_ms"),
            (self.backoff_base_ms, c"backoff_base_ms"),
            (self.budget_window_ms, c"budget_window_ms"),
            (self.store_timeout_ms, c"store_timeout_ms"),
            (self.token_timeout_ms, c"token_timeout_ms"),
            (self.probe_timeout_ms, c"probe_timeout_ms"),
            (self.revoke_timeout_ms, c"revoke_timeout_ms"),
            (self.lease_timeout_ms, c"lease_timeout_ms"),
            (self.login_timeout_ms, c"login_timeout_ms"),
        ];
        let zero = fields.into_iter().find(|(value, _)| *value == 0);
        zero.map_or(c"clock_tolerance_ms", |(_, name)| name)
    }
}

const fn waiting(waiting: Waiting) -> u32 {
    match waiting {
        Waiting::Hold => TL_WAITING_HOLD,
        Waiting::Refuse => TL_WAITING_REFUSE,
    }
}

const fn waiting_of(number: u32, field: &'static CStr) -> Result<Waiting, Wrong> {
    match number {
        TL_WAITING_HOLD => Ok(Waiting::Hold),
        TL_WAITING_REFUSE => Ok(Waiting::Refuse),
        _ => Err((TL_ERR_ARGUMENT, field)),
    }
}

const fn switch(number: u32, field: &'static CStr) -> Result<bool, Wrong> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err((TL_ERR_ARGUMENT, field)),
    }
}

fn small(number: u32, field: &'static CStr) -> Result<u8, Wrong> {
    u8::try_from(number).map_err(|_| (TL_ERR_ARGUMENT, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As numbers and back it is the same, whatever was chosen.
    #[test]
    fn a_configuration_comes_back_from_its_numbers() {
        let mut config = Config::new();
        let check = |config: &Config| {
            let checked = tl_config::of(config).checked();
            assert_eq!(checked.map(ValidConfig::get), Ok(*config));
        };
        check(&config);
        for confirmation in [
            Confirmation::Memory,
            Confirmation::Stored,
            Confirmation::ReadBack,
            Confirmation::Probed,
        ] {
            config.confirmation = confirmation;
            check(&config);
        }
        config.lease = LeaseMode::Host;
        config.credential = Credential::Ambient;
        config.renewal = Renewal::Login;
        config.when_signed_out = Waiting::Refuse;
        check(&config);
        config.when_unavailable = Waiting::Refuse;
        config.serve_while_refreshing = true;
        config.require_challenge = true;
        check(&config);
        // Another number at each place, so that none stands for its neighbour.
        config.wait_limit_ms = 30_001;
        config.max_attempts = 3;
        config.refresh_margin_ms = 30_002;
        config.backoff_base_ms = 1_003;
        config.backoff_cap_ms = 30_004;
        config.retry_after_cap_ms = 30_005;
        config.budget = 4;
        config.budget_window_ms = 30_006;
        config.reuse_grace_ms = 30_007;
        config.fresh_window_ms = 30_008;
        config.fresh_retry_ms = 30_009;
        config.clock_tolerance_ms = 30_010;
        config.store_timeout_ms = 1_011;
        config.token_timeout_ms = 1_012;
        config.probe_timeout_ms = 1_013;
        config.revoke_timeout_ms = 1_014;
        config.lease_timeout_ms = 30_015;
        config.login_timeout_ms = 30_016;
        config.attempts = 5;
        check(&config);
    }
}
