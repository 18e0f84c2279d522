//! Transcripts of the mark in the record: a refresh token that was sent and whose fate is unknown.

use crate::support::Host;
use crate::support::grant;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Event;
use tokenlatch::LeaseMode;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::TokenFailure;
use tokenlatch::inspect;

/// A server without grace: what was sent once must not be sent again.
fn config() -> Config {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    config.reuse_grace_ms = 0;
    config
}

/// Fails every read until the latch gives up.
#[track_caller]
fn fail_reads(host: &mut Host) {
    for _ in 0..3 {
        let ticket = host.ticket("Load");
        host.tell(Event::LoadFailed { ticket });
    }
}

/// A context that has what the store holds, and then could not read it.
#[track_caller]
fn blind_sibling(cell: &[u8]) -> Host {
    let mut sibling = Host::restored(config(), cell);
    sibling.now = 10_000;
    sibling.tell(Event::StoreChanged);
    fail_reads(&mut sibling);
    sibling
}

/// A context that could not read the store writes what it has as soon as it has the lease. What it has is what the
/// store holds, but for a sibling's mark, which has to stay.
// promises: P3, P5
#[test]
fn a_save_in_the_background_leaves_a_siblings_mark() {
    let mut host = Host::new(config());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    let mut sibling = blind_sibling(&cell);
    assert!(sibling.latch().is_volatile());

    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Lost);
    assert_eq!(host.count("ReleaseLease"), 2);

    sibling.serve_store(&mut cell);
    assert!(!sibling.latch().is_volatile());
    for seed in 3..5 {
        let mut other = Host::seeded(config(), seed);
        other.now = 12_000;
        other.tell(Event::Opened);
        other.serve_store(&mut cell);
        assert_eq!(other.state(), State::Ready);
        other.tell(Event::RefreshRequested);
        other.serve_store(&mut cell);
        assert_eq!(other.count("SendTokenRequest"), 0);
    }
}

/// The own mark goes when the server has answered that it renewed nothing, even if the store is late to take that.
// promises: P11, P15
#[test]
fn a_save_in_the_background_removes_its_own_mark() {
    let mut host = Host::new(config());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Unavailable);
    for _ in 0..3 {
        host.store_failed();
    }
    host.wait();
    host.serve_store(&mut cell);
    for _ in 0..10 {
        if host.count("SendTokenRequest") > 1 {
            return;
        }
        host.wait();
        host.serve_store(&mut cell);
    }
    panic!("the refresh token was given up");
}

/// The lease may take its time, and the network may go meanwhile: nothing is marked or sent until it is back.
// promises: P10
#[test]
fn a_renewal_that_waited_for_the_lease_is_not_sent_without_a_network() {
    let mut host = Host::new(config());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.tell(Event::WentOffline);
    let before = cell.clone();
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 0);
    assert_eq!(cell, before);
    host.tell(Event::WentOnline).is_in(State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// What the answer to a renewal brought is not written yet, and the store has to be looked at again. The lease stays until
/// it is written: a sibling that had it in between would find the mark of a context that is gone, and send the same
/// refresh token.
// promises: P3
#[test]
fn the_lease_is_kept_while_a_write_waits_for_a_look_at_the_store() {
    for confirmation in [Confirmation::Memory, Confirmation::Stored] {
        for event in [Event::Resumed, Event::StoreChanged] {
            let mut config = config();
            config.confirmation = confirmation;
            let mut host = Host::new(config);
            let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
            host.serve_store(&mut cell);
            let released = host.count("ReleaseLease");
            host.now = 10_000;
            host.tell(Event::RefreshRequested);
            host.serve_store(&mut cell);
            host.granted(grant("a2", Some("r2"), 3600));
            if confirmation == Confirmation::Stored {
                // So it is with a tombstone that has to be written.
                host.tell(Event::LogoutRequested);
            }
            host.tell(event);
            assert_eq!(host.count("ReleaseLease"), released);
            host.serve_store(&mut cell);
            assert_eq!(host.count("ReleaseLease"), released + 1);
            assert!(!host.latch().is_volatile());
            let tombstone = matches!(inspect(&cell), StoreContent::Tombstone(_));
            assert_eq!(tombstone, confirmation == Confirmation::Stored);
        }
    }
}

/// Under the lease that was kept, a sibling's mark is still looked for before anything is written.
// promises: P3, P5
#[test]
fn a_lease_that_was_kept_for_a_write_does_not_stand_for_a_look_under_it() {
    let mut host = Host::new(config());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    let mut sibling = blind_sibling(&cell);
    // It has the lease, and loads before it writes.
    sibling.lease_granted();
    let loads = sibling.count("Load");
    sibling.tell(Event::Resumed);
    sibling.loaded(Some(&cell));
    assert_eq!(sibling.count("Load"), loads + 2);
    assert_eq!(sibling.count("Store"), 0);
    sibling.serve_store(&mut cell);
    assert_eq!(sibling.count("Store"), 1);
    assert_eq!(sibling.count("ReleaseLease"), 1);
}

/// How long the server takes a refresh token again was counted from when it was sent. The own mark, found in the store on
/// the way to the second attempt, says less about that where there is no wall clock.
// promises: P9, P11
#[test]
fn the_own_mark_does_not_end_the_grace_without_a_wall_clock() {
    let mut config = Config::new();
    config.reuse_grace_ms = 60_000;
    let mut host = Host::new(config);
    host.offset = None;
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Lost);
    host.serve_store(&mut cell);
    while host.count("SendTokenRequest") == 1 {
        assert!(host.now < 70_000, "the refresh token was given up");
        host.wait();
        host.serve_store(&mut cell);
    }
    let ticket = host.ticket("SendTokenRequest");
    assert_eq!(host.latch().refresh_token(ticket), Some("r1"));
    host.token_failed(TokenFailure::Lost);
    host.serve_store(&mut cell);
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 3);
}

/// The grace of a mark is over for good: after 2^32 ms it does not begin anew.
// promises: P11
#[test]
fn a_mark_of_fifty_days_ago_has_no_grace() {
    let mut config = Config::new();
    config.reuse_grace_ms = 60_000;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    for (later, sent) in [(30_000, 1), (1 << 32, 0), ((1 << 32) + 30_000, 0)] {
        let mut other = Host::seeded(config, 2);
        other.offset = host.offset.map(|offset| offset + later);
        other.tell(Event::Opened);
        let mut cell = cell.clone();
        other.serve_store(&mut cell);
        other.tell(Event::RefreshRequested);
        other.serve_store(&mut cell);
        assert_eq!(other.count("SendTokenRequest"), sent, "{later}");
    }
}
