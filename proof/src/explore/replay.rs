//! A way through a world, gone again: what a printed test does.

use std::collections::HashSet;
use std::sync::Arc;

use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;

use super::act::Action;
use super::faults;
use super::space;
use super::space::Space;
use super::world::World;
use super::world::broken;

/// Goes this way through a space, and then on as a fair host would. An action that is not possible any more, since the
/// latch does something else now, is left out.
///
/// # Errors
///
/// A broken promise.
///
/// # Panics
///
/// If there is no such space.
pub fn replay(space: &str, way: &[Action]) -> Result<(), Violation> {
    faults::switch_on_what_the_environment_names();
    let found = space::named(space).unwrap_or_else(|| panic!("there is no space `{space}`"));
    go(&Arc::new(found), way)
}

pub(super) fn go(space: &Arc<Space>, way: &[Action]) -> Result<(), Violation> {
    let mut world = World::new(space);
    world.canonical();
    for action in way {
        let mut possible = Vec::new();
        world.actions(&mut possible);
        if possible.contains(action) {
            world.step(*action)?;
            world.look()?;
        }
    }
    let begin = world.standing();
    let (mut ended, mut ready, mut paid) = (false, false, false);
    let mut seen = HashSet::new();
    while seen.insert(world.fingerprint()) {
        let standing = world.standing();
        ended |= !standing.waits;
        ready |= standing.ready;
        paid |= !standing.owed;
        let mut possible = Vec::new();
        world.actions(&mut possible);
        let Some(choice) = world.fair(&possible) else {
            break;
        };
        world.step(possible[choice])?;
    }
    match begin.lacks(ended, ready, paid) {
        Some(what) => Err(broken(Promise::P15, what)),
        None => Ok(()),
    }
}
