//! Scenarios 1 to 60, each a transcript named after the behaviour.

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::TOKEN;
use crate::support::grant;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Corrupt;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::Instant;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::RecordError;
use tokenlatch::ResponseShape;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::Waiting;
use tokenlatch::inspect;
use tokenlatch::promises::Checked;
use tokenlatch::response;

const HOUR: u64 = 3_600_000;

fn with_lease() -> Config {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    config
}

fn refusing() -> Config {
    let mut config = Config::new();
    config.when_unavailable = Waiting::Refuse;
    config
}

fn of<'a>(subject: &'a str, mut grant: Grant<'a>) -> Grant<'a> {
    grant.subject = Some(subject);
    grant
}

/// Another context, opened at a time with a store that works.
#[track_caller]
fn opened_at(config: Config, millis: u64, cell: &mut Vec<u8>) -> Host {
    let mut host = Host::seeded(config, millis);
    host.now = millis;
    host.tell(Event::Opened);
    host.serve_store(cell);
    host
}

/// Opened at 200 s with a token that ended at 100 s; the renewal with `r1` is on its way.
#[track_caller]
fn renewing_expired(config: Config) -> (Host, Vec<u8>) {
    let mut cell = Host::new(config).sign_in(grant("a1", Some("r1"), 100));
    let host = opened_at(config, 200_000, &mut cell);
    assert_eq!(host.state(), State::Refreshing);
    assert_eq!(sent_with(&host), Some("r1"));
    assert_eq!(host.count("SendTokenRequest"), 1);
    (host, cell)
}

/// Signed in at 0 for 100 s; the timer has begun the renewal with `r1`, and `a1` is still valid.
#[track_caller]
fn renewing_by_timer(config: Config) -> (Host, Vec<u8>) {
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Refreshing);
    assert!((75_000..87_500).contains(&host.now), "{}", host.now);
    assert_eq!(host.count("SendTokenRequest"), 1);
    (host, cell)
}

/// The refresh token of the token request under way.
#[track_caller]
fn sent_with(host: &Host) -> Option<&str> {
    host.latch().refresh_token(host.ticket("SendTokenRequest"))
}

fn notices(host: &Host, cause: Cause) -> usize {
    let notice = Effect::RequireLogin { cause };
    host.history
        .iter()
        .filter(|effect| **effect == notice)
        .count()
}

fn holds(cell: &[u8], text: &str) -> bool {
    cell.windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[track_caller]
fn failure(status: u16, body: &str) -> TokenFailure {
    let mut body = body.as_bytes().to_vec();
    response::parse(&ResponseShape::RFC6749, status, &mut body).expect_err("a failure")
}

#[track_caller]
fn tell_many(latch: &mut Checked<TOKEN, 64>, at: u64, event: Event<'_>) -> (Outcome, Vec<Effect>) {
    let outcome = latch
        .handle(Now::monotonic(at), event)
        .expect("promises kept")
        .expect("an event that fits");
    let mut effects = Vec::new();
    while let Some(effect) = latch.poll_effect().expect("promises kept") {
        effects.push(effect);
    }
    (outcome, effects)
}

// promises: P1, P3, P8
#[test]
fn s1_fifty_requests_on_an_expired_session_share_one_refresh() {
    let mut latch = Checked::new(Config::in_memory(), 1).unwrap();
    tell_many(&mut latch, 0, Event::Opened);
    let (Outcome::Login(ticket), _) = tell_many(&mut latch, 0, Event::LoginStarted) else {
        panic!("no login");
    };
    let grant_1 = grant("a1", Some("r1"), 100);
    tell_many(
        &mut latch,
        0,
        Event::Granted {
            ticket,
            grant: grant_1,
        },
    );
    assert_eq!(latch.latch().state(), State::Ready);
    let mut orders = Vec::new();
    for waiter in 1..=50 {
        let request = Event::AccessRequested {
            waiter: Waiter::from_u32(waiter),
            access: tokenlatch::Access::First,
        };
        let (outcome, effects) = tell_many(&mut latch, 100_001, request);
        assert_eq!(outcome, Outcome::Admitted);
        for effect in effects {
            match effect {
                Effect::SendTokenRequest { ticket, .. } => orders.push(ticket),
                Effect::StateChanged { state } => assert_eq!(state, State::Refreshing),
                other => panic!("{other:?}"),
            }
        }
    }
    let [ticket] = orders[..] else {
        panic!("not one token request: {orders:?}");
    };
    let grant_2 = grant("a2", Some("r2"), 100);
    let answered = Event::Granted {
        ticket,
        grant: grant_2,
    };
    let (_, effects) = tell_many(&mut latch, 100_200, answered);
    let releases = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Release { .. }));
    assert_eq!(releases.count(), 50);
    for waiter in 1..=50 {
        let now = Now::monotonic(100_200);
        let permit = latch.permit(now, Waiter::from_u32(waiter)).unwrap();
        assert_eq!(permit.unwrap().token(), "a2");
    }
}

// promises: P3, P8, P11
#[test]
fn s2_waiters_of_a_refresh_that_the_server_refuses_are_all_refused_with_it() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    for waiter in 1..=3 {
        host.request(waiter).is_admitted().gives(&[]);
    }
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    let cause = Cause::SessionEnded;
    assert_eq!(host.refused(), [(1, cause), (2, cause), (3, cause)]);
    assert_eq!(host.released(), []);
    assert_eq!(host.state(), State::Unauthenticated);
    // The next session renews as if nothing had been.
    let ticket = host.login();
    let grant_2 = grant("a2", Some("r2"), 100);
    host.tell(Event::Granted {
        ticket,
        grant: grant_2,
    });
    host.serve_store(&mut cell);
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
    assert_eq!(sent_with(&host), Some("r2"));
}

