//! From a run that fails to the shortest list of operations that fails in the same way.

use std::fmt::Write as _;
use std::time::Duration;
use std::time::Instant;

use super::Failure;
use super::ops::Act;
use super::ops::Op;
use super::ops::Setup;
use super::replay;
use super::weather;
use super::weather::STRETCH;

/// A list of operations that fails.
#[derive(Debug, Clone)]
pub(crate) struct Small {
    pub(crate) setup: Setup,
    pub(crate) ops: Vec<Op>,
}

/// Shrinking ends here, wherever it is.
const PATIENCE: Duration = Duration::from_secs(120);

struct Shrinker<'a> {
    fails: &'a dyn Fn(&Setup, &[Op]) -> bool,
    until: Instant,
}

/// The shortest that was found for a failure in this stretch.
pub(crate) fn smallest(setup: &Setup, last: u64, failure: &Failure) -> Option<Small> {
    // Whatever panics has said so the first time.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let same = |setup: &Setup, ops: &[Op]| {
        replay(setup, ops).is_err_and(|other| other.what == failure.what)
    };
    let small = from_stretches(setup, last, failure.at, &same);
    std::panic::set_hook(hook);
    small
}

/// Begins as late as it still fails, then shrinks.
pub(crate) fn from_stretches(
    setup: &Setup,
    last: u64,
    at: u64,
    fails: &dyn Fn(&Setup, &[Op]) -> bool,
) -> Option<Small> {
    let mut back = 1;
    loop {
        let first = (last + 1).saturating_sub(back);
        let mut small = Small {
            setup: Setup {
                start: first * STRETCH,
                ..*setup
            },
            ops: Vec::new(),
        };
        for number in first..=last {
            small.ops.extend(weather::stretch(setup, number));
        }
        small.ops.retain(|(time, ..)| *time <= at);
        if fails(&small.setup, &small.ops) {
            return Some(shrink(small, fails));
        }
        if first == 0 {
            return None;
        }
        back *= 2;
    }
}

