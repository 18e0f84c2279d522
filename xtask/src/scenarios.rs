//! Which tests show which scenario: the numbers at the head of a test's name, as in
//! `s57_retried_with_the_current_token` or `s2_s3_waiters_share_the_failure`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::artifacts;
use crate::artifacts::Test;
use crate::proc;
use crate::project::Project;

const FILE: &str = "tests/scenarios.txt";

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Runs the tests of the scenarios and lists each scenario with its results.
pub(crate) fn check(project: &Project) -> Result<()> {
    let text = std::fs::read_to_string(project.root.join(FILE))
        .with_context(|| format!("cannot read {FILE}"))?;
    let scenarios = parse(&text)?;
    let tests = artifacts::tests(project)?;
    let mut tests_of: BTreeMap<u32, Vec<&Test>> = BTreeMap::new();
    for test in &tests {
        for number in numbers(test.name()) {
            ensure!(
                scenarios.contains_key(&number),
                "the test {}::{} bears the number {number}, which {FILE} does not have",
                test.target,
                test.path
            );
            tests_of.entry(number).or_default().push(test);
        }
    }
    let results = run_tests(project, &tests_of)?;
    report(&scenarios, &tests_of, &results)
}

type Results = BTreeMap<(String, String), String>;

/// Runs the tests of the scenarios, each once, and gives what libtest says of each.
fn run_tests(project: &Project, tests_of: &BTreeMap<u32, Vec<&Test>>) -> Result<Results> {
    let mut programs: BTreeMap<&Path, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for test in tests_of.values().flatten() {
        let (_, paths) = programs
            .entry(&test.program)
            .or_insert((&test.target, BTreeSet::new()));
        paths.insert(&test.path);
    }
    let mut results = Results::new();
    for (program, (target, paths)) in programs {
        let mut command = project.command(&program.to_string_lossy());
        command.arg("--exact").args(paths);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut job = proc::Job::start(&mut command)?;
        let mut other = Vec::new();
        job.each_line(|line| match result(line) {
            Some((path, result)) => {
                results.insert((target.to_owned(), path.to_owned()), result.to_owned());
            }
            None => other.push(line.to_owned()),
        })?;
        if !job.wait()?.success() {
            // Which test failed is in the table; why is in what else was printed.
            println!("{}", other.join("\n"));
        }
    }
    Ok(results)
}

/// `test path ... ok`, as path and result.
fn result(line: &str) -> Option<(&str, &str)> {
    let (path, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let path = path.strip_suffix(" - should panic").unwrap_or(path);
    // An ignored test may say why.
    let result = result.split([',', ' ']).next()?;
    Some((path, result))
}

fn report(
    scenarios: &BTreeMap<u32, Scenario>,
    tests_of: &BTreeMap<u32, Vec<&Test>>,
    results: &Results,
) -> Result<()> {
    let mut bare = Vec::new();
    // A test may show several scenarios, and is named once.
    let mut failed = BTreeSet::new();
    let mut in_core = 0;
    for (number, scenario) in scenarios {
        println!("{number:>4}  {}", scenario.text);
        let mut passed = 0;
        for test in tests_of.get(number).into_iter().flatten() {
            let key = (test.target.clone(), test.path.clone());
            let result = results.get(&key).map_or("no result", String::as_str);
            println!("      {result:<8} {}::{}", test.target, test.path);
            match result {
                "ok" => passed += 1,
                "ignored" => {}
                _ => {
                    failed.insert(test.path.as_str());
                }
            }
        }
        match scenario.place {
            Place::Host if passed == 0 => println!("      left to the host"),
            Place::Core if passed == 0 => {
                println!("      no test that passes");
                bare.push(number.to_string());
                in_core += 1;
            }
            Place::Core => in_core += 1,
            Place::Host => {}
        }
    }
    let hosts = scenarios.len() - in_core;
    println!(
        "{} scenarios: {in_core} of the core, {hosts} left to hosts",
        scenarios.len()
    );
    let failed: Vec<_> = failed.into_iter().collect();
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    ensure!(bare.is_empty(), "no test shows {}", bare.join(", "));
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Core,
    Host,
}

#[derive(Debug)]
struct Scenario {
    place: Place,
    text: String,
}

/// Lines of `number | core | text` or `number | host | text`; `#` begins a comment.
fn parse(text: &str) -> Result<BTreeMap<u32, Scenario>> {
    let mut scenarios = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("{FILE}:{}", at + 1);
        let mut parts = line.splitn(3, '|').map(str::trim);
        let (Some(number), Some(who), Some(text)) = (parts.next(), parts.next(), parts.next())
        else {
            bail!("{}: not `number | core or host | text`", place());
        };
        let number = number.parse().with_context(place)?;
        let who = match who {
            "core" => Place::Core,
            "host" => Place::Host,
            other => bail!("{}: `{other}` is neither core nor host", place()),
        };
        let scenario = Scenario {
            place: who,
            text: text.to_owned(),
        };
        let before = scenarios.insert(number, scenario);
        ensure!(before.is_none(), "{}: {number} stands twice", place());
    }
    Ok(scenarios)
}

/// The numbers at the head of a test's name.
fn numbers(name: &str) -> impl Iterator<Item = u32> {
    name.split('_').map_while(|part| {
        let digits = part.strip_prefix('s')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_numbers_of_a_test() {
        let of = |name| numbers(name).collect::<Vec<_>>();
        assert_eq!(of("s57_retried"), [57]);
        assert_eq!(of("s2_s3_shared"), [2, 3]);
        assert!(of("shared_s2").is_empty());
        assert!(of("s_2").is_empty());
        assert!(of("s2b_x").is_empty());
    }

    #[test]
    fn reads_the_list() {
        let list = parse("# head\n\n7 | core | once | twice\n8 | host | no\n");
        let list = list.expect("it is well formed");
        assert_eq!(list[&7].text, "once | twice");
        assert_eq!(list[&8].place, Place::Host);
        for text in [
            "7 | core",
            "7 | all | x",
            "x | core | x",
            "7 | core | x\n7 | core | y",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_the_results() {
        assert_eq!(result("test a::s1_b ... ok"), Some(("a::s1_b", "ok")));
        assert_eq!(
            result("test s1 - should panic ... FAILED"),
            Some(("s1", "FAILED"))
        );
        assert_eq!(result("test s1 ... ignored, slow"), Some(("s1", "ignored")));
        assert_eq!(result("running 3 tests"), None);
    }
}
