//! Steps that were carried out before, and are not carried out again.
//!
//! A step is a function of what it reads. In a world of several contexts most of it stands still: what one context does
//! depends on that context and on what stands around them all (the store, the server, what is left to happen), of the
//! others only on whether a token request of theirs is under way; what the passing of time does to a context depends on
//! that context and on how much passes. Each such step is carried out and checked once, and stands for all that read the
//! same. A step goes the long way where it depends on more: where it reaches into other contexts, and where nonces are
//! numbered anew, which concerns the whole world.

use std::hash::Hash;
use std::hash::Hasher;
use std::sync::Arc;

use tokenlatch::promises::Violation;

use super::act::Act;
use super::act::Action;
use super::entropy::Lanes;
use super::entropy::PrintSet;
use super::entropy::Prints;
use super::entropy::is_in_order;
use super::entropy::ranks;
use super::left::Left;
use super::space::Space;
use super::world::Cell;
use super::world::Context;
use super::world::FAMILIES;
use super::world::Family;
use super::world::Noted;
use super::world::WALL;
use super::world::World;
use super::world::fingerprint;

type Several = heapless::Vec<Arc<Context>, 4>;

/// What stands around the contexts of a world in canonical form.
pub(crate) struct Around {
    left: Left,
    cell: Cell,
    families: [Family; FAMILIES],
    signed_in: u8,
    replayed: bool,
    unmarked: bool,
    hashed: Lanes,
    /// The ranks of the nonces in the store.
    ranks: u32,
}

/// What a context's own step came to.
struct Own {
    context: Arc<Context>,
    around: Arc<Around>,
    noted: Noted,
}

/// A world whose actions are carried out one after the other.
pub(crate) struct Here<'a> {
    world: &'a World,
    around: u128,
    /// How much time passes next.
    by: u64,
}

/// Where a step leads.
pub(crate) enum Next {
    /// To the same world.
    Same,
    Whole(u128, World),
    Parts(u128, Arc<Around>, Several, Noted),
}

/// What was carried out in one space.
pub(crate) struct Memo {
    /// Whether anything is kept.
    kept: bool,
    own: Prints<Own>,
    /// Contexts after time has passed.
    passed: Prints<Arc<Context>>,
    /// What stands around them then.
    passed_around: Prints<Arc<Around>>,
    contexts: Prints<Arc<Context>>,
    arounds: Prints<Arc<Around>>,
    /// Latches that nonsense was told, and that gave no order.
    unmoved: PrintSet,
    /// Contexts whose secrets were looked for.
    looked: PrintSet,
}

impl<'a> Here<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            around: world.around().both(),
            by: world.next_deadline().unwrap_or(0),
        }
    }

    fn context(&self, action: Action) -> &Context {
        &self.world.contexts[usize::from(action.context)]
    }

    /// Whether the entropy is that of the first context.
    fn is_first(&self, index: usize) -> bool {
        index == 0 || self.world.space.symmetric
    }

    /// What nonsense reads.
    fn nonsense(&self, action: Action) -> u128 {
        let context = self.context(action);
        let first = context.waiting.first().map(|(waiter, _)| *waiter);
        let mut lanes = Lanes::new();
        lanes.write_u128(context.watched);
        (first, self.is_first(action.context.into())).hash(&mut lanes);
        lanes.both()
    }

    /// What a context's own step reads.
    fn own(&self, action: Action) -> u128 {
        let index = usize::from(action.context);
        let others = self.world.contexts.iter().enumerate();
        let mut others = others.filter(|(other, _)| *other != index);
        let beside = others.any(|(_, context)| context.token.is_some());
        let mut lanes = Lanes::new();
        lanes.write_u128(self.around);
        lanes.write_u128(self.context(action).print);
        (action.act, self.is_first(index), beside).hash(&mut lanes);
        lanes.both()
    }

    /// What the passing of time reads of a context, or of what stands around them all.
    fn passing(&self, index: usize, print: u128) -> u128 {
        let mut lanes = Lanes::new();
        lanes.write_u128(print);
        let back = self.world.left.setbacks;
        (self.by, back, self.is_first(index)).hash(&mut lanes);
        lanes.both()
    }
}

impl Next {
    /// What the step did besides.
    pub(crate) fn noted(&self) -> Noted {
        match self {
            Self::Same => Noted::default(),
            Self::Whole(_, world) => world.noted,
            Self::Parts(_, _, _, noted) => *noted,
        }
    }

