//! `cargo xtask bench`: the instructions of the paths that users run, beside what they could cost at least.
//!
//! Natively callgrind counts them. On a Cortex-M3 the clock of QEMU does: with `-icount shift=0` an instruction lasts a
//! nanosecond.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::js_web;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;

const FILE: &str = "benches/README.md";
const CORTEX_M3: &str = "thumbv7m-none-eabi";
const OWN: &str = "tokenlatch";
const FLOOR: &str = "floor";

/// Instructions, by path and by who runs it.
type Counts = BTreeMap<(String, String), u64>;

pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    match words {
        [] => instructions(&project),
        [word] if word == "js" => js_web::bench(&project),
        _ => bail!("usage: cargo xtask bench [js]"),
    }
}

fn instructions(project: &Project) -> Result<()> {
    tools::debian(project, "valgrind", "valgrind")?;
    tools::debian(project, "qemu-system-arm", "qemu-system-arm")?;
    tools::target(project, CORTEX_M3)?;
    let (order, native) = native(project)?;
    let tables = [
        ("native", &native),
        ("cortex-m3", &cortex_m3(project, "release")?),
        ("cortex-m3-z", &cortex_m3(project, "small")?),
    ];
    for (name, counts) in tables {
        report::write_to(project, FILE, name, &table(&order, counts))?;
    }
    report::write_to(project, FILE, "goals", &goals(&native)?)?;
    report::write_to(project, FILE, "versions", &versions(project)?)
}

fn build(project: &Project, profile: &str, more: &[&str]) -> Result<()> {
    let mut command = project.cargo(&["build", "--quiet", "--locked", "--profile", profile]);
    command.args(["--manifest-path", "benches/Cargo.toml"]);
    command
        .args(more)
        // As much as the latch has that the calls from Rust are made to.
        .env("TOKENLATCH_TOKEN_CAPACITY", "1024")
        .env("TOKENLATCH_WAITER_CAPACITY", "8")
        .env("CARGO_TARGET_DIR", project.target.join("benches"));
    proc::run(&mut command)
}

/// The cases in the order of the table, and their counts.
fn native(project: &Project) -> Result<(Vec<String>, Counts)> {
    build(project, "release", &["--bin", "bench-native"])?;
    let program = project.target.join("benches/release/bench-native");
    let listed = proc::read(&mut Command::new(&program))?;
    let nothing = callgrind(project, &program, "nothing", FLOOR)?;
    let mut counts = Counts::new();
    let mut order = Vec::new();
    for line in listed.lines() {
        let Some((path, who)) = line.split_once('\t') else {
            order.push(line.to_owned());
            continue;
        };
        let count = callgrind(project, &program, path, who)?;
        counts.insert((path.to_owned(), who.to_owned()), count - nothing);
    }
    Ok((order, counts))
}

