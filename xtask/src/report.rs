//! The figures in documents, those of `docs/proof.md` above all: each command prints its own, and writes them there when `UPDATE` is set.

use std::fmt::Write as _;

use anyhow::Context as _;
use anyhow::Result;

use crate::project::Project;

const FILE: &str = "docs/proof.md";

/// A table in Markdown, built row by row.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(heads);
        table.row(&vec!["---"; heads.len()]);
        table
    }

    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        self.0.push('|');
        for cell in cells {
            // Writing to a string can't fail.
            let _ = write!(self.0, " {} |", cell.as_ref().replace('|', "\\|"));
        }
        self.0.push('\n');
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Prints what a command found. With `UPDATE` set it also replaces what stands between the command's two marks in
/// the document: `<!-- name begin -->` and `<!-- name end -->`.
pub(crate) fn write(project: &Project, name: &str, found: &Table) -> Result<()> {
    write_to(project, FILE, name, found)
}

/// The same in another document.
pub(crate) fn write_to(project: &Project, file: &str, name: &str, found: &Table) -> Result<()> {
    println!("\n{}", found.0);
    if !is_update() {
        return Ok(());
    }
    let path = project.root.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| file.to_owned())?;
    let text = replaced(&text, name, &found.0)
        .with_context(|| format!("{file} has no marks for `{name}`"))?;
    std::fs::write(&path, text).with_context(|| file.to_owned())
}

/// Whether the document says this somewhere.
pub(crate) fn says(project: &Project, what: &str) -> Result<bool> {
    let text = std::fs::read_to_string(project.root.join(FILE)).context(FILE)?;
    Ok(text.contains(what))
}

/// Whether `UPDATE` is set: what was found is written down.
pub(crate) fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

fn replaced(text: &str, name: &str, found: &str) -> Option<String> {
    let (begin, end) = (
        format!("<!-- {name} begin -->\n"),
        format!("<!-- {name} end -->"),
    );
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{found}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let text = "a\n<!-- x begin -->\nold\n<!-- x end -->\nb\n";
        let new = "a\n<!-- x begin -->\nnew\n<!-- x end -->\nb\n";
        assert_eq!(replaced(text, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(text, "y", "new\n"), None);
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["what", "count"]);
        table.row(&["a|b", "2"]);
        assert_eq!(table.0, "| what | count |\n| --- | --- |\n| a\\|b | 2 |\n");
    }
}
