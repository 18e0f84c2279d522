//! The whole life once, as a transcript.

use crate::support::Host;
use crate::support::grant;
use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::GrantError;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::TokenFailure;

/// The race this crate exists for: three requests before the login has answered.
// promises: P1, P2, P8
#[test]
fn requests_before_the_login_wait_and_leave_in_order_with_its_token() {
    let mut host = Host::new(Config::new());
    host.request(1).is_admitted().gives(&[]);
    host.at(0, Event::Opened)
        .gives(&["StateChanged Pending", "Load #1"]);
    host.request(2).is_admitted().gives(&[]);
    host.loaded(None)
        .gives(&["StateChanged Unauthenticated", "RequireLogin NotSignedIn"]);
    let login = host.login();
    host.request(3).is_admitted().gives(&[]);
    host.at(
        400,
        Event::Granted {
            ticket: login,
            grant: grant("a1", Some("r1"), 3600),
        },
    )
    .is(Outcome::Done)
    .gives(&["Load #3"]);
    host.loaded(None).gives(&["Store #4"]).is_in(State::Pending);
    host.stored().gives(&[
        "StateChanged Ready",
        "Announce",
        "Release 1",
        "Release 2",
        "Release 3",
    ]);
    for waiter in 1..=3 {
        assert_eq!(host.send(waiter).unwrap().0, "a1");
    }
    println!(
        "{}",
        host.latch()
            .trace()
            .map(|step| format!("{step}\n"))
            .collect::<String>()
    );
}

/// A burst of 401s starts one refresh, and everybody leaves with its result.
// promises: P1, P3, P9
#[test]
fn a_burst_of_401s_starts_one_refresh() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let receipts: Vec<_> = (1..=5)
        .map(|waiter| host.request_and_send(waiter).1)
        .collect();
    assert_eq!(host.answer(receipts[0], 200), Outcome::Deliver);
    let (_, late) = host.request_and_send(9);
    for receipt in &receipts[1..] {
        assert_eq!(host.answer(*receipt, 401), Outcome::Retry);
    }
    assert_eq!(host.state(), State::Refreshing);
    for waiter in 2..=5 {
        host.retry(waiter, receipts[waiter as usize - 1])
            .is_admitted();
    }
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(
        host.latch().refresh_token(host.ticket("SendTokenRequest")),
        Some("r1")
    );
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    for waiter in 2..=5 {
        assert_eq!(host.send(waiter).unwrap().0, "a2");
    }
    assert_eq!(host.answer(late, 401), Outcome::Retry);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// Sign-out in the middle of a refresh: nothing is left, and the late answer brings nothing back.
// promises: P4, P6
#[test]
fn a_sign_out_during_a_refresh_is_final() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.wait();
    host.serve_store(&mut cell);
    let exchange = host.ticket("SendTokenRequest");
    host.request(1).is_admitted();
    host.tell(Event::LogoutRequested).gives(&[
        "StateChanged Unauthenticated",
        "Load #9",
        "Revoke #8",
        "Refuse 1 SignedOut",
    ]);
    assert_eq!(host.latch().revocation(host.ticket("Revoke")), Some("r1"));
    host.serve_store(&mut cell);
    assert!(matches!(
        tokenlatch::inspect(&cell),
        tokenlatch::StoreContent::Tombstone(_)
    ));
    host.tell(Event::Granted {
        ticket: exchange,
        grant: grant("a2", Some("r2"), 100),
    })
    .is(Outcome::Orphaned);
    assert_eq!(host.state(), State::Unauthenticated);
    let host = Host::restored(Config::new(), &cell);
    assert_eq!(host.state(), State::Unauthenticated);
}

/// The bytes of a real API's answer, told as they came: nested, numbers as strings, a code in a 200 body.
// promises: P2
#[test]
fn an_answer_is_told_as_it_came() {
    const SHAPE: tokenlatch::ResponseShape = {
        let mut shape = tokenlatch::ResponseShape::RFC6749;
        shape.access_token = "data.token";
        shape.refresh_token = None;
        shape.expiry = Some("data.expireIn");
        shape.code = Some("code");
        shape.success_codes = &["0"];
        shape
    };
    let mut config = Config::in_memory();
    config.response = &SHAPE;
    let mut latch = tokenlatch::Latch::<64, 4>::new(config, 1).unwrap();
    let now = tokenlatch::Now::monotonic(0);
    latch.handle(now, Event::Opened).unwrap();
    let Ok(Outcome::Login(login)) = latch.handle(now, Event::LoginStarted) else {
        panic!()
    };
    let mut body = *br#"{"code":0,"data":{"token":"a\/1","expireIn":"7200"}}"#;
    let response = tokenlatch::response::TokenResponse::new(200);
    let told = latch.handle_response(now, login, response, &mut body);
    assert_eq!((told.outcome, told.failure), (Outcome::Done, None));
    assert_eq!(latch.state(), State::Ready);
    assert_eq!(
        latch.expires_at().map(tokenlatch::Instant::as_millis),
        Some(7_200_000)
    );
    // What a script wrote for a missing value is a failed login, and the session before stays.
    let Ok(Outcome::Login(login)) = latch.handle(now, Event::LoginStarted) else {
        panic!()
    };
    let mut body = *br#"{"code":0,"data":{"token":"undefined"}}"#;
    let told = latch.handle_response(now, login, response, &mut body);
    let unusable = TokenFailure::Unusable(GrantError::Literal);
    assert_eq!(
        (told.outcome, told.failure),
        (Outcome::Done, Some(unusable))
    );
    assert_eq!(latch.state(), State::Ready);
    assert_eq!(
        latch.expires_at().map(tokenlatch::Instant::as_millis),
        Some(7_200_000)
    );
}

/// A host that missed the order is asked again when a request has waited in vain, and not more often.
// promises: P8, P15
#[test]
fn a_login_that_nobody_starts_is_asked_for_again() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    assert_eq!(host.count("RequireLogin"), 1);
    host.request(1).is_admitted().gives(&[]);
    host.request(2).is_admitted().gives(&[]);
    host.wait()
        .gives(&["Refuse 1 WaitTimeout", "Refuse 2 WaitTimeout"]);
    host.request(3)
        .is_admitted()
        .gives(&["RequireLogin NotSignedIn"]);
    host.request(4).is_admitted().gives(&[]);
}

/// A store that lies about the mark: a sibling would send the refresh token again, so the mark is read back too.
// promises: P3, P12
#[test]
fn a_mark_that_the_store_did_not_keep_is_written_again_before_the_request_leaves() {
    let mut config = Config::new();
    config.confirmation = tokenlatch::Confirmation::ReadBack;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.wait().is_in(State::Refreshing);
    host.loaded(Some(&cell));
    host.stored();
    host.loaded(Some(&cell));
    assert_eq!(host.count("SendTokenRequest"), 0);
    cell = host.record();
    host.stored();
    host.loaded(Some(&cell));
    assert_eq!(host.count("SendTokenRequest"), 1);
}