// promises: P3, P8, P11
#[test]
fn s3_waiters_of_a_refresh_that_fails_otherwise_are_all_settled() {
    for (failure, cause) in [
        (TokenFailure::NotSent, Cause::Offline),
        (TokenFailure::Lost, Cause::Unavailable),
        (TokenFailure::RateLimited, Cause::Unavailable),
        (TokenFailure::Unavailable, Cause::Unavailable),
        (TokenFailure::Unrecognized, Cause::Unavailable),
        (
            TokenFailure::Unusable(GrantError::Empty),
            Cause::Unavailable,
        ),
        (TokenFailure::Misconfigured, Cause::Misconfigured),
    ] {
        let (mut host, mut cell) = renewing_expired(refusing());
        for waiter in 1..=3 {
            host.request(waiter).is_admitted();
        }
        host.token_failed(failure).is_in(State::Expired);
        assert_eq!(host.refused(), [(1, cause), (2, cause), (3, cause)]);
        host.serve_store(&mut cell);
        host.wait().is_in(State::Refreshing);
        host.serve_store(&mut cell);
        assert_eq!(host.count("SendTokenRequest"), 2, "{failure:?}");
    }
    // Where requests are held, the next try settles them.
    let (mut host, mut cell) = renewing_expired(Config::new());
    for waiter in 1..=3 {
        host.request(waiter).is_admitted();
    }
    host.token_failed(TokenFailure::Unavailable);
    host.serve_store(&mut cell);
    assert_eq!(host.refused(), []);
    host.wait();
    host.serve_store(&mut cell);
    host.granted(grant("a2", None, 100));
    host.serve_store(&mut cell);
    for waiter in 1..=3 {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
}

// promises: P1, P11
#[test]
fn s4_a_refresh_refused_for_good_leaves_the_valid_token_usable() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    for (waiter, millis) in [(1, 90_000), (2, 95_000), (3, 99_999)] {
        host.now = millis;
        assert_eq!(host.request_and_send(waiter).0, "a1");
    }
    assert_eq!(notices(&host, Cause::SessionEnded), 0);
    // The dead refresh token is not tried again, here or after a reload.
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert!(!holds(&cell, "r1"));
    let mut next = opened_at(Config::new(), 99_000, &mut cell);
    assert_eq!(next.request_and_send(1).0, "a1");
    assert_eq!(next.count("SendTokenRequest"), 0);
}

// promises: P1, P11
#[test]
fn s5_a_refresh_refused_for_good_ends_an_expired_session_once() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Unauthenticated);
    for millis in [200_001, 201_000, 260_000] {
        host.at(millis, Event::TimeoutReached);
        host.tell(Event::StoreChanged);
        host.serve_store(&mut cell);
    }
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(notices(&host, Cause::SessionEnded), 1);
    assert_eq!(host.count("RequireLogin"), 1);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));

    // Refused while the token was valid: the same at its end.
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    host.at(99_999, Event::TimeoutReached).is_in(State::Ready);
    host.at(100_000, Event::TimeoutReached)
        .is_in(State::Unauthenticated);
    host.serve_store(&mut cell);
    host.at(100_001, Event::TimeoutReached);
    assert_eq!(notices(&host, Cause::SessionEnded), 1);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
}

// promises: P10, P11
#[test]
fn s6_network_failures_keep_an_expired_session() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    for tried in 1..=12 {
        assert_eq!(host.count("SendTokenRequest"), tried);
        host.token_failed(TokenFailure::NotSent)
            .is_in(State::Expired);
        host.serve_store(&mut cell);
        while host.state() == State::Expired {
            host.wait();
        }
        host.serve_store(&mut cell);
    }
    assert_eq!(host.count("RequireLogin"), 0);
    assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    assert_eq!(sent_with(&host), Some("r1"));
    host.granted(grant("a2", Some("r2"), 100));
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "a2");
}

// promises: P10
#[test]
fn s7_s8_fifty_calls_cost_one_request_inside_the_cool_down_and_the_next_goes_out() {
    let mut config = refusing();
    config.backoff_base_ms = 60_000;
    let (mut host, mut cell) = renewing_expired(config);
    host.token_failed(TokenFailure::Unavailable)
        .is_in(State::Expired);
    host.serve_store(&mut cell);
    let end = host.latch().poll_timeout().unwrap().as_millis();
    assert!((200_050..=260_000).contains(&end), "{end}");
    for waiter in 1..=50 {
        host.now = 200_000 + (end - 1 - 200_000) * u64::from(waiter) / 50;
        host.request(waiter)
            .is(Outcome::Surface(Cause::Unavailable))
            .gives(&[]);
    }
    assert_eq!(host.now, end - 1);
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.now = end;
    host.request(51).is_admitted().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
}

// promises: P5, P10
#[test]
fn s9_a_cool_down_does_not_hold_back_another_refresh_token() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    host.token_failed_after(TokenFailure::RateLimited, Some(600));
    host.serve_store(&mut cell);
    // Another context renews, for 10 s.
    let mut sibling = opened_at(Config::new(), 201_000, &mut cell);
    assert_eq!(sent_with(&sibling), Some("r1"));
    sibling.granted(grant("a2", Some("r2"), 10));
    sibling.serve_store(&mut cell);

    host.at(229_000, Event::TimeoutReached)
        .is_in(State::Expired)
        .gives(&[]);
    host.at(230_000, Event::StoreChanged);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
    assert_eq!(sent_with(&host), Some("r2"));
}

// promises: P4, P6
#[test]
fn s11_a_refresh_answered_after_the_sign_out_is_discarded_and_the_store_stays_empty() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    let exchange = host.ticket("SendTokenRequest");
    host.at(200_100, Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    host.serve_store(&mut cell);
    let tombstone = cell.clone();
    assert!(matches!(inspect(&tombstone), StoreContent::Tombstone(_)));
    let grant_2 = grant("a2", Some("r2"), 100);
    host.at(
        200_200,
        Event::Granted {
            ticket: exchange,
            grant: grant_2,
        },
    )
    .is(Outcome::Orphaned)
    .is_in(State::Unauthenticated)
    .gives(&[]);
    host.serve_store(&mut cell);
    assert_eq!(cell, tombstone);
    let next = opened_at(Config::new(), 201_000, &mut cell);
    assert_eq!(next.state(), State::Unauthenticated);
    assert_eq!(next.count("SendTokenRequest"), 0);
}

