//! `cargo xtask test`: everything, one step after the other, until one fails.

use std::time::Instant;

use anyhow::Result;
use anyhow::bail;

use crate::c;
use crate::capi;
use crate::counts;
use crate::counts::Counts;
use crate::e2e;
use crate::explore;
use crate::firmware;
use crate::fuzz;
use crate::install;
use crate::js;
use crate::linked;
use crate::miri;
use crate::mutants;
use crate::native;
use crate::no_heap;
use crate::no_panic;
use crate::proc;
use crate::project::PACKAGE;
use crate::project::Project;
use crate::promises;
use crate::prove;
use crate::recording;
use crate::scenarios;
use crate::simulate;
use crate::size;
use crate::tidy;
use crate::tools;
use crate::trace;

struct Step {
    name: &'static str,
    line: &'static str,
    run: fn(&Project, &mut Counts) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        line: "the source is formatted",
        run: |project, _| fmt(project),
    },
    Step {
        name: "clippy",
        line: "no lint, with any set of features",
        run: |project, _| clippy(project),
    },
    Step {
        name: "tests",
        line: "all tests, without features and with all of them",
        run: tests,
    },
    Step {
        name: "msrv",
        line: "tests with the oldest supported compiler",
        run: msrv,
    },
    Step {
        name: "docs",
        line: "the documentation builds without warnings",
        run: |project, _| docs(project),
    },
    Step {
        name: "targets",
        line: "builds without std and without a heap",
        run: |project, _| no_heap::run(project),
    },
    Step {
        name: "no-panic",
        line: "no panic can be reached, on five targets; the stack is bounded",
        run: |project, _| no_panic::check(project),
    },
    Step {
        name: "size",
        line: "a small firmware has not grown",
        run: |project, _| size::check(project),
    },
    Step {
        name: "capi",
        line: "the C header, C and C++ programs under sanitizers, the installed library",
        run: |project, _| capi::check(project),
    },
    Step {
        name: "fuzz",
        line: "each fuzz target for a short time",
        run: |project, _| fuzz::smoke(project),
    },
    Step {
        name: "explore",
        line: "every state of small worlds, and the seeded faults that are found soon",
        run: |project, _| explore::smoke(project),
    },
    Step {
        name: "simulate",
        line: "2,000 hours of contexts with faults, from fresh seeds",
        run: |project, _| simulate::fresh(project),
    },
    Step {
        name: "prove",
        line: "for any machine that holds the invariant, some calls keep it, and a seeded fault does not",
        run: |project, _| prove::share(project),
    },
    Step {
        name: "trace",
        line: "one trace gives one number on each machine",
        run: |project, _| trace::short(project),
    },
    Step {
        name: "js",
        line: "the package for pages and mini-programs, in node",
        run: js::test,
    },
    Step {
        name: "miri",
        line: "the unit tests under miri",
        run: miri::share,
    },
    Step {
        name: "mutants",
        line: "the lines changed and a tenth of the rest, changed a little: a test fails",
        run: |project, _| mutants::share(project),
    },
    Step {
        name: "native",
        line: "the native example: with the latch and without it",
        run: |project, _| native::demonstrate(project),
    },
    Step {
        name: "e2e",
        line: "the native example against a real OpenID provider",
        run: e2e::all,
    },
    Step {
        name: "c",
        line: "the C host with sanitizers and under valgrind",
        run: |project, _| c::check(project),
    },
    Step {
        name: "firmware",
        line: "a board in QEMU: its day, and the supply cut at every write and erase of its flash",
        run: firmware::check,
    },
    Step {
        name: "recording",
        line: "C, firmware and WebAssembly record what is recorded natively, and it runs again",
        run: |project, _| recording::check(project),
    },
    Step {
        name: "promises",
        line: "each promise has a test",
        run: |project, _| promises::check(project),
    },
    Step {
        name: "scenarios",
        line: "each scenario has a test that passes",
        run: |project, _| scenarios::check(project),
    },
    Step {
        name: "tidy",
        line: "dependencies counted; no foreign host or path in any file",
        run: |project, _| tidy::run(project),
    },
];

