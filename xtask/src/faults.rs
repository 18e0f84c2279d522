//! The library with the faults of `proof/faults.txt` built in: what the checkers are checked with.
//!
//! A copy of the workspace below the target folder, whose `src` asks a switch at each place. One build has them all.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::proc;
use crate::project::Project;

const TABLE: &str = "proof/faults.txt";
const COPIED: &[&str] = &["Cargo.lock", "README.md", "src", "proof", "testserver"];
/// What the copy is compiled with.
const CFG: &str = "--cfg tokenlatch_faults";

/// One entry of the table.
#[derive(Debug, Default)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) promise: String,
    file: String,
    behind: String,
    original: String,
    faulty: String,
}

/// Lists the faults and builds the copy that has them.
pub(crate) fn run(_words: &[String]) -> Result<()> {
    let project = Project::read()?;
    for (number, fault) in (1..).zip(table(&project.root)?) {
        println!("{number:>3}  {:<4} {}", fault.promise, fault.name);
    }
    proc::run(&mut cargo(
        &project,
        &["build", "--release", "-p", "proof"],
    )?)
}

/// The faults in their order; the first is number 1.
pub(crate) fn table(root: &Path) -> Result<Vec<Fault>> {
    let text = std::fs::read_to_string(root.join(TABLE)).context(TABLE)?;
    let mut faults: Vec<Fault> = Vec::new();
    for line in text.lines() {
        let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
        if head == "name" {
            faults.push(Fault::default());
        }
        let Some(fault) = faults.last_mut() else {
            continue;
        };
        match head {
            "name" => fault.name = rest.to_owned(),
            "promise" => fault.promise = rest.to_owned(),
            "file" => {
                let (file, behind) = rest.split_once(' ').unwrap_or((rest, ""));
                (fault.file, fault.behind) = (file.to_owned(), behind.to_owned());
            }
            "-" => fault.original += &format!("{rest}\n"),
            "+" => fault.faulty += &format!("{rest}\n"),
            "" | "#" => {}
            _ => bail!("{TABLE}: `{line}`"),
        }
    }
    Ok(faults)
}

/// `cargo` for a package of the copy, which is brought up to date first.
pub(crate) fn cargo(project: &Project, args: &[&str]) -> Result<Command> {
    let copy = copy(project)?;
    let mut command = Command::new("cargo");
    command.args(args).current_dir(&copy).env("RUSTFLAGS", CFG);
    command.env("CARGO_TARGET_DIR", project.target.join("faults-target"));
    Ok(command)
}

/// Writes the copy; files that did not change keep their times, so that cargo builds only what did.
pub(crate) fn copy(project: &Project) -> Result<PathBuf> {
    let faults = table(&project.root)?;
    let to = project.target.join("faults");
    let mut listed = project.command("git");
    listed.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = proc::read(listed.args(COPIED))?;
    let mut kept = Vec::new();
    for name in listed.split('\0').map(str::trim) {
        let from = project.root.join(name);
        if name.is_empty() || !from.exists() {
            continue;
        }
        let bytes = std::fs::read(&from).with_context(|| name.to_owned())?;
        let bytes = if name.starts_with("src/") {
            seeded(name, String::from_utf8(bytes)?, &faults)?.into_bytes()
        } else {
            bytes
        };
        put(&to.join(name), &bytes)?;
        kept.push(name.to_owned());
    }
    let manifest = std::fs::read_to_string(project.root.join("Cargo.toml"))?;
    put(&to.join("Cargo.toml"), workspace(&manifest)?.as_bytes())?;
    put(&to.join("src/fault.rs"), switch(&faults).as_bytes())?;
    Ok(to)
}

