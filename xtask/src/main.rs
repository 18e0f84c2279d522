//! `cargo xtask <command>`: everything that is run on this repository, one module per command.

mod artifacts;
mod bench;
mod branches;
mod c;
mod capi;
mod counts;
mod coverage;
mod e2e;
mod explore;
mod faults;
mod firmware;
mod fuzz;
mod header;
mod install;
mod js;
mod js_web;
mod linked;
mod miri;
mod mutants;
mod native;
mod nightly;
mod no_heap;
mod no_panic;
mod proc;
mod project;
mod promises;
mod prove;
mod provider;
mod reasons;
mod recording;
mod report;
mod scenarios;
mod simulate;
mod size;
mod stack;
mod test;
mod tidy;
mod tools;
mod trace;

use std::process::ExitCode;

use anyhow::Result;

/// A command: its name, one line for the list, and what it does with the words after its name.
struct Command {
    name: &'static str,
    line: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        line: "run everything, or only the steps named after it",
        run: test::run,
    },
    Command {
        name: "e2e",
        line: "run the native example against a real OpenID provider on loopback",
        run: e2e::run,
    },
    Command {
        name: "c",
        line: "the C host with sanitizers and under valgrind, against the test server and a real provider",
        run: c::run,
    },
    Command {
        name: "promises",
        line: "list each promise with the tests that exercise it",
        run: promises::run,
    },
    Command {
        name: "scenarios",
        line: "run the tests of the scenarios and list each with its result",
        run: scenarios::run,
    },
    Command {
        name: "no-panic",
        line: "link every public function for five targets: no panic, and how deep the stack gets",
        run: no_panic::run,
    },
    Command {
        name: "capi",
        line: "the C interface seen from C and C++; --prefix DIR installs it",
        run: capi::run,
    },
    Command {
        name: "header",
        line: "compare the C header with the source; UPDATE=1 writes it",
        run: header::run,
    },
    Command {
        name: "size",
        line: "flash, stack and types of a small firmware, compared with `xtask/size.budget`",
        run: size::run,
    },
    Command {
        name: "explore",
        line: "visit every state of small worlds, and find every seeded fault: --full, --space NAME, --fault NAME",
        run: explore::run,
    },
    Command {
        name: "simulate",
        line: "simulate contexts with faults: --seed S --hours H --contexts N --domains D, --trace; or --faults",
        run: simulate::run,
    },
    Command {
        name: "faults",
        line: "list the faults that the checkers must find, and build the library with them",
        run: faults::run,
    },
    Command {
        name: "prove",
        line: "show that any call keeps the invariant: [--resume] [--minutes M] [--queues] [--faults] [CALL..]",
        run: prove::run,
    },
    Command {
        name: "trace",
        line: "play one trace natively, as WebAssembly, on a Cortex-M3 and to a model: [--events N]",
        run: trace::run,
    },
    Command {
        name: "js",
        line: "build the package for pages and mini-programs: [test|web|sizes]",
        run: js::run,
    },
    Command {
        name: "bench",
        line: "count the instructions of the paths that users run; with `js` the npm package beside its peers",
        run: bench::run,
    },
    Command {
        name: "firmware",
        line: "a board in QEMU: its day, and the supply cut at every write and erase of its flash",
        run: firmware::run,
    },
    Command {
        name: "recording",
        line: "what C, firmware and WebAssembly record, compared with what is recorded natively",
        run: recording::run,
    },
    Command {
        name: "mutants",
        line: "change the source a little, everywhere, and see that a test fails: [FILE..] [--resume] [--minutes M] [--share]",
        run: mutants::run,
    },
    Command {
        name: "branches",
        line: "turn each branch of the WebAssembly module round, and see that traces notice",
        run: branches::run,
    },
    Command {
        name: "coverage",
        line: "regions, branches and MC/DC of the source that the tests reach",
        run: coverage::run,
    },
    Command {
        name: "miri",
        line: "the tests under miri",
        run: miri::run,
    },
    Command {
        name: "fuzz",
        line: "each fuzz target for ten minutes: --seconds S",
        run: fuzz::run,
    },
    Command {
        name: "nightly",
        line: "every check that takes long, but for those named",
        run: nightly::run,
    },
];

fn list() {
    println!("usage: cargo xtask <command>\n");
    for command in COMMANDS {
        println!("  {:<10} {}", command.name, command.line);
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match words.split_first() {
        None => ("help", [].as_slice()),
        Some((name, rest)) => (name.as_str(), rest),
    };
    if let "help" | "--help" | "-h" = name {
        list();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("error: there is no command `{name}`\n");
        list();
        return ExitCode::from(2);
    };
    let done = proc::stop_children_on_signals().and_then(|()| (command.run)(rest));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::COMMANDS;

    #[test]
    fn a_name_is_that_of_one_command() {
        let mut names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
    }
}
