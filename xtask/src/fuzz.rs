//! Every fuzz target, two at a time: shortly in `cargo xtask test`, for ten minutes each by `cargo xtask fuzz`.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::coverage;
use crate::proc;
use crate::proc::Job;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;
use crate::tools::NIGHTLY;

/// How many targets run at once.
const AT_ONCE: usize = 2;

/// With address sanitizer, as the targets are built for continuous integration.
const CHECKED: &[&str] = &[];
/// Without it, ten times as fast: the source has no unsafe code, and panics and broken promises are seen either way.
const FAST: &[&str] = &["-s", "none", "-O"];

/// A run of one target.
struct Run {
    job: Job,
    told: std::thread::JoinHandle<Stats>,
}

/// What libFuzzer says at its end.
#[derive(Default)]
struct Stats {
    executions: u64,
    seconds: u64,
}

pub(crate) fn smoke(project: &Project) -> Result<()> {
    let seconds = match std::env::var("FUZZ_SECONDS") {
        Ok(text) => text.parse::<u32>().context("FUZZ_SECONDS is no number")?,
        Err(_) => 30,
    };
    let ran = all(project, seconds, CHECKED)?;
    println!("fuzz: {} targets, {seconds} s each", ran.len());
    Ok(())
}

/// Ten minutes for each target, or so many seconds: `--seconds S`; then a tenth of it with address sanitizer.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    let seconds = match words {
        [] => 600,
        [name, seconds] if name == "--seconds" => seconds.parse::<u32>().context("no number")?,
        _ => bail!("usage: cargo xtask fuzz [--seconds S]"),
    };
    let checked = all(&project, seconds.div_ceil(10), CHECKED)?;
    let fast = all(&project, seconds, FAST)?;
    let mut table = Table::new(&[
        "target",
        "executions",
        "minutes",
        "of them with address sanitizer",
        "regions of `src` reached",
    ]);
    let (mut executions, mut spent) = (0, 0);
    for (name, fast) in &fast {
        let checked = checked.iter().find(|(checked, _)| checked == name);
        let (_, checked) = checked.with_context(|| format!("`{name}` came meanwhile"))?;
        let (reached, count) = covered(&project, name)?;
        let (runs, seconds) = (
            fast.executions + checked.executions,
            fast.seconds + checked.seconds,
        );
        executions += runs;
        spent += seconds;
        table.row(&[
            name.clone(),
            runs.to_string(),
            format!("{:.1}", minutes(seconds)),
            format!("{} in {:.1}", checked.executions, minutes(checked.seconds)),
            format!("{reached} of {count}"),
        ]);
    }
    let hours = format!("{:.1} ({:.2} hours)", minutes(spent), minutes(spent) / 60.0);
    table.row(&["all", &executions.to_string(), &hours, "", ""]);
    report::write(&project, "fuzz", &table)
}

fn minutes(seconds: u64) -> f64 {
    f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) / 60.0
}

/// Runs every target for so long; gives their names and what they did.
fn all(project: &Project, seconds: u32, how: &[&str]) -> Result<Vec<(String, Stats)>> {
    ensure!(
        project.root.join("fuzz/Cargo.toml").exists(),
        "there is no fuzz/Cargo.toml"
    );
    tools::cargo_fuzz(project)?;
    let list = proc::read(&mut project.cargo_of(NIGHTLY, &["fuzz", "list"]))?;
    let targets: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    ensure!(!targets.is_empty(), "there is no fuzz target");
    let mut build = project.cargo_of(NIGHTLY, &["fuzz", "build"]);
    proc::run(build.args(how))?;
    let mut ran = Vec::new();
    for some in targets.chunks(AT_ONCE) {
        let mut runs = Vec::new();
        for name in some {
            runs.push((name, start(project, name, seconds, how)?));
        }
        for (name, mut run) in runs {
            let status = run.job.wait()?;
            // What it printed comes before the verdict.
            let stats = run.told.join().unwrap_or_default();
            if !status.success() {
                bail!(
                    "the fuzz target `{name}` failed ({status}); its input is named above: \
                     put it into fuzz/corpus/{name}, where `cargo test` runs it"
                );
            }
            ran.push(((*name).to_owned(), stats));
        }
    }
    Ok(ran)
}

/// Where a run puts what it finds, beside the committed seeds.
fn corpus(project: &Project, name: &str) -> PathBuf {
    project.target.join("xtask").join(format!("fuzz-{name}"))
}

fn start(project: &Project, name: &str, seconds: u32, how: &[&str]) -> Result<Run> {
    // libFuzzer adds what it finds to the first folder; the committed seeds stay as they are.
    let corpus = corpus(project, name);
    std::fs::create_dir_all(&corpus)?;
    let seeds = project.root.join("fuzz/corpus");
    copy(&seeds.join(name), &corpus)?;
    if name == "capi" {
        // It reads the same lists.
        copy(&seeds.join("ops"), &corpus)?;
    }
    let mut command = project.cargo_of(NIGHTLY, &["fuzz", "run"]);
    command.args(how).arg(name).arg(&corpus);
    command.args(["--", &format!("-max_total_time={seconds}")]);
    command.args(["-print_final_stats=1", "-timeout=10"]);
    let dictionary = project.root.join(format!("fuzz/dict/{name}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    println!("+ {}", proc::show(&command));
    let mut job = Job::start(&mut command)?;
    let lines = job.error_lines();
    let name = name.to_owned();
    let told = std::thread::spawn(move || {
        let mut stats = Stats::default();
        for line in lines {
            println!("[{name}] {line}");
            stats.note(&line);
        }
        stats
    });
    Ok(Run { job, told })
}

impl Stats {
    fn note(&mut self, line: &str) {
        // Done 123 runs in 45 second(s)
        let mut words = line.split_whitespace();
        if words.next() == Some("Done") {
            let mut numbers = words.filter_map(|word| word.parse().ok());
            self.executions = numbers.next().unwrap_or(0);
            self.seconds = numbers.next().unwrap_or(0);
        }
    }
}

/// Regions of `src` that the inputs reach, and how many the target has in all.
fn covered(project: &Project, name: &str) -> Result<(usize, usize)> {
    tools::component_of(project, NIGHTLY, "llvm-tools")?;
    let built = project.target.join("fuzz-coverage");
    let mut command = project.cargo_of(NIGHTLY, &["fuzz", "coverage", "--target-dir"]);
    command.arg(&built).arg(name);
    proc::run(command.arg(corpus(project, name)))?;
    let sysroot = proc::read(&mut project.rustc_of(NIGHTLY, &["--print", "sysroot"]))?;
    let host = proc::read(&mut project.rustc_of(NIGHTLY, &["--print", "host-tuple"]))?;
    let (sysroot, host) = (Path::new(sysroot.trim()), host.trim());
    let tool = sysroot.join("lib/rustlib").join(host).join("bin/llvm-cov");
    let mut command = Command::new(tool);
    command
        .arg("export")
        .arg(built.join(host).join("release").join(name));
    let profile = format!("fuzz/coverage/{name}/coverage.profdata");
    command
        .arg("-instr-profile")
        .arg(project.root.join(profile));
    let export = proc::read(&mut command)?;
    coverage::regions(&export, &project.root)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_tells_executions_and_seconds() {
        let mut stats = Stats::default();
        stats.note("#12 NEW cov: 3");
        stats.note("Done 41187 runs in 601 second(s)");
        assert_eq!((stats.executions, stats.seconds), (41187, 601));
    }
}
