//! Transcripts of corners: an early or a late answer, a choice of the host in a state where it is rarely asked.

use crate::support::Host;
use crate::support::grant;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::GrantError;
use tokenlatch::LeaseMode;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::TokenFailure;
use tokenlatch::Waiting;

/// Signed in for an hour with `a1` and `r1`; at ten seconds the API has taken `a1` once.
#[track_caller]
fn accepted(config: Config) -> (Host, Vec<u8>) {
    let mut host = Host::new(config);
    let cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let (_, receipt) = host.request_and_send(99);
    assert_eq!(host.answer(receipt, 200), Outcome::Deliver);
    (host, cell)
}

/// Renews by request, with a grant that takes the place of the token there is.
#[track_caller]
fn renew(host: &mut Host, cell: &mut Vec<u8>, access: &str, refresh: &str) {
    host.tell(Event::RefreshRequested);
    host.serve_store(cell);
    host.granted(grant(access, Some(refresh), 3600))
        .is(Outcome::Done);
    host.serve_store(cell);
    assert_eq!(host.state(), State::Ready);
}

/// Refuses the probe of a fresh token, and the one a little later.
#[track_caller]
fn refuse_probes(host: &mut Host) {
    for again in [true, false] {
        let ticket = host.ticket("Probe");
        host.tell(Event::Probed {
            ticket,
            result: ProbeResult::Refused,
        })
        .is(Outcome::Done);
        if again {
            host.wait();
        }
    }
}

/// Where nobody shall wait for a sign-in, a request that only a login helps is told why at once.
// promises: P8
#[test]
fn a_request_after_the_end_of_a_token_without_a_refresh_token_is_turned_away_where_nobody_waits() {
    let mut config = Config::new();
    config.when_signed_out = Waiting::Refuse;
    let mut host = Host::new(config);
    host.sign_in(grant("a1", None, 100));
    host.at(100_000, Event::TimeoutReached)
        .is_in(State::Expired);
    host.request(1)
        .is(Outcome::Surface(Cause::Expired))
        .gives(&[]);
    assert_eq!(host.latch().waiting(), 0);
}

/// Who asks while the store is looked at and nobody is signed in waits for the next sign-in, not for the last one.
// promises: P7, P8
#[test]
fn a_request_during_a_look_after_a_sign_out_outlasts_a_sign_out_elsewhere() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::LogoutRequested);
    host.serve_store(&mut cell);
    let mut other = Host::restored(Config::new(), &cell);
    other.now = host.now;
    let ticket = other.login();
    other.tell(Event::Granted {
        ticket,
        grant: grant("b1", Some("s1"), 3600),
    });
    other.serve_store(&mut cell);
    other.tell(Event::LogoutRequested);
    other.serve_store(&mut cell);

    host.tell(Event::StoreChanged).is_in(State::Pending);
    host.request(1).is_admitted();
    host.loaded(Some(&cell)).is_in(State::Unauthenticated);
    assert_eq!(host.refused(), []);
    assert_eq!(host.latch().waiting(), 1);
}

