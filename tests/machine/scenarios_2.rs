//! Scenarios 61 to 118, each a transcript named after the behaviour.

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::WAITERS;
use crate::support::grant;
use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::Challenge;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::GrantType;
use tokenlatch::LeaseMode;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Renewal;
use tokenlatch::ResponseShape;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::Waiting;
use tokenlatch::inspect;
use tokenlatch::response::MAX_LIFETIME_MS;
use tokenlatch::response::parse;
use tokenlatch::retry_after;

const HOUR: u64 = 3_600_000;

/// Signed in for an hour with `a1` and `r1`; at ten seconds the API has taken `a1` once.
#[track_caller]
fn accepted(config: Config) -> (Host, Vec<u8>) {
    let mut host = Host::new(config);
    let cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    serve_one(&mut host, 99, "a1");
    (host, cell)
}

/// A request that leaves with `token` and is answered 200.
#[track_caller]
fn serve_one(host: &mut Host, waiter: u32, token: &str) {
    let (sent, receipt) = host.request_and_send(waiter);
    assert_eq!(sent, token);
    assert_eq!(host.answer(receipt, 200), Outcome::Deliver);
}

/// A request that leaves and is answered 401, and asks again.
#[track_caller]
fn refuse_one(host: &mut Host, waiter: u32) -> Receipt {
    let (_, receipt) = host.request_and_send(waiter);
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    host.retry(waiter, receipt).is_admitted();
    receipt
}

/// Carries a renewal that has begun to its end.
#[track_caller]
fn renew(host: &mut Host, cell: &mut Vec<u8>, grant: Grant<'_>) {
    host.serve_store(cell);
    host.granted(grant).is(Outcome::Done);
    host.serve_store(cell);
    assert_eq!(host.state(), State::Ready);
}

/// The refresh token of the token request under way.
fn sent_refresh_token(host: &Host) -> Option<&str> {
    host.latch().refresh_token(host.ticket("SendTokenRequest"))
}

fn sends(host: &Host) -> usize {
    host.count("SendTokenRequest")
}

/// What `SendTokenRequest` and everything after it waits for, from now.
#[track_caller]
fn until_next(host: &Host) -> u64 {
    let next = host.latch().poll_timeout();
    next.expect("a deadline").as_millis() - host.now
}

fn with_lease() -> Config {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    config
}

fn serving() -> Config {
    let mut config = Config::new();
    config.serve_while_refreshing = true;
    config
}

fn refusing() -> Config {
    let mut config = Config::new();
    config.when_unavailable = Waiting::Refuse;
    config.when_signed_out = Waiting::Refuse;
    config
}

/// A second context on the same store, at the same time.
#[track_caller]
fn sibling(host: &Host, cell: &[u8]) -> Host {
    restored_at(*host.latch().config(), cell, host.now)
}

#[track_caller]
fn restored_at(config: Config, cell: &[u8], now: u64) -> Host {
    let mut host = Host::seeded(config, 7);
    host.now = now;
    host.tell(Event::Opened);
    host.loaded(Some(cell));
    host
}

// promises: P3, P9
#[test]
fn s62_a_later_401_after_a_good_refresh_starts_a_new_one() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    let (token, receipt) = host.send(1).unwrap();
    assert_eq!(token, "a2");
    assert_eq!(host.answer(receipt, 200), Outcome::Deliver);

    host.now = 60_000;
    refuse_one(&mut host, 2);
    assert_eq!(host.state(), State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 2);
    assert_eq!(sent_refresh_token(&host), Some("r2"));
    renew(&mut host, &mut cell, grant("a3", Some("r3"), 3600));
    assert_eq!(host.send(2).unwrap().0, "a3");
}

// promises: P1, P2, P6
#[test]
fn s64_a_token_read_during_a_slow_write_is_the_new_one() {
    // In memory is enough: it leaves while the store still holds the old one.
    let mut config = Config::new();
    config.confirmation = Confirmation::Memory;
    let (mut host, mut cell) = accepted(config);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600))
        .is_in(State::Ready);
    host.loaded(Some(&cell));
    host.record();
    assert!(host.latch().is_volatile());
    assert_eq!(host.request_and_send(1).0, "a2");
    host.stored();
    assert!(!host.latch().is_volatile());

    // It must be stored: nobody leaves before, and then with the new one.
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.loaded(Some(&cell));
    host.request(1).is_admitted().gives(&[]);
    assert_eq!(host.send(1).unwrap_err(), PermitError::NotReady);
    host.stored()
        .gives(&["StateChanged Ready", "Announce", "Release 1"]);
    assert_eq!(host.send(1).unwrap().0, "a2");
}

// promises: P1, P6
#[test]
fn s64_after_a_logout_during_a_slow_write_no_token_is_read() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.loaded(Some(&cell));
    let written = host.record();
    host.request(1).is_admitted();
    host.tell(Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    assert_eq!(host.refused(), [(1, Cause::SignedOut)]);
    assert_eq!(host.send(1).unwrap_err(), PermitError::Unknown);
    host.request(2)
        .is_admitted()
        .gives(&["RequireLogin SignedOut"]);
    assert_eq!(host.send(2).unwrap_err(), PermitError::NotReady);
    // The write lands all the same; the tombstone comes after it.
    cell = written;
    host.serve_store(&mut cell);
    assert!(matches!(inspect(&cell), StoreContent::Tombstone(_)));
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.send(2).unwrap_err(), PermitError::NotReady);
}

/// Without a header there is no receipt, so that its answer can't be told as one of the latch's own.
// promises: P1, P9
#[test]
fn s65_a_request_without_a_token_passes_in_every_state_and_its_401_starts_nothing() {
    fn passes(host: &mut Host, state: State) {
        let waiting = host.latch().waiting();
        host.tell(Event::AccessRequested {
            waiter: Waiter::from_u32(1),
            access: Access::Public,
        })
        .is(Outcome::Pass)
        .is_in(state)
        .gives(&[]);
        assert_eq!(host.latch().waiting(), waiting);
        assert_eq!(host.send(70).unwrap_err(), PermitError::Unknown);
    }
    let mut host = Host::new(refusing());
    passes(&mut host, State::Unauthenticated);
    host.open_empty();
    passes(&mut host, State::Unauthenticated);
    host.login();
    passes(&mut host, State::Pending);

    let (mut host, mut cell) = accepted(Config::new());
    passes(&mut host, State::Ready);
    let unknown = Receipt::from_u64(0);
    assert_eq!(
        host.answer(unknown, 401),
        Outcome::Surface(Cause::SignInChanged)
    );
    assert_eq!(host.state(), State::Ready);
    assert_eq!(sends(&host), 0);
    refuse_one(&mut host, 1);
    host.serve_store(&mut cell);
    for waiter in (2..).take(WAITERS - 1) {
        host.request(waiter).is_admitted();
    }
    host.request(20).is_rejected(Rejected::QueueFull);
    passes(&mut host, State::Refreshing);
    host.token_failed(TokenFailure::Unavailable);
    host.serve_store(&mut cell);
    passes(&mut host, State::Expired);
    assert_eq!(sends(&host), 1);
}

/// Opened again when the token has this many milliseconds left, with a margin of a minute.
#[track_caller]
fn opened_with_left(left: u64) -> Host {
    let mut host = Host::new(Config::new());
    let cell = host.sign_in(grant("a1", Some("r1"), 3600));
    restored_at(Config::new(), &cell, HOUR - left)
}

// promises: P1
#[test]
fn s66_one_millisecond_inside_the_margin_is_refreshed() {
    let host = opened_with_left(59_999);
    assert_eq!(host.state(), State::Refreshing);
}

// promises: P1
#[test]
fn s66_exactly_at_the_margin_is_refreshed() {
    let host = opened_with_left(60_000);
    assert_eq!(host.state(), State::Refreshing);
}

