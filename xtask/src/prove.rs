//! `cargo xtask prove`: what one call does to any machine that holds the invariant, shown by a model checker.
//!
//! The kernel (`proof/kernel`) is compiled to WebAssembly, translated to C by `wasm2c`, and given to CBMC with every
//! number open. Cases are told apart by what is called, by the phase, the work on the store and how many requests wait.

mod cases;
mod checker;
mod kernel;
mod progress;
mod rejected;
mod translate;

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;

use crate::project::Project;
use crate::report;
use crate::report::Table;
use cases::Case;
use kernel::Ended;
use kernel::Kernel;
use kernel::Subject;

/// A case that takes longer is not shown.
const LIMIT: Duration = Duration::from_secs(600);

/// How many cases are checked at once.
const JOBS: usize = 2;

/// How many requests fit into the machine.
const WAITERS: u32 = 2;

/// How many cases are checked at once, and for how long.
#[derive(Debug, Clone, Copy)]
struct Pace {
    jobs: usize,
    /// Each.
    limit: Duration,
    /// No other one begins after this.
    until: Option<Instant>,
}

impl Pace {
    const fn of(jobs: usize) -> Self {
        Self {
            jobs,
            limit: LIMIT,
            until: None,
        }
    }

    fn goes_on(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// A case, how it ended, and its seconds.
type Checked = (Case, Ended, f32);

/// Runs cases on several cores.
fn check_all(
    project: &Project,
    kernel: &Kernel,
    cases: &[Case],
    pace: Pace,
) -> Result<Vec<Checked>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..pace.jobs)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed))
                        && pace.goes_on()
                    {
                        let start = Instant::now();
                        let ended = kernel.check(project, case, pace.limit)?;
                        let seconds = start.elapsed().as_secs_f32();
                        println!(
                            "{} {case:?} {seconds:.1} s: {ended:?}",
                            cases::group(case.call)
                        );
                        if let Ended::Shown(checks) = ended
                            && case.fault == 0
                        {
                            kernel.progress.note(case, checks, seconds)?;
                        }
                        if let Ok(mut done) = done.lock() {
                            done.push((*case, ended, seconds));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    Ok(done.into_inner().unwrap_or_default())
}

/// How long all of them took, and the longest.
fn seconds<'a>(checked: impl IntoIterator<Item = &'a Checked>) -> [String; 2] {
    let (mut whole, mut longest) = (0.0, 0.0_f32);
    for (.., seconds) in checked {
        whole += seconds;
        longest = longest.max(*seconds);
    }
    [whole, longest].map(|seconds| format!("{seconds:.0}"))
}

/// What is asked for.
struct Asked {
    waiters: u32,
    pace: Pace,
    fault: u32,
    /// What was shown of the same sources before is not shown again.
    is_resumed: bool,
    /// All, unless some are named.
    cases: Option<Vec<Case>>,
}

impl Asked {
    /// `[--waiters N] [--jobs N] [--limit S] [--minutes M] [--resume] [--fault N] [--only CALL,PHASE,SYNC,WAITING] [CALL..]`.
    fn read(words: &[String]) -> Result<Self> {
        let mut asked = Self {
            waiters: WAITERS,
            pace: Pace::of(JOBS),
            fault: 0,
            is_resumed: false,
            cases: None,
        };
        let mut calls = Vec::new();
        let mut named = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word.as_str() {
                "--waiters" => asked.waiters = value()?.parse()?,
                "--jobs" => asked.pace.jobs = value()?.parse()?,
                "--limit" => asked.pace.limit = Duration::from_secs(value()?.parse()?),
                "--minutes" => {
                    let minutes: u64 = value()?.parse()?;
                    asked.pace.until = Some(Instant::now() + Duration::from_secs(minutes * 60));
                    asked.is_resumed = true;
                }
                "--resume" => asked.is_resumed = true,
                "--fault" => asked.fault = value()?.parse()?,
                "--only" => named.push(Case::parse(value()?)?),
                name => calls.push(cases::called(name)?),
            }
        }
        for call in calls {
            named.extend(cases::of(call, asked.waiters));
        }
        asked.cases = Some(named).filter(|named| !named.is_empty());
        Ok(asked)
    }
}

/// The share of `cargo xtask test`: some cases, the queue of two, and a fault that must be rejected.
pub(crate) fn share(project: &Project) -> Result<()> {
    let kernel = Kernel::build(project, WAITERS, Subject::Machine)?;
    let mut cases: Vec<_> = cases::all(WAITERS).collect();
    cases.retain(|case| cases::SHARE.contains(&(case.call, case.phase, case.waiting)));
    ensure!(cases.len() >= cases::SHARE.len(), "no case of the share");
    let mut ended = check_all(project, &kernel, &cases, Pace::of(1))?;
    ended.extend(queue(project, WAITERS)?);
    all_shown(&not_shown(&ended))?;
    compare(project, &kernel)?;
    rejected::run(project, &["sign-out-leaves-early-requests".to_owned()]).map(drop)
}

/// Says so if the whole was shown of another program. That is no failure: the whole takes hours, a change does not.
fn compare(project: &Project, kernel: &Kernel) -> Result<()> {
    let program = kernel.progress.program();
    if !report::says(project, program)? {
        println!("prove: the table is not of {program}; `cargo xtask prove` shows that");
    }
    Ok(())
}

