//! What is written is read as it was.

use tokenlatch::Now;
use tokenlatch::State;
use tokenlatch::Waiter;
use tokenlatch::recording::Entry;

use crate::support::claims;
use crate::support::effects;
use crate::support::entries;
use crate::support::outcomes;
use crate::support::plain_events;
use crate::support::written;

#[test]
fn every_fact_is_read_as_it_was_told() {
    let events = plain_events();
    for outcome in outcomes() {
        let (bytes, _) = written(1 << 14, |latch, recorder| {
            for (at, event) in events.iter().enumerate() {
                // Forwards and backwards, with and without a wall clock.
                let now = match at % 3 {
                    0 => Now::monotonic(at as u64),
                    1 => Now::new(u64::MAX - at as u64, at as u64),
                    _ => Now::new(at as u64, 1_700_000_000_000),
                };
                recorder.told(latch, now, event, outcome);
            }
        });
        let read = entries(&bytes);
        assert_eq!(read.len(), events.len());
        for (at, (read, event)) in read.into_iter().zip(&events).enumerate() {
            let Ok(Entry::Told {
                now,
                fact,
                outcome: read,
                state,
                ..
            }) = read
            else {
                panic!("{event:?}: {read:?}");
            };
            assert_eq!(fact.kind(), event.kind());
            assert_eq!(fact.event(0, &mut []), Some(*event), "{event:?}");
            assert_eq!((read, state), (outcome, State::Unauthenticated));
            let wall = [None, Some(at as u64), Some(1_700_000_000_000)][at % 3];
            assert_eq!(now.wall, wall, "{event:?}");
            // A fact is known by its kind and by nothing secret.
            assert_eq!(format!("{fact:?}"), format!("Fact({:?})", event.kind()));
        }
    }
}

#[test]
fn every_effect_and_claim_is_read_as_it_was_given() {
    let (effects, claims) = (effects(), claims());
    let waiter = Waiter::from_u32(7);
    let (bytes, _) = written(1 << 14, |latch, recorder| {
        for effect in &effects {
            recorder.given(*effect);
        }
        for claim in &claims {
            recorder.claimed(latch, Now::monotonic(3), waiter, *claim);
        }
    });
    let mut read = entries(&bytes).into_iter();
    for effect in effects {
        assert_eq!(read.next(), Some(Ok(Entry::Given(effect))));
    }
    for claim in claims {
        let Some(Ok(Entry::Claimed {
            waiter: read,
            receipt,
            ..
        })) = read.next()
        else {
            panic!("no claim: {claim:?}");
        };
        assert_eq!((read, receipt), (waiter, claim));
    }
    assert_eq!(read.next(), None);
}