// promises: P1, P15
#[test]
fn s66_one_millisecond_beyond_the_margin_is_not_refreshed_yet() {
    let mut host = opened_with_left(60_001);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a1");
    assert_eq!(until_next(&host), 1);
    host.wait().is_in(State::Refreshing);
}

// promises: P1, P3, P9
#[test]
fn s69_a_second_401_during_the_refresh_is_retried_after_it() {
    let (mut host, mut cell) = accepted(Config::new());
    let (_, second) = host.request_and_send(2);
    let (_, third) = host.request_and_send(3);
    refuse_one(&mut host, 1);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 1);
    assert_eq!(host.answer(second, 401), Outcome::Retry);
    host.retry(2, second).is_admitted().gives(&[]);
    host.granted(grant("a2", Some("r2"), 3600));
    // While the new token goes into the store.
    assert_eq!(host.answer(third, 401), Outcome::Retry);
    host.retry(3, third).is_admitted().gives(&[]);
    host.serve_store(&mut cell);
    for waiter in 1..=3 {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
    assert_eq!(sends(&host), 1);
    assert_eq!(host.state(), State::Ready);
}

// promises: P9
#[test]
fn s70_a_request_refused_with_every_new_token_stops_after_the_cap() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut receipt = refuse_one(&mut host, 1);
    for (attempt, token) in [(2, "a2"), (3, "a3")] {
        renew(&mut host, &mut cell, grant(token, Some(token), 3600));
        // Others are served with it: only this request is not.
        serve_one(&mut host, 99, token);
        let (sent, next) = host.send(1).unwrap();
        assert_eq!(sent, token);
        receipt = next;
        if attempt < 3 {
            assert_eq!(host.answer(receipt, 401), Outcome::Retry);
            host.retry(1, receipt).is_admitted();
        }
    }
    assert_eq!(
        host.answer(receipt, 401),
        Outcome::Surface(Cause::RetriesExhausted)
    );
    host.retry(1, receipt)
        .is(Outcome::Surface(Cause::RetriesExhausted));
}

/// The server gives tokens and takes none of them: one delayed retry, then its owner hears why.
// promises: P9, P10
#[test]
fn s70_a_new_token_that_nobody_takes_starts_no_further_refresh() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    let (_, receipt) = host.send(1).unwrap();
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    host.retry(1, receipt).is_admitted().gives(&[]);
    assert_eq!(until_next(&host), 500);
    host.wait().gives(&["Release 1"]);
    let (token, receipt) = host.send(1).unwrap();
    assert_eq!(token, "a2");
    assert_eq!(
        host.answer(receipt, 401),
        Outcome::Surface(Cause::RefusedFresh)
    );
    host.retry(1, receipt)
        .is(Outcome::Surface(Cause::RetriesExhausted));
    assert_eq!(sends(&host), 1);
    assert_eq!(host.state(), State::Ready);
}

// promises: P8, P11
#[test]
fn s71_a_refresh_that_fails_for_good_refuses_every_waiting_request() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    host.request(2).is_admitted();
    host.serve_store(&mut cell);
    host.request(3).is_admitted();
    let before = host.released();
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    let ended = [1, 2, 3].map(|waiter| (waiter, Cause::SessionEnded));
    assert_eq!(host.refused(), ended);
    assert_eq!(host.released(), before);
    assert_eq!(host.latch().waiting(), 0);
    assert_eq!(host.state(), State::Unauthenticated);
}

// promises: P8, P11
#[test]
fn s71_a_refresh_that_fails_for_now_refuses_every_waiting_request_where_the_host_chose_so() {
    let (mut host, mut cell) = accepted(refusing());
    refuse_one(&mut host, 1);
    host.request(2).is_admitted();
    host.serve_store(&mut cell);
    let before = host.released();
    host.token_failed(TokenFailure::Unavailable)
        .is_in(State::Expired);
    let failed = [1, 2].map(|waiter| (waiter, Cause::Unavailable));
    assert_eq!(host.refused(), failed);
    assert_eq!(host.released(), before);
    host.request(3).is(Outcome::Surface(Cause::Unavailable));
}

// promises: P15
#[test]
fn s76_after_a_load_that_fails_the_next_one_works() {
    let mut host = Host::new(Config::new());
    let cell = host.sign_in(grant("a1", Some("r1"), 3600));
    let mut host = Host::new(Config::new());
    host.tell(Event::Opened);
    host.request(1).is_admitted();
    let ticket = host.ticket("Load");
    host.tell(Event::LoadFailed { ticket }).is(Outcome::Done);
    assert_ne!(host.ticket("Load"), ticket);
    host.loaded(Some(&cell))
        .gives(&["StateChanged Ready", "Release 1"]);
    assert_eq!(host.send(1).unwrap().0, "a1");
}

// promises: P11, P15
#[test]
fn s76_after_a_refresh_that_fails_in_the_host_the_next_one_works() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::NotSent)
        .is_in(State::Expired);
    host.serve_store(&mut cell);
    host.wait().is_in(State::Refreshing);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(1).unwrap().0, "a2");
    assert_eq!(sends(&host), 2);
}

// promises: P3, P10, P11
#[test]
fn s78_a_token_endpoint_that_answers_401_starts_no_recursion() {
    for (body, kept) in [
        (r#"{"error":"invalid_client"}"#, Cause::Misconfigured),
        ("<html>sign in</html>", Cause::Unavailable),
    ] {
        let (mut host, mut cell) = accepted(Config::new());
        refuse_one(&mut host, 1);
        host.serve_store(&mut cell);
        let mut body = body.as_bytes().to_vec();
        let failure = parse(&ResponseShape::RFC6749, 401, &mut body).unwrap_err();
        host.token_failed(failure).is_in(State::Expired);
        host.serve_store(&mut cell);
        host.request(2).is_admitted().gives(&[]);
        assert_eq!(sends(&host), 1);
        assert_eq!(host.latch().trouble(), Some(kept));
        assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    }
}

// promises: P8
#[test]
fn s79_a_caller_cancelled_during_a_refresh_leaves_the_refresh_alone() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    host.serve_store(&mut cell);
    let waiter = Waiter::from_u32(1);
    host.tell(Event::WaiterCancelled { waiter })
        .is(Outcome::Done)
        .gives(&[])
        .is_in(State::Refreshing);
    host.tell(Event::WaiterCancelled { waiter })
        .is(Outcome::Stale);
    let before = host.released();
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.released(), before);
    assert_eq!(host.send(1).unwrap_err(), PermitError::Unknown);
    assert_eq!(host.request_and_send(2).0, "a2");
    assert_eq!(sends(&host), 1);
}

// promises: P8
#[test]
fn a_second_cancellation_takes_nobody_else() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    host.serve_store(&mut cell);
    host.request(2).is_admitted();
    host.request(3).is_admitted();
    let waiter = Waiter::from_u32(1);
    host.tell(Event::WaiterCancelled { waiter });
    host.tell(Event::WaiterCancelled { waiter })
        .is(Outcome::Stale);
    assert_eq!(host.latch().waiting(), 2);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    for waiter in [2, 3] {
        assert!(host.released().contains(&waiter));
        assert!(host.send(waiter).is_ok());
    }
}

