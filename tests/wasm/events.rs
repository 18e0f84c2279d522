//! Each kind of fact, taken and refused.

use core::iter::repeat_n;

use tokenlatch::numbers::*;

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::Order;
use crate::support::fields;

/// Confirmed by a probe, with a lease: every kind of order is given.
const ALL_ORDERS: &[(u32, u32)] = &[(1, 3), (2, 1)];

/// Without a store: a grant is used at once.
const IN_MEMORY: &[(u32, u32)] = &[(0, 0), (1, 0)];

fn kinds(orders: &[Order]) -> Vec<u32> {
    orders.iter().map(|(kind, _)| *kind).collect()
}

// promises: P14
#[test]
fn before_it_is_open_a_latch_takes_answers_and_requests_only() {
    let mut host = Host::new();
    let grant = fields(&["access-1"]);
    host.buffer[..grant.len()].copy_from_slice(&grant);
    let told: Vec<_> = (1..24).map(|kind| host.plain(kind, 7.0)).collect();
    let mut expected = vec![TL_ERR_NOT_OPENED; 2];
    expected.extend([TL_OUTCOME_DONE; 2]);
    expected.push(TL_ERR_NOT_OPENED);
    // Answers, from a grant to a failed revocation.
    expected.extend(repeat_n(TL_OUTCOME_STALE, 12));
    expected.extend([TL_OUTCOME_ADMITTED, TL_OUTCOME_STALE, TL_OUTCOME_DONE]);
    expected.extend([TL_ERR_NOT_OPENED, TL_ERR_NOT_OPENED, TL_OUTCOME_DONE]);
    assert_eq!(told, expected);
    assert_eq!(host.plain(TL_EVENT_OPENED, 0.0), TL_OUTCOME_DONE);
    let pending = [f64::from(TL_STATE_PENDING), 0.0];
    assert_eq!(
        host.polled(),
        [
            (TL_EFFECT_STATE_CHANGED, pending),
            (TL_EFFECT_LOAD, [1.0, 0.0])
        ]
    );
}

/// A host whose next order is of this kind, and the order's ticket.
#[track_caller]
fn ordered(kind: u32) -> (Host, f64) {
    let mut host = match kind {
        TL_EFFECT_LOAD => Host::opened(ALL_ORDERS),
        TL_EFFECT_SEND_TOKEN_REQUEST => {
            let mut host = Host::ready(ALL_ORDERS);
            assert_eq!(host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0), TL_OUTCOME_DONE);
            host
        }
        TL_EFFECT_REVOKE => {
            let mut host = Host::ready(ALL_ORDERS);
            assert_eq!(host.plain(TL_EVENT_LOGOUT_REQUESTED, 0.0), TL_OUTCOME_DONE);
            host
        }
        _ => Host::granted(ALL_ORDERS, &["access-1", "refresh-1"]),
    };
    let ticket = host.until(kind);
    host.polled();
    (host, ticket)
}

/// An order, an answer to it, and the orders that come of it.
struct Answer {
    to: u32,
    kind: u32,
    numbers: [f64; 3],
    bytes: Vec<u8>,
    then: &'static [u32],
}

impl Answer {
    fn plain(to: u32, kind: u32, then: &'static [u32]) -> Self {
        Self::with(to, kind, 0.0, then)
    }

    fn with(to: u32, kind: u32, a: f64, then: &'static [u32]) -> Self {
        Self {
            to,
            kind,
            numbers: [a, -1.0, 0.0],
            bytes: Vec::new(),
            then,
        }
    }

    fn bytes(mut self, bytes: &[u8], numbers: [f64; 3]) -> Self {
        (self.bytes, self.numbers) = (bytes.to_vec(), numbers);
        self
    }
}

