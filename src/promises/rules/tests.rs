//! Each rule is shown what breaks it, and what just does not.

mod orders;

use super::super::checked::tests::FIRST;
use super::super::checked::tests::SECOND;
use super::super::checked::tests::Watched;
use super::super::checked::tests::opened;
use super::super::checked::tests::renewing;
use super::super::checked::tests::signed_in;
use super::*;
use crate::config::Config;
use crate::event::Access;
use crate::state::Gate;
use crate::state::Order;
use crate::state::Phase;
use crate::state::Refreshing;

fn what(done: Result<(), Violation>) -> Result<(), &'static str> {
    done.map_err(|broken| broken.what)
}

const KNOWN: Known = Known {
    waiter: FIRST,
    sign_in: None,
    before: None,
    released: true,
};

fn permit(watched: &Watched, known: Known, receipt: Receipt) -> Result<(), &'static str> {
    what(watched.check_permit(Some(known), true, receipt, 6))
}

// promises: P1, P7, P8
#[test]
fn a_permit_is_for_a_released_request_and_bears_its_token() {
    let watched = signed_in();
    let first = Receipt::new(1, 1, false);
    let closed = watched.check_permit(Some(KNOWN), false, first, 6);
    assert_eq!(what(closed), Err("a permit while the gate is closed"));
    let shut = opened().check_permit(Some(KNOWN), true, first, 6);
    assert_eq!(what(shut), Err("the gate is open in a closed state"));
    let empty = watched.check_permit(Some(KNOWN), true, first, 0);
    assert_eq!(what(empty), Err("a permit without a token"));
    let nobody = watched.check_permit(None, true, first, 6);
    assert_eq!(
        what(nobody),
        Err("a permit for a request that does not wait")
    );
    let early = Known {
        released: false,
        ..KNOWN
    };
    assert_eq!(
        permit(&watched, early, first),
        Err("a permit for a request that was not released")
    );
    let since = watched.latch.machine().since;
    let mine = Known {
        sign_in: Some(since),
        ..KNOWN
    };
    assert_eq!(permit(&watched, mine, first), Ok(()));
    let other = Known {
        sign_in: Some(since + 1),
        ..KNOWN
    };
    assert_eq!(
        permit(&watched, other, first),
        Err("a request leaves under another sign-in")
    );
    let mut ambient = signed_in();
    ambient.latch.machine.config.credential = Credential::Ambient;
    assert_eq!(
        what(ambient.check_permit(Some(KNOWN), true, first, 0)),
        Ok(())
    );
}

// promises: P9
#[test]
fn attempts_are_counted_and_bounded() {
    let watched = signed_in();
    let attempt = |n| Receipt::new(1, n, false);
    let after = |before| Known {
        before: Some(before),
        ..KNOWN
    };
    assert_eq!(permit(&watched, KNOWN, attempt(1)), Ok(()));
    assert_eq!(
        permit(&watched, KNOWN, attempt(2)),
        Err("a first attempt is not counted as such")
    );
    let older = Receipt::new(0, 2, false);
    assert_eq!(permit(&watched, after(older), attempt(3)), Ok(()));
    assert_eq!(
        permit(&watched, after(older), attempt(2)),
        Err("an attempt was not counted")
    );
    let oldest = Receipt::new(0, 3, false);
    assert_eq!(
        permit(&watched, after(oldest), attempt(4)),
        Err("more attempts than allowed")
    );
}

// promises: P9
#[test]
fn one_credential_is_tried_twice_at_most() {
    let watched = signed_in();
    let before = |again| Known {
        before: Some(Receipt::new(1, 1, again)),
        ..KNOWN
    };
    assert_eq!(
        permit(&watched, before(false), Receipt::new(1, 2, true)),
        Ok(())
    );
    let unmarked = Err("a retry under the same generation is not marked");
    assert_eq!(
        permit(&watched, before(false), Receipt::new(1, 2, false)),
        unmarked
    );
    let twice = Err("a request is retried twice under one generation");
    assert_eq!(
        permit(&watched, before(true), Receipt::new(1, 2, true)),
        twice
    );
    assert_eq!(
        permit(&watched, before(true), Receipt::new(2, 2, false)),
        Ok(())
    );
}

