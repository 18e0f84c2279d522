//! What was shown of these sources before: a run of many hours can go on where another one was broken off.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;

use super::cases::Case;

/// Notes of one program: the number of all that the checker reads on the first line, then a line for each case.
#[derive(Debug)]
pub(super) struct Progress {
    notes: PathBuf,
    head: String,
    shown: BTreeMap<Case, (usize, f32)>,
}

impl Progress {
    /// What was noted in this folder, if it was of a program of these parts.
    pub(super) fn read(folder: &Path, parts: &[impl AsRef<str>]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for part in parts {
            for piece in part.as_ref().split("17h") {
                without_hash(piece).hash(&mut hasher);
            }
        }
        let head = format!("program {:016x}", hasher.finish());
        let notes = folder.join("progress.txt");
        let before = std::fs::read_to_string(&notes).unwrap_or_default();
        let mut lines = before.lines();
        let is_of_these = lines.next() == Some(&head);
        // The last line may have been broken off.
        let shown = lines.filter_map(noted).collect();
        let mut progress = Self { notes, head, shown };
        if !is_of_these {
            progress.clear()?;
        }
        Ok(progress)
    }

    /// The number of the program, as it stands in the table of what was shown of it.
    pub(super) fn program(&self) -> &str {
        &self.head
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.shown.clear();
        std::fs::write(&self.notes, format!("{}\n", self.head)).context("notes")
    }

    /// How many checks were shown of a case, and in how many seconds.
    pub(super) fn of(&self, case: &Case) -> Option<(usize, f32)> {
        self.shown.get(case).copied()
    }

    /// Notes that a case was shown.
    pub(super) fn note(&self, case: &Case, checks: usize, seconds: f32) -> Result<()> {
        let mut line = case.numbers();
        writeln!(line, " {checks} {seconds:.1} s")?;
        let mut notes = std::fs::File::options().append(true).open(&self.notes)?;
        notes.write_all(line.as_bytes()).context("notes")
    }
}

/// A mangled name ends with a hash that depends on where the sources lie: the rest of what follows its begin.
fn without_hash(piece: &str) -> &str {
    let is_hash = |hash: &str| hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match piece.split_once('E') {
        Some((hash, rest)) if hash.len() == 16 && is_hash(hash) => rest,
        _ => piece,
    }
}

fn noted(line: &str) -> Option<(Case, (usize, f32))> {
    let (case, rest) = line.strip_suffix(" s")?.split_once(' ')?;
    let (checks, seconds) = rest.split_once(' ')?;
    let case = Case::parse(case).ok()?;
    Some((case, (checks.parse().ok()?, seconds.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_over_the_same_program_only() {
        let folder = std::env::temp_dir().join(format!("progress-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (one, other) = (
            Case::parse("1,2,3,0").unwrap(),
            Case::parse("1,2,3,1").unwrap(),
        );
        Progress::read(&folder, &["a"])
            .unwrap()
            .note(&one, 136, 2.75)
            .unwrap();
        let again = Progress::read(&folder, &["a"]).unwrap();
        assert_eq!(again.of(&one), Some((136, 2.8)));
        assert_eq!(again.of(&other), None);
        let changed = Progress::read(&folder, &["b"]).unwrap();
        assert_eq!(changed.of(&one), None);
        let renamed = |hash| Progress::read(&folder, &[format!("a17h{hash}E(")]).unwrap();
        renamed("0123456789abcdef").note(&one, 136, 1.0).unwrap();
        assert_eq!(renamed("fedcba9876543210").of(&one), Some((136, 1.0)));
        assert_eq!(renamed("fedcba987654321").of(&one), None);
        let back = Progress::read(&folder, &["a"]).unwrap();
        assert_eq!(back.of(&one), None);
        back.note(&one, 136, 1.0).unwrap();
        Progress::read(&folder, &["a"]).unwrap().clear().unwrap();
        let cleared = Progress::read(&folder, &["a"]).unwrap();
        assert_eq!(cleared.of(&one), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn half_a_line_is_not_taken() {
        assert!(noted("1,2,3,0 136 2.8 s").is_some());
        for half in ["1,2,3,0 136 2.", "1,2,3,0 136", "1,2,3", ""] {
            assert_eq!(noted(half), None);
        }
    }
}
