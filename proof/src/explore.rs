//! `explore`: every reachable state of real latches in small worlds.

mod act;
mod canonical;
mod config;
mod entropy;
mod fair;
mod faults;
mod host;
mod kept;
mod network;
mod requests;
mod search;
mod space;
mod step;
mod storage;
#[cfg(test)]
mod tests;
mod transcript;
mod world;

use std::error::Error;
use std::sync::Arc;

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;

use search::Report;
use search::Search;
use space::Space;

const USAGE: &str =
    "usage: proof explore [--small] [--space NAME] [--loud] | proof explore --faults [--small]";

/// `proof explore`, with the words after it.
///
/// # Errors
///
/// A wrong word, or what was found.
pub fn command(mut parser: Parser) -> Result<(), Box<dyn Error>> {
    let mut only = None;
    let (mut small, mut loud, mut seeded) = (false, false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("space") => only = Some(parser.value()?.string()?),
            Arg::Long("small") => small = true,
            Arg::Long("loud") => loud = true,
            Arg::Long("faults") => seeded = true,
            _ => return Err(USAGE.into()),
        }
    }
    if seeded {
        return faults::command(small);
    }
    for space in space::all() {
        let named = only.as_ref().is_none_or(|only| only == space.name);
        if named && (space.small || !small) {
            explore(&Arc::new(space), loud)?;
        }
    }
    Ok(())
}

/// Explores one space, twice where it is small, and prints its row.
fn explore(space: &Arc<Space>, loud: bool) -> Result<(), Box<dyn Error>> {
    let report = Search::new(space).run(space.most, loud);
    if let Some(found) = &report.found {
        eprintln!("{}: {}\n", space.name, found.violation);
        eprintln!("{}", transcript::write(space, &found.path));
        return Err("a promise is broken".into());
    }
    if space.small && !report.closed {
        return Err(format!("{} does not close", space.name).into());
    }
    let agreed = if report.closed {
        agree(space, &report)?
    } else {
        "not run"
    };
    println!(
        "| {} | {} | {} | {} | {} | {} | {agreed} | {} | {:.0} s |",
        space.name,
        space.line,
        report.states,
        report.transitions,
        report.depth,
        if report.closed { "yes" } else { "no" },
        report.replayed,
        report.time.as_secs_f64().ceil(),
    );
    Ok(())
}

/// The second explorer must count the same.
fn agree(space: &Arc<Space>, report: &Report) -> Result<&'static str, Box<dyn Error>> {
    let counted = kept::count(space)?;
    let own = (report.states, report.transitions);
    if counted != own {
        return Err(format!("{}: {own:?} here, {counted:?} by stateright", space.name).into());
    }
    Ok("the same")
}
