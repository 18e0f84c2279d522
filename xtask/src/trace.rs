//! `cargo xtask trace`: one trace of events gives one number on each machine, and in a model written apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::js;
use crate::proc;
use crate::project::Project;
use crate::report;
use crate::report::Table;
use crate::tools;

const WASM: &str = "wasm32v1-none";
const CORTEX_M3: &str = "thumbv7m-none-eabi";
const SEED: &str = "1";
/// Events of each profile: when asked for, and in `cargo xtask test`.
const EVENTS: u32 = 10_000_000;
const FEW: u32 = 300_000;

/// `--events N`.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let events = match words {
        [] => EVENTS,
        [name, events] if name == "--events" => events.parse()?,
        _ => bail!("usage: cargo xtask trace [--events N]"),
    };
    let project = Project::read()?;
    report::write(&project, "trace", &play(&project, events)?)
}

/// The share of `cargo xtask test`.
pub(crate) fn short(project: &Project) -> Result<()> {
    play(project, FEW).map(drop)
}

fn play(project: &Project, events: u32) -> Result<Table> {
    tools::target(project, WASM)?;
    tools::target(project, CORTEX_M3)?;
    tools::node(project)?;
    tools::debian(project, "qemu-system-arm", "qemu-system-arm")?;
    let events = events.to_string();

    let module = module(project, &events)?;
    let translated = translated(project, &module)?;
    let machines: [(&str, Command); 5] = [
        ("native", native(project, &events)?),
        ("WebAssembly in node", in_node(project, &module, &events)),
        (
            "JavaScript by wasm2js",
            in_node(project, &translated, &events),
        ),
        ("Cortex-M3 in QEMU", cortex_m3(project, &events)?),
        ("model in JavaScript", model(project, &events)),
    ];
    let mut table = Table::new(&[
        "Where",
        "Events a profile",
        "memory",
        "stored",
        "various",
        "Seconds",
    ]);
    let mut numbers: BTreeMap<String, String> = BTreeMap::new();
    let mut differing = Vec::new();
    for (machine, mut command) in machines {
        let start = Instant::now();
        let printed = proc::read(&mut command).with_context(|| machine.to_owned())?;
        let seconds = format!("{:.0}", start.elapsed().as_secs_f32());
        let played: BTreeMap<&str, &str> = printed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .collect();
        let cell = |profile| played.get(profile).copied().unwrap_or("-");
        let [memory, stored, various] = ["memory", "stored", "various"].map(cell);
        table.row(&[machine, &events, memory, stored, various, &seconds]);
        for (profile, number) in &played {
            let first = numbers
                .entry((*profile).to_owned())
                .or_insert_with(|| (*number).to_owned());
            if first != number {
                differing.push(format!("{machine}, {profile}"));
            }
        }
        if !played.contains_key("memory") {
            bail!("{machine} gave no number");
        }
    }
    if numbers.len() != 3 {
        bail!("three profiles were to be played, and {numbers:?} came");
    }
    if !differing.is_empty() {
        bail!("another number than natively: {}", differing.join("; "));
    }
    println!("{events} events a profile: {numbers:?} everywhere");
    Ok(table)
}

fn native(project: &Project, events: &str) -> Result<Command> {
    proc::run(&mut project.cargo(&["build", "--quiet", "--release", "-p", "trace"]))?;
    let mut command = Command::new(project.target.join("release/trace"));
    command.args([SEED, events]);
    Ok(command)
}

/// Builds a part of `proof/bare` for a machine without an operating system.
fn bare(project: &Project, part: &[&str], target: &str, events: &str) -> Result<()> {
    let mut command = project.cargo(&["build", "--quiet", "--release", "--locked"]);
    command.args([
        "--manifest-path",
        "proof/bare/Cargo.toml",
        "--target",
        target,
    ]);
    command
        .args(part)
        .env("CARGO_TARGET_DIR", project.target.join("bare"));
    proc::run(command.env("TRACE_SEED", SEED).env("TRACE_EVENTS", events))
}

fn module(project: &Project, events: &str) -> Result<PathBuf> {
    bare(project, &["--lib"], WASM, events)?;
    let folder = project.target.join("bare").join(WASM);
    Ok(folder.join("release/trace_wasm.wasm"))
}

/// The module as JavaScript, by the translator that the package is made with.
fn translated(project: &Project, module: &Path) -> Result<PathBuf> {
    let js = js::folder(project);
    tools::npm_packages(project, &js)?;
    let translated = module.with_extension("mjs");
    let mut command = project.command("node");
    command.arg(js.join("node_modules/binaryen/bin/wasm2js"));
    command.arg("-O2").arg(module).arg("-o").arg(&translated);
    proc::run(&mut command)?;
    Ok(translated)
}

fn in_node(project: &Project, module: &Path, events: &str) -> Command {
    let mut command = project.command("node");
    command.arg("proof/bare/trace.mjs").arg(module);
    command.args([SEED, events]);
    command
}

fn cortex_m3(project: &Project, events: &str) -> Result<Command> {
    bare(project, &["--bin", "trace-cortex-m"], CORTEX_M3, events)?;
    let mut command = project.command("qemu-system-arm");
    command.args(["-machine", "lm3s6965evb", "-cpu", "cortex-m3", "-nographic"]);
    command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    let firmware = project.target.join("bare").join(CORTEX_M3);
    command.arg(firmware.join("release/trace-cortex-m"));
    Ok(command)
}

fn model(project: &Project, events: &str) -> Command {
    let mut command = project.command("node");
    command.args(["proof/trace/model.mjs", SEED, events]);
    command
}
