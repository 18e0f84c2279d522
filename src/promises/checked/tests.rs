//! What is noted, and the checks of the calls themselves: each is shown notes that do not fit the latch.

use super::*;
use crate::event::Access;
use crate::grant::Grant;
use crate::state::Phase;

pub(in crate::promises) type Watched = Checked<64, 2>;

pub(in crate::promises) const FIRST: Waiter = Waiter::from_u32(1);
pub(in crate::promises) const SECOND: Waiter = Waiter::from_u32(2);
const TICKET: Ticket = Ticket(77);

impl Watched {
    /// Tells an event that is taken and breaks nothing, and drains the orders.
    pub(in crate::promises) fn tell(&mut self, event: Event<'_>) -> Outcome {
        let now = Now::monotonic(self.now);
        let outcome = self.handle(now, event).unwrap().unwrap();
        while self.poll_effect().unwrap().is_some() {}
        outcome
    }

    pub(in crate::promises) fn request(&mut self, waiter: Waiter) {
        let access = Access::First;
        self.tell(Event::AccessRequested { waiter, access });
    }

    fn permit_broken(&mut self, waiter: Waiter) -> &'static str {
        self.permit(Now::monotonic(0), waiter).err().unwrap().what
    }

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

pub(in crate::promises) fn opened() -> Watched {
    let mut watched = Watched::new(Config::in_memory(), 1).unwrap();
    watched.tell(Event::Opened);
    watched
}

pub(in crate::promises) fn signed_in() -> Watched {
    let mut watched = opened();
    let Outcome::Login(ticket) = watched.tell(Event::LoginStarted) else {
        unreachable!();
    };
    let mut grant = Grant::new("access");
    grant.refresh_token = Some("refresh");
    watched.tell(Event::Granted { ticket, grant });
    assert_eq!(watched.latch.state(), State::Ready);
    watched
}

/// A latch that says it renews, whatever it really does.
pub(in crate::promises) fn renewing() -> Watched {
    let mut watched = signed_in();
    watched.latch.machine.phase = Phase::Refreshing(crate::state::Refreshing::Rechecking);
    watched
}

// promises: P14
#[test]
fn more_orders_than_a_step_may_have_are_seen() {
    let mut watched = Watched::new(Config::new(), 1).unwrap();
    let _ = watched.handle(Now::monotonic(0), Event::Opened).unwrap();
    watched.drained = 2 + 15;
    assert!(watched.poll_effect().unwrap().is_some());
    assert_eq!(watched.drained, 2 + 16);
    let broken = watched.poll_effect().unwrap_err();
    assert_eq!(broken.what, "more effects than a step may have");
}

// promises: P8
#[test]
fn a_permit_is_compared_with_who_is_known_to_wait() {
    let mut watched = opened();
    watched.request(FIRST);
    assert_eq!(
        watched.permit(Now::monotonic(0), FIRST).unwrap().err(),
        Some(PermitError::NotReady)
    );
    assert_eq!(
        watched.permit(Now::monotonic(0), SECOND).unwrap().err(),
        Some(PermitError::Unknown)
    );
    let known = watched.known.pop().unwrap();
    assert_eq!(
        watched.permit_broken(FIRST),
        "a request that never came is said to wait"
    );
    let stranger = Known {
        waiter: SECOND,
        ..known
    };
    watched.known.push(stranger).unwrap();
    assert_eq!(
        watched.permit_broken(SECOND),
        "a waiting request was forgotten"
    );
}

// promises: P1, P8
#[test]
fn a_permit_is_claimed_once_and_checked() {
    let mut watched = signed_in();
    watched.request(FIRST);
    watched.known.first_mut().unwrap().released = false;
    assert_eq!(
        watched.permit_broken(FIRST),
        "a permit for a request that was not released"
    );
    let mut watched = signed_in();
    watched.request(FIRST);
    let permit = watched.permit(Now::monotonic(0), FIRST).unwrap().unwrap();
    assert_eq!(permit.token(), "access");
    assert_eq!(watched.known.len(), 0);
    assert_eq!(
        watched.end(FIRST).unwrap_err().what,
        "a request ended twice, or never came"
    );
}

