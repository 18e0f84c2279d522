//! One of the jobs: a copy of the sources, its builds, and what became of its mutants.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::ops::AddAssign;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use super::Stages;
use super::list::Mutant;
use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;

/// A test run that takes so many times as long as usual, and longer than this, hangs.
const PATIENCE: u32 = 6;
const LEAST: Duration = Duration::from_secs(30);
/// What cargo-mutants says of one that survives.
const MISSED: &str = "MissedMutant";

/// What became of the mutants.
#[derive(Default)]
pub(super) struct Found {
    pub(super) killed: Vec<String>,
    pub(super) unviable: Vec<String>,
    pub(super) survived: Vec<String>,
    pub(super) hung: Vec<String>,
}

impl Found {
    pub(super) fn tried(&self) -> usize {
        self.over().count()
    }

    /// All of them.
    pub(super) fn over(&self) -> impl Iterator<Item = &String> {
        let (killed, unviable) = (self.killed.iter(), self.unviable.iter());
        killed
            .chain(unviable)
            .chain(&self.hung)
            .chain(&self.survived)
    }

    /// Adds one that ended, by the name that cargo-mutants has for it.
    pub(super) fn add(&mut self, how: &str, name: String) -> Result<()> {
        match how {
            "CaughtMutant" => self.killed.push(name),
            "Unviable" => self.unviable.push(name),
            "Timeout" => self.hung.push(name),
            MISSED => self.survived.push(name),
            other => bail!("{name}: {other}"),
        }
        Ok(())
    }
}

impl AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.killed.extend(other.killed);
        self.unviable.extend(other.unviable);
        self.survived.extend(other.survived);
        self.hung.extend(other.hung);
    }
}

pub(super) struct Job<'a> {
    project: &'a Project,
    features: String,
    folder: PathBuf,
    /// The tests that passed on the unchanged sources, and how long they took.
    passed: BTreeMap<&'static [&'static str], Duration>,
    pub(super) found: Found,
    /// Where those that end are written down.
    ended: Option<File>,
}

