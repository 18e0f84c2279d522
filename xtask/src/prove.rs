//! `cargo xtask prove`: what one call does to any machine that holds the invariant, shown by a model checker.
//!
//! The kernel (`proof/kernel`) is compiled to WebAssembly, translated to C by `wasm2c`, and given to CBMC with every
//! number open. Cases are told apart by what is called, by the phase, the work on the store and how many requests wait.

mod cases;
mod checker;
mod progress;
mod rejected;
mod translate;

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::faults;
use crate::proc;
use crate::proc::Job;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;
use cases::Case;
use checker::Checker;
use progress::Progress;

const WASM: &str = "wasm32v1-none";
const MANIFEST: &str = "proof/kernel/Cargo.toml";
/// Bytes of the shadow stack; less than that is shown to be enough.
const STACK: &str = "4096";
/// A case that takes longer is not shown.
const LIMIT: Duration = Duration::from_secs(600);

/// How often the body of a loop may run: of these as often as stated, for a queue of two and in proportion for a longer
/// one; of any other once for each request that may wait and once more. That it is enough is shown in each case.
const LOOPS: &[(&str, u32)] = &[
    ("w2c_memcpy.", 100),
    ("w2c_memset.", 500),
    ("6config6Config8validate", 34),
    ("7renewal7backoff", 34),
    ("5state5Stamp7against", 8),
    ("7machine16Machine_LT___GT_12poll_timeout", 8),
];

/// How many cases are checked at once.
const JOBS: usize = 2;

/// What is in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Machine,
    /// The queue by itself.
    Queue,
    /// With the seeded faults.
    FaultyMachine,
    FaultyQueue,
}

impl Subject {
    /// The folder's name, and one more than the highest number of its properties in `src/verify`.
    const fn parts(self) -> (&'static str, u32) {
        match self {
            Self::Machine => ("sound", 116),
            Self::FaultyMachine => ("faulty", 116),
            Self::Queue => ("queue", 140),
            Self::FaultyQueue => ("faulty-queue", 140),
        }
    }

    const fn is_faulty(self) -> bool {
        matches!(self, Self::FaultyMachine | Self::FaultyQueue)
    }

    const fn is_queue(self) -> bool {
        matches!(self, Self::Queue | Self::FaultyQueue)
    }
}

/// The kernel as the checker reads it.
struct Kernel {
    checker: Checker,
    folder: PathBuf,
    program: PathBuf,
    /// How far loops are unrolled.
    unwind: [String; 2],
    progress: Progress,
}

impl Kernel {
    /// Compiles and translates it.
    fn build(project: &Project, waiters: u32, subject: Subject) -> Result<Self> {
        tools::target(project, WASM)?;
        let checker = Checker::find(project)?;
        let (name, properties) = subject.parts();
        let folder = project
            .target
            .join("prove")
            .join(format!("{name}-{waiters}"));
        std::fs::create_dir_all(&folder)?;
        compile(project, waiters, subject, &folder)?;

        let wasm = folder.join(WASM).join("release/kernel.wasm");
        let translated = folder.join("translated.c");
        let mut command = project.command("wasm2c");
        command.args(["-n", "kernel", "-o"]).arg(&translated);
        proc::run(command.arg(wasm))?;
        let text = std::fs::read_to_string(&translated)?;
        let headers = translate::headers(&text, properties, cases::UP_TO)?;
        std::fs::write(folder.join("memory.h"), &headers.memory)?;
        std::fs::write(folder.join("kernel.h"), &headers.kernel)?;

        let program = folder.join("kernel.gb");
        let mut command = checker.program("goto-cc");
        command.arg("-I").arg(&folder).arg("-c");
        command.arg(project.root.join("proof/kernel/harness.c"));
        proc::run(command.arg("-o").arg(&program))?;
        let listed = proc::read(
            checker
                .program("goto-instrument")
                .arg("--show-loops")
                .arg(&program),
        )?;
        let unwind = [(waiters + 2).to_string(), unwind_set(&listed, waiters)];
        let [all, some] = &unwind;
        let [harness, case] = ["harness.c", "case.c"]
            .map(|name| std::fs::read_to_string(project.root.join("proof/kernel").join(name)));
        let parts = [
            &headers.memory,
            &headers.kernel,
            &harness?,
            &case?,
            all,
            some,
        ];
        let progress = Progress::read(&folder, &parts)?;
        Ok(Self {
            progress,
            checker,
            folder,
            program,
            unwind,
        })
    }
}

/// The loops of `LOOPS` by their names in the program.
fn unwind_set(listed: &str, waiters: u32) -> String {
    let names = listed
        .lines()
        .filter_map(|line| line.strip_prefix("Loop ")?.strip_suffix(':'));
    let bounds = names.filter_map(|name| {
        let (_, times) = LOOPS.iter().find(|(part, _)| name.contains(part))?;
        Some(format!("{name}:{}", times * waiters.div_ceil(2)))
    });
    bounds.collect::<Vec<_>>().join(",")
}