/// The manifest without the members, the tests and the examples that are not copied.
fn workspace(manifest: &str) -> Result<String> {
    let line = manifest
        .lines()
        .find(|line| line.starts_with("members = "))
        .context("Cargo.toml has no members")?;
    let manifest = manifest.replacen(line, "members = [\"proof\", \"testserver\"]", 1);
    let mut is_left_out = false;
    let mut kept = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_left_out = ["[[test]]", "[[example]]"].contains(&line);
        }
        if !is_left_out {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Ok(kept)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a file lies in a folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// A source file with its faults behind switches.
fn seeded(name: &str, mut text: String, faults: &[Fault]) -> Result<String> {
    if name == "src/lib.rs" {
        text += "\npub mod fault;\n";
    }
    for (number, fault) in (1_u8..).zip(faults) {
        if fault.file != name {
            continue;
        }
        let (start, end) = place(&text, fault)
            .with_context(|| format!("{TABLE}: `{}` is not in {name}", fault.name))?;
        let (before, after) = (&text[..start], &text[end..]);
        let (original, faulty) = (&text[start..end], &fault.faulty);
        text = format!(
            "{before}{{ if crate::fault::on({number}) {{ {faulty} }} else {{ {original} }} }}{after}"
        );
    }
    Ok(text)
}

/// Where the original stands, behind the text it is looked for behind. Spaces and line ends don't count.
fn place(text: &str, fault: &Fault) -> Option<(usize, usize)> {
    let from = text.find(&fault.behind)?;
    let dense = |text: &str| -> Vec<char> { text.chars().filter(|c| !c.is_whitespace()).collect() };
    let wanted = dense(&fault.original);
    let rest: Vec<(usize, char)> = text[from..]
        .char_indices()
        .filter(|(_, c)| !c.is_whitespace())
        .collect();
    let found = rest
        .windows(wanted.len())
        .find(|window| window.iter().map(|(_, c)| c).eq(&wanted))?;
    let ((start, _), (end, last)) = (found.first()?, found.last()?);
    Some((from + start, from + end + last.len_utf8()))
}

/// The module that knows which fault is on.
fn switch(faults: &[Fault]) -> String {
    let mut text = String::from(
        "//! The seeded faults, and which of them is on: 0 for none.\n\n\
         use core::sync::atomic::{AtomicU8, Ordering};\n\n\
         /// Name and promise of each; the first is number 1.\n\
         pub const ALL: &[(&str, &str)] = &[\n",
    );
    for fault in faults {
        // Writing to a string can't fail.
        let _ = writeln!(text, "    ({:?}, {:?}),", fault.name, fault.promise);
    }
    text += "];\n\n\
             static ON: AtomicU8 = AtomicU8::new(0);\n\n\
             /// Switches this one on, and any other off.\n\
             pub fn set(number: u8) {\n    ON.store(number, Ordering::Relaxed);\n}\n\n\
             pub(crate) fn on(number: u8) -> bool {\n    ON.load(Ordering::Relaxed) == number\n}\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(behind: &str, original: &str) -> Fault {
        Fault {
            file: "src/a.rs".to_owned(),
            behind: behind.to_owned(),
            original: original.to_owned(),
            faulty: "0".to_owned(),
            ..Fault::default()
        }
    }

    #[test]
    fn a_fault_is_built_in_behind_its_switch() {
        let text = "fn a() { x(1) }\nfn b() { x(\n  1) }".to_owned();
        let text = seeded("src/a.rs", text, &[fault("fn b", "x(1)")]).unwrap();
        let built = "fn b() { { if crate::fault::on(1) { 0 } else { x(\n  1) } } }";
        assert_eq!(text, format!("fn a() {{ x(1) }}\n{built}"));
    }

    #[test]
    fn a_text_that_is_not_there_is_an_error() {
        let text = || "fn a() {}".to_owned();
        assert!(seeded("src/a.rs", text(), &[fault("", "x")]).is_err());
        assert!(seeded("src/a.rs", text(), &[fault("fn b", "fn a")]).is_err());
    }

    #[test]
    fn the_table_fits_the_source_and_names_every_promise() {
        let project = Project::read().unwrap();
        let faults = table(&project.root).unwrap();
        for fault in &faults {
            let text = std::fs::read_to_string(project.root.join(&fault.file)).unwrap();
            assert!(place(&text, fault).is_some(), "{}", fault.name);
        }
        for promise in 1..=15 {
            let promise = format!("P{promise}");
            assert!(faults.iter().any(|fault| fault.promise == promise));
        }
        let mut names: Vec<_> = faults.iter().map(|fault| &fault.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), faults.len());
    }
}
