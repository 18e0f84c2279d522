//! `cargo xtask size`: what the library costs a small firmware, compared with `xtask/size.budget`.
//!
//! The crate `footprint` names the public functions by group; each group is built as a user would build it, for size and
//! without overflow checks, and linked alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;
use object::Object as _;
use object::ObjectSection as _;
use object::ObjectSymbol as _;
use object::SectionKind;

use crate::linked;
use crate::linked::Bench;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::stack::Calls;
use crate::tools;

pub(crate) const MANIFEST: &str = "footprint/Cargo.toml";
const CRATE: &str = "footprint";
const BUDGET: &str = "xtask/size.budget";
const DOCUMENT: &str = "docs/size.md";
const TARGETS: &[&str] = &["thumbv6m-none-eabi", "thumbv7em-none-eabi"];
/// What names in the linked file stand for tables, not for the library.
const PREFIX: &str = "FOOTPRINT_";
const TYPES: &str = "FOOTPRINT_SIZES";
/// What is measured of types, in the order of `FOOTPRINT_SIZES`.
const SIZES: &[&str] = &[
    "`Latch<T, 8>` apart from 3 × T",
    "a waiter more",
    "`Config`",
    "`Event`",
    "`Effect`",
    "`Outcome`",
];

/// A set of public functions, linked together.
struct Group {
    name: &'static str,
    /// The feature of `footprint`.
    feature: &'static str,
    /// Its table, and those of the groups that it includes.
    tables: &'static [&'static str],
    /// Whether the stack is added up. Pieces that the compiler made functions of, to save space, hide some calls of the C
    /// interface; its stack is that of `cargo xtask no-panic`.
    has_stack: bool,
    /// A function that does not count, nor what only it calls. `handle` takes records in, which the machine does not.
    without: &'static str,
}

const MACHINE: &str = "FOOTPRINT_MACHINE";
const ALL: &str = "FOOTPRINT_ALL";
const JSON: &str = "FOOTPRINT_JSON";
const RECORDING: &str = "FOOTPRINT_RECORDING";
const C: &str = "FOOTPRINT_CAPI";
const C_JSON: &str = "FOOTPRINT_CAPI_JSON";

const GROUPS: &[Group] = &[
    Group {
        name: "machine and waiters",
        feature: "machine",
        tables: &[MACHINE],
        has_stack: true,
        without: "tokenlatch::record::decode",
    },
    Group {
        name: "+ record, challenges, trace",
        feature: "all",
        tables: &[MACHINE, ALL],
        has_stack: true,
        without: "",
    },
    Group {
        name: "+ json",
        feature: "json",
        tables: &[MACHINE, ALL, JSON],
        has_stack: true,
        without: "",
    },
    Group {
        name: "the C interface, but for JSON",
        feature: "capi",
        tables: &[C],
        has_stack: false,
        without: "",
    },
    Group {
        name: "the C interface",
        feature: "capi-json",
        tables: &[C, C_JSON],
        has_stack: false,
        without: "",
    },
    Group {
        name: "+ recording",
        feature: "recording",
        tables: &[MACHINE, ALL, JSON, RECORDING],
        has_stack: true,
        without: "",
    },
];

/// How much something may grow before the check fails: one part of this.
const GROWTH: u64 = 50;

/// What one linked file showed.
#[derive(Default)]
struct Figures {
    text: u64,
    /// What of the text is the compiler's own: copying, dividing.
    builtins: u64,
    constants: u64,
    data: u64,
    bss: u64,
    /// Each function with the bytes of stack it takes.
    stack: BTreeMap<String, u64>,
    types: Vec<u64>,
}

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Fails if anything grew by more than the budget allows. With `UPDATE` set, the budget becomes what was measured.
pub(crate) fn check(project: &Project) -> Result<()> {
    for target in TARGETS {
        tools::target(project, target)?;
    }
    tools::component(project, "llvm-tools")?;
    let bench = Bench {
        project,
        out: project.scratch("size")?,
        tools: linked::own_tools(project)?,
    };
    let mut found = Vec::new();
    for target in TARGETS {
        for group in GROUPS {
            let figures = measure(&bench, target, group);
            found.push((*target, group, figures.with_context(|| group.name)?));
        }
    }
    report::write_to(project, DOCUMENT, "flash", &flash(&found))?;
    report::write_to(project, DOCUMENT, "size-stack", &stack(&found))?;
    report::write_to(project, DOCUMENT, "types", &types(&found))?;
    let measured = budget_of(&found);
    let path = project.root.join(BUDGET);
    if report::is_update() {
        let lines = measured
            .iter()
            .map(|(name, value)| format!("{value} {name}\n"));
        return std::fs::write(&path, lines.collect::<String>()).with_context(|| BUDGET);
    }
    let text = std::fs::read_to_string(&path).with_context(|| BUDGET)?;
    let grown = grown(&measured, &read_budget(&text)?);
    ensure!(
        grown.is_empty(),
        "larger than {BUDGET} allows:\n{}\n(`UPDATE=1` writes what was measured)",
        grown.join("\n")
    );
    Ok(())
}

