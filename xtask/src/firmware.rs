//! `cargo xtask firmware`: the board's programs in QEMU, their logs decoded, and what they have to show.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::counts;
use crate::counts::Counts;
use crate::proc;
use crate::proc::Job;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;

pub(crate) const MANIFEST: &str = "examples/firmware/Cargo.toml";
const TARGET: &str = "thumbv7m-none-eabi";
/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(240);
/// The mistakes that the laboratory must find.
const SEEDED: &[&str] = &["early", "no-tombstone", "in-place", "torn-erase"];

pub(crate) fn run(_words: &[String]) -> Result<()> {
    let project = Project::read()?;
    check(&project, &mut Counts::default())
}

/// The step of `cargo xtask test`.
pub(crate) fn check(project: &Project, counts: &mut Counts) -> Result<()> {
    prepare(project)?;
    let host = ["test", "--locked", "--lib", "--manifest-path", MANIFEST];
    counts::run(&mut cargo(project, &host), counts)?;
    build(project, &["--bins"])?;

    tools::component(project, "clippy")?;
    let lint = [
        "clippy",
        "--quiet",
        "--release",
        "--locked",
        "--bins",
        "--lib",
    ];
    let mut command = cargo(project, &lint);
    command.args(["--manifest-path", MANIFEST, "--target", TARGET]);
    command.env("DEFMT_LOG", "info");
    proc::run(command.args(["--", "-D", "warnings"]))?;

    let day = Program::new(project, "day").play("day")?;
    ensure!(day.well, "the day did not end well:\n{}", day.text());
    println!("{}", day.text());
    judge_day(&day.lines)?;

    let cuts = Program::new(project, "power_cut").play("none")?;
    report::write(project, "power-cut", &tallies(&cuts.lines)?)?;
    ensure!(cuts.well, "a promise is broken:\n{}", cuts.text());
    for seeded in SEEDED {
        let found = Program::new(project, "power_cut").play(seeded)?;
        let error = found.lines.iter().find(|line| line.contains("ERROR"));
        match error {
            Some(error) if !found.well => println!("{seeded} is found: {error}"),
            _ => bail!("the seeded mistake `{seeded}` was not found"),
        }
    }

    let steps = Program::new(project, "log_bytes").play("steps")?;
    report::write(project, "log-bytes", &bytes(&steps)?)?;
    proc::run(&mut qemu(
        project,
        &Program::new(project, "counts").file,
        "counts",
    ))
}

/// What is printed by a program that ends well.
pub(crate) fn lines(project: &Project, name: &str) -> Result<Vec<String>> {
    prepare(project)?;
    build(project, &["--bin", name])?;
    let played = Program::new(project, name).play("none")?;
    ensure!(played.well, "`{name}` did not end well:\n{}", played.text());
    Ok(played.lines)
}

fn prepare(project: &Project) -> Result<()> {
    tools::target(project, TARGET)?;
    tools::debian(project, "qemu-system-arm", "qemu-system-arm")?;
    tools::defmt_print(project)
}

fn build(project: &Project, programs: &[&str]) -> Result<()> {
    let mut command = cargo(project, &["build", "--quiet", "--release", "--locked"]);
    command.args(programs);
    command.args(["--manifest-path", MANIFEST, "--target", TARGET]);
    proc::run(command.env("DEFMT_LOG", "info"))
}

fn cargo(project: &Project, args: &[&str]) -> Command {
    let mut command = project.cargo(args);
    command.env("CARGO_TARGET_DIR", project.target.join("firmware"));
    command
}

fn qemu(project: &Project, program: &std::path::Path, word: &str) -> Command {
    let mut command = project.command("qemu-system-arm");
    command.args(["-machine", "mps2-an385", "-cpu", "cortex-m3"]);
    command.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
    // An instruction takes a nanosecond, and the time in which the processor sleeps passes at once.
    command.args(["-icount", "shift=0,sleep=off", "-semihosting-config"]);
    command.arg(format!("enable=on,target=native,arg=firmware,arg={word}"));
    command.arg("-kernel").arg(program);
    command
}

struct Program<'a> {
    project: &'a Project,
    file: PathBuf,
}

/// What a program logged.
struct Played {
    frames: Vec<u8>,
    lines: Vec<String>,
    well: bool,
}

impl Played {
    fn text(&self) -> String {
        self.lines.join("\n")
    }
}

impl<'a> Program<'a> {
    fn new(project: &'a Project, name: &str) -> Self {
        let folder = project.target.join("firmware").join(TARGET);
        Self {
            project,
            file: folder.join("release").join(name),
        }
    }

