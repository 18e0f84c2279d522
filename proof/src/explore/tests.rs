//! The canonical form is checked: a wrong one would merge worlds that differ, and hide what is wrong in one of them.

use std::sync::Arc;

use super::act::Action;
use super::entropy::Random;
use super::space;
use super::world::World;

/// Steps of one walk, and walks in each space.
const STEPS: usize = 60;
const WALKS: u64 = 16;

/// One world goes on from its canonical form after each step, the other one runs on with its own clocks, tickets and
/// versions. Whatever happens, the canonical form of the second is the first.
#[test]
fn a_world_goes_on_from_its_canonical_form_as_it_would_have_gone_on_without() {
    for space in space::all() {
        let space = Arc::new(space);
        for seed in 0..WALKS {
            let mut random = Random::new(seed);
            let mut canonical = World::new(&space);
            let mut raw = World::new(&space);
            raw.raw = true;
            canonical.canonical();
            raw.canonical();
            let mut path: Vec<Action> = Vec::new();
            for _ in 0..STEPS {
                let mut actions = Vec::new();
                canonical.actions(&mut actions);
                if actions.is_empty() {
                    break;
                }
                let choice = (random.next() >> 32) as usize % actions.len();
                path.push(actions[choice]);
                let done = canonical.step(actions[choice]);
                assert_eq!(done, raw.step(actions[choice]));
                done.unwrap();
                let mut settled = raw.clone();
                settled.raw = false;
                settled.canonical();
                assert_eq!(
                    settled.fingerprint(),
                    canonical.fingerprint(),
                    "{}: {path:#?}\n{}\n{}",
                    space.name,
                    settled.shown(),
                    canonical.shown(),
                );
            }
        }
    }
}

/// A canonical world is its own canonical form, also where all of it is rewritten and not only what a step changed.
#[test]
fn the_canonical_form_of_a_canonical_world_is_itself() {
    for space in space::all() {
        let mut world = World::new(&Arc::new(space));
        let mut random = Random::new(7);
        for _ in 0..STEPS {
            world.canonical();
            let once = world.fingerprint();
            assert!(world.contexts.iter().all(|context| !context.touched));
            world.contexts.iter_mut().for_each(drop);
            if let Some(cell) = &mut world.cell {
                Arc::make_mut(cell).settled = None;
            }
            world.canonical();
            assert_eq!(world.fingerprint(), once);
            let mut actions = Vec::new();
            world.actions(&mut actions);
            if actions.is_empty() {
                break;
            }
            let choice = (random.next() >> 32) as usize % actions.len();
            world.step(actions[choice]).unwrap();
        }
    }
}
