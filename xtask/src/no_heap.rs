//! No heap and no std in the library: in its source, and in what is compiled of it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use object::Object as _;
use object::ObjectSymbol as _;
use object::read::archive::ArchiveFile;

use crate::artifacts;
use crate::project::PACKAGE;
use crate::project::Project;
use crate::tools;

const TARGETS: &[&str] = &[
    "thumbv6m-none-eabi",
    "thumbv7em-none-eabihf",
    "riscv32imc-unknown-none-elf",
    "wasm32v1-none",
];
/// The features that every target must compile with.
const FEATURES: &[&str] = &["", "json,defmt,recording,embassy-sync"];
/// The target whose symbols are read: its objects are plain ELF.
const READ: &str = "thumbv7em-none-eabihf";

/// Builds the library for each target, and reads the symbols of one.
pub(crate) fn run(project: &Project) -> Result<()> {
    check_source(project)?;
    for target in TARGETS {
        tools::target(project, target)?;
    }
    for target in TARGETS {
        for features in FEATURES {
            let mut command = project.cargo(&["build", "-p", PACKAGE, "--lib", "--release"]);
            command.args(["--no-default-features", "--target", target]);
            command.args(["--features", features]);
            let built = artifacts::build(&mut command)?;
            if *target == READ {
                check_symbols(project, &built)?;
            }
        }
    }
    Ok(())
}

/// Reads every rlib that was built for the target: the library and all it depends on.
fn check_symbols(project: &Project, built: &[serde_json::Value]) -> Result<()> {
    let mut members = 0;
    let mut symbols = 0;
    let mut own = false;
    for artifact in built {
        let files = artifact["filenames"].as_array();
        let files = files.into_iter().flatten().filter_map(|file| file.as_str());
        // What runs on the host (macros, build scripts) may allocate.
        let files = files.filter(|file| file.ends_with(".rlib") && file.contains(READ));
        for file in files {
            own |= artifact["target"]["name"] == PACKAGE;
            let names = symbols_of(Path::new(file), &mut members)?;
            symbols += names.len();
            if let Some(name) = names.iter().find(|name| is_heap(name)) {
                let file = project.show(Path::new(file));
                bail!("{file} names `{name}`: nothing in it may allocate");
            }
        }
    }
    ensure!(
        own && members > 0,
        "no object of {PACKAGE} was found to read"
    );
    println!("no heap: {symbols} symbols in {members} objects, none allocates");
    Ok(())
}

/// The demangled names in all objects of an archive.
fn symbols_of(path: &Path, members: &mut usize) -> Result<BTreeSet<String>> {
    let read = || format!("cannot read {}", path.display());
    let data = std::fs::read(path).with_context(read)?;
    let archive = ArchiveFile::parse(&*data).with_context(read)?;
    let mut names = BTreeSet::new();
    for member in archive.members() {
        let member = member.with_context(read)?;
        // The compiler's own metadata is a member too, without code in it.
        if !member.name().ends_with(b".o") {
            continue;
        }
        let object = object::File::parse(member.data(&*data)?).with_context(read)?;
        *members += 1;
        for symbol in object.symbols() {
            let name = symbol.name().with_context(read)?;
            if !name.is_empty() {
                names.insert(format!("{:#}", rustc_demangle::demangle(name)));
            }
        }
    }
    Ok(names)
}

/// Whether a demangled symbol belongs to the heap.
fn is_heap(symbol: &str) -> bool {
    ["__rust_alloc", "__rust_dealloc", "__rust_realloc", "__rg_"]
        .iter()
        .any(|name| symbol.contains(name))
        || names_crate(symbol, "alloc")
}

/// Whether `text` has a path that begins with this crate; `core::alloc::` does not.
fn names_crate(text: &str, name: &str) -> bool {
    let path = format!("{name}::");
    text.match_indices(&path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            || text[..at].strip_suffix("::").is_some_and(|rest| {
                // A leading `::` names a crate too.
                !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
            })
    })
}

fn check_source(project: &Project) -> Result<()> {
    let mut files = Vec::new();
    rust_files(&project.root.join("src"), &mut files)?;
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        if let Some((number, line)) = std_use(&text) {
            let file = project.show(file);
            bail!("{file}:{number} uses std or alloc: {}", line.trim());
        }
    }
    println!(
        "no heap: {} source files, none names std or alloc",
        files.len()
    );
    Ok(())
}

/// Every Rust file below a folder, sorted.
pub(crate) fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

/// The first line outside of comments and tests that names std or alloc.
fn std_use(text: &str) -> Option<(usize, &str)> {
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let code = line.split("//").next().unwrap_or(line);
        if code.trim() == "#[cfg(test)]" {
            skip_item(&mut lines);
            continue;
        }
        let named = ["std", "alloc"]
            .iter()
            .any(|name| names_crate(code, name) || code.contains(&format!("extern crate {name}")));
        if named {
            return Some((at + 1, line));
        }
    }
    None
}

/// Skips the item after an attribute: to the brace that closes it at its own depth.
fn skip_item<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) {
    let item = lines.find(|(_, line)| !line.trim_start().starts_with("#["));
    let Some((_, item)) = item else { return };
    if !item.trim_end().ends_with('{') {
        return;
    }
    let indent = &item[..item.len() - item.trim_start().len()];
    let close = format!("{indent}}}");
    for (_, line) in lines.by_ref() {
        if line.trim_end() == close {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_heap_in_symbols() {
        for name in [
            "__rust_alloc",
            "_RNvCs1_7___rustc12___rust_alloc",
            "__rustc::__rust_dealloc",
            "__rg_alloc",
            "alloc::raw_vec::finish_grow",
            "<alloc::vec::Vec<T> as core::fmt::Debug>::fmt",
            "core::ptr::drop_in_place<alloc::string::String>",
        ] {
            assert!(is_heap(name), "{name}");
        }
        for name in [
            "core::alloc::layout::Layout::new",
            "<core::alloc::Layout>::size",
            "my_alloc::thing",
            "tokenlatch::latch::alloc",
        ] {
            assert!(!is_heap(name), "{name}");
        }
    }

    #[test]
    fn finds_std_in_source() {
        for text in [
            "use std::vec;",
            "extern crate alloc;",
            "let x = ::std::mem::size_of::<T>();",
            "#[cfg(test)]\nmod tests;\nuse alloc::vec;",
            "#[cfg(test)]\nmod tests {\n    use std::vec;\n}\nuse std::vec;",
        ] {
            assert!(std_use(text).is_some(), "{text}");
        }
        for text in [
            "use core::alloc::Layout;",
            "//! std::vec is not used",
            "let x = 1; // as std::mem does",
            "mystd::x();",
            "#[cfg(test)]\nextern crate std;",
            "#[cfg(test)]\n#[expect(x)]\nmod tests {\n    use std::vec;\n\n    fn a() {\n    }\n}",
        ] {
            assert!(std_use(text).is_none(), "{text}");
        }
    }
}
