//! A configuration, value by value; what comes of it is read from a recording's head.

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::LeaseMode;
use tokenlatch::Renewal;
use tokenlatch::Waiting;
use tokenlatch::numbers::*;
use tokenlatch::recording::Recording;

use crate::numbers::values;
use crate::support::Context;
use crate::support::Host;

/// The configuration that a context has.
fn config_of(mut context: Context) -> Config {
    assert_eq!(context.record([0; 16]), 0, "a new context");
    let recording = Recording::read(context.recorded());
    recording.expect("a configuration that works").config
}

/// A field, and values that it can have.
type Field = (u32, fn(&mut Config, u32), &'static [u32]);

const TIMES: &[u32] = &[1, 700, 60_000, u32::MAX];
const COUNTS: &[u32] = &[1, 2, 255];

/// Every place but those of the choices that do not work by themselves.
const FIELDS: &[Field] = &[
    (
        7,
        |config, value| config.serve_while_refreshing = value == 1,
        &[1, 0],
    ),
    (
        8,
        |config, value| config.require_challenge = value == 1,
        &[1, 0],
    ),
    (9, |config, value| config.wait_limit_ms = value, TIMES),
    (
        10,
        |config, value| config.max_attempts = value as u8,
        COUNTS,
    ),
    (
        11,
        |config, value| config.refresh_margin_ms = value,
        &[0, 5],
    ),
    (
        12,
        |config, value| config.backoff_base_ms = value,
        &[1, 300_000],
    ),
    (
        13,
        |config, value| config.backoff_cap_ms = value,
        &[1_000, u32::MAX],
    ),
    (
        14,
        |config, value| config.retry_after_cap_ms = value,
        &[0, 5],
    ),
    (15, |config, value| config.budget = value as u8, COUNTS),
    (16, |config, value| config.budget_window_ms = value, TIMES),
    (17, |config, value| config.reuse_grace_ms = value, &[0, 5]),
    (18, |config, value| config.fresh_window_ms = value, &[0, 5]),
    (19, |config, value| config.fresh_retry_ms = value, &[0, 5]),
    (20, |config, value| config.clock_tolerance_ms = value, TIMES),
    (21, |config, value| config.store_timeout_ms = value, TIMES),
    (22, |config, value| config.token_timeout_ms = value, TIMES),
    (23, |config, value| config.probe_timeout_ms = value, TIMES),
    (24, |config, value| config.revoke_timeout_ms = value, TIMES),
    (25, |config, value| config.lease_timeout_ms = value, TIMES),
    (26, |config, value| config.login_timeout_ms = value, TIMES),
    (27, |config, value| config.attempts = value as u8, COUNTS),
];

#[test]
fn the_defaults_are_those_of_the_library() {
    assert_eq!(config_of(Context::new()), Config::new());
    assert_eq!(config_of(Context::default()), Config::new());
}

#[test]
fn a_number_sets_its_field_and_no_other() {
    for (key, set, numbers) in FIELDS {
        for number in *numbers {
            let mut context = Context::new();
            assert_eq!(context.configure(*key, *number), 0);
            assert_eq!(context.start(0, 0), 0, "{key}: {number}");
            let mut config = Config::new();
            set(&mut config, *number);
            assert_eq!(config_of(context), config, "{key}: {number}");
        }
    }
}

#[test]
fn a_choice_has_the_number_of_its_place() {
    let confirmations = [
        Confirmation::Memory,
        Confirmation::Stored,
        Confirmation::ReadBack,
        Confirmation::Probed,
    ];
    for (number, confirmation) in (0..).zip(confirmations) {
        let mut config = Config::new();
        config.confirmation = confirmation;
        assert_eq!(config_of(configured(&[(1, number)])), config);
    }
    let mut config = Config::in_memory();
    assert_eq!(config_of(configured(&[(0, 0), (1, 0)])), config);
    config.store = true;
    assert_eq!(config_of(configured(&[(0, 0), (1, 0), (0, 1)])), config);
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    assert_eq!(config_of(configured(&[(2, 1)])), config);
    assert_eq!(config_of(configured(&[(2, 1), (2, 0)])), Config::new());
    let mut config = Config::new();
    (config.confirmation, config.credential) = (Confirmation::Probed, Credential::Ambient);
    assert_eq!(config_of(configured(&[(1, 3), (3, 1)])), config);
    config.credential = Credential::Token;
    assert_eq!(config_of(configured(&[(1, 3), (3, 1), (3, 0)])), config);
    let mut config = Config::new();
    config.renewal = Renewal::Login;
    assert_eq!(config_of(configured(&[(4, 1)])), config);
    assert_eq!(config_of(configured(&[(4, 1), (4, 0)])), Config::new());
    let mut config = Config::new();
    config.when_signed_out = Waiting::Refuse;
    assert_eq!(config_of(configured(&[(5, 1)])), config);
    assert_eq!(config_of(configured(&[(5, 1), (5, 0)])), Config::new());
    let mut config = Config::new();
    config.when_unavailable = Waiting::Refuse;
    assert_eq!(config_of(configured(&[(6, 1)])), config);
    assert_eq!(config_of(configured(&[(6, 1), (6, 0)])), Config::new());
}

#[track_caller]
fn configured(pairs: &[(u32, u32)]) -> Context {
    Host::with(pairs).context
}

/// All places at once, each with a value of its own, so that none stands for another.
#[test]
fn every_place_has_its_field() {
    let numbers = [
        1, 3, 1, 1, 1, 1, 1, 1, 1, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121,
        122, 123, 124, 325, 126, 127,
    ];
    let pairs: Vec<_> = (0..).zip(numbers).collect();
    assert_eq!(values(&config_of(configured(&pairs))), numbers);
}

#[test]
fn a_value_without_a_meaning_changes_nothing() {
    let switches = [0, 2, 3, 4, 5, 6, 7, 8];
    let no_switches = switches.map(|key| [(key, 2), (key, 256), (key, 257), (key, u32::MAX)]);
    let others = [
        (1, 4),
        (1, 255),
        (1, 256),
        (10, 256),
        (15, 256),
        (27, u32::MAX),
        (28, 0),
        (28, 1),
        (u32::MAX, 1),
    ];
    for (key, value) in no_switches.concat().into_iter().chain(others) {
        let mut context = Context::new();
        assert_eq!(
            context.configure(key, value),
            TL_ERR_ARGUMENT,
            "{key}: {value}"
        );
        assert_eq!(config_of(context), Config::new(), "{key}: {value}");
    }
}

#[test]
fn nothing_is_configured_once_it_is_open() {
    let mut host = Host::with(&[(5, 1)]);
    assert_eq!(host.plain(TL_EVENT_WENT_OFFLINE, 0.0), TL_OUTCOME_DONE);
    assert_eq!(host.context.configure(5, 0), 0);
    assert_eq!(host.context.configure(5, 1), 0);
    assert_eq!(host.plain(TL_EVENT_OPENED, 0.0), TL_OUTCOME_DONE);
    for key in 0..29 {
        assert_eq!(host.context.configure(key, 0), TL_ERR_ARGUMENT, "{key}");
    }
    host.settle();
    // Who is signed out is still refused at once.
    assert_eq!(
        host.plain(TL_EVENT_ACCESS_REQUESTED, 1.0),
        TL_OUTCOME_SURFACE + TL_CAUSE_NOT_SIGNED_IN.cast_signed()
    );
}

/// Each configuration that can't work, and what is said of it.
#[test]
fn a_configuration_that_does_not_fit_is_told_at_the_start() {
    let zeros = [9, 10, 12, 15, 16, 20, 21, 22, 23, 24, 25, 26, 27];
    let zeros = zeros.map(|key| (vec![(key, 0)], TL_ERR_CONFIG_ZERO));
    let others = [
        (
            vec![(0, 0), (1, 0), (2, 1)],
            TL_ERR_CONFIG_LEASE_WITHOUT_STORE,
        ),
        (vec![(0, 0)], TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE),
        (
            vec![(0, 0), (1, 2)],
            TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE,
        ),
        (vec![(3, 1)], TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE),
        (vec![(12, 300_001)], TL_ERR_CONFIG_BACKOFF_CAP),
        (vec![(2, 1), (25, 34_999)], TL_ERR_CONFIG_LEASE_TIMEOUT),
    ];
    for (pairs, expected) in zeros.into_iter().chain(others) {
        let mut context = Context::new();
        for (key, value) in &pairs {
            assert_eq!(context.configure(*key, *value), 0);
        }
        assert_eq!(context.start(0, 0), expected, "{pairs:?}");
    }
    // It can be put right.
    let mut context = Context::new();
    context.configure(9, 0);
    assert_eq!(context.start(0, 0), TL_ERR_CONFIG_ZERO);
    context.configure(9, 1);
    assert_eq!(context.start(0, 0), 0);
}

/// Back-off and nonces come from it: both halves of it matter.
#[test]
fn the_entropy_is_the_latchs() {
    let retry = |low, high| {
        let mut host = Host::with(&[]);
        assert_eq!(host.context.start(low, high), 0);
        host.plain(TL_EVENT_OPENED, 0.0);
        host.settle();
        let ticket = host.login();
        host.grant(ticket, &["access-1", "refresh-1"]);
        host.settle();
        host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
        let ticket = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
        let failed = [f64::from(TL_FAILURE_UNAVAILABLE), -1.0, 0.0];
        assert_eq!(
            host.tell(TL_EVENT_TOKEN_FAILED, ticket, failed),
            TL_OUTCOME_DONE
        );
        (host.context.timeout(), host.cell)
    };
    let first = retry(1, 2);
    assert_eq!(first, retry(1, 2));
    assert_ne!(first, retry(2, 2));
    assert_ne!(first, retry(1, 3));
}
