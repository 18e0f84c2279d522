//! What happens rarely: no store, answers that are too late to be of use, orders that nobody picked up.

use core::fmt;
use core::fmt::Write;

use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::Challenge;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Corrupt;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::TokenType;
use tokenlatch::Waiter;
use tokenlatch::Waiting;
use tokenlatch::promises::Promise;

use crate::support::EPOCH;
use crate::support::Host;
use crate::support::grant;

/// Without a store every credential is volatile, a look ends at once, and a refused refresh token
/// ends the session with its access token.
// promises: P2, P11
#[test]
fn a_latch_without_a_store_has_nothing_to_look_at() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    assert!(!host.latch().is_volatile());
    host.sign_in(grant("a1", Some("r1"), 3600));
    assert!(host.latch().is_volatile());
    host.tell(Event::Resumed).is_in(State::Ready);
    host.tell(Event::RefreshRequested);
    host.token_failed(TokenFailure::InvalidGrant)
        .is_in(State::Ready);
    assert_eq!(host.latch().trouble(), Some(Cause::SessionEnded));
    host.wait().is_in(State::Unauthenticated);
    assert_eq!(host.count("Load"), 0);
    assert_eq!(host.count("Store"), 0);
}

/// An answer that took longer than its token lives opens nothing, and is not asked for again at once.
// promises: P1, P10
#[test]
fn a_renewed_token_that_is_over_when_it_arrives_is_asked_for_again_later() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    host.sign_in(grant("a1", Some("r1"), 3600));
    host.tell(Event::RefreshRequested);
    host.now += 20_000;
    host.granted(grant("a2", Some("r2"), 10))
        .is_in(State::Expired);
    assert_eq!(host.latch().trouble(), Some(Cause::Unavailable));
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.wait().is_in(State::Refreshing);
    assert_eq!(host.count("SendTokenRequest"), 2);
}

/// An end by the server's clock says nothing where neither clock is known.
// promises: P15
#[test]
fn an_absolute_end_is_not_believed_without_any_wall_clock() {
    let mut host = Host::new(Config::in_memory());
    host.offset = None;
    host.tell(Event::Opened);
    let mut absolute = grant("a1", Some("r1"), 1);
    absolute.expiry = Expiry::At(EPOCH + 3_600_000);
    host.sign_in(absolute);
    assert_eq!(host.latch().expires_at(), None);
}

/// A lost answer without a store: no sibling could have renewed, so nothing is looked at before the login.
// promises: P11
#[test]
fn a_lost_answer_without_a_store_ends_at_a_login() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    host.sign_in(grant("a1", Some("r1"), 60));
    host.now = 60_000;
    host.tell(Event::TimeoutReached).is_in(State::Refreshing);
    host.now += 20_000;
    host.token_failed(TokenFailure::Lost)
        .gives(&["StateChanged Expired", "RequireLogin RefreshResponseLost"]);
    assert_eq!(host.count("Load"), 0);
}

/// Refused, never accepted, and nothing to renew it with.
// promises: P9
#[test]
fn a_token_refused_fresh_that_can_not_be_renewed_needs_a_login() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    host.sign_in(grant("a1", None, 3600));
    let (_, receipt) = host.request_and_send(1);
    host.now = 10_000;
    let surfaced = Outcome::Surface(Cause::RefusedFresh);
    assert_eq!(host.answer(receipt, 401), surfaced);
    assert_eq!(host.state(), State::Expired);
}

/// A latch that nobody watches, in which a login begins.
fn logging_in(now: Now) -> (Latch<64, 2>, Ticket) {
    let mut latch = Latch::new(Config::in_memory(), 1).expect("a config that works");
    latch.handle(now, Event::Opened).expect("taken");
    let Ok(Outcome::Login(ticket)) = latch.handle(now, Event::LoginStarted) else {
        panic!("no login");
    };
    (latch, ticket)
}