fn measure(bench: &Bench<'_>, target: &str, group: &Group) -> Result<Figures> {
    let built = build(bench.project, target, group.feature)?;
    let file = bench.out.join(format!("{target}-{}", group.feature));
    let mut tables: Vec<_> = group.tables.iter().map(|name| (*name).to_owned()).collect();
    tables.push(TYPES.to_owned());
    proc::run(&mut bench.link(target, &tables, &built, &file))?;
    let code = bench.tool("llvm-objdump", &["-d", "--no-show-raw-insn"], &file)?;
    let data = std::fs::read(&file)?;
    figures(&data, &code, group)
}

fn build(project: &Project, target: &str, feature: &str) -> Result<PathBuf> {
    let folder = project.target.join("size");
    let mut command = project.cargo(&["rustc", "--release", "--quiet", "--locked"]);
    command.args(["--manifest-path", MANIFEST, "--target", target]);
    command.args(["--features", feature]);
    command.env("CARGO_TARGET_DIR", &folder);
    // The latch of the C interface is as large as the one beside it.
    command.env("TOKENLATCH_TOKEN_CAPACITY", "1024");
    command.env("TOKENLATCH_WAITER_CAPACITY", "8");
    // It adds a section and is not stable, so this one crate is let use it.
    command.env("RUSTC_BOOTSTRAP", CRATE);
    command.args(["--", "-Z", "emit-stack-sizes"]);
    proc::run(&mut command)?;
    let library = Path::new(target).join("release");
    Ok(folder.join(library).join(format!("lib{CRATE}.a")))
}

fn figures(data: &[u8], code: &str, group: &Group) -> Result<Figures> {
    let file = object::File::parse(data)?;
    let mut figures = Figures::default();
    for section in file.sections() {
        let name = section.name()?;
        // What unwinds is thrown away by a firmware's linker script.
        if name.starts_with(".ARM.") {
            continue;
        }
        let place = match section.kind() {
            SectionKind::Text => &mut figures.text,
            SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => &mut figures.constants,
            SectionKind::Data if name.starts_with(".data.rel.ro") => &mut figures.constants,
            SectionKind::Data => &mut figures.data,
            SectionKind::UninitializedData => &mut figures.bss,
            _ => continue,
        };
        *place += section.size();
    }
    let mut starts = Vec::new();
    for symbol in file.symbols() {
        let name = symbol.name()?;
        if name.contains("compiler_builtins") || name.starts_with("__aeabi") {
            figures.builtins += symbol.size();
        }
        if !name.starts_with(PREFIX) {
            continue;
        }
        figures.constants = figures.constants.saturating_sub(symbol.size());
        let words = words(&file, &symbol)?;
        if name == TYPES {
            figures.types = words;
        } else {
            starts.extend(words.iter().map(|address| address & !1));
        }
    }
    ensure!(
        figures.types.len() == SIZES.len(),
        "{TYPES} is of another length"
    );
    if !group.has_stack {
        return Ok(figures);
    }
    let calls = Calls::read(data, code)?;
    for start in &starts {
        let (name, depth) = calls.deepest(*start)?;
        figures.stack.insert(short(&name), depth);
    }
    if !group.without.is_empty() {
        figures.text = calls.reached(&starts, group.without)?;
    }
    Ok(figures)
}

/// The words of a table.
fn words(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> Result<Vec<u64>> {
    let data = file.sections().find_map(|section| {
        let data = section.data_range(symbol.address(), symbol.size());
        data.ok().flatten()
    });
    let data = data.context("a table without bytes")?;
    let words = data.chunks_exact(4).map(|word| match word {
        [a, b, c, d] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        _ => 0,
    });
    Ok(words.collect())
}

/// A function's name without its crate and its parameters.
fn short(name: &str) -> String {
    let mut short = String::new();
    let mut depth = 0_u32;
    for character in name.trim_start_matches('<').chars() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => short.push(character),
            _ => {}
        }
    }
    let parts: Vec<_> = short.split("::").filter(|part| !part.is_empty()).collect();
    let last = parts.len().saturating_sub(2);
    parts[last..].join("::")
}

