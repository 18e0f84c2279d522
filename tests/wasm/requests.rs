//! Requests that wait, leave, and come back with an answer.

use tokenlatch::numbers::*;

use crate::support::Host;

// promises: P14
#[test]
fn requests_wait_while_there_is_room_and_each_under_its_own_id() {
    let mut host = Host::opened(&[]);
    for waiter in [0.0, 1.0] {
        let told = host.plain(TL_EVENT_ACCESS_REQUESTED, waiter);
        assert_eq!(told, TL_OUTCOME_ADMITTED);
    }
    let told = host.plain(TL_EVENT_ACCESS_REQUESTED, 1.0);
    assert_eq!(told, TL_ERR_DUPLICATE_WAITER);
    let largest = f64::from(u32::MAX);
    let told = host.plain(TL_EVENT_ACCESS_REQUESTED, largest);
    assert_eq!(told, TL_OUTCOME_ADMITTED);
    let told = host.plain(TL_EVENT_ACCESS_REQUESTED, 2.0);
    assert_eq!(told, TL_ERR_QUEUE_FULL);
    // One gives up, and there is room.
    let told = host.plain(TL_EVENT_WAITER_CANCELLED, 0.0);
    assert_eq!(told, TL_OUTCOME_DONE);
    let told = host.plain(TL_EVENT_ACCESS_REQUESTED, 2.0);
    assert_eq!(told, TL_OUTCOME_ADMITTED);
    let before = host.seen();
    let told = host.plain(TL_EVENT_WAITER_CANCELLED, 9.0);
    assert_eq!(told, TL_OUTCOME_STALE, "who does not wait");
    assert_eq!(host.seen(), before);
}

#[test]
fn an_answer_is_delivered_tried_again_or_surfaced() {
    let surface = |cause: u32| TL_OUTCOME_SURFACE + cause.cast_signed();
    let rows = [
        (200.0, None, TL_OUTCOME_DELIVER),
        (500.0, None, TL_OUTCOME_DELIVER),
        (200.9, Some("Bearer"), TL_OUTCOME_DELIVER),
        (401.0, None, TL_OUTCOME_RETRY),
        // A header of no bytes is a header.
        (401.0, Some(""), surface(TL_CAUSE_OTHER_SCHEME)),
        (
            403.0,
            Some("Bearer error=\"insufficient_scope\""),
            surface(TL_CAUSE_INSUFFICIENT_SCOPE),
        ),
        (
            401.0,
            Some("Bearer error=\"insufficient_user_authentication\""),
            surface(TL_CAUSE_STEP_UP),
        ),
        (
            401.0,
            Some("Basic realm=\"x\""),
            surface(TL_CAUSE_OTHER_SCHEME),
        ),
        (
            401.0,
            Some("Bearer error=\"invalid_request\""),
            surface(TL_CAUSE_MALFORMED_CREDENTIAL),
        ),
        (
            401.0,
            Some("DPoP error=\"use_dpop_nonce\""),
            TL_OUTCOME_RETRY,
        ),
    ];
    for (status, header, expected) in rows {
        let mut host = Host::ready(&[]);
        let receipt = host.sent(1);
        let length = header.map_or(-1.0, |header| header.len() as f64);
        let bytes = header.unwrap_or_default().as_bytes();
        let told = host.bytes(TL_EVENT_ANSWERED, receipt, [status, length, 0.0], bytes);
        assert_eq!(told, expected, "{status} {header:?}");
        assert!(host.seen().contains("Ready"), "{}", host.seen());
    }
}

#[test]
fn a_retry_names_its_receipt() {
    let mut host = Host::ready(&[(10, 2)]);
    let receipt = host.sent(1);
    let header = b"Bearer error=\"invalid_token\"";
    let refused = [401.0, header.len() as f64, 0.0];
    host.now += 60_000.0;
    let told = host.bytes(TL_EVENT_ANSWERED, receipt, refused, header);
    assert_eq!(told, TL_OUTCOME_RETRY);
    let told = host.tell(TL_EVENT_ACCESS_REQUESTED, 1.0, [1.0, receipt, 0.0]);
    assert_eq!(told, TL_OUTCOME_ADMITTED);
    // The token that was refused is renewed first.
    assert_eq!(host.permit(1), Err(TL_ERR_NOT_READY));
    assert_eq!(host.until(TL_EFFECT_RELEASE), 1.0);
    let (token, [again, _]) = host.permit(1).expect("it was released");
    assert_eq!(token, "access-2");
    // That was the second attempt of two.
    let told = host.bytes(TL_EVENT_ANSWERED, again, refused, header);
    let exhausted = TL_CAUSE_RETRIES_EXHAUSTED.cast_signed();
    assert_eq!(told, TL_OUTCOME_SURFACE + exhausted);
}
