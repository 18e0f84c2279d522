//! `cargo xtask mutants`: cargo-mutants over `src`, each mutant against the tests that ought to kill it.
//!
//! Two jobs work side by side, each in a copy of the sources with a target folder of its own, which stays: a mutant
//! then costs one small build and one test run.

mod ended;
mod job;
mod list;

use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;
use ended::Ended;
use job::Found;
use job::Job;
use list::Mutant;

/// What the tests of a file's mutants are: those that survive the first go on to the next. Tests that take seconds are left
/// out at first.
type Stages = &'static [&'static [&'static str]];

/// The beginning of a file's name, and the arguments for the test binaries that kill its mutants.
const PARTS: &[(&str, Stages)] = &[
    ("src/bytes", &[&["--test=record"], &["--test=machine"]]),
    (
        "src/capi",
        &[&["--test=capi"], &["--lib", "--test=capi_ops"]],
    ),
    (
        "src/cbor",
        &[&["--test=record"], &["--test=recording_form"]],
    ),
    (
        "src/challenge",
        &[
            &[
                "--test=challenge",
                "--skip=long_headers",
                "--skip=no_byte_anywhere",
                "--skip=properties_hold",
            ],
            &["--test=challenge"],
        ],
    ),
    (
        "src/formats",
        &[&["--test=defmt_types"], &["--test=redaction_defmt"]],
    ),
    ("src/gate", &[&["--test=gate"], &["--lib"]]),
    (
        "src/grant",
        &[
            &["--test=machine"],
            &["--lib", "--test=rejections", "--test=wiped"],
        ],
    ),
    (
        "src/numbers",
        &[
            &["--test=wasm", "--skip=chance::", "--skip=beside::"],
            &["--lib", "--test=wasm", "--test=capi"],
            &["--test=recording_form"],
        ],
    ),
    ("src/promises", &[&["--lib"], &["--test=machine"]]),
    (
        "src/record.rs",
        &[
            &["--test=record", "--skip=properties_hold"],
            &["--test=record", "--test=machine"],
        ],
    ),
    ("src/recording/recorder/paused", &[&["--test=capi"]]),
    (
        "src/recording",
        &[
            &["--test=recording_form", "--skip=whole::"],
            &["--lib", "--test=recording_form", "--test=replay"],
            &["--test=recording"],
        ],
    ),
    ("src/response", &[&["--test=response"], &["--test=machine"]]),
    ("src/retry_after", &[&["--test=retry_after"]]),
    (
        "src/trace",
        &[
            &["--test=machine"],
            &[
                "--lib",
                "--test=capi",
                "--test=recording_form",
                "--test=redaction",
            ],
        ],
    ),
    (
        "src/wasm",
        &[
            &["--test=wasm", "--skip=chance::", "--skip=beside::"],
            &["--lib", "--test=wasm"],
        ],
    ),
    (
        "src/",
        &[
            &["--test=machine"],
            &["--lib", "--test=rejections", "--test=ops"],
        ],
    ),
];
/// What the prover and the explorer ask of a machine: seeded faults judge it, no test of the package.
const ASKED: &[&str] = &[
    "src/verify",
    "src/promises/verify.rs",
    "src/waiters/verify.rs",
];
/// Mutants that are tried with one start of cargo-mutants.
const CHUNK: usize = 40;
const JOBS: usize = 2;
/// The share: the lines changed, for which there is time unless much has changed, and one part of so many, another one each
/// day, for which there is this much.
const SHARES: usize = 10;
const CHANGED_LIMIT: Duration = Duration::from_secs(15 * 60);
const LIMIT: Duration = Duration::from_secs(270);
/// In seconds.
const A_DAY: u64 = 24 * 60 * 60;

/// All mutants, or those of the files named, or with `--share` a share that is bounded in time. With `--resume` those
/// that ended in an earlier whole run over the same sources are not tried again; `--minutes M` goes on like that for so
/// long, and begins anew after all have ended.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    if words == ["--share"] {
        return share(&project);
    }
    tools::cargo_mutants(&project)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => whole(&project, false, None),
        ["--resume"] => whole(&project, true, None),
        ["--minutes", minutes] => {
            let minutes: u64 = minutes.parse().context("no number of minutes")?;
            let limit = Duration::from_secs(minutes.saturating_mul(60));
            whole(&project, true, Instant::now().checked_add(limit))
        }
        _ => files(&project, &words),
    }
}

fn whole(project: &Project, is_resumed: bool, until: Option<Instant>) -> Result<()> {
    let start = Instant::now();
    let mut left = list::mutants(project, None)?;
    let count = left.len();
    let mut ended = Ended::read(project, is_resumed)?;
    if until.is_some() && left.iter().all(|mutant| ended.is_over(&mutant.name)) {
        ended = Ended::read(project, false)?;
    }
    left.retain(|mutant| !ended.is_over(&mutant.name));
    let mut found = kill(project, &chunks(&left), until, Some(&ended))?;
    ended.spent(start.elapsed())?;
    found += ended.found;
    let tried = found.tried();
    list::judge(project, &found, tried == count)?;
    let table = table(&found, ended.took);
    if tried == count {
        return report::write(project, "mutants", &table);
    }
    println!("\n{}", table.text());
    println!("mutants: {tried} of {count} ended, the others are for the next time");
    Ok(())
}

