//! Misuse: what is refused, and that a refused call changed nothing, not even the time.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use core::hash::Hasher;
use std::hash::DefaultHasher;

use tokenlatch::{
    Access, Cause, Config, ConfigError, Confirmation, Credential, Effect, Event, Expiry, Grant,
    GrantError, Instant, Latch, LeaseMode, Now, Outcome, PermitError, Receipt, RecordError,
    Rejected, State, Step, Ticket, TokenFailure, Waiter, Waiting,
};

const TOKEN: usize = 32;

type Small = Latch<TOKEN, 2>;

/// Everything that can be seen of a latch.
#[derive(Debug, PartialEq)]
struct Seen {
    fingerprint: u64,
    state: State,
    timeout: Option<Instant>,
    waiting: usize,
    trace: Vec<Step>,
}

fn seen(latch: &Small) -> Seen {
    let mut hasher = DefaultHasher::new();
    latch.fingerprint(&mut hasher);
    Seen {
        fingerprint: hasher.finish(),
        state: latch.state(),
        timeout: latch.poll_timeout(),
        waiting: latch.waiting(),
        trace: latch.trace().collect(),
    }
}

/// A day later: had the call let time pass, every deadline would be over.
const LATER: Now = Now::new(86_400_000, 1_700_086_400_000);

const NOW: Now = Now::new(1_000, 1_700_000_001_000);

#[track_caller]
fn refuses(latch: &mut Small, now: Now, event: Event<'_>, rejected: Rejected) {
    refuses_undrained(latch, now, event, rejected);
    assert_eq!(latch.poll_effect(), None);
}

#[track_caller]
fn refuses_undrained(latch: &mut Small, now: Now, event: Event<'_>, rejected: Rejected) {
    let before = seen(latch);
    assert_eq!(latch.handle(now, event), Err(rejected));
    assert_eq!(seen(latch), before);
}

#[track_caller]
fn tell(latch: &mut Small, event: Event<'_>) -> (Outcome, Vec<Effect>) {
    let outcome = latch.handle(NOW, event).expect("an event that fits");
    (
        outcome,
        core::iter::from_fn(|| latch.poll_effect()).collect(),
    )
}

fn latch(config: Config) -> Small {
    Latch::new(config, 3).expect("a config that works")
}

fn opened(config: Config) -> Small {
    let mut latch = latch(config);
    tell(&mut latch, Event::Opened);
    latch
}

/// An opened latch without a store, and the ticket of a login.
fn logging_in(config: Config) -> (Small, Ticket) {
    let mut latch = opened(config);
    match tell(&mut latch, Event::LoginStarted) {
        (Outcome::Login(ticket), _) => (latch, ticket),
        other => panic!("{other:?}"),
    }
}

fn grant() -> Grant<'static> {
    let mut grant = Grant::new("access");
    grant.refresh_token = Some("refresh");
    grant.expiry = Expiry::In(3_600_000);
    grant
}

fn signed_in(config: Config) -> Small {
    let (mut latch, ticket) = logging_in(config);
    let grant = grant();
    tell(&mut latch, Event::Granted { ticket, grant });
    latch
}

const fn request(waiter: u32) -> Event<'static> {
    Event::AccessRequested {
        waiter: Waiter::from_u32(waiter),
        access: Access::First,
    }
}

// promises: P14
#[test]
fn not_opened() {
    for event in [
        Event::Resumed,
        Event::StoreChanged,
        Event::LoginStarted,
        Event::RefreshRequested,
        Event::LogoutRequested,
    ] {
        let mut latch = latch(Config::new());
        tell(&mut latch, request(1));
        refuses(&mut latch, LATER, event, Rejected::NotOpened);
    }
}

// promises: P14
#[test]
fn already_opened() {
    let mut latch = opened(Config::new());
    refuses(&mut latch, LATER, Event::Opened, Rejected::AlreadyOpened);
    let mut latch = signed_in(Config::in_memory());
    refuses(&mut latch, LATER, Event::Opened, Rejected::AlreadyOpened);
}

// promises: P8, P14
#[test]
fn queue_full() {
    let mut latch = opened(Config::new());
    for waiter in 1..=2 {
        assert_eq!(tell(&mut latch, request(waiter)).0, Outcome::Admitted);
    }
    refuses(&mut latch, LATER, request(3), Rejected::QueueFull);
    let waiter = Waiter::from_u32(1);
    tell(&mut latch, Event::WaiterCancelled { waiter });
    assert_eq!(tell(&mut latch, request(3)).0, Outcome::Admitted);
}

