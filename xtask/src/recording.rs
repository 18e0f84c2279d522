//! `cargo xtask recording`: every host records the same calls to the same bytes, and they run again.
//!
//! The calls are those of `tests/recording/story.rs`; C and JavaScript tell the same through interfaces of their own.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;

use crate::capi;
use crate::firmware;
use crate::install;
use crate::install::Capacities;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;

#[path = "../../tests/recording/story.rs"]
mod story;

const WASM: &str = "wasm32v1-none";

pub(crate) fn run(_words: &[String]) -> Result<()> {
    check(&Project::read()?)
}

/// Fails if a host records another byte than the library does natively, or if its file does not run again.
pub(crate) fn check(project: &Project) -> Result<()> {
    let out = project.scratch("recording")?;
    let small = native::<1024, 8>()?;
    let page = native::<8192, 128>()?;
    let rows = [
        ("the library, natively", "1024, 8", &small, small.clone()),
        ("C", "1024, 8", &small, by_c(project, &out)?),
        (
            "firmware, on a Cortex-M3 in QEMU",
            "1024, 8",
            &small,
            by_firmware(project)?,
        ),
        (
            "WebAssembly, in node",
            "8192, 128",
            &page,
            by_wasm(project, &out)?,
        ),
    ];
    let mut table = Table::new(&["Recorded by", "Latch", "Bytes", "As natively", "Run again"]);
    for (host, latch, expected, found) in &rows {
        ensure!(
            *expected == found,
            "{host}: {} bytes were recorded, and natively {} others",
            found.len(),
            expected.len()
        );
        let file = out.join("recording.tlr");
        std::fs::write(&file, found)?;
        let again = replay(project, &file).with_context(|| (*host).to_owned())?;
        let length = found.len().to_string();
        table.row(&[*host, *latch, &*length, "yes", &*again]);
    }
    report::write(project, "recording", &table)
}

fn native<const T: usize, const W: usize>() -> Result<Vec<u8>> {
    let mut buffer = vec![0; 4_096];
    let length = story::record::<T, W>(story::KEY, &mut buffer);
    buffer.truncate(length.context("the latch does not do what the story says")?);
    Ok(buffer)
}

fn by_c(project: &Project, out: &Path) -> Result<Vec<u8>> {
    let prefix = out.join("c");
    let mut capacities = Capacities::SMALL;
    capacities.records = true;
    install::install(project, &prefix, capacities)?;
    let file = out.join("by-c.tlr");
    capi::run_test(project, &prefix, "recording.c", &[&file])?;
    Ok(std::fs::read(file)?)
}

fn by_firmware(project: &Project) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in firmware::lines(project, "recording")? {
        // `[54, 4c, ...]`
        let digits = line.trim_matches(['[', ']']).split(", ");
        for byte in digits {
            let byte = u8::from_str_radix(byte, 16);
            bytes.push(byte.with_context(|| format!("no bytes: {line}"))?);
        }
    }
    Ok(bytes)
}

fn by_wasm(project: &Project, out: &Path) -> Result<Vec<u8>> {
    let file = out.join("by-wasm.tlr");
    let mut command = project.command("node");
    command.arg("js/test/recording.mjs");
    command.arg(module(project)?).arg(&file);
    proc::run(&mut command)?;
    Ok(std::fs::read(file)?)
}

/// The core of the package with a recorder in it.
fn module(project: &Project) -> Result<PathBuf> {
    tools::target(project, WASM)?;
    tools::node(project)?;
    let target = project.target.join("js-recording");
    let args = ["build", "--release", "--locked", "--target", WASM];
    let mut command = project.cargo(&args);
    command
        .args(["--manifest-path", "js/core/Cargo.toml"])
        .args(["--features", "recording"])
        .env("CARGO_TARGET_DIR", &target);
    proc::run(&mut command)?;
    Ok(target.join(WASM).join("release/core_wasm.wasm"))
}

/// What the example says of a file.
fn replay(project: &Project, file: &Path) -> Result<String> {
    let args = ["run", "--quiet", "--example", "replay", "--", "--quiet"];
    let said = proc::read(project.cargo(&args).arg(file))?;
    let kept = said.contains("every promise is kept");
    ensure!(kept, "a promise is broken:\n{said}");
    let same = said
        .lines()
        .find_map(|line| line.strip_prefix("the same as then: "));
    let same = same.with_context(|| format!("it is not the same as then:\n{said}"))?;
    Ok(same.to_owned())
}