// promises: P9
#[test]
fn s80_of_several_challenges_the_one_for_the_token_decides() {
    let renews: &[&[&str]] = &[
        &[r#"Basic realm="a, b", Bearer error="invalid_token""#],
        &["Negotiate", r#"Bearer error="invalid_token""#, "Basic"],
    ];
    for headers in renews {
        let (mut host, _) = accepted(Config::new());
        let (_, receipt) = host.request_and_send(1);
        let challenge = Challenge::parse(headers.iter().map(|header| header.as_bytes()));
        assert_eq!(
            host.answer_with(receipt, 401, challenge.kind()),
            Outcome::Retry
        );
        assert_eq!(host.state(), State::Refreshing);
    }
    let surfaces: &[(&[&str], Cause)] = &[
        (&["Basic, Negotiate"], Cause::OtherScheme),
        (
            &["Basic", r#"Bearer error="insufficient_scope", scope="x""#],
            Cause::InsufficientScope,
        ),
    ];
    for (headers, cause) in surfaces {
        let (mut host, _) = accepted(Config::new());
        let (_, receipt) = host.request_and_send(1);
        let challenge = Challenge::parse(headers.iter().map(|header| header.as_bytes()));
        assert_eq!(
            host.answer_with(receipt, 401, challenge.kind()),
            Outcome::Surface(*cause)
        );
        assert_eq!(host.state(), State::Ready);
        assert_eq!(host.request_and_send(2).0, "a1");
    }
}

// promises: P3, P9
#[test]
fn s81_a_401_without_a_challenge_starts_one_refresh() {
    let (mut host, mut cell) = accepted(Config::new());
    let receipts = [1, 2].map(|waiter| host.request_and_send(waiter).1);
    for receipt in receipts {
        assert_eq!(
            host.answer_with(receipt, 401, ChallengeKind::Absent),
            Outcome::Retry
        );
    }
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 1);
}

// promises: P9
#[test]
fn s81_with_several_providers_a_401_without_a_challenge_starts_none() {
    let mut config = Config::new();
    config.require_challenge = true;
    let (mut host, mut cell) = accepted(config);
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(
        host.answer_with(receipt, 401, ChallengeKind::Absent),
        Outcome::Surface(Cause::OtherScheme)
    );
    assert_eq!(host.state(), State::Ready);
    // One that names the token's scheme is its own.
    let (_, receipt) = host.request_and_send(2);
    assert_eq!(
        host.answer_with(receipt, 401, ChallengeKind::InvalidToken),
        Outcome::Retry
    );
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 1);
}

// promises: P9, P11
#[test]
fn s82_a_403_is_handed_on_and_starts_no_refresh() {
    for challenge in [ChallengeKind::Absent, ChallengeKind::InvalidToken] {
        let (mut host, _) = accepted(Config::new());
        let (_, receipt) = host.request_and_send(1);
        assert_eq!(host.answer_with(receipt, 403, challenge), Outcome::Deliver);
        assert_eq!(host.state(), State::Ready);
        assert_eq!(host.request_and_send(2).0, "a1");
        assert_eq!(sends(&host), 0);
    }
}

// promises: P1, P3, P8
#[test]
fn s83_requests_after_expiry_share_one_token_request_and_leave_in_order() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.now = 200_000;
    for waiter in [4, 2, 5, 1, 3] {
        host.request(waiter).is_admitted();
    }
    assert_eq!(host.state(), State::Refreshing);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 100));
    assert_eq!(sends(&host), 1);
    assert_eq!(host.released(), [4, 2, 5, 1, 3]);
    for waiter in 1..=5 {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
}

/// A grant with everything in it.
fn full_grant<'a>(access: &'a str, refresh: &'a str) -> Grant<'a> {
    let mut full = grant(access, Some(refresh), 3600);
    full.scope = Some("read write");
    full.subject = Some("alice");
    full.app_data = Some(b"tenant 7");
    full
}

// promises: P5
#[test]
fn s85_what_a_refresh_leaves_out_stays_as_it_was() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(full_grant("a1", "r1"));
    host.tell(Event::RefreshRequested);
    renew(&mut host, &mut cell, grant("a2", None, 3600));
    let again = restored_at(Config::new(), &cell, host.now);
    for host in [&host, &again] {
        assert_eq!(host.latch().scope(), Some("read write"));
        assert_eq!(host.latch().subject(), Some("alice"));
        assert_eq!(host.latch().app_data(), Some(&b"tenant 7"[..]));
    }
    for mut host in [host, again] {
        assert_eq!(host.request_and_send(1).0, "a2");
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell);
        assert_eq!(sent_refresh_token(&host), Some("r1"));
    }
}

// promises: P5, P13
#[test]
fn s86_a_new_refresh_token_replaces_the_former() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(full_grant("a1", "r1"));
    host.tell(Event::RefreshRequested);
    let mut next = grant("a2", Some("r2"), 3600);
    next.scope = Some("read");
    renew(&mut host, &mut cell, next);
    assert!(!cell.windows(2).any(|bytes| bytes == b"r1"));
    let again = restored_at(Config::new(), &cell, host.now);
    for mut host in [host, again] {
        assert_eq!(host.latch().scope(), Some("read"));
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell);
        assert_eq!(sent_refresh_token(&host), Some("r2"));
    }
}

/// Written, read by another latch, and written by that one because the slot was lost.
// promises: P5, P12
#[test]
fn s87_a_record_written_read_and_written_again_is_identical() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(full_grant("a1", "r1"));
    for tombstone in [false, true] {
        if tombstone {
            host.tell(Event::LogoutRequested);
            host.serve_store(&mut cell);
        }
        assert_eq!(
            matches!(inspect(&cell), StoreContent::Tombstone(_)),
            tombstone
        );
        let mut again = restored_at(Config::new(), &cell, host.now);
        again.tell(Event::Resumed).is(Outcome::Done);
        let mut lost = Vec::new();
        again.serve_store(&mut lost);
        assert_eq!(lost, cell);
    }
}

// promises: P14
#[test]
fn s89_an_absurd_lifetime_is_clamped_or_refused() {
    for expiry in [Expiry::In(u64::MAX), Expiry::At(u64::MAX)] {
        let mut host = Host::new(Config::new());
        let mut absurd = grant("a1", Some("r1"), 1);
        absurd.expiry = expiry;
        host.sign_in(absurd);
        let end = host.latch().expires_at().unwrap().as_millis();
        assert_eq!(end, MAX_LIFETIME_MS);
        // Near the end of the clock there is room for its end, and for every deadline. An absolute end that the
        // wall clock has passed is not believed.
        let mut host = Host::new(Config::new());
        host.now = u64::MAX - HOUR;
        host.sign_in(absurd);
        let end = host
            .latch()
            .expires_at()
            .map(tokenlatch::Instant::as_millis);
        let known = matches!(expiry, Expiry::In(_)).then_some((u64::MAX >> 1) + MAX_LIFETIME_MS);
        assert_eq!(end, known);
        assert_eq!(host.request_and_send(1).0, "a1");
    }
    let mut host = Host::new(Config::new());
    host.open_empty();
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: grant("a1", None, 0),
    })
    .is_rejected(Rejected::Grant(GrantError::Lifetime))
    .is_in(State::Pending);
    // An end in the past says more about the clocks than about the token.
    let mut past = grant("a1", Some("r1"), 1);
    past.expiry = Expiry::At(1);
    host.tell(Event::Granted {
        ticket,
        grant: past,
    })
    .is(Outcome::Done);
    assert_eq!(host.latch().expires_at(), None);
}