// promises: P8, P14
#[test]
fn duplicate_waiter() {
    let mut latch = opened(Config::new());
    tell(&mut latch, request(1));
    refuses(&mut latch, LATER, request(1), Rejected::DuplicateWaiter);
    // Full as well, but this is what the caller has to know.
    tell(&mut latch, request(2));
    refuses(&mut latch, LATER, request(1), Rejected::DuplicateWaiter);
}

/// What would be turned away may have to wait after all once time has passed, so it needs room all the same.
// promises: P8
#[test]
fn a_request_that_time_lets_wait_is_not_lost_in_a_full_queue() {
    let mut config = Config::in_memory();
    config.when_unavailable = Waiting::Refuse;
    let mut latch = signed_in(config);
    let (_, effects) = tell(&mut latch, Event::RefreshRequested);
    let ticket = effects.iter().find_map(|effect| match effect {
        Effect::SendTokenRequest { ticket, .. } => Some(*ticket),
        _ => None,
    });
    for waiter in 1..=2 {
        assert_eq!(tell(&mut latch, request(waiter)).0, Outcome::Admitted);
    }
    let failed = Event::TokenFailed {
        ticket: ticket.expect("a token request"),
        failure: TokenFailure::Unavailable,
        retry_after: None,
    };
    // The two are refused, and nobody has picked that up yet.
    assert_eq!(latch.handle(NOW, failed), Ok(Outcome::Done));
    assert_eq!(latch.state(), State::Expired);
    refuses_undrained(&mut latch, LATER, request(3), Rejected::QueueFull);
    refuses_undrained(&mut latch, LATER, request(2), Rejected::DuplicateWaiter);
}

/// A request that does not wait needs neither room nor an id of its own.
// promises: P8
#[test]
fn a_public_request_is_never_refused() {
    let mut latch = opened(Config::new());
    tell(&mut latch, request(1));
    tell(&mut latch, request(2));
    let waiter = Waiter::from_u32(1);
    let access = Access::Public;
    let (outcome, effects) = tell(&mut latch, Event::AccessRequested { waiter, access });
    assert_eq!((outcome, effects), (Outcome::Pass, vec![]));
    assert_eq!(latch.waiting(), 2);
}

// promises: P14
#[test]
fn grants_that_no_header_can_carry() {
    let long = "a".repeat(TOKEN + 1);
    let cases = [
        ("", GrantError::Empty),
        ("undefined", GrantError::Literal),
        ("null", GrantError::Literal),
        ("[object Object]", GrantError::Literal),
        ("NaN", GrantError::Literal),
        ("\"access\"", GrantError::Quoted),
        ("'access", GrantError::Quoted),
        ("access\"", GrantError::Quoted),
        ("Bearer access", GrantError::Scheme),
        ("dpop access", GrantError::Scheme),
        ("acc ess", GrantError::Character),
        ("access\r\n", GrantError::Character),
        ("accéss", GrantError::Character),
        ("access\u{7f}", GrantError::Character),
        (&long, GrantError::TooLong),
    ];
    for (token, error) in cases {
        let (mut latch, ticket) = logging_in(Config::in_memory());
        tell(&mut latch, request(1));
        let mut grant = grant();
        grant.access_token = token;
        let event = Event::Granted { ticket, grant };
        refuses(&mut latch, LATER, event, Rejected::Grant(error));
        // The same in a renewal, whose old token stays.
        let mut latch = signed_in(Config::in_memory());
        let (_, effects) = tell(&mut latch, Event::RefreshRequested);
        let [.., Effect::SendTokenRequest { ticket, .. }] = effects[..] else {
            panic!("{effects:?}");
        };
        let event = Event::Granted { ticket, grant };
        refuses(&mut latch, LATER, event, Rejected::Grant(error));
        assert_eq!(latch.refresh_token(ticket), Some("refresh"));
    }
}