    fn play(&self, word: &str) -> Result<Played> {
        let folder = self.project.scratch("firmware")?;
        let log = folder.join("log.bin");
        let mut command = qemu(self.project, &self.file, word);
        command.stdin(Stdio::null()).stdout(File::create(&log)?);
        let mut job = Job::start(&mut command)?;
        let well = job.wait_for(LIMIT)?.success();
        let mut decode = self.project.command("defmt-print");
        decode.arg("-e").arg(&self.file).stdin(File::open(&log)?);
        decode.stdout(Stdio::piped());
        let mut lines = Vec::new();
        let mut job = Job::start(&mut decode)?;
        job.each_line(|line| lines.push(line.to_owned()))?;
        proc::check(job.wait()?, &decode)?;
        let frames = std::fs::read(&log)?;
        Ok(Played {
            frames,
            lines,
            well,
        })
    }
}

/// What must be seen in the day, and what must not.
fn judge_day(lines: &[String]) -> Result<()> {
    let place = |text: &str| {
        let place = lines.iter().position(|line| line.contains(text));
        place.with_context(|| format!("the day has no line with `{text}`"))
    };
    place("with the next token")?;
    place("AnswerLost")?;
    let (fails, ends) = (place("the power fails")?, place("SessionEnded")?);
    let between = lines.get(fails..ends).unwrap_or_default();
    ensure!(
        between.iter().any(|line| line.contains("Ready")),
        "the session did not survive the loss of power"
    );
    ensure!(
        !between.iter().any(|line| line.contains("pairs the device")),
        "somebody had to sign in after the loss of power"
    );
    let out = place("the user signs out")?;
    let after = lines.get(out..).unwrap_or_default();
    ensure!(
        !after.iter().any(|line| line.ends_with(": 200")),
        "a request left after the sign-out"
    );
    let last = lines.last().map(String::as_str).unwrap_or_default();
    let expected = ["day: ", " 0 bare, 2 pairings, ", " 1 revoked"];
    ensure!(
        expected.iter().all(|part| last.contains(part)),
        "the day should end otherwise: {last}"
    );
    Ok(())
}

fn tallies(lines: &[String]) -> Result<Table> {
    let mut table = Table::new(&[
        "Operation",
        "Runs",
        "Writes",
        "Erases",
        "Cuts",
        "Old session",
        "New session",
        "None",
        "Violations",
    ]);
    let mut rows = 0;
    for line in lines {
        let Some(rest) = line.strip_prefix("tally ") else {
            continue;
        };
        let cells: Vec<&str> = rest.split_whitespace().collect();
        ensure!(cells.len() == 9, "no tally: {line}");
        let erases: u32 = cells.get(3).copied().unwrap_or_default().parse()?;
        ensure!(erases > 0, "no erase was cut: {line}");
        let violations = cells.last().copied().unwrap_or_default();
        ensure!(violations == "0", "a promise is broken: {line}");
        table.row(&cells);
        rows += 1;
    }
    ensure!(
        rows == 3,
        "three tallies were to come:\n{}",
        lines.join("\n")
    );
    Ok(table)
}

/// The length of each frame, by the event of the step in it. A frame ends with a zero.
fn bytes(steps: &Played) -> Result<Table> {
    let frames = steps.frames.split(|byte| *byte == 0);
    let lengths: Vec<usize> = frames
        .map(|frame| frame.len() + 1)
        .filter(|length| *length > 1)
        .collect();
    ensure!(
        lengths.len() == steps.lines.len(),
        "{} frames and {} lines",
        lengths.len(),
        steps.lines.len()
    );
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (length, line) in lengths.iter().zip(&steps.lines) {
        let Some((_, rest)) = line.split_once("event: ") else {
            continue;
        };
        let kind = rest.split(',').next().unwrap_or_default();
        kinds.entry(kind).or_default().push(*length);
        kinds.entry("all").or_default().push(*length);
    }
    ensure!(kinds.len() > 12, "few kinds of steps: {:?}", kinds.keys());
    let mut table = Table::new(&["Step logged by defmt", "Steps", "Bytes on average", "Most"]);
    for (kind, lengths) in &kinds {
        let average = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        let most = lengths.iter().max().copied().unwrap_or_default();
        let cells = [
            lengths.len().to_string(),
            format!("{average:.1}"),
            most.to_string(),
        ];
        let [count, average, most] = &cells;
        table.row(&[kind, count.as_str(), average, most]);
    }
    Ok(table)
}
