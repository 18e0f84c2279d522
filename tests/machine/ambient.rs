//! Cookie sessions: the client sees no token, and only a probe in this very context makes it Ready.

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::Renewal;
use tokenlatch::State;

use crate::support::Host;

fn cookies() -> Config {
    let mut config = Config::new();
    config.credential = Credential::Ambient;
    config.confirmation = Confirmation::Probed;
    config
}

#[track_caller]
fn probed(host: &mut Host, result: ProbeResult) {
    let ticket = host.ticket("Probe");
    assert_eq!(
        host.tell(Event::Probed { ticket, result }).outcome,
        Ok(Outcome::Done)
    );
}

/// Signed in by a login whose cookie arrived.
fn signed_in() -> (Host, Vec<u8>) {
    let mut host = Host::new(cookies());
    let mut cell = Vec::new();
    host.open_empty();
    probed(&mut host, ProbeResult::Refused);
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: Grant::ambient(),
    });
    host.serve_store(&mut cell);
    probed(&mut host, ProbeResult::Accepted);
    assert_eq!(host.state(), State::Ready);
    (host, cell)
}

// promises: P1, P2
#[test]
fn a_cookie_that_is_there_without_a_record_is_found_by_a_probe() {
    let mut host = Host::new(cookies());
    host.request(1).is_admitted();
    host.tell(Event::Opened).is_in(State::Pending);
    host.loaded(None).gives(&["Probe #2"]).is_in(State::Pending);
    assert_eq!(
        host.latch()
            .probe_permit(host.ticket("Probe"))
            .unwrap()
            .token(),
        ""
    );
    probed(&mut host, ProbeResult::Accepted);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.released(), [1]);
    assert_eq!(host.send(1).unwrap().0, "");
    // The sign-in goes into the store, for the other contexts.
    let mut cell = Vec::new();
    assert!(host.latch().is_volatile());
    host.serve_store(&mut cell);
    assert!(!host.latch().is_volatile());
    assert!(matches!(
        tokenlatch::inspect(&cell),
        tokenlatch::StoreContent::Session(_)
    ));
}

// promises: P2, P11
#[test]
fn no_cookie_and_no_record_is_nobody_signed_in() {
    let mut host = Host::new(cookies());
    host.open_empty();
    probed(&mut host, ProbeResult::Refused);
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.count("RequireLogin { cause: NotSignedIn"), 1);
    assert_eq!(host.count("Store"), 0);
}

// promises: P2
#[test]
fn a_login_whose_cookie_is_not_sent_is_reported_as_such() {
    let mut host = Host::new(cookies());
    let mut cell = Vec::new();
    host.open_empty();
    probed(&mut host, ProbeResult::Refused);
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: Grant::ambient(),
    });
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Pending);
    // Once more a little later: the cookie may still be on its way.
    probed(&mut host, ProbeResult::Refused);
    assert_eq!(host.state(), State::Expired);
    host.wait();
    probed(&mut host, ProbeResult::Refused);
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.latch().trouble(), Some(Cause::CookieNotSent));
    host.serve_store(&mut cell);
    assert!(matches!(
        tokenlatch::inspect(&cell),
        tokenlatch::StoreContent::Tombstone(_)
    ));
}

// promises: P2, P15
#[test]
fn a_probe_without_an_answer_is_repeated_and_the_gate_stays_closed() {
    let mut host = Host::new(cookies());
    host.open_empty();
    host.request(1).is_admitted();
    host.wait().is_in(State::Expired);
    host.wait().is_in(State::Pending);
    probed(&mut host, ProbeResult::Unreachable);
    assert_eq!(host.state(), State::Expired);
    host.wait().is_in(State::Pending);
    probed(&mut host, ProbeResult::Accepted);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.released(), [1]);
}

/// The store says nothing of a cookie: after a resume it takes another probe.
// promises: P2
#[test]
fn a_resumed_context_probes_again() {
    let (mut host, mut cell) = signed_in();
    host.tell(Event::Resumed).is_in(State::Pending);
    host.request(1).is_admitted();
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Pending);
    probed(&mut host, ProbeResult::Refused);
    host.wait();
    probed(&mut host, ProbeResult::Refused);
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.refused(), [(1, Cause::CookieNotSent)]);
}

/// The other context's record tells of a sign-in, and the probe whether its cookie is here too.
// promises: P2
#[test]
fn a_record_of_another_context_takes_a_probe_here() {
    let (_, cell) = signed_in();
    let mut host = Host::restored(cookies(), &cell);
    assert_eq!(host.state(), State::Pending);
    probed(&mut host, ProbeResult::Refused);
    assert_eq!(host.state(), State::Unauthenticated);
}

// promises: P3, P9
#[test]
fn a_401_renews_by_the_hosts_own_call_where_there_is_one() {
    let mut config = cookies();
    config.renewal = Renewal::Login;
    let mut host = Host::new(config);
    let mut cell = Vec::new();
    host.open_empty();
    probed(&mut host, ProbeResult::Accepted);
    host.serve_store(&mut cell);
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(
        host.answer_with(receipt, 401, ChallengeKind::Absent),
        Outcome::Retry
    );
    host.retry(1, receipt).is_admitted();
    host.serve_store(&mut cell);
    host.granted(Grant::ambient());
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Refreshing);
    probed(&mut host, ProbeResult::Accepted);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.send(1).unwrap().1.as_u64() >> 32 & 0xff, 2);
    assert_eq!(host.count("SendTokenRequest"), 1);
}

// promises: P6
#[test]
fn a_sign_out_leaves_a_tombstone_that_keeps_others_from_probing() {
    let (mut host, mut cell) = signed_in();
    host.tell(Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    // The cookie is the server's to end.
    assert_eq!(host.latch().revocation(host.ticket("Revoke")), Some(""));
    host.serve_store(&mut cell);
    let host = Host::restored(cookies(), &cell);
    assert_eq!(host.state(), State::Unauthenticated);
    assert_eq!(host.count("Probe"), 0);
}
