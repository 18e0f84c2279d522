//! A way through a world as a transcript: what each latch was told, and what it gave.

use std::fmt::Write as _;
use std::sync::Arc;

use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Waiter;
use tokenlatch::promises::Violation;

use super::act::Action;
use super::space::Space;
use super::world::MONOTONIC;
use super::world::Token;
use super::world::World;

pub(crate) fn told(
    index: usize,
    now: Now,
    event: &Event<'_>,
    told: &Result<Result<Outcome, Rejected>, Violation>,
) -> String {
    let at = now.monotonic.as_millis() - MONOTONIC;
    let outcome = match told {
        Ok(Ok(outcome)) => format!("{outcome:?}"),
        Ok(Err(rejected)) => format!("{rejected:?}"),
        Err(broken) => format!("{broken}"),
    };
    format!("{at:>4} {index} {event:?} -> {outcome}")
}

pub(crate) fn given(index: usize, effect: &Result<Option<Effect>, Violation>) -> String {
    match effect {
        Ok(Some(effect)) => format!("     {index}   {effect:?}"),
        Ok(None) => String::new(),
        Err(broken) => format!("     {index}   {broken}"),
    }
}

pub(crate) fn claimed(
    index: usize,
    now: Now,
    waiter: Waiter,
    claimed: &Result<Result<(Option<Token>, Receipt), PermitError>, Violation>,
) -> String {
    let at = now.monotonic.as_millis() - MONOTONIC;
    format!(
        "{at:>4} {index} permit of {} -> {claimed:?}",
        waiter.as_u32()
    )
}

/// The way, told once more with clocks and numbers that run on.
pub(crate) fn write(space: &Arc<Space>, path: &[Action]) -> String {
    let mut world = World::new(space);
    world.raw = true;
    let mut text = String::new();
    for action in path {
        world.log = Some(Vec::new());
        let done = world.step(*action);
        let _ = writeln!(text, "-- {action}");
        for line in world.log.take().into_iter().flatten() {
            let _ = writeln!(text, "   {line}");
        }
        if let Err(violation) = done {
            let _ = writeln!(text, "   {violation}");
            break;
        }
    }
    text
}
