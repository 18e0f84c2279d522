//! Seeded faults of `proof/faults.txt`, and the case in which the proof must reject each.

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;

use super::Ended;
use super::JOBS;
use super::Kernel;
use super::Pace;
use super::Subject;
use super::WAITERS;
use super::cases;
use super::cases::Case;
use super::check_all;
use crate::faults;
use crate::project::Project;
use crate::report::Table;

/// The fault, and call, phase, work on the store and how many wait.
pub(super) const REJECTED: &[(&str, &str)] = &[
    ("gate-open-in-any-phase", "25,13,0,1"),
    ("gate-open-with-an-expired-token", "25,7,0,1"),
    ("released-requests-keep-their-right", "2,7,0,1"),
    ("never-read-back", "10,5,15,0"),
    ("ready-before-the-probe", "8,5,16,0"),
    ("a-request-to-renew-sends-again", "21,9,0,0"),
    ("renewal-without-the-lease", "21,7,0,0"),
    ("any-grant-ends-the-login", "6,4,0,0"),
    ("a-late-store-is-taken", "10,7,15,0"),
    ("an-older-record-is-taken", "8,3,6,0"),
    ("a-renewal-does-not-count", "6,9,0,0"),
    ("sign-out-leaves-the-bytes", "22,7,0,0"),
    ("sign-out-leaves-early-requests", "22,7,0,1"),
    ("sign-out-is-not-stored", "22,7,0,0"),
    ("requests-survive-another-login", "6,4,0,1"),
    ("requests-survive-another-users-record", "8,3,6,1"),
    ("a-claimed-request-stays", "26,7,0,1"),
    ("attempts-are-not-counted", "26,7,0,1"),
    ("an-outage-ends-the-session", "7,9,0,0"),
    ("an-empty-store-ends-the-session", "8,3,6,0"),
    ("announced-without-end", "25,7,0,0"),
    ("a-token-request-without-a-deadline", "24,9,0,0"),
    ("an-overdue-store-is-waited-for", "24,7,15,0"),
    ("an-overdue-request-waits-on", "24,7,0,1"),
];

/// Of the queue by itself, for this many requests.
const LENGTH: u32 = 4;
const BY_QUEUE: &[(&str, &str)] = &[
    ("a-claimed-request-stays", "30,9,0,4"),
    ("last-in-first-out", "30,8,0,4"),
];

/// Checks as many of them as are asked for. Each is in one of the cases that are shown without it, so that it is the fault
/// that is rejected.
pub(super) fn run(project: &Project, names: &[String]) -> Result<Table> {
    let mut table = Table::new(&["seeded fault", "breaks", "rejected by", "in the case"]);
    let mut missed = Vec::new();
    let whole: Vec<Case> = cases::all(WAITERS).collect();
    let queue = cases::queue(LENGTH);
    for (subject, waiters, rejected, sound) in [
        (Subject::FaultyMachine, WAITERS, REJECTED, &whole),
        (Subject::FaultyQueue, LENGTH, BY_QUEUE, &queue),
    ] {
        let mut asked = Vec::new();
        let known = faults::table(&project.root)?;
        for (name, case) in rejected {
            if !names.is_empty() && !names.iter().any(|asked| asked == name) {
                continue;
            }
            let place = (1..).zip(&known).find(|(_, fault)| fault.name == *name);
            let (fault, known) = place.with_context(|| format!("there is no fault `{name}`"))?;
            let case = Case::parse(case)?;
            ensure!(sound.contains(&case), "{name}: {case:?} is no case");
            asked.push((known, Case { fault, ..case }));
        }
        if asked.is_empty() {
            continue;
        }
        let kernel = Kernel::build(project, waiters, subject)?;
        let cases: Vec<Case> = asked.iter().map(|(_, case)| *case).collect();
        let all = check_all(project, &kernel, &cases, Pace::of(JOBS))?;
        for (known, case) in asked {
            let ended = all.iter().find(|(checked, ..)| *checked == case);
            match ended {
                // By a property, and not because a loop was cut.
                Some((_, Ended::Broken(checks), _))
                    if checks.iter().all(|check| check.contains(" property ")) =>
                {
                    let checks: Vec<&str> = checks.iter().map(|check| check_name(check)).collect();
                    let (name, breaks) = (known.name.as_str(), known.promise.as_str());
                    table.row(&[name, breaks, &checks.join(", "), &case.show()]);
                }
                _ => missed.push(known.name.clone()),
            }
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
