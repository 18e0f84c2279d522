//! Long checks of the real latch, started by `cargo xtask`.

mod random;
mod server;
mod simulate;
mod world;

use std::process::ExitCode;

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;

const USAGE: &str = "usage: proof simulate [--seed S] [--hours H] [--contexts N] [--trace]";

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
    if command != "simulate" {
        return Err(USAGE.into());
    }
    let mut plan = simulate::Plan {
        seed: 1,
        hours: 100,
        contexts: 4,
        trace: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("seed") => plan.seed = parser.value()?.parse()?,
            Arg::Long("hours") => plan.hours = parser.value()?.parse()?,
            Arg::Long("contexts") => plan.contexts = parser.value()?.parse()?,
            Arg::Long("trace") => plan.trace = true,
            _ => return Err(USAGE.into()),
        }
    }
    if !(1..=64).contains(&plan.contexts) {
        return Err("--contexts is 1 to 64".into());
    }
    simulate::run(&plan)
}