// promises: P4, P6
#[test]
fn s15_a_sign_out_inside_a_store_write_undoes_the_write() {
    for lands_before_the_look in [true, false] {
        let (mut host, mut cell) = renewing_expired(Config::new());
        host.granted(grant("a2", Some("r2"), 100));
        host.loaded(Some(&cell.clone())).is_in(State::Refreshing);
        let (write, bytes) = (host.ticket("Store"), host.record());
        assert!(holds(&bytes, "r2"));
        host.at(200_100, Event::LogoutRequested)
            .is_in(State::Unauthenticated);
        assert_eq!(host.latch().revocation(host.ticket("Revoke")), Some("r2"));
        let late = host.latch().record(write, &mut [0; 1024]);
        assert_eq!(late, Err(RecordError::Stale));
        if lands_before_the_look {
            cell.clone_from(&bytes);
        }
        host.tell(Event::Stored { ticket: write })
            .is(Outcome::Stale)
            .gives(&[]);
        host.loaded(Some(&cell.clone()));
        cell = bytes;
        assert!(matches!(inspect(&cell), StoreContent::Session(_)));
        host.serve_store(&mut cell);
        assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
        assert!(!holds(&cell, "a2"));
        let next = opened_at(Config::new(), 201_000, &mut cell);
        assert_eq!(next.state(), State::Unauthenticated);
    }
}

// promises: P2, P8
#[test]
fn s18_notices_of_the_opening_come_after_it_is_resolved_and_in_order() {
    let cell = Host::new(Config::new()).sign_in(grant("a1", Some("r1"), 3600));
    let mut host = Host::seeded(Config::new(), 2);
    host.request(1).is_admitted().gives(&[]);
    host.at(10, Event::Opened)
        .gives(&["StateChanged Pending", "Load #1"]);
    host.request(2).is_admitted().gives(&[]);
    host.at(20, Event::TimeoutReached).gives(&[]);
    host.loaded(Some(&cell))
        .gives(&["StateChanged Ready", "Release 1", "Release 2"]);

    let mut host = Host::seeded(Config::new(), 2);
    host.at(10, Event::Opened)
        .gives(&["StateChanged Pending", "Load #1"]);
    host.loaded(None)
        .gives(&["StateChanged Unauthenticated", "RequireLogin NotSignedIn"]);
}

// promises: P12
#[test]
fn s19_an_empty_malformed_or_foreign_value_is_treated_as_absent() {
    let record = Host::new(Config::new()).sign_in(grant("a1", Some("r1"), 3600));
    let mut flipped = record.clone();
    flipped[20] ^= 4;
    let mut future = record.clone();
    future[2] = 2;
    let torn = &record[..record.len() - 7];
    let values: [(Option<&[u8]>, Option<Corrupt>); 10] = [
        (None, None),
        (Some(b""), None),
        (Some(b"T"), Some(Corrupt::Truncated)),
        (Some(b"null, or undefined"), Some(Corrupt::Magic)),
        (
            Some(br#"{"access_token":"a1","refresh_token":"r1"}"#),
            Some(Corrupt::Magic),
        ),
        (Some(&[0xff; 64]), Some(Corrupt::Magic)),
        (Some(&[0; 4096]), Some(Corrupt::Magic)),
        (Some(torn), Some(Corrupt::Checksum)),
        (Some(&flipped), Some(Corrupt::Checksum)),
        (Some(&future), Some(Corrupt::Version)),
    ];
    for (value, corrupt) in values {
        let mut host = Host::new(Config::new());
        host.tell(Event::Opened);
        let cause = match corrupt {
            Some(_) => "RequireLogin StoreCorrupt",
            None => "RequireLogin NotSignedIn",
        };
        host.loaded(value)
            .is(Outcome::Done)
            .gives(&["StateChanged Unauthenticated", cause]);
        assert_eq!(host.latch().corrupt(), corrupt, "{value:?}");
        // It is in nobody's way: the next login replaces it.
        let mut cell = value.unwrap_or_default().to_vec();
        let ticket = host.login();
        let grant_1 = grant("a1", None, 3600);
        host.tell(Event::Granted {
            ticket,
            grant: grant_1,
        });
        host.serve_store(&mut cell);
        assert_eq!(host.request_and_send(1).0, "a1");
        assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    }
}

// promises: P2, P8, P15
#[test]
fn s20_a_store_that_cannot_be_read_is_reported_and_nothing_hangs() {
    for answers in [true, false] {
        let mut config = Config::new();
        config.when_signed_out = Waiting::Refuse;
        let mut host = Host::new(config);
        host.tell(Event::Opened);
        host.request(1).is_admitted();
        for tries in 1..=3 {
            assert_eq!(host.state(), State::Pending);
            assert_eq!(host.count("Load"), tries);
            if answers {
                let ticket = host.ticket("Load");
                host.tell(Event::LoadFailed { ticket });
            } else {
                host.at(5_000 * tries as u64, Event::TimeoutReached);
            }
        }
        assert_eq!(host.state(), State::Unauthenticated);
        assert_eq!(notices(&host, Cause::StoreUnavailable), 1);
        assert_eq!(host.refused(), [(1, Cause::StoreUnavailable)]);
        assert_eq!(host.count("Load"), 3);
        let mut cell = Vec::new();
        let ticket = host.login();
        let grant_1 = grant("a1", None, 3600);
        host.tell(Event::Granted {
            ticket,
            grant: grant_1,
        });
        host.serve_store(&mut cell);
        assert_eq!(host.request_and_send(2).0, "a1");
    }
}

// promises: P2
#[test]
fn s21_a_write_that_fails_after_a_rotation_leaves_a_ready_that_says_volatile() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    host.request(1).is_admitted();
    host.granted(grant("a2", Some("r2"), 100));
    host.loaded(Some(&cell.clone()));
    for _ in 0..2 {
        host.store_failed().is_in(State::Refreshing);
        assert_eq!(host.released(), []);
    }
    host.store_failed()
        .gives(&["StateChanged Ready", "Release 1"]);
    assert!(host.latch().is_volatile());
    assert_eq!(host.send(1).unwrap().0, "a2");
    assert!(!holds(&cell, "r2"));
    // It is written as soon as the store works again, and survives a restart from then on.
    host.wait().is_in(State::Ready);
    host.serve_store(&mut cell);
    assert!(!host.latch().is_volatile());
    assert_eq!(host.count("Announce"), 1);
    let next = opened_at(Config::new(), 301_000, &mut cell);
    assert_eq!(sent_with(&next), Some("r2"));
}

