//! The crate `nopanic`, linked for each target, at each level, with each set of features.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

use crate::proc;
use crate::project::Project;
use crate::stack::Calls;
use crate::tools;

pub(crate) const MANIFEST: &str = "nopanic/Cargo.toml";
pub(crate) const CRATE: &str = "nopanic";
const UNDEFINED: &str = "a_panic_is_reachable";
const PREFIX: &str = "latch_";
/// What the functions of the C interface begin with.
const C_PREFIX: &str = "tl_";
const CONTROLS: &[&str] = &["control_index", "control_overflow"];
pub(crate) const LEVELS: &[&str] = &["z", "s", "3"];
/// What calls wakers, a clock and a host that it does not know: how deep it gets can't be told.
const GATE: &str = "embassy-sync";
const GATE_PREFIX: &str = "gate_";
/// The C interface is there without the recorder too: that is what its stack is told of.
pub(crate) const FEATURES: &[&str] = &["", "json", GATE, "json,capi", "json,recording,capi,wasm"];
const TARGETS: &[&str] = &[
    "thumbv6m-none-eabi",
    "thumbv7em-none-eabi",
    "riscv32imc-unknown-none-elf",
    "x86_64-unknown-none",
    "wasm32v1-none",
];

/// What one build showed.
pub(crate) struct Build {
    pub(crate) level: &'static str,
    pub(crate) features: &'static str,
    /// The functions that can panic.
    pub(crate) panics: Vec<String>,
    /// Bytes of code.
    pub(crate) code: u64,
    /// The bytes of stack that each function takes at most.
    pub(crate) stack: BTreeMap<String, u64>,
}

/// Builds and links everything, as many targets at once as there are processors.
pub(crate) fn all(project: &Project) -> Result<Vec<(&'static str, Vec<Build>)>> {
    for target in TARGETS {
        tools::target(project, target)?;
    }
    tools::component(project, "llvm-tools")?;
    tools::debian(project, "wasm-objdump", "wabt")?;
    let bench = Bench {
        project,
        out: project.scratch("no-panic")?,
        tools: own_tools(project)?,
    };
    bench.measure_all()
}

/// The tools that come with the compiler.
pub(crate) fn own_tools(project: &Project) -> Result<PathBuf> {
    let root = proc::read(project.command("rustc").args(["--print", "sysroot"]))?;
    let version = proc::read(project.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc does not name its host")?;
    let path = Path::new(root.trim()).join("lib/rustlib").join(host);
    Ok(path.join("bin"))
}

fn is_thumb(target: &str) -> bool {
    target.starts_with("thumb")
}

pub(crate) struct Bench<'a> {
    pub(crate) project: &'a Project,
    pub(crate) out: PathBuf,
    pub(crate) tools: PathBuf,
}

