//! A way through a world as a transcript: what each latch was told, and what it gave; and as a test.

use std::collections::HashSet;
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

/// A test that fails as long as this way leads to a broken promise. The transcript is in it: the way is told once more
/// for it, with clocks and numbers that run on. Below each action stands what it comes to: the time in milliseconds, the
/// context, what its latch was told and answered; then the orders that it gave.
pub(crate) fn test(space: &Arc<Space>, path: &[Action], violation: &Violation) -> String {
    let mut world = World::new(space);
    world.raw = true;
    let mut text = format!(
        "/// {violation}. In the space `{}`.\n#[test]\nfn {}() {{\n    let way = [\n",
        space.name,
        name(violation.what),
    );
    let mut broken = false;
    for action in path {
        let _ = writeln!(text, "        {},", action.source());
        broken = tell(&mut world, *action, "", &mut text);
    }
    if !broken {
        text += "        // From here a fair host goes on:\n";
        go_on(&mut world, &mut text);
    }
    let _ = writeln!(
        text,
        "    ];\n    assert_eq!(replay(\"{}\", &way), Ok(()));\n}}",
        space.name
    );
    text
}

/// Carries the action out and writes down what it comes to; whether a promise is broken.
fn tell(world: &mut World, action: Action, indent: &str, text: &mut String) -> bool {
    world.log = Some(Vec::new());
    let done = world.step(action);
    for line in world.log.take().into_iter().flatten() {
        let _ = writeln!(text, "        // {indent}{line}");
    }
    done.is_err()
}

/// What a fair host does, until it comes to where it was.
fn go_on(world: &mut World, text: &mut String) {
    let mut seen = HashSet::new();
    loop {
        let mut twin = world.clone();
        twin.raw = false;
        twin.canonical();
        if !seen.insert(twin.fingerprint()) {
            break;
        }
        let mut possible = Vec::new();
        world.actions(&mut possible);
        let Some(choice) = world.fair(&possible) else {
            break;
        };
        let _ = writeln!(text, "        // {}", possible[choice].source());
        if tell(world, possible[choice], "  ", text) {
            break;
        }
    }
}

/// What the file begins with that printed tests are pasted into.
pub(crate) const HEAD: &str = "use proof::explore::Act;\n\
                               use proof::explore::on;\n\
                               use proof::explore::replay;\n";

/// A sentence as the name of a function.
fn name(what: &str) -> String {
    let word = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    what.chars().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::super::act::Act;
    use super::super::act::on;
    use super::super::space;
    use super::*;
    use tokenlatch::ChallengeKind;
    use tokenlatch::promises::Promise;

    #[test]
    fn a_way_is_printed_as_a_test() {
        let space = Arc::new(space::named("events").unwrap());
        let way = [
            on(0, Act::Open),
            on(0, Act::Answer(0, 401, ChallengeKind::InvalidToken)),
        ];
        let violation = Violation {
            promise: Promise::P1,
            what: "a permit that's wrong",
        };
        let text = test(&space, &way[..1], &violation);
        assert!(text.contains("fn a_permit_that_s_wrong() {"), "{text}");
        assert!(
            text.contains("        on(0, Act::Open),\n        //    0 0 Opened -> Done\n"),
            "{text}"
        );
        assert!(
            text.contains("assert_eq!(replay(\"events\", &way), Ok(()));"),
            "{text}"
        );
        let answer = "on(0, Act::Answer(0, 401, tokenlatch::ChallengeKind::InvalidToken))";
        assert_eq!(way[1].source(), answer);
    }
}