    /// The fingerprint; `None` for that of the world before.
    pub(crate) fn print(&self) -> Option<u128> {
        match self {
            Self::Same => None,
            Self::Whole(print, _) | Self::Parts(print, ..) => Some(*print),
        }
    }

    pub(crate) fn into_world(self, before: &World) -> World {
        match self {
            Self::Same => before.clone(),
            Self::Whole(_, world) => world,
            Self::Parts(_, around, contexts, noted) => {
                let mut world = before.clone();
                for (index, context) in contexts.into_iter().enumerate() {
                    world.contexts.share(index, context);
                }
                world.left = around.left;
                world.cell.clone_from(&around.cell);
                world.families = around.families;
                world.signed_in = around.signed_in;
                world.replayed = around.replayed;
                world.unmarked = around.unmarked;
                world.wall = WALL;
                world.noted = noted;
                world
            }
        }
    }
}

/// A step that one context does by itself.
const fn is_own(act: Act) -> bool {
    !matches!(
        act,
        Act::Advance | Act::Sleep | Act::SetBack | Act::Foreign | Act::EndSession(_)
    )
}

impl Memo {
    /// One context is seldom twice the same.
    pub(crate) fn of(space: &Space) -> Self {
        Self::new(space.contexts > 1)
    }

    pub(crate) fn new(kept: bool) -> Self {
        Self {
            kept,
            own: Prints::default(),
            passed: Prints::default(),
            passed_around: Prints::default(),
            contexts: Prints::default(),
            arounds: Prints::default(),
            unmoved: PrintSet::default(),
            looked: PrintSet::default(),
        }
    }

    /// Carries an action out, or knows what it comes to.
    pub(crate) fn step(&mut self, here: &Here<'_>, action: Action) -> Result<Next, Violation> {
        let nonsense = (action.act == Act::Nonsense).then(|| here.nonsense(action));
        if nonsense.is_some_and(|nonsense| self.unmoved.contains(&nonsense)) {
            return Ok(Next::Same);
        }
        let known = match action.act {
            _ if !self.kept => None,
            Act::Advance => self.passed(here),
            act if is_own(act) => self.own(here, action),
            _ => None,
        };
        if let Some(next) = known {
            return Ok(next);
        }
        let after = self.carry_out(here, action)?;
        let print = after.fingerprint();
        if let Some(nonsense) = nonsense {
            if !after.noted.ordered && print == here.world.fingerprint() {
                self.unmoved.insert(nonsense);
            }
        }
        Ok(Next::Whole(print, after))
    }

    /// What must be true of a state; what only the context tells, once for each.
    pub(crate) fn look(&mut self, world: &World) -> Result<(), Violation> {
        if !self.kept {
            return world.look();
        }
        for context in world.contexts.iter() {
            if self.looked.insert(context.print) {
                context.look_for_secret()?;
            }
        }
        world.look_for_tombstones()
    }

    fn carry_out(&mut self, here: &Here<'_>, action: Action) -> Result<World, Violation> {
        let mut after = here.world.clone();
        after.carry_out(action)?;
        after.settle();
        if self.kept {
            for index in 0..after.contexts.len() {
                let context = self.context(&after.contexts.shared()[index]);
                after.contexts.share(index, context);
            }
            if !after.noted.renumbered {
                self.keep(here, action, &after);
            }
        }
        after.line_up();
        Ok(after)
    }

    fn keep(&mut self, here: &Here<'_>, action: Action, after: &World) {
        let contexts = after.contexts.shared();
        if after.noted.announced {
            return;
        }
        if is_own(action.act) {
            let own = Own {
                context: Arc::clone(&contexts[usize::from(action.context)]),
                around: self.around(after),
                noted: after.noted,
            };
            self.own.insert(here.own(action), own);
        } else if action.act == Act::Advance && !after.noted.sent {
            for (index, (before, after)) in here.world.contexts.iter().zip(contexts).enumerate() {
                let key = here.passing(index, before.print);
                self.passed.insert(key, Arc::clone(after));
            }
            let around = self.around(after);
            let key = here.passing(0, here.around);
            self.passed_around.insert(key, around);
        }
    }

    fn own(&self, here: &Here<'_>, action: Action) -> Option<Next> {
        let own = self.own.get(&here.own(action))?;
        let mut contexts = Several::from_slice(here.world.contexts.shared()).ok()?;
        contexts[usize::from(action.context)] = Arc::clone(&own.context);
        parts(&here.world.space, &own.around, contexts, own.noted)
    }