/// A good answer to the old token says nothing about the new one.
// promises: P9
#[test]
fn a_late_200_does_not_make_the_new_token_an_accepted_one() {
    let (mut host, mut cell) = accepted(Config::new());
    let (_, old) = host.request_and_send(1);
    renew(&mut host, &mut cell, "a2", "r2");
    let (sent, new) = host.request_and_send(2);
    assert_eq!(sent, "a2");
    assert_eq!(host.answer(old, 200), Outcome::Deliver);
    assert_eq!(host.answer(new, 401), Outcome::Retry);
    // As fresh as it is, it is tried once more before it is renewed.
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// A 401 that finds fault with the request says nothing about the token.
// promises: P9, P11
#[test]
fn a_401_for_a_malformed_request_is_handed_on_and_starts_no_renewal() {
    let (mut host, _) = accepted(Config::new());
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(
        host.answer_with(receipt, 401, ChallengeKind::InvalidRequest),
        Outcome::Surface(Cause::MalformedCredential)
    );
    assert_eq!(host.effects, []);
    assert_eq!(host.state(), State::Ready);
}

/// Where the server saw no token at all, twice, that is what is told.
// promises: P9
#[test]
fn a_fresh_token_that_did_not_arrive_twice_is_told_as_no_credential() {
    let mut host = Host::new(Config::new());
    host.sign_in(grant("a1", Some("r1"), 3600));
    let (_, first) = host.request_and_send(1);
    let outcome = host.answer_with(first, 401, ChallengeKind::NoError);
    assert_eq!(outcome, Outcome::Retry);
    host.retry(1, first).is_admitted().gives(&[]);
    host.wait().gives(&["Release 1"]);
    assert_eq!(host.now, 500);
    let (sent, second) = host.send(1).unwrap();
    assert_eq!(sent, "a1");
    assert_eq!(
        host.answer_with(second, 401, ChallengeKind::NoError),
        Outcome::Surface(Cause::NoCredential)
    );
    assert_eq!(host.count("SendTokenRequest"), 0);
}

/// The window in which a refused token counts as fresh ends with its last millisecond.
// promises: P9
#[test]
fn a_token_refused_exactly_at_the_end_of_the_fresh_window_is_renewed() {
    for (age, state) in [(1_999, State::Ready), (2_000, State::Refreshing)] {
        let mut host = Host::new(Config::new());
        host.sign_in(grant("a1", Some("r1"), 3600));
        let (_, receipt) = host.request_and_send(1);
        host.now = age;
        assert_eq!(host.answer(receipt, 401), Outcome::Retry);
        assert_eq!(host.state(), state, "{age}");
    }
}

/// A 401 that saw no token renews one that can be renewed, and leaves one alone that can't.
// promises: P9, P11
#[test]
fn a_401_that_saw_no_token_costs_only_a_token_that_can_be_renewed() {
    let cases = [
        (Some("r1"), Outcome::Retry, State::Refreshing),
        (None, Outcome::Surface(Cause::NoCredential), State::Ready),
    ];
    for (refresh, outcome, state) in cases {
        let mut host = Host::new(Config::new());
        host.sign_in(grant("a1", refresh, 3600));
        host.now = 10_000;
        let (_, good) = host.request_and_send(1);
        assert_eq!(host.answer(good, 200), Outcome::Deliver);
        let (_, receipt) = host.request_and_send(2);
        assert_eq!(
            host.answer_with(receipt, 401, ChallengeKind::NoError),
            outcome
        );
        assert_eq!(host.state(), state);
    }
}

/// The access token outlived its refused refresh token; a 401 then ends the session, and is told why.
// promises: P9, P11
#[test]
fn a_401_after_a_refused_refresh_token_is_told_that_the_session_ended() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::InvalidGrant);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    let (sent, receipt) = host.request_and_send(1);
    assert_eq!(sent, "a1");
    assert_eq!(
        host.answer(receipt, 401),
        Outcome::Surface(Cause::SessionEnded)
    );
    assert_eq!(host.state(), State::Unauthenticated);
}

/// That only a login helps says more than that the attempts are used up.
// promises: P9
#[test]
fn the_last_attempt_is_told_that_only_a_login_helps() {
    let mut config = Config::new();
    config.max_attempts = 1;
    let (mut host, mut cell) = accepted(config);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::InteractionRequired);
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(
        host.answer(receipt, 401),
        Outcome::Surface(Cause::InteractionRequired)
    );
    assert_eq!(host.state(), State::Expired);
}

/// After a lost answer, what the server says to the second try is the reason, not the loss.
// promises: P8, P11
#[test]
fn an_answer_to_the_second_try_says_more_than_the_loss_of_the_first() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.now = 100_000;
    host.request(1).is_admitted();
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Lost);
    host.serve_store(&mut cell);
    host.wait();
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 2);
    host.token_failed(TokenFailure::InteractionRequired);
    host.serve_store(&mut cell);
    assert_eq!(host.refused(), [(1, Cause::InteractionRequired)]);
    assert_eq!(host.state(), State::Expired);
}

/// A token from the store that has ended and can't be renewed: who waits for a login waits on, where they may.
// promises: P8
#[test]
fn a_request_from_before_the_opening_waits_for_a_login_only_where_the_host_chose_so() {
    let mut first = Host::new(Config::new());
    let cell = first.sign_in(grant("a1", None, 100));
    for (policy, refused) in [
        (Waiting::Hold, vec![]),
        (Waiting::Refuse, vec![(1, Cause::Expired)]),
    ] {
        let mut config = Config::new();
        config.when_signed_out = policy;
        let mut host = Host::seeded(config, 2);
        host.now = 200_000;
        host.request(1).is_admitted();
        host.tell(Event::Opened);
        host.loaded(Some(&cell)).is_in(State::Expired);
        assert_eq!(host.refused(), refused, "{policy:?}");
    }
}

