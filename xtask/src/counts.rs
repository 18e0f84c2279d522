//! How many tests ran, as the test runners print it.

use std::fmt;
use std::ops::AddAssign;
use std::process::Command;
use std::process::Stdio;

use anyhow::Result;

use crate::proc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// What one line of a test runner adds.
fn counted(line: &str) -> Counts {
    let mut counts = Counts::default();
    if let Some(rest) = line.strip_prefix("test result: ") {
        // test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; ...
        let (_, rest) = rest.split_once(". ").unwrap_or(("", rest));
        for part in rest.split(';') {
            let mut words = part.split_whitespace();
            let number: Option<u64> = words.next().and_then(|word| word.parse().ok());
            match (number, words.next()) {
                (Some(number), Some("passed")) => counts.passed += number,
                (Some(number), Some("failed")) => counts.failed += number,
                (Some(number), Some("ignored")) => counts.skipped += number,
                _ => {}
            }
        }
        return counts;
    }
    // node --test: "# pass 7" in the TAP form.
    let mut words = line.split(' ');
    if words.next() != Some("#") {
        return counts;
    }
    let name = words.next();
    let number: Option<u64> = words.next().and_then(|word| word.parse().ok());
    match (name, number, words.next()) {
        (Some("pass"), Some(number), None) => counts.passed = number,
        (Some("fail" | "cancelled"), Some(number), None) => counts.failed = number,
        (Some("skipped" | "todo"), Some(number), None) => counts.skipped = number,
        _ => {}
    }
    counts
}

/// Runs a test command, its output going through, and adds what it counted. Fails as it does.
pub(crate) fn run(command: &mut Command, counts: &mut Counts) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    println!("+ {}", proc::show(command));
    let mut job = proc::Job::start(command)?;
    job.each_line(|line| {
        println!("{line}");
        *counts += counted(line);
    })?;
    let status = job.wait()?;
    proc::check(status, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_lines_of_libtest() {
        let line = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out";
        let expected = Counts {
            passed: 12,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(counted(line), expected);
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!((counted(line).passed, counted(line).failed), (1, 2));
    }

    #[test]
    fn counts_the_lines_of_node() {
        assert_eq!(counted("# pass 7").passed, 7);
        assert_eq!(counted("# fail 2").failed, 2);
        assert_eq!(counted("# cancelled 1").failed, 1);
        assert_eq!(counted("# skipped 3").skipped, 3);
        assert_eq!(counted("# pass 7 of them"), Counts::default());
        assert_eq!(counted("test a ... ok"), Counts::default());
    }

    #[test]
    fn names_skipped_tests_only_where_there_are_any() {
        let mut counts = Counts {
            passed: 3,
            failed: 0,
            skipped: 0,
        };
        assert_eq!(counts.to_string(), "3 passed, 0 failed");
        counts.skipped = 2;
        assert_eq!(counts.to_string(), "3 passed, 0 failed, 2 skipped");
    }
}