fn callgrind(project: &Project, program: &Path, path: &str, who: &str) -> Result<u64> {
    let mut command = project.command("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.args(["--toggle-collect=*counted*"]).arg(program);
    let mut job = proc::Job::start(command.args([path, who]).stderr(Stdio::piped()))?;
    let mut collected = None;
    for line in job.error_lines() {
        if let Some((_, count)) = line.split_once("Collected : ") {
            collected = count.trim().parse().ok();
        }
    }
    proc::check(job.wait()?, &command)?;
    collected
        .filter(|count| *count > 0)
        .with_context(|| format!("callgrind counted nothing for `{path}`, {who}"))
}

fn cortex_m3(project: &Project, profile: &str) -> Result<Counts> {
    build(
        project,
        profile,
        &["--bin", "bench-cortex-m", "--target", CORTEX_M3],
    )?;
    let mut command = project.command("qemu-system-arm");
    command.args(["-machine", "mps2-an385", "-cpu", "cortex-m3", "-nographic"]);
    command.args(["-icount", "shift=0"]);
    command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    let built = project.target.join("benches").join(CORTEX_M3).join(profile);
    command.arg(built.join("bench-cortex-m"));
    let told = proc::read(&mut command)?;
    let counts: Counts = told.lines().filter_map(counted).collect();
    if counts.is_empty() {
        bail!("the Cortex-M3 gave no counts");
    }
    Ok(counts)
}

/// `PATH<tab>WHO<tab>COUNT`.
fn counted(line: &str) -> Option<((String, String), u64)> {
    let mut words = line.split('\t');
    let case = (words.next()?.to_owned(), words.next()?.to_owned());
    Some((case, words.next()?.trim().parse().ok()?))
}

fn table(order: &[String], counts: &Counts) -> Table {
    let columns = ["C API", "statig", "smlang", "serde_json", "serde-json-core"];
    let is_there = |who: &&str| counts.keys().any(|(_, other)| other == who);
    let others: Vec<&str> = columns.into_iter().filter(is_there).collect();
    let mut heads = vec!["Path", OWN, FLOOR, "ratio"];
    heads.extend(&others);
    let mut table = Table::new(&heads);
    for path in order {
        let count = |who: &str| counts.get(&(path.clone(), who.to_owned())).copied();
        let cell = |who: &str| count(who).map_or_else(String::new, |count| count.to_string());
        let mut cells = vec![path.clone(), cell(OWN), cell(FLOOR)];
        cells.push(match (count(OWN), count(FLOOR)) {
            (Some(own), Some(floor)) => ratio(own, floor),
            _ => String::new(),
        });
        cells.extend(others.iter().map(|who| cell(who)));
        table.row(&cells);
    }
    table
}

fn ratio(own: u64, other: u64) -> String {
    let tenths = (own * 10 + other / 2).checked_div(other).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// What was set out to be reached, and what is.
fn goals(native: &Counts) -> Result<Table> {
    let count = |path: &str, who: &str| {
        let found = native.get(&(path.to_owned(), who.to_owned())).copied();
        found.with_context(|| format!("no count of `{path}`, {who}"))
    };
    let mut table = Table::new(&["Goal", "At most", "Is"]);
    for path in ["an answer 200", "a late 401", "the timer starts a renewal"] {
        let over = count(path, OWN)?.saturating_sub(count(path, FLOOR)?);
        let goal = format!("{path}: instructions over a hand-written one");
        table.row(&[goal, "30".to_owned(), over.to_string()]);
    }
    let both = "a permit in Ready and its answer 200";
    let own = count(both, OWN)?.to_string();
    table.row(&[both.to_owned(), "200".to_owned(), own]);
    let response = "a token response of 1 KiB parsed";
    let (own, other) = (count(response, OWN)?, count(response, "serde_json")?);
    let hundredths = (own * 100).div_ceil(other);
    let times = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let goal = format!("{response}: times serde_json");
    table.row(&[goal, "2.3".to_owned(), times]);
    Ok(table)
}

/// The versions that the counts belong to.
fn versions(project: &Project) -> Result<Table> {
    let mut table = Table::new(&["What", "Version"]);
    for program in ["rustc", "valgrind", "qemu-system-arm"] {
        let told = proc::read(project.command(program).arg("--version"))?;
        let line = told.lines().next().unwrap_or_default();
        let version = line
            .split([' ', '-'])
            .find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        table.row(&[program, version.unwrap_or(line)]);
    }
    let lock = std::fs::read_to_string(project.root.join("benches/Cargo.lock"))?;
    for name in ["statig", "smlang", "serde_json", "serde-json-core"] {
        let version = locked(&lock, name).with_context(|| format!("{name} is not locked"))?;
        table.row(&[name, version]);
    }
    Ok(table)
}

fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    package.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_one_digit_after_the_point() {
        assert_eq!(ratio(1, 3), "0.3");
        assert_eq!(ratio(5, 3), "1.7");
        assert_eq!(ratio(20, 2), "10.0");
        assert_eq!(ratio(1, 0), "0.0");
    }

    #[test]
    fn a_line_is_a_count() {
        let case = ("a path".to_owned(), "floor".to_owned());
        assert_eq!(counted("a path\tfloor\t12\n"), Some((case, 12)));
        assert_eq!(counted("a path\tfloor"), None);
        assert_eq!(counted(""), None);
    }

    #[test]
    fn paths_stand_in_the_order_they_are_listed() {
        let counts = [("b", OWN, 30), ("b", FLOOR, 20), ("a", OWN, 7)]
            .map(|(path, who, count)| ((path.to_owned(), who.to_owned()), count));
        let table = table(&["b".to_owned(), "a".to_owned()], &counts.into());
        let text = "| Path | tokenlatch | floor | ratio |\n| --- | --- | --- | --- |\n\
                    | b | 30 | 20 | 1.5 |\n| a | 7 |  |  |\n";
        assert_eq!(table.text(), text);
    }

    #[test]
    fn a_version_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"serde_json\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "serde_json"), Some("1.2.3"));
        assert_eq!(locked(lock, "serde"), None);
    }
}
