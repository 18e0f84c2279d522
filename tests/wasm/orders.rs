//! What is asked of a context: orders, timeouts, permits, and what belongs to an order.

use tokenlatch::numbers::*;
use tokenlatch::wasm::Arguments;

use crate::support::Context;
use crate::support::EPOCH;
use crate::support::Host;
use crate::support::UNTOUCHED;
use crate::support::fields;

const DEBUGGED: &str = "Latch { state: Unauthenticated, ";

/// Everything that the host gets to see, from the opening to the renewal.
#[test]
fn an_order_has_two_numbers() {
    let mut host = Host::with(&[(1, 3), (2, 1), (5, 1)]);
    let changed = |state: u32| (TL_EFFECT_STATE_CHANGED, [f64::from(state), 0.0]);
    let order = |kind: u32, ticket: f64| (kind, [ticket, 0.0]);
    host.plain(TL_EVENT_OPENED, 0.0);
    assert_eq!(
        host.polled(),
        [changed(TL_STATE_PENDING), order(TL_EFFECT_LOAD, 1.0)]
    );
    host.plain(TL_EVENT_ACCESS_REQUESTED, 77.0);
    host.load(1.0);
    let cause = f64::from(TL_CAUSE_NOT_SIGNED_IN);
    assert_eq!(
        host.polled(),
        [
            changed(TL_STATE_UNAUTHENTICATED),
            (TL_EFFECT_REQUIRE_LOGIN, [0.0, cause]),
            (TL_EFFECT_REFUSE, [77.0, cause])
        ]
    );
    let login = host.login();
    host.polled();
    host.grant(login, &["access-1", "refresh-1"]);
    assert_eq!(host.polled(), [order(TL_EFFECT_ACQUIRE_LEASE, login + 1.0)]);
    host.plain(TL_EVENT_LEASE_GRANTED, login + 1.0);
    assert_eq!(host.polled(), [order(TL_EFFECT_LOAD, login + 2.0)]);
    host.load(login + 2.0);
    assert_eq!(host.polled(), [order(TL_EFFECT_STORE, login + 3.0)]);
    host.cell = host.read(2, login + 3.0).ok();
    host.plain(TL_EVENT_STORED, login + 3.0);
    host.settle();
    assert!(host.seen().contains("Ready"), "{}", host.seen());
    host.plain(TL_EVENT_ACCESS_REQUESTED, 77.0);
    assert_eq!(host.polled(), [order(TL_EFFECT_RELEASE, 77.0)]);
}

#[test]
fn a_token_request_says_its_grant_type() {
    for (renewal, expected) in [(0, TL_GRANT_TYPE_REFRESH_TOKEN), (1, TL_GRANT_TYPE_LOGIN)] {
        let mut host = Host::ready(&[(4, renewal)]);
        host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
        let [ticket, grant_type] = host.until_both(TL_EFFECT_SEND_TOKEN_REQUEST);
        assert_eq!(grant_type, f64::from(expected));
        // There is a refresh token to send where one is asked for.
        let token = host.read(0, ticket);
        match expected {
            TL_GRANT_TYPE_REFRESH_TOKEN => assert_eq!(token, Ok(b"refresh-1".to_vec())),
            _ => assert_eq!(token, Err(TL_ERR_STALE)),
        }
    }
}

#[test]
fn a_timeout_is_a_time_or_never() {
    let mut host = Host::new();
    assert_eq!(host.context.timeout(), -1.0);
    host.plain(TL_EVENT_OPENED, 0.0);
    // The store's deadline.
    assert_eq!(host.context.timeout(), host.now + 5_000.0);
    host.settle();
    assert_eq!(host.context.timeout(), -1.0);
    // Told too early, nothing happens; told late, the login is over.
    host.login();
    assert_eq!(host.context.timeout(), host.now + 600_000.0);
    host.polled();
    host.now += 599_999.0;
    host.plain(TL_EVENT_TIMEOUT_REACHED, 0.0);
    assert_eq!(host.polled(), []);
    host.now += 1.0;
    host.plain(TL_EVENT_TIMEOUT_REACHED, 0.0);
    let changed = [f64::from(TL_STATE_UNAUTHENTICATED), 0.0];
    assert_eq!(
        host.polled().first(),
        Some(&(TL_EFFECT_STATE_CHANGED, changed))
    );
    assert_eq!(host.context.timeout(), -1.0);
}

