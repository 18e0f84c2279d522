//! The invariant of `src/verify/invariant.rs` keeps itself: from any machine in which it holds, whatever is told, and at any
//! time. Here the machines, events and times are drawn at random, which shows nothing for those not drawn.
// promises: P1, P2, P3, P4, P5, P6, P7, P8, P9, P11, P15

use std::collections::BTreeSet;

use tokenlatch::verify::Call;
use tokenlatch::verify::Case;
use tokenlatch::verify::EVENTS;
use tokenlatch::verify::OPERATIONS;
use tokenlatch::verify::PHASES;
use tokenlatch::verify::SYNCS;
use tokenlatch::verify::Source;
use tokenlatch::verify::check;
use tokenlatch::verify::check_queue;

/// Draws for each call in each case; a deep search takes more of them.
const DRAWS: u64 = 400;

/// Numbers that are often the same, and at the ends of what fits.
const USUAL: [u64; 12] = [
    1,
    2,
    3,
    5,
    8,
    1_000,
    1_001,
    30_000,
    60_000,
    1_000_000,
    u32::MAX as u64,
    u64::MAX,
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Source for Random {
    fn number(&mut self) -> u64 {
        let drawn = self.next();
        match drawn % 16 {
            0 => 0,
            1 => drawn >> 8,
            _ => USUAL[(drawn >> 8) as usize % USUAL.len()],
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
}

/// Every call in every case.
fn calls() -> impl Iterator<Item = (Call, Case)> {
    let kinds = [Call::Init, Call::Observe, Call::Poll, Call::Claim]
        .into_iter()
        .chain((0..EVENTS).map(Call::Tell));
    kinds.flat_map(|call| {
        (0..PHASES).flat_map(move |phase| {
            (0..SYNCS).flat_map(move |sync| {
                (0..3).map(move |waiting| {
                    (
                        call,
                        Case {
                            phase,
                            sync,
                            waiting,
                        },
                    )
                })
            })
        })
    })
}

#[test]
fn no_drawn_call_breaks_the_invariant_or_does_what_it_must_not() {
    let mut judged = 0_u64;
    let mut broken = BTreeSet::new();
    for (at, (call, case)) in calls().enumerate() {
        for draw in 0..DRAWS {
            let mut random = Random(draw ^ ((at as u64) << 32));
            match check::<2>(call, case, &mut random) {
                None => {}
                Some(0) => judged += 1,
                Some(number) => {
                    broken.insert(format!("{number} after {call:?} from {case:?}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(judged > 100_000, "only {judged} calls were judged");
}

#[test]
fn every_kind_of_call_is_judged() {
    let mut silent: BTreeSet<_> = (0..EVENTS).collect();
    for (at, (call, case)) in calls().enumerate() {
        let Call::Tell(kind) = call else { continue };
        for draw in 0..DRAWS * 50 {
            if !silent.contains(&kind) {
                break;
            }
            if check::<2>(call, case, &mut Random(draw ^ ((at as u64) << 32))).is_some() {
                silent.remove(&kind);
            }
        }
    }
    assert!(silent.is_empty(), "never judged: {silent:?}");
}

#[test]
fn no_drawn_operation_of_a_queue_loses_or_doubles_a_request() {
    let mut broken = BTreeSet::new();
    for operation in 0..OPERATIONS {
        for waiting in 0..=8 {
            for draw in 0..DRAWS {
                let mut random = Random(draw ^ (u64::from(operation) << 32) ^ (waiting << 40));
                let number = check_queue::<8>(operation, waiting as u8, &mut random);
                if number > 0 {
                    broken.insert((number, operation));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