// promises: P11, P14
#[test]
fn s89_absurd_lifetimes_in_a_body_are_clamped_or_refused() {
    for number in [
        "1e999",
        "99999999999999999999999999",
        r#""9223372036854775807""#,
    ] {
        let (mut host, mut cell) = accepted(Config::new());
        host.tell(Event::RefreshRequested);
        let body = format!(r#"{{"access_token":"a2","expires_in":{number}}}"#);
        let mut body = body.into_bytes();
        match parse(&ResponseShape::RFC6749, 200, &mut body) {
            Ok(grant) => {
                renew(&mut host, &mut cell, grant);
                let end = host.latch().expires_at().unwrap().as_millis();
                assert_eq!(end, host.now + MAX_LIFETIME_MS);
            }
            Err(failure) => assert_eq!(failure, TokenFailure::Unusable(GrantError::Lifetime)),
        }
    }
    for number in ["-1", r#""-3600""#, "0", r#""soon""#, "[]"] {
        let (mut host, mut cell) = accepted(Config::new());
        refuse_one(&mut host, 1);
        host.serve_store(&mut cell);
        let body = format!(r#"{{"access_token":"a2","expires_in":{number}}}"#);
        let mut body = body.into_bytes();
        let failure = parse(&ResponseShape::RFC6749, 200, &mut body).unwrap_err();
        assert_eq!(failure, TokenFailure::Unusable(GrantError::Lifetime));
        host.token_failed(failure).is_in(State::Expired);
        host.serve_store(&mut cell);
        assert!(matches!(inspect(&cell), StoreContent::Session(_)));
    }
}

// promises: P11
#[test]
fn s90_a_200_with_an_oauth_error_in_its_body_is_an_error() {
    for (code, state) in [
        ("invalid_grant", State::Unauthenticated),
        ("server_error", State::Expired),
    ] {
        let (mut host, mut cell) = accepted(Config::new());
        refuse_one(&mut host, 1);
        host.serve_store(&mut cell);
        let body = format!(r#"{{"error":"{code}","access_token":"a2","expires_in":3600}}"#);
        let mut body = body.into_bytes();
        let failure = parse(&ResponseShape::RFC6749, 200, &mut body).unwrap_err();
        let before = host.released();
        host.token_failed(failure);
        host.serve_store(&mut cell);
        assert_eq!(host.state(), state);
        assert_eq!(host.released(), before);
        assert!(!cell.windows(2).any(|bytes| bytes == b"a2"));
    }
}

// promises: P1, P2
#[test]
fn s92_a_valid_token_is_served_while_the_timer_renews_it() {
    let mut host = Host::new(serving());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.wait().is_in(State::Refreshing);
    assert_eq!(host.request_and_send(1).0, "a1");
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 1);
    assert_eq!(host.request_and_send(2).0, "a1");
    // The rotated refresh token is stored before anybody leaves again.
    host.granted(grant("a2", Some("r2"), 3600));
    host.request(3).is_admitted().gives(&[]);
    host.serve_store(&mut cell);
    assert_eq!(host.send(3).unwrap().0, "a2");
    assert_eq!(sends(&host), 1);
}

// promises: P1
#[test]
fn s92_without_the_choice_to_serve_requests_wait_for_the_renewal() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.wait().is_in(State::Refreshing);
    host.request(1).is_admitted().gives(&[]);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(1).unwrap().0, "a2");
}

// promises: P1, P9
#[test]
fn s92_a_renewal_begun_by_a_401_serves_nobody() {
    let (mut host, mut cell) = accepted(serving());
    refuse_one(&mut host, 1);
    host.request(2).is_admitted().gives(&[]);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(2).unwrap().0, "a2");
}

// promises: P1, P9
#[test]
fn s92_a_401_during_the_renewal_ends_the_serving() {
    let mut host = Host::new(serving());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.wait();
    host.serve_store(&mut cell);
    let (_, receipt) = host.request_and_send(1);
    host.request(2).is_admitted().gives(&["Release 2"]);
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    assert_eq!(host.send(2).unwrap_err(), PermitError::NotReady);
    host.request(3).is_admitted().gives(&[]);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(2).unwrap().0, "a2");
    assert_eq!(host.send(3).unwrap().0, "a2");
    assert_eq!(sends(&host), 1);
}

// promises: P1
#[test]
fn s92_the_serving_ends_with_the_tokens_life() {
    let mut host = Host::new(serving());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.wait();
    host.serve_store(&mut cell);
    host.now = 99_999;
    assert_eq!(host.request_and_send(1).0, "a1");
    host.request(2).is_admitted().gives(&["Release 2"]);
    host.now = 100_000;
    assert_eq!(host.send(2).unwrap_err(), PermitError::NotReady);
    host.request(3).is_admitted().gives(&[]);
    assert_eq!(host.state(), State::Refreshing);
}

/// The pause after a failure with this `Retry-After`, the access token expired.
#[track_caller]
fn pause_after(failure: TokenFailure, header: &[u8]) -> u64 {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.now = 200_000;
    host.tell(Event::TimeoutReached).is_in(State::Refreshing);
    host.serve_store(&mut cell);
    host.token_failed_after(failure, retry_after(header, None, None))
        .is_in(State::Expired);
    host.serve_store(&mut cell);
    let pause = until_next(&host);
    // Nothing leaves before, whoever asks and however often.
    host.now += pause - 1;
    host.request(1).is_admitted().gives(&[]);
    host.tell(Event::TimeoutReached).gives(&[]);
    host.now += 1;
    host.tell(Event::TimeoutReached).is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 2);
    pause
}

// promises: P10, P11
#[test]
fn s93_after_429_or_5xx_the_next_token_request_waits_for_retry_after() {
    for status in [429, 500, 502, 503, 504] {
        let failure = parse(&ResponseShape::RFC6749, status, &mut []).unwrap_err();
        assert_eq!(pause_after(failure, b"120"), 120_000);
    }
}

// promises: P10
#[test]
fn s93_a_bad_retry_after_gives_the_default_and_a_large_one_the_cap() {
    for bad in ["", "soon", "-1", "1.5"] {
        let pause = pause_after(TokenFailure::RateLimited, bad.as_bytes());
        assert!((1..=1_000).contains(&pause), "{bad}: {pause}");
    }
    for large in ["3601", "999999999", "99999999999999999999"] {
        assert_eq!(
            pause_after(TokenFailure::Unavailable, large.as_bytes()),
            HOUR
        );
    }
}

/// Signed in and serving; a request met a claims challenge, and the host asks for a token that meets it.
#[track_caller]
fn challenged() -> (Host, Vec<u8>) {
    let (mut host, cell) = accepted(serving());
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(
        host.answer_with(receipt, 401, ChallengeKind::InsufficientUserAuthentication),
        Outcome::Surface(Cause::StepUp)
    );
    assert_eq!(sends(&host), 0);
    host.tell(Event::RefreshRequested).is_in(State::Refreshing);
    (host, cell)
}

// promises: P1, P9
#[test]
fn s94_the_token_that_met_a_claims_challenge_is_not_used_again() {
    let (mut host, mut cell) = challenged();
    host.request(2).is_admitted().gives(&[]);
    host.serve_store(&mut cell);
    host.request(3).is_admitted().gives(&[]);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    for waiter in [2, 3] {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
    assert_eq!(sends(&host), 1);
}

// promises: P1, P9
#[test]
fn s94_nor_after_a_renewal_that_failed_for_now() {
    let (mut host, mut cell) = challenged();
    host.request(2).is_admitted();
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Unavailable)
        .is_in(State::Expired);
    host.serve_store(&mut cell);
    host.request(3).is_admitted().gives(&[]);
    host.tell(Event::Resumed);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    host.wait().is_in(State::Refreshing);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    for waiter in [2, 3] {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
}

/// Serving does not matter to the one who asked: the timer's renewal under way is joined, and holds.
// promises: P1, P3
#[test]
fn s94_a_claims_challenge_during_the_timers_renewal_joins_it() {
    let mut host = Host::new(serving());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "a1");
    host.tell(Event::RefreshRequested).is(Outcome::Done);
    host.request(2).is_admitted().gives(&[]);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(2).unwrap().0, "a2");
    assert_eq!(sends(&host), 1);
}

// promises: P10
#[test]
fn s95_network_errors_of_the_timers_renewal_back_off_doubling_to_a_cap_and_reset_by_success() {
    let mut config = Config::new();
    config.backoff_cap_ms = 4_000;
    config.budget = 200;
    let bounds = [1_000, 2_000, 4_000, 4_000];
    let mut longest = [0; 4];
    let mut first_again = 0;
    for seed in 0..100 {
        let mut host = Host::seeded(config, seed);
        let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
        host.wait().is_in(State::Refreshing);
        let fail = |host: &mut Host, cell: &mut Vec<u8>| {
            host.serve_store(cell);
            host.token_failed(TokenFailure::NotSent).is_in(State::Ready);
            host.serve_store(cell);
            let pause = until_next(host);
            host.wait().is_in(State::Refreshing);
            pause
        };
        for (longest, bound) in longest.iter_mut().zip(bounds) {
            let pause = fail(&mut host, &mut cell);
            assert!((1..=bound).contains(&pause));
            *longest = pause.max(*longest);
        }
        renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
        host.wait().is_in(State::Refreshing);
        first_again = first_again.max(fail(&mut host, &mut cell));
    }
    for (longest, bound) in longest.into_iter().zip(bounds) {
        assert!(longest > bound / 4 * 3, "{longest} of {bound}");
    }
    assert!((750..=1_000).contains(&first_again));
}