// promises: P6
#[test]
fn s23_a_revocation_that_fails_clears_the_session_here_anyway() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(of("alice", grant("a1", Some("r1"), 3600)));
    assert_eq!(host.latch().subject(), Some("alice"));
    host.tell(Event::WentOffline);
    host.at(1_000, Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
    assert_eq!(host.latch().subject(), None);
    host.request(1)
        .is_admitted()
        .gives(&["RequireLogin SignedOut"]);
    assert_eq!(host.send(1), Err(PermitError::NotReady));
    host.tell(Event::WaiterCancelled {
        waiter: Waiter::from_u32(1),
    });
    assert_eq!(host.count("Revoke"), 0);
    // Back online it is tried, and given up after three failures.
    host.at(60_000, Event::WentOnline);
    for tries in 1..=3 {
        assert_eq!(host.count("Revoke"), tries);
        let ticket = host.ticket("Revoke");
        assert_eq!(host.latch().revocation(ticket), Some("r1"));
        host.tell(Event::RevokeFailed { ticket });
        assert_eq!(host.latch().revocation(ticket), None);
        if tries < 3 {
            host.wait();
        }
    }
    assert_eq!(host.latch().poll_timeout(), None);
    assert_eq!(host.count("Revoke"), 3);
    assert_eq!(host.state(), State::Unauthenticated);
}

// promises: P10, P11
#[test]
fn s25_a_refresh_answered_5xx_or_cut_off_is_tried_again() {
    let page = "<html>error</html>";
    for (failure, expected) in [
        (failure(500, page), TokenFailure::Unavailable),
        (failure(503, page), TokenFailure::Unavailable),
        (failure(525, page), TokenFailure::Unavailable),
        (failure(200, r#"{"access_token":"a"#), TokenFailure::Lost),
        (TokenFailure::Lost, TokenFailure::Lost),
    ] {
        assert_eq!(failure, expected);
        let (mut host, mut cell) = renewing_expired(Config::new());
        host.request(1).is_admitted();
        host.token_failed(failure).is_in(State::Expired);
        host.serve_store(&mut cell);
        host.wait().is_in(State::Refreshing);
        assert!(host.now <= 201_000, "{}", host.now);
        host.serve_store(&mut cell);
        assert_eq!(host.count("SendTokenRequest"), 2);
        assert_eq!(sent_with(&host), Some("r1"));
        host.granted(grant("a2", Some("r2"), 100));
        host.serve_store(&mut cell);
        assert_eq!(host.send(1).unwrap().0, "a2");
        assert_eq!(host.count("RequireLogin"), 0);
    }
}

// promises: P10, P11
#[test]
fn s26_a_429_keeps_an_expired_session_and_waits_for_retry_after() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    host.token_failed_after(failure(429, "slow down"), Some(120))
        .is_in(State::Expired);
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    assert_eq!(host.count("RequireLogin"), 0);
    host.at(319_999, Event::TimeoutReached)
        .gives(&[])
        .is_in(State::Expired);
    host.at(320_000, Event::TimeoutReached)
        .is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
    assert_eq!(sent_with(&host), Some("r1"));
}

// promises: P10
#[test]
fn s28_a_clock_an_hour_ahead_and_an_absolute_expiry_cause_no_needless_refresh() {
    for (server_time, end) in [(Some(EPOCH), Some(HOUR)), (None, None)] {
        let ahead = (EPOCH + HOUR) as i64;
        let mut host = Host::new(Config::new());
        host.offset = Some(ahead);
        let mut issued = grant("a1", Some("r1"), 0);
        issued.expiry = Expiry::At(EPOCH + HOUR);
        issued.server_time = server_time;
        let mut cell = host.sign_in(issued);
        assert_eq!(host.latch().expires_at(), end.map(Instant::from_millis));
        for waiter in 1..=20 {
            host.now += 60_000;
            assert_eq!(host.request_and_send(waiter).0, "a1");
        }
        assert_eq!(host.count("SendTokenRequest"), 0);
        // Nor after a reload.
        let mut next = Host::seeded(Config::new(), 2);
        (next.offset, next.now) = (Some(ahead), host.now);
        next.tell(Event::Opened);
        next.serve_store(&mut cell);
        assert_eq!(next.request_and_send(1).0, "a1");
        assert_eq!(next.count("SendTokenRequest"), 0);
    }
}

// promises: P6
#[test]
fn s29_a_sign_out_returns_at_once_while_a_refresh_hangs() {
    let (mut host, mut cell) = renewing_expired(Config::new());
    host.request(1).is_admitted();
    host.at(210_000, Event::LogoutRequested)
        .is(Outcome::Done)
        .gives(&[
            "StateChanged Unauthenticated",
            "Load #6",
            "Revoke #5",
            "Refuse 1 SignedOut",
        ]);
    assert_eq!(host.send(1), Err(PermitError::Unknown));
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));

    // The same while the lease hangs; only the tombstone waits for it.
    let cell = Host::new(with_lease()).sign_in(grant("a1", Some("r1"), 100));
    let mut host = Host::seeded(with_lease(), 2);
    host.at(200_000, Event::Opened);
    host.loaded(Some(&cell))
        .gives(&["StateChanged Refreshing", "AcquireLease #2"]);
    host.request(1).is_admitted();
    host.at(210_000, Event::LogoutRequested)
        .is(Outcome::Done)
        .gives(&[
            "StateChanged Unauthenticated",
            "Revoke #3",
            "Refuse 1 SignedOut",
        ]);
    host.lease_granted().gives(&["Load #4"]);
    let mut cell = cell;
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
    assert_eq!(host.count("SendTokenRequest"), 0);
}

