//! The tools that the steps need: found, or installed, or named as missing.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::Result;
use anyhow::bail;

use crate::proc;
use crate::project::Project;

/// The toolchain that fuzzing needs.
pub(crate) const NIGHTLY: &str = "nightly";
const CARGO_FUZZ: &str = "0.13.2";
const CARGO_LLVM_COV: &str = "0.9.1";
const CARGO_MUTANTS: &str = "27.1.0";
const DEFMT_PRINT: &str = "1.2.0";

/// Runs `install` unless `found` holds; fails with the name of what is missing.
///
/// The same in continuous integration: a new machine has none of it, and what can't be had is a failure everywhere.
fn ensure(project: &Project, what: &str, found: impl Fn() -> bool, install: &[&str]) -> Result<()> {
    if found() {
        return Ok(());
    }
    let (program, args) = install.split_first().unwrap_or((&"", &[]));
    let installed = proc::run(project.command(program).args(args));
    if let Err(error) = installed {
        bail!("missing: {what} ({error:#})");
    }
    if !found() {
        bail!("missing: {what}, even after `{}`", install.join(" "));
    }
    Ok(())
}

fn listed(project: &Project, args: &[&str], name: &str) -> bool {
    let text = proc::read(project.command("rustup").args(args)).unwrap_or_default();
    text.lines().any(|line| {
        let line = line.split_whitespace().next().unwrap_or_default();
        line == name || line.starts_with(&format!("{name}-"))
    })
}

pub(crate) fn toolchain(project: &Project, name: &str) -> Result<()> {
    let found = || listed(project, &["toolchain", "list"], name);
    let install = [
        "rustup",
        "toolchain",
        "install",
        name,
        "--profile",
        "minimal",
    ];
    ensure(project, &format!("toolchain {name}"), found, &install)
}

pub(crate) fn component(project: &Project, name: &str) -> Result<()> {
    let found = || listed(project, &["component", "list", "--installed"], name);
    let install = ["rustup", "component", "add", name];
    ensure(project, &format!("component {name}"), found, &install)
}

/// A component of another toolchain.
pub(crate) fn component_of(project: &Project, toolchain: &str, name: &str) -> Result<()> {
    let list = ["component", "list", "--installed", "--toolchain", toolchain];
    let found = || listed(project, &list, name);
    let install = ["rustup", "component", "add", "--toolchain", toolchain, name];
    ensure(
        project,
        &format!("component {name} of {toolchain}"),
        found,
        &install,
    )
}

pub(crate) fn target(project: &Project, name: &str) -> Result<()> {
    let found = || listed(project, &["target", "list", "--installed"], name);
    let install = ["rustup", "target", "add", name];
    ensure(project, &format!("target {name}"), found, &install)
}

/// A cargo command of its own package, in one version.
fn cargo_tool(project: &Project, name: &str, version: &str) -> Result<()> {
    let command = name.strip_prefix("cargo-").unwrap_or(name);
    let found = || {
        let told = proc::read(&mut project.cargo(&[command, "--version"]));
        told.is_ok_and(|told| told.contains(version))
    };
    let install = ["cargo", "install", "--locked", name, "--version", version];
    ensure(project, &format!("{name} {version}"), found, &install)
}

/// `cargo fuzz` and the nightly toolchain that it needs.
pub(crate) fn cargo_fuzz(project: &Project) -> Result<()> {
    toolchain(project, NIGHTLY)?;
    cargo_tool(project, "cargo-fuzz", CARGO_FUZZ)
}

/// `cargo llvm-cov` and a nightly toolchain for it.
pub(crate) fn llvm_cov(project: &Project, nightly: &str) -> Result<()> {
    toolchain(project, nightly)?;
    component_of(project, nightly, "llvm-tools")?;
    cargo_tool(project, "cargo-llvm-cov", CARGO_LLVM_COV)
}

pub(crate) fn cargo_mutants(project: &Project) -> Result<()> {
    cargo_tool(project, "cargo-mutants", CARGO_MUTANTS)
}

/// The decoder of defmt's frames.
pub(crate) fn defmt_print(project: &Project) -> Result<()> {
    let found = || {
        let told = proc::read(project.command("defmt-print").arg("--version"));
        told.is_ok_and(|told| told.contains(DEFMT_PRINT))
    };
    let name = "defmt-print";
    let install = [
        "cargo",
        "install",
        "--locked",
        name,
        "--version",
        DEFMT_PRINT,
    ];
    ensure(project, &format!("{name} {DEFMT_PRINT}"), found, &install)
}

/// A program of a Debian package, where there is `apt-get` and the right to use it.
pub(crate) fn debian(project: &Project, program: &str, package: &str) -> Result<()> {
    let found = || proc::succeeds(project.command(program).arg("--version"));
    debian_if(project, program, package, found)
}

/// A library of a Debian package that pkg-config finds, likewise.
pub(crate) fn debian_library(project: &Project, library: &str, package: &str) -> Result<()> {
    debian(project, "pkg-config", "pkg-config")?;
    let found = || proc::succeeds(project.command("pkg-config").args(["--exists", library]));
    debian_if(project, library, package, found)
}

fn debian_if(project: &Project, name: &str, package: &str, found: impl Fn() -> bool) -> Result<()> {
    let script = format!(
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive \
         apt-get -qy install --no-install-recommends {package}"
    );
    let what = format!("{name} (Debian package {package})");
    ensure(project, &what, found, &["sh", "-c", &script])
}

/// Node.js itself is not installed from here.
pub(crate) fn node(project: &Project) -> Result<()> {
    for name in ["node", "npm"] {
        if !proc::succeeds(project.command(name).arg("--version")) {
            bail!("missing: {name} (Node.js 20 or later)");
        }
    }
    Ok(())
}

/// The packages of a lock file, installed beside it.
pub(crate) fn npm_packages(project: &Project, folder: &Path) -> Result<()> {
    node(project)?;
    // npm writes this file last, so it is as old as the last whole install.
    let done = modified(&folder.join("node_modules/.package-lock.json"));
    let asked = modified(&folder.join("package-lock.json"));
    if done.is_some() && done >= asked {
        return Ok(());
    }
    let mut command = project.command("npm");
    command.arg("ci").current_dir(folder);
    if let Err(error) = proc::run(&mut command) {
        let name = folder.file_name().map(OsStr::to_string_lossy);
        bail!(
            "missing: the packages of {} ({error:#})",
            name.unwrap_or_default()
        );
    }
    Ok(())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