fn answers() -> Vec<Answer> {
    const STATE: u32 = TL_EFFECT_STATE_CHANGED;
    let load = TL_EFFECT_LOAD;
    let store = TL_EFFECT_STORE;
    let probe = TL_EFFECT_PROBE;
    let lease = TL_EFFECT_ACQUIRE_LEASE;
    let send = TL_EFFECT_SEND_TOKEN_REQUEST;
    let revoke = TL_EFFECT_REVOKE;
    let grant = fields(&["access-9", "refresh-9"]);
    let ended = f64::from(TL_FAILURE_INVALID_GRANT);
    vec![
        Answer::with(
            load,
            TL_EVENT_LOADED,
            -1.0,
            &[STATE, TL_EFFECT_REQUIRE_LOGIN],
        ),
        Answer::plain(load, TL_EVENT_LOADED, &[STATE, TL_EFFECT_REQUIRE_LOGIN])
            .bytes(b"oops", [4.0, 0.0, 0.0]),
        Answer::plain(load, TL_EVENT_LOAD_FAILED, &[TL_EFFECT_LOAD]),
        Answer::plain(store, TL_EVENT_STORED, &[TL_EFFECT_LOAD]),
        Answer::plain(store, TL_EVENT_STORE_FAILED, &[TL_EFFECT_STORE]),
        Answer::with(probe, TL_EVENT_PROBED, 0.0, &[STATE]),
        Answer::with(probe, TL_EVENT_PROBED, 1.0, &[STATE]),
        Answer::with(probe, TL_EVENT_PROBED, 2.0, &[STATE]),
        Answer::plain(lease, TL_EVENT_LEASE_GRANTED, &[TL_EFFECT_LOAD]),
        Answer::plain(lease, TL_EVENT_LEASE_DENIED, &[TL_EFFECT_PROBE]),
        Answer::plain(send, TL_EVENT_GRANTED, &[TL_EFFECT_STORE])
            .bytes(&grant, [1.0, 9_000.0, 0.0]),
        Answer::with(send, TL_EVENT_TOKEN_FAILED, ended, &[TL_EFFECT_LOAD]),
        Answer::plain(revoke, TL_EVENT_REVOKED, &[]),
        Answer::plain(revoke, TL_EVENT_REVOKE_FAILED, &[]),
    ]
}

// promises: P14
#[test]
fn an_answer_is_taken_once_and_stale_without_its_order() {
    for answer in answers() {
        let (kind, numbers) = (answer.kind, answer.numbers);
        let (mut host, ticket) = ordered(answer.to);
        let before = host.seen();
        // Tokens that nobody waits for may have to be revoked.
        let is_stale = |told| match kind {
            TL_EVENT_GRANTED => [TL_OUTCOME_STALE, TL_OUTCOME_ORPHANED].contains(&told),
            _ => told == TL_OUTCOME_STALE,
        };
        for other in [0.0, ticket + 1.0] {
            let told = host.bytes(kind, other, numbers, &answer.bytes);
            assert!(is_stale(told), "{kind} {other} {told}");
            assert_eq!((host.seen(), host.polled()), (before.clone(), vec![]));
        }
        let told = host.bytes(kind, ticket, numbers, &answer.bytes);
        assert_eq!(told, TL_OUTCOME_DONE, "{kind} {ticket}");
        assert_eq!(kinds(&host.polled()), answer.then, "{kind} {numbers:?}");
        let again = host.bytes(kind, ticket, numbers, &answer.bytes);
        assert!(is_stale(again), "{kind} {numbers:?} {again}");
    }
}

#[test]
fn a_lease_that_is_lost_is_asked_for_again() {
    let (mut host, _) = ordered(TL_EFFECT_STORE);
    let lease = host.lease;
    let told = host.plain(TL_EVENT_LEASE_LOST, lease + 1.0);
    assert_eq!(told, TL_OUTCOME_STALE);
    assert_eq!(host.polled(), []);
    assert_eq!(host.plain(TL_EVENT_LEASE_LOST, lease), TL_OUTCOME_DONE);
    assert_eq!(kinds(&host.polled()), [TL_EFFECT_ACQUIRE_LEASE]);
}

#[test]
fn an_opened_latch_is_not_opened_again() {
    let mut host = Host::ready(&[]);
    let before = host.seen();
    assert_eq!(host.plain(TL_EVENT_OPENED, 0.0), TL_ERR_ALREADY_OPENED);
    assert_eq!((host.seen(), host.polled()), (before, vec![]));
}

