//! What can be seen of a latch from outside, for a person or a program that looks.

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;

use crate::support::Host;
use crate::support::TOKEN;
use crate::support::grant;

// promises: P13
#[test]
fn what_is_printed_says_what_it_is_and_no_secret() {
    let mut host = Host::new(Config::new());
    let grant = grant("access", Some("refresh"), 3600);
    assert_eq!(format!("{grant:?}"), "Grant { expiry: In(3600000), .. }");
    assert_eq!(format!("{:?}", Event::WentOffline), "WentOffline");
    host.sign_in(grant);
    let expected =
        "Latch { state: Ready, generation: Generation { sign_in: 1, serial: 0 }, waiting: 0, .. }";
    assert_eq!(format!("{:?}", host.latch()), expected);
    host.request(7).is_admitted();
    let now = host.time();
    let permit = host.latch.permit(now, tokenlatch::Waiter::from_u32(7));
    let permit = permit.expect("no promise broken").expect("a permit");
    let receipt = permit.receipt();
    assert_eq!(
        format!("{permit:?}"),
        format!("Permit {{ receipt: {receipt:?}, .. }}")
    );
}

// promises: P15
#[test]
fn the_network_is_as_the_host_said() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    assert!(!host.latch().is_offline());
    host.tell(Event::WentOffline);
    assert!(host.latch().is_offline());
    host.tell(Event::WentOnline);
    assert!(!host.latch().is_offline());
}

// promises: P4, P13
#[test]
fn the_refresh_token_is_read_with_the_ticket_of_the_order_only() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let ticket = host.ticket("SendTokenRequest");
    let other = Ticket::from_u32(ticket.as_u32().wrapping_add(1));
    assert_eq!(host.latch().refresh_token(ticket), Some("r1"));
    assert_eq!(host.latch().refresh_token(other), None);
}

// promises: P14
#[test]
fn a_token_may_be_as_long_as_the_latch_was_built_for() {
    let just = "a".repeat(TOKEN);
    let mut host = Host::new(Config::new());
    host.sign_in(Grant::new(&just));
    assert_eq!(host.request_and_send(1).0, just);
    let long = "a".repeat(TOKEN + 1);
    let ticket = host.login();
    let grant = Grant::new(&long);
    host.tell(Event::Granted { ticket, grant })
        .is_rejected(Rejected::Grant(GrantError::TooLong));
}

/// Eight steps are remembered, each with what it was told, what changed, and what was ordered.
// promises: P13
#[test]
fn the_last_steps_are_remembered() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    let first: Vec<_> = host.latch().trace().collect();
    assert_eq!(
        first[0].to_string().trim_start(),
        "0 ms  TimeoutReached: Unauthenticated  [0.0]"
    );
    assert!(first[0].effects.is_empty());
    assert!(!first[1].effects.is_empty());
    assert_eq!(
        first[1].to_string(),
        "         0 ms  Opened: Unauthenticated -> Pending  [0.0] StateChanged Load"
    );
    let at = (5 << 32) + 7;
    host.offset = None;
    host.at(at, Event::LoginStarted).is_in(State::Pending);
    let last = host.latch().trace().last().expect("a step");
    assert_eq!(last.at.as_millis(), at);
    assert_eq!(
        (last.from, last.to),
        (State::Unauthenticated, State::Pending)
    );
    for _ in 0..4 {
        host.tell(Event::TimeoutReached);
    }
    let kept: Vec<_> = host.latch().trace().map(|step| step.event).collect();
    assert_eq!(
        kept,
        vec![tokenlatch::EventKind::TimeoutReached; tokenlatch::TRACE_CAPACITY]
    );
}