// promises: P10, P11
#[test]
fn s95_other_errors_stop_the_timers_renewal() {
    for (failure, told, after) in [
        (
            TokenFailure::InvalidGrant,
            Cause::SessionEnded,
            State::Unauthenticated,
        ),
        (
            TokenFailure::InteractionRequired,
            Cause::InteractionRequired,
            State::Expired,
        ),
    ] {
        let mut host = Host::new(Config::new());
        let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
        host.wait();
        host.serve_store(&mut cell);
        host.token_failed(failure);
        host.serve_store(&mut cell);
        assert_eq!(host.state(), State::Ready);
        assert_eq!(host.request_and_send(1).0, "a1");
        assert_eq!(host.now + until_next(&host), HOUR);
        host.wait().is_in(after);
        host.serve_store(&mut cell);
        assert_eq!(host.latch().poll_timeout(), None);
        assert!(host.history.contains(&Effect::RequireLogin { cause: told }));
        assert_eq!(sends(&host), 1);
    }
}

// promises: P1, P5
#[test]
fn s96_a_change_with_nothing_new_changes_nothing() {
    let (mut host, cell) = accepted(Config::new());
    let (_, receipt) = host.request_and_send(1);
    host.tell(Event::StoreChanged).is_in(State::Pending);
    host.request(2).is_admitted().gives(&[]);
    host.loaded(Some(&cell))
        .gives(&["StateChanged Ready", "Release 2"]);
    assert_eq!(host.send(2).unwrap().0, "a1");
    // The receipt from before is still the current one.
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    assert_eq!(host.state(), State::Refreshing);
}

// promises: P1, P5, P9
#[test]
fn s96_a_renewal_elsewhere_is_copied() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut other = sibling(&host, &cell);
    let (_, receipt) = other.request_and_send(1);
    host.tell(Event::RefreshRequested);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.count("Announce"), 2);

    other.tell(Event::StoreChanged).is_in(State::Pending);
    other.request(2).is_admitted().gives(&[]);
    other
        .loaded(Some(&cell))
        .gives(&["StateChanged Ready", "Release 2"]);
    assert_eq!(other.send(2).unwrap().0, "a2");
    assert_eq!(other.latch().generation(), host.latch().generation());
    assert_eq!(other.answer(receipt, 401), Outcome::Retry);
    assert_eq!(other.state(), State::Ready);
    assert_eq!(sends(&other), 0);
}

// promises: P6, P7, P8, P11
#[test]
fn s96_a_logout_elsewhere_is_followed() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut other = sibling(&host, &cell);
    let (_, first) = other.request_and_send(1);
    let (_, second) = other.request_and_send(2);
    host.tell(Event::LogoutRequested);
    host.serve_store(&mut cell);

    other.tell(Event::StoreChanged);
    other.request(3).is_admitted().gives(&[]);
    other.loaded(Some(&cell)).gives(&[
        "StateChanged Unauthenticated",
        "RequireLogin SignedOutElsewhere",
        "Refuse 3 SignedOutElsewhere",
    ]);
    assert_eq!(
        other.answer(first, 401),
        Outcome::Surface(Cause::SignedOutElsewhere)
    );
    assert_eq!(other.answer(second, 200), Outcome::Stale);
    assert_eq!(other.count("Store"), 0);
}

// promises: P5, P7, P8
#[test]
fn s96_another_user_elsewhere_is_switched_to() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(full_grant("a1", "r1"));
    let mut other = sibling(&host, &cell);
    let (_, first) = other.request_and_send(1);
    let (_, second) = other.request_and_send(2);
    let ticket = host.login();
    let mut bob = grant("b1", Some("s1"), 3600);
    bob.subject = Some("bob");
    host.tell(Event::Granted { ticket, grant: bob });
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);

    other.tell(Event::StoreChanged);
    other.request(3).is_admitted().gives(&[]);
    other
        .loaded(Some(&cell))
        .gives(&["StateChanged Ready", "Refuse 3 SignInChanged"]);
    assert_eq!(other.latch().subject(), Some("bob"));
    assert_eq!(
        other.answer(first, 401),
        Outcome::Surface(Cause::SignInChanged)
    );
    other
        .retry(1, first)
        .is(Outcome::Surface(Cause::SignInChanged));
    assert_eq!(other.answer(second, 200), Outcome::Stale);
    assert_eq!(other.request_and_send(4).0, "b1");
    assert_eq!(sends(&other), 0);
}

/// A latch whose wall clock is an hour ahead of the server's, with a token that lives an hour by the server's.
fn fast_by_an_hour() -> (Host, Vec<u8>) {
    let mut host = Host::new(Config::new());
    host.offset = Some((EPOCH + HOUR) as i64);
    let mut fresh = grant("a1", Some("r1"), 1);
    fresh.expiry = Expiry::At(EPOCH + HOUR);
    fresh.server_time = Some(EPOCH);
    let cell = host.sign_in(fresh);
    (host, cell)
}

#[track_caller]
fn serve_many(host: &mut Host, token: &str) {
    for _ in 0..20 {
        host.now += 1_000;
        serve_one(host, 1, token);
    }
}

// promises: P1, P10
#[test]
fn s100_with_a_clock_an_hour_ahead_a_fresh_token_is_not_expired() {
    let (mut host, cell) = fast_by_an_hour();
    assert_eq!(host.latch().expires_at().unwrap().as_millis(), HOUR);
    serve_many(&mut host, "a1");
    assert_eq!(sends(&host), 0);

    // After a restart with the same clock.
    let mut again = Host::seeded(Config::new(), 2);
    again.offset = host.offset;
    again.now = host.now;
    again.tell(Event::Opened);
    again.loaded(Some(&cell)).is_in(State::Ready);
    serve_many(&mut again, "a1");
    assert_eq!(sends(&again), 0);
}

// promises: P10, P11
#[test]
fn s100_a_clock_that_is_set_back_costs_a_look_and_no_loop() {
    let (mut host, cell) = fast_by_an_hour();
    host.now = 60_000;
    host.offset = Some(EPOCH as i64);
    host.tell(Event::TimeoutReached).is_in(State::Pending);
    host.loaded(Some(&cell)).is_in(State::Ready);
    serve_many(&mut host, "a1");
    assert_eq!(sends(&host), 0);

    // After a restart nothing tells how old the token is: one renewal, then peace.
    let mut cell = cell;
    let mut again = restored_at(Config::new(), &cell, 60_000);
    assert_eq!(again.state(), State::Refreshing);
    renew(&mut again, &mut cell, grant("a2", Some("r2"), 3600));
    serve_many(&mut again, "a2");
    assert_eq!(sends(&again), 1);
}

// promises: P8
#[test]
fn s101_waiters_are_released_first_in_first_out() {
    let mut host = Host::new(Config::new());
    for waiter in [5, 3] {
        host.request(waiter).is_admitted();
    }
    host.open_empty();
    host.request(8).is_admitted();
    let ticket = host.login();
    host.request(1).is_admitted();
    let waiter = Waiter::from_u32(3);
    host.tell(Event::WaiterCancelled { waiter });
    host.request(3).is_admitted();
    host.tell(Event::Granted {
        ticket,
        grant: grant("a1", Some("r1"), 3600),
    });
    host.serve_store(&mut Vec::new());
    assert_eq!(host.released(), [5, 8, 1, 3]);
}