// promises: P1
#[test]
fn an_open_gate_implies_a_live_token_that_was_not_refused() {
    let mut watched = signed_in();
    assert_eq!(what(watched.check_gate()), Ok(()));
    let now = watched.now;
    watched.latch.machine.session.as_mut().unwrap().expires_at = now + 1;
    assert_eq!(what(watched.check_gate()), Ok(()));
    watched.latch.machine.session.as_mut().unwrap().expires_at = now;
    assert_eq!(
        what(watched.check_gate()),
        Err("the gate is open with an expired token")
    );
    let mut watched = signed_in();
    watched.latch.machine.session.as_mut().unwrap().refused = true;
    assert_eq!(
        what(watched.check_gate()),
        Err("the gate is open with a refused token")
    );
    let mut watched = renewing();
    let unasked = Err("open while refreshing, and the host did not ask for it");
    assert_eq!(what(watched.check_gate()), unasked);
    watched.latch.machine.config.serve_while_refreshing = true;
    assert_eq!(what(watched.check_gate()), Ok(()));
    assert_eq!(
        what(opened().check_gate()),
        Err("the gate is open in a closed state")
    );
}

// promises: P8
#[test]
fn a_request_is_rejected_for_a_reason_that_is_there() {
    let mut watched = opened();
    watched.request(FIRST);
    let request = |waiter| Event::AccessRequested {
        waiter,
        access: Access::First,
    };
    let full = Rejected::QueueFull;
    assert_eq!(
        what(watched.check_rejected(&request(FIRST), full, 2)),
        Ok(())
    );
    assert_eq!(
        what(watched.check_rejected(&request(FIRST), full, 1)),
        Err("full with room left")
    );
    let twice = Rejected::DuplicateWaiter;
    assert_eq!(
        what(watched.check_rejected(&request(FIRST), twice, 1)),
        Ok(())
    );
    assert_eq!(
        what(watched.check_rejected(&request(SECOND), twice, 1)),
        Err("not a duplicate")
    );
    assert_eq!(
        what(watched.check_rejected(&Event::Opened, twice, 1)),
        Err("not a request")
    );
    assert_eq!(
        what(watched.check_rejected(&Event::Opened, Rejected::NotOpened, 1)),
        Ok(())
    );
}

// promises: P1, P8
#[test]
fn requests_are_released_in_their_order_while_the_gate_is_open() {
    let mut shut = opened();
    let closed = Err("a release while the gate is closed");
    assert_eq!(what(shut.check_release(FIRST)), closed);
    let receipt = Receipt::new(1, 1, false);
    for (released, before, second) in [
        (
            false,
            None,
            Err("a request was released before an earlier one"),
        ),
        (true, None, Ok(())),
        (false, Some(receipt), Ok(())),
    ] {
        let mut watched = signed_in();
        for waiter in [FIRST, SECOND] {
            let known = Known {
                waiter,
                released: false,
                ..KNOWN
            };
            watched.known.push(known).unwrap();
        }
        let first = watched.known.first_mut().unwrap();
        (first.released, first.before) = (released, before);
        assert_eq!(what(watched.check_release(SECOND)), second);
        assert_eq!(watched.known.last().unwrap().released, second.is_ok());
    }
}

