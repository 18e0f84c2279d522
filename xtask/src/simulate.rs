//! `cargo xtask simulate`: contexts, store, lease, network and server in simulated time, by the crate `proof`.

use std::process::Command;
use std::process::Output;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::faults;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;

/// Simulated hours of one run in `cargo xtask test`, and how many runs.
const HOURS: u64 = 200;
const RUNS: u64 = 10;
/// Contexts in the last of them.
const MOST: u64 = 64;

/// What a store that keeps what it is told changes: the rows that its table has.
const SOUND: &[&str] = &[
    "context-hours",
    "requests sent",
    "renewals granted",
    "token requests",
    "refresh tokens",
    "sessions ended",
    "older credentials",
    "restarts",
    "store faults",
    "lease faults",
    "network faults",
    "server faults",
];

/// Hands the words on: `--seed S --hours H --contexts N --domains D --sound-store`, `--trace`; or, for `--faults`, looks for
/// each seeded fault.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if words == ["--faults"] {
        return seeded(&project);
    }
    if words.contains(&"--trace") {
        return proc::run(&mut simulate(&project, &words));
    }
    let begin = Instant::now();
    let rows = proc::read(&mut simulate(&project, &words))?;
    let seconds = begin.elapsed().as_secs();
    let mut table = Table::new(&["what", "count"]);
    table.row(&[
        "command",
        &format!("`cargo xtask simulate {}`", words.join(" ")),
    ]);
    table.row(&["seconds", &seconds.to_string()]);
    let is_sound = words.contains(&"--sound-store");
    for row in rows.lines() {
        let Some((what, count)) = row.trim_matches(['|', ' ']).split_once(" | ") else {
            continue;
        };
        if !is_sound || SOUND.iter().any(|begin| what.starts_with(begin)) {
            table.row(&[what, count]);
        }
    }
    let name = if is_sound {
        "simulate-sound"
    } else {
        "simulate"
    };
    report::write(&project, name, &table)
}

/// Fresh seeds, which each run prints: one seed gives one run, on any machine.
pub(crate) fn fresh(project: &Project) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for run in 0..RUNS {
        let words = [
            ("--seed", now * RUNS + run),
            ("--hours", HOURS),
            (
                "--contexts",
                if run + 1 == RUNS { MOST } else { 1 + run % 8 },
            ),
            ("--domains", 1 + run / 8),
        ];
        let words = words.map(|(word, number)| [word.to_owned(), number.to_string()]);
        let mut words: Vec<&str> = words.iter().flatten().map(String::as_str).collect();
        if run % 2 == 1 {
            words.push("--sound-store");
        }
        // The counts of so short a run say little; its last line goes through.
        proc::read(&mut simulate(project, &words))?;
    }
    Ok(())
}

const PROOF: [&str; 7] = [
    "run",
    "--quiet",
    "--release",
    "-p",
    "proof",
    "--",
    "simulate",
];

fn simulate(project: &Project, words: &[&str]) -> Command {
    let mut command = project.cargo(&PROOF);
    command.args(words);
    command
}

/// Faults that the simulation can't meet, and why.
const OUT_OF_REACH: &[(&str, &str)] = &[
    ("ready-before-the-probe", "no context probes here"),
    ("the-token-is-printed", "nothing is printed here"),
    (
        "sign-out-is-not-stored",
        "the next look at the store writes it; `explore` sees the crash before",
    ),
];

/// Looks for each fault of `proof/faults.txt`, and tells the shortest list of operations that shows it.
fn seeded(project: &Project) -> Result<()> {
    let mut table = Table::new(&["fault", "promise", "found as", "seed", "operations"]);
    let mut missed = Vec::new();
    for (number, fault) in (1..).zip(faults::table(&project.root)?) {
        if let Some((_, why)) = OUT_OF_REACH.iter().find(|(name, _)| *name == fault.name) {
            table.row(&[&*fault.name, &*fault.promise, why, "-", "-"]);
            continue;
        }
        match find(project, number)? {
            Some([what, seed, operations]) => {
                table.row(&[&fault.name, &fault.promise, &what, &seed, &operations]);
            }
            None => {
                table.row(&[&*fault.name, &*fault.promise, "not found", "-", "-"]);
                missed.push(fault.name);
            }
        }
    }
    report::write(project, "simulate-faults", &table)?;
    if !missed.is_empty() {
        bail!("not found: {}", missed.join(", "));
    }
    Ok(())
}

/// How it shows itself, with which seed, and in how many operations.
fn find(project: &Project, number: u32) -> Result<Option<[String; 3]>> {
    for (hours, contexts) in [("400", "2"), ("4000", "4")] {
        let mut command = faults::cargo(project, &PROOF)?;
        let fault = number.to_string();
        command.args(["--fault", &fault, "--seed", "1"]);
        command.args(["--hours", hours, "--contexts", contexts]);
        let Output { status, stderr, .. } = command.output()?;
        let said = String::from_utf8(stderr)?;
        let Some((_, test)) = said.split_once("    let ops = [") else {
            ensure!(status.success(), "the simulation did not run: {said}");
            continue;
        };
        let operations = test.lines().filter(|line| line.contains("Act::")).count();
        let first = said.lines().find(|line| line.starts_with("seed "));
        let (seed, what) = first
            .and_then(|line| line.strip_prefix("seed ")?.split_once(": "))
            .unwrap_or_default();
        let what = what.split(" (context").next().unwrap_or(what);
        return Ok(Some([
            what.to_owned(),
            seed.to_owned(),
            operations.to_string(),
        ]));
    }
    Ok(None)
}
