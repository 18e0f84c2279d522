//! Thousands of interleavings: clients that give up at any point, a person, faults, and a runner that is restarted.
//!
//! With the private feature `_verify` the latch inside checks every promise at every step; the world checks what it
//! can see from outside. `GATE_SEEDS` says how many seeds are tried.

use core::cell::Cell;
use std::env;

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::TokenFailure;
use tokenlatch::Waiting;
use tokenlatch::gate::GateError;

use crate::executor::Chance;
use crate::executor::Executor;
use crate::executor::Time;
use crate::executor::polled_at_most;
use crate::life::run;
use crate::world::TestGate;
use crate::world::WAITERS;
use crate::world::Weather;
use crate::world::World;
use crate::world::check;
use crate::world::gate;
use crate::world::grant;
use crate::world::quick;
use crate::world::with_lease;

/// What became of the requests of all clients.
#[derive(Debug, Default)]
struct Tally {
    begun: Cell<u32>,
    answered: Cell<u32>,
    refused: Cell<u32>,
    full: Cell<u32>,
    cancelled: Cell<u32>,
    retried: Cell<u32>,
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

/// One request with its retries; how often it may be sent is the latch's affair.
async fn request(gate: &TestGate<'_>, world: &World<'_>, tally: &Tally) -> Result<(), GateError> {
    let mut request = gate.request()?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        assert!(attempts <= gate.inspect(|latch| latch.config().max_attempts)?);
        // A future that is dropped leaves the request where it is.
        if world.chance.is(20) {
            let polls = 1 + world.chance.below(2);
            if let Some(ended) = polled_at_most(polls, request.permit(|_| ())).await {
                // It left after all, and is dropped without an answer.
                return ended;
            }
        }
        let token = request.permit(|permit| world.leaves(&permit)).await?;
        assert_eq!(request.try_permit(|_| ()), Err(GateError::OutOfTurn));
        world.time.sleep(world.chance.below(200)).await;
        let status = match world.chance.below(20) {
            0 => 503,
            1 => 403,
            _ => world.status(&token),
        };
        let challenge = match world.chance.below(20) {
            0 => ChallengeKind::InsufficientScope,
            1 => ChallengeKind::UseDpopNonce,
            _ => ChallengeKind::InvalidToken,
        };
        let answered = request.answered(status, challenge)?;
        assert_eq!(
            request.answered(status, challenge),
            Err(GateError::OutOfTurn)
        );
        match answered {
            Outcome::Retry => count(&tally.retried),
            Outcome::Surface(cause) => return Err(GateError::Refused(cause)),
            Outcome::Deliver | Outcome::Stale => return Ok(()),
            other => panic!("{other:?} to an answer"),
        }
    }
}

async fn client(gate: &TestGate<'_>, world: &World<'_>, tally: &Tally, requests: u32) {
    for _ in 0..requests {
        world.time.sleep(world.chance.below(3_000)).await;
        count(&tally.begun);
        let polls = if world.chance.is(30) {
            world.chance.below(6)
        } else {
            u64::MAX
        };
        match polled_at_most(polls, request(gate, world, tally)).await {
            None => count(&tally.cancelled),
            Some(Ok(())) => count(&tally.answered),
            Some(Err(GateError::Refused(_))) => count(&tally.refused),
            Some(Err(GateError::Rejected(Rejected::QueueFull))) => count(&tally.full),
            Some(Err(error)) => panic!("{error}"),
        }
        check(gate);
    }
}

/// Logs in when that is asked for; more often than not it works.
async fn person(gate: &TestGate<'_>, world: &World<'_>) {
    let mut watch = gate.watch().expect("room for one");
    loop {
        let status = watch.changed().await;
        if status.login.is_none() {
            continue;
        }
        world.time.sleep(world.chance.below(1_000)).await;
        let Ok(ticket) = gate.login_started() else {
            continue;
        };
        world.time.sleep(world.chance.below(1_000)).await;
        if world.chance.is(20) {
            let _ = gate.token_failed(ticket, TokenFailure::Unavailable, None);
            continue;
        }
        let (access, refresh) = world.login();
        let told = gate.granted(ticket, grant(&access, &refresh));
        assert!(told.is_ok(), "{told:?}");
    }
}

/// Signs out, sleeps, loses the network: whatever a day brings.
async fn events(gate: &TestGate<'_>, world: &World<'_>, many: u32) {
    for _ in 0..many {
        world.time.sleep(world.chance.below(5_000)).await;
        match world.chance.below(8) {
            0 => {
                gate.logout().expect("it is opened");
                assert_eq!(gate.state(), State::Unauthenticated);
                world.ended.set(world.sign_in.get());
            }
            1 => gate.resumed().expect("it is opened"),
            2 => gate.store_changed().expect("it is opened"),
            3 => gate.went_offline().expect("never refused"),
            4 | 5 => gate.went_online().expect("never refused"),
            6 => match gate.refresh() {
                Ok(()) | Err(GateError::Rejected(Rejected::NoSession | Rejected::Throttled)) => {}
                Err(error) => panic!("{error}"),
            },
            _ => {
                world.lose_lease();
                gate.lease_lost().expect("never refused");
            }
        }
        check(gate);
    }
    gate.went_online().expect("never refused");
}