/// A server that can't be reached is told as such, by the status of its answer.
#[test]
fn an_answer_that_is_none_is_a_failed_token_request() {
    let now = Now::monotonic(0);
    let (mut latch, ticket) = logging_in(now);
    let response = tokenlatch::response::TokenResponse::new(503);
    let told = latch.handle_response(now, ticket, response, &mut []);
    let mut new = Latch::<64, 2>::new(Config::in_memory(), 1).expect("a config that works");
    let too_early = new.handle_response(now, ticket, response, &mut []);
    assert_eq!(too_early.outcome, Outcome::Stale);
    assert_eq!(told.outcome, Outcome::Done);
    assert_eq!(told.failure, Some(TokenFailure::Unavailable));
    assert_eq!(latch.state(), State::Unauthenticated);
}

/// Sleep shortens what has an end, and nothing else.
// promises: P15
#[test]
fn a_token_without_an_end_has_none_after_sleep_either() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    let mut endless = grant("a1", Some("r1"), 1);
    endless.expiry = Expiry::Unknown;
    host.sign_in(endless);
    host.offset = host.offset.map(|offset| offset + 86_400_000);
    host.tell(Event::TimeoutReached).is_in(State::Ready);
    assert_eq!(host.latch().expires_at(), None);
}

/// A host that learns the wall clock late, from its network say: sleep is noticed from the first reading on.
// promises: P1
#[test]
fn a_wall_clock_that_is_known_later_is_watched_from_then_on() {
    let start = Now::monotonic(0);
    let (mut latch, ticket) = logging_in(start);
    let grant = grant("a1", None, 3600);
    let told = latch.handle(start, Event::Granted { ticket, grant });
    assert_eq!(told, Ok(Outcome::Done));
    let (waiter, access) = (Waiter::from_u32(1), Access::First);
    let known = Now::new(1_000, EPOCH);
    let told = latch.handle(known, Event::AccessRequested { waiter, access });
    assert_eq!(told, Ok(Outcome::Admitted));
    assert_eq!(latch.state(), State::Ready);
    let slept = Now::new(2_000, EPOCH + 3_600_000);
    assert!(latch.permit(slept, waiter).is_err());
    assert_eq!(latch.state(), State::Expired);
}

/// Twice with the same token, the second time when it was no longer fresh: that is all it gets.
// promises: P9
#[test]
fn a_request_refused_twice_with_one_token_is_given_back() {
    let mut host = Host::new(Config::in_memory());
    host.tell(Event::Opened);
    host.sign_in(grant("a1", Some("r1"), 3600));
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    host.retry(1, receipt);
    host.wait();
    let (_, again) = host.send(1).expect("a permit");
    host.now = 10_000;
    assert_eq!(
        host.answer(again, 401),
        Outcome::Surface(Cause::RefusedFresh)
    );
    assert_eq!(host.count("SendTokenRequest"), 0);
}

/// The order was never picked up, so there is nothing to give back when its time is over.
// promises: P15
#[test]
fn a_lease_that_nobody_asked_for_is_not_given_back() {
    for told in [true, false] {
        let mut config = Config::new();
        config.lease = LeaseMode::Host;
        let mut host = Host::new(config);
        let cell = host.sign_in(grant("a1", Some("r1"), 3600));
        let mut latch = Latch::<256, 8>::new(config, 2).expect("a config that works");
        let mut now = Now::new(0, EPOCH);
        latch.handle(now, Event::Opened).expect("taken");
        let Some(tokenlatch::Effect::Load { ticket }) = latch.poll_effect_of_load() else {
            panic!("no load");
        };
        let record = Some(&cell[..]);
        latch
            .handle(now, Event::Loaded { ticket, record })
            .expect("taken");
        while latch.poll_effect().is_some() {}
        latch.handle(now, Event::RefreshRequested).expect("taken");
        if told {
            while latch.poll_effect().is_some() {}
        }
        now = Now::new(60_000, EPOCH + 60_000);
        latch.handle(now, Event::TimeoutReached).expect("taken");
        let mut given_back = false;
        while let Some(effect) = latch.poll_effect() {
            given_back |= matches!(effect, tokenlatch::Effect::ReleaseLease { .. });
        }
        assert_eq!(given_back, told);
    }
}