// promises: P8
#[test]
fn a_refused_permit_ends_its_request() {
    let mut watched = opened();
    watched.request(FIRST);
    let late = Now::monotonic(30_000);
    let refused = watched.permit(late, FIRST).unwrap().err();
    assert!(matches!(refused, Some(PermitError::Refused(_))));
    assert_eq!(watched.known.len(), 0);
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

// promises: P15
#[test]
fn a_timeout_that_is_due_again_at_once_is_seen() {
    let mut watched = signed_in();
    watched.latch.machine.session.as_mut().unwrap().expires_at = 1_000;
    watched.now = 999;
    assert!(watched.check_progress().is_ok());
    watched.now = 1_000;
    let broken = watched.check_progress().unwrap_err();
    assert_eq!(broken.what, "a timeout made no progress");
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

// promises: P15
#[test]
fn time_that_passes_is_checked_on_its_own() {
    let mut watched = signed_in();
    let session = watched.latch.machine.session.as_mut().unwrap();
    session.expires_at = 1_000;
    watched.latch.machine.stamp.sign_in = 0;
    let seen = watched.seen();
    watched.pass_time(Now::monotonic(5)).unwrap();
    assert_eq!((watched.now, watched.seen().state), (5, seen.state));
}

#[test]
fn a_fingerprint_tells_states_apart_on_every_host_alike() {
    let writes: [fn(&mut Fingerprint); 10] = [
        |_| {},
        |hasher| hasher.write(b"ab"),
        |hasher| hasher.write(b"ba"),
        |hasher| hasher.write_u8(1),
        |hasher| hasher.write_u8(2),
        |hasher| hasher.write_u16(0x102),
        |hasher| hasher.write_u32(0x1_0002),
        |hasher| hasher.write_u64(1 << 40),
        |hasher| hasher.write_usize(7),
        |hasher| hasher.write_isize(9),
    ];
    let numbers = writes.map(|write| {
        let mut hasher = Fingerprint(1);
        write(&mut hasher);
        hasher.finish()
    });
    for (index, number) in numbers.iter().enumerate() {
        assert!(!numbers.iter().skip(index + 1).any(|other| other == number));
    }
    for bit in 0..64 {
        let [nothing, one] = [0, 1 << bit].map(|number| {
            let mut hasher = Fingerprint::new();
            hasher.write_u64(number);
            hasher.finish()
        });
        assert_ne!(nothing, one, "bit {bit}");
    }
    assert_eq!(opened().fingerprint(), opened().fingerprint());
    let (mut one, other) = (signed_in(), signed_in());
    assert_eq!(one.fingerprint(), other.fingerprint());
    let mut scoped = Grant::new("access");
    scoped.refresh_token = Some("another");
    one.latch.merge(Some(&scoped));
    assert_ne!(one.fingerprint(), other.fingerprint());
}

// promises: P13
#[test]
fn a_latch_under_watch_is_printed_as_a_latch_is() {
    let watched = signed_in();
    let mut text = heapless::String::<256>::new();
    let mut bare = heapless::String::<256>::new();
    fmt::write(&mut text, format_args!("{watched:?}")).unwrap();
    fmt::write(&mut bare, format_args!("{:?}", watched.latch())).unwrap();
    assert!(text.starts_with("Latch { state: Ready"));
    assert_eq!(text, bare);
}

#[test]
fn a_violation_says_which_promise_and_how() {
    let mut text = heapless::String::<64>::new();
    let broken = ensure(false, Promise::P8, "lost").unwrap_err();
    fmt::write(&mut text, format_args!("{broken}")).unwrap();
    assert_eq!(text, "P8 (waiters): lost");
    assert_eq!(ensure(true, Promise::P8, "lost"), Ok(()));
}

#[test]
fn a_configuration_that_can_not_work_is_refused_here_too() {
    let mut config = Config::new();
    config.budget = 0;
    assert_eq!(
        Watched::new(config, 1).err(),
        Some(ConfigError::Zero("budget"))
    );
}