// promises: P8, P11, P15
#[test]
fn s30_a_lease_that_never_comes_is_given_up_in_time_with_its_cause() {
    let mut config = with_lease();
    config.when_unavailable = Waiting::Refuse;
    config.wait_limit_ms = 120_000;
    let cell = Host::new(config).sign_in(grant("a1", Some("r1"), 100));
    let mut host = Host::seeded(config, 2);
    host.at(200_000, Event::Opened);
    host.request(1).is_admitted();
    host.loaded(Some(&cell)).is_in(State::Refreshing);
    let lease = host.ticket("AcquireLease");
    host.at(259_999, Event::TimeoutReached)
        .gives(&[])
        .is_in(State::Refreshing);
    host.at(260_000, Event::TimeoutReached).gives(&[
        "StateChanged Expired",
        "ReleaseLease #2",
        "Refuse 1 LeaseUnavailable",
    ]);
    assert_eq!(lease.as_u32(), 2);
    assert_eq!(host.latch().trouble(), Some(Cause::LeaseUnavailable));
    assert_eq!(host.count("SendTokenRequest"), 0);
    // A grant that crosses the release is late.
    host.tell(Event::LeaseGranted { ticket: lease })
        .is(Outcome::Stale)
        .gives(&[]);
    host.wait()
        .gives(&["StateChanged Refreshing", "AcquireLease #3"]);
}

// promises: P1, P10
#[test]
fn s31_a_token_fresh_beyond_the_margin_costs_no_token_request_and_no_lease() {
    let mut host = Host::new(with_lease());
    host.sign_in(grant("a1", Some("r1"), 3600));
    let leases = host.count("AcquireLease");
    for waiter in 1..=20 {
        host.now = 3_539_999 * u64::from(waiter) / 20;
        assert_eq!(host.request_and_send(waiter).0, "a1");
    }
    assert_eq!(host.now, 3_539_999);
    assert_eq!(host.count("AcquireLease"), leases);
    assert_eq!(host.count("SendTokenRequest"), 0);
}

// promises: P1, P3
#[test]
fn s32_a_token_that_expires_inside_the_margin_is_refreshed() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 3_570_000;
    host.request(1).is_admitted().is_in(State::Refreshing);
    assert_eq!(host.send(1), Err(PermitError::NotReady));
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.granted(grant("a2", None, 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.send(1).unwrap().0, "a2");
    // Restored, there is no jitter: at the margin.
    let mut cell = Host::new(Config::new()).sign_in(grant("a1", Some("r1"), 3600));
    let next = opened_at(Config::new(), 3_540_000, &mut cell);
    assert_eq!(next.state(), State::Refreshing);
    assert_eq!(next.count("SendTokenRequest"), 1);
}

// promises: P3, P5
#[test]
fn s34_two_contexts_that_ask_at_once_send_one_token_request() {
    let mut cell = Host::new(with_lease()).sign_in(grant("a1", Some("r1"), 100));
    let mut hosts = [2, 3].map(|seed| {
        let mut host = Host::seeded(with_lease(), seed);
        host.at(200_000, Event::Opened);
        host.request(1).is_admitted();
        host.loaded(Some(&cell))
            .gives(&["StateChanged Refreshing", "AcquireLease #2"]);
        host
    });
    let [first, second] = &mut hosts;
    first.lease_granted();
    first.serve_store(&mut cell);
    assert_eq!(sent_with(first), Some("r1"));
    assert_eq!(second.count("SendTokenRequest"), 0);
    first.granted(grant("a2", Some("r2"), 100));
    first.serve_store(&mut cell);
    assert_eq!(first.count("ReleaseLease"), 1);
    assert_eq!(first.send(1).unwrap().0, "a2");

    second.lease_granted().gives(&["Load #3"]);
    second
        .loaded(Some(&cell))
        .gives(&["StateChanged Ready", "ReleaseLease #2", "Release 1"]);
    assert_eq!(second.send(1).unwrap().0, "a2");
    assert_eq!(second.count("SendTokenRequest"), 0);
    assert_eq!(second.latch().generation(), first.latch().generation());
}

// promises: P5, P11
#[test]
fn s36_a_lease_that_cannot_be_had_is_a_failed_attempt_and_the_credential_is_as_before() {
    let mut host = Host::new(with_lease());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    let (record, generation) = (cell.clone(), host.latch().generation());
    let stores = host.count("Store");
    host.wait().is_in(State::Refreshing);
    let ticket = host.ticket("AcquireLease");
    host.tell(Event::LeaseDenied { ticket })
        .is(Outcome::Done)
        .gives(&["StateChanged Ready"]);
    assert_eq!(host.latch().trouble(), Some(Cause::LeaseUnavailable));
    assert_eq!(host.latch().generation(), generation);
    assert_eq!(host.request_and_send(1).0, "a1");
    assert_eq!(host.count("SendTokenRequest"), 0);
    assert_eq!(host.count("Store"), stores);
    assert!(!host.latch().is_volatile());
    // The next attempt is as good as the first.
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sent_with(&host), Some("r1"));

    // Expired: kept, and tried again.
    let mut host = Host::seeded(with_lease(), 2);
    host.at(200_000, Event::Opened);
    host.loaded(Some(&record)).is_in(State::Refreshing);
    let ticket = host.ticket("AcquireLease");
    host.tell(Event::LeaseDenied { ticket })
        .gives(&["StateChanged Expired"]);
    assert_eq!(host.latch().generation(), generation);
    host.wait()
        .gives(&["StateChanged Refreshing", "AcquireLease #3"]);
}

