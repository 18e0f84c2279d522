//! Numbers and bytes that mean nothing: refused, and nothing changes.

use tokenlatch::numbers::*;

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::UNTOUCHED;
use crate::support::fields;

/// No whole numbers from 0 to 2^53.
const NO_NUMBERS: [f64; 7] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    -1.0,
    -0.001,
    9_007_199_254_740_994.0,
    f64::MAX,
];

const LARGEST: f64 = 9_007_199_254_740_992.0;

/// A context of which something is waited for, and the ticket of a login.
fn busy() -> (Host, f64) {
    let mut host = Host::ready(&[(2, 1)]);
    let ticket = host.login();
    host.polled();
    (host, ticket)
}

/// All facts are refused for it: it is put in its place by `put`.
#[track_caller]
fn refuse(told: tokenlatch::wasm::Arguments, host: &mut Host) {
    let before = host.seen();
    assert_eq!(host.told(told), (TL_ERR_ARGUMENT, UNTOUCHED[0]), "{told:?}");
    assert_eq!(host.seen(), before, "{told:?}");
    assert_eq!(host.polled(), [], "{told:?}");
}

// promises: P14
#[test]
fn a_clock_that_is_no_number_is_refused_with_every_fact() {
    let (mut host, ticket) = busy();
    host.buffer[..20].copy_from_slice(&fields(&["access-9", "re"])[..20]);
    for kind in 0..24 {
        for number in NO_NUMBERS {
            let good = host.arguments(kind, ticket, [1.0, 0.0, 0.0]);
            for told in [
                tokenlatch::wasm::Arguments {
                    monotonic: number,
                    ..good
                },
                tokenlatch::wasm::Arguments {
                    wall: number,
                    ..good
                },
                tokenlatch::wasm::Arguments { id: number, ..good },
            ] {
                refuse(told, &mut host);
            }
        }
    }
}

#[test]
fn a_kind_that_there_is_not_is_refused() {
    let (mut host, ticket) = busy();
    for kind in [24, 25, 255, 256, u32::MAX] {
        let told = host.arguments(kind, ticket, [0.0; 3]);
        refuse(told, &mut host);
    }
}

/// It would be that of another order or request otherwise.
// promises: P4, P14
#[test]
fn an_id_of_more_than_32_bits_is_refused_where_it_is_no_receipt() {
    let (mut host, _) = busy();
    for kind in (0..24).filter(|kind| *kind != TL_EVENT_ANSWERED) {
        for id in [4_294_967_296.0, 4_294_967_298.0, LARGEST] {
            let told = host.arguments(kind, id, [0.0; 3]);
            refuse(told, &mut host);
        }
    }
}

#[test]
fn a_request_is_new_or_a_retry() {
    let (mut host, _) = busy();
    for access in [2.0, 255.0, 4_294_967_296.0, LARGEST] {
        let told = host.arguments(TL_EVENT_ACCESS_REQUESTED, 9.0, [access, 0.0, 0.0]);
        refuse(told, &mut host);
    }
}

#[test]
fn a_number_of_a_fact_that_is_none_is_refused() {
    let (mut host, ticket) = busy();
    let grant = fields(&["access-9", "refresh-9"]);
    host.buffer[..grant.len()].copy_from_slice(&grant);
    for number in NO_NUMBERS {
        let mut rows = vec![
            (TL_EVENT_GRANTED, [number, 1.0, 0.0]),
            (TL_EVENT_GRANTED, [1.0, number, 0.0]),
            (TL_EVENT_GRANTED, [1.0, 1.0, number]),
            (TL_EVENT_TOKEN_FAILED, [number, -1.0, 0.0]),
            (TL_EVENT_PROBED, [number, 0.0, 0.0]),
            (TL_EVENT_ACCESS_REQUESTED, [number, 0.0, 0.0]),
            (TL_EVENT_ACCESS_REQUESTED, [1.0, number, 0.0]),
            (TL_EVENT_ANSWERED, [number, -1.0, 0.0]),
        ];
        // A negative length is none, which is no error.
        if number.is_nan() || number > 0.0 {
            rows.push((TL_EVENT_LOADED, [number, 0.0, 0.0]));
            rows.push((TL_EVENT_ANSWERED, [401.0, number, 0.0]));
        }
        for (kind, numbers) in rows {
            let told = host.arguments(kind, ticket, numbers);
            refuse(told, &mut host);
        }
    }
}

#[test]
fn a_number_that_stands_for_nothing_is_refused() {
    let (mut host, ticket) = busy();
    let grant = fields(&["access-9", "refresh-9"]);
    host.buffer[..grant.len()].copy_from_slice(&grant);
    let rows = [
        // There are three expiries and two types of token.
        (TL_EVENT_GRANTED, [3.0, 1.0, 0.0]),
        (TL_EVENT_GRANTED, [7.0, 1.0, 0.0]),
        (TL_EVENT_GRANTED, [8.0, 1.0, 0.0]),
        (TL_EVENT_GRANTED, [4_294_967_296.0, 1.0, 0.0]),
        (TL_EVENT_TOKEN_FAILED, [8.0, -1.0, 0.0]),
        (TL_EVENT_TOKEN_FAILED, [35.0, -1.0, 0.0]),
        (TL_EVENT_TOKEN_FAILED, [44.0, -1.0, 0.0]),
        (TL_EVENT_TOKEN_FAILED, [4_294_967_296.0, -1.0, 0.0]),
        (TL_EVENT_PROBED, [3.0, 0.0, 0.0]),
        (TL_EVENT_PROBED, [4_294_967_296.0, 0.0, 0.0]),
        (TL_EVENT_ANSWERED, [65_536.0, -1.0, 0.0]),
        (TL_EVENT_ANSWERED, [4_294_967_297.0, -1.0, 0.0]),
    ];
    for (kind, numbers) in rows {
        let told = host.arguments(kind, ticket, numbers);
        refuse(told, &mut host);
    }
}

