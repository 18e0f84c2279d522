//! What is noted of each event: each check is shown notes that do not fit the latch.

use super::super::tests::FIRST;
use super::super::tests::SECOND;
use super::super::tests::TICKET;
use super::super::tests::Watched;
use super::super::tests::opened;
use super::super::tests::renewing;
use super::super::tests::signed_in;
use super::*;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::latch::Latch;
use crate::state::Phase;
use crate::time::Now;

impl Watched {
    fn note_broken(&mut self, event: &Event<'_>, outcome: Outcome) -> &'static str {
        let before = self.seen();
        self.note(event, outcome, before).unwrap_err().what
    }

    fn answer(
        &mut self,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
        before: State,
    ) -> Result<(), &'static str> {
        let mut before = Seen {
            state: before,
            ..self.seen()
        };
        before.version = 1;
        let done = self.note_answer(status, challenge, receipt, before);
        done.map_err(|broken| broken.what)
    }
}

// promises: P4
#[test]
fn a_login_is_noted_with_its_ticket() {
    let mut watched = signed_in();
    watched.outstanding = Some(9);
    let broken = watched.note_broken(&Event::LoginStarted, Outcome::Done);
    assert_eq!(broken, "a login began without a ticket");
    assert_eq!(watched.outstanding, None);
    let before = watched.seen();
    watched
        .note(&Event::LoginStarted, Outcome::Login(TICKET), before)
        .unwrap();
    assert_eq!(watched.orders.login, Some(TICKET));
}

// promises: P2, P3, P9, P11
#[test]
fn a_grant_begins_anew() {
    for login in [true, false] {
        let mut watched = signed_in();
        watched.orders.login = Some(if login { TICKET } else { Ticket(78) });
        watched.outstanding = Some(9);
        watched.evidence = true;
        watched.proof.stored = true;
        watched.loops = 1;
        let grant = Grant::new("a");
        let before = watched.seen();
        watched
            .note(
                &Event::Granted {
                    ticket: TICKET,
                    grant,
                },
                Outcome::Done,
                before,
            )
            .unwrap();
        assert_eq!(watched.orders.login.is_none(), login);
        assert_eq!(watched.loops, u8::from(!login));
        assert_eq!(watched.outstanding, None);
        assert!(!watched.evidence);
        assert!(!watched.proof.stored);
    }
}

// promises: P3, P11
#[test]
fn only_invalid_grant_of_a_renewal_is_evidence() {
    let cases = [
        (true, TokenFailure::InvalidGrant, false),
        (false, TokenFailure::InvalidGrant, true),
        (false, TokenFailure::Unavailable, false),
    ];
    for (login, failure, evidence) in cases {
        for known in [false, true] {
            let mut watched = signed_in();
            watched.outstanding = Some(9);
            watched.evidence = known;
            watched.orders.login = login.then_some(TICKET);
            let before = watched.seen();
            let event = Event::TokenFailed {
                ticket: TICKET,
                failure,
                retry_after: None,
            };
            watched.note(&event, Outcome::Done, before).unwrap();
            assert_eq!(watched.evidence, evidence || known);
            assert_eq!(watched.outstanding.is_some(), login);
        }
    }
}

// promises: P2, P9, P11
#[test]
fn a_probe_proves_or_is_evidence_against_a_cookie() {
    for (result, ambient, evidence) in [
        (ProbeResult::Accepted, true, false),
        (ProbeResult::Refused, true, true),
        (ProbeResult::Refused, false, false),
    ] {
        for known in [false, true] {
            let mut watched = signed_in();
            if ambient {
                watched.latch.machine.config.credential = Credential::Ambient;
            }
            watched.loops = 1;
            watched.evidence = known;
            let before = watched.seen();
            let event = Event::Probed {
                ticket: TICKET,
                result,
            };
            watched.note(&event, Outcome::Done, before).unwrap();
            let accepted = result == ProbeResult::Accepted;
            assert_eq!(watched.proof.probed, accepted);
            assert_eq!(watched.loops, u8::from(!accepted));
            assert_eq!(watched.evidence, evidence || known);
        }
    }
}