// promises: P3, P15
#[test]
fn s37_an_error_while_the_lease_is_held_releases_it() {
    let errors: [fn(&mut Host); 6] = [
        |host| {
            host.token_failed(TokenFailure::Unavailable);
        },
        |host| {
            host.token_failed(TokenFailure::InvalidGrant);
        },
        |host| {
            host.token_failed(TokenFailure::InteractionRequired);
        },
        // No answer at all.
        |host| {
            host.at(host.now + 30_000, Event::TimeoutReached);
        },
        // The new tokens can't be stored.
        |host| {
            host.granted(grant("a2", Some("r2"), 100));
            for _ in 0..3 {
                host.store_failed();
            }
        },
        // Nor can the tombstone.
        |host| {
            host.tell(Event::LogoutRequested);
            for _ in 0..3 {
                host.store_failed();
            }
        },
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let (mut host, mut cell) = renewing_by_timer(with_lease());
        let held = Effect::ReleaseLease {
            ticket: host.ticket("AcquireLease"),
        };
        assert!(!host.history.contains(&held));
        error(&mut host);
        host.serve_store(&mut cell);
        assert!(host.history.contains(&held), "error {number}");
    }
    // The store can't be read under the lease.
    let mut host = Host::new(with_lease());
    host.sign_in(grant("a1", Some("r1"), 100));
    host.wait();
    host.lease_granted();
    let held = Effect::ReleaseLease {
        ticket: host.ticket("AcquireLease"),
    };
    for _ in 0..3 {
        assert!(!host.history.contains(&held));
        let ticket = host.ticket("Load");
        host.tell(Event::LoadFailed { ticket });
    }
    assert!(host.history.contains(&held));
    assert!(!host.latch().is_volatile(), "nothing was changed");
    assert_eq!(host.state(), State::Ready);
}

// promises: P3, P5
#[test]
fn s38_two_audiences_exchange_one_after_the_other_and_the_second_with_the_rotated_token() {
    let mut cell = Host::new(with_lease()).sign_in(grant("a1", Some("r1"), 3600));
    let mut hosts = [2, 3].map(|seed| {
        let mut host = Host::seeded(with_lease(), seed);
        host.at(1_000, Event::Opened);
        host.loaded(Some(&cell)).is_in(State::Ready);
        host.tell(Event::RefreshRequested)
            .gives(&["StateChanged Refreshing", "AcquireLease #2"]);
        host
    });
    let [first, second] = &mut hosts;
    first.lease_granted();
    first.serve_store(&mut cell);
    assert_eq!(sent_with(first), Some("r1"));
    assert_eq!(second.count("SendTokenRequest"), 0);
    first.granted(grant("for-one", Some("r2"), 3600));
    first.serve_store(&mut cell);
    assert_eq!(first.count("ReleaseLease"), 1);

    // The second finds the first one's token, which is not for its audience, and asks again.
    second.lease_granted();
    second.serve_store(&mut cell);
    assert_eq!(second.request_and_send(1).0, "for-one");
    assert_eq!(second.count("SendTokenRequest"), 0);
    second.tell(Event::RefreshRequested);
    second.serve_store(&mut cell);
    assert_eq!(sent_with(second), Some("r2"));
    second.granted(grant("for-two", Some("r3"), 3600));
    second.serve_store(&mut cell);
    assert_eq!(second.request_and_send(2).0, "for-two");
}

// promises: P6, P7
#[test]
fn s40_another_sign_in_without_a_sign_out_drops_all_tokens_of_the_former_user() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(of("alice", grant("alice-a1", Some("alice-r1"), 3600)));
    let mut sibling = opened_at(Config::new(), 0, &mut cell);
    let receipts = [&mut host, &mut sibling].map(|host| host.request_and_send(1).1);
    host.request(2).is_admitted().gives(&["Release 2"]);
    sibling.request(2).is_admitted().gives(&["Release 2"]);

    host.now = 5_000;
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: of("bob", grant("bob-a1", Some("bob-r1"), 3600)),
    });
    host.serve_store(&mut cell);
    assert!(!holds(&cell, "alice"));
    sibling.at(5_001, Event::StoreChanged);
    assert_eq!(sibling.send(2), Err(PermitError::NotReady));
    sibling.serve_store(&mut cell);

    for (host, receipt) in [&mut host, &mut sibling].into_iter().zip(receipts) {
        assert_eq!(host.state(), State::Ready);
        assert_eq!(host.refused(), [(2, Cause::SignInChanged)]);
        assert_eq!(host.latch().subject(), Some("bob"));
        let ended = Outcome::Surface(Cause::SignInChanged);
        assert_eq!(host.answer(receipt, 401), ended);
        host.retry(3, receipt).is(ended);
        assert_eq!(host.request_and_send(4).0, "bob-a1");
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell.clone());
        assert_eq!(sent_with(host), Some("bob-r1"));
    }
}

/// The former user's renewal was under way elsewhere.
// promises: P5, P7
#[test]
fn s40_a_renewal_of_the_former_user_does_not_come_back() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.request(1).is_admitted();
    let mut sibling = opened_at(Config::new(), host.now, &mut cell.clone());
    let ticket = sibling.login();
    sibling.tell(Event::Granted {
        ticket,
        grant: of("bob", grant("bob-a1", Some("bob-r1"), 3600)),
    });
    sibling.serve_store(&mut cell);
    let bobs = cell.clone();
    host.granted(grant("a2", Some("r2"), 100));
    host.serve_store(&mut cell);
    assert_eq!(cell, bobs);
    assert_eq!(host.refused(), [(1, Cause::SignInChanged)]);
    assert_eq!(host.latch().subject(), Some("bob"));
    assert_eq!(host.request_and_send(2).0, "bob-a1");
}