/// Without a network nothing is sent, and that is the reason that is told.
// promises: P8
#[test]
fn a_renewal_that_is_due_without_a_network_is_told_as_offline() {
    let mut config = Config::new();
    config.when_unavailable = Waiting::Refuse;
    let mut host = Host::new(config);
    host.sign_in(grant("a1", Some("r1"), 100));
    host.tell(Event::WentOffline).gives(&[]);
    host.at(100_000, Event::TimeoutReached)
        .gives(&["StateChanged Expired"]);
    assert_eq!(host.latch().trouble(), Some(Cause::Offline));
    assert_eq!(host.latch().poll_timeout(), None);
    host.request(1)
        .is(Outcome::Surface(Cause::Offline))
        .gives(&[]);
}

/// A sibling's mark spends the budget of both: who reads it waits until the window allows one more.
// promises: P10, P15
#[test]
fn a_renewal_that_finds_the_budget_spent_by_a_sibling_waits_for_it() {
    let mut config = Config::new();
    config.budget = 1;
    let (mut host, mut cell) = accepted(config);
    let mut other = Host::seeded(config, 2);
    other.now = host.now;
    other.tell(Event::Opened);
    other.serve_store(&mut cell);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);

    other.tell(Event::RefreshRequested).is_in(State::Refreshing);
    other.loaded(Some(&cell)).gives(&["StateChanged Expired"]);
    assert_eq!(other.latch().trouble(), Some(Cause::Throttled));
    let next = other.latch().poll_timeout().unwrap();
    assert_eq!(next.as_millis(), host.now + 60_000);
}

/// A refresh token that was lost on its way is sent again later only if the server is known to keep it.
// promises: P11
#[test]
fn a_lost_refresh_token_outlives_its_grace_only_where_the_server_keeps_it() {
    let cases = [("r2", State::Expired, 2), ("r1", State::Refreshing, 3)];
    for (second, state, sends) in cases {
        let (mut host, mut cell) = accepted(Config::new());
        renew(&mut host, &mut cell, "a2", second);
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell);
        assert_eq!(host.count("SendTokenRequest"), 2);
        host.now += 20_000;
        host.token_failed(TokenFailure::Lost);
        host.serve_store(&mut cell);
        host.at(40_000, Event::TimeoutReached);
        host.serve_store(&mut cell);
        assert_eq!(host.state(), state, "{second}");
        assert_eq!(host.count("SendTokenRequest"), sends, "{second}");
    }
}

/// One renewal for a token that was never accepted; the next one is not tried when that is refused too.
// promises: P9
#[test]
fn two_tokens_in_a_row_that_nobody_accepted_end_the_renewals() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    let (_, receipt) = host.request_and_send(1);
    assert_eq!(host.answer(receipt, 401), Outcome::Retry);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Ready);
    host.now = 20_000;
    let (sent, receipt) = host.request_and_send(2);
    assert_eq!(sent, "a2");
    assert_eq!(
        host.answer(receipt, 401),
        Outcome::Surface(Cause::RefusedFresh)
    );
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// Whose deadline has passed, or in whose place another one began: nobody owns what they still give.
// promises: P4
#[test]
fn the_late_grants_of_logins_that_are_over_are_orphaned() {
    let mut host = Host::new(Config::new());
    host.open_empty();
    let first = host.login();
    let second = host.login();
    host.wait().is_in(State::Unauthenticated);
    for ticket in [first, second] {
        host.tell(Event::Granted {
            ticket,
            grant: grant("a1", Some("r1"), 3600),
        })
        .is(Outcome::Orphaned)
        .gives(&[]);
    }
}

/// A login in the place of a renewal: its answer is nobody's, so the refresh token counts as used once the grace is over.
// promises: P4, P11
#[test]
fn a_renewal_left_for_a_login_is_not_sent_again_after_its_grace() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let left = host.ticket("SendTokenRequest");
    let login = host.login();
    host.now += 20_000;
    host.tell(Event::TokenFailed {
        ticket: login,
        failure: TokenFailure::NotSent,
        retry_after: None,
    });
    host.serve_store(&mut cell);
    assert_eq!(host.state(), State::Expired);
    assert_eq!(host.latch().poll_timeout(), None);
    assert_eq!(host.count("SendTokenRequest"), 1);
    // The answer to the one that was sent is welcome still.
    host.tell(Event::Granted {
        ticket: left,
        grant: grant("a2", Some("r2"), 3600),
    })
    .is(Outcome::Done);
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "a2");
}

