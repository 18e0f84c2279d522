//! The mutants there are, and those that survive or hang for a reason.

use anyhow::Context as _;
use anyhow::Result;
use serde_json::Value;

use super::ASKED;
use super::job::Found;
use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;
use crate::reasons;
use crate::reasons::Finding;

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
        let file = text("file").context("a mutant without a file")?;
        let name = text("name").context("a mutant without a name")?;
        if !ASKED.iter().any(|begin| file.starts_with(begin)) {
            mutants.push(Mutant { file, name });
        }
    }
    Ok(mutants)
}

/// A mutant's name without its place, which moves with every edit above it.
pub(super) fn placeless(name: &str) -> String {
    let Some((place, what)) = name.split_once(": ") else {
        return name.to_owned();
    };
    let file = place.split(':').next().unwrap_or(place);
    format!("{file}: {what}")
}

/// The names, without their places, of those that survive for a reason.
pub(super) fn survivors(project: &Project) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(project.root.join(LIST)).context(LIST)?;
    let listed = text
        .lines()
        .filter_map(|line| line.strip_prefix("survives "));
    Ok(listed.map(str::to_owned).collect())
}

/// Fails for a survivor or a hang that is not listed, and, after a whole run, for a listed one that there is not.
pub(super) fn judge(project: &Project, found: &Found, whole: bool) -> Result<()> {
    let finding = |kind: &str, name: &String| Finding {
        line: format!("{kind} {}", placeless(name)),
        place: name.clone(),
    };
    let survivors = found.survived.iter().map(|name| finding("survives", name));
    let hangs = found.hung.iter().map(|name| finding("hangs", name));
    let all: Vec<_> = survivors.chain(hangs).collect();
    reasons::judge(project, LIST, &all, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_its_name_without_its_place() {
        let name = "src/a.rs:12:3: replace < with <= in A::b";
        assert_eq!(placeless(name), "src/a.rs: replace < with <= in A::b");
    }
}