// promises: P1, P8
#[test]
fn s102_with_a_valid_token_there_a_request_goes_at_once() {
    let (mut host, _) = accepted(Config::new());
    host.request(1).is_admitted().gives(&["Release 1"]);
    assert_eq!(host.send(1).unwrap().0, "a1");
}

// promises: P1, P8
#[test]
fn s102_a_request_goes_when_the_token_becomes_valid() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.request(1).is_admitted().gives(&[]);
    host.now = 20_000;
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(1).unwrap().0, "a2");
    assert_eq!(host.refused(), []);
}

// promises: P8, P15
#[test]
fn s102_a_request_that_waits_too_long_is_refused() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    host.login();
    host.now = 1_000;
    host.request(1).is_admitted().gives(&[]);
    assert_eq!(until_next(&host), 30_000);
    host.at(30_999, Event::TimeoutReached).gives(&[]);
    host.at(31_000, Event::TimeoutReached)
        .gives(&["Refuse 1 WaitTimeout"])
        .is_in(State::Pending);
    assert_eq!(host.send(1).unwrap_err(), PermitError::Unknown);
}

// promises: P6, P8
#[test]
fn s102_a_request_is_refused_when_the_token_is_cleared_while_it_waits() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.request(1).is_admitted().gives(&[]);
    host.serve_store(&mut cell);
    host.tell(Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    assert_eq!(host.refused(), [(1, Cause::SignedOut)]);
    assert_eq!(host.send(1).unwrap_err(), PermitError::Unknown);
}

/// Two contexts on one store, both with a token that is due for renewal.
#[track_caller]
fn both_due(config: Config) -> (Host, Host, Vec<u8>) {
    let (host, cell) = accepted(config);
    let mut both = [sibling(&host, &cell), host];
    for host in &mut both {
        host.at(HOUR - 30_000, Event::TimeoutReached)
            .is_in(State::Refreshing);
    }
    let [other, host] = both;
    (host, other, cell)
}

// promises: P3, P5
#[test]
fn s103_a_good_newer_token_found_under_the_lease_is_reused() {
    let (mut host, mut other, mut cell) = both_due(with_lease());
    other.request(1).is_admitted();
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.effects.len(), 3);
    other.now += 5_000;
    other.lease_granted();
    other.loaded(Some(&cell)).is_in(State::Ready);
    assert_eq!(other.send(1).unwrap().0, "a2");
    assert_eq!(sends(&other), 0);
    assert_eq!(other.count("ReleaseLease"), 1);
}

// promises: P3, P5
#[test]
fn s103_a_newer_token_found_under_the_lease_that_has_expired_is_refreshed() {
    let (mut host, mut other, mut cell) = both_due(with_lease());
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 10));
    other.now += 20_000;
    other.serve_store(&mut cell);
    assert_eq!(other.state(), State::Refreshing);
    assert_eq!(sends(&other), 1);
    assert_eq!(sent_refresh_token(&other), Some("r2"));
    renew(&mut other, &mut cell, grant("a3", Some("r3"), 3600));
    assert_eq!(other.request_and_send(1).0, "a3");
}

// promises: P3
#[test]
fn s103_an_unchanged_token_found_under_the_lease_is_refreshed() {
    let (mut host, mut other, mut cell) = both_due(with_lease());
    // The other holder found no network and gave the lease up.
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::NotSent);
    host.serve_store(&mut cell);
    assert_eq!(host.count("AcquireLease"), host.count("ReleaseLease"));
    other.now += 5_000;
    other.serve_store(&mut cell);
    assert_eq!(sends(&other), 1);
    assert_eq!(sent_refresh_token(&other), Some("r1"));
}

// promises: P3
#[test]
fn s103_without_a_lease_the_token_is_refreshed() {
    let (mut host, mut other, mut cell) = both_due(Config::new());
    other.serve_store(&mut cell);
    assert_eq!(sends(&other), 1);
    assert_eq!(sent_refresh_token(&other), Some("r1"));
    assert_eq!(other.count("AcquireLease"), 0);
    // The reread before sending still finds a sibling that was faster.
    renew(&mut other, &mut cell, grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
    assert_eq!(sends(&host), 0);
}

// promises: P10, P14
#[test]
fn s105_ten_renewals_asked_for_in_half_a_minute_are_held_back() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut token = "a1".to_owned();
    let mut throttled = 0;
    for step in 0..10 {
        host.now = 10_000 + step * 3_000;
        match host.tell(Event::RefreshRequested).outcome {
            Ok(outcome) => {
                assert_eq!(outcome, Outcome::Done);
                token = format!("b{step}");
                renew(&mut host, &mut cell, grant(&token, Some("r2"), 3600));
            }
            Err(rejected) => {
                assert_eq!(rejected, Rejected::Throttled);
                throttled += 1;
            }
        }
    }
    assert_eq!((sends(&host), throttled), (7, 3));
    // Nothing is lost, here and after a reload, and it refills.
    assert_eq!(host.request_and_send(1).0, token);
    let mut again = sibling(&host, &cell);
    assert_eq!(again.state(), State::Ready);
    again
        .tell(Event::RefreshRequested)
        .is_rejected(Rejected::Throttled);
    again.now += 60_000;
    again.tell(Event::RefreshRequested).is(Outcome::Done);
    again.serve_store(&mut cell);
    assert_eq!(sends(&again), 1);
}

/// The API takes each new token once and then refuses it.
// promises: P8, P9, P10
#[test]
fn s105_renewals_begun_by_401s_are_held_back_and_the_requests_hear_why() {
    let (mut host, mut cell) = accepted(refusing());
    let mut waiter = 0;
    while host.state() == State::Ready {
        host.now += 1_000;
        waiter += 1;
        let (_, receipt) = host.request_and_send(waiter);
        host.request(50).is_admitted();
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        if host.state() == State::Refreshing {
            let token = format!("b{waiter}");
            renew(&mut host, &mut cell, grant(&token, Some("r2"), 3600));
            let (_, receipt) = host.send(50).unwrap();
            assert_eq!(host.answer(receipt, 200), Outcome::Deliver);
        }
        assert!(waiter < 10, "never held back");
    }
    assert_eq!(host.state(), State::Expired);
    assert_eq!(host.latch().trouble(), Some(Cause::Throttled));
    assert_eq!(host.refused(), [(50, Cause::Throttled)]);
    host.request(60).is(Outcome::Surface(Cause::Throttled));
    let before = sends(&host);
    assert!((1..10).contains(&before));
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), before + 1);
}

// promises: P10
#[test]
fn s108_with_jitter_a_refresh_falls_between_half_the_margin_and_all_of_it() {
    let mut margins = Vec::new();
    for seed in 0..200 {
        let mut host = Host::seeded(Config::new(), seed);
        host.sign_in(grant("a1", Some("r1"), 3600));
        host.wait().is_in(State::Refreshing);
        margins.push(HOUR - host.now);
    }
    let (least, most) = (margins.iter().min(), margins.iter().max());
    assert!((30_000..32_000).contains(least.unwrap()), "{least:?}");
    assert!((58_001..=60_000).contains(most.unwrap()), "{most:?}");
}

// promises: P4, P8, P15
#[test]
fn s109_a_first_load_that_takes_too_long_is_an_error() {
    let mut host = Host::new(refusing());
    host.tell(Event::Opened);
    host.request(1).is_admitted();
    for _ in 0..2 {
        assert_eq!(until_next(&host), 5_000);
        host.wait().is_in(State::Pending);
    }
    let late = host.ticket("Load");
    host.wait().gives(&[
        "StateChanged Unauthenticated",
        "RequireLogin StoreUnavailable",
        "Refuse 1 StoreUnavailable",
    ]);
    assert_eq!(host.now, 15_000);
    assert_eq!(host.count("Load"), 3);
    host.tell(Event::Loaded {
        ticket: late,
        record: None,
    })
    .is(Outcome::Stale);
    host.request(2)
        .is(Outcome::Surface(Cause::StoreUnavailable));
}

