//! `explore`: every reachable state of real latches in small worlds.

mod act;
mod canonical;
mod config;
mod contexts;
mod entropy;
mod fair;
mod faults;
mod host;
mod jobs;
mod kept;
mod left;
mod memo;
mod network;
mod replay;
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

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;

pub use act::Act;
pub use act::Action;
pub use act::on;
pub use replay::replay;

use jobs::Plan;
use jobs::Twice;

const USAGE: &str = "usage: proof explore [--small | --full | --long] [--space NAME] [--threads N] [--loud]\n\
                            proof explore --faults [--small] | proof explore --fault NAME";

/// `proof explore`, with the words after it.
///
/// # Errors
///
/// A wrong word, or what was found.
pub fn command(mut parser: Parser) -> Result<(), Box<dyn Error>> {
    let mut plan = Plan {
        spaces: space::all(),
        twice: Twice::Some,
        threads: 2,
        loud: false,
    };
    let (mut small, mut long, mut seeded, mut fault) = (false, false, false, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("space") => {
                let name = parser.value()?.string()?;
                plan.spaces.retain(|space| space.name == name);
                if plan.spaces.is_empty() {
                    return Err(format!("there is no space `{name}`").into());
                }
            }
            Arg::Long("small") => small = true,
            Arg::Long("long") => long = true,
            Arg::Long("full") => plan.twice = Twice::All,
            Arg::Long("threads") => plan.threads = parser.value()?.parse()?,
            Arg::Long("loud") => plan.loud = true,
            Arg::Long("faults") => seeded = true,
            Arg::Long("fault") => fault = Some(parser.value()?.string()?),
            _ => return Err(USAGE.into()),
        }
    }
    if let Some(fault) = fault {
        return faults::print(&fault);
    }
    if seeded {
        return faults::command(small);
    }
    if small {
        plan.spaces.retain(|space| space.small);
    }
    if long {
        plan.spaces.retain(|space| space.long);
        plan.spaces.iter_mut().for_each(|space| space.most = None);
    }
    jobs::run(plan)
}
