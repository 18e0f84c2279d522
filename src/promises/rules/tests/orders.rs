//! What was ordered, and which answers are to it.

use super::super::super::checked::tests::FIRST;
use super::super::super::checked::tests::Watched;
use super::super::super::checked::tests::opened;
use super::super::super::checked::tests::renewing;
use super::super::super::checked::tests::signed_in;
use super::super::*;
use super::what;
use crate::event::ProbeResult;
use crate::grant::Grant;
use crate::renewal::TokenFailure;
use crate::state::Gate;
use crate::state::Order;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::why::Cause;

// promises: P4
#[test]
fn only_the_answer_to_an_order_under_way_is_taken() {
    let mut watched = opened();
    let tickets = [1, 2, 3, 4, 5, 6, 7].map(Ticket);
    let [login, exchange, load, store, probe, lease, revocation] = tickets;
    watched.orders = super::super::super::checked::Orders {
        login: Some(login),
        exchange: Some(exchange),
        load: Some(load),
        store: Some(store),
        probe: Some(probe),
        lease: Some(lease),
        revocation: Some(revocation),
    };
    let result = ProbeResult::Accepted;
    let failure = TokenFailure::NotSent;
    for ticket in tickets {
        let grant = Grant::new("a");
        let cases: [(Event<'_>, &[Ticket]); 13] = [
            (Event::Granted { ticket, grant }, &[login, exchange]),
            (
                Event::TokenFailed {
                    ticket,
                    failure,
                    retry_after: None,
                },
                &[login, exchange],
            ),
            (
                Event::Loaded {
                    ticket,
                    record: None,
                },
                &[load],
            ),
            (Event::LoadFailed { ticket }, &[load]),
            (Event::Stored { ticket }, &[store]),
            (Event::StoreFailed { ticket }, &[store]),
            (Event::Probed { ticket, result }, &[probe]),
            (Event::LeaseGranted { ticket }, &[lease]),
            (Event::LeaseDenied { ticket }, &[lease]),
            (Event::LeaseLost { ticket }, &[lease]),
            (Event::Revoked { ticket }, &[revocation]),
            (Event::RevokeFailed { ticket }, &[revocation]),
            (Event::TimeoutReached, &tickets),
        ];
        for (event, known) in cases {
            let expected = if known.contains(&ticket) {
                Ok(())
            } else {
                Err("an answer with an unknown id was taken")
            };
            assert_eq!(what(watched.check_ticket(&event)), expected, "{event:?}");
        }
    }
}

// promises: P4
#[test]
fn orders_are_noted_by_their_tickets() {
    let mut watched = signed_in();
    let mut order = |effect| what(watched.check_effect(effect));
    let [load, store, lease, probe, revocation] = [1, 2, 3, 4, 5].map(Ticket);
    assert_eq!(order(Effect::Load { ticket: load }), Ok(()));
    assert_eq!(order(Effect::Store { ticket: store }), Ok(()));
    assert_eq!(order(Effect::AcquireLease { ticket: lease }), Ok(()));
    assert_eq!(order(Effect::Probe { ticket: probe }), Ok(()));
    assert_eq!(order(Effect::Revoke { ticket: revocation }), Ok(()));
    assert_eq!(order(Effect::Announce), Ok(()));
    let (waiter, cause) = (FIRST, Cause::SignedOut);
    let refused = order(Effect::Refuse { waiter, cause });
    assert_eq!(refused, Err("a request ended twice, or never came"));
    let released = order(Effect::Release { waiter });
    assert_eq!(released, Err("a release for a request that does not wait"));
    assert_eq!(watched.orders.load, Some(load));
    assert_eq!(watched.orders.store, Some(store));
    assert_eq!(watched.orders.lease, Some(lease));
    assert_eq!(watched.orders.probe, Some(probe));
    assert_eq!(watched.orders.revocation, Some(revocation));
}

/// Says that a token request was ordered now.
fn send(watched: &mut Watched, now: u64) -> Result<(), &'static str> {
    let timeout = u64::from(watched.latch.config().token_timeout_ms);
    let order = Order {
        ticket: 8,
        deadline: now.saturating_add(timeout),
        told: true,
    };
    watched.now = now;
    watched.latch.machine.phase = Phase::Refreshing(Refreshing::Exchanging(order, Gate::Closed));
    what(watched.check_sending(Ticket(8)))
}

// promises: P3
#[test]
fn a_token_request_is_alone_until_it_is_answered_or_too_late() {
    let mut watched = renewing();
    assert_eq!(send(&mut watched, 0), Ok(()));
    assert_eq!(watched.orders.exchange, Some(Ticket(8)));
    assert_eq!(watched.outstanding, Some(30_000));
    let second = Err("a second token request while one is outstanding");
    assert_eq!(send(&mut watched, 29_999), second);
    assert_eq!(send(&mut watched, 30_000), Ok(()));
}

// promises: P10
#[test]
fn token_requests_in_a_window_are_counted() {
    for (gap, third) in [
        (29_999, Err("more token requests than the budget")),
        (30_000, Ok(())),
    ] {
        let mut watched = renewing();
        watched.latch.machine.config.budget = 2;
        assert_eq!(send(&mut watched, 0), Ok(()));
        watched.outstanding = None;
        assert_eq!(send(&mut watched, 30_000), Ok(()));
        watched.outstanding = None;
        assert_eq!(send(&mut watched, 30_000 + gap), third);
    }
    // A larger budget is checked as far as is remembered.
    let mut watched = renewing();
    watched.latch.machine.config.budget = 255;
    for _ in 0..super::super::super::checked::REMEMBERED {
        watched.outstanding = None;
        assert_eq!(send(&mut watched, 0), Ok(()));
    }
    watched.outstanding = None;
    assert_eq!(send(&mut watched, 7), Ok(()));
    assert_eq!(watched.sent.back(), Some(&7));
    assert_eq!(watched.sent.len(), super::super::super::checked::REMEMBERED);
}