// promises: P2, P15
#[test]
fn s109_a_later_load_that_takes_too_long_falls_back_to_the_last_good_token() {
    let (mut host, _) = accepted(Config::new());
    host.tell(Event::Resumed).is_in(State::Pending);
    host.request(1).is_admitted().gives(&[]);
    for _ in 0..2 {
        host.wait().is_in(State::Pending);
    }
    host.wait().is_in(State::Ready);
    assert_eq!(host.now, 25_000);
    assert_eq!(host.send(1).unwrap().0, "a1");
    assert!(host.latch().is_volatile());
}

fn silent() -> Config {
    let mut config = Config::new();
    config.renewal = Renewal::Login;
    config
}

// promises: P3, P8
#[test]
fn s110_five_401s_with_silent_login_make_one_login_and_a_session() {
    let mut host = Host::new(silent());
    let mut cell = host.sign_in(grant("a1", None, 3600));
    host.now = 10_000;
    let receipts = [1, 2, 3, 4, 5].map(|waiter| host.request_and_send(waiter).1);
    for (waiter, receipt) in (1..).zip(receipts) {
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        host.retry(waiter, receipt).is_admitted();
    }
    host.serve_store(&mut cell);
    let ticket = host.ticket("SendTokenRequest");
    assert!(host.effects.contains(&Effect::SendTokenRequest {
        ticket,
        grant_type: GrantType::Login
    }));
    assert_eq!(sent_refresh_token(&host), None);
    host.granted(grant("a2", None, 3600));
    host.serve_store(&mut cell);
    for waiter in 1..=5 {
        let (token, receipt) = host.send(waiter).unwrap();
        assert_eq!(token, "a2");
        assert_eq!(host.answer(receipt, 200), Outcome::Deliver);
    }
    assert_eq!(sends(&host), 1);
    let mut again = sibling(&host, &cell);
    assert_eq!(again.request_and_send(1).0, "a2");
}

// promises: P8, P11
#[test]
fn s111_a_login_that_fails_is_told_to_those_who_wait() {
    let mut host = Host::new(refusing());
    host.open_empty();
    let ticket = host.login();
    for waiter in 1..=3 {
        host.request(waiter).is_admitted();
    }
    let failed = Event::TokenFailed {
        ticket,
        failure: TokenFailure::NotSent,
        retry_after: None,
    };
    host.tell(failed)
        .is(Outcome::Done)
        .is_in(State::Unauthenticated)
        .gives(&[
            "StateChanged Unauthenticated",
            "Refuse 1 LoginFailed",
            "Refuse 2 LoginFailed",
            "Refuse 3 LoginFailed",
        ]);
    host.tell(failed).is(Outcome::Stale);
    // Where requests are held, they hold for the next attempt and hear in time that none came.
    let mut host = Host::new(Config::new());
    host.open_empty();
    let ticket = host.login();
    host.request(1).is_admitted();
    host.tell(Event::TokenFailed {
        ticket,
        failure: TokenFailure::NotSent,
        retry_after: None,
    })
    .gives(&["StateChanged Unauthenticated"]);
    host.wait().gives(&["Refuse 1 WaitTimeout"]);
    assert_eq!(host.now, 30_000);
}

// promises: P8, P11
#[test]
fn s111_a_silent_login_that_fails_is_told_to_those_who_wait() {
    for (failure, cause) in [
        (TokenFailure::NotSent, Cause::Offline),
        (TokenFailure::Unavailable, Cause::Unavailable),
        (TokenFailure::Lost, Cause::Unavailable),
        (
            TokenFailure::InteractionRequired,
            Cause::InteractionRequired,
        ),
    ] {
        let mut config = silent();
        config.when_unavailable = Waiting::Refuse;
        let mut host = Host::new(config);
        let mut cell = host.sign_in(grant("a1", None, 100));
        host.now = 200_000;
        for waiter in 1..=2 {
            host.request(waiter).is_admitted();
        }
        host.serve_store(&mut cell);
        host.token_failed(failure).is_in(State::Expired);
        assert_eq!(host.refused(), [1, 2].map(|waiter| (waiter, cause)));
        assert_eq!(host.released(), []);
    }
}

// promises: P6, P8
#[test]
fn s112_a_queue_that_the_app_clears_leaves_no_request_waiting() {
    // All at once, by signing out; whoever is or is not signed in.
    let mut host = Host::new(Config::new());
    host.open_empty();
    for waiter in 1..=3 {
        host.request(waiter).is_admitted();
    }
    host.tell(Event::LogoutRequested).gives(&[
        "Refuse 1 SignedOut",
        "Refuse 2 SignedOut",
        "Refuse 3 SignedOut",
    ]);
    assert_eq!(host.latch().waiting(), 0);

    // One by one, and the session stays.
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    for waiter in 1..=3 {
        host.request(waiter).is_admitted();
    }
    let before = host.released();
    for waiter in (1..=3).map(Waiter::from_u32) {
        host.tell(Event::WaiterCancelled { waiter })
            .is(Outcome::Done);
    }
    assert_eq!(host.latch().waiting(), 0);
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.released(), before);
    assert_eq!(host.refused(), []);
}

// promises: P1
#[test]
fn s114_an_answer_without_an_id_token_still_sets_the_header() {
    let (mut host, mut cell) = accepted(Config::new());
    refuse_one(&mut host, 1);
    let mut body = br#"{"access_token":"a2","token_type":"Bearer","expires_in":3600}"#.to_vec();
    let grant = parse(&ResponseShape::RFC6749, 200, &mut body).unwrap();
    renew(&mut host, &mut cell, grant);
    let now = host.time();
    let permit = host.latch.permit(now, Waiter::from_u32(1));
    let permit = permit.unwrap().unwrap();
    assert_eq!((permit.scheme(), permit.token()), ("Bearer", "a2"));
}

// promises: P9
#[test]
fn s115_insufficient_scope_asks_for_a_step_up_and_never_for_a_refresh() {
    let (mut host, _) = accepted(Config::new());
    for (waiter, status) in [(1, 401), (2, 403), (3, 401)] {
        let (_, receipt) = host.request_and_send(waiter);
        assert_eq!(
            host.answer_with(receipt, status, ChallengeKind::InsufficientScope),
            Outcome::Surface(Cause::InsufficientScope)
        );
        assert_eq!(host.state(), State::Ready);
    }
    assert_eq!(sends(&host), 0);
}

// promises: P7, P9
#[test]
fn s115_insufficient_scope_is_tried_at_most_once_more() {
    let (mut host, mut cell) = accepted(Config::new());
    let (_, receipt) = host.request_and_send(1);
    let scope = ChallengeKind::InsufficientScope;
    assert_eq!(
        host.answer_with(receipt, 403, scope),
        Outcome::Surface(Cause::InsufficientScope)
    );
    // A host that tries again regardless is stopped.
    host.now = 20_000;
    host.retry(1, receipt).is_admitted();
    let (_, again) = host.send(1).unwrap();
    assert_eq!(
        host.answer_with(again, 403, scope),
        Outcome::Surface(Cause::InsufficientScope)
    );
    host.retry(1, again)
        .is(Outcome::Surface(Cause::RetriesExhausted));
    // The step-up is a new login; it has the scope.
    let ticket = host.login();
    let mut wider = grant("b1", Some("s1"), 3600);
    wider.scope = Some("read write");
    host.tell(Event::Granted {
        ticket,
        grant: wider,
    });
    host.serve_store(&mut cell);
    serve_one(&mut host, 2, "b1");
    assert_eq!(sends(&host), 0);
}

