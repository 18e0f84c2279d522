//! Lists of what a check finds and may find: a paragraph each, the reason first (`# ..`), then the findings, a line each.

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::project::Project;

/// What was found: as a line of the list, and where it is now.
pub(crate) struct Finding {
    pub(crate) line: String,
    pub(crate) place: String,
}

impl Finding {
    /// A line of source: its file and its text, which edits elsewhere leave as it is.
    pub(crate) fn of_line(project: &Project, kind: &str, file: &str, line: u64) -> Result<Self> {
        let text =
            std::fs::read_to_string(project.root.join(file)).with_context(|| file.to_owned())?;
        let index = usize::try_from(line)?.saturating_sub(1);
        let source = text.lines().nth(index).unwrap_or_default().trim();
        Ok(Self {
            line: format!("{kind} {file}: {source}"),
            place: format!("{file}:{line}"),
        })
    }
}

/// The lines of a list. Each stands below a reason.
fn lines<'a>(file: &str, text: &'a str) -> Result<Vec<&'a str>> {
    let mut lines = Vec::new();
    let mut reasoned = false;
    for line in text.lines() {
        if line.is_empty() {
            reasoned = false;
        } else if line.starts_with('#') {
            reasoned = true;
        } else if reasoned {
            lines.push(line);
        } else {
            bail!("{file}: no reason stands above `{line}`");
        }
    }
    Ok(lines)
}

/// Fails for a finding that is not listed, and, if everything was looked at, for a listed one that was not found.
pub(crate) fn judge(project: &Project, file: &str, found: &[Finding], whole: bool) -> Result<()> {
    let text = std::fs::read_to_string(project.root.join(file)).with_context(|| file.to_owned())?;
    let wrong = differences(lines(file, &text)?, found, whole);
    if !wrong.is_empty() {
        bail!(
            "{} differences to {file}:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
    Ok(())
}

fn differences(mut listed: Vec<&str>, found: &[Finding], whole: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for finding in found {
        match listed.iter().position(|line| *line == finding.line) {
            Some(at) => {
                listed.swap_remove(at);
            }
            None => wrong.push(format!("not listed: {} ({})", finding.line, finding.place)),
        }
    }
    if whole {
        wrong.extend(
            listed
                .iter()
                .map(|line| format!("listed, not found: {line}")),
        );
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_reason() {
        let text = "# why\na\nb\n\n# why\nc\n";
        assert_eq!(lines("f", text).unwrap(), ["a", "b", "c"]);
        assert!(lines("f", "a\n").is_err());
        assert!(lines("f", "# why\n\na\n").is_err());
    }

    #[test]
    fn a_line_stands_for_one_finding() {
        let find = |line: &str| Finding {
            line: line.to_owned(),
            place: "here".to_owned(),
        };
        assert_eq!(differences(vec!["a"], &[find("a")], true).len(), 0);
        assert_eq!(
            differences(vec!["a"], &[find("a"), find("a")], true).len(),
            1
        );
        assert_eq!(differences(vec!["a", "a"], &[find("a")], true).len(), 1);
        assert_eq!(differences(vec!["a", "b"], &[], false).len(), 0);
    }
}
