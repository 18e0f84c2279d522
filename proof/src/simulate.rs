//! `simulate`: contexts, stores, leases, a network and a server in simulated time, with every fault at random rates.
//!
//! A run is a [`Setup`] and a list of operations: [`replay`] plays it, the same on every machine.

mod counts;
mod happen;
mod host;
mod ledger;
mod ops;
mod parts;
mod random;
mod server;
mod shrink;
mod trouble;
mod weather;
mod world;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

pub use ops::Act;
pub use ops::Fault;
pub use ops::Op;
pub use ops::Post;
pub use ops::Sessions;
pub use ops::Setup;
pub use ops::Trip;

use counts::Counts;
use counts::Row;
use weather::CALM;
use weather::STRETCH;
use world::World;

/// How long a renewal that is under way may take, when everything is well.
pub(crate) const PATIENCE: u64 = 30_000;
const HOUR: u64 = 3_600_000;
/// A longer run is several worlds, each with a seed of its own.
const WORLD_HOURS: u64 = 200;

/// What to simulate.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the words of the command")]
pub struct Plan {
    /// Of the first world; the next one has the next number.
    pub seed: u64,
    /// Simulated hours, of all worlds together.
    pub hours: u64,
    /// Contexts in each world.
    pub contexts: usize,
    /// Stores in each world, each with its lease.
    pub domains: usize,
    /// The stores do what they are told.
    pub sound: bool,
    /// Worlds that are played at a time.
    pub threads: usize,
    /// Prints every step, of one world after the other.
    pub transcript: bool,
}

/// What went wrong first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "when and what")]
pub struct Failure {
    /// Simulated time.
    pub at: u64,
    /// The same for every run that fails in the same way.
    pub what: String,
    /// Where.
    pub detail: String,
}

/// What a run was: a number that is the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct Trace {
    /// Of every event, its outcome and its time.
    pub hash: u64,
    /// How many events were told.
    pub events: u64,
}

/// Plays these operations, and half an hour more.
///
/// # Errors
///
/// What went wrong first.
pub fn replay(setup: &Setup, ops: &[Op]) -> Result<Trace, Failure> {
    let world = guarded(World::new(*setup), |world| {
        world.open();
        world.play(ops);
        let end = ops.last().map_or(setup.start, |(at, ..)| *at);
        world.run_until(end + CALM + PATIENCE);
    });
    match world.failure {
        None => Ok(Trace {
            hash: world.hash,
            events: world.counts.of(Row::Events),
        }),
        Some(failure) => Err(failure),
    }
}

/// Goes on with a world; a panic of the latch is a failure too.
fn guarded(mut world: World, go_on: impl FnOnce(&mut World)) -> World {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| go_on(&mut world))) {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        world.fail("P14: a panic", text.unwrap_or_default());
    }
    world
}

/// Plays what a seed says, for so many hours.
fn play(setup: &Setup, hours: u64, transcript: bool) -> World {
    let mut world = World::new(*setup);
    world.transcript = transcript;
    guarded(world, |world| {
        world.open();
        let mut number = 0;
        while world.failure.is_none() && number * STRETCH < hours * HOUR {
            world.play(&weather::stretch(setup, number));
            number += 1;
            // The last peace of a stretch ends with it.
            world.run_until(number * STRETCH);
        }
        let context_hours = hours * world.contexts.len() as u64;
        world.counts.add_many(Row::ContextHours, context_hours);
    })
}

/// One world of a run, once it was played.
struct Played {
    setup: Setup,
    hours: u64,
    counts: Counts,
    hash: u64,
    failure: Option<Failure>,
}

impl Plan {
    /// How many worlds there are.
    const fn worlds(&self) -> u64 {
        self.hours.div_ceil(WORLD_HOURS)
    }

    fn play(&self, number: u64) -> Played {
        let setup = Setup {
            sound: self.sound,
            ..Setup::drawn(self.seed + number, self.contexts, self.domains)
        };
        let hours = (self.hours - number * WORLD_HOURS).min(WORLD_HOURS);
        let world = play(&setup, hours, self.transcript);
        Played {
            setup,
            hours,
            counts: world.counts,
            hash: world.hash,
            failure: world.failure,
        }
    }

    /// Plays the worlds, several at a time; no more of them once one has failed. In the order of their numbers.
    fn play_all(&self) -> Vec<Played> {
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let some = || {
            let mut played = Vec::new();
            while !failed.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.worlds() {
                    break;
                }
                let world = self.play(number);
                failed.fetch_or(world.failure.is_some(), Ordering::Relaxed);
                played.push(world);
            }
            played
        };
        let threads = if self.transcript {
            1
        } else {
            self.threads.max(1)
        };
        let mut all: Vec<Played> = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
            let ended = threads.into_iter().map(thread::ScopedJoinHandle::join);
            ended.flat_map(Result::unwrap_or_default).collect()
        });
        all.sort_by_key(|world| world.setup.seed);
        all
    }
}

/// Runs the plan and prints what it counted.
///
/// # Errors
///
/// A broken promise: its seed, the shortest list of operations that was found for it, and a test that fails.
pub fn run(plan: &Plan) -> Result<(), Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let played = plan.play_all();
    let (mut counts, mut hash) = (Counts::default(), 0u64);
    for world in &played {
        if let Some(failure) = &world.failure {
            return Err(broken(&world.setup, failure, world.hours).into());
        }
        counts.join(&world.counts);
        hash = hash.rotate_left(1) ^ world.hash;
    }
    if played.len() as u64 != plan.worlds() {
        return Err("a thread ended before its worlds".into());
    }
    for (what, count) in counts.lines() {
        println!("| {what} | {count} |");
    }
    let seconds = begin.elapsed().as_secs_f64();
    eprintln!(
        "seed {}, {} h, {} contexts, {} domains: {} events, {seconds:.1} s, hash {hash:016x}",
        plan.seed,
        plan.hours,
        plan.contexts,
        plan.domains,
        counts.of(Row::Events),
    );
    Ok(())
}

/// What is said of a failure.
fn broken(setup: &Setup, failure: &Failure, hours: u64) -> String {
    let stretches = failure.at / STRETCH;
    let small = shrink::smallest(setup, stretches, failure);
    let again = format!(
        "cargo xtask simulate --seed {} --hours {hours} --contexts {} --domains {}{}",
        setup.seed,
        setup.contexts,
        setup.domains,
        if setup.sound { " --sound-store" } else { "" }
    );
    let test = small.as_ref().map_or_else(
        || "no shorter list fails in the same way".to_owned(),
        |small| shrink::test(small, failure, &again),
    );
    format!(
        "seed {}: {} ({}), at {} ms\nagain: {again}\nas a test, for proof/tests:\n\n{test}",
        setup.seed, failure.what, failure.detail, failure.at
    )
}
