//! `simulate`: stretches of trouble, each followed by a stretch of peace in which everybody must get well.

use tokenlatch::Cause;

use crate::server::LIFETIME;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) hours: u64,
    pub(crate) contexts: usize,
    pub(crate) trace: bool,
}

const HOUR: u64 = 3_600_000;
/// Trouble for so long,
const STORMY: u64 = 50 * 60_000;
/// then peace.
const CALM: u64 = 30 * 60_000;

pub(crate) fn run(plan: &Plan) -> Result<(), Box<dyn std::error::Error>> {
    let Plan {
        seed,
        hours,
        contexts,
        trace,
    } = *plan;
    println!("seed {seed}, {hours} h, {contexts} contexts");
    let mut world = World::new(seed, contexts, trace);
    let end = hours.saturating_mul(HOUR);
    while world.now() < end {
        let storm_ends = world.now() + STORMY;
        while world.now() < storm_ends {
            world.trouble();
            let next = world.now() + world.random().between(1_000, 240_000);
            world.run_until(next);
        }
        world.be_fair();
        let calm_ends = world.now() + CALM;
        world.run_until(calm_ends);
        world.all_is_well();
        world.be_unfair();
    }
    report(&world, hours, contexts);
    Ok(())
}

fn report(world: &World, hours: u64, contexts: usize) {
    let counts = &world.counts;
    let server = &world.server;
    println!("| what | count |");
    println!("|---|---|");
    for (what, count) in [
        ("context-hours", hours * contexts as u64),
        ("events told", counts.steps),
        ("requests admitted", counts.admitted),
        ("requests not admitted", counts.turned_away),
        ("sent", counts.sent),
        ("answered", counts.answered),
        ("retried", counts.retried),
        ("surfaced", counts.surfaced),
        ("token requests", counts.token_requests),
        ("refreshes granted", server.refreshes),
        ("access token lifetimes in the run", hours * HOUR / LIFETIME),
        ("answers lost", counts.lost_answers),
        ("restarts", counts.restarts),
        ("sleeps", counts.sleeps),
        ("sign-outs", counts.logouts),
        ("logins", server.logins),
        ("refresh tokens replayed", server.replayed),
        ("longest wait, ms", counts.longest_wait),
    ] {
        println!("| {what} | {count} |");
    }
    for (code, count) in &counts.refused {
        let name = Cause::from_code(*code).map_or("?", Cause::name);
        println!("| refused: {name} | {count} |");
    }
    println!("hash {:016x}", world.hash);
}