fn files(project: &Project, names: &[&str]) -> Result<()> {
    let start = Instant::now();
    let mut all = list::mutants(project, None)?;
    all.retain(|mutant| names.contains(&mutant.file.as_str()));
    ensure!(!all.is_empty(), "there is no mutant in {names:?}");
    let found = kill(project, &chunks(&all), None, None)?;
    list::judge(project, &found, false)?;
    println!("\n{}", table(&found, start.elapsed()).text());
    Ok(())
}

fn table(found: &Found, took: Duration) -> Table {
    let mut table = Table::new(&["mutants", "count"]);
    table.row(&["killed by a test", &found.killed.len().to_string()]);
    table.row(&["end in a loop without end", &found.hung.len().to_string()]);
    table.row(&["do not compile", &found.unviable.len().to_string()]);
    table.row(&["survive", &found.survived.len().to_string()]);
    let minutes = took.as_secs().div_ceil(60);
    table.row(&["minutes, 2 jobs", &minutes.to_string()]);
    table
}

/// The lines changed, then one part of the whole, each day another one; of what the time is too short for, other files
/// come first the next time.
pub(crate) fn share(project: &Project) -> Result<()> {
    tools::cargo_mutants(project)?;
    let lines = match changed(project)? {
        Some(diff) => list::mutants(project, Some(&diff))?,
        None => Vec::new(),
    };
    let day = usize::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / A_DAY)?;
    let (part, turn) = (day % SHARES, day / SHARES);
    let all = list::mutants(project, None)?.into_iter();
    let mut rest: Vec<_> = all.skip(part).step_by(SHARES).collect();
    rest.retain(|mutant| !lines.contains(mutant));
    println!(
        "mutants: {} on the lines changed, {} in part {part} of {SHARES}",
        lines.len(),
        rest.len()
    );
    let count = rest.len();
    let mut rest = chunks(&rest);
    let first = turn.checked_rem(rest.len()).unwrap_or(0);
    rest.rotate_left(first);
    let parts = [
        (
            "the lines changed",
            lines.len(),
            chunks(&lines),
            CHANGED_LIMIT,
        ),
        ("the part", count, rest, LIMIT),
    ];
    let mut all = Found::default();
    for (what, count, chunks, limit) in parts {
        if count == 0 {
            continue;
        }
        let found = kill(project, &chunks, Some(Instant::now() + limit), None)?;
        let (tried, killed, hung) = (found.tried(), found.killed.len(), found.hung.len());
        println!(
            "mutants: {tried} of {count} of {what} tried, {killed} killed, {hung} in a loop without end"
        );
        if tried < count {
            println!(
                "mutants: {} s were not enough for all of them",
                limit.as_secs()
            );
        }
        all += found;
    }
    list::judge(project, &all, false)
}

/// What changed in `src` since the branch left `main`; on `main`, within a day before the last commit.
fn changed(project: &Project) -> Result<Option<String>> {
    let git = |args: &[&str]| {
        let mut command = project.command("git");
        command.args(args).stderr(Stdio::null());
        let told = proc::read(&mut command).ok()?;
        Some(told.trim().to_owned()).filter(|told| !told.is_empty())
    };
    let head = git(&["rev-parse", "HEAD"]);
    let branched = git(&["merge-base", "HEAD", "main"]).filter(|base| Some(base) != head.as_ref());
    let base = branched.or_else(|| {
        let last: u64 = git(&["log", "-1", "--format=%ct"])?.parse().ok()?;
        let before = format!("--before={}", last.checked_sub(A_DAY)?);
        git(&["rev-list", "-1", &before, "HEAD"])
    });
    let Some(base) = base else {
        println!("mutants: there is no history here that says what changed");
        return Ok(None);
    };
    let diff = proc::read(project.command("git").args(["diff", &base, "--", "src"]))?;
    Ok(Some(diff).filter(|diff| !diff.trim().is_empty()))
}

/// Mutants that the same tests kill.
type Chunk<'a> = (Stages, Vec<&'a Mutant>);

/// Parts them by the tests that ought to kill them, and further, so that each chunk is done soon.
fn chunks(mutants: &[Mutant]) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    for (index, (_, stages)) in PARTS.iter().enumerate().rev() {
        let of_part = mutants.iter().filter(|mutant| part_of(mutant) == index);
        let of_part: Vec<_> = of_part.collect();
        let of_part = of_part.chunks(CHUNK);
        chunks.extend(of_part.map(|chunk| (*stages, chunk.to_vec())));
    }
    chunks
}

/// Tries the chunks in their order in two jobs, until all are done or the time is over.
fn kill(
    project: &Project,
    chunks: &[Chunk<'_>],
    until: Option<Instant>,
    ended: Option<&Ended>,
) -> Result<Found> {
    let next = AtomicUsize::new(0);
    let work = |number: usize| {
        let mut job = Job::new(project, number, ended.map(Ended::file).transpose()?)?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((stages, mutants)) = chunks.get(at) else {
                break;
            };
            if !job.try_all(stages, mutants.clone(), until)? {
                break;
            }
            println!("mutants: chunk {} of {} ended", at + 1, chunks.len());
        }
        Ok(job.found)
    };
    let jobs: Vec<Result<Found>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..JOBS)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        let ended = started.into_iter().map(|job| job.join());
        ended
            .map(|job| job.unwrap_or_else(|_| bail!("a job panicked")))
            .collect()
    });
    let mut all = Found::default();
    for found in jobs {
        all += found?;
    }
    Ok(all)
}

fn part_of(mutant: &Mutant) -> usize {
    let mine = |(begin, _): &(&str, Stages)| mutant.file.starts_with(begin);
    PARTS.iter().position(mine).unwrap_or(PARTS.len() - 1)
}
