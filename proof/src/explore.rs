//! `explore`: every reachable state of real latches in small worlds.

mod act;
mod entropy;
mod host;
mod search;
mod space;
mod step;
mod transcript;
mod world;

use std::sync::Arc;

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;

use search::Report;
use search::Search;

pub(crate) fn command(mut parser: Parser) -> Result<(), Box<dyn std::error::Error>> {
    let mut only = None;
    let mut loud = false;
    let mut changes: Vec<(String, u8)> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("space") => only = Some(parser.value()?.string()?),
            Arg::Long("set") => {
                let text = parser.value()?.string()?;
                let (key, value) = text.split_once('=').ok_or("--set key=value")?;
                changes.push((key.to_owned(), value.parse::<u8>()?));
            }
            Arg::Long("loud") => loud = true,
            _ => return Err("usage: proof explore [--space NAME] [--loud]".into()),
        }
    }
    for space in space::all() {
        if only.as_ref().is_some_and(|only| only != space.name) {
            continue;
        }
        let mut space = space;
        for (key, value) in &changes {
            space.set(key, *value);
        }
        let space = Arc::new(space);
        let report = Search::new(&space).run(loud);
        println!(
            "{}: {} states, {} transitions, depth {}, closed {}, replayed {}, {:.1} s",
            space.name,
            report.states,
            report.transitions,
            report.depth,
            report.closed,
            report.replayed,
            report.time.as_secs_f64()
        );
        if let Some(found) = &report.found {
            println!("{}", found.violation);
            println!("{}", transcript::write(&space, &found.path));
        }
    }
    Ok(())
}
