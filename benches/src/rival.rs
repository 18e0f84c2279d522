//! The paths of the machines to compare with.

use core::hint::black_box;

use crate::Case;
use crate::Who;
use crate::World;
use crate::desk::Fact;
use crate::desk::Order;
use crate::desk::Reply;
use crate::path;

/// A machine of the five states, however it is written.
pub(crate) trait Rival: Default {
    const WHO: Who;

    fn of(world: &mut World) -> &mut Self;

    fn handle(&mut self, now: u64, fact: Fact) -> Reply;

    fn poll(&mut self) -> Option<Order>;

    fn claim(&mut self, waiter: u32) -> u32;

    fn state(&self) -> u32;
}

pub(crate) const CASES: usize = 8;

pub(crate) const fn cases<R: Rival>() -> [Case; CASES] {
    const fn case<R: Rival>(
        path: &'static str,
        prepare: fn(&mut World),
        run: fn(&mut World),
    ) -> Case {
        Case {
            path,
            who: R::WHO,
            prepare,
            run,
        }
    }
    [
        case::<R>(path::PERMIT, released::<R>, permit::<R>),
        case::<R>(path::REQUEST, ready::<R>, request::<R>),
        case::<R>(path::ANSWER, ready::<R>, answer::<R>),
        case::<R>(
            path::PERMIT_AND_ANSWER,
            released::<R>,
            permit_and_answer::<R>,
        ),
        case::<R>(path::LATE_401, ready::<R>, late_401::<R>),
        case::<R>(path::TIMER, ready::<R>, timer::<R>),
        case::<R>(path::ROUND, ready::<R>, round::<R>),
        case::<R>(path::TOUR, fresh::<R>, tour::<R>),
    ]
}

pub(crate) const LIFETIME: u64 = 3_600_000;
pub(crate) const WAITER: u32 = 7;
/// When the renewal is due for sure, and the token still lives.
pub(crate) const DUE: u64 = LIFETIME - 1_000;

/// One entrance for all facts, as a program has it: what is told is not known when this is compiled.
#[inline(never)]
fn tell<R: Rival>(machine: &mut R, now: u64, fact: Fact) -> Reply {
    machine.handle(now, fact)
}

fn fresh<R: Rival>(world: &mut World) {
    *R::of(world) = R::default();
}

fn ready<R: Rival>(world: &mut World) {
    fresh::<R>(world);
    let machine = R::of(world);
    tell(machine, 0, Fact::LoginStarted);
    tell(machine, 0, Fact::Granted(LIFETIME));
}

fn released<R: Rival>(world: &mut World) {
    ready::<R>(world);
    request::<R>(world);
}

fn permit<R: Rival>(world: &mut World) {
    world.found = R::of(world).claim(black_box(WAITER));
}

fn request<R: Rival>(world: &mut World) {
    let machine = R::of(world);
    tell(machine, black_box(1), Fact::Requested(black_box(WAITER)));
    let mut found = 0;
    while let Some(order) = machine.poll() {
        if let Order::Release(waiter) = order {
            found = waiter;
        }
    }
    world.found = found;
}

fn answer<R: Rival>(world: &mut World) {
    let reply = tell(R::of(world), black_box(1), Fact::Accepted(black_box(1)));
    world.found = u32::from(reply == Reply::Deliver);
}

fn permit_and_answer<R: Rival>(world: &mut World) {
    let machine = R::of(world);
    let version = machine.claim(black_box(WAITER));
    let reply = tell(machine, black_box(1), Fact::Accepted(black_box(version)));
    world.found = u32::from(reply == Reply::Deliver);
}

fn late_401<R: Rival>(world: &mut World) {
    let reply = tell(R::of(world), black_box(1), Fact::Refused(black_box(0)));
    world.found = u32::from(reply == Reply::Retry);
}

fn timer<R: Rival>(world: &mut World) {
    let machine = R::of(world);
    tell(machine, black_box(DUE), Fact::TimeoutReached);
    world.found = machine.state();
}

fn round<R: Rival>(world: &mut World) {
    let machine = R::of(world);
    tell(machine, black_box(DUE), Fact::TimeoutReached);
    while machine.poll().is_some() {}
    tell(machine, black_box(DUE), Fact::Granted(LIFETIME));
    while machine.poll().is_some() {}
    world.found = machine.state();
    crate::bytes::copy_token(world);
}

/// Unauthenticated, Pending, Unauthenticated, Pending, Ready, Refreshing, Expired, Refreshing, Ready, Unauthenticated.
fn tour<R: Rival>(world: &mut World) {
    let machine = R::of(world);
    let facts = [
        (0, Fact::LoginStarted),
        (1, Fact::Failed),
        (2, Fact::LoginStarted),
        (3, Fact::Granted(LIFETIME)),
        (DUE, Fact::TimeoutReached),
        (LIFETIME + 10, Fact::Failed),
        (LIFETIME + 20_000, Fact::TimeoutReached),
        (LIFETIME + 20_001, Fact::Granted(LIFETIME)),
        (LIFETIME + 20_002, Fact::LogoutRequested),
    ];
    let mut found = 0_u32;
    for (now, fact) in black_box(facts) {
        tell(machine, now, fact);
        while machine.poll().is_some() {}
        found = (found << 3) | machine.state();
    }
    world.found = found;
}
