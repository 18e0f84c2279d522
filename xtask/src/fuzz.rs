//! A short run of every fuzz target, two at a time.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::proc;
use crate::proc::Echo;
use crate::proc::Job;
use crate::project::Project;
use crate::tools;
use crate::tools::NIGHTLY;

/// How many targets run at once.
const AT_ONCE: usize = 2;

pub(crate) fn smoke(project: &Project) -> Result<()> {
    ensure!(
        project.root.join("fuzz/Cargo.toml").exists(),
        "there is no fuzz/Cargo.toml"
    );
    tools::cargo_fuzz(project)?;
    let seconds = match std::env::var("FUZZ_SECONDS") {
        Ok(text) => text.parse::<u32>().context("FUZZ_SECONDS is no number")?,
        Err(_) => 30,
    };
    let list = proc::read(&mut project.cargo_of(NIGHTLY, &["fuzz", "list"]))?;
    let targets: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    ensure!(!targets.is_empty(), "there is no fuzz target");
    proc::run(&mut project.cargo_of(NIGHTLY, &["fuzz", "build"]))?;
    for some in targets.chunks(AT_ONCE) {
        let mut jobs = Vec::new();
        for name in some {
            jobs.push((name, start(project, name, seconds)?));
        }
        for (name, (mut job, output)) in jobs {
            let status = job.wait()?;
            // What it printed comes before the verdict.
            output.last_line();
            if !status.success() {
                bail!("the fuzz target `{name}` failed ({status}); its input is named above");
            }
        }
    }
    println!("fuzz: {} targets, {seconds} s each", targets.len());
    Ok(())
}

fn start(project: &Project, name: &str, seconds: u32) -> Result<(Job, Echo)> {
    // libFuzzer adds what it finds to the first folder; the committed seeds stay as they are.
    let corpus = project.scratch(&format!("fuzz-{name}"))?;
    copy(&project.root.join("fuzz/corpus").join(name), &corpus)?;
    let mut command = project.cargo_of(NIGHTLY, &["fuzz", "run", name]);
    command.arg(&corpus);
    command.args(["--", &format!("-max_total_time={seconds}")]);
    let dictionary = project.root.join(format!("fuzz/dict/{name}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    println!("+ {}", proc::show(&command));
    let mut job = Job::start(&mut command)?;
    let output = job.echo(name);
    Ok((job, output))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}