/// The queue by itself, of each of these lengths.
const QUEUES: &[u32] = &[2, 4, 8, 16];

fn queues(project: &Project) -> Result<()> {
    let mut table = Table::new(&[
        "requests that fit",
        "operations",
        "cases",
        "shown",
        "seconds in all",
        "longest",
    ]);
    let mut broken = Vec::new();
    for &waiters in QUEUES {
        let ended = queue(project, waiters)?;
        let others = not_shown(&ended);
        let [whole, longest] = seconds(&ended);
        table.row(&[
            &waiters.to_string(),
            &cases::OPERATIONS.len().to_string(),
            &ended.len().to_string(),
            &(ended.len() - others.len()).to_string(),
            &whole,
            &longest,
        ]);
        broken.extend(others.iter().map(|case| format!("{waiters}: {case}")));
    }
    report::write(project, "queues", &table)?;
    all_shown(&broken)
}

/// Each operation of a queue of this length by itself.
fn queue(project: &Project, waiters: u32) -> Result<Vec<Checked>> {
    let kernel = Kernel::build(project, waiters, Subject::Queue)?;
    check_all(project, &kernel, &cases::queue(waiters), Pace::of(JOBS))
}

/// Those that are not shown, for people.
fn not_shown(ended: &[Checked]) -> Vec<String> {
    let others = ended
        .iter()
        .filter(|(_, ended, _)| !matches!(ended, Ended::Shown(_)));
    others
        .map(|(case, ended, _)| format!("{}: {}: {ended:#?}", case.numbers(), case.show()))
        .collect()
}

fn all_shown(others: &[String]) -> Result<()> {
    ensure!(others.is_empty(), "not shown: {}", others.join("\n"));
    Ok(())
}

/// Without words: every case. With `--resume` those that were shown before, over the same sources, are not shown again;
/// `--minutes M` goes on like that for so long, and begins anew after all were shown. `--queues`: queues of several lengths.
/// `--faults [NAME..]`: that faults are rejected.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    if let Some(("--faults", names)) = words.split_first().map(|(a, b)| (a.as_str(), b)) {
        let table = rejected::run(&project, names)?;
        if names.is_empty() {
            report::write(&project, "rejected", &table)?;
        }
        return Ok(());
    }
    if words == ["--queues"] {
        return queues(&project);
    }
    let asked = Asked::read(words)?;
    let is_whole = asked.cases.is_none() && asked.fault == 0 && asked.waiters == WAITERS;
    let subject = if asked.fault > 0 {
        Subject::FaultyMachine
    } else {
        Subject::Machine
    };
    let mut kernel = Kernel::build(&project, asked.waiters, subject)?;
    let mut cases = asked
        .cases
        .unwrap_or_else(|| cases::all(asked.waiters).collect());
    for case in &mut cases {
        case.fault = asked.fault;
    }
    cases.sort_by_key(|case| (case.waiting, *case));
    let count = cases.len();
    let is_over = cases.iter().all(|case| kernel.progress.of(case).is_some());
    if is_whole && (!asked.is_resumed || (asked.pace.until.is_some() && is_over)) {
        kernel.progress.clear()?;
    }
    let mut ended = Vec::new();
    cases.retain(|case| {
        let noted = kernel.progress.of(case);
        let before = noted.filter(|_| asked.is_resumed);
        ended.extend(before.map(|(checks, seconds)| (*case, Ended::Shown(checks), seconds)));
        before.is_none()
    });
    ended.extend(check_all(&project, &kernel, &cases, asked.pace)?);
    let others = not_shown(&ended);
    let mut table = table(&ended, asked.waiters);
    if is_whole && ended.len() == count {
        let [whole, longest] = seconds(&ended);
        let shown = count - others.len();
        let [count, shown] = [count, shown].map(|count| count.to_string());
        let program = format!("all, {}", kernel.progress.program());
        table.row(&[&program, &count, &shown, "", &whole, &longest]);
        report::write(&project, "prove", &table)?;
    } else {
        println!("\n{}", table.text());
        if is_whole {
            compare(&project, &kernel)?;
        }
    }
    if ended.len() < count {
        println!(
            "prove: {} of {count} cases, the others are for the next time",
            ended.len()
        );
    }
    all_shown(&others)
}

/// A row for each call.
fn table(ended: &[Checked], waiters: u32) -> Table {
    let mut table = Table::new(&[
        "called",
        "cases",
        "shown",
        "checks in each",
        "seconds in all",
        "longest",
    ]);
    for call in 0..=cases::LAST {
        let of_call: Vec<_> = ended
            .iter()
            .filter(|(case, ..)| case.call == call)
            .collect();
        if of_call.is_empty() {
            continue;
        }
        let checks = of_call.iter().filter_map(|(_, ended, _)| match ended {
            Ended::Shown(checks) => Some(*checks),
            _ => None,
        });
        let checks: Vec<usize> = checks.collect();
        let in_each = match (checks.iter().min(), checks.iter().max()) {
            (Some(least), Some(most)) if least == most => most.to_string(),
            (Some(least), Some(most)) => format!("{least} to {most}"),
            _ => "-".to_owned(),
        };
        let [whole, longest] = seconds(of_call.iter().copied());
        table.row(&[
            cases::group(call),
            &cases::of(call, waiters).len().to_string(),
            &checks.len().to_string(),
            &in_each,
            &whole,
            &longest,
        ]);
    }
    table
}
