//! `cargo xtask simulate`: contexts, store, lease, network and server in simulated time, by the crate `proof`.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Result;

use crate::proc;
use crate::project::Project;

/// Simulated hours of one run in `cargo xtask test`, and how many runs.
const HOURS: u64 = 200;
const RUNS: u64 = 10;

/// Hands the words on: `--seed S --hours H --contexts N`, `--trace`.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    simulate(&Project::read()?, &words)
}

/// Fresh seeds, which each run prints: one seed gives one run, on any machine.
pub(crate) fn fresh(project: &Project) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for run in 0..RUNS {
        let seed = (now * RUNS + run).to_string();
        let contexts = (1 + run % 8).to_string();
        let hours = HOURS.to_string();
        simulate(
            project,
            &["--seed", &seed, "--hours", &hours, "--contexts", &contexts],
        )?;
    }
    Ok(())
}

fn simulate(project: &Project, words: &[&str]) -> Result<()> {
    let mut command = project.cargo(&[
        "run",
        "--quiet",
        "--release",
        "-p",
        "proof",
        "--",
        "simulate",
    ]);
    proc::run(command.args(words))
}