/// Leaves out and lessens whatever it can, until nothing more can be left out.
pub(crate) fn shrink(mut small: Small, fails: &dyn Fn(&Setup, &[Op]) -> bool) -> Small {
    let shrinker = Shrinker {
        fails,
        until: Instant::now() + PATIENCE,
    };
    loop {
        let before = (small.ops.clone(), small.setup);
        shrinker.leave_out(&mut small);
        shrinker.fewer_contexts(&mut small);
        shrinker.lessen(&mut small);
        shrinker.start_later(&mut small);
        if before == (small.ops.clone(), small.setup) || shrinker.is_over() {
            return small;
        }
    }
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        Instant::now() > self.until
    }

    /// Takes the change if the run still fails.
    fn try_it(&self, small: &mut Small, changed: Small) -> bool {
        let fails = !self.is_over() && (self.fails)(&changed.setup, &changed.ops);
        if fails {
            *small = changed;
        }
        fails
    }

    /// Halves, quarters, and so on down to single operations.
    fn leave_out(&self, small: &mut Small) {
        let mut size = small.ops.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < small.ops.len() {
                let mut less = small.clone();
                less.ops.drain(from..(from + size).min(small.ops.len()));
                if !self.try_it(small, less) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// Contexts to which nothing is done, from the last one down.
    fn fewer_contexts(&self, small: &mut Small) {
        while small.setup.contexts > 1 {
            let mut less = small.clone();
            less.setup.contexts -= 1;
            let contexts = less.setup.contexts;
            less.setup.domains = less.setup.domains.min(contexts);
            less.ops.retain(|(_, context, _)| *context < contexts);
            if !self.try_it(small, less) {
                break;
            }
        }
        if small.setup.domains > 1 {
            let mut less = small.clone();
            less.setup.domains = 1;
            self.try_it(small, less);
        }
    }

    /// Shorter sleeps, smaller bursts.
    fn lessen(&self, small: &mut Small) {
        for index in 0..small.ops.len() {
            loop {
                let mut less = small.clone();
                let (_, _, act) = &mut less.ops[index];
                let Some(lesser) = lesser(*act) else { break };
                *act = lesser;
                if !self.try_it(small, less) {
                    break;
                }
            }
        }
    }

    /// Nothing happens before the first operation.
    fn start_later(&self, small: &mut Small) {
        let Some((first, ..)) = small.ops.first().copied() else {
            return;
        };
        let mut less = small.clone();
        less.setup.start = first.saturating_sub(60_000).max(small.setup.start);
        if less.setup.start > small.setup.start {
            self.try_it(small, less);
        }
    }
}

fn lesser(act: Act) -> Option<Act> {
    let half = |duration: u64| (duration > 1_000).then_some(duration / 2);
    let one_less = |count: u8| count.checked_sub(1).filter(|count| *count > 0);
    Some(match act {
        Act::Burst(1) => Act::Request,
        Act::Burst(count) => Act::Burst(one_less(count)?),
        Act::Crash(count) => Act::Crash(one_less(count)?),
        Act::Read(fault, count) => Act::Read(fault, one_less(count)?),
        Act::Write(fault, count) => Act::Write(fault, one_less(count)?),
        Act::Freeze(duration) => Act::Freeze(half(duration)?),
        Act::Offline(duration) => Act::Offline(half(duration)?),
        Act::Cut(duration) => Act::Cut(half(duration)?),
        Act::Deaf(duration) => Act::Deaf(half(duration)?),
        Act::StoreCut(duration) => Act::StoreCut(half(duration)?),
        Act::Refuse(duration) => Act::Refuse(half(duration)?),
        Act::Down(duration) => Act::Down(half(duration)?),
        Act::Clock(by) if by.abs() > 1_000 => Act::Clock(by / 2),
        _ => return None,
    })
}

/// A test that fails as long as the run does.
pub(crate) fn test(small: &Small, failure: &Failure, again: &str) -> String {
    let Small { setup, ops } = small;
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(text, "//! {}. Found by `{again}`.\n", failure.what);
    let _ = writeln!(text, "use proof::simulate::*;\n");
    let _ = writeln!(text, "#[test]\nfn seed_{}() {{", setup.seed);
    let _ = writeln!(text, "    let setup = {setup:#?};");
    let _ = writeln!(text, "    let ops = [");
    for (at, context, act) in ops {
        let _ = writeln!(text, "        ({at}, {context}, {}),", source(*act));
    }
    let _ = writeln!(text, "    ];");
    let _ = writeln!(text, "    replay(&setup, &ops).unwrap();\n}}");
    text
}

/// An operation as it stands in Rust.
fn source(act: Act) -> String {
    let text = format!("Act::{act:?}");
    match act {
        Act::Read(..) | Act::Write(..) => text.replace('(', "(Fault::"),
        Act::Announce(_) => text.replace('(', "(Post::"),
        Act::Token(_) => text.replace('(', "(Trip::"),
        Act::ServerRestart(_) => text.replace('(', "(Sessions::"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::Row;
    use super::super::play;
    use super::super::world::World;
    use super::*;

    /// Whether a refresh token was sent again because the answer before was lost.
    fn is_sent_again(setup: &Setup, ops: &[Op]) -> bool {
        let mut world = World::new(*setup);
        world.open();
        world.play(ops);
        world.run_until(world.now + 60_000);
        world.counts.of(Row::AfterLost) > 0
    }

    #[test]
    fn of_a_long_run_only_what_is_needed_stays() {
        let setup = Setup {
            grace: 10_000,
            ..Setup::drawn(7, 3, 1)
        };
        let world = play(&setup, 40, false);
        assert_eq!(world.failure, None);
        let small = from_stretches(&setup, 29, 30 * STRETCH, &is_sent_again).unwrap();
        assert!(small.ops.len() <= 6, "{:?}", small.ops);
        for index in 0..small.ops.len() {
            let mut less = small.ops.clone();
            less.remove(index);
            assert!(!is_sent_again(&small.setup, &less), "{:?}", small.ops);
        }
    }

    #[test]
    fn the_test_of_a_failure_is_rust() {
        let small = Small {
            setup: Setup::drawn(1, 2, 1),
            ops: vec![
                (5, 0, Act::Write(super::super::ops::Fault::Torn, 2)),
                (6, 1, Act::ServerRestart(super::super::ops::Sessions::Kept)),
            ],
        };
        let failure = Failure {
            at: 7,
            what: "P5".to_owned(),
            detail: String::new(),
        };
        let text = test(&small, &failure, "cargo");
        assert!(text.contains("(5, 0, Act::Write(Fault::Torn, 2)),"));
        assert!(text.contains("(6, 1, Act::ServerRestart(Sessions::Kept)),"));
        assert!(text.contains("fn seed_1() {"));
    }
}