/// A login in the place of the look that follows a refused refresh token: the token stays refused.
// promises: P11
#[test]
fn a_refused_refresh_token_is_not_sent_again_after_a_login_that_failed() {
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(grant("a1", Some("r1"), 100));
    host.at(100_000, Event::TimeoutReached);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::InvalidGrant)
        .is_in(State::Refreshing);
    let ticket = host.login();
    host.tell(Event::TokenFailed {
        ticket,
        failure: TokenFailure::NotSent,
        retry_after: None,
    })
    .is_in(State::Unauthenticated);
    assert_eq!(host.latch().trouble(), Some(Cause::SessionEnded));
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// A login in the place of the first look: when it fails, the store is read after all.
// promises: P2, P15
#[test]
fn a_login_that_fails_before_the_store_was_read_leaves_what_is_in_the_store() {
    let mut first = Host::new(Config::new());
    let cell = first.sign_in(grant("a1", Some("r1"), 3600));
    let mut host = Host::seeded(Config::new(), 2);
    host.tell(Event::Opened);
    let ticket = host.login();
    host.tell(Event::TokenFailed {
        ticket,
        failure: TokenFailure::NotSent,
        retry_after: None,
    })
    .is_in(State::Pending);
    host.loaded(Some(&cell)).is_in(State::Ready);
    assert_eq!(host.request_and_send(1).0, "a1");
}

/// A sign-out during a look also ends the sign-in that the look would have found.
// promises: P5, P6
#[test]
fn a_sign_out_during_a_look_ends_what_a_sibling_stored_before() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut other = Host::restored(Config::new(), &cell);
    let ticket = other.login();
    other.tell(Event::Granted {
        ticket,
        grant: grant("b1", Some("s1"), 3600),
    });
    other.serve_store(&mut cell);
    host.tell(Event::StoreChanged).is_in(State::Pending);
    host.tell(Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    host.loaded(Some(&cell)).is_in(State::Unauthenticated);
    cell = host.record();
    host.stored().is_in(State::Unauthenticated);
    other.tell(Event::StoreChanged);
    other.loaded(Some(&cell)).is_in(State::Unauthenticated);
}

/// A sign-out while the new sign-in goes into the store comes after whatever the store holds.
// promises: P5, P6
#[test]
fn a_sign_out_during_the_first_write_is_not_undone_by_a_newer_sign_in_in_the_store() {
    let mut other = Host::new(Config::new());
    let mut cell = other.sign_in(grant("b1", Some("s1"), 3600));
    let ticket = other.login();
    other.tell(Event::Granted {
        ticket,
        grant: grant("b2", Some("s2"), 3600),
    });
    other.serve_store(&mut cell);
    other.tell(Event::LogoutRequested);
    other.serve_store(&mut cell);
    let ticket = other.login();
    other.tell(Event::Granted {
        ticket,
        grant: grant("b3", Some("s3"), 3600),
    });
    other.serve_store(&mut cell);

    let mut host = Host::seeded(Config::new(), 2);
    host.open_empty();
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: grant("a1", Some("r1"), 3600),
    })
    .is_in(State::Pending);
    host.tell(Event::LogoutRequested)
        .is_in(State::Unauthenticated);
    host.loaded(Some(&cell)).is_in(State::Unauthenticated);
    cell = host.record();
    host.stored().is_in(State::Unauthenticated);
    other.tell(Event::StoreChanged);
    other.loaded(Some(&cell)).is_in(State::Unauthenticated);
}

/// What comes late for a sign-in that another context's has replaced is nobody's, and to be revoked.
// promises: P4, P7
#[test]
fn the_late_answer_to_a_renewal_is_orphaned_once_another_sign_in_was_found() {
    let (mut host, mut cell) = accepted(Config::new());
    let mut other = Host::restored(Config::new(), &cell);
    other.now = host.now;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.token_failed(TokenFailure::Lost).is_in(State::Expired);
    let login = other.login();
    other.tell(Event::Granted {
        ticket: login,
        grant: grant("b1", Some("s1"), 3600),
    });
    other.serve_store(&mut cell);
    host.tell(Event::StoreChanged);
    host.serve_store(&mut cell);
    assert_eq!(host.request_and_send(1).0, "b1");
    host.granted(grant("a2", Some("r2"), 3600))
        .is(Outcome::Orphaned)
        .gives(&[]);
}