#[test]
fn a_permit_is_the_token_its_receipt_and_its_type() {
    for form in [1.0, 5.0] {
        let mut host = Host::opened(&[(0, 0), (1, 0)]);
        let ticket = host.login();
        let grant = fields(&["access-1"]);
        host.bytes(TL_EVENT_GRANTED, ticket, [form, 3_600_000.0, 0.0], &grant);
        host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
        let (token, [receipt, is_dpop]) = host.permit(5).expect("it was released");
        assert_eq!(token, "access-1");
        assert_eq!(is_dpop, (form - 1.0) / 4.0);
        assert!(receipt > 0.0 && receipt.fract() == 0.0, "{receipt}");
        // Claimed once.
        assert_eq!(host.permit(5), Err(TL_ERR_UNKNOWN));
    }
}

// promises: P1, P14
#[test]
fn no_token_for_who_waits_is_refused_or_unknown() {
    let mut host = Host::opened(&[]);
    assert_eq!(host.permit(5), Err(TL_ERR_UNKNOWN));
    host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
    assert_eq!(host.permit(5), Err(TL_ERR_NOT_READY));
    assert_eq!(host.permit(6), Err(TL_ERR_UNKNOWN));
    // Its time runs out with the claim, before anything is polled.
    host.now += 30_000.0;
    let told = host.permit(5);
    assert_eq!(
        told,
        Err(TL_ERR_REFUSED - TL_CAUSE_WAIT_TIMEOUT.cast_signed())
    );
    assert_eq!(host.permit(5), Err(TL_ERR_UNKNOWN));
}

#[test]
fn time_passes_with_a_claim() {
    let mut host = Host::ready(&[]);
    host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
    assert_eq!(host.until(TL_EFFECT_RELEASE), 5.0);
    // The token is over.
    host.now += 3_600_000.0;
    assert!(host.permit(5).is_err());
    assert!(!host.seen().contains("Ready"), "{}", host.seen());
}

#[test]
fn a_claim_at_no_time_is_refused_and_the_request_waits_on() {
    let mut host = Host::ready(&[]);
    host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
    let before = host.seen();
    let (mut buffer, mut out) = ([0xEE; 64], UNTOUCHED);
    for number in [f64::NAN, f64::INFINITY, -1.0, 9_007_199_254_740_994.0] {
        for (monotonic, wall) in [(number, EPOCH), (1_000.0, number)] {
            let told = host
                .context
                .permit(monotonic, wall, 5, &mut buffer, &mut out);
            assert_eq!(told, TL_ERR_ARGUMENT);
            assert_eq!((out, buffer), (UNTOUCHED, [0xEE; 64]));
            assert_eq!(host.seen(), before);
        }
    }
    assert!(host.permit(5).is_ok());
}

#[test]
fn a_token_goes_into_a_buffer_that_just_holds_it() {
    for (room, expected) in [(8, 8), (7, TL_ERR_SPACE), (0, TL_ERR_SPACE)] {
        let mut host = Host::ready(&[]);
        host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
        let (mut buffer, mut out) = ([0xEE; 9], UNTOUCHED);
        let told = host
            .context
            .permit(1_000.0, EPOCH + 1_000.0, 5, &mut buffer[..room], &mut out);
        assert_eq!(told, expected, "{room}");
        if told == 8 {
            assert_eq!(&buffer, b"access-1\xEE");
        } else {
            assert_eq!((buffer, out), ([0xEE; 9], UNTOUCHED));
            assert!(host.permit(5).is_ok(), "nothing was claimed");
        }
    }
}

#[test]
fn a_whole_record_and_a_whole_grant_fit_the_buffer() {
    let texts = [
        "a".repeat(64),
        "r".repeat(40),
        "openid".into(),
        "anna".into(),
    ];
    let [access, refresh, scope, subject] = texts.each_ref().map(String::as_str);
    let texts = [access, refresh, scope, subject, "0123456789"];
    assert!(fields(&texts).len() <= Context::BUFFER);
    let mut host = Host::granted(&[], &texts);
    let ticket = host.until(TL_EFFECT_STORE);
    let record = host.read(2, ticket).expect("it fits");
    assert!(record.len() > 124 && record.len() <= Context::BUFFER);
}