// promises: P11
#[test]
fn s45_mfa_required_asks_for_a_step_up_and_keeps_the_session() {
    let body = r#"{"error":"mfa_required","mfa_token":"m"}"#;
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.token_failed(failure(403, body)).is_in(State::Ready);
    host.serve_store(&mut cell);
    assert_eq!(notices(&host, Cause::InteractionRequired), 1);
    assert_eq!(host.request_and_send(1).0, "a1");
    assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    // Without the user no renewal is tried again, and at its end the token waits for the step-up.
    host.at(100_000, Event::TimeoutReached)
        .gives(&["StateChanged Expired"]);
    assert_eq!(host.latch().trouble(), Some(Cause::InteractionRequired));
    assert_eq!(host.latch().poll_timeout(), None);
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.request(2).is_admitted().gives(&[]);
    let ticket = host.login();
    let grant_2 = grant("a2", Some("r2"), 100);
    host.tell(Event::Granted {
        ticket,
        grant: grant_2,
    });
    host.serve_store(&mut cell);
    assert_eq!(host.send(2).unwrap().0, "a2");

    let (mut host, mut cell) = renewing_expired(Config::new());
    host.token_failed(failure(403, body)).gives(&[
        "StateChanged Expired",
        "Load #5",
        "RequireLogin InteractionRequired",
    ]);
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Session(_)));
}

// promises: P9
#[test]
fn s46_a_dpop_nonce_error_is_retried_once_and_the_second_is_handed_on() {
    let mut host = Host::new(Config::new());
    host.sign_in(grant("a1", Some("r1"), 3600));
    let (_, first) = host.request_and_send(1);
    let nonce = ChallengeKind::UseDpopNonce;
    assert_eq!(host.answer_with(first, 401, nonce), Outcome::Retry);
    host.retry(1, first).is_admitted().gives(&["Release 1"]);
    let (token, second) = host.send(1).unwrap();
    assert_eq!(token, "a1");
    let handed_on = Outcome::Surface(Cause::DpopNonce);
    assert_eq!(host.answer_with(second, 401, nonce), handed_on);
    // With the new nonce it would have gone well.
    let (_, other) = host.request_and_send(2);
    assert_eq!(host.answer_with(other, 401, nonce), Outcome::Retry);
    host.retry(2, other).is_admitted();
    let (_, again) = host.send(2).unwrap();
    assert_eq!(host.answer(again, 200), Outcome::Deliver);
    assert_eq!(host.count("SendTokenRequest"), 0);
    assert_eq!(host.state(), State::Ready);
}

// promises: P4, P6
#[test]
fn s48_nothing_of_a_refresh_comes_back_after_a_sign_out() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    let (exchange, load) = (host.ticket("SendTokenRequest"), host.ticket("Load"));
    host.request(1).is_admitted();
    host.tell(Event::LogoutRequested);
    assert_eq!(host.refused(), [(1, Cause::SignedOut)]);
    // The answers come before the tombstone is written.
    let grant_2 = grant("a2", Some("r2"), 100);
    host.tell(Event::Granted {
        ticket: exchange,
        grant: grant_2,
    })
    .is(Outcome::Orphaned)
    .gives(&[]);
    host.tell(Event::TokenFailed {
        ticket: exchange,
        failure: TokenFailure::InvalidGrant,
        retry_after: None,
    })
    .is(Outcome::Stale)
    .gives(&[]);
    let old = cell.clone();
    host.tell(Event::Loaded {
        ticket: load,
        record: Some(&old),
    })
    .is(Outcome::Stale)
    .gives(&[]);
    host.request(2).is_admitted();
    assert_eq!(host.send(2), Err(PermitError::NotReady));
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.released(), []);
    assert_eq!(sent_with(&host), None);
}

// promises: P3
#[test]
fn s49_five_silent_renewals_at_once_send_one_token_request() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    for _ in 0..3 {
        host.tell(Event::RefreshRequested).is(Outcome::Done);
    }
    host.serve_store(&mut cell);
    for _ in 0..2 {
        host.tell(Event::RefreshRequested)
            .is(Outcome::Done)
            .gives(&[]);
    }
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(host.request_and_send(1).0, "a2");
}

/// The answer is there and is being stored: still the same renewal.
// promises: P3
#[test]
fn s49_a_silent_renewal_asked_for_while_the_new_token_is_stored_joins() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.granted(grant("a2", Some("r2"), 3600))
        .is_in(State::Refreshing);
    host.tell(Event::RefreshRequested).is(Outcome::Done);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
}

// promises: P5, P6
#[test]
fn s50_a_user_removed_elsewhere_during_a_renewal_stays_removed() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    host.request(1).is_admitted();
    let mut sibling = opened_at(Config::new(), host.now, &mut cell.clone());
    sibling.tell(Event::LogoutRequested);
    sibling.serve_store(&mut cell);
    let tombstone = cell.clone();
    assert!(matches!(inspect(&tombstone), StoreContent::Tombstone(_)));
    host.tell(Event::StoreChanged);
    assert_eq!(host.send(1), Err(PermitError::NotReady));
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.refused(), [(1, Cause::SignedOutElsewhere)]);
    assert_eq!(notices(&host, Cause::SignedOutElsewhere), 1);
    assert_eq!(cell, tombstone);
}

/// The tokens that came after the removal are nobody's, and alive at the server.
// promises: P6
#[test]
fn s50_a_token_renewed_after_the_removal_is_revoked() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    let mut sibling = opened_at(Config::new(), host.now, &mut cell.clone());
    sibling.tell(Event::LogoutRequested);
    sibling.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.count("Revoke"), 1);
    assert_eq!(host.latch().revocation(host.ticket("Revoke")), Some("r2"));
}

// promises: P1, P3
#[test]
fn s51_an_expired_token_is_refreshed_once_before_the_first_request() {
    let mut cell = Host::new(Config::new()).sign_in(grant("a1", Some("r1"), 100));
    let mut host = Host::seeded(Config::new(), 2);
    host.now = 200_000;
    host.request(1).is_admitted();
    host.tell(Event::Opened);
    host.request(2).is_admitted();
    host.serve_store(&mut cell);
    assert_eq!(sent_with(&host), Some("r1"));
    assert_eq!(host.released(), []);
    assert_eq!(host.send(1), Err(PermitError::NotReady));
    host.granted(grant("a2", Some("r2"), 100));
    assert_eq!(host.released(), []);
    host.serve_store(&mut cell);
    assert_eq!(host.released(), [1, 2]);
    assert_eq!(host.send(1).unwrap().0, "a2");
    assert_eq!(host.send(2).unwrap().0, "a2");
    assert_eq!(host.count("SendTokenRequest"), 1);
}