/// A lease that is lost is asked for again, as often as the host allows; then the renewal has failed for now.
// promises: P3, P4, P15
#[test]
fn a_renewal_whose_lease_is_lost_begins_again_and_gives_up_after_three_times() {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    let (mut host, _) = accepted(config);
    host.tell(Event::RefreshRequested);
    for lost in 1..=3 {
        assert_eq!(host.state(), State::Refreshing);
        let ticket = host.ticket("AcquireLease");
        host.tell(Event::LeaseLost { ticket }).is(Outcome::Stale);
        let loads = host.count("Load");
        host.lease_granted();
        assert_eq!(host.count("Load"), loads + 1);
        let asked = host.count("AcquireLease");
        host.tell(Event::LeaseLost { ticket }).is(Outcome::Done);
        assert_eq!(host.count("AcquireLease"), asked + usize::from(lost < 3));
        host.tell(Event::LeaseLost { ticket }).is(Outcome::Stale);
    }
    assert_eq!(host.state(), State::Expired);
    assert_eq!(host.latch().trouble(), Some(Cause::StoreUnavailable));
    assert_eq!(host.count("SendTokenRequest"), 0);
}

/// Under a lease that was read under, the new tokens are written without another look.
// promises: P3, P5
#[test]
fn under_the_lease_new_tokens_are_written_without_another_load() {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    let (mut host, mut cell) = accepted(config);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let loads = host.count("Load");
    let stores = host.count("Store");
    host.granted(grant("a2", Some("r2"), 3600))
        .is_in(State::Refreshing);
    assert_eq!(host.count("Load"), loads);
    assert_eq!(host.count("Store"), stores + 1);
    host.stored().is_in(State::Ready);
}

/// The mark can't be written, and the lease is held: nobody else sends, so the renewal goes on.
// promises: P3, P15
#[test]
fn a_mark_that_can_not_be_written_under_the_lease_does_not_keep_the_renewal_back() {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    let (mut host, cell) = accepted(config);
    host.tell(Event::RefreshRequested);
    host.lease_granted();
    host.loaded(Some(&cell));
    for _ in 0..3 {
        assert_eq!(host.count("SendTokenRequest"), 0);
        host.store_failed().is_in(State::Refreshing);
    }
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert!(host.latch().is_volatile());
}

/// Without a lease a store that can't be read does not keep a renewal back.
// promises: P3, P15
#[test]
fn a_store_that_can_not_be_read_does_not_keep_a_renewal_without_a_lease_back() {
    let (mut host, _) = accepted(Config::new());
    host.tell(Event::RefreshRequested);
    for _ in 0..3 {
        assert_eq!(host.count("SendTokenRequest"), 0);
        let ticket = host.ticket("Load");
        host.tell(Event::LoadFailed { ticket })
            .is_in(State::Refreshing);
    }
    assert_eq!(host.count("SendTokenRequest"), 1);
}

/// Opened on a tombstone: the sign-out is over, and did not happen elsewhere just now.
// promises: P6
#[test]
fn a_latch_opened_on_a_tombstone_is_signed_out() {
    let (mut host, mut cell) = accepted(Config::new());
    host.tell(Event::LogoutRequested);
    host.serve_store(&mut cell);
    let mut host = Host::seeded(Config::new(), 2);
    host.tell(Event::Opened);
    host.loaded(Some(&cell))
        .gives(&["StateChanged Unauthenticated", "RequireLogin SignedOut"]);
    assert_eq!(host.latch().trouble(), Some(Cause::SignedOut));
}

/// A store that gives back what it held before did not keep the new tokens: they are written again.
// promises: P2
#[test]
fn an_older_record_at_the_read_back_is_overwritten_before_the_gate_opens() {
    let mut config = Config::new();
    config.confirmation = Confirmation::ReadBack;
    let (mut host, mut cell) = accepted(config);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.loaded(Some(&cell));
    let new = host.record();
    let stores = host.count("Store");
    host.stored().is_in(State::Refreshing);
    host.loaded(Some(&cell)).is_in(State::Refreshing);
    assert_eq!(host.count("Store"), stores + 1);
    host.stored().is_in(State::Refreshing);
    host.loaded(Some(&new)).is_in(State::Ready);
}

