//! `cargo xtask js`: the package for pages and mini-programs, and its tests.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use anyhow::bail;

use crate::counts;
use crate::counts::Counts;
use crate::js_web;
use crate::proc;
use crate::project::Project;
use crate::tools;

const WASM: &str = "wasm32v1-none";

/// What came after the first version of WebAssembly, and what old engines refuse.
const LATER: &[&str] = &[
    "--disable-saturating-float-to-int",
    "--disable-sign-extension",
    "--disable-simd",
    "--disable-multi-value",
    "--disable-bulk-memory",
    "--disable-reference-types",
];

/// Nothing, `test`, `web` or `sizes`.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let project = Project::read()?;
    match words {
        [] => build(&project),
        [word] if word == "test" => {
            let mut counts = Counts::default();
            let done = test(&project, &mut counts);
            println!("\n{counts}");
            done
        }
        [word] if word == "web" => {
            let mut counts = Counts::default();
            build(&project)?;
            let done = js_web::test(&project, &mut counts);
            println!("\n{counts}");
            done
        }
        [word] if word == "sizes" => {
            build(&project)?;
            sizes(&project, "--budget")
        }
        _ => bail!("usage: cargo xtask js [test|web|sizes]"),
    }
}

pub(crate) fn folder(project: &Project) -> PathBuf {
    project.root.join("js")
}

pub(crate) fn node(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command("node");
    command.args(args).current_dir(folder(project));
    command
}

/// Builds the core's module in a folder of its own.
pub(crate) fn module(project: &Project, name: &str, settings: &[(&str, &str)]) -> Result<PathBuf> {
    tools::target(project, WASM)?;
    let target = project.target.join(name);
    let args = ["build", "--release", "--locked", "--target", WASM];
    let mut command = project.cargo(&args);
    command
        .args(["--manifest-path", "js/core/Cargo.toml"])
        // A page of memory has room for this stack; the tests see how much of it is used.
        .env("RUSTFLAGS", "-C link-arg=-zstack-size=8192")
        .env("CARGO_TARGET_DIR", &target)
        .envs(settings.iter().copied());
    proc::run(&mut command)?;
    Ok(target.join(WASM).join("release/core_wasm.wasm"))
}

/// Builds `js/dist`, and checks the module.
pub(crate) fn build(project: &Project) -> Result<()> {
    tools::npm_packages(project, &folder(project))?;
    tools::debian(project, "wasm-validate", "wabt")?;
    let module = module(project, "js", &[])?;
    proc::run(node(project, &["scripts/build.mjs"]).arg(module))?;
    let mut validate = project.command("wasm-validate");
    proc::run(validate.args(LATER).arg("js/dist/core.wasm"))?;
    proc::run(&mut node(project, &["scripts/gates.mjs"]))?;
    pack(project)
}

/// Puts the package where the example's mini-program looks for it, as the vendor's tools would.
fn pack(project: &Project) -> Result<()> {
    let from = folder(project).join("dist/miniprogram");
    let to = project
        .root
        .join("examples/mini-program/miniprogram_npm/tokenlatch");
    std::fs::create_dir_all(&to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Prints the sizes; `--budget` fails beyond what they shall be, `--check` when they grow.
fn sizes(project: &Project, how: &str) -> Result<()> {
    proc::run(&mut node(project, &["scripts/sizes.mjs", how]))
}

/// Builds, and runs everything: the tests in node, the types, the sizes.
pub(crate) fn test(project: &Project, counts: &mut Counts) -> Result<()> {
    build(project)?;
    let args = ["build", "--quiet", "--release", "-p", "js-native"];
    proc::run(&mut project.cargo(&args))?;
    proc::run(&mut project.cargo(&["build", "--quiet", "-p", "testserver"]))?;
    let mut command = node(project, &["--test", "--test-reporter=tap"]);
    // Those in folders below have their own steps.
    let mut files: Vec<_> = std::fs::read_dir(folder(project).join("test"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    command
        .args(files)
        .env("JS_NATIVE", project.target.join("release/js-native"))
        .env("TESTSERVER", project.target.join("debug/testserver"));
    counts::run(&mut command, counts)?;
    // The vendor's packer has seven hundred packages: apart, and for this one test.
    tools::npm_packages(project, &folder(project).join("test/pack"))?;
    let mut packer = node(project, &["--test", "--test-reporter=tap"]);
    counts::run(packer.arg("test/pack/pack.test.mjs"), counts)?;
    let types = "node_modules/typescript/bin/tsc";
    for host in ["test/types/page", "test/types/mini"] {
        proc::run(&mut node(project, &[types, "-p", host]))?;
    }
    sizes(project, "--check")?;
    js_web::test(project, counts)
}
