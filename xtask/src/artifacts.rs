//! What a build made, as cargo's JSON messages say it, and the tests in it.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;

use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;

/// Runs a cargo build and gives its artifacts. Its errors are printed by cargo.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Value>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    println!("+ {}", proc::show(command));
    command.arg("--message-format=json-render-diagnostics");
    let mut job = proc::Job::start(command)?;
    let mut artifacts = Vec::new();
    job.each_line(|line| {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        if message["reason"] == "compiler-artifact" {
            artifacts.push(message);
        }
    })?;
    let status = job.wait()?;
    proc::check(status, command)?;
    Ok(artifacts)
}

/// One test of the package, and the program that runs it.
pub(crate) struct Test {
    /// The crate that it is compiled into: an integration test's name, or the library's.
    pub(crate) target: String,
    /// Whether that crate is the library.
    pub(crate) in_library: bool,
    pub(crate) program: PathBuf,
    /// Its path in that crate, as libtest prints it.
    pub(crate) path: String,
    pub(crate) ignored: bool,
}

impl Test {
    /// The name of its function.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or(&self.path)
    }
}

/// The tests of the root package with all features, doctests excepted.
pub(crate) fn tests(project: &Project) -> Result<Vec<Test>> {
    let args = [
        "test",
        "-p",
        PACKAGE,
        "--all-features",
        "--lib",
        "--tests",
        "--no-run",
    ];
    let artifacts = build(&mut project.cargo(&args))?;
    let mut tests = Vec::new();
    for artifact in artifacts {
        let Some(program) = artifact["executable"].as_str() else {
            continue;
        };
        if artifact["profile"]["test"] != true {
            continue;
        }
        let target = artifact["target"]["name"].as_str();
        let target = target.context("a test program has no name")?;
        let ignored = list(project, program, &["--ignored"])?;
        for path in list(project, program, &[])? {
            tests.push(Test {
                target: target.to_owned(),
                in_library: artifact["target"]["kind"][0] == "lib",
                program: PathBuf::from(program),
                ignored: ignored.contains(&path),
                path,
            });
        }
    }
    Ok(tests)
}

fn list(project: &Project, program: &str, args: &[&str]) -> Result<Vec<String>> {
    let mut command = project.command(program);
    command.args(["--list", "--format", "terse"]).args(args);
    let text = proc::read(&mut command)?;
    let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}