/// A sibling renewed between our sign-out and its write: the token it got is revoked, it belongs to nobody.
// promises: P6
#[test]
fn what_a_sibling_renewed_before_the_tombstone_was_written_is_revoked() {
    for renewed in [true, false] {
        let (mut host, mut cell) = accepted(Config::new());
        let mut other = Host::restored(Config::new(), &cell);
        other.now = host.now;
        host.tell(Event::LogoutRequested);
        let own = host.ticket("Revoke");
        assert_eq!(host.latch().revocation(own), Some("r1"));
        host.tell(Event::Revoked { ticket: own }).is(Outcome::Done);
        if renewed {
            renew(&mut other, &mut cell, "a2", "r2");
        }
        host.loaded(Some(&cell));
        assert_eq!(host.count("Revoke"), 1 + usize::from(renewed));
        if renewed {
            let ticket = host.ticket("Revoke");
            assert_eq!(host.latch().revocation(ticket), Some("r2"));
            host.tell(Event::Revoked { ticket: own }).is(Outcome::Stale);
            assert_eq!(host.latch().revocation(ticket), Some("r2"));
        }
    }
}

/// A login that takes too long has failed, and who waited for it is told so where nobody waits for the next.
// promises: P8, P15
#[test]
fn a_login_that_takes_too_long_refuses_who_waited_for_it() {
    let mut config = Config::new();
    config.when_signed_out = Waiting::Refuse;
    config.login_timeout_ms = 10_000;
    let mut host = Host::new(config);
    host.open_empty();
    host.login();
    host.request(1).is_admitted();
    host.wait()
        .gives(&["StateChanged Unauthenticated", "Refuse 1 LoginFailed"]);
    assert_eq!(host.now, 10_000);
}

/// The network is back: what failed for want of it is tried at once, what the server put off is not.
// promises: P10, P15
#[test]
fn the_return_of_the_network_hastens_only_what_failed_for_want_of_it() {
    let cases = [
        (TokenFailure::NotSent, State::Refreshing),
        (TokenFailure::Unavailable, State::Expired),
    ];
    for (failure, state) in cases {
        let (mut host, mut cell) = accepted(Config::new());
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell);
        host.token_failed_after(failure, Some(60));
        host.serve_store(&mut cell);
        assert_eq!(host.state(), State::Expired);
        host.tell(Event::WentOffline).is_in(State::Expired);
        host.tell(Event::WentOnline).is_in(state);
    }
}

/// The network is back, and the renewal that was due meanwhile begins in the same step.
// promises: P15
#[test]
fn a_renewal_that_fell_due_without_a_network_begins_with_it() {
    let mut host = Host::new(Config::new());
    host.sign_in(grant("a1", Some("r1"), 100));
    host.tell(Event::WentOffline);
    host.at(200_000, Event::TimeoutReached)
        .is_in(State::Expired);
    host.tell(Event::WentOnline).is_in(State::Refreshing);
}

/// A login's grant takes the place of everything; a renewal's must fit beside what stays.
// promises: P14
#[test]
fn a_grant_must_fit_beside_what_stays_only_in_a_renewal() {
    let data = [7; 200];
    let long = "r".repeat(200);
    let mut first = grant("a1", Some("r1"), 3600);
    first.app_data = Some(&data);
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(first);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some(&long), 3600))
        .is_rejected(Rejected::Grant(GrantError::TooLong));
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: grant("a3", Some(&long), 3600),
    })
    .is(Outcome::Done);
}

/// A reading that is older than the last one does not make it earlier (P15): the budget has refilled by then.
// promises: P10, P15
#[test]
fn a_clock_that_reads_less_than_before_throttles_nobody() {
    let mut config = Config::new();
    config.budget = 2;
    let mut host = Host::new(config);
    let mut cell = host.sign_in(grant("a1", Some("r1"), 3600));
    host.now = 10_000;
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    host.at(39_999, Event::RefreshRequested)
        .is_rejected(Rejected::Throttled);
    host.at(40_000, Event::TimeoutReached);
    host.at(39_000, Event::RefreshRequested).is(Outcome::Done);
}

