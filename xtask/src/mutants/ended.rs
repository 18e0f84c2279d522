//! What became of the mutants of the sources as they are: a run that was broken off, or found survivors, can be gone on
//! with after the tests were mended.

use std::fs::File;
use std::fs::OpenOptions;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;

use super::job::Found;
use super::list;
use crate::proc;
use crate::project::Project;

/// A file with the sources' hash in its first line, then a line for each mutant that ended, and the seconds of each run.
pub(super) struct Ended {
    path: PathBuf,
    pub(super) found: Found,
    pub(super) took: Duration,
}

impl Ended {
    /// What there is of these sources; nothing if they changed, or if it is not to be gone on with. Survivors that no
    /// reason is given for are not among them: the tests may have been mended.
    pub(super) fn read(project: &Project, is_resumed: bool) -> Result<Self> {
        let path = project.target.join("mutants/ended.txt");
        let head = format!("src {:016x}", hash(project)?);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines = text.lines();
        let mut ended = Self {
            path,
            found: Found::default(),
            took: Duration::ZERO,
        };
        if is_resumed && lines.next() == Some(&head) {
            for line in lines {
                let (kind, rest) = line.split_once(' ').context("a line of two parts")?;
                match kind {
                    "seconds" => ended.took += Duration::from_secs(rest.parse()?),
                    _ => ended.found.add(kind, rest.to_owned())?,
                }
            }
            let survived = &mut ended.found.survived;
            survived.sort();
            survived.dedup();
            let listed = list::survivors(project)?;
            survived.retain(|name| listed.contains(&list::placeless(name)));
        } else {
            let folder = ended.path.parent().context("a folder")?;
            std::fs::create_dir_all(folder)?;
            std::fs::write(&ended.path, format!("{head}\n"))?;
        }
        Ok(ended)
    }

    pub(super) fn is_over(&self, name: &String) -> bool {
        self.found.over().any(|over| over == name)
    }

    /// Where those that end are added.
    pub(super) fn file(&self) -> Result<File> {
        let file = OpenOptions::new().append(true).open(&self.path);
        file.with_context(|| self.path.display().to_string())
    }

    pub(super) fn spent(&mut self, took: Duration) -> Result<()> {
        self.took += took;
        writeln!(self.file()?, "seconds {}", took.as_secs())?;
        Ok(())
    }
}

fn hash(project: &Project) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    let listed = proc::read(project.command("git").args(["ls-files", "--", "src"]))?;
    for name in listed.lines() {
        name.hash(&mut hasher);
        std::fs::read(project.root.join(name))
            .with_context(|| name.to_owned())?
            .hash(&mut hasher);
    }
    Ok(hasher.finish())
}