impl Bench<'_> {
    fn measure_all(&self) -> Result<Vec<(&'static str, Vec<Build>)>> {
        let queue = Mutex::new(TARGETS.iter().copied());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || -> Result<Vec<_>> {
            let mut found = Vec::new();
            while let Some(target) = next() {
                found.push((target, self.measure(target).context(target)?));
            }
            Ok(found)
        };
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let mut found = std::thread::scope(|scope| -> Result<Vec<_>> {
            let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            let mut all = Vec::new();
            for worker in workers {
                let part = worker.join().ok().context("a worker panicked")?;
                all.extend(part?);
            }
            Ok(all)
        })?;
        found.sort_by_key(|(target, _)| TARGETS.iter().position(|known| known == target));
        Ok(found)
    }

    fn measure(&self, target: &'static str) -> Result<Vec<Build>> {
        let mut builds = Vec::new();
        for features in FEATURES {
            for level in LEVELS {
                builds.push(self.measure_one(target, level, features)?);
            }
        }
        Ok(builds)
    }

    fn measure_one(
        &self,
        target: &str,
        level: &'static str,
        features: &'static str,
    ) -> Result<Build> {
        let built = self.build(target, level, features)?;
        for control in CONTROLS {
            let mut command = self.link(target, &[control.to_string()], &built, &self.out(target));
            let errors = self.errors(&mut command)?;
            ensure!(
                errors.is_some(),
                "`{control}` can panic and was linked at {level}: this shows nothing"
            );
        }
        let functions = self.functions(&built, features)?;
        let file = self.out(&format!("{target}-{level}-{features}"));
        let mut command = self.link(target, &functions, &built, &file);
        let mut panics = Vec::new();
        if self.errors(&mut command)?.is_some() {
            // Once more, to be told who they are.
            command.arg("--unresolved-symbols=ignore-all");
            if !target.starts_with("wasm") {
                command.args(PANICS.iter().map(|name| format!("--why-live=*{name}*")));
            }
            let done = output(&mut command)?;
            proc::check(done.status, &command)?;
            let said = [done.stdout, done.stderr].concat();
            panics = callers(&String::from_utf8_lossy(&said));
            if panics.is_empty() {
                panics.push("somewhere".to_owned());
            }
        }
        let mut stack = BTreeMap::new();
        // On x86-64 the replay, which is for tools, calls a routine of the compiler's through a register that is filled
        // on another way than the one before it in the code.
        let is_tool = target.starts_with("x86_64") && features.contains("recording");
        let is_told = features != GATE && !is_tool;
        if panics.is_empty() && is_told {
            let code = self.tool("llvm-objdump", &["-d", "--no-show-raw-insn"], &file)?;
            let data = std::fs::read(&file)?;
            let calls = if is_thumb(target) {
                Calls::read(&data, &code)?
            } else if target.starts_with("wasm") {
                let mut command = self.project.command("wasm-objdump");
                command.args(["-x", "-j", "Export"]).arg(&file);
                Calls::read_wasm(&code, &proc::read(&mut command)?)?
            } else {
                Calls::read_other(&data, &code)?
            };
            stack = calls.worst(PREFIX)?;
            let of_c = calls.worst(C_PREFIX)?;
            stack.extend(
                of_c.into_iter()
                    .map(|(name, depth)| (format!("{C_PREFIX}{name}"), depth)),
            );
            ensure!(
                stack.len() == functions.len(),
                "a function has lost its name"
            );
        }
        Ok(Build {
            level,
            features,
            panics,
            code: code_size(&self.tool("llvm-size", &["-A"], &file)?)?,
            stack,
        })
    }

    fn out(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    fn build(&self, target: &str, level: &str, features: &str) -> Result<PathBuf> {
        let folder = self.project.target.join("no-panic").join(target);
        let mut command = self
            .project
            .cargo(&["rustc", "--release", "--quiet", "--locked"]);
        command.args(["--manifest-path", MANIFEST, "--target", target]);
        command.args(["--features", features]);
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
        command.env("CARGO_TARGET_DIR", &folder);
        // The latch of the C interface is as large as the one beside it.
        command.env("TOKENLATCH_TOKEN_CAPACITY", "1024");
        command.env("TOKENLATCH_WAITER_CAPACITY", "8");
        // It adds a section and is not stable, so this one crate is let use it.
        command.env("RUSTC_BOOTSTRAP", CRATE);
        command.args(["--", "-Z", "emit-stack-sizes"]);
        // A piece of a function made one of its own calls what only the whole would tell.
        command.args(["-C", "llvm-args=-enable-machine-outliner=never"]);
        if target.starts_with("x86_64") {
            // Arguments that are pushed are in no frame.
            command.args(["-C", "llvm-args=-no-x86-call-frame-opt"]);
        }
        proc::run(&mut command)?;
        Ok(folder
            .join(target)
            .join("release")
            .join(format!("lib{CRATE}.a")))
    }

    /// The C functions in a static library.
    fn functions(&self, built: &Path, features: &str) -> Result<Vec<String>> {
        let args = [
            "--defined-only",
            "--extern-only",
            "--format=just-symbols",
            "--quiet",
        ];
        let names = self.tool("llvm-nm", &args, built)?;
        let names: Vec<_> = names
            .lines()
            .filter(|name| {
                [PREFIX, C_PREFIX, GATE_PREFIX]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
            })
            .collect();
        let has = |prefix| names.iter().any(|name| name.starts_with(prefix));
        ensure!(has(PREFIX), "{} has no function", built.display());
        ensure!(
            has(GATE_PREFIX) == (features == GATE),
            "the gate is left out"
        );
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    pub(crate) fn link(
        &self,
        target: &str,
        functions: &[String],
        built: &Path,
        file: &Path,
    ) -> Command {
        let linker = self.tools.join("rust-lld");
        let mut command = self.project.command(&linker.to_string_lossy());
        let (flavor, keep) = if target.starts_with("wasm") {
            ("wasm", "--export=")
        } else {
            ("gnu", "--undefined=")
        };
        command.args(["-flavor", flavor, "--gc-sections", "--error-limit=0"]);
        if flavor == "wasm" {
            command.arg("--no-entry");
        } else {
            command.arg("--entry").args(functions.first());
        }
        command.args(functions.iter().map(|name| format!("{keep}{name}")));
        command.arg(built).arg("-o").arg(file);
        command
    }

    /// What the linker says if a panic is reachable; `None` if it links. Any other error is one.
    fn errors(&self, command: &mut Command) -> Result<Option<String>> {
        let done = output(command)?;
        if done.status.success() {
            return Ok(None);
        }
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        let mut names = errors.lines().filter_map(undefined).peekable();
        if names.peek().is_none() || names.any(|name| name != UNDEFINED) {
            bail!("{errors}`{}` failed", proc::show(command));
        }
        Ok(Some(errors))
    }

    pub(crate) fn tool(&self, name: &str, args: &[&str], file: &Path) -> Result<String> {
        let path = self.tools.join(name);
        let mut command = self.project.command(&path.to_string_lossy());
        proc::read(command.args(args).arg(file))
    }
}

fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    let done = command.output();
    done.with_context(|| format!("`{}` did not start", command.get_program().display()))
}