// promises: P5, P6, P11
#[test]
fn what_must_hold_after_every_call() {
    let watched = signed_in();
    let seen = watched.seen();
    assert_eq!(what(watched.look(seen)), Ok(()));
    let mut before = seen;
    before.generation.serial += 1;
    assert_eq!(what(watched.look(before)), Err("the generation went back"));
    let before = Seen {
        version: seen.version + 1,
        ..seen
    };
    assert_eq!(
        what(watched.look(before)),
        Err("the credential's number went back")
    );

    let mut ended = signed_in();
    ended.latch.machine.phase = opened().latch.machine.phase;
    ended.latch.machine.session = None;
    assert_eq!(
        what(ended.look(seen)),
        Err("a session ended without evidence")
    );
    ended.evidence = true;
    assert_eq!(
        what(ended.look(seen)),
        Err("a session ended and a secret is left")
    );
    ended.latch.wipe();
    assert_eq!(what(ended.look(seen)), Ok(()));
    ended.evidence = false;
    let before = Seen {
        session: false,
        ..seen
    };
    assert_eq!(what(ended.look(before)), Ok(()));
}

// promises: P1, P2, P15
#[test]
fn what_must_hold_in_a_state() {
    let mut watched = signed_in();
    watched.latch.machine.config.confirmation = Confirmation::Probed;
    let seen = watched.seen();
    assert_eq!(what(watched.look(seen)), Ok(()));
    let before = Seen {
        state: State::Pending,
        ..seen
    };
    assert_eq!(what(watched.look(before)), Err("ready without a probe"));
    let mut watched = signed_in();
    watched.latch.machine.config.serve_while_refreshing = true;
    let order = Order {
        ticket: 8,
        deadline: crate::time::NEVER,
        told: true,
    };
    watched.latch.machine.session.as_mut().unwrap().expires_at = crate::time::NEVER;
    watched.latch.machine.phase = Phase::Refreshing(Refreshing::Exchanging(order, Gate::Closed));
    assert_eq!(what(watched.look(seen)), Err("an order without a deadline"));
    let mut watched = signed_in();
    watched.now = crate::time::NEVER;
    watched.latch.machine.session.as_mut().unwrap().expires_at = 1_000_000;
    assert_eq!(
        what(watched.look(seen)),
        Err("the gate is open with an expired token")
    );
}

// promises: P2
#[test]
fn ready_is_confirmed_to_the_level_that_the_host_chose() {
    let stored = Proof {
        stored: true,
        ..Proof::NONE
    };
    let read_back = Proof {
        read_back: true,
        ..Proof::NONE
    };
    let probed = Proof {
        probed: true,
        ..Proof::NONE
    };
    let both = Proof {
        probed: true,
        read_back: true,
        ..Proof::NONE
    };
    let found = Proof {
        from_store: true,
        ..Proof::NONE
    };
    let none = Proof::NONE;
    let unstored = Err("ready, not stored, and not said to be volatile");
    let unread = Err("ready, not read back, and not said to be volatile");
    let unprobed = Err("ready without a probe");
    let cases = [
        (Confirmation::Memory, none, Ok(())),
        (Confirmation::Stored, none, unstored),
        (Confirmation::Stored, read_back, unstored),
        (Confirmation::Stored, stored, Ok(())),
        (Confirmation::Stored, found, Ok(())),
        (Confirmation::ReadBack, stored, unread),
        (Confirmation::ReadBack, read_back, Ok(())),
        (Confirmation::Probed, read_back, unprobed),
        (Confirmation::Probed, probed, unread),
        (Confirmation::Probed, both, Ok(())),
    ];
    for (confirmation, proof, expected) in cases {
        let mut watched = signed_in();
        watched.latch.machine.config.store = true;
        watched.latch.machine.config.confirmation = confirmation;
        watched.proof = proof;
        assert_eq!(
            what(watched.check_confirmed()),
            expected,
            "{confirmation:?} {proof:?}"
        );
        watched.latch.machine.config.store = false;
        let bare = if expected == unprobed {
            unprobed
        } else {
            Ok(())
        };
        assert_eq!(
            what(watched.check_confirmed()),
            bare,
            "{confirmation:?} {proof:?}"
        );
    }
    let mut config = Config::new();
    config.confirmation = Confirmation::Stored;
    assert!(config.validate().is_ok());
}
