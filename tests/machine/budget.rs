//! Transcripts of the budget that goes with the record, where the clock can't tell how old the record is.

use crate::support::Host;
use crate::support::grant;
use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::TokenFailure;

/// A renewal that the server could not answer has spent the budget, and the record says so; `cell` holds it.
#[track_caller]
fn spent(host: &mut Host) -> Vec<u8> {
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.token_failed(TokenFailure::Unavailable);
    host.serve_store(&mut cell);
    cell
}

/// Waits until the next token request leaves; when that was.
#[track_caller]
fn next_request(host: &mut Host, cell: &mut Vec<u8>) -> u64 {
    for _ in 0..10 {
        host.wait();
        host.serve_store(cell);
        if host.count("SendTokenRequest") > 1 {
            return host.now;
        }
    }
    panic!("throttled for ever");
}

/// One request in thirty seconds.
fn config() -> Config {
    let mut config = Config::new();
    config.budget = 2;
    config
}

/// The same record, read again, is the same debt: it is not owed from now on each time.
// promises: P10, P15
#[test]
fn a_debt_in_the_record_is_paid_once_without_a_wall_clock() {
    let mut host = Host::new(config());
    host.offset = None;
    let mut cell = spent(&mut host);
    let at = next_request(&mut host, &mut cell);
    assert!((40_000..=100_000).contains(&at), "{at}");
}

/// A clock that was set back makes the record look as if it was written just now, for an hour.
// promises: P10, P15
#[test]
fn a_debt_in_the_record_is_paid_once_after_the_clock_was_set_back() {
    let mut host = Host::new(config());
    let mut cell = spent(&mut host);
    host.offset = host.offset.map(|offset| offset - 3_600_000);
    host.tell(Event::TimeoutReached);
    host.serve_store(&mut cell);
    let at = next_request(&mut host, &mut cell);
    assert!((40_000..=100_000).contains(&at), "{at}");
}

/// What a sibling spent since is another debt, and is owed.
// promises: P10
#[test]
fn a_debt_of_a_later_record_is_owed_too() {
    let mut host = Host::new(config());
    let mut cell = spent(&mut host);
    let mut sibling = Host::seeded(config(), 2);
    sibling.now = 41_000;
    sibling.tell(Event::Opened);
    sibling.serve_store(&mut cell);
    sibling.tell(Event::RefreshRequested);
    sibling.serve_store(&mut cell);
    assert_eq!(sibling.count("SendTokenRequest"), 1);
    sibling.token_failed(TokenFailure::Unavailable);
    sibling.serve_store(&mut cell);

    host.at(42_000, Event::StoreChanged);
    host.serve_store(&mut cell);
    let at = next_request(&mut host, &mut cell);
    assert!((71_000..=130_000).contains(&at), "{at}");
}

/// The mark may take its time: what counts is when the request leaves.
// promises: P10
#[test]
fn a_request_whose_mark_was_late_is_spent_when_it_leaves() {
    let mut host = Host::new(config());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.loaded(Some(&cell));
    while host.count("SendTokenRequest") == 0 {
        // The store does not answer.
        host.wait();
    }
    let first = host.now;
    assert_eq!(first, 25_000);
    host.token_failed(TokenFailure::Unavailable);
    host.serve_store(&mut cell);
    let second = next_request(&mut host, &mut cell);
    host.token_failed(TokenFailure::Unavailable);
    host.serve_store(&mut cell);
    while host.count("SendTokenRequest") == 2 {
        host.wait();
        host.serve_store(&mut cell);
    }
    assert!(second < first + 60_000, "{second}");
    assert!(host.now >= first + 60_000, "{}", host.now);
}