fn compile(project: &Project, waiters: u32, subject: Subject, folder: &Path) -> Result<()> {
    let mut flags = vec![format!("-Clink-arg=-zstack-size={STACK}")];
    // Common ends of branches stay apart: merged, what they write to would be a choice among addresses.
    for option in [
        "-sink-common-insts=false",
        "-simplifycfg-sink-common=false",
        "-enable-tail-merge=false",
    ] {
        flags.push(format!("-Cllvm-args={option}"));
    }
    if subject.is_queue() {
        flags.push("--cfg=prove_queue".to_owned());
    }
    let root = if subject.is_faulty() {
        flags.push("--cfg=tokenlatch_faults".to_owned());
        faults::copy(project)?
    } else {
        project.root.clone()
    };
    let mut command = project.cargo(&["build", "--quiet", "--release", "--locked"]);
    command.args(["--target", WASM, "--manifest-path", MANIFEST]);
    command.current_dir(root).env("CARGO_TARGET_DIR", folder);
    command.env("PROVE_WAITERS", waiters.to_string());
    proc::run(command.env("RUSTFLAGS", flags.join(" ")))
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ended {
    /// So many checks hold.
    Shown(usize),
    /// These do not.
    Broken(Vec<String>),
    TooLong,
}

impl Kernel {
    fn check(&self, project: &Project, case: &Case, limit: Duration) -> Result<Ended> {
        let mut command = self.checker.program("cbmc");
        command.arg(&self.program);
        command.arg(project.root.join("proof/kernel/case.c"));
        let Case {
            call,
            phase,
            sync,
            waiting,
            fault,
        } = case;
        for (name, value) in [
            ("CALL", call),
            ("PHASE", phase),
            ("SYNC", sync),
            ("WAITING", waiting),
            ("FAULT", fault),
        ] {
            command.arg(format!("-D{name}={value}"));
        }
        // Each byte of a piece is a variable of its own. A trap is an assertion already; no loop may go on unseen.
        command.args(["--max-field-sensitivity-array-size", "64"]);
        command.args(["--no-standard-checks", "--slice-formula"]);
        let [all, some] = &self.unwind;
        command.args([
            "--unwinding-assertions",
            "--unwind",
            all,
            "--unwindset",
            some,
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut job = Job::start(command.stderr(Stdio::piped()))?;
        let (lines, errors) = (job.lines(), job.error_lines());
        let Ok(status) = job.wait_for(limit) else {
            return Ok(Ended::TooLong);
        };
        let text: Vec<String> = lines.iter().chain(errors.iter()).collect();
        let name = format!("{call}-{phase}-{sync}-{waiting}-{fault}.txt");
        std::fs::write(self.folder.join(name), text.join("\n"))?;
        judge(case, &text).with_context(|| format!("{case:?}: {status}"))
    }
}

/// What the checker said. It must have checked everything, and the control must have failed.
fn judge(case: &Case, text: &[String]) -> Result<Ended> {
    if let Some(missing) = text.iter().find(|line| line.contains("no body for")) {
        bail!("{missing}");
    }
    let checked: Vec<&String> = text
        .iter()
        .filter(|line| line.starts_with('[') && line.contains("] line "))
        .collect();
    let (failed, held): (Vec<&String>, Vec<&String>) =
        checked.iter().partition(|line| line.ends_with(": FAILURE"));
    let odd = held.iter().find(|line| !line.ends_with(": SUCCESS"));
    ensure!(odd.is_none(), "neither held nor failed: {odd:?}");
    ensure!(!checked.is_empty(), "nothing was checked: {text:?}");
    let is_control = |line: &&&String| line.contains(" control: ");
    ensure!(
        checked.iter().filter(is_control).count() == 1,
        "there is no control"
    );
    let reached = failed.iter().any(|line| is_control(&line));
    let broken: Vec<String> = failed
        .iter()
        .filter(|line| !is_control(line))
        .map(|line| (*line).clone())
        .collect();
    if !broken.is_empty() {
        return Ok(Ended::Broken(broken));
    }
    ensure!(reached || case.is_refused(), "no call was judged");
    ensure!(!(reached && case.is_refused()), "a call was let in");
    Ok(Ended::Shown(held.len()))
}

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

/// What is asked for.
struct Asked {
    waiters: u32,
    pace: Pace,
    fault: u32,
    /// What was shown of the same sources before is not shown again.
    is_resumed: bool,
    /// Every case.
    is_whole: bool,
    /// Those of the list, unless others are named.
    cases: Vec<Case>,
}

impl Asked {
    /// `[--waiters N] [--jobs N] [--limit S] [--minutes M] [--resume] [--fault N] [--all] [--only CALL,PHASE,SYNC,WAITING]
    /// [CALL..]`.
    fn read(words: &[String]) -> Result<Self> {
        let mut asked = Self {
            waiters: 2,
            pace: Pace::of(JOBS),
            fault: 0,
            is_resumed: false,
            is_whole: false,
            cases: Vec::new(),
        };
        let mut calls = Vec::new();
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
                }
                "--resume" => asked.is_resumed = true,
                "--fault" => asked.fault = value()?.parse()?,
                "--only" => asked.cases.push(Case::parse(value()?)?),
                "--all" => {
                    asked.is_whole = true;
                    calls.extend(0..=cases::LAST);
                }
                name => calls.push(cases::called(name)?),
            }
        }
        for call in calls {
            asked.cases.extend(cases::of(call, asked.waiters));
        }
        for case in &mut asked.cases {
            case.fault = asked.fault;
        }
        Ok(asked)
    }
}