#[test]
fn a_length_beyond_the_buffer_is_refused() {
    let (mut host, ticket) = busy();
    let room = host.buffer.len() as f64;
    for length in [room + 1.0, 65_536.0, 4_294_967_296.0, LARGEST] {
        for (kind, numbers) in [
            (TL_EVENT_LOADED, [length, 0.0, 0.0]),
            (TL_EVENT_ANSWERED, [401.0, length, 0.0]),
        ] {
            let told = host.arguments(kind, ticket, numbers);
            refuse(told, &mut host);
        }
    }
    // All of it is no less than it has.
    assert_eq!(
        host.tell(TL_EVENT_LOADED, ticket, [room, 0.0, 0.0]),
        TL_OUTCOME_STALE
    );
    assert_eq!(
        host.tell(TL_EVENT_ANSWERED, 0.0, [200.0, room, 0.0]),
        TL_OUTCOME_STALE
    );
}

#[test]
fn a_grant_that_is_cut_off_is_refused_at_every_byte() {
    let (mut host, ticket) = busy();
    let grant = fields(&["access-9", "refresh-9", "a b", "anna", "data"]);
    let told = host.arguments(TL_EVENT_GRANTED, ticket, [1.0, 1_000.0, 0.0]);
    let before = host.seen();
    for length in 0..grant.len() {
        let mut out = UNTOUCHED[0];
        let outcome = host.context.handle(told, &grant[..length], &mut out);
        assert_eq!(
            (outcome, out),
            (TL_ERR_ARGUMENT, UNTOUCHED[0]),
            "{length} bytes"
        );
        assert_eq!(host.seen(), before);
    }
    let outcome = host.context.handle(told, &grant, &mut 0.0);
    assert_eq!(outcome, TL_OUTCOME_DONE);
}

#[test]
fn a_length_in_a_grant_beyond_its_end_is_refused() {
    let (mut host, ticket) = busy();
    for at in 0..5 {
        let mut grant = Vec::new();
        for field in 0..5 {
            let length: u16 = if field == at { 0xFFFF } else { 1 };
            grant.extend(length.to_be_bytes());
            grant.push(b'x');
        }
        host.buffer[..grant.len()].copy_from_slice(&grant);
        let told = host.arguments(TL_EVENT_GRANTED, ticket, [0.0; 3]);
        refuse(told, &mut host);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_and_bytes_of_the_app_are_not() {
    let (mut host, ticket) = busy();
    let good = fields(&["access-9", "refresh-9", "a b", "anna", "data"]);
    let ends = [8, 9, 3, 4, 4];
    let mut at = 0;
    for (field, length) in ends.into_iter().enumerate() {
        at += 2;
        let mut grant = good.clone();
        grant[at] = 0xFF;
        at += length;
        host.buffer[..grant.len()].copy_from_slice(&grant);
        let told = host.arguments(TL_EVENT_GRANTED, ticket, [0.0; 3]);
        if field < 4 {
            refuse(told, &mut host);
        } else {
            assert_eq!(host.told(told), (TL_OUTCOME_DONE, UNTOUCHED[0]));
            host.settle();
            assert_eq!(host.read(6, 0.0).as_deref(), Ok(&b"\xFFata"[..]));
        }
    }
}

// promises: P14
#[test]
fn fractions_are_cut_off() {
    let mut host = Host::ready(&[(0, 0), (1, 0)]);
    host.now = 5_000.999;
    host.plain(TL_EVENT_REFRESH_REQUESTED, 0.7);
    let ticket = host.until(TL_EFFECT_SEND_TOKEN_REQUEST);
    // 5,000 ms and the time for a token request.
    assert_eq!(host.context.timeout(), 35_000.0);
    let failed = [f64::from(TL_FAILURE_UNAVAILABLE) + 0.9, 7.9, 0.0];
    assert_eq!(
        host.tell(TL_EVENT_TOKEN_FAILED, ticket + 0.5, failed),
        TL_OUTCOME_DONE
    );
    assert_eq!(host.context.timeout(), 12_000.0);
}

#[test]
fn the_largest_number_is_one() {
    let mut host = Host::ready(&[]);
    assert_eq!(
        host.tell(TL_EVENT_ANSWERED, LARGEST, [200.0, -1.0, 0.0]),
        TL_OUTCOME_STALE,
        "a receipt that there can't be"
    );
    host.now = LARGEST;
    let mut told = host.arguments(TL_EVENT_TIMEOUT_REACHED, 0.0, [0.0; 3]);
    told.wall = LARGEST;
    assert_eq!(host.told(told).0, TL_OUTCOME_DONE);
    assert!(!host.seen().contains("Ready"), "{}", host.seen());
}

/// 0 is the wall clock of a host that has none.
#[test]
fn no_wall_clock_is_no_jump() {
    let mut host = Host::ready(&[]);
    for wall in [0.0, EPOCH + 1_000.0, 0.5, EPOCH + 1_000.0] {
        let mut told = host.arguments(TL_EVENT_TIMEOUT_REACHED, 0.0, [0.0; 3]);
        told.wall = wall;
        assert_eq!(host.told(told).0, TL_OUTCOME_DONE);
        assert!(host.seen().contains("Ready"), "{}", host.seen());
    }
    // The same clock an hour later: the device slept, and the token is over.
    let mut told = host.arguments(TL_EVENT_TIMEOUT_REACHED, 0.0, [0.0; 3]);
    told.wall = EPOCH + 1_000.0 + 3_600_000.0;
    host.told(told);
    assert!(!host.seen().contains("Ready"), "{}", host.seen());
}
