//! `cargo xtask miri`: the tests under miri, which sees undefined behaviour, in dependencies too.

use std::time::Instant;

use anyhow::Result;

use crate::counts;
use crate::counts::Counts;
use crate::project::PACKAGE;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;
use crate::tools::NIGHTLY;

/// The test binaries, each with the parts of names of those tests that try thousands of inputs, which takes miri hours.
const TESTS: &[(&str, &[&str])] = &[
    ("--lib", &[]),
    ("--test=machine", &["table::", "s95_network_errors"]),
    ("--test=rejections", &[]),
    ("--test=gate", &[]),
    ("--test=capi", &[]),
];
/// The share in `cargo xtask test`.
const SHORT: &str = "--lib";

pub(crate) fn run(_: &[String]) -> Result<()> {
    let project = Project::read()?;
    let mut table = Table::new(&["tests", "passed under miri", "left out", "seconds"]);
    for (tests, except) in TESTS {
        let start = Instant::now();
        let counts = miri(&project, tests, except)?;
        let name = tests.trim_start_matches("--test=").trim_start_matches("--");
        let seconds = start.elapsed().as_secs();
        table.row(&[
            name,
            &counts.passed.to_string(),
            &except.join(", "),
            &seconds.to_string(),
        ]);
    }
    report::write(&project, "miri", &table)
}

/// The unit tests, which take a minute at most.
pub(crate) fn share(project: &Project, counts: &mut Counts) -> Result<()> {
    *counts += miri(project, SHORT, &[])?;
    Ok(())
}

fn miri(project: &Project, tests: &str, except: &[&str]) -> Result<Counts> {
    tools::toolchain(project, NIGHTLY)?;
    for component in ["miri", "rust-src"] {
        tools::component_of(project, NIGHTLY, component)?;
    }
    let args = [
        "miri",
        "test",
        "-p",
        PACKAGE,
        "--features=json,embassy-sync,capi",
        tests,
        "--",
    ];
    let mut command = project.cargo_of(NIGHTLY, &args);
    for name in except {
        command.args(["--skip", name]);
    }
    // Its own builds, beside those of the compiler.
    command.env("CARGO_TARGET_DIR", project.target.join("miri"));
    command.env_remove("UPDATE");
    let mut counts = Counts::default();
    counts::run(&mut command, &mut counts)?;
    Ok(counts)
}
