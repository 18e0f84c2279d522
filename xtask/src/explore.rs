//! `cargo xtask explore`: every reachable state of real latches in small worlds, by the crate `proof`; then the same with
//! each seeded fault, which must be found.

use anyhow::Result;
use anyhow::ensure;

use crate::faults;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;

const SPACES: &[&str] = &[
    "space",
    "what happens in it",
    "states",
    "transitions",
    "depth",
    "closed",
    "stateright",
    "with a token used twice",
    "time",
];

const FAULTS: &[&str] = &[
    "seeded fault",
    "breaks",
    "found as",
    "in the space",
    "steps",
    "states until then",
];

/// The least number of seeded faults that must be found.
const ENOUGH: usize = 20;

/// All spaces and all faults; other words go to the explorer: `--space NAME`, `--loud`.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        return proc::run(project.cargo(&ARGS).args(words));
    }
    explore(&project, &[])
}

/// The small spaces and the faults that are found soon.
pub(crate) fn smoke(project: &Project) -> Result<()> {
    explore(project, &["--small"])
}

const ARGS: [&str; 7] = [
    "run",
    "--quiet",
    "--release",
    "-p",
    "proof",
    "--",
    "explore",
];

fn explore(project: &Project, words: &[&str]) -> Result<()> {
    let found = proc::read(project.cargo(&ARGS).args(words))?;
    write(project, "explore", SPACES, &found, words)?;
    let mut command = faults::cargo(project, &ARGS)?;
    let found = proc::read(command.arg("--faults").args(words))?;
    let rows = write(project, "faults", FAULTS, &found, words)?;
    ensure!(rows >= ENOUGH, "{rows} seeded faults are too few");
    Ok(())
}

/// Writes the rows that the explorer printed; how many there are. A part of it is only printed.
fn write(
    project: &Project,
    name: &str,
    heads: &[&str],
    found: &str,
    words: &[&str],
) -> Result<usize> {
    let mut table = Table::new(heads);
    let mut rows = 0;
    for line in found.lines() {
        let Some(row) = line
            .strip_prefix("| ")
            .and_then(|line| line.strip_suffix(" |"))
        else {
            continue;
        };
        let cells: Vec<&str> = row.split(" | ").collect();
        ensure!(cells.len() == heads.len(), "not a row of {name}: {line}");
        table.row(&cells);
        rows += 1;
    }
    if words.is_empty() {
        report::write(project, name, &table)?;
    } else {
        println!("{found}");
    }
    Ok(rows)
}