trait PollLoad {
    fn poll_effect_of_load(&mut self) -> Option<tokenlatch::Effect>;
}

impl PollLoad for Latch<256, 8> {
    fn poll_effect_of_load(&mut self) -> Option<tokenlatch::Effect> {
        core::iter::from_fn(|| self.poll_effect())
            .find(|effect| matches!(effect, tokenlatch::Effect::Load { .. }))
    }
}

#[test]
fn the_scheme_is_that_of_the_token_type() {
    for (token_type, scheme) in [(TokenType::Bearer, "Bearer"), (TokenType::Dpop, "DPoP")] {
        let mut host = Host::new(Config::in_memory());
        host.tell(Event::Opened);
        let mut grant = grant("a1", None, 3600);
        grant.token_type = token_type;
        host.sign_in(grant);
        host.request(1).is_admitted();
        let now = host.time();
        let permit = host.latch.permit(now, Waiter::from_u32(1));
        let permit = permit.expect("no promise broken").expect("a permit");
        assert_eq!(permit.scheme(), scheme);
    }
}

/// A restart without a network: nothing can be confirmed, and nobody was asked. Whatever else is known of the session,
/// the network is why.
#[test]
fn what_cannot_be_confirmed_without_a_network_is_refused_for_that() {
    let mut config = Config::new();
    config.confirmation = Confirmation::Probed;
    config.when_unavailable = Waiting::Refuse;
    let mut host = Host::new(Config::new());
    let stored = host.sign_in(grant("a1", Some("r1"), 3600));
    host.tell(Event::RefreshRequested);
    host.loaded(None);
    // As it was stored, and with the mark of a renewal whose answer never came.
    for record in [stored, host.record()] {
        let mut again = Host::new(config);
        again.tell(Event::WentOffline);
        again.tell(Event::Opened);
        again.loaded(Some(&record)).is_in(State::Expired);
        again.request(1).is(Outcome::Surface(Cause::Offline));
        assert_eq!(again.latch().trouble(), Some(Cause::Offline));
        again.tell(Event::WentOnline);
        again.ticket("Probe");
    }
}

#[test]
fn every_cause_is_found_by_its_number() {
    for cause in Cause::ALL {
        assert_eq!(Cause::from_code(cause.code()), Some(*cause));
        assert_eq!(cause.name(), format!("{cause:?}"));
    }
    assert_eq!(Cause::from_code(0), None);
}

#[test]
fn each_text_is_of_its_own() {
    let corrupt = [
        Corrupt::Truncated,
        Corrupt::Magic,
        Corrupt::Version,
        Corrupt::Checksum,
        Corrupt::Content,
    ];
    let texts = corrupt.map(|corrupt| corrupt.to_string()).into_iter();
    let promises = Promise::ALL.iter().map(|promise| promise.text().to_owned());
    let mut all: Vec<_> = texts.chain(promises).collect();
    let count = all.len();
    assert!(all.iter().all(|text| text.len() > 10));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    assert_eq!(Config::default(), Config::new());
}

/// A writer with room for so many bytes.
struct Short(usize);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

// promises: P14
#[test]
fn a_writer_that_is_full_is_told_of_by_the_formatter() {
    let mut host = Host::new(Config::new());
    host.tell(Event::Opened);
    let step = host.latch().trace().last().expect("a step");
    let header = br#"Bearer realm="a b""#;
    let challenge = Challenge::parse([&header[..]]);
    assert_eq!(challenge.kind(), ChallengeKind::NoError);
    let realm = challenge.realm().expect("a realm");
    for text in [format!("{step}"), format!("{realm:?}")] {
        for room in 0..=text.len() {
            let done = match &text[..1] {
                "\"" => write!(Short(room), "{realm:?}"),
                _ => write!(Short(room), "{step}"),
            };
            assert_eq!(done.is_ok(), room == text.len(), "{room} of {text}");
        }
    }
}