/// Runs the gate, and now and then from the start again.
async fn runner(gate: &TestGate<'_>, world: &World<'_>, is_restarted: bool) {
    loop {
        let runner = gate.runner().expect("the one before is dropped");
        assert_eq!(gate.runner().err(), Some(GateError::Running));
        let polls = if is_restarted {
            1 + world.chance.below(60)
        } else {
            u64::MAX
        };
        let _ = polled_at_most(polls, run(runner, world)).await;
        check(gate);
    }
}

fn config_of(chance: &Chance) -> Config {
    let mut config = if chance.is(30) { with_lease() } else { quick() };
    config.confirmation = match chance.below(4) {
        0 => Confirmation::Memory,
        1 => Confirmation::ReadBack,
        2 => Confirmation::Probed,
        _ => Confirmation::Stored,
    };
    config.serve_while_refreshing = chance.is(30);
    if chance.is(20) {
        config.when_signed_out = Waiting::Refuse;
    }
    config
}

fn weather_of(chance: &Chance) -> Weather {
    match chance.below(3) {
        0 => Weather::default(),
        1 => Weather {
            fails: 10,
            hangs: 0,
            forgets: 10,
            slow: 300,
        },
        _ => Weather {
            fails: 20,
            hangs: 10,
            forgets: 30,
            slow: 1_500,
        },
    }
}

fn day(seed: u64) -> Tally {
    let chance = Chance::new(seed);
    let time = Time::new();
    let world = World::new(&time, chance.next(), weather_of(&chance));
    let gate = gate(&time, config_of(&chance), chance.next());
    let tally = Tally::default();
    {
        let mut executor = Executor::new();
        executor.background(runner(&gate, &world, chance.is(30)));
        executor.background(person(&gate, &world));
        for _ in 0..5 {
            executor.spawn(client(&gate, &world, &tally, 6));
        }
        executor.spawn(events(&gate, &world, 10));
        executor.run(&time, &chance);
    }
    check(&gate);
    // Every wait has ended, and every seat is free again.
    assert_eq!(gate.inspect(tokenlatch::Latch::waiting), Ok(0));
    let seats: Vec<_> = (0..WAITERS).filter_map(|_| gate.request().ok()).collect();
    let refuses = gate.inspect(|latch| latch.config().when_signed_out) == Ok(Waiting::Refuse);
    assert!(seats.len() == WAITERS || refuses);
    let ended = [
        &tally.answered,
        &tally.refused,
        &tally.full,
        &tally.cancelled,
    ];
    let ended: u32 = ended.map(Cell::get).iter().sum();
    assert_eq!(ended, tally.begun.get());
    tally
}

// promises: P1, P3, P6, P7, P8, P9, P14, P15
#[test]
fn whatever_happens_every_wait_ends_and_nothing_leaves_closed() {
    let seeds = env::var("GATE_SEEDS").ok().and_then(|it| it.parse().ok());
    let first = env::var("GATE_SEED").ok().and_then(|it| it.parse().ok());
    let seeds = seeds.unwrap_or(if cfg!(miri) { 4 } else { 4_000 });
    let first = first.unwrap_or(0);
    let sum = Tally::default();
    for seed in first..first + seeds {
        // Said only if the test fails.
        println!("seed {seed}");
        let tally = day(seed);
        for (sum, one) in [
            (&sum.begun, &tally.begun),
            (&sum.answered, &tally.answered),
            (&sum.refused, &tally.refused),
            (&sum.full, &tally.full),
            (&sum.cancelled, &tally.cancelled),
            (&sum.retried, &tally.retried),
        ] {
            sum.set(sum.get() + one.get());
        }
    }
    println!("{sum:?}");
    if seeds > 100 {
        // It was worth something only if all of this happened often.
        for often in [
            &sum.answered,
            &sum.refused,
            &sum.full,
            &sum.cancelled,
            &sum.retried,
        ] {
            assert!(u64::from(often.get()) > seeds / 10, "{sum:?}");
        }
    }
}

// promises: P8
#[test]
fn a_wait_ends_by_itself() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let chance = Chance::new(1);
    let mut executor = Executor::new();
    executor.background(runner(&gate, &world, false));
    executor.spawn(async {
        let mut request = gate.request().expect("room");
        let ended = request.permit(|_| ()).await;
        assert_eq!(ended, Err(GateError::Refused(Cause::WaitTimeout)));
        assert_eq!(time.millis(), 21_000);
    });
    executor.run(&time, &chance);
    check(&gate);
}
