//! The native example: how it is built, and what its demonstration must show.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;

use crate::artifacts;
use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;

/// Builds the example with the features that it asks for, and gives its program.
pub(crate) fn build(project: &Project) -> Result<PathBuf> {
    build_example(project, "native")
}

fn build_example(project: &Project, name: &str) -> Result<PathBuf> {
    let features = project.example_features(name)?.join(",");
    let mut command = project.cargo(&["build", "-p", PACKAGE, "--example", name]);
    if !features.is_empty() {
        command.args(["--features", &features]);
    }
    let built = artifacts::build(&mut command)?;
    let program = built
        .iter()
        .find(|artifact| artifact["target"]["name"] == name)
        .and_then(|artifact| artifact["executable"].as_str())
        .with_context(|| format!("cargo built no example `{name}`"))?;
    Ok(PathBuf::from(program))
}

/// The demonstration without a provider: the same traffic with the latch and without it. What the latch was told is
/// recorded, and must run again to the same effects.
pub(crate) fn demonstrate(project: &Project) -> Result<()> {
    let program = build(project)?;
    let replay = build_example(project, "replay")?;
    let recording = project.scratch("native")?.join("day.tlr");
    let mut command = project.command(&program.to_string_lossy());
    command
        .arg("--json")
        .arg("--record")
        .arg(&recording)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    println!("+ {}", proc::show(&command));
    let mut job = proc::Job::start(&mut command)?;
    let mut last = String::new();
    job.each_line(|line| {
        println!("{line}");
        if !line.trim().is_empty() {
            line.clone_into(&mut last);
        }
    })?;
    let status = job.wait()?;
    proc::check(status, &command)?;
    judge(&json(&last)?)?;
    let mut command = project.command(&replay.to_string_lossy());
    proc::run(command.arg("--quiet").arg(&recording))
}

/// What a demonstration says in its last line.
pub(crate) fn json(line: &str) -> Result<Value> {
    serde_json::from_str(line)
        .with_context(|| format!("the example's last line is not JSON: {line}"))
}

/// What is counted in a story, beside the refreshes: all of it is 0 with the latch.
pub(crate) const COUNTS: &[&str] = &[
    "sent_without_token",
    "unexpected_401",
    "replayed",
    "unsettled",
    "alive_after_logout",
];

/// Whether the counts of `latch` and of `naive` show what the latch is for.
pub(crate) fn judge(seen: &Value) -> Result<()> {
    let count = |side: &str, name: &str| {
        let count = seen[side][name].as_u64();
        count.with_context(|| format!("the example's last line has no {side}.{name}"))
    };
    for name in COUNTS {
        let latch = count("latch", name)?;
        ensure!(latch == 0, "with the latch, {name} is {latch}, not 0");
        let naive = count("naive", name)?;
        // What the latch prevents must be seen without it, or the run has shown nothing.
        let must_happen = *name != "unsettled";
        ensure!(naive > 0 || !must_happen, "without the latch, {name} is 0");
    }
    ensure!(count("latch", "refreshes")? > 0, "nothing was refreshed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(latch: u32, refreshes: u32, naive: u32) -> String {
        let side = |n: u32, refreshes: u32| {
            format!(
                r#"{{"sent_without_token":{n},"unexpected_401":{n},"refreshes":{refreshes},
                "replayed":{n},"unsettled":0,"alive_after_logout":{n}}}"#
            )
        };
        format!(
            r#"{{"latch":{},"naive":{}}}"#,
            side(latch, refreshes),
            side(naive, 9)
        )
    }

    #[test]
    fn the_difference_must_be_seen_on_both_sides() {
        let judged = |line: &str| json(line).and_then(|seen| judge(&seen));
        assert!(judged(&line(0, 3, 2)).is_ok());
        assert!(judged(&line(1, 3, 2)).is_err());
        assert!(judged(&line(0, 0, 2)).is_err());
        assert!(judged(&line(0, 3, 0)).is_err());
        assert!(judged("done").is_err());
        assert!(judged("{}").is_err());
    }
}
