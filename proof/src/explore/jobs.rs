//! Which spaces are explored, several at a time, and what is told of them.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use super::kept;
use super::search::Report;
use super::search::Search;
use super::space::Space;
use super::transcript;

/// Which spaces the second explorer counts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// Those that say so.
    Some,
    All,
}

pub(crate) struct Plan {
    pub(crate) spaces: Vec<Space>,
    pub(crate) twice: Twice,
    pub(crate) threads: usize,
    pub(crate) loud: bool,
}

struct Job {
    /// The row.
    place: usize,
    space: Arc<Space>,
    second: bool,
    loud: bool,
}

enum Done {
    First(Report),
    Second(Result<(usize, usize), String>),
}

/// What is known of one space.
#[derive(Default)]
struct Row {
    first: Option<Report>,
    /// Whether the second explorer counts.
    awaited: bool,
    second: Option<(usize, usize)>,
}

impl Job {
    fn run(&self) -> Done {
        if self.second {
            return Done::Second(kept::count(&self.space));
        }
        let most = self.space.most.unwrap_or(usize::MAX);
        Done::First(Search::new(&self.space).run(most, self.loud))
    }
}

/// Explores the spaces and prints their rows, then one of all.
pub(crate) fn run(plan: Plan) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let spaces: Vec<_> = plan.spaces.into_iter().map(Arc::new).collect();
    let mut rows: Vec<Row> = spaces.iter().map(|_| Row::default()).collect();
    let mut jobs = Vec::new();
    for (place, space) in spaces.iter().enumerate() {
        let closes = space.most.is_none();
        rows[place].awaited = closes && (space.twice || plan.twice == Twice::All);
        for second in [false, true] {
            if rows[place].awaited || !second {
                jobs.push(Job {
                    place,
                    space: Arc::clone(space),
                    second,
                    loud: plan.loud,
                });
            }
        }
    }
    jobs.sort_by_key(|job| Reverse(job.space.seconds));
    for (place, done) in start(jobs.into(), plan.threads) {
        match done {
            Done::First(report) => {
                check(&spaces[place], &report)?;
                rows[place].first = Some(report);
            }
            Done::Second(counted) => rows[place].second = Some(counted?),
        }
        agree(&spaces[place], &rows[place])?;
    }
    let (mut states, mut transitions) = (0, 0);
    for (space, row) in spaces.iter().zip(&rows) {
        let Some(report) = &row.first else {
            return Err(format!("{} was not explored", space.name).into());
        };
        states += report.states;
        transitions += report.transitions;
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            space.name,
            space.line,
            report.states,
            report.transitions,
            report.depth,
            if report.closed { "yes" } else { "no" },
            if row.awaited { "the same" } else { "not run" },
            report.replayed,
            report.beside,
            report.older,
            seconds(report.time),
        );
    }
    println!(
        "| all | {} at a time | {states} | {transitions} | - | - | - | - | - | - | {} |",
        plan.threads,
        seconds(begin.elapsed()),
    );
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64().ceil())
}

/// Starts the threads; what they come to. They are not waited for where nobody takes that any more.
fn start(jobs: VecDeque<Job>, threads: usize) -> mpsc::Receiver<(usize, Done)> {
    let jobs = Arc::new(Mutex::new(jobs));
    let (give, take) = mpsc::channel();
    for _ in 0..threads.max(1) {
        let (jobs, give) = (Arc::clone(&jobs), give.clone());
        let next = move || {
            jobs.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        };
        thread::spawn(move || {
            while let Some(job) = next() {
                if give.send((job.place, job.run())).is_err() {
                    break;
                }
            }
        });
    }
    take
}

fn check(space: &Arc<Space>, report: &Report) -> Result<(), Box<dyn Error>> {
    if let Some(found) = &report.found {
        let test = transcript::test(space, &found.path, &found.violation);
        let head = transcript::HEAD;
        let what = format!("{}: {}", space.name, found.violation);
        return Err(format!("{what}\nas a test, for proof/tests:\n\n{head}\n{test}").into());
    }
    if space.most.is_none() && !report.closed {
        return Err(format!("{} does not close", space.name).into());
    }
    Ok(())
}

/// Both explorers must count the same.
fn agree(space: &Space, row: &Row) -> Result<(), Box<dyn Error>> {
    let (Some(report), Some(counted)) = (&row.first, row.second) else {
        return Ok(());
    };
    let own = (report.states, report.transitions);
    if counted != own {
        return Err(format!("{}: {own:?} here, {counted:?} by stateright", space.name).into());
    }
    Ok(())
}