// promises: P10, P11
#[test]
fn s52_a_network_failure_of_a_renewal_by_timer_is_tried_again_with_back_off() {
    let (mut host, mut cell) = renewing_by_timer(Config::new());
    let failed_at = host.now;
    host.token_failed(TokenFailure::NotSent).is_in(State::Ready);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(host.request_and_send(1).0, "a1");
    host.wait().is_in(State::Refreshing);
    let pause = host.now - failed_at;
    assert!((1..=1_000).contains(&pause), "{pause}");
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
    assert_eq!(sent_with(&host), Some("r1"));
    host.granted(grant("a2", Some("r2"), 100));
    host.serve_store(&mut cell);
    assert_eq!(host.latch().trouble(), None);
    assert_eq!(host.request_and_send(2).0, "a2");
}

// promises: P3, P15
#[test]
fn s54_a_timer_that_fires_late_acts_once() {
    // The timer slept, the clock did not; then both did.
    for (monotonic, slept) in [(HOUR, 0), (10_000, HOUR)] {
        let mut host = Host::new(Config::new());
        let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
        host.offset = Some((EPOCH + slept) as i64);
        host.at(monotonic, Event::TimeoutReached);
        host.request(1).is_admitted().gives(&[]);
        host.serve_store(&mut cell);
        for _ in 0..5 {
            host.tell(Event::TimeoutReached).gives(&[]);
        }
        assert_eq!(host.state(), State::Refreshing);
        assert_eq!(host.count("SendTokenRequest"), 1);
        host.granted(grant("a2", Some("r2"), 100));
        host.serve_store(&mut cell);
        host.tell(Event::TimeoutReached).gives(&[]);
        assert_eq!(host.count("SendTokenRequest"), 1);
        assert_eq!(host.send(1).unwrap().0, "a2");
    }
}

// promises: P1
#[test]
fn s56_a_token_without_expiry_has_no_timer_and_is_usable() {
    let mut issued = Grant::new("a1");
    issued.refresh_token = Some("r1");
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(issued);
    let mut next = opened_at(Config::new(), 1_000, &mut cell);
    for host in [&mut host, &mut next] {
        assert_eq!(host.latch().poll_timeout(), None);
        assert_eq!(host.latch().expires_at(), None);
        host.now = 10 * 365 * 24 * HOUR;
        assert_eq!(host.request_and_send(1).0, "a1");
        assert_eq!(host.latch().poll_timeout(), None);
        assert_eq!(host.count("SendTokenRequest"), 0);
    }
}

// promises: P3, P9
#[test]
fn s57_late_401_after_a_refresh_is_retried_and_starts_nothing() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let (_, receipt) = host.request_and_send(1);
    let (_, late) = host.request_and_send(2);
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    host.now = 12_000;
    assert_eq!(host.answer(late, 401), Outcome::Retry);
    assert_eq!(host.effects, []);
    assert_eq!(host.state(), State::Ready);
    host.retry(2, late).is_admitted().gives(&["Release 2"]);
    assert_eq!(host.send(2).unwrap().0, "a2");
    assert_eq!(host.count("SendTokenRequest"), 1);
}

// promises: P3, P8, P9
#[test]
fn s58_three_401s_at_once_cost_one_refresh_and_give_three_successes() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let receipts = [1, 2, 3].map(|waiter| host.request_and_send(waiter).1);
    for (receipt, waiter) in receipts.into_iter().zip(1..) {
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        host.retry(waiter, receipt).is_admitted();
    }
    host.serve_store(&mut cell);
    assert_eq!(host.released(), [1, 2, 3]);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    for waiter in 1..=3 {
        let (token, receipt) = host.send(waiter).unwrap();
        assert_eq!(token, "a2");
        assert_eq!(host.answer(receipt, 200), Outcome::Deliver);
    }
    assert_eq!(host.count("SendTokenRequest"), 1);
}

// promises: P1, P3
#[test]
fn s59_a_request_that_arrives_during_a_refresh_waits_and_leaves_with_the_new_token() {
    for serve in [false, true] {
        let mut config = Config::new();
        config.serve_while_refreshing = serve;
        let mut host = Host::new(config);
        let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
        host.now = 10_000;
        let (_, receipt) = host.request_and_send(1);
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        host.request(2).is_admitted().gives(&[]);
        host.serve_store(&mut cell);
        host.request(3).is_admitted().gives(&[]);
        host.granted(grant("a2", Some("r2"), 3600));
        host.request(4).is_admitted().gives(&[]);
        for waiter in 2..=4 {
            assert_eq!(host.send(waiter), Err(PermitError::NotReady));
        }
        host.serve_store(&mut cell);
        for waiter in 2..=4 {
            assert_eq!(host.send(waiter).unwrap().0, "a2");
        }
        assert_eq!(host.count("SendTokenRequest"), 1);
    }
}

// promises: P3, P8, P11
#[test]
fn s60_a_refresh_refused_for_good_with_three_waiting_ends_the_session_once() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let receipts = [1, 2, 3].map(|waiter| host.request_and_send(waiter).1);
    for (receipt, waiter) in receipts.into_iter().zip(1..) {
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        host.retry(waiter, receipt).is_admitted();
    }
    host.serve_store(&mut cell);
    let changes = host.count("StateChanged { state: Unauthenticated");
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    let cause = Cause::SessionEnded;
    assert_eq!(host.refused(), [(1, cause), (2, cause), (3, cause)]);
    assert_eq!(host.released(), [1, 2, 3], "none again");
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(notices(&host, cause), 1);
    let ended = host.count("StateChanged { state: Unauthenticated") - changes;
    assert_eq!(ended, 1);
    assert_eq!(host.state(), State::Unauthenticated);
}