// promises: P2, P11, P12
#[test]
fn what_was_loaded_is_evidence_or_proof() {
    let record = |watched: &Watched| {
        let mut buffer = [0; Latch::<64, 2>::RECORD_CAPACITY];
        let len = crate::record::encode(&watched.latch.current_record(), &mut buffer).unwrap();
        (buffer, len)
    };
    let (tombstone, tombstone_len) = record(&opened());
    let (session, session_len) = record(&signed_in());

    let mut watched = signed_in();
    let before = watched.seen();
    watched
        .note_loaded(&tombstone[..tombstone_len], before)
        .unwrap();
    assert!(watched.evidence);
    assert!(!watched.proof.read_back);

    // What is there already was not taken from the store.
    watched.proof.stored = true;
    watched.loops = 1;
    watched
        .note_loaded(&session[..session_len], before)
        .unwrap();
    assert!(watched.evidence);
    assert!(watched.proof.read_back);
    assert!(!watched.proof.from_store);
    assert_eq!(watched.loops, 1);

    let older = Seen {
        version: before.version - 1,
        ..before
    };
    watched.note_loaded(&session[..session_len], older).unwrap();
    assert!(!watched.evidence);
    assert!(watched.proof.from_store);
    assert!(!watched.proof.stored);
    assert_eq!(watched.loops, 0);
    watched.note_loaded(&[], before).unwrap();
    assert!(!watched.proof.read_back);

    let mut out = opened();
    out.note_loaded(
        &session[..session_len],
        Seen {
            version: 0,
            ..out.seen()
        },
    )
    .unwrap();
    assert!(!out.proof.from_store);
}

// promises: P12
#[test]
fn bytes_that_are_no_record_must_not_change_the_session() {
    for bytes in [&b""[..], b"not a record"] {
        let broken = "bytes that are no record changed the session";
        let mut watched = signed_in();
        let before = watched.seen();
        watched.note_loaded(bytes, before).unwrap();
        let without = Seen {
            session: false,
            ..before
        };
        assert_eq!(
            watched.note_loaded(bytes, without).unwrap_err().what,
            broken
        );
        watched.evidence = true;
        watched.note_loaded(bytes, without).unwrap();
        watched.evidence = false;
        watched.latch.machine.config.credential = Credential::Ambient;
        watched.note_loaded(bytes, without).unwrap();
    }
}

// promises: P7, P8
#[test]
fn a_request_is_admitted_under_the_sign_in_of_before() {
    let mut watched = signed_in();
    let since = watched.latch.machine().since;
    let seen = watched.seen();
    let receipt = Receipt::from_u64(5);
    let cases = [
        (State::Ready, Access::First, Some(since), None),
        (
            State::Refreshing,
            Access::Retry(receipt),
            Some(since),
            Some(receipt),
        ),
        (State::Pending, Access::First, None, None),
    ];
    for (state, access, sign_in, before) in cases {
        watched.known.clear();
        watched
            .admit(FIRST, access, Seen { state, ..seen })
            .unwrap();
        let known = Known {
            waiter: FIRST,
            sign_in,
            before,
            released: false,
        };
        assert_eq!(watched.known.as_slice(), [known]);
    }
    watched.admit(SECOND, Access::First, seen).unwrap();
    let broken = watched.admit(SECOND, Access::First, seen).unwrap_err();
    assert_eq!(broken.what, "more requests admitted than there is room for");
    let event = Event::StoreChanged;
    assert_eq!(
        watched.note_broken(&event, Outcome::Done),
        "a request was lost or doubled"
    );
}

// promises: P9
#[test]
fn only_a_prompt_401_that_a_renewal_can_help_begins_one() {
    let (mine, late) = (Receipt::new(1, 1, false), Receipt::new(0, 1, false));
    let absent = ChallengeKind::Absent;
    let mut watched = renewing();
    assert_eq!(watched.answer(mine, 401, absent, State::Ready), Ok(()));
    assert_eq!(watched.loops, 1);
    let looped = Err("a refresh loop of tokens that were never accepted");
    assert_eq!(watched.answer(mine, 401, absent, State::Ready), looped);
    // Nothing began: not from here, and not to there.
    assert_eq!(watched.answer(mine, 500, absent, State::Refreshing), Ok(()));
    watched.latch.machine.phase = Phase::Ready;
    assert_eq!(watched.answer(mine, 500, absent, State::Ready), Ok(()));

    let mut watched = renewing();
    let other = Err("something else than a 401 began a renewal");
    assert_eq!(watched.answer(mine, 403, absent, State::Ready), other);
    let helpless = Err("a renewal that can't help");
    let scope = ChallengeKind::InsufficientScope;
    assert_eq!(watched.answer(mine, 401, scope, State::Ready), helpless);
    let step_up = ChallengeKind::InsufficientUserAuthentication;
    assert_eq!(watched.answer(mine, 401, step_up, State::Ready), helpless);
    let after = Err("a late 401 began a renewal");
    assert_eq!(watched.answer(late, 401, absent, State::Ready), after);
    watched.latch.machine.session.as_mut().unwrap().accepted = true;
    assert_eq!(watched.answer(mine, 401, absent, State::Ready), Ok(()));
    assert_eq!(watched.loops, 0);
}