    fn passed(&self, here: &Here<'_>) -> Option<Next> {
        let around = self.passed_around.get(&here.passing(0, here.around))?;
        let before = here.world.contexts.iter().enumerate();
        let contexts =
            before.map(|(index, context)| self.passed.get(&here.passing(index, context.print)));
        let contexts: Option<Several> = contexts.map(|context| context.cloned()).collect();
        parts(&here.world.space, around, contexts?, Noted::default())
    }

    /// The same context, shared.
    fn context(&mut self, context: &Arc<Context>) -> Arc<Context> {
        let known = self.contexts.entry(context.print);
        Arc::clone(known.or_insert_with(|| Arc::clone(context)))
    }

    /// What stands around the contexts of a world, shared.
    fn around(&mut self, world: &World) -> Arc<Around> {
        let hashed = world.around();
        let around = || Around {
            left: world.left,
            cell: world.cell.clone(),
            families: world.families,
            signed_in: world.signed_in,
            replayed: world.replayed,
            unmarked: world.unmarked,
            hashed,
            ranks: ranks(world.cell.iter().flat_map(|record| record.nonces)),
        };
        let known = self.arounds.entry(hashed.both());
        Arc::clone(known.or_insert_with(|| Arc::new(around())))
    }
}

/// A world from its parts, unless nonces have to be numbered anew.
fn parts(space: &Space, around: &Arc<Around>, mut contexts: Several, noted: Noted) -> Option<Next> {
    let used = contexts.iter().map(|context| context.ranks);
    if !is_in_order(used.fold(around.ranks, |all, ranks| all | ranks)) {
        return None;
    }
    if space.symmetric {
        contexts.sort_by_key(|context| context.print);
    }
    let prints = contexts.iter().map(|context| context.print);
    let print = fingerprint(around.hashed, prints);
    Some(Next::Parts(print, Arc::clone(around), contexts, noted))
}

#[cfg(test)]
mod tests {
    use super::super::search::Search;
    use super::super::space;
    use super::*;
    use std::collections::VecDeque;
    use std::hash::DefaultHasher;

    /// States of each space.
    const STATES: usize = if cfg!(debug_assertions) {
        2_000
    } else {
        20_000
    };

    /// All of a world, hashed anew, and what its step did besides.
    fn all(world: &World) -> (u64, bool, bool) {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        (hasher.finish(), world.noted.beside, world.noted.older)
    }

    /// Each step from the first states of a space, carried out anew, comes to what is known of it. Kept in spaces of
    /// one context too. Returns how many steps there were, and how many of them were known.
    fn compare(space: Space) -> (usize, usize) {
        let space = Arc::new(space);
        let mut memo = Memo::new(true);
        let mut first = World::new(&space);
        first.canonical();
        let mut seen = PrintSet::default();
        seen.insert(first.fingerprint());
        let mut level = VecDeque::from([first]);
        let (mut steps, mut known) = (0, 0);
        while let Some(world) = level.pop_front() {
            let mut actions = Vec::new();
            world.actions(&mut actions);
            let here = Here::new(&world);
            for action in actions {
                let mut after = world.clone();
                after.step(action).unwrap();
                let next = memo.step(&here, action).unwrap();
                steps += 1;
                known += usize::from(!matches!(next, Next::Whole(..)));
                let print = next.print().unwrap_or(world.fingerprint());
                assert_eq!(print, after.fingerprint(), "{}: {action:?}", space.name);
                let next = next.into_world(&world);
                if action.act != Act::Nonsense {
                    assert_eq!(all(&next), all(&after), "{}: {action:?}", space.name);
                }
                for (next, after) in next.contexts.iter().zip(after.contexts.iter()) {
                    assert_eq!(next.print, after.print);
                    assert!(!next.touched);
                }
                if seen.len() < STATES && seen.insert(print) {
                    level.push_back(next);
                }
            }
        }
        (steps, known)
    }

    #[test]
    fn what_is_known_of_a_step_is_what_it_comes_to() {
        for space in space::all() {
            let (name, several) = (space.name, space.contexts > 1);
            let (steps, known) = compare(space);
            assert!(!several || known > steps / 4, "{name}: {known} of {steps}");
        }
    }

    #[test]
    fn the_search_counts_the_same_without() {
        for space in space::all() {
            let space = Arc::new(space);
            let [with, without] = [true, false].map(|kept| {
                let report = Search::with(&space, Memo::new(kept)).run(STATES, false);
                assert!(report.found.is_none());
                let states = (report.states, report.transitions, report.depth);
                (states, report.replayed, report.beside, report.older)
            });
            assert_eq!(with, without, "{}", space.name);
        }
    }
}