/// What fits as a whole is kept as a whole, also where one part grows before another one shrinks.
// promises: P14
#[test]
fn parts_of_a_grant_may_trade_their_lengths() {
    let long = "r".repeat(200);
    let mut first = grant("a1", Some("r1"), 3600);
    first.scope = Some(&long);
    first.app_data = Some(b"data");
    let mut host = Host::new(Config::new());
    let mut cell = host.sign_in(first);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let mut second = grant("a2", Some(&long), 3600);
    second.scope = Some("read");
    host.granted(second).is(Outcome::Done);
    host.serve_store(&mut cell);
    host.tell(Event::RefreshRequested);
    host.serve_store(&mut cell);
    let ticket = host.ticket("SendTokenRequest");
    assert_eq!(host.latch().refresh_token(ticket), Some(&*long));
    assert_eq!(host.latch().scope(), Some("read"));
    assert_eq!(host.latch().app_data(), Some(&b"data"[..]));
}

/// A token that the probe refuses is renewed once; when the new one is refused too, only a login helps.
// promises: P2, P9
#[test]
fn two_tokens_in_a_row_that_the_probe_refused_end_the_renewals() {
    let mut config = Config::new();
    config.confirmation = Confirmation::Probed;
    let mut host = Host::new(config);
    let mut cell = Vec::new();
    host.open_empty();
    let ticket = host.login();
    host.tell(Event::Granted {
        ticket,
        grant: grant("a1", Some("r1"), 3600),
    });
    host.serve_store(&mut cell);
    refuse_probes(&mut host);
    assert_eq!(host.state(), State::Refreshing);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    host.granted(grant("a2", Some("r2"), 3600));
    host.serve_store(&mut cell);
    refuse_probes(&mut host);
    assert_eq!(host.state(), State::Expired);
    host.serve_store(&mut cell);
    assert_eq!(host.count("SendTokenRequest"), 1);
    assert_eq!(host.latch().trouble(), Some(Cause::RefusedFresh));
}

/// Without a wall clock the end of a token can't be told to the next start, and none is made up.
// promises: P12
#[test]
fn a_record_from_a_host_without_a_wall_clock_tells_no_end() {
    let mut first = Host::new(Config::new());
    first.offset = None;
    let cell = first.sign_in(grant("a1", Some("r1"), 3600));
    let host = Host::restored(Config::new(), &cell);
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.latch().expires_at(), None);
}

/// A refresh token in the store that was sent: without a lease its fate is unknown, under one its sender may live.
// promises: P3, P11
#[test]
fn a_mark_found_at_the_opening_is_a_loss_only_without_a_lease() {
    let cases = [
        (LeaseMode::None, State::Expired),
        (LeaseMode::Host, State::Refreshing),
    ];
    for (lease, state) in cases {
        let mut config = Config::new();
        config.lease = lease;
        let mut first = Host::new(config);
        let mut cell = first.sign_in(grant("a1", Some("r1"), 100));
        first.at(100_000, Event::TimeoutReached);
        first.serve_store(&mut cell);
        assert_eq!(first.count("SendTokenRequest"), 1);
        let mut host = Host::seeded(config, 2);
        host.now = 120_000;
        host.tell(Event::Opened);
        host.loaded(Some(&cell)).is_in(state);
    }
}

/// A record from the future by no more than the tolerance is believed.
// promises: P12
#[test]
fn a_clock_that_went_back_by_no_more_than_the_tolerance_is_no_suspect() {
    let cases = [
        (5_000, State::Ready, None),
        (5_001, State::Refreshing, Some(Cause::ClockSuspect)),
    ];
    let cell = Host::new(Config::new()).sign_in(grant("a1", Some("r1"), 3600));
    for (back, state, trouble) in cases {
        let mut host = Host::seeded(Config::new(), 2);
        host.offset = host.offset.map(|offset| offset - back);
        host.tell(Event::Opened);
        host.loaded(Some(&cell)).is_in(state);
        assert_eq!(host.latch().trouble(), trouble);
    }
}

/// No token is believed to live for more than ten years.
// promises: P15
#[test]
fn a_token_for_ever_ends_after_ten_years() {
    let mut host = Host::new(Config::new());
    let mut forever = grant("a1", Some("r1"), 1);
    forever.expiry = Expiry::In(u64::MAX);
    host.sign_in(forever);
    let end = host.latch().expires_at().unwrap();
    assert_eq!(end.as_millis(), 315_360_000_000);
}

/// Two first sign-ins that knew nothing of each other are told apart, and both contexts settle on the same one.
// promises: P5, P7
#[test]
fn of_two_sign_ins_of_the_same_number_one_wins_everywhere() {
    let mut hosts = [1, 2].map(|seed| Host::seeded(Config::new(), seed));
    let cells = [("a1", 0), ("b1", 1)]
        .map(|(token, host)| hosts[host].sign_in(grant(token, Some("r1"), 3600)));
    for (host, cell) in hosts.iter_mut().zip(cells.iter().rev()) {
        host.tell(Event::StoreChanged);
        host.loaded(Some(cell)).is_in(State::Ready);
    }
    let [first, second] = hosts.each_mut().map(|host| host.request_and_send(1).0);
    assert_eq!(first, second);
}

