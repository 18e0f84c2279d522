//! `cargo xtask no-panic`: the linker shows that no panic can be reached, and how deep the stack gets.
//!
//! The crate `nopanic` has a C function for every public function, and a panic handler that calls what nobody defines.
//! What links has no panic. That one would be noticed is shown by functions that can panic: they must not link.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use anyhow::ensure;

use crate::linked;
use crate::linked::Build;
use crate::linked::CRATE;
use crate::linked::LEVELS;
use crate::no_heap;
use crate::project::Project;
use crate::report;
use crate::report::Table;

/// The deepest that a call may go, in bytes; `README.md` says it. What makes a latch has one on its stack.
const STACK_LIMIT: u64 = 2048;
const MAKES: &str = "new";
/// A C function in a library that records writes the call down from its own frame; on x86-64 words are twice as long.
const WIDE_LIMIT: u64 = 2560;
/// What reads a recording and runs it again is for tools: not on a device, and entries are given by value.
const TOOLS: &[&str] = &["entries_next", "replay_step"];

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Builds and links for each target at each level; fails if a panic can be reached.
pub(crate) fn check(project: &Project) -> Result<()> {
    let left_out = left_out(project)?;
    ensure!(
        left_out.is_empty(),
        "{CRATE} does not call {}",
        left_out.join(", ")
    );
    let found = linked::all(project)?;
    report::write(project, "no-panic", &links(&found))?;
    report::write(project, "stack", &depths(&found))?;
    let failed: Vec<_> = found
        .iter()
        .flat_map(|(target, builds)| builds.iter().map(move |build| (target, build)))
        .filter(|(_, build)| !build.panics.is_empty())
        .map(|(target, build)| {
            let panics = build.panics.join(", ");
            format!(
                "\n{target} {} {}: from {panics}",
                build.level, build.features
            )
        })
        .collect();
    ensure!(
        failed.is_empty(),
        "a panic can be reached{}",
        failed.join("")
    );
    check_depths(&found)
}

fn check_depths(found: &[(&str, Vec<Build>)]) -> Result<()> {
    for (target, builds) in found {
        for build in builds {
            for (name, depth) in &build.stack {
                let is_recorded = name.starts_with("tl_") && build.features.contains("recording");
                let limit = if is_recorded || target.starts_with("x86_64") {
                    WIDE_LIMIT
                } else {
                    STACK_LIMIT
                };
                ensure!(
                    *depth <= limit || makes(name) || TOOLS.contains(&&**name),
                    "`{name}` takes {depth} bytes of stack on {target}, {limit} are promised"
                );
            }
        }
    }
    Ok(())
}

fn makes(name: &str) -> bool {
    name.starts_with(MAKES) || name.ends_with(MAKES)
}

/// The public functions that the linked crate does not call. Hidden ones and those of `promises` and `verify` are for
/// tests.
fn left_out(project: &Project) -> Result<Vec<String>> {
    let text = |folder: &str| -> Result<String> {
        let mut files = Vec::new();
        no_heap::rust_files(&project.root.join(folder), &mut files)?;
        let is_for_tests = |path: &Path| {
            let is = |name| path.components().any(|part| part.as_os_str() == name);
            is("promises") || is("verify")
        };
        let rest = files
            .iter()
            .filter(|file| !is_for_tests(&file.with_extension("")));
        rest.map(|file| Ok(std::fs::read_to_string(file)?))
            .collect()
    };
    let calls = text(&format!("{CRATE}/src"))?;
    let names = text("src")?;
    let lines = names.lines().zip(names.lines().skip(1));
    let lines = lines.filter(|(before, _)| before.trim() != "#[doc(hidden)]");
    let names = lines.filter_map(|(_, line)| public_function(line));
    let is_missing = |name: &&str| !mentions(&calls, name);
    Ok(names.filter(is_missing).map(str::to_owned).collect())
}

fn public_function(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    let rest = rest.strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Whether a function or method of this name is called or named with its path.
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let after = text[at + name.len()..].chars().next();
        let is_whole = !after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        is_whole && (text[..at].ends_with('.') || text[..at].ends_with("::"))
    })
}

fn links(found: &[(&str, Vec<Build>)]) -> Table {
    let heads: Vec<_> = LEVELS
        .iter()
        .map(|level| format!("opt-level {level}"))
        .collect();
    let mut all = vec!["Target", "Features"];
    all.extend(heads.iter().map(String::as_str));
    let mut table = Table::new(&all);
    for (target, builds) in found {
        for of_features in builds.chunk_by(|a, b| a.features == b.features) {
            let features = of_features.first().map_or("", |build| build.features);
            let features = if features.is_empty() {
                "none"
            } else {
                features
            };
            let mut row = vec![(*target).to_owned(), features.to_owned()];
            row.extend(of_features.iter().map(|build| match &*build.panics {
                [] => format!("links; {} bytes", build.code),
                panics => format!("panics: {}", panics.join(", ")),
            }));
            table.row(&row);
        }
    }
    table
}

/// A row for each function, from the builds with the fewest features that have it.
fn depths(found: &[(&str, Vec<Build>)]) -> Table {
    let columns = found.iter().flat_map(|(target, builds)| {
        let is_measured = builds.iter().any(|build| !build.stack.is_empty());
        let levels = LEVELS.iter().filter(move |_| is_measured);
        levels.map(move |level| {
            let of_level = builds.iter().filter(move |build| build.level == *level);
            (format!("{target} {level}"), deepest(of_level))
        })
    });
    let columns: Vec<_> = columns.collect();
    let mut heads = vec!["Function"];
    heads.extend(columns.iter().map(|(head, _)| head.as_str()));
    let mut table = Table::new(&heads);
    let names = columns
        .first()
        .into_iter()
        .flat_map(|(_, stack)| stack.keys());
    for name in names {
        let mut row = vec![format!("`{name}`")];
        row.extend(columns.iter().map(|(_, stack)| match stack.get(name) {
            Some(depth) => depth.to_string(),
            None => "not told".to_owned(),
        }));
        table.row(&row);
    }
    table
}

/// Builds come with more and more features.
fn deepest<'b>(builds: impl Iterator<Item = &'b Build>) -> BTreeMap<String, u64> {
    let mut stack = BTreeMap::new();
    for build in builds {
        for (name, depth) in &build.stack {
            stack.entry(name.clone()).or_insert(*depth);
        }
    }
    stack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_public_functions_and_their_calls() {
        assert_eq!(public_function("    pub const fn new<T>() {"), Some("new"));
        assert_eq!(public_function("pub(crate) fn own() {"), None);
        for text in ["latch.state()", "map(Instant::state)"] {
            assert!(mentions(text, "state"), "{text}");
        }
        for text in ["latch.states()", "restate()", "fn state()"] {
            assert!(!mentions(text, "state"), "{text}");
        }
    }
}