#[test]
fn what_belongs_to_an_order_is_read_with_its_ticket_only() {
    let mut host = Host::opened(&[(1, 3)]);
    host.settle();
    let login = host.login();
    let texts = ["access-1", "refresh-1", "openid", "anna", "mine"];
    assert_eq!(host.grant(login, &texts), TL_OUTCOME_DONE);
    // Before there is a session that the store has, nothing of it is read.
    assert_eq!(host.read(7, 0.0), Err(TL_ERR_STALE));
    let store = host.until(TL_EFFECT_STORE);
    assert!(host.read(2, store).is_ok());
    for what in [0, 1, 3] {
        assert_eq!(host.read(what, store), Err(TL_ERR_STALE), "{what}");
    }
    assert_eq!(host.read(2, store + 1.0), Err(TL_ERR_STALE));
    host.cell = host.read(2, store).ok();
    host.plain(TL_EVENT_STORED, store);
    assert_eq!(host.read(2, store), Err(TL_ERR_STALE));
    let probe = host.until(TL_EFFECT_PROBE);
    assert_eq!(host.read(3, probe).as_deref(), Ok(&b"access-1"[..]));
    assert_eq!(host.read(3, probe + 1.0), Err(TL_ERR_STALE));
    assert_eq!(host.read(8, probe).as_deref(), Ok(&b"Bearer"[..]));
    assert_eq!(host.read(8, probe + 1.0), Err(TL_ERR_STALE));
    host.tell(TL_EVENT_PROBED, probe, [0.0; 3]);
    host.settle();
    assert_eq!(host.read(3, probe), Err(TL_ERR_STALE));
    for (what, expected) in [(4, "openid"), (5, "anna"), (6, "mine")] {
        // For any ticket.
        for ticket in [0.0, probe, 99.0] {
            let read = host.read(what, ticket);
            assert_eq!(read.as_deref(), Ok(expected.as_bytes()));
        }
    }
    let generation = host.read(7, 0.0).expect("the store has it");
    assert_eq!(generation, [0, 0, 0, 1, 0, 0, 0, 0]);
    host.plain(TL_EVENT_REFRESH_REQUESTED, 0.0);
    let send = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
    assert_eq!(host.read(0, send).as_deref(), Ok(&b"refresh-1"[..]));
    assert_eq!(host.read(0, send + 1.0), Err(TL_ERR_STALE));
    host.grant(send, &["access-2", "refresh-2"]);
    assert_eq!(host.read(0, send), Err(TL_ERR_STALE));
    host.settle();
    let generation = host.read(7, 0.0).expect("the store has it");
    assert_eq!(generation, [0, 0, 0, 1, 0, 0, 0, 1]);
    host.plain(TL_EVENT_LOGOUT_REQUESTED, 0.0);
    let revoke = host.until(TL_EFFECT_REVOKE);
    assert_eq!(host.read(1, revoke).as_deref(), Ok(&b"refresh-2"[..]));
    assert_eq!(host.read(1, revoke + 1.0), Err(TL_ERR_STALE));
    for what in [4, 5, 6] {
        assert_eq!(host.read(what, revoke), Err(TL_ERR_STALE));
    }
    host.plain(TL_EVENT_REVOKED, revoke);
    assert_eq!(host.read(1, revoke), Err(TL_ERR_STALE));
}

#[test]
fn a_thing_that_there_is_not_is_refused() {
    let host = Host::ready(&[]);
    for what in [9, 10, 255, 256, u32::MAX] {
        assert_eq!(host.read(what, 1.0), Err(TL_ERR_ARGUMENT), "{what}");
    }
}

/// A session in memory is in no store: there is no generation that one has.
#[test]
fn a_session_without_a_store_has_no_stored_generation() {
    let host = Host::ready(&[(0, 0), (1, 0)]);
    assert_eq!(host.read(7, 0.0), Err(TL_ERR_STALE));
    let host = Host::ready(&[]);
    assert!(host.read(7, 0.0).is_ok());
}

#[test]
fn a_cookie_session_has_no_token_to_read() {
    let mut host = Host::granted(&[(1, 3), (3, 1)], &[""]);
    let probe = host.until(TL_EFFECT_PROBE);
    assert_eq!(host.read(3, probe), Ok(vec![]));
    host.tell(TL_EVENT_PROBED, probe, [0.0; 3]);
    host.plain(TL_EVENT_ACCESS_REQUESTED, 5.0);
    host.settle();
    let (token, _) = host.permit(5).expect("it was released");
    assert_eq!(token, "");
}

// promises: P13
#[test]
fn no_token_is_printed() {
    let host = Host::ready(&[]);
    let text = format!("{:?}", host.context);
    assert!(!text.contains("access-1") && !text.contains("refresh-1"));
    assert!(format!("{:?}", Context::new()).starts_with(DEBUGGED));
    let told = Arguments {
        kind: 1,
        monotonic: 2.0,
        wall: 3.0,
        id: 4.0,
        a: 5.0,
        b: 6.0,
        c: 7.0,
    };
    assert_eq!(told, { told });
}
