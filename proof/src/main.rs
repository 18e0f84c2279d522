//! Long checks of the real latch, started by `cargo xtask`.

use std::process::ExitCode;

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;
use proof::simulate;

const USAGE: &str = "usage: proof simulate [--seed S] [--hours H] [--contexts N] [--domains D] [--sound-store] [--threads N] [--trace]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut parser = Parser::from_env();
    let Some(Arg::Value(command)) = parser.next()? else {
        return Err(USAGE.into());
    };
    if command == "explore" {
        return proof::explore::command(parser);
    }
    if command != "simulate" {
        return Err(USAGE.into());
    }
    let mut plan = simulate::Plan {
        seed: 1,
        hours: 100,
        contexts: 4,
        domains: 1,
        sound: false,
        threads: 2,
        transcript: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("seed") => plan.seed = parser.value()?.parse()?,
            Arg::Long("hours") => plan.hours = parser.value()?.parse()?,
            Arg::Long("contexts") => plan.contexts = parser.value()?.parse()?,
            Arg::Long("domains") => plan.domains = parser.value()?.parse()?,
            Arg::Long("sound-store") => plan.sound = true,
            Arg::Long("threads") => plan.threads = parser.value()?.parse()?,
            Arg::Long("fault") => switch_on(parser.value()?.parse()?)?,
            Arg::Long("trace") => plan.transcript = true,
            _ => return Err(USAGE.into()),
        }
    }
    if !(1..=64).contains(&plan.contexts) {
        return Err("--contexts is 1 to 64".into());
    }
    if plan.domains == 0 {
        return Err("--domains is 1 or more".into());
    }
    simulate::run(&plan)
}

/// Switches a seeded fault on, where the library was built with them.
#[cfg(tokenlatch_faults)]
fn switch_on(number: u8) -> Result<(), Box<dyn std::error::Error>> {
    tokenlatch::fault::set(number);
    Ok(())
}

#[cfg(not(tokenlatch_faults))]
fn switch_on(_number: u8) -> Result<(), Box<dyn std::error::Error>> {
    Err("this build has no seeded faults".into())
}