/// A renewal that names another user is another sign-in; one that names a user for the first time is not.
// promises: P7
#[test]
fn a_renewal_that_names_another_user_refuses_who_waited_for_the_first() {
    let changed = vec![(1, Cause::SignInChanged)];
    let cases = [
        (Some("alice"), Some("bob"), changed),
        (Some("alice"), Some("alice"), vec![]),
        (Some("alice"), None, vec![]),
        (None, Some("bob"), vec![]),
    ];
    for (before, after, refused) in cases {
        let mut host = Host::new(Config::new());
        let mut first = grant("a1", Some("r1"), 3600);
        first.subject = before;
        let mut cell = host.sign_in(first);
        host.tell(Event::RefreshRequested);
        host.serve_store(&mut cell);
        host.request(1).is_admitted();
        let mut second = grant("a2", Some("r2"), 3600);
        second.subject = after;
        host.granted(second).is(Outcome::Done);
        host.serve_store(&mut cell);
        assert_eq!(host.refused(), refused, "{before:?} {after:?}");
    }
}

/// A token request is answered once: a second answer to it is nobody's, even when the next one was lost.
// promises: P4
#[test]
fn a_second_answer_to_a_token_request_is_stale_even_after_a_loss() {
    let mut config = Config::new();
    config.budget = 4;
    let (mut host, mut cell) = accepted(config);
    renew(&mut host, &mut cell, "a2", "r2");
    let answered = host.ticket("SendTokenRequest");
    let mut other = Host::seeded(config, 2);
    other.now = host.now;
    other.tell(Event::Opened);
    other.serve_store(&mut cell);
    other.tell(Event::RefreshRequested);
    other.serve_store(&mut cell);
    assert_eq!(other.count("SendTokenRequest"), 1);

    // The sibling's mark is read, and the budget is spent: nothing of our own was sent since.
    host.tell(Event::RefreshRequested);
    host.loaded(Some(&cell)).is_in(State::Expired);
    host.tell(Event::Granted {
        ticket: answered,
        grant: grant("a2", Some("r2"), 3600),
    })
    .is(Outcome::Stale)
    .gives(&[]);
}

/// Every failure of a token request says what it was.
// promises: P13
#[test]
fn every_failure_has_a_sentence() {
    use tokenlatch::GrantError;
    let failures = [
        TokenFailure::NotSent,
        TokenFailure::Lost,
        TokenFailure::RateLimited,
        TokenFailure::Unavailable,
        TokenFailure::InvalidGrant,
        TokenFailure::InteractionRequired,
        TokenFailure::Misconfigured,
        TokenFailure::Unusable(GrantError::Empty),
        TokenFailure::Unrecognized,
    ];
    let mut sentences: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(sentences.iter().all(|sentence| sentence.len() > 10));
    sentences.sort();
    sentences.dedup();
    assert_eq!(sentences.len(), failures.len());
}

/// Somebody taps "log in" twice, and the second login fails: what the first gave is stored and used, as the host's level
/// asks for. No probe: the host did not choose one.
// promises: P2, P15
#[test]
fn a_sign_in_is_stored_although_another_login_began_in_between() {
    for stored_meanwhile in [false, true] {
        let mut host = Host::new(Config::new());
        let mut cell = Vec::new();
        host.open_empty();
        let ticket = host.login();
        let first = grant("a1", Some("r1"), 3600);
        host.tell(Event::Granted {
            ticket,
            grant: first,
        })
        .is(Outcome::Done);
        host.loaded(None).is_in(State::Pending);
        let ticket = host.login();
        if stored_meanwhile {
            host.serve_store(&mut cell);
        }
        host.tell(Event::TokenFailed {
            ticket,
            failure: TokenFailure::InvalidGrant,
            retry_after: None,
        })
        .is(Outcome::Done);
        host.serve_store(&mut cell);
        assert_eq!(host.count("Probe"), 0);
        assert_eq!(host.state(), State::Ready);
        assert!(!host.latch().is_volatile());
        host.request(1).is_admitted();
        assert_eq!(host.send(1).unwrap().0, "a1");
    }
}