#[test]
fn a_page_that_comes_back_reads_its_store() {
    for kind in [TL_EVENT_RESUMED, TL_EVENT_STORE_CHANGED] {
        let mut host = Host::ready(&[]);
        assert_eq!(host.plain(kind, 0.0), TL_OUTCOME_DONE);
        assert!(kinds(&host.polled()).contains(&TL_EFFECT_LOAD), "{kind}");
    }
}

#[test]
fn offline_nothing_is_renewed_until_it_is_online() {
    let mut host = Host::ready(&[]);
    assert_eq!(host.plain(TL_EVENT_WENT_OFFLINE, 0.0), TL_OUTCOME_DONE);
    host.now += 3_590_000.0;
    assert_eq!(host.plain(TL_EVENT_TIMEOUT_REACHED, 0.0), TL_OUTCOME_DONE);
    host.settle();
    assert!(!host.seen().contains("Refreshing"), "{}", host.seen());
    assert_eq!(host.plain(TL_EVENT_WENT_ONLINE, 0.0), TL_OUTCOME_DONE);
    host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
}

#[test]
fn a_login_gives_its_ticket_and_its_grant_has_all_fields() {
    let mut host = Host::opened(IN_MEMORY);
    let first = host.login();
    let second = host.login();
    assert!(first > 0.0 && second > first, "{first} {second}");
    let texts = ["access-1", "refresh-1", "openid email", "anna", "\u{1F511}"];
    // The first login is over: its grant is nobody's.
    assert_eq!(host.grant(first, &texts), TL_OUTCOME_ORPHANED);
    assert_eq!(host.grant(second, &texts), TL_OUTCOME_DONE);
    let read = |what| host.read(what, 0.0);
    assert_eq!(read(4).as_deref(), Ok(&b"openid email"[..]));
    assert_eq!(read(5).as_deref(), Ok(&b"anna"[..]));
    assert_eq!(read(6).as_deref(), Ok("\u{1F511}".as_bytes()));
    // It is renewed in the last minute of its hour.
    let renewed = host.context.timeout() - host.now;
    assert!(renewed > 3_540_000.0 && renewed < 3_600_000.0, "{renewed}");
    host.sent(1);
}

#[test]
fn what_is_empty_in_a_grant_is_absent() {
    let mut host = Host::ready(IN_MEMORY);
    host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
    let ticket = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
    assert_eq!(host.grant(ticket, &["access-2"]), TL_OUTCOME_DONE);
    // The old refresh token stays (RFC 6749 6).
    host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
    let ticket = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
    assert_eq!(host.read(0, ticket).as_deref(), Ok(&b"refresh-1"[..]));
    for what in [4, 5] {
        assert_eq!(host.read(what, 0.0), Err(TL_ERR_STALE));
    }
    assert_eq!(host.read(6, 0.0), Ok(vec![]));
}

/// Unknown, in so many milliseconds, at a time of the server's clock.
#[test]
fn a_lifetime_is_told_in_three_ways_and_with_the_type_of_the_token() {
    let wall = EPOCH + 1_000.0;
    let rows = [
        ([0.0, 5.0, 0.0], false),
        ([1.0, 400_000.0, 0.0], true),
        ([2.0, wall + 400_000.0, 0.0], true),
        // The server's clock is an hour ahead, and says so.
        ([2.0, wall + 4_000_000.0, wall + 3_600_000.0], true),
        ([4.0, 5.0, 0.0], false),
        ([5.0, 400_000.0, 0.0], true),
        ([6.0, wall + 400_000.0, 0.0], true),
    ];
    for (numbers, ends) in rows {
        let mut host = Host::opened(IN_MEMORY);
        let ticket = host.login();
        let grant = fields(&["access-1", "refresh-1"]);
        let told = host.bytes(TL_EVENT_GRANTED, ticket, numbers, &grant);
        assert_eq!(told, TL_OUTCOME_DONE);
        // Renewed in the last minute, or never.
        let renewed = host.context.timeout() - host.now;
        let in_time = renewed > 340_000.0 && renewed < 400_000.0;
        assert!(
            in_time == ends && (ends || renewed < 0.0),
            "{numbers:?} {renewed}"
        );
        host.plain(TL_EVENT_ACCESS_REQUESTED, 1.0);
        let (token, [_, is_dpop]) = host.permit(1).expect("it was released");
        let expected = f64::from(u8::from(numbers[0] >= 4.0));
        assert_eq!((token.as_str(), is_dpop), ("access-1", expected));
    }
}

