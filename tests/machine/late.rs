//! Grants that come late, twice, or beside a login: whose their tokens are.

use tokenlatch::Cause;
use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::inspect;

use crate::support::Given;
use crate::support::Host;
use crate::support::grant;

fn granted<'h>(host: &'h mut Host, ticket: Ticket, access: &str, refresh: &str) -> Given<'h> {
    host.tell(Event::Granted {
        ticket,
        grant: grant(access, Some(refresh), 3600),
    })
}

fn failed(host: &mut Host, ticket: Ticket, failure: TokenFailure) -> Given<'_> {
    host.tell(Event::TokenFailed {
        ticket,
        failure,
        retry_after: None,
    })
}

/// Signed in with `a1` and `r1`, and a renewal is under way when the user begins a login: their tickets.
fn left_for_a_login(config: Config) -> (Host, Vec<u8>, Ticket, Ticket) {
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let left = host.ticket("SendTokenRequest");
    let login = host.login();
    (host, cell, left, login)
}

/// The tokens are in use: a host that revoked them would end its own session.
// promises: P4
#[test]
fn a_grant_that_is_told_twice_is_stale() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    let login = host.login();
    let mut cell = Vec::new();
    granted(&mut host, login, "a1", "r1").is(Outcome::Done);
    granted(&mut host, login, "a1", "r1")
        .is(Outcome::Stale)
        .gives(&[]);
    host.serve_store(&mut cell);
    granted(&mut host, login, "a1", "r1")
        .is(Outcome::Stale)
        .gives(&[]);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let renewal = host.ticket("SendTokenRequest");
    for outcome in [Outcome::Done, Outcome::Stale] {
        granted(&mut host, renewal, "a2", "r2").is(outcome);
    }
    // Its refresh token is used up, but revoking it may end all that came of it (RFC 7009 2.1).
    granted(&mut host, login, "a1", "r1")
        .is(Outcome::Stale)
        .gives(&[]);
}

// promises: P4
#[test]
fn the_grant_of_a_login_that_had_failed_is_nobodys() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    let login = host.login();
    failed(&mut host, login, TokenFailure::Lost).is_in(State::Unauthenticated);
    granted(&mut host, login, "a1", "r1")
        .is(Outcome::Orphaned)
        .gives(&[]);
}

/// The user opened the login and closed it again while the renewal was under way: nothing is lost by that.
// promises: P2, P4, P11
#[test]
fn the_answer_to_a_renewal_is_kept_for_when_a_login_fails() {
    let (mut host, mut cell, left, login) = left_for_a_login(Config::new());
    granted(&mut host, left, "a2", "r2")
        .is(Outcome::Done)
        .is_in(State::Pending);
    host.serve_store(&mut cell);
    failed(&mut host, login, TokenFailure::InteractionRequired);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
    assert_eq!(host.count("SendTokenRequest"), 1);
    let stored = inspect(&cell);
    assert_eq!(stored, StoreContent::Session(host.latch().generation()));
}

/// The login ends before the store has the answer: it is stored, as any other, before it serves.
// promises: P2
#[test]
fn an_answer_that_came_beside_a_login_is_stored_before_it_serves() {
    let (mut host, mut cell, left, login) = left_for_a_login(Config::new());
    granted(&mut host, left, "a2", "r2").is(Outcome::Done);
    failed(&mut host, login, TokenFailure::InteractionRequired).is_in(State::Pending);
    host.request(1).is_admitted();
    host.serve_store(&mut cell);
    assert_eq!(host.send(1).map(|(token, _)| token), Ok("a2".to_owned()));
}

/// Without a store there is nothing to wait for.
// promises: P2
#[test]
fn an_answer_beside_a_login_serves_at_once_in_memory() {
    let (mut host, _, left, login) = left_for_a_login(Config::in_memory());
    granted(&mut host, left, "a2", "r2").is(Outcome::Done);
    failed(&mut host, login, TokenFailure::InteractionRequired).is_in(State::Ready);
    assert_eq!(host.request_and_send(1).0, "a2");
}

/// The login counts, whatever came beside it.
// promises: P4
#[test]
fn a_login_takes_the_place_of_the_answer_that_came_beside_it() {
    let (mut host, mut cell, left, login) = left_for_a_login(Config::new());
    granted(&mut host, left, "a2", "r2").is(Outcome::Done);
    host.serve_store(&mut cell);
    granted(&mut host, login, "b1", "s1").is(Outcome::Done);
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "b1");
    granted(&mut host, left, "a2", "r2").is(Outcome::Orphaned);
    assert_eq!(host.latch().trouble(), None::<Cause>);
}

/// The mark of the renewal is still being written: that it is stored says nothing of the answer.
// promises: P2, P4
#[test]
fn an_answer_is_not_taken_while_the_store_writes_what_was_before_it() {
    let mut config = Config::new();
    config.attempts = 1;
    let mut host = Host::new(config);
    let cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    let read = |host: &mut Host| {
        let ticket = host.ticket("Load");
        host.tell(Event::Loaded {
            ticket,
            record: Some(&cell),
        });
        host.ticket("Store")
    };
    let ticket = read(&mut host);
    host.tell(Event::StoreFailed { ticket });
    let left = host.ticket("SendTokenRequest");
    host.login();
    let again = read(&mut host);
    assert_ne!(again, ticket);
    granted(&mut host, left, "a2", "r2")
        .is(Outcome::Stale)
        .gives(&[]);
}

/// Another context signed in while a login was under way here, and its session is found beside it. With a session at hand
/// no late grant is nobody's for sure: to revoke its tokens might end that session.
// promises: P4, P5
#[test]
fn a_session_that_is_found_beside_a_login_orphans_nothing() {
    let (mut host, mut cell, left, login) = left_for_a_login(Config::new());
    let mut sibling = Host::seeded(Config::new(), 2);
    sibling.tell(Event::Opened);
    sibling.serve_store(&mut cell);
    let other = sibling.login();
    granted(&mut sibling, other, "b1", "s1").is(Outcome::Done);
    sibling.serve_store(&mut cell);
    granted(&mut host, left, "a2", "r2").is(Outcome::Done);
    host.serve_store(&mut cell);
    failed(&mut host, login, TokenFailure::InteractionRequired);
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "b1");
    granted(&mut host, login, "c1", "t1")
        .is(Outcome::Stale)
        .gives(&[]);
}