// promises: P14
#[test]
fn grants_whose_other_parts_can_not_be_kept() {
    let long = "a".repeat(TOKEN + 1);
    let half = &long[..TOKEN / 2];
    let change = |change: &dyn Fn(&mut Grant<'_>), error| {
        let (mut latch, ticket) = logging_in(Config::in_memory());
        let mut grant = grant();
        change(&mut grant);
        let event = Event::Granted { ticket, grant };
        refuses(&mut latch, LATER, event, Rejected::Grant(error));
    };
    change(&|grant| grant.refresh_token = Some(""), GrantError::Empty);
    change(
        &|grant| grant.refresh_token = Some("null"),
        GrantError::Literal,
    );
    change(
        &|grant| grant.refresh_token = Some("\"r\""),
        GrantError::Quoted,
    );
    change(
        &|grant| grant.refresh_token = Some("Bearer r"),
        GrantError::Scheme,
    );
    change(
        &|grant| grant.refresh_token = Some("r\0"),
        GrantError::Character,
    );
    change(&|grant| grant.expiry = Expiry::In(0), GrantError::Lifetime);
    // Over already when the server answered, by its own clock.
    for end in [0, 999_999, 1_000_000] {
        change(
            &|grant| {
                grant.expiry = Expiry::At(end);
                grant.server_time = Some(1_000_000);
            },
            GrantError::Lifetime,
        );
    }
    // Each fits, together they don't.
    change(
        &|grant| {
            grant.refresh_token = Some("refresh");
            grant.scope = Some("aaaaaaaaaaaaaaaa");
            grant.subject = Some("aaaaaaaaaa");
        },
        GrantError::TooLong,
    );
    for part in 0..4 {
        let (mut latch, ticket) = logging_in(Config::in_memory());
        let mut grant = grant();
        match part {
            0 => grant.refresh_token = Some(&long),
            1 => grant.scope = Some(&long),
            2 => grant.subject = Some(&long),
            _ => grant.app_data = Some(long.as_bytes()),
        }
        let event = Event::Granted { ticket, grant };
        refuses(
            &mut latch,
            LATER,
            event,
            Rejected::Grant(GrantError::TooLong),
        );
        // What is told corrected afterwards is taken.
        let mut grant = Grant::new("access");
        grant.subject = Some(half);
        grant.scope = Some(half);
        let event = Event::Granted { ticket, grant };
        assert_eq!(tell(&mut latch, event).0, Outcome::Done);
        assert_eq!(latch.subject(), Some(half));
    }
}

/// It comes from the parser alone: a latch is told the type, not its name.
#[cfg(feature = "json")]
#[test]
fn a_token_type_that_is_not_understood() {
    let mut body = *br#"{"access_token":"a","token_type":"mac"}"#;
    assert_eq!(
        tokenlatch::response::parse(Config::new().response, 200, &mut body).err(),
        Some(TokenFailure::Unusable(GrantError::TokenType))
    );
}

// promises: P14
#[test]
fn no_session() {
    let mut latch = opened(Config::in_memory());
    refuses(
        &mut latch,
        LATER,
        Event::RefreshRequested,
        Rejected::NoSession,
    );
    // A session without a refresh token can't be renewed either.
    let (mut latch, ticket) = logging_in(Config::in_memory());
    let grant = Grant::new("access");
    tell(&mut latch, Event::Granted { ticket, grant });
    assert_eq!(latch.state(), State::Ready);
    refuses(
        &mut latch,
        LATER,
        Event::RefreshRequested,
        Rejected::NoSession,
    );
}

// promises: P10, P14
#[test]
fn throttled() {
    let mut config = Config::in_memory();
    config.budget = 1;
    let mut latch = signed_in(config);
    let (_, effects) = tell(&mut latch, Event::RefreshRequested);
    let [.., Effect::SendTokenRequest { ticket, .. }] = effects[..] else {
        panic!("{effects:?}");
    };
    let grant = grant();
    tell(&mut latch, Event::Granted { ticket, grant });
    assert_eq!(latch.state(), State::Ready);
    let almost = Now::new(60_999, 1_700_000_060_999);
    refuses(
        &mut latch,
        almost,
        Event::RefreshRequested,
        Rejected::Throttled,
    );
    let now = Now::new(61_000, 1_700_000_061_000);
    assert_eq!(
        latch.handle(now, Event::RefreshRequested),
        Ok(Outcome::Done)
    );
}

/// An answer to nothing is no misuse: it is late, and changes as little.
// promises: P4, P14
#[test]
fn answers_to_nothing_are_stale() {
    let mut latch = signed_in(Config::in_memory());
    let before = seen(&latch).fingerprint;
    let ticket = Ticket::from_u32(4711);
    let receipt = Receipt::from_u64(u64::MAX);
    for event in [
        Event::Loaded {
            ticket,
            record: Some(b"TL"),
        },
        Event::LoadFailed { ticket },
        Event::Stored { ticket },
        Event::StoreFailed { ticket },
        Event::TokenFailed {
            ticket,
            failure: TokenFailure::InvalidGrant,
            retry_after: None,
        },
        Event::Granted {
            ticket,
            grant: grant(),
        },
        Event::Probed {
            ticket,
            result: tokenlatch::ProbeResult::Refused,
        },
        Event::LeaseGranted { ticket },
        Event::LeaseDenied { ticket },
        Event::LeaseLost { ticket },
        Event::Revoked { ticket },
        Event::RevokeFailed { ticket },
        Event::WaiterCancelled {
            waiter: Waiter::from_u32(9),
        },
        Event::Answered {
            receipt,
            status: 200,
            challenge: tokenlatch::ChallengeKind::Absent,
        },
    ] {
        assert_eq!(
            tell(&mut latch, event),
            (Outcome::Stale, vec![]),
            "{event:?}"
        );
        assert_eq!(seen(&latch).fingerprint, before, "{event:?}");
        assert_eq!(latch.corrupt(), None);
    }
}