// promises: P14
#[test]
fn a_grant_that_no_header_can_carry_is_refused_and_the_login_goes_on() {
    let mut host = Host::opened(IN_MEMORY);
    let ticket = host.login();
    let before = host.seen();
    host.polled();
    let long = "x".repeat(65);
    let rows = [
        ("", TL_ERR_GRANT_EMPTY),
        ("undefined", TL_ERR_GRANT_LITERAL),
        ("\"access-1\"", TL_ERR_GRANT_QUOTED),
        ("Bearer access-1", TL_ERR_GRANT_SCHEME),
        ("access 1", TL_ERR_GRANT_CHARACTER),
        (&long, TL_ERR_GRANT_TOO_LONG),
    ];
    for (access, expected) in rows {
        assert_eq!(host.grant(ticket, &[access]), expected, "{access}");
        assert_eq!((host.seen(), host.polled()), (before.clone(), vec![]));
    }
    let grant = fields(&["access-1"]);
    let told = host.bytes(TL_EVENT_GRANTED, ticket, [1.0, 0.0, 0.0], &grant);
    assert_eq!(told, TL_ERR_GRANT_LIFETIME);
    assert_eq!(host.seen(), before);
    assert_eq!(host.grant(ticket, &["access-1"]), TL_OUTCOME_DONE);
}

#[test]
fn a_failed_renewal_is_tried_when_the_server_says() {
    let failed = |seconds| {
        let mut host = Host::ready(IN_MEMORY);
        host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
        let ticket = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
        let numbers = [f64::from(TL_FAILURE_RATE_LIMITED), seconds, 0.0];
        let told = host.tell(TL_EVENT_TOKEN_FAILED, ticket, numbers);
        assert_eq!(told, TL_OUTCOME_DONE);
        host.context.timeout() - host.now
    };
    for (seconds, after) in [(7.0, 7_000.0), (100.0, 100_000.0), (1e9, 3_600_000.0)] {
        assert_eq!(failed(seconds), after, "{seconds}");
    }
    // What is no time is none: the first back-off is at most a second.
    for seconds in [-1.0, f64::NAN, f64::INFINITY, 4_294_967_296.0] {
        let wait = failed(seconds);
        assert!(wait > 0.0 && wait <= 1_000.0, "{seconds}: {wait}");
    }
}

#[test]
fn a_renewal_is_asked_for_with_a_session_and_a_budget() {
    let mut host = Host::opened(&[(15, 1)]);
    host.settle();
    let told = host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
    assert_eq!(told, TL_ERR_NO_SESSION);
    let ticket = host.login();
    host.grant(ticket, &["access-1", "refresh-1"]);
    host.settle();
    assert_eq!(host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0), TL_OUTCOME_DONE);
    host.settle();
    let told = host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
    assert_eq!(told, TL_ERR_THROTTLED);
}

#[test]
fn a_logout_ends_the_session() {
    let mut host = Host::ready(&[]);
    assert_eq!(host.plain(TL_EVENT_LOGOUT_REQUESTED, 0.0), TL_OUTCOME_DONE);
    assert_eq!(host.read(6, 0.0), Err(TL_ERR_STALE));
    let changed = (TL_EFFECT_STATE_CHANGED, [0.0, 0.0]);
    assert_eq!(host.orders.front(), Some(&changed));
    host.settle();
    assert!(host.seen().contains("Unauthenticated"), "{}", host.seen());
}