/// The name that a line says is not defined.
fn undefined(line: &str) -> Option<&str> {
    Some(line.split_once("undefined symbol: ")?.1.trim())
}

/// Parts of the names of the functions in `core` that panic.
const PANICS: &[&str] = &[
    "panicking",
    "unwrap_failed",
    "index_fail",
    "error_fail",
    "mismatch_fail",
];

/// The first function outside of `core` on each way to a panic, as the linker lists them.
fn callers(said: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = false;
    for line in said.lines() {
        open |= line.contains("live symbol: ");
        let Some((_, place)) = line.split_once(">>> referenced by: ") else {
            continue;
        };
        let name = place.split_once(".o):(").map_or(place, |(_, name)| name);
        let name = name
            .split(") (")
            .next()
            .unwrap_or(name)
            .trim_end_matches(')');
        let name = format!("{:#}", rustc_demangle::demangle(name));
        let is_core = name.starts_with("core::") || name.starts_with("<");
        if open && !is_core {
            open = false;
            found.push(name);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The code in what `llvm-size -A` lists.
fn code_size(sizes: &str) -> Result<u64> {
    let mut rows = sizes.lines().map(|line| line.split_whitespace());
    let size =
        rows.find_map(|mut row| matches!(row.next()?, ".text" | "CODE").then_some(row.next()?));
    Ok(size.context("no code was linked")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_calls_a_panic() {
        let said = "\
live symbol: x.a(a.o):(core::panicking::panic)
>>> referenced by: x.a(a.o):(core::option::unwrap_failed)
>>> referenced by: x.a(a.o):(tokenlatch::waiters::remove)
>>> referenced by: x.a(a.o):(latch_opened) (undefined command line flag)
";
        assert_eq!(callers(said), ["tokenlatch::waiters::remove"]);
    }

    #[test]
    fn names_what_is_undefined() {
        let name = undefined("rust-lld: error: undefined symbol: g\n");
        assert_eq!(name, Some("g"));
        assert_eq!(undefined(">>> referenced by a.o"), None);
    }

    #[test]
    fn reads_the_size_of_code() {
        let sizes = "file :\nsection size addr\n.rodata 7 0\n.text 12 9\n";
        assert_eq!(code_size(sizes).ok(), Some(12));
        assert!(code_size("section size\n").is_err());
    }
}
