//! The first explorer: breadth first, over 128-bit fingerprints, so that the first violation found is a shortest one.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;

use super::act::Action;
use super::entropy::Prints;
use super::fair;
use super::fair::Standing;
use super::memo::Here;
use super::memo::Memo;
use super::space::Space;
use super::world::Noted;
use super::world::World;

/// How a state was reached first: from which, by which of its actions.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: u32,
    choice: u16,
}

const NOWHERE: u32 = u32::MAX;

/// A way to a violation.
pub(crate) struct Found {
    pub(crate) path: Vec<Action>,
    pub(crate) violation: Violation,
}

/// What was found in a space.
pub(crate) struct Report {
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) depth: usize,
    /// No state is left unvisited.
    pub(crate) closed: bool,
    pub(crate) time: Duration,
    pub(crate) found: Option<Found>,
    /// States in which a refresh token has been used twice.
    pub(crate) replayed: usize,
    /// Steps in which a token request left while another context had one under way.
    pub(crate) beside: usize,
    /// Steps in which an older credential replaced a newer one in the store.
    pub(crate) older: usize,
}

pub(crate) struct Search {
    space: Arc<Space>,
    memo: Memo,
    seen: Prints<u32>,
    steps: Vec<Step>,
    /// Where a fair host leads from each state.
    fair: Vec<u32>,
    standing: Vec<Standing>,
    report: Report,
}

impl Search {
    pub(crate) fn new(space: &Arc<Space>) -> Self {
        Self::with(space, Memo::of(space))
    }

    pub(super) fn with(space: &Arc<Space>, memo: Memo) -> Self {
        Self {
            space: Arc::clone(space),
            memo,
            seen: Prints::default(),
            steps: Vec::new(),
            fair: Vec::new(),
            standing: Vec::new(),
            report: Report {
                states: 0,
                transitions: 0,
                depth: 0,
                closed: false,
                time: Duration::ZERO,
                found: None,
                replayed: 0,
                beside: 0,
                older: 0,
            },
        }
    }

    /// Visits every state, or stops at the first violation.
    pub(crate) fn run(mut self, most: usize, loud: bool) -> Report {
        let start = Instant::now();
        let mut world = World::new(&self.space);
        world.canonical();
        self.number(world.fingerprint());
        self.enter(&world, NOWHERE, 0);
        let mut level = vec![(0, world)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (index, world) in level {
                if let Err(found) = self.expand(index, &world, &mut next) {
                    self.report.found = Some(found);
                    return self.done(start);
                }
                if self.steps.len() > most {
                    return self.done(start);
                }
            }
            level = next;
            if !level.is_empty() {
                self.report.depth += 1;
            }
            if loud {
                eprintln!(
                    "{:>4} {:>9} {:>10} {:>11}",
                    self.report.depth,
                    level.len(),
                    self.steps.len(),
                    self.report.transitions
                );
            }
        }
        self.report.closed = true;
        if let Some(stuck) = fair::check(&self.fair, &self.standing) {
            let path = self.path(u32::try_from(stuck.state).unwrap_or(NOWHERE));
            let violation = super::world::broken(Promise::P15, stuck.what);
            self.report.found = Some(Found { path, violation });
        }
        self.done(start)
    }

    fn done(mut self, start: Instant) -> Report {
        self.report.states = self.steps.len();
        self.report.time = start.elapsed();
        self.report
    }

    /// The number of the state, and whether it is new.
    fn number(&mut self, print: u128) -> (u32, bool) {
        let number = u32::try_from(self.steps.len()).unwrap_or(NOWHERE);
        let known = *self.seen.entry(print).or_insert(number);
        (known, known == number)
    }

    /// Takes note of a new state.
    fn enter(&mut self, world: &World, from: u32, choice: u16) {
        self.steps.push(Step { from, choice });
        self.fair.push(NOWHERE);
        self.standing.push(world.standing());
        self.report.replayed += usize::from(world.replayed);
    }

    fn expand(
        &mut self,
        index: u32,
        world: &World,
        next: &mut Vec<(u32, World)>,
    ) -> Result<(), Found> {
        let mut actions = Vec::new();
        world.actions(&mut actions);
        let fair = world.fair(&actions);
        let here = Here::new(world);
        for (choice, action) in (0..).zip(&actions) {
            self.report.transitions += 1;
            let after = match self.memo.step(&here, *action) {
                Ok(after) => after,
                Err(violation) => {
                    let mut path = self.path(index);
                    path.push(*action);
                    return Err(Found { path, violation });
                }
            };
            let Noted { beside, older, .. } = after.noted();
            self.report.beside += usize::from(beside);
            self.report.older += usize::from(older);
            let (number, new) = match after.print() {
                Some(print) => self.number(print),
                None => (index, false),
            };
            if fair == Some(usize::from(choice)) {
                self.fair[index as usize] = number;
            }
            if new {
                let after = after.into_world(world);
                self.enter(&after, index, choice);
                if let Err(violation) = self.memo.look(&after) {
                    let path = self.path(number);
                    return Err(Found { path, violation });
                }
                next.push((number, after));
            }
        }
        Ok(())
    }

    /// The actions from the beginning to a state.
    fn path(&self, mut index: u32) -> Vec<Action> {
        let mut choices = Vec::new();
        while let Some(Step { from, choice }) = self.steps.get(index as usize) {
            if *from == NOWHERE {
                break;
            }
            choices.push(usize::from(*choice));
            index = *from;
        }
        let mut world = World::new(&self.space);
        world.canonical();
        let mut path = Vec::new();
        for choice in choices.into_iter().rev() {
            let mut actions = Vec::new();
            world.actions(&mut actions);
            let Some(action) = actions.get(choice).copied() else {
                break;
            };
            path.push(action);
            if world.step(action).is_err() {
                break;
            }
        }
        path
    }
}
