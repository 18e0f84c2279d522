//! Seeded faults of `proof/faults.txt`, and the case in which the proof must reject each.

use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;

use super::Ended;
use super::Kernel;
use super::cases::Case;
use crate::faults;
use crate::project::Project;
use crate::report::Table;

/// The fault, and call, phase, work on the store and how many wait.
pub(super) const REJECTED: &[(&str, &str)] = &[
    ("sign-out-leaves-the-bytes", "22,7,0,0"),
    ("sign-out-leaves-early-requests", "22,7,0,1"),
    ("sign-out-is-not-stored", "22,7,0,0"),
    ("released-requests-keep-their-right", "2,7,0,1"),
    ("a-request-to-renew-sends-again", "21,9,0,0"),
    ("renewal-without-the-lease", "21,7,0,0"),
    ("a-late-store-is-taken", "10,7,15,0"),
    ("a-claimed-request-stays", "26,7,0,1"),
    ("attempts-are-not-counted", "26,7,0,1"),
];

/// Checks as many of them as are asked for.
pub(super) fn run(project: &Project, limit: Duration, names: &[String]) -> Result<Table> {
    let kernel = Kernel::build(project, 2, true)?;
    let known = faults::table(&project.root)?;
    let mut table = Table::new(&["seeded fault", "breaks", "rejected by", "in the case"]);
    let mut missed = Vec::new();
    for (name, case) in REJECTED {
        if !names.is_empty() && !names.iter().any(|asked| asked == name) {
            continue;
        }
        let place = (1..).zip(&known).find(|(_, fault)| fault.name == *name);
        let (fault, known) = place.with_context(|| format!("there is no fault `{name}`"))?;
        let case = Case {
            fault,
            ..Case::parse(case)?
        };
        let ended = kernel.check(project, &case, limit)?;
        println!("{name}: {ended:?}");
        match ended {
            // By a property, and not because a loop was cut.
            Ended::Broken(checks) if checks.iter().all(|check| check.contains(" property ")) => {
                let checks: Vec<&str> = checks.iter().map(|check| check_name(check)).collect();
                let (breaks, checks) = (known.promise.as_str(), checks.join(", "));
                table.row(&[*name, breaks, &checks, &case.show()]);
            }
            _ => missed.push(*name),
        }
    }
    ensure!(missed.is_empty(), "not rejected: {}", missed.join(", "));
    Ok(table)
}

/// What a failed check says, without its place.
fn check_name(line: &str) -> &str {
    let said = line.split_once("] line ").map_or(line, |(_, rest)| rest);
    let said = said.split_once(' ').map_or(said, |(_, rest)| rest);
    said.trim_end_matches(": FAILURE")
}