impl<'a> Job<'a> {
    pub(super) fn new(project: &'a Project, number: usize, ended: Option<File>) -> Result<Self> {
        let folder = project.target.join(format!("mutants/{number}"));
        copy_sources(project, &folder.join("tree"))?;
        Ok(Self {
            project,
            features: format!("--features={}", project.features().join(",")),
            folder,
            passed: BTreeMap::new(),
            found: Found::default(),
            ended,
        })
    }

    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.project.cargo(args);
        command.current_dir(self.folder.join("tree"));
        command.env("CARGO_TARGET_DIR", self.folder.join("target"));
        command.env("CARGO_BUILD_JOBS", "1").env_remove("UPDATE");
        // The tests of the gate try so many interleavings; without it eight times as many.
        command.env("GATE_SEEDS", "500");
        command
    }

    /// Runs the tests on the unchanged sources once; how long a mutant may take follows from it.
    fn usual(&mut self, tests: &'static [&'static str]) -> Result<Duration> {
        if let Some(took) = self.passed.get(tests) {
            return Ok(*took);
        }
        let mut args = vec![
            "test",
            "--quiet",
            "--profile=mutants",
            "-p",
            PACKAGE,
            &self.features,
        ];
        let (targets, skips) = parted(tests);
        args.extend(targets);
        proc::run(self.cargo(&args).arg("--no-run"))?;
        args.push("--");
        args.extend(skips);
        let start = Instant::now();
        proc::read(&mut self.cargo(&args))?;
        let took = start.elapsed();
        self.passed.insert(tests, took);
        Ok(took)
    }

    /// Tries these mutants, the survivors again with the next tests; `false` if the time was over before.
    pub(super) fn try_all(
        &mut self,
        stages: Stages,
        mut mutants: Vec<&Mutant>,
        until: Option<Instant>,
    ) -> Result<bool> {
        let Some((last, before)) = stages.split_last() else {
            bail!("no tests are named");
        };
        for tests in before {
            let mut survived = Vec::new();
            if !self.try_with(tests, &mutants, until, &mut survived)? {
                return Ok(false);
            }
            mutants.retain(|mutant| survived.contains(&mutant.name));
        }
        let mut survived = Vec::new();
        let whole = self.try_with(last, &mutants, until, &mut survived)?;
        for name in survived {
            println!("mutants: survives: {name}");
            self.note(MISSED, &name)?;
            self.found.survived.push(name);
        }
        Ok(whole)
    }

    fn try_with(
        &mut self,
        tests: &'static [&'static str],
        mutants: &[&Mutant],
        until: Option<Instant>,
        survived: &mut Vec<String>,
    ) -> Result<bool> {
        if mutants.is_empty() {
            return Ok(true);
        }
        let limit = (self.usual(tests)? * PATIENCE).max(LEAST);
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok(false);
        }
        let names: Vec<String> = mutants.iter().map(|mutant| exactly(&mutant.name)).collect();
        let config = self.folder.join("config.toml");
        std::fs::write(&config, format!("examine_re = {names:?}\n"))?;
        let seconds = limit.as_secs_f64().ceil().to_string();
        let output = self.folder.display().to_string();
        let mut args = vec!["mutants", "--in-place", "--baseline=skip", "-p", PACKAGE];
        args.extend(["--profile=mutants", "--cap-lints=true", "--colors=never"]);
        args.extend(["--level=error", "--annotations=none", "--timeout", &seconds]);
        args.extend(["--output", &output, &self.features]);
        let mut command = self.cargo(&args);
        command.arg("--config").arg(&config);
        // Deleted fields are tried whatever the patterns say, in all files given; those not asked for are not counted.
        let files: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        for file in files {
            command.args(["--file", file]);
        }
        let (targets, skips) = parted(tests);
        for target in targets {
            command.arg(format!("--cargo-arg={target}"));
        }
        command.args(["--", "--"]).args(skips);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let path = self.folder.join("mutants.out/outcomes.json");
        // Those of other tests, should the time be over at once.
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        let mut job = proc::Job::start(&mut command)?;
        let mut whole = true;
        let code = match until {
            None => job.wait()?.code(),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                match job.wait_for(left) {
                    Ok(status) => status.code(),
                    Err(_) => {
                        whole = false;
                        drop(job);
                        copy_sources(self.project, &self.folder.join("tree"))?;
                        Some(0)
                    }
                }
            }
        };
        // 0: all killed; 2: some survived; 3: some hung.
        let Some(0 | 2 | 3) = code else {
            bail!("`{}` failed ({code:?})", proc::show(&command));
        };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(outcomes) => self.read_outcomes(&outcomes, mutants, survived)?,
            Err(error) if whole => return Err(error).context("cargo-mutants left no outcomes"),
            // Stopped before it wrote them, or while it did.
            Err(_) => {}
        }
        Ok(whole)
    }

    fn note(&mut self, how: &str, name: &str) -> Result<()> {
        if let Some(ended) = &mut self.ended {
            writeln!(ended, "{how} {name}")?;
        }
        Ok(())
    }

    fn read_outcomes(
        &mut self,
        outcomes: &Value,
        mutants: &[&Mutant],
        survived: &mut Vec<String>,
    ) -> Result<()> {
        for outcome in outcomes["outcomes"].as_array().into_iter().flatten() {
            let name = outcome["scenario"]["Mutant"]["name"].as_str();
            let name = name.context("an outcome without a mutant")?;
            if !mutants.iter().any(|mutant| mutant.name == name) {
                continue;
            }
            let how = outcome["summary"].as_str().context("how it ended")?;
            if how == MISSED {
                survived.push(name.to_owned());
                continue;
            }
            self.note(how, name)?;
            self.found.add(how, name.to_owned())?;
        }
        Ok(())
    }
}

/// The test binaries, and which tests of them are left out.
fn parted(tests: &[&'static str]) -> (Vec<&'static str>, Vec<&'static str>) {
    tests.iter().partition(|word| !word.starts_with("--skip"))
}

/// A pattern that only this name matches.
fn exactly(name: &str) -> String {
    let mut pattern = String::from("^");
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$#".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('$');
    pattern
}

/// Brings a copy up to date. A file that did not change keeps its time, so that cargo need not build again.
fn copy_sources(project: &Project, to: &Path) -> Result<()> {
    let listed = project
        .command("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .output()
        .context("git")?;
    let listed = String::from_utf8(listed.stdout)?;
    let mut names: BTreeSet<PathBuf> = listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    names.retain(|name| project.root.join(name).is_file());
    for name in &names {
        let (old, new) = (to.join(name), std::fs::read(project.root.join(name))?);
        if std::fs::read(&old).is_ok_and(|old| old == new) {
            continue;
        }
        std::fs::create_dir_all(old.parent().context("a folder")?)?;
        std::fs::write(&old, new)?;
    }
    remove_others(to, to, &names)
}

fn remove_others(root: &Path, folder: &Path, names: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(root, &path, names)?;
        } else if !names.contains(path.strip_prefix(root)?) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_name_only() {
        let name = "src/a.rs:1:2: replace < with <= in A::b";
        assert_eq!(exactly(name), r"^src/a\.rs:1:2: replace < with <= in A::b$");
    }
}
