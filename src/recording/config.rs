//! The configuration as numbers. `response` is left out: it is the parser's, the latch does not look at it.

use crate::cbor::Reader;
use crate::cbor::Writer;
use crate::config::Config;

macro_rules! fields {
    ($($field:ident)*) => {
        /// How many there are.
        const COUNT: u64 = [$(stringify!($field)),*].len() as u64;

        /// Writes all of them, in this order.
        pub(super) fn encode(config: &Config, writer: &mut Writer<'_>) -> Option<()> {
            // Without `..`: a new field has to be listed.
            let Config { $($field,)* response: _ } = *config;
            writer.array(COUNT)?;
            $(writer.coded($field)?;)*
            Some(())
        }

        /// Reads what [`encode`] wrote.
        pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Config> {
            reader.fields(COUNT)?;
            let mut config = Config::new();
            $(config.$field = reader.coded()?;)*
            Some(config)
        }
    };
}

fields! {
    store confirmation lease credential renewal when_signed_out when_unavailable serve_while_refreshing
    require_challenge wait_limit_ms max_attempts refresh_margin_ms backoff_base_ms backoff_cap_ms retry_after_cap_ms
    budget budget_window_ms reuse_grace_ms fresh_window_ms fresh_retry_ms clock_tolerance_ms store_timeout_ms
    token_timeout_ms probe_timeout_ms revoke_timeout_ms lease_timeout_ms login_timeout_ms attempts
}
