//! Which tests exercise which promise.
//!
//! A test says so itself, in a line of its doc comment or of its body:
//! `// promises: P1, P4`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::artifacts;
use crate::artifacts::Test;
use crate::no_heap::rust_files;
use crate::project::Project;

const TAG: &str = "promises:";

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Lists each promise with its tests; fails if one has none.
pub(crate) fn check(project: &Project) -> Result<()> {
    let promises = promises();
    let known = artifacts::tests(project)?;

    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(&project.root.join(folder), &mut files)?;
    }
    let mut tests_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let shown = project.show(file);
        for tag in tags(&text) {
            let place = format!("{shown}:{}", tag.line);
            let Some(test) = tag.test else {
                bail!("{place}: this line belongs to no test");
            };
            let found = known
                .iter()
                .find(|known| is_it(known, Path::new(&shown), &test));
            let Some(found) = found else {
                bail!("{place}: `cargo test` knows no test `{test}`");
            };
            for name in tag.promises {
                let promise = promises.iter().find(|promise| promise.name == name);
                let promise = promise.with_context(|| format!("{place}: no promise `{name}`"))?;
                let tests = tests_of.entry(&promise.name).or_default();
                let test = format!("{}::{}", found.target, found.path);
                // A test that never runs exercises nothing.
                if !found.ignored && !tests.contains(&test) {
                    tests.push(test);
                }
            }
        }
    }
    report(&promises, &tests_of)
}

fn report(promises: &[Promise], tests_of: &BTreeMap<&str, Vec<String>>) -> Result<()> {
    let mut bare = Vec::new();
    for promise in promises {
        let tests = tests_of.get(promise.name.as_str());
        println!("{:<4} {}", promise.name, promise.line);
        for test in tests.into_iter().flatten() {
            println!("       {test}");
        }
        if tests.is_none_or(Vec::is_empty) {
            println!("       no test");
            bare.push(promise.name.as_str());
        }
    }
    ensure!(bare.is_empty(), "no test exercises {}", bare.join(", "));
    println!("{} promises, each with a test", promises.len());
    Ok(())
}

/// Whether a tagged function in a file is this test.
fn is_it(test: &Test, file: &Path, name: &str) -> bool {
    if test.name() != name {
        return false;
    }
    let mut parts = file.iter().filter_map(|part| part.to_str());
    match (parts.next(), parts.next(), parts.next()) {
        (Some("src"), ..) => test.in_library,
        // tests/name.rs and tests/name/main.rs are programs of that name; other files below
        // tests/ are modules of any of them.
        (Some("tests"), Some(file), None) => file.strip_suffix(".rs") == Some(&test.target),
        (Some("tests"), Some(folder), Some("main.rs")) => folder == test.target,
        _ => !test.in_library,
    }
}

struct Promise {
    name: String,
    line: String,
}

/// The promises as the library names them.
fn promises() -> Vec<Promise> {
    let all = tokenlatch::promises::Promise::ALL.iter();
    all.map(|promise| Promise {
        name: format!("{promise:?}"),
        line: format!("{}: {}", promise.title(), promise.text()),
    })
    .collect()
}

/// A line that names promises, and the test function that it stands in or before.
struct Tag {
    line: usize,
    promises: Vec<String>,
    test: Option<String>,
}

fn tags(text: &str) -> Vec<Tag> {
    let lines: Vec<&str> = text.lines().collect();
    let spans = spans(&lines);
    let mut tags = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let comment = line.trim_start();
        let Some(comment) = comment.strip_prefix("//") else {
            continue;
        };
        let comment = comment.trim_start_matches('/').trim_start();
        let Some(names) = comment.strip_prefix(TAG) else {
            continue;
        };
        let span = spans
            .iter()
            .find(|span| span.first <= at && at <= span.last);
        tags.push(Tag {
            line: at + 1,
            promises: names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
            test: span.map(|span| span.name.clone()),
        });
    }
    tags
}

/// A test function: from the first line of what is written before it to its closing brace.
struct Span {
    name: String,
    first: usize,
    last: usize,
}

fn spans(lines: &[&str]) -> Vec<Span> {
    let mut spans = Vec::new();
    let before = |line: &str| line.starts_with("//") || line.starts_with('#');
    for (at, line) in lines.iter().enumerate() {
        if line.trim() != "#[test]" {
            continue;
        }
        let above = lines[..at].iter().rev();
        let above = above.take_while(|line| before(line.trim_start())).count();
        let below = lines[at..]
            .iter()
            .position(|line| !before(line.trim_start()));
        let Some(head) = below.map(|below| at + below) else {
            continue;
        };
        let after_fn = lines[head].split_once("fn ").map(|(_, rest)| rest);
        let name = after_fn.and_then(|rest| rest.split(['(', '<']).next());
        let Some(name) = name else { continue };
        let indent = lines[head].len() - lines[head].trim_start().len();
        let close = format!("{}}}", &lines[head][..indent]);
        // An empty body closes on the line that opens it.
        let length = lines[head..]
            .iter()
            .position(|line| *line == close || line.ends_with("{}"));
        spans.push(Span {
            name: name.trim().to_owned(),
            first: at - above,
            last: head + length.unwrap_or(lines.len() - head - 1),
        });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_tags_before_and_within_tests() {
        let text = "\
/// One.
// promises: P1, P4
#[test]
#[cfg(feature = \"json\")]
fn first() {
    let x = || {
    };
}

#[test]
fn second() -> Result<(), ()> {
    // promises: P2
}

// promises: P3
fn helper() {}

mod inner {
    /// promises: P5
    #[test]
    fn third() {
    }
}
";
        let found = tags(text);
        let found: Vec<_> = found
            .iter()
            .map(|tag| (tag.line, tag.promises.join("+"), tag.test.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                (2, "P1+P4".to_owned(), Some("first")),
                (12, "P2".to_owned(), Some("second")),
                (15, "P3".to_owned(), None),
                (19, "P5".to_owned(), Some("third")),
            ]
        );
    }
}
