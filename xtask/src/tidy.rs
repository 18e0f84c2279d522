//! How much the library depends on, and what no committed file may hold.

use std::path::Path;

use anyhow::Result;
use anyhow::bail;

use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;

/// Paths of one machine, and hosts that not everyone downloads from. Each is written in two
/// parts, so that this file does not hold it.
const FOREIGN: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("crates", ".io"),
    concat!("registry", ".npmjs"),
    concat!("pypi", ".org"),
];

const LOCKS: &[&str] = &["Cargo.lock", "package-lock.json"];

pub(crate) fn run(project: &Project) -> Result<()> {
    let args = ["tree", "-p", PACKAGE, "-e", "normal", "--all-features"];
    let tree = proc::read(&mut project.cargo(&args))?;
    println!(
        "cargo tree: {} lines with all features",
        tree.lines().count()
    );

    // Files that are new and not ignored count as well: they will be committed.
    let args = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = proc::read(project.command("git").args(args))?;
    let mut read = 0;
    for name in listed
        .split('\0')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        // A file that was removed and not yet committed is listed too.
        let Ok(bytes) = std::fs::read(project.root.join(name)) else {
            continue;
        };
        read += 1;
        if let Some(found) = forbidden(name, &bytes) {
            bail!("{name} holds `{found}`, which belongs to one machine or one mirror");
        }
    }
    println!("{read} files: no machine's path, no registry's host");
    Ok(())
}

fn forbidden(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let file = Path::new(name).file_name().and_then(|file| file.to_str());
    let file = file.unwrap_or_default();
    let words = match file {
        "package-lock.json" => &["\"resolved\""][..],
        _ if LOCKS.contains(&file) => &[],
        _ => FOREIGN,
    };
    let holds = |word: &&&str| {
        bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    words.iter().find(holds).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_are_found_outside_of_lock_files() {
        for word in FOREIGN {
            let text = format!("see {word}x");
            assert_eq!(forbidden("a/README.md", text.as_bytes()), Some(*word));
            assert_eq!(forbidden("Cargo.lock", text.as_bytes()), None);
        }
        assert_eq!(forbidden("README.md", b"a network of roots"), None);
    }

    #[test]
    fn addresses_are_found_in_npm_lock_files() {
        let found = forbidden("js/package-lock.json", b"{\"resolved\": \"x\"}");
        assert_eq!(found, Some("\"resolved\""));
        assert_eq!(forbidden("js/package-lock.json", b"{}"), None);
    }
}
