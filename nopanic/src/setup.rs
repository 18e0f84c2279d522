//! A latch and its configuration.

use core::mem::MaybeUninit;

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::LeaseMode;
use tokenlatch::Renewal;
use tokenlatch::ValidConfig;
use tokenlatch::Waiting;

use crate::Latch;

/// A latch in a static starts without code.
#[unsafe(no_mangle)]
pub static LATCH_IN_A_STATIC: Still = Still(Latch::with(VALID, 1));

const VALID: ValidConfig = match Config::new().validated() {
    Ok(config) => config,
    Err(_) => panic!("the default configuration is valid"),
};

/// A latch that nobody writes to.
pub struct Still(#[expect(dead_code, reason = "only its bytes are wanted")] Latch);

// SAFETY: it is only there.
unsafe impl Sync for Still {}

/// A configuration: all of its numbers and switches.
#[repr(C)]
pub struct Setup {
    millis: [u32; 15],
    counts: [u8; 3],
    choices: [u8; 7],
    switches: [bool; 3],
}

impl Setup {
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        [
            config.wait_limit_ms,
            config.refresh_margin_ms,
            config.backoff_base_ms,
            config.backoff_cap_ms,
            config.retry_after_cap_ms,
            config.budget_window_ms,
            config.reuse_grace_ms,
            config.fresh_window_ms,
            config.fresh_retry_ms,
            config.clock_tolerance_ms,
            config.store_timeout_ms,
            config.token_timeout_ms,
            config.probe_timeout_ms,
            config.revoke_timeout_ms,
            config.lease_timeout_ms,
        ] = self.millis;
        [config.max_attempts, config.budget, config.attempts] = self.counts;
        [
            config.store,
            config.serve_while_refreshing,
            config.require_challenge,
        ] = self.switches;
        let [
            confirmation,
            lease,
            credential,
            renewal,
            out,
            unavailable,
            _,
        ] = self.choices;
        config.confirmation = match confirmation {
            0 => Confirmation::Memory,
            1 => Confirmation::Stored,
            2 => Confirmation::ReadBack,
            _ => Confirmation::Probed,
        };
        config.lease = if lease == 0 {
            LeaseMode::None
        } else {
            LeaseMode::Host
        };
        config.credential = if credential == 0 {
            Credential::Token
        } else {
            Credential::Ambient
        };
        config.renewal = if renewal == 0 {
            Renewal::RefreshToken
        } else {
            Renewal::Login
        };
        config.when_signed_out = waiting(out);
        config.when_unavailable = waiting(unavailable);
        config
    }
}

fn waiting(choice: u8) -> Waiting {
    if choice == 0 {
        Waiting::Hold
    } else {
        Waiting::Refuse
    }
}

/// `Latch::new`: false for a configuration that can't work.
#[unsafe(no_mangle)]
pub extern "C" fn latch_new(place: &mut MaybeUninit<Latch>, setup: &Setup, seed: u64) -> bool {
    match Latch::new(setup.config(), seed) {
        Ok(latch) => {
            place.write(latch);
            true
        }
        Err(_) => false,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_new_in_memory(place: &mut MaybeUninit<Latch>, seed: u64) -> bool {
    match Latch::new(Config::in_memory(), seed) {
        Ok(latch) => {
            place.write(latch);
            true
        }
        Err(_) => false,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_validate(setup: &Setup) -> bool {
    setup.config().validate().is_ok()
}

/// Drops the latch, which wipes it.
#[unsafe(no_mangle)]
pub extern "C" fn latch_drop(latch: &mut MaybeUninit<Latch>) {
    // SAFETY: the caller made it with `latch_new` and does not use it again.
    unsafe { latch.assume_init_drop() }
}
