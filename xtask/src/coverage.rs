//! `cargo xtask coverage`: what the tests reach of `src`, and a list of what they do not, each with its reason.
//!
//! A generic function is compiled for several sizes; a place counts as reached if it is in any of them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;

use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;
use crate::reasons;
use crate::reasons::Finding;
use crate::report;
use crate::report::Table;
use crate::tools;

/// What is not reached for a reason.
const LIST: &str = "xtask/uncovered.txt";
/// The last one that measures MC/DC.
const WITH_MCDC: &str = "nightly-2025-08-05";

/// A place in a file: first and last line and column.
type Place = (String, [u64; 4]);

/// How often each region was run, and each outcome of each condition seen.
#[derive(Default)]
struct Counts {
    regions: BTreeMap<Place, u64>,
    branches: BTreeMap<Place, [u64; 2]>,
    /// Whether each condition of a decision was shown to matter by itself.
    decisions: BTreeMap<Place, Vec<bool>>,
}

pub(crate) fn run(_: &[String]) -> Result<()> {
    let project = Project::read()?;
    let counts = measure(&project, tools::NIGHTLY, "--branch")?;
    let decided = measure(&project, WITH_MCDC, "--mcdc")?.decisions;
    let mut found = Vec::new();
    for (place, count) in &counts.regions {
        if *count == 0 {
            found.push(finding(&project, "region", place, "")?);
        }
    }
    for (place, seen) in &counts.branches {
        for (count, never) in seen.iter().zip([" [never true]", " [never false]"]) {
            if *count == 0 {
                found.push(finding(&project, "branch", place, never)?);
            }
        }
    }
    let mut conditions = 0;
    let mut alone = 0;
    for (place, shown) in &decided {
        conditions += shown.len();
        alone += shown.iter().filter(|shown| **shown).count();
        if shown.contains(&false) {
            found.push(finding(&project, "decision", place, "")?);
        }
    }
    let mut table = Table::new(&["of `src`", "count", "reached", "not reached"]);
    let mut row = |what: &str, count: usize, reached: usize| {
        table.row(&[
            what,
            &count.to_string(),
            &format!("{reached} ({:.2} %)", percent(reached, count)),
            &(count - reached).to_string(),
        ]);
    };
    let reached = counts.regions.values().filter(|count| **count > 0);
    row("regions", counts.regions.len(), reached.count());
    let outcomes = || counts.branches.values().flatten();
    let reached = outcomes().filter(|count| **count > 0).count();
    row("outcomes of conditions", outcomes().count(), reached);
    row(
        "conditions in decisions of several: MC/DC",
        conditions,
        alone,
    );
    report::write(&project, "coverage", &table)?;
    reasons::judge(&project, LIST, &found, true)
}

fn percent(part: usize, whole: usize) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    100.0 * count(part) / count(whole.max(1))
}

/// A place as a line of the list, by its first line.
fn finding(project: &Project, kind: &str, place: &Place, how: &str) -> Result<Finding> {
    let (file, [line, column, ..]) = place;
    let mut found = Finding::of_line(project, kind, file, *line)?;
    found.line += how;
    found.place += &format!(":{column}");
    Ok(found)
}

/// Runs the tests with counters.
fn measure(project: &Project, toolchain: &str, what: &str) -> Result<Counts> {
    tools::llvm_cov(project, toolchain)?;
    let folder = project.target.join("coverage").join(toolchain);
    std::fs::create_dir_all(&folder)?;
    let output = folder.join("coverage.json");
    let features = project.features().join(",");
    let args = [
        "llvm-cov", what, "--json", "-p", PACKAGE, "--lib", "--test", "*",
    ];
    let mut command = project.cargo_of(toolchain, &args);
    command.args(["--quiet", "--features", &features, "--output-path"]);
    // A folder of its own: another compiler would throw the builds of this one away.
    command.arg(&output).env("CARGO_TARGET_DIR", &folder);
    // Meant for this command's table, not for the tests, some of which write files with it.
    command.env_remove("UPDATE");
    proc::run(&mut command)?;
    let text = std::fs::read_to_string(&output)?;
    read(&serde_json::from_str(&text)?, &project.root)
}

/// Adds up the functions of an export of llvm-cov that lie in `src`, tests excepted.
fn read(export: &Value, root: &Path) -> Result<Counts> {
    let mut counts = Counts::default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for function in list(&export["data"][0]["functions"]) {
        let name = function["name"].as_str().unwrap_or_default();
        // A module `tests`, as it stands in the symbol's name.
        if name.contains("5tests") {
            continue;
        }
        let file = function["filenames"][0].as_str().context("no file")?;
        let Ok(file) = Path::new(file).strip_prefix(root.join("src")) else {
            continue;
        };
        let file = format!("src/{}", file.display());
        for region in list(&function["regions"]) {
            // The last number is the kind: 0 is code; others are gaps between code.
            if region[7] == 0 {
                let place = (file.clone(), numbers(&region));
                *counts.regions.entry(place).or_default() += region[4].as_u64().unwrap_or(0);
            }
        }
        for branch in list(&function["branches"]) {
            let place = (file.clone(), numbers(&branch));
            let seen = counts.branches.entry(place).or_default();
            seen[0] += branch[4].as_u64().unwrap_or(0);
            seen[1] += branch[5].as_u64().unwrap_or(0);
        }
        for decision in list(&function["mcdc_records"]) {
            let place = (file.clone(), numbers(&decision));
            let shown = list(
                decision
                    .as_array()
                    .and_then(|all| all.last())
                    .context("no conditions")?,
            );
            let seen = counts
                .decisions
                .entry(place)
                .or_insert_with(|| vec![false; shown.len()]);
            for (seen, shown) in seen.iter_mut().zip(shown) {
                *seen |= shown == true;
            }
        }
    }
    Ok(counts)
}

/// Regions of `src` reached, and all, in an export of llvm-cov.
pub(crate) fn regions(export: &str, root: &Path) -> Result<(usize, usize)> {
    let regions = read(&serde_json::from_str(export)?, root)?.regions;
    let reached = regions.values().filter(|count| **count > 0).count();
    Ok((reached, regions.len()))
}

fn numbers(row: &Value) -> [u64; 4] {
    [0, 1, 2, 3].map(|index| row[index].as_u64().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instantiations_are_added_up() {
        let function = |name: &str, count: u64, outcomes: [u64; 2]| {
            serde_json::json!({
                "name": name, "filenames": ["/r/src/a.rs"],
                "regions": [[1, 2, 3, 4, count, 0, 0, 0], [5, 2, 5, 4, 0, 0, 0, 3]],
                "branches": [[1, 2, 1, 9, outcomes[0], outcomes[1], 0, 0, 4]],
            })
        };
        let functions = [
            function("a", 0, [1, 0]),
            function("b", 2, [0, 3]),
            function("5tests", 9, [0, 0]),
        ];
        let export = serde_json::json!({ "data": [{ "functions": functions }] });
        let counts = read(&export, Path::new("/r")).unwrap();
        let place = ("src/a.rs".to_owned(), [1, 2, 3, 4]);
        assert_eq!(counts.regions, BTreeMap::from([(place, 2)]));
        assert_eq!(counts.branches.values().collect::<Vec<_>>(), [&[1, 3]]);
    }
}
