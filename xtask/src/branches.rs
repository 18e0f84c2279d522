//! `cargo xtask branches`: each branch of the WebAssembly module turned round, and whether traces notice.
//!
//! It is the module that the package is made of, before it is made smaller, built once more with tables of lines: the two
//! are compared byte for byte. That the smaller one behaves alike is for the tests of the package.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;

use crate::js;
use crate::proc;
use crate::project::Project;
use crate::reasons;
use crate::reasons::Finding;
use crate::report;
use crate::report::Table;
use crate::tools;

/// What no trace notices for a reason.
const LIST: &str = "xtask/branches.txt";
/// Adds tables of lines to a build; nothing else about it is another.
const LINES: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_STRIP", "false"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "1"),
];

/// A branch that was turned round unnoticed.
struct Survivor {
    /// Whether any trace takes it to the side that is missing then.
    taken: bool,
    /// The innermost line of ours that it was made of; none where all of it is the standard library's.
    line: Option<(String, u64)>,
}

pub(crate) fn run(_: &[String]) -> Result<()> {
    let project = Project::read()?;
    tools::node(&project)?;
    tools::debian(&project, "wasm2wat", "wabt")?;
    tools::debian(&project, "llvm-symbolizer", "llvm")?;
    let module = js::module(&project, "js-lines", LINES)?;
    let plain = js::module(&project, "js", &[])?;
    ensure!(
        stripped(&project, &module)? == stripped(&project, &plain)?,
        "with tables of lines it is another module"
    );
    let mut play = js::node(&project, &["test/branches.mjs"]);
    let found: Value = serde_json::from_str(&proc::read(play.arg(&module))?)?;
    let count = |name: &str| found[name].as_u64().context("no count");
    let mutants = count("branches")?.saturating_mul(2);
    let survivors = survivors(&project, &module, &found["survivors"])?;
    let of_library = survivors
        .iter()
        .filter(|survivor| survivor.line.is_none())
        .count();
    let ours = || survivors.iter().filter(|survivor| survivor.line.is_some());
    let taken = ours().filter(|survivor| survivor.taken).count();
    let killed = mutants.saturating_sub(u64::try_from(survivors.len())?);
    let mut table = Table::new(&["mutants of branches", "count"]);
    table.row(&["noticed", &killed.to_string()]);
    table.row(&["alike: taken to both sides", &taken.to_string()]);
    let never = ours().count().saturating_sub(taken);
    table.row(&["never taken to the other side", &never.to_string()]);
    table.row(&["of the standard library", &of_library.to_string()]);
    table.row(&["traces", &count("traces")?.to_string()]);
    report::write(&project, "branches", &table)?;
    // However often a line was inlined, it is found once.
    let found: BTreeSet<_> = ours()
        .filter_map(|survivor| Some((survivor.taken, survivor.line.as_ref()?)))
        .collect();
    let found: Result<Vec<_>> = found
        .into_iter()
        .map(|(taken, (file, line))| {
            let kind = if taken { "alike" } else { "never" };
            Finding::of_line(&project, kind, file, *line)
        })
        .collect();
    reasons::judge(&project, LIST, &found?, true)
}

/// A module without what is not executed.
fn stripped(project: &Project, module: &Path) -> Result<Vec<u8>> {
    let to = module.with_extension("stripped");
    let mut strip = project.command("wasm-strip");
    proc::run(strip.arg(module).arg("-o").arg(&to))?;
    Ok(std::fs::read(to)?)
}

/// Where each survivor comes from.
fn survivors(project: &Project, module: &Path, found: &Value) -> Result<Vec<Survivor>> {
    let found = found.as_array().context("no survivors")?;
    let mut command = project.command("llvm-symbolizer");
    command.args(["--inlines", "--output-style=JSON", "--obj"]);
    command.arg(module);
    for survivor in found {
        let place = survivor["place"].as_u64().context("no place")?;
        command.arg(format!("{place:#x}"));
    }
    let places: Vec<Value> = serde_json::from_str(&proc::read(&mut command)?)?;
    ensure!(places.len() == found.len(), "a branch without a place");
    let all = found.iter().zip(&places).map(|(survivor, place)| Survivor {
        taken: survivor["taken"] == true,
        line: line(&project.root, place),
    });
    Ok(all.collect())
}

/// The innermost line below a folder of those that were inlined into each other.
fn line(root: &Path, place: &Value) -> Option<(String, u64)> {
    place["Symbol"].as_array()?.iter().find_map(|frame| {
        let file = Path::new(frame["FileName"].as_str()?);
        let file = file.strip_prefix(root).ok()?;
        let line = frame["Line"].as_u64().filter(|line| *line > 0)?;
        Some((file.to_str()?.to_owned(), line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_belongs_to_the_innermost_line_of_ours() {
        let place = serde_json::json!({ "Symbol": [
            { "FileName": "/library/core/src/option.rs", "Line": 9 },
            { "FileName": "/r/src/a.rs", "Line": 0 },
            { "FileName": "/r/src/b.rs", "Line": 7 },
            { "FileName": "/r/src/c.rs", "Line": 8 },
        ] });
        let found = line(Path::new("/r"), &place);
        assert_eq!(found, Some(("src/b.rs".to_owned(), 7)));
        assert_eq!(line(Path::new("/other"), &place), None);
    }
}
