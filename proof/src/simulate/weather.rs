//! The operations of a run, drawn from its seed: stretches of trouble, each with its own rates and followed by peace.

use super::ops::Act;
use super::ops::Fault;
use super::ops::Op;
use super::ops::Post;
use super::ops::Sessions;
use super::ops::Setup;
use super::ops::Trip;
use super::random::Random;

/// Trouble for so long,
const STORMY: u64 = 50 * 60_000;
/// then peace.
pub(crate) const CALM: u64 = 30 * 60_000;
pub(crate) const STRETCH: u64 = STORMY + CALM;

impl Setup {
    /// What the seed says, for so many contexts and domains.
    pub(crate) fn drawn(seed: u64, contexts: usize, domains: usize) -> Self {
        let mut random = Random::of(&[seed, 1]);
        Self {
            seed,
            start: 0,
            contexts,
            domains: domains.min(contexts),
            read_back: random.chance(500),
            serves: random.chance(300),
            rotates: random.chance(800),
            grace: if random.chance(500) { 10_000 } else { 0 },
            budget: if random.chance(500) { 10 } else { 40 },
            sound: false,
        }
    }
}

/// The kinds of trouble. Each stretch gives each a weight of its own, a third of them none.
const KINDS: usize = 22;

/// The operations of one stretch, in their order.
pub(crate) fn stretch(setup: &Setup, number: u64) -> Vec<Op> {
    let mut random = Random::of(&[setup.seed, 2, number]);
    let begin = number * STRETCH;
    let mut ops = Vec::new();
    for context in 0..setup.contexts {
        let pause = random.between(20_000, 200_000);
        let mut at = begin + random.below(2_000);
        while at < begin + STRETCH {
            ops.push((at, context, Act::Request));
            at += 1 + random.below(2 * pause);
        }
    }
    let mut weights = [0; KINDS];
    for weight in &mut weights {
        if random.chance(667) {
            *weight = random.between(1, 8);
        }
    }
    let most = 10 + 5 * u64::try_from(setup.contexts).unwrap_or(0);
    for _ in 0..random.below(most) {
        let at = begin + random.below(STORMY);
        let context = random.index(setup.contexts);
        trouble(setup, &mut random, &weights, (at, context), &mut ops);
    }
    ops.retain(|(.., act)| !(setup.sound && act.is_of_store()));
    ops.push((begin + STORMY, 0, Act::Peace));
    ops.sort_by_key(|(at, ..)| *at);
    ops
}

/// The kind of the next trouble.
fn kind(random: &mut Random, weights: &[u64; KINDS]) -> usize {
    let mut rest = random.below(weights.iter().sum());
    for (kind, weight) in weights.iter().enumerate() {
        if rest < *weight {
            return kind;
        }
        rest -= weight;
    }
    0
}

fn trouble(
    setup: &Setup,
    random: &mut Random,
    weights: &[u64; KINDS],
    (at, context): (u64, usize),
    ops: &mut Vec<Op>,
) {
    let act = match kind(random, weights) {
        0 => Act::Freeze(random.between(1_000, 1_200_000)),
        1 => Act::Offline(random.between(1_000, 400_000)),
        2 => Act::Restart,
        3 => Act::Crash(random.small(1, 12)),
        4 => Act::Logout,
        5 => Act::Down(random.between(1_000, 120_000)),
        6 if random.chance(300) => Act::Refuse(random.between(1_000, 60_000)),
        6 => Act::ExpireAccess,
        7 => Act::EndSession,
        8 => {
            // A day's steps, and the small ones of a clock that is kept in time.
            let far = random.below(7_200_000).cast_signed() - 3_600_000;
            Act::Clock(if random.chance(500) { far } else { far / 600 })
        }
        9 => Act::LeaseLost,
        10 => Act::LeaseDenied,
        11 => Act::LeaseSilent,
        12 => Act::Cut(random.between(1_000, 200_000)),
        13 => Act::Deaf(random.between(10_000, 1_200_000)),
        14 => Act::StoreCut(random.between(1_000, 60_000)),
        15 => Act::Write(fault(random), random.small(1, 4)),
        16 => Act::Read(fault(random), random.small(1, 4)),
        17 => Act::Token(match random.below(3) {
            0 => Trip::NotSent,
            1 => Trip::Lost,
            _ => Trip::Late,
        }),
        18 => Act::Announce(match random.below(3) {
            0 => Post::Lost,
            1 => Post::Doubled,
            _ => Post::Late,
        }),
        19 => {
            return crowd(setup, random, at, ops);
        }
        20 => {
            ops.push((at, context, Act::User(random.small(0, 1))));
            if random.chance(300) {
                // Twice, as an impatient user does.
                ops.push((at + random.below(200), context, Act::Login));
                Act::Login
            } else {
                Act::ServerRestart(if random.chance(200) {
                    Sessions::Forgotten
                } else {
                    Sessions::Kept
                })
            }
        }
        _ => match random.below(3) {
            0 => {
                for number in 0..random.below(20) {
                    ops.push((at + 500 * number, context, Act::Renew));
                }
                Act::Renew
            }
            1 => {
                // The gate is closed while the token is renewed.
                ops.push((at, context, Act::Renew));
                ops.push((at + 1, context, Act::Burst(random.small(1, 6))));
                return ops.push((at + 2 + random.below(20), context, Act::Cancel));
            }
            _ => Act::Burst(random.small(2, 14)),
        },
    };
    ops.push((at, context, act));
}

fn fault(random: &mut Random) -> Fault {
    match random.below(6) {
        0 => Fault::Flipped,
        5 => Fault::Fails,
        1 => Fault::Torn,
        2 => Fault::Lies,
        3 => Fault::Silent,
        _ => Fault::Late,
    }
}

/// Everybody loses the network, and everybody is back in the same millisecond with a handful of requests.
fn crowd(setup: &Setup, random: &mut Random, at: u64, ops: &mut Vec<Op>) {
    let duration = random.between(1_000, 400_000);
    let requests = random.small(1, 10);
    for context in 0..setup.contexts {
        ops.push((at, context, Act::Offline(duration)));
        ops.push((at + duration, context, Act::Burst(requests)));
    }
}