/// The renewal's request is under way when the token has expired; nothing came back yet.
#[track_caller]
fn exchanging(config: Config) -> (Host, Vec<u8>) {
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.at(100_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(sent_refresh_token(&host), Some("r1"));
    (host, cell)
}

// promises: P3, P10, P11
#[test]
fn s118_inside_the_grace_the_same_refresh_token_is_sent_again() {
    let (mut host, mut cell) = exchanging(Config::new());
    host.request(1).is_admitted();
    host.now = 101_000;
    host.token_failed(TokenFailure::Lost).is_in(State::Expired);
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 2);
    assert_eq!(sent_refresh_token(&host), Some("r1"));
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.send(1).unwrap().0, "a2");
    // What was lost is forgotten: a later loss begins a grace of its own.
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    assert_eq!(sent_refresh_token(&host), Some("r2"));
}

/// The grace counts from the first sending; trying does not prolong it.
// promises: P10, P11, P15
#[test]
fn s118_answers_lost_again_and_again_make_no_loop() {
    let (mut host, mut cell) = exchanging(Config::new());
    while host.state() != State::Expired || host.latch().poll_timeout().is_some() {
        if host.state() == State::Refreshing {
            host.serve_store(&mut cell);
            assert!(host.now < 110_000, "sent again after the grace");
            host.now += 500;
            host.token_failed(TokenFailure::Lost);
        } else {
            host.wait();
        }
        host.serve_store(&mut cell);
        assert!(sends(&host) < 20, "a loop");
    }
    let cause = Cause::RefreshResponseLost;
    assert!(host.history.contains(&Effect::RequireLogin { cause }));
    let sent = sends(&host);
    assert!(sent >= 2);
    host.request(1).is_admitted();
    host.tell(Event::RefreshRequested)
        .is_rejected(Rejected::NoSession);
    host.at(900_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), sent);
}

/// Nobody announced it: the store is read once more before a login is required.
// promises: P5, P11
#[test]
fn s118_outside_the_grace_a_siblings_newer_record_is_adopted() {
    let (mut host, mut cell) = exchanging(Config::new());
    let mut other = sibling(&host, &cell);
    other.now = 105_000;
    renew(&mut other, &mut cell, grant("a2", Some("r2"), 3600));
    host.at(110_000, Event::TimeoutReached);
    host.request(1).is_admitted();
    let told = host.count("RequireLogin");
    host.at(130_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.send(1).unwrap().0, "a2");
    assert_eq!(sends(&host), 1);
    assert_eq!(host.count("RequireLogin"), told);
}

// promises: P5, P11
#[test]
fn s118_outside_the_grace_an_announced_newer_record_is_adopted() {
    let (mut host, mut cell) = exchanging(Config::new());
    let mut other = sibling(&host, &cell);
    other.now = 105_000;
    other.tell(Event::TimeoutReached);
    renew(&mut other, &mut cell, grant("a2", Some("r2"), 3600));
    host.at(106_000, Event::StoreChanged);
    host.at(130_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
    assert_eq!(sends(&host), 1);
}

// promises: P8, P11, P15
#[test]
fn s118_outside_the_grace_and_with_nothing_newer_a_login_is_required() {
    let (mut host, mut cell) = exchanging(Config::new());
    host.now = 101_000;
    host.request(1).is_admitted();
    host.at(130_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    let cause = Cause::RefreshResponseLost;
    assert!(host.history.contains(&Effect::RequireLogin { cause }));
    assert_eq!(host.refused(), [(1, cause)]);
    assert_eq!(sends(&host), 1);
    assert!(matches!(inspect(&cell), StoreContent::Session(_)));
}

// promises: P1, P11
#[test]
fn s118_a_login_is_required_only_once_the_access_token_is_unusable() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::StoreChanged);
    host.serve_store(&mut cell);
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    // The deadline of the token request passes, and with it the grace.
    host.now += 29_000;
    host.request(1).is_admitted();
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.send(1).unwrap().0, "a1");
    let cause = Cause::RefreshResponseLost;
    assert!(!host.history.contains(&Effect::RequireLogin { cause }));
    host.at(HOUR, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    assert!(host.history.contains(&Effect::RequireLogin { cause }));
    assert_eq!(sends(&host), 1);
}

/// The sibling stored what it got after this context had given up waiting.
// promises: P5, P11
#[test]
fn s118_the_store_is_read_again_when_the_access_token_has_ended() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    let mut other = restored_at(Config::new(), &cell, host.now + 9_000);
    other.serve_store(&mut cell);
    assert_eq!(sent_refresh_token(&other), Some("r1"));
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    other.now = host.now;
    renew(&mut other, &mut cell, grant("a2", Some("r2"), 3600));
    host.at(HOUR, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
    assert_eq!(sends(&host), 1);
}

/// The process died while the request was under way; the record says that it was sent.
// promises: P3, P11
#[test]
fn s118_a_restart_inside_the_grace_sends_the_same_refresh_token_again() {
    let (_, mut cell) = exchanging(Config::new());
    let mut host = restored_at(Config::new(), &cell, 109_999);
    assert_eq!(host.state(), State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sent_refresh_token(&host), Some("r1"));
    renew(&mut host, &mut cell, grant("a2", Some("r2"), 3600));
    assert_eq!(host.request_and_send(1).0, "a2");
}

// promises: P3, P11
#[test]
fn s118_a_restart_outside_the_grace_sends_nothing_and_requires_a_login() {
    for config in [Config::new(), with_lease()] {
        let (_, mut cell) = exchanging(config);
        let mut host = restored_at(config, &cell, 110_000);
        host.serve_store(&mut cell);
        assert_eq!(host.state(), State::Expired);
        let cause = Cause::RefreshResponseLost;
        assert!(host.history.contains(&Effect::RequireLogin { cause }));
        assert_eq!(sends(&host), 0);
        assert_eq!(host.count("AcquireLease"), host.count("ReleaseLease"));
    }
}

/// Under a lease the one who sent may still live; only its next holder can tell that the answer is lost.
// promises: P3, P11
#[test]
fn s118_under_a_lease_the_next_holder_finds_the_mark() {
    let (_, mut cell) = exchanging(with_lease());
    let mut host = restored_at(with_lease(), &cell, 105_000);
    assert_eq!(host.state(), State::Refreshing);
    assert_eq!(sends(&host), 0);
    host.serve_store(&mut cell);
    assert_eq!(sent_refresh_token(&host), Some("r1"));

    // The lease comes only after the grace.
    let (_, mut cell) = exchanging(with_lease());
    let mut host = restored_at(with_lease(), &cell, 105_000);
    host.now = 115_000;
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    assert_eq!(sends(&host), 0);
    let cause = Cause::RefreshResponseLost;
    assert!(host.history.contains(&Effect::RequireLogin { cause }));
}

// promises: P4, P5, P11
#[test]
fn s118_the_lost_answer_that_comes_late_is_taken() {
    let (mut host, mut cell) = exchanging(Config::new());
    let ticket = host.ticket("SendTokenRequest");
    host.at(130_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    let late = Event::Granted {
        ticket,
        grant: grant("a2", Some("r2"), 3600),
    };
    host.at(140_000, late).is(Outcome::Done);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
    // It lives from when its request was sent.
    let end = host.latch().expires_at().unwrap().as_millis();
    assert_eq!(end, 100_000 + HOUR);
    host.tell(late).is(Outcome::Stale);
}

/// A server that was seen to keep the refresh token loses nothing with an answer.
// promises: P10, P11
#[test]
fn s118_a_refresh_token_that_does_not_rotate_is_sent_again_at_any_time() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.wait();
    renew(&mut host, &mut cell, grant("a2", None, 100));
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 2);
    // Longer than any grace.
    host.now += 30_000;
    host.tell(Event::TimeoutReached);
    host.serve_store(&mut cell);
    host.wait().is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(sends(&host), 3);
    assert_eq!(sent_refresh_token(&host), Some("r1"));
}
