//! A native host: blocking, with threads, HTTP by ureq, the store in a file, the lease by a file lock.
//!
//! Without arguments it plays the same user's story twice, with a naive client and with the latch, against a
//! server of its own, and ends with a table of what went wrong. With arguments it is a client: see `--help`.
//!
//! [`host`] is what to read, and to copy; [`login`], [`http`] and [`store`] go with it.

use std::process::ExitCode;

mod args;
mod client;
mod driver;
mod host;
mod http;
mod login;
mod naive;
mod store;
mod story;
mod world;

use args::Command;

type Failure = Box<dyn core::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let command = match args::parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("native: {error}\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Help => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Command::Story { json, record } => story::run(json, record),
        Command::Client(options) => client::run(&options),
        Command::Naive(options) => client::run_naive(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("native: {error}");
            ExitCode::FAILURE
        }
    }
}