/// The share of `cargo xtask test`: some cases of the list, the queue of two, and a fault that must be rejected.
pub(crate) fn share(project: &Project) -> Result<()> {
    let kernel = Kernel::build(project, 2, Subject::Machine)?;
    let mut cases = cases::shown(project, 2)?;
    cases.retain(|case| cases::SHARE.contains(&(case.call, case.phase, case.waiting)));
    ensure!(
        cases.len() >= cases::SHARE.len(),
        "the list lacks a case of the share"
    );
    let ended = check_all(project, &kernel, &cases, Pace::of(1))?;
    for (case, ended, _) in ended {
        ensure!(matches!(ended, Ended::Shown(_)), "{case:?}: {ended:?}");
    }
    let (_, broken) = queue(project, 2)?;
    ensure!(broken.is_empty(), "not shown: {}", broken.join("\n"));
    rejected::run(project, &["sign-out-leaves-early-requests".to_owned()]).map(drop)
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
        let (ended, others) = queue(project, waiters)?;
        let seconds = ended.iter().map(|(.., seconds)| *seconds);
        table.row(&[
            &waiters.to_string(),
            &cases::OPERATIONS.len().to_string(),
            &ended.len().to_string(),
            &(ended.len() - others.len()).to_string(),
            &format!("{:.0}", seconds.clone().sum::<f32>()),
            &format!("{:.0}", seconds.fold(0.0, f32::max)),
        ]);
        broken.extend(others);
    }
    report::write(project, "queues", &table)?;
    ensure!(broken.is_empty(), "not shown: {}", broken.join("\n"));
    Ok(())
}

/// Each operation of a queue of this length by itself: how each ended, and those that are not shown.
fn queue(project: &Project, waiters: u32) -> Result<(Vec<Checked>, Vec<String>)> {
    let kernel = Kernel::build(project, waiters, Subject::Queue)?;
    let ended = check_all(project, &kernel, &cases::queue(waiters), Pace::of(JOBS))?;
    let others = ended
        .iter()
        .filter(|(_, ended, _)| !matches!(ended, Ended::Shown(_)));
    let others = others
        .map(|(case, ended, _)| format!("{waiters}: {}: {ended:?}", case.show()))
        .collect();
    Ok((ended, others))
}

/// Without words: the cases of the list, each of which must be shown again. `--all`: every case; with `--resume` but those
/// shown before, over the same sources. `--queues`: queues of several lengths. `--faults [NAME..]`: that faults are rejected.
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
    let mut asked = Asked::read(words)?;
    let shown = cases::shown(&project, asked.waiters)?;
    if asked.cases.is_empty() {
        asked.cases.clone_from(&shown);
    }
    let subject = if asked.fault > 0 {
        Subject::FaultyMachine
    } else {
        Subject::Machine
    };
    let kernel = Kernel::build(&project, asked.waiters, subject)?;
    // Those of the list first, then those with the fewest requests.
    asked
        .cases
        .sort_by_key(|case| (!shown.contains(case), case.waiting, *case));
    let mut ended = Vec::new();
    if asked.is_resumed {
        asked.cases.retain(|case| {
            let before = kernel.progress.of(case);
            ended.extend(before.map(|(checks, seconds)| (*case, Ended::Shown(checks), seconds)));
            before.is_none()
        });
    }
    ended.extend(check_all(&project, &kernel, &asked.cases, asked.pace)?);
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
        let seconds: f32 = of_call.iter().map(|(.., seconds)| seconds).sum();
        let longest = of_call
            .iter()
            .map(|(.., seconds)| *seconds)
            .fold(0.0, f32::max);
        table.row(&[
            cases::group(call),
            &cases::of(call, asked.waiters).len().to_string(),
            &checks.len().to_string(),
            &checks.first().map_or("-".to_owned(), usize::to_string),
            &format!("{seconds:.0}"),
            &format!("{longest:.0}"),
        ]);
    }
    let broken: Vec<String> = ended
        .iter()
        .filter_map(|(case, ended, _)| match ended {
            Ended::Broken(checks) => Some(format!("{case:?}: {checks:#?}")),
            Ended::TooLong if shown.contains(case) => Some(format!("{case:?}: too long")),
            _ => None,
        })
        .collect();
    if asked.is_whole {
        report::write(&project, "prove", &table)?;
    }
    if report::is_update() {
        let new = ended
            .iter()
            .filter(|(_, ended, _)| matches!(ended, Ended::Shown(_)));
        cases::note(&project, asked.waiters, new.map(|(case, ..)| *case))?;
    }
    ensure!(broken.is_empty(), "not shown: {}", broken.join("\n"));
    Ok(())
}