fn flash(found: &[(&str, &Group, Figures)]) -> Table {
    let mut table = Table::new(&[
        "Target",
        "Linked",
        "text",
        "of it the compiler's",
        "constants",
        "data",
        "bss",
    ]);
    for (target, group, figures) in found {
        let numbers = [
            figures.text,
            figures.builtins,
            figures.constants,
            figures.data,
            figures.bss,
        ];
        let mut row = vec![(*target).to_owned(), group.name.to_owned()];
        row.extend(numbers.map(|number| number.to_string()));
        table.row(&row);
    }
    table
}

/// A row for each function, from the last group that has it.
fn stack(found: &[(&str, &Group, Figures)]) -> Table {
    let mut heads = vec!["Function"];
    heads.extend(TARGETS);
    let mut table = Table::new(&heads);
    let mut names: Vec<&String> = found.iter().flat_map(|it| it.2.stack.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let of = |target: &str| {
            let mut builds = found.iter().rev().filter(|it| it.0 == target);
            let depth = builds.find_map(|it| it.2.stack.get(name));
            depth.map_or("-".to_owned(), u64::to_string)
        };
        let mut row = vec![format!("`{name}`")];
        row.extend(TARGETS.iter().map(|target| of(target)));
        table.row(&row);
    }
    table
}

fn types(found: &[(&str, &Group, Figures)]) -> Table {
    let mut table = Table::new(&["Type", "bytes on a 32-bit target"]);
    if let Some((.., figures)) = found.first() {
        for (name, size) in SIZES.iter().zip(&figures.types) {
            table.row(&[(*name).to_owned(), size.to_string()]);
        }
    }
    table
}

/// The lines of the budget.
fn budget_of(found: &[(&str, &Group, Figures)]) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for (target, group, figures) in found {
        let numbers = [
            ("text", figures.text),
            ("constants", figures.constants),
            ("data", figures.data),
            ("bss", figures.bss),
        ];
        for (what, number) in numbers {
            lines.insert(format!("{target} {} {what}", group.feature), number);
        }
        for (name, depth) in &figures.stack {
            lines.insert(format!("{target} {} stack {name}", group.feature), *depth);
        }
        for (name, size) in SIZES.iter().zip(&figures.types) {
            lines.insert(format!("type {name}"), *size);
        }
    }
    lines
}

/// A number and what it is of, on each line.
fn read_budget(text: &str) -> Result<BTreeMap<String, u64>> {
    let lines = text.lines().map(|line| {
        let Some((number, name)) = line.split_once(' ') else {
            bail!("{BUDGET}: no number in `{line}`");
        };
        Ok((
            name.to_owned(),
            number.parse().with_context(|| line.to_owned())?,
        ))
    });
    lines.collect()
}

fn grown(measured: &BTreeMap<String, u64>, budget: &BTreeMap<String, u64>) -> Vec<String> {
    let mut grown = Vec::new();
    for (name, number) in measured {
        match budget.get(name) {
            Some(allowed) if *number <= allowed + allowed / GROWTH => {}
            Some(allowed) => grown.push(format!("{name}: {number}, was {allowed}")),
            None => grown.push(format!("{name}: {number}, and no budget")),
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_of_two_in_a_hundred_is_allowed() {
        let budget = read_budget("100 a\n0 b\n").unwrap();
        let of = |a, b| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        assert!(grown(&of(102, 0), &budget).is_empty());
        assert!(grown(&of(10, 0), &budget).is_empty());
        assert_eq!(grown(&of(103, 1), &budget).len(), 2);
        let other = BTreeMap::from([("c".to_owned(), 0)]);
        assert_eq!(grown(&other, &budget).len(), 1);
        assert!(read_budget("a\n").is_err());
    }

    #[test]
    fn names_are_shortened_to_type_and_function() {
        assert_eq!(
            short("<tokenlatch::latch::Latch<1024, 8>>::handle"),
            "Latch::handle"
        );
        assert_eq!(
            short("tokenlatch::retry_after::http_date"),
            "retry_after::http_date"
        );
        assert_eq!(short("step"), "step");
    }
}
