//! The kernel as the checker reads it, and one case of it.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use super::cases;
use super::cases::Case;
use super::checker::Checker;
use super::progress::Progress;
use super::translate;
use crate::faults;
use crate::proc;
use crate::proc::Job;
use crate::project::Project;
use crate::tools;

const WASM: &str = "wasm32v1-none";
const MANIFEST: &str = "proof/kernel/Cargo.toml";
/// Bytes of the shadow stack; less than that is shown to be enough.
const STACK: &str = "4096";
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

/// What is in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
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
pub(super) struct Kernel {
    checker: Checker,
    folder: PathBuf,
    program: PathBuf,
    /// How far loops are unrolled.
    unwind: [String; 2],
    pub(super) progress: Progress,
}

impl Kernel {
    /// Compiles and translates it.
    pub(super) fn build(project: &Project, waiters: u32, subject: Subject) -> Result<Self> {
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
pub(super) enum Ended {
    /// So many checks hold.
    Shown(usize),
    /// These do not.
    Broken(Vec<String>),
    TooLong,
}

impl Kernel {
    pub(super) fn check(&self, project: &Project, case: &Case, limit: Duration) -> Result<Ended> {
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