// promises: P1, P8
#[test]
fn permits_that_there_are_not() {
    let mut latch = opened(Config::new());
    tell(&mut latch, request(1));
    let before = seen(&latch);
    for (waiter, error) in [(1, PermitError::NotReady), (2, PermitError::Unknown)] {
        let permit = latch.permit(NOW, Waiter::from_u32(waiter));
        assert_eq!(permit.err(), Some(error));
        assert_eq!(seen(&latch), before);
    }
    for raw in 0..8 {
        let permit = latch.probe_permit(Ticket::from_u32(raw));
        assert_eq!(permit.err(), Some(PermitError::Unknown));
    }
    // A refusal ends the wait, and is told once.
    let after_the_wait = Now::new(31_001, 1_700_000_031_001);
    let waiter = Waiter::from_u32(1);
    let permit = latch.permit(after_the_wait, waiter).map(drop);
    assert_eq!(permit, Err(PermitError::Refused(Cause::WaitTimeout)));
    assert_eq!(latch.waiting(), 0);
    let permit = latch.permit(after_the_wait, waiter).map(drop);
    assert_eq!(permit, Err(PermitError::Unknown));
}

/// One claim for one release.
// promises: P8
#[test]
fn a_permit_is_claimed_once() {
    let mut latch = signed_in(Config::in_memory());
    tell(&mut latch, request(1));
    let waiter = Waiter::from_u32(1);
    assert!(latch.permit(NOW, waiter).is_ok());
    assert_eq!(
        latch.permit(NOW, waiter).map(drop),
        Err(PermitError::Unknown)
    );
}

// promises: P14
#[test]
fn records_that_there_are_not() {
    let mut latch = opened(Config::new());
    let mut buffer = [0; Small::RECORD_CAPACITY];
    for raw in 0..8 {
        let record = latch.record(Ticket::from_u32(raw), &mut buffer);
        assert_eq!(record, Err(RecordError::Stale));
    }
    let ticket = Ticket::from_u32(1);
    tell(&mut latch, Event::LoadFailed { ticket });
    let (outcome, _) = tell(&mut latch, Event::LoginStarted);
    let Outcome::Login(ticket) = outcome else {
        panic!("{outcome:?}");
    };
    let grant = grant();
    let (_, effects) = tell(&mut latch, Event::Granted { ticket, grant });
    let [.., Effect::Load { ticket }] = effects[..] else {
        panic!("{effects:?}");
    };
    let record = None;
    let (_, effects) = tell(&mut latch, Event::Loaded { ticket, record });
    let [.., Effect::Store { ticket }] = effects[..] else {
        panic!("{effects:?}");
    };
    let before = seen(&latch);
    assert_eq!(
        latch.record(ticket, &mut buffer[..8]),
        Err(RecordError::BufferTooSmall)
    );
    assert_eq!(seen(&latch), before);
    assert!(latch.record(ticket, &mut buffer).is_ok());
}

