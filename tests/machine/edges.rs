//! Edges: orders that are never answered, stores that never held anything, the last moment before something.

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::ExpiryForm;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::ResponseShape;
use tokenlatch::State;
use tokenlatch::response::TokenResponse;

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::grant;

/// A host that drops the order would leave the old token alive at the server.
// promises: P15
#[test]
fn a_revocation_that_nobody_answers_is_ordered_again_until_its_tries_are_used_up() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    host.sign_in(grant("a1", Some("r1"), 3600));
    host.at(1_000, Event::LogoutRequested);
    let timeout = u64::from(host.latch().config().revoke_timeout_ms);
    for tries in 1..=3 {
        assert_eq!(host.count("Revoke"), tries);
        let ticket = host.ticket("Revoke");
        let ordered_at = host.now;
        host.wait();
        assert_eq!(host.now, ordered_at + timeout);
        assert_eq!(host.latch().revocation(ticket), None);
        if tries < 3 {
            host.wait();
        }
    }
    assert_eq!(host.latch().poll_timeout(), None);
    assert_eq!(host.count("Revoke"), 3);
}

/// Where nobody ever signed in there is nothing to write, not even that nobody is signed in.
#[test]
fn a_store_that_never_held_a_sign_in_is_only_read() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    host.at(1_000, Event::Resumed)
        .gives(&["StateChanged Pending", "Load #2"]);
    host.loaded(None)
        .gives(&["StateChanged Unauthenticated"])
        .is_in(State::Unauthenticated);
    host.at(2_000, Event::Resumed);
    for _ in 0..3 {
        let ticket = host.ticket("Load");
        host.tell(Event::LoadFailed { ticket });
    }
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.count("Load"), 5);
    assert_eq!(host.latch().poll_timeout(), None);
}

/// This device's clock may be wrong by hours, and the token's end would be too.
#[test]
fn the_end_in_an_answer_is_measured_by_the_clock_of_the_server_that_sent_it() {
    const SHAPE: ResponseShape = {
        let mut shape = ResponseShape::RFC6749;
        shape.expiry = Some("expires_at");
        shape.expiry_form = ExpiryForm::AtMilliseconds;
        shape
    };
    let mut config = Config::in_memory();
    config.response = &SHAPE;
    for (server_time, end) in [
        (None, 3_600_000),
        (Some(EPOCH - 7_200_000), 7_200_000 + 3_600_000),
        (Some(EPOCH + 1_800_000), 1_800_000),
    ] {
        let mut latch = Latch::<64, 2>::new(config, 1).expect("a config that works");
        let now = Now::new(0, EPOCH);
        latch.handle(now, Event::Opened).expect("taken");
        let Ok(Outcome::Login(login)) = latch.handle(now, Event::LoginStarted) else {
            panic!("no login");
        };
        let mut response = TokenResponse::new(200);
        response.server_time = server_time;
        let expires_at = EPOCH + 3_600_000;
        let body = format!(r#"{{"access_token":"a1","expires_at":{expires_at}}}"#);
        let told = latch.handle_response(now, login, response, &mut body.into_bytes());
        assert_eq!(told.failure, None);
        let expires_at = latch.expires_at().map(Instant::as_millis);
        assert_eq!(expires_at, Some(end), "{server_time:?}");
    }
}
