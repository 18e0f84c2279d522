//! The mutants there are, and those that survive or hang for a reason.

use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use serde_json::Value;

use super::job::Found;
use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;

/// What survives or hangs for a reason.
const LIST: &str = "xtask/mutants.txt";

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Mutant {
    pub(super) file: String,
    pub(super) name: String,
}

/// All mutants, or those on the lines of a diff.
pub(super) fn mutants(project: &Project, diff: Option<&str>) -> Result<Vec<Mutant>> {
    let mut command = project.cargo(&["mutants", "--list", "--json", "--no-config", "-p", PACKAGE]);
    if let Some(diff) = diff {
        let path = project.scratch("mutants")?.join("diff");
        std::fs::write(&path, diff)?;
        command.arg("--in-diff").arg(path);
    }
    let listed: Value = serde_json::from_str(&proc::read(&mut command)?)?;
    let mut mutants = Vec::new();
    for mutant in listed.as_array().context("no list of mutants")? {
        let text = |key: &str| mutant[key].as_str().map(str::to_owned);
        mutants.push(Mutant {
            file: text("file").context("a mutant without a file")?,
            name: text("name").context("a mutant without a name")?,
        });
    }
    Ok(mutants)
}

/// A mutant's name without its place, which moves with every edit above it.
fn placeless(name: &str) -> String {
    let Some((place, what)) = name.split_once(": ") else {
        return name.to_owned();
    };
    let file = place.split(':').next().unwrap_or(place);
    format!("{file}: {what}")
}

/// The mutants of one kind in the list: `survives` or `hangs`.
fn listed(text: &str, kind: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut reasoned = false;
    for line in text.lines() {
        if line.starts_with('#') {
            reasoned = true;
            continue;
        }
        if line.is_empty() {
            reasoned = false;
            continue;
        }
        ensure!(reasoned, "{LIST}: no reason stands before `{line}`");
        let (of, name) = line.split_once(' ').context("a kind and a mutant")?;
        ensure!(
            matches!(of, "survives" | "hangs"),
            "{LIST}: what is `{of}`?"
        );
        if of == kind {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Fails for a survivor or a hang that is not listed, and, after a whole run, for a listed one that there is not.
pub(super) fn judge(project: &Project, found: &Found, whole: bool) -> Result<()> {
    let text = std::fs::read_to_string(project.root.join(Path::new(LIST))).context(LIST)?;
    let mut wrong = Vec::new();
    for (kind, found) in [("survives", &found.survived), ("hangs", &found.hung)] {
        let mut known = listed(&text, kind)?;
        for name in found {
            let short = placeless(name);
            match known.iter().position(|one| *one == short) {
                Some(at) => {
                    known.swap_remove(at);
                }
                None => wrong.push(format!("{kind}: {name}")),
            }
        }
        if whole {
            let gone = known
                .into_iter()
                .map(|name| format!("listed, and no longer {kind}: {name}"));
            wrong.extend(gone);
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{} mutants against the list:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_its_name_without_its_place() {
        let name = "src/a.rs:12:3: replace < with <= in A::b";
        assert_eq!(placeless(name), "src/a.rs: replace < with <= in A::b");
    }

    #[test]
    fn every_listed_mutant_has_a_reason() {
        let text = "# why\nsurvives a: b\nhangs c: d\n\n# why\nsurvives e: f\n";
        assert_eq!(listed(text, "survives").unwrap(), ["a: b", "e: f"]);
        assert_eq!(listed(text, "hangs").unwrap(), ["c: d"]);
        assert!(listed("survives a: b\n", "survives").is_err());
        assert!(listed("# why\n\nsurvives a: b\n", "survives").is_err());
    }
}