#[test]
fn configurations_that_can_not_work() {
    type Change = fn(&mut Config);
    let cases: [(Change, ConfigError); 21] = [
        (
            |config| {
                config.store = false;
                config.confirmation = Confirmation::Memory;
                config.lease = LeaseMode::Host;
            },
            ConfigError::LeaseWithoutStore,
        ),
        (
            |config| config.store = false,
            ConfigError::ConfirmationWithoutStore,
        ),
        (
            |config| {
                config.store = false;
                config.confirmation = Confirmation::ReadBack;
            },
            ConfigError::ConfirmationWithoutStore,
        ),
        (
            |config| config.credential = Credential::Ambient,
            ConfigError::AmbientWithoutProbe,
        ),
        (
            |config| config.max_attempts = 0,
            ConfigError::Zero("max_attempts"),
        ),
        (|config| config.attempts = 0, ConfigError::Zero("attempts")),
        (|config| config.budget = 0, ConfigError::Zero("budget")),
        (
            |config| config.wait_limit_ms = 0,
            ConfigError::Zero("wait_limit_ms"),
        ),
        (
            |config| config.backoff_base_ms = 0,
            ConfigError::Zero("backoff_base_ms"),
        ),
        (
            |config| config.budget_window_ms = 0,
            ConfigError::Zero("budget_window_ms"),
        ),
        (
            |config| config.store_timeout_ms = 0,
            ConfigError::Zero("store_timeout_ms"),
        ),
        (
            |config| config.token_timeout_ms = 0,
            ConfigError::Zero("token_timeout_ms"),
        ),
        (
            |config| config.probe_timeout_ms = 0,
            ConfigError::Zero("probe_timeout_ms"),
        ),
        (
            |config| config.revoke_timeout_ms = 0,
            ConfigError::Zero("revoke_timeout_ms"),
        ),
        (
            |config| config.lease_timeout_ms = 0,
            ConfigError::Zero("lease_timeout_ms"),
        ),
        (
            |config| config.login_timeout_ms = 0,
            ConfigError::Zero("login_timeout_ms"),
        ),
        (
            |config| config.clock_tolerance_ms = 0,
            ConfigError::Zero("clock_tolerance_ms"),
        ),
        (
            |config| config.backoff_cap_ms = config.backoff_base_ms - 1,
            ConfigError::BackoffCap,
        ),
        (
            |config| {
                config.lease = LeaseMode::Host;
                config.lease_timeout_ms = config.token_timeout_ms + config.store_timeout_ms - 1;
            },
            ConfigError::LeaseTimeout,
        ),
        (
            |config| {
                config.lease = LeaseMode::Host;
                config.token_timeout_ms = u32::MAX;
            },
            ConfigError::LeaseTimeout,
        ),
        (
            |config| {
                config.backoff_cap_ms = 0;
                config.budget = 0;
            },
            ConfigError::Zero("budget"),
        ),
    ];
    for (change, error) in cases {
        let mut config = Config::new();
        change(&mut config);
        assert_eq!(config.validate(), Err(error));
        assert_eq!(Small::new(config, 0).map(drop), Err(error));
    }
}

/// The edges of what works.
#[test]
fn configurations_that_just_work() {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    config.lease_timeout_ms = config.token_timeout_ms + config.store_timeout_ms;
    config.backoff_cap_ms = config.backoff_base_ms;
    for zero in [
        &mut config.refresh_margin_ms,
        &mut config.retry_after_cap_ms,
        &mut config.reuse_grace_ms,
        &mut config.fresh_window_ms,
        &mut config.fresh_retry_ms,
    ] {
        *zero = 0;
    }
    assert_eq!(config.validate(), Ok(()));
    let mut config = Config::in_memory();
    config.confirmation = Confirmation::Probed;
    config.credential = Credential::Ambient;
    config.when_signed_out = Waiting::Refuse;
    assert_eq!(config.validate(), Ok(()));
    assert_eq!(Config::in_memory().validate(), Ok(()));
}

/// Every error says in one sentence what is wrong.
#[test]
fn each_error_has_a_sentence() {
    let mut sentences = vec![
        Rejected::NotOpened.to_string(),
        Rejected::AlreadyOpened.to_string(),
        Rejected::QueueFull.to_string(),
        Rejected::DuplicateWaiter.to_string(),
        Rejected::NoSession.to_string(),
        Rejected::Throttled.to_string(),
        PermitError::NotReady.to_string(),
        PermitError::Unknown.to_string(),
        RecordError::Stale.to_string(),
        RecordError::BufferTooSmall.to_string(),
        ConfigError::LeaseWithoutStore.to_string(),
        ConfigError::ConfirmationWithoutStore.to_string(),
        ConfigError::AmbientWithoutProbe.to_string(),
        ConfigError::Zero("budget").to_string(),
        ConfigError::BackoffCap.to_string(),
        ConfigError::LeaseTimeout.to_string(),
    ];
    for error in [
        GrantError::Empty,
        GrantError::Literal,
        GrantError::Quoted,
        GrantError::Scheme,
        GrantError::Character,
        GrantError::TooLong,
        GrantError::Lifetime,
        GrantError::TokenType,
    ] {
        assert_eq!(error.to_string(), error.sentence());
        assert_eq!(Rejected::Grant(error).to_string(), error.sentence());
        sentences.push(error.to_string());
    }
    for cause in Cause::ALL {
        assert_eq!(PermitError::Refused(*cause).to_string(), cause.sentence());
    }
    let count = sentences.len();
    sentences.sort();
    sentences.dedup();
    assert_eq!(sentences.len(), count, "two errors say the same");
    assert!(sentences.iter().all(|sentence| sentence.len() > 10));
}
