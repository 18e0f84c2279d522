//! Edges: orders that are never answered, stores that never held anything, the last moment before something.

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::State;

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
