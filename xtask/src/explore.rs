//! `cargo xtask explore`: every reachable state of real latches in small worlds, by the crate `proof`; then the same with
//! each seeded fault, which must be found.

use anyhow::Context as _;
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
    "token request beside another",
    "older record stored",
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

/// Faults whose printed tests stand in `proof/tests/explored.rs`, in their order: what one latch does, what two contexts
/// do to each other, what only the whole world shows.
const EXAMPLES: &[&str] = &[
    "gate-open-with-an-expired-token",
    "renewal-without-the-lease",
    "sign-out-is-not-stored",
];

const PRINTED: &str = "proof/tests/explored.rs";

/// All spaces and all faults; with `--full` all spaces, what closes by both explorers; with `--long` what closes after
/// hours, with `--long --full` that by both; `--fault NAME` prints the test that a seeded fault leads to. Other words go to
/// the explorer: `--space NAME`, `--threads N`, `--loud`.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let table = match words[..] {
        [] => return explore_all(&project),
        ["--fault", ..] => return proc::run(faults::cargo(&project, &ARGS)?.args(words)),
        ["--full"] => "explore-full",
        ["--long"] | ["--long", "--full"] => "explore-long",
        _ => return proc::run(project.cargo(&ARGS).args(words)),
    };
    let found = proc::read(project.cargo(&ARGS).args(&words))?;
    write(&project, table, SPACES, &found, true).map(drop)
}

fn explore_all(project: &Project) -> Result<()> {
    explore(project, true)?;
    if report::is_update() {
        print_tests(project)?;
    }
    try_tests(project)
}

/// The small spaces and the faults that are found soon.
pub(crate) fn smoke(project: &Project) -> Result<()> {
    explore(project, false)?;
    try_tests(project)
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

fn explore(project: &Project, whole: bool) -> Result<()> {
    let small: &[&str] = if whole { &[] } else { &["--small"] };
    let found = proc::read(project.cargo(&ARGS).args(small))?;
    write(project, "explore", SPACES, &found, whole)?;
    let mut command = faults::cargo(project, &ARGS)?;
    command.arg("--faults").args(small);
    let rows = write(project, "faults", FAULTS, &proc::read(&mut command)?, whole)?;
    ensure!(rows >= ENOUGH, "{rows} seeded faults are too few");
    Ok(())
}

/// Writes the tests that the examples lead to.
fn print_tests(project: &Project) -> Result<()> {
    let mut text = String::from(
        "//! What `cargo xtask explore` prints for some of the seeded faults: each test fails with its fault and passes\n\
         //! without. Written by `UPDATE=1 cargo xtask explore`.\n\n\
         use proof::explore::Act;\nuse proof::explore::on;\nuse proof::explore::replay;\n",
    );
    for fault in EXAMPLES {
        let mut command = faults::cargo(project, &ARGS)?;
        text += "\n";
        text += &proc::read(command.args(["--fault", fault]))?;
    }
    let path = project.root.join(PRINTED);
    std::fs::write(&path, text).context(PRINTED)?;
    proc::run(
        project
            .command("rustfmt")
            .args(["--edition", "2024", PRINTED]),
    )
}

/// A printed test must fail with its fault, and pass without.
fn try_tests(project: &Project) -> Result<()> {
    let text = std::fs::read_to_string(project.root.join(PRINTED)).context(PRINTED)?;
    let tests = text.lines().filter_map(|line| line.strip_prefix("fn "));
    let tests: Vec<&str> = tests.filter_map(|line| line.strip_suffix("() {")).collect();
    ensure!(
        tests.len() == EXAMPLES.len(),
        "{PRINTED}: not one test for each example"
    );
    let args = ["test", "--release", "-p", "proof", "--test", "explored"];
    proc::run(&mut faults::cargo(project, &args)?)?;
    for (fault, test) in EXAMPLES.iter().zip(tests) {
        let mut command = faults::cargo(project, &args)?;
        command.env("FAULT", fault).args(["--", "--exact", test]);
        let output = command.output().context("cargo test")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            said.contains("0 passed; 1 failed"),
            "{test} does not fail with {fault}:\n{said}"
        );
    }
    Ok(())
}

/// Writes the rows that the explorer printed; how many there are. A part of it is only printed.
fn write(project: &Project, name: &str, heads: &[&str], found: &str, whole: bool) -> Result<usize> {
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
    if whole {
        report::write(project, name, &table)?;
    } else {
        println!("{found}");
    }
    Ok(rows)
}