// promises: P9
#[test]
fn an_answer_that_is_no_refusal_ends_the_count_of_loops() {
    for (status, version, loops) in [
        (200, 1, 0),
        (399, 1, 0),
        (199, 1, 1),
        (400, 1, 1),
        (200, 0, 1),
    ] {
        let mut watched = signed_in();
        watched.loops = 1;
        let receipt = Receipt::new(version, 1, false);
        let told = watched.answer(receipt, status, ChallengeKind::Absent, State::Ready);
        assert_eq!((told, watched.loops), (Ok(()), loops));
    }
}

// promises: P9
#[test]
fn an_answer_is_noted() {
    let mut watched = renewing();
    let before = Seen {
        state: State::Ready,
        ..watched.seen()
    };
    let answered = Event::Answered {
        receipt: Receipt::new(1, 1, false),
        status: 403,
        challenge: ChallengeKind::Absent,
    };
    let broken = watched.note(&answered, Outcome::Retry, before).unwrap_err();
    assert_eq!(broken.what, "something else than a 401 began a renewal");
}

// promises: P6
#[test]
fn a_sign_out_leaves_nothing() {
    let mut watched = signed_in();
    let broken = watched.note_broken(&Event::LogoutRequested, Outcome::Done);
    assert_eq!(broken, "signed out and not Unauthenticated");
    watched.latch.machine.phase = opened().latch.machine.phase;
    let broken = watched.note_broken(&Event::LogoutRequested, Outcome::Done);
    assert_eq!(broken, "signed out and a secret is left");
    watched.latch.wipe();
    let mut named = Grant::ambient();
    named.subject = Some("alice");
    watched.latch.rest.set(&named.rest());
    let broken = watched.note_broken(&Event::LogoutRequested, Outcome::Done);
    assert_eq!(broken, "signed out and a secret is left");
    watched.latch.wipe();
    watched
        .note(&Event::LogoutRequested, Outcome::Done, watched.seen())
        .unwrap();
    let mut waiting = opened();
    waiting.request(FIRST);
    let broken = waiting.note_broken(&Event::LogoutRequested, Outcome::Done);
    assert_eq!(broken, "signed out and a request still waits");
}

// promises: P4, P6
#[test]
fn a_sign_out_forgets_the_orders_but_for_lease_and_revocation() {
    for state in [State::Ready, State::Unauthenticated] {
        let mut watched = opened();
        watched.outstanding = Some(9);
        watched.orders.login = Some(TICKET);
        watched.orders.load = Some(TICKET);
        watched.orders.lease = Some(TICKET);
        watched.orders.revocation = Some(TICKET);
        let before = Seen {
            state,
            ..watched.seen()
        };
        watched
            .note(&Event::LogoutRequested, Outcome::Done, before)
            .unwrap();
        let kept = (state == State::Unauthenticated).then_some(TICKET);
        assert!(watched.evidence);
        assert_eq!(watched.outstanding, None);
        assert_eq!(watched.orders.login, kept);
        assert_eq!(watched.orders.load, kept);
        assert_eq!(watched.orders.lease, Some(TICKET));
        assert_eq!(watched.orders.revocation, Some(TICKET));
    }
}

// promises: P4, P8
#[test]
fn every_event_is_noted_and_its_ticket_checked() {
    let mut watched = opened();
    watched.orders.store = None;
    let Outcome::Login(ticket) = watched.tell(Event::LoginStarted) else {
        unreachable!();
    };
    watched.orders.login = None;
    let failed = Event::TokenFailed {
        ticket,
        failure: TokenFailure::NotSent,
        retry_after: None,
    };
    let broken = watched.handle(Now::monotonic(0), failed).unwrap_err();
    assert_eq!(broken.what, "an answer with an unknown id was taken");

    let mut watched = opened();
    watched.request(FIRST);
    watched.known.clear();
    let cancelled = Event::WaiterCancelled { waiter: FIRST };
    let broken = watched.handle(Now::monotonic(0), cancelled).unwrap_err();
    assert_eq!(broken.what, "a request ended twice, or never came");
}