/// Runs all steps, or those that are named, in their order.
pub(crate) fn run(words: &[String]) -> Result<()> {
    for word in words {
        if !STEPS.iter().any(|step| step.name == word) {
            for step in STEPS {
                println!("  {:<10} {}", step.name, step.line);
            }
            bail!("there is no step `{word}`");
        }
    }
    let project = Project::read()?;
    let mut counts = Counts::default();
    let asked = |step: &&Step| words.is_empty() || words.iter().any(|word| word == step.name);
    for step in STEPS.iter().filter(asked) {
        println!("\n== {}: {}", step.name, step.line);
        let start = Instant::now();
        let done = (step.run)(&project, &mut counts);
        println!("== {}: {:.1} s", step.name, start.elapsed().as_secs_f32());
        if let Err(error) = done {
            eprintln!("\nerror: {} failed: {error:#}", step.name);
            // A step that is no test failed too.
            counts.failed = counts.failed.max(1);
            break;
        }
    }
    println!("\n{counts}");
    if counts.failed > 0 {
        // What failed was said above; the counts are the last line either way.
        std::process::exit(1);
    }
    Ok(())
}

/// Packages outside the workspace.
const APART: &[&str] = &[
    install::MANIFEST,
    "fuzz/Cargo.toml",
    linked::MANIFEST,
    size::MANIFEST,
    "proof/bare/Cargo.toml",
    "proof/kernel/Cargo.toml",
    "js/core/Cargo.toml",
    firmware::MANIFEST,
];

fn fmt(project: &Project) -> Result<()> {
    tools::component(project, "rustfmt")?;
    proc::run(&mut project.cargo(&["fmt", "--all", "--check"]))?;
    for manifest in APART {
        let args = ["fmt", "--all", "--check", "--manifest-path", manifest];
        proc::run(&mut project.cargo(&args))?;
    }
    Ok(())
}

fn clippy(project: &Project) -> Result<()> {
    tools::component(project, "clippy")?;
    let deny = ["--", "-D", "warnings"];
    for set in feature_sets(&project.features()) {
        // Targets whose required features are not on are left out by cargo.
        let mut command = project.cargo(&["clippy", "-p", PACKAGE, "--all-targets"]);
        command.args(["--no-default-features", "--features", &set.join(",")]);
        proc::run(command.args(deny))?;
    }
    // Private features too.
    let args = ["clippy", "-p", PACKAGE, "--all-targets", "--all-features"];
    proc::run(project.cargo(&args).args(deny))?;
    let args = [
        "clippy",
        "-p",
        "xtask",
        "-p",
        "testserver",
        "-p",
        "proof",
        "-p",
        "trace",
        "-p",
        "js-native",
        "--all-targets",
    ];
    proc::run(project.cargo(&args).args(deny))
}

/// All sets of features, or, where these are too many, all of at most two and all together.
fn feature_sets(features: &[String]) -> Vec<Vec<&str>> {
    const FEW: usize = 5;
    let mut sets: Vec<Vec<&str>> = vec![Vec::new()];
    for feature in features {
        let with = sets.iter().map(|set| {
            let mut set = set.clone();
            set.push(feature);
            set
        });
        let with: Vec<_> = with.collect();
        sets.extend(with);
    }
    if features.len() > FEW {
        sets.retain(|set| set.len() <= 2 || set.len() == features.len());
    }
    sets
}

fn tests(project: &Project, counts: &mut Counts) -> Result<()> {
    let args = ["test", "--workspace", "--no-default-features"];
    counts::run(&mut project.cargo(&args), counts)?;
    let args = ["test", "--workspace", "--all-features"];
    counts::run(&mut project.cargo(&args), counts)
}

fn msrv(project: &Project, counts: &mut Counts) -> Result<()> {
    let toolchain = project.msrv()?;
    tools::toolchain(project, &toolchain)?;
    let args = [
        "test",
        "-p",
        PACKAGE,
        "--features",
        "json,embassy-sync",
        "--lib",
        "--tests",
    ];
    let mut command = project.cargo_of(&toolchain, &args);
    command.arg("--target-dir").arg(project.target.join("msrv"));
    counts::run(&mut command, counts)
}

fn docs(project: &Project) -> Result<()> {
    let mut command = project.cargo(&["doc", "--no-deps", "--all-features", "-p", PACKAGE]);
    proc::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_sets_are_all_or_pairs() {
        let features = |n: usize| (0..n).map(|i| format!("f{i}")).collect::<Vec<_>>();
        assert_eq!(feature_sets(&features(0)).len(), 1);
        assert_eq!(feature_sets(&features(2)).len(), 4);
        assert_eq!(feature_sets(&features(5)).len(), 32);
        assert_eq!(feature_sets(&features(6)).len(), 1 + 6 + 15 + 1);
    }
}
