//! What the exhaustive exploration found, as transcripts.

use crate::support::Host;
use crate::support::grant;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::LeaseMode;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::TokenFailure;
use tokenlatch::inspect;

/// A mark that takes long to store delays the token request: the budget counts from when the request leaves.
// promises: P10
#[test]
fn a_slow_mark_does_not_bring_two_token_requests_into_one_window() {
    let mut config = Config::new();
    config.budget = 1;
    let mut host = Host::new(config);
    let cell = host.sign_in(grant("a1", Some("r1"), 3_600));
    host.now = 1_000_000;
    host.tell(Event::RefreshRequested);
    host.loaded(Some(&cell));
    host.now = 1_004_000;
    host.stored();
    host.token_failed(TokenFailure::NotSent);
    host.stored();
    let sent = host.count("SendTokenRequest");
    while host.count("SendTokenRequest") == sent {
        host.wait();
        let newest = host.effects.last().copied();
        match newest {
            Some(Effect::Load { .. }) => {
                host.loaded(Some(&cell));
                if let Some(Effect::Store { .. }) = host.effects.last() {
                    host.stored();
                }
            }
            Some(Effect::Store { .. }) => {
                host.stored();
            }
            _ => {}
        }
    }
    assert_eq!(host.now, 1_064_000);
    assert_eq!(host.state(), State::Refreshing);
}

/// The server did not rotate, and the mark could not be taken out of the store again: it is still our own mark, not
/// that of a request whose answer is lost.
// promises: P11, P15
#[test]
fn a_mark_of_our_own_that_stayed_in_the_store_does_not_cost_the_session() {
    let mut config = Config::new();
    config.reuse_grace_ms = 0;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.at(100_000, Event::RefreshRequested);
    host.loaded(Some(&cell));
    cell = host.record();
    host.stored();
    host.token_failed(TokenFailure::Unavailable)
        .is_in(State::Expired);
    fail_loads(&mut host);
    while host.state() == State::Expired {
        host.wait();
    }
    host.loaded(Some(&cell)).is_in(State::Refreshing);
    host.stored();
    assert_eq!(host.count("SendTokenRequest"), 2);
}

/// A sign-in that could not be stored yet comes after whatever the store holds, also where a renewal is the first to
/// read it.
// promises: P5, P11
#[test]
fn a_renewal_before_the_first_save_comes_after_what_the_store_holds() {
    let mut before = Host::new(Config::new());
    let mut cell = before.sign_in(grant("a0", Some("r0"), 100));
    before.tell(Event::LogoutRequested);
    before.serve_store(&mut cell);
    let mut host = Host::seeded(Config::new(), 2);
    host.tell(Event::Opened);
    fail_loads(&mut host);
    let ticket = host.login();
    let grant = grant("a1", Some("r1"), 100);
    host.tell(Event::Granted { ticket, grant });
    fail_loads(&mut host);
    assert_eq!(host.state(), State::Ready);
    host.tell(Event::RefreshRequested);
    host.loaded(Some(&cell)).is_in(State::Refreshing);
    cell = host.record();
    host.stored();
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(
        inspect(&cell),
        StoreContent::Session(host.latch().generation())
    );
    // Signed out elsewhere since: that is not undone.
    let mut other = Host::restored(Config::new(), &cell);
    other.tell(Event::LogoutRequested);
    other.serve_store(&mut cell);
    host.token_failed(TokenFailure::NotSent);
    host.loaded(Some(&cell)).is_in(State::Unauthenticated);
}

#[track_caller]
fn fail_loads(host: &mut Host) {
    for _ in 0..host.latch().config().attempts {
        let ticket = host.ticket("Load");
        host.tell(Event::LoadFailed { ticket });
    }
}

/// The mark is in the store, and can't be read back: it is our own all the same, and the token request counts once.
// promises: P10, P15
#[test]
fn a_mark_that_cannot_be_read_back_is_known_again() {
    let mut config = Config::new();
    config.confirmation = Confirmation::ReadBack;
    config.reuse_grace_ms = 0;
    config.attempts = 1;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3_600));
    host.at(10_000, Event::RefreshRequested);
    host.loaded(Some(&cell));
    cell = host.record();
    host.stored();
    // The read-back is not answered.
    host.wait();
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.token_failed(TokenFailure::Unavailable);
    while host.count("SendTokenRequest") < 2 {
        host.wait();
        host.serve_store(&mut cell);
        assert!(host.now < 100_000, "{:?}", host.latch().trouble());
    }
}

/// The store took the mark and did not say so; the next one could not even be tried. Both are our own.
// promises: P15
#[test]
fn a_mark_before_the_last_one_is_our_own_too() {
    let mut config = Config::new();
    config.reuse_grace_ms = 0;
    config.attempts = 1;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3_600));
    host.at(10_000, Event::RefreshRequested);
    host.loaded(Some(&cell));
    cell = host.record();
    host.store_failed();
    host.token_failed(TokenFailure::Unavailable);
    fail_loads(&mut host);
    while host.count("SendTokenRequest") < 2 {
        host.wait();
    }
    host.token_failed(TokenFailure::Unavailable);
    while host.count("SendTokenRequest") < 3 {
        host.serve_store(&mut cell);
        host.wait();
        assert!(host.now < 600_000, "{:?}", host.latch().trouble());
    }
}

/// Under a lease nothing is sent without a mark that can be read: it is taken back, so that nobody takes it for lost.
// promises: P11, P15
#[test]
fn a_mark_that_nothing_was_sent_for_is_taken_back() {
    let mut config = Config::new();
    config.confirmation = Confirmation::ReadBack;
    config.lease = LeaseMode::Host;
    config.reuse_grace_ms = 0;
    config.attempts = 1;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3_600));
    host.at(10_000, Event::RefreshRequested);
    host.lease_granted();
    host.loaded(Some(&cell));
    cell = host.record();
    host.stored();
    fail_loads(&mut host);
    assert_eq!(host.count("SendTokenRequest"), 0);
    host.serve_store(&mut cell);
    let mut sibling = Host::restored(config, &cell);
    sibling.now = host.now;
    sibling.tell(Event::RefreshRequested);
    sibling.serve_store(&mut cell);
    assert_eq!(sibling.count("SendTokenRequest"), 1);
}
