//! Runs a recording again (`tokenlatch::recording`): prints it as a transcript, says whether the latch does the same
//! as then, shrinks it, and turns it into a test.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of what is in memory"
)]

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};
use tokenlatch::recording::{Entry, Recording, ReplayError};

mod latches;
mod minimise;
mod test_text;
mod transcript;

use minimise::{Call, Run};

const USAGE: &str = "\
usage: replay [options] FILE
       runs the recording, prints its transcript, and says whether the latch does the same as then
         --quiet           print no transcript
         --minimise        drop what is not needed for the end: a broken promise, or else the last thing done
         --keep TEXT       with --minimise: what must stay is a line of the transcript with TEXT, such as
                           \"Refuse 3 Expired\" or \"-> Expired\"
         --test            print what is left as a test for tests/machine
         --out FILE        write what is left as a recording";

#[derive(Default)]
struct Options {
    file: Option<PathBuf>,
    out: Option<PathBuf>,
    keep: Option<String>,
    is_minimised: bool,
    is_test: bool,
    is_quiet: bool,
}

type Failure = Box<dyn core::error::Error>;

fn main() -> ExitCode {
    let options = match parse(Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("replay: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options, &mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Whoever reads has read enough, such as `head`.
            let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
            if !error.downcast_ref().is_some_and(is_closed) {
                eprintln!("replay: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn parse(mut parser: Parser) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            Arg::Long("quiet") => options.is_quiet = true,
            Arg::Long("minimise") => options.is_minimised = true,
            Arg::Long("test") => options.is_test = true,
            Arg::Long("keep") => options.keep = Some(parser.value()?.string()?),
            Arg::Long("out") => options.out = Some(PathBuf::from(parser.value()?)),
            Arg::Value(file) if options.file.is_none() => options.file = Some(file.into()),
            arg => return Err(arg.unexpected()),
        }
    }
    if options.keep.is_some() && !options.is_minimised {
        return Err("--keep goes with --minimise".into());
    }
    if options.file.is_none() {
        return Err("FILE is missing".into());
    }
    Ok(Some(options))
}

/// True if the latch did the same as then, and kept its promises.
fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let file = options.file.as_deref().unwrap_or_else(|| unreachable!());
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let recording = Recording::read(&bytes)?;
    write!(out, "{}", transcript::head(&recording, bytes.len()))?;
    let is_same = play(&recording, options.is_quiet, out)?;

    let calls = minimise::calls(&recording)?;
    let all = minimise::run(&recording, &calls)?;
    match &all.broken {
        Some(broken) => writeln!(out, "a promise is broken: {broken}")?,
        None => writeln!(out, "every promise is kept")?,
    }
    let mut left = calls;
    if options.is_minimised {
        let before = left.len();
        left = minimise::minimise(&recording, left, &all, options.keep.as_deref())?;
        writeln!(out, "\n{before} calls, {} of them needed:\n", left.len())?;
        write!(out, "{}", text(&minimise::run(&recording, &left)?))?;
    }
    finish(options, &recording, &left, out)?;
    Ok(is_same && all.broken.is_none())
}

/// Runs it as it was recorded, order by order.
fn play(recording: &Recording<'_>, is_quiet: bool, out: &mut impl Write) -> Result<bool, Failure> {
    let mut replay = latches::replay(recording)?;
    let mut counts = [0_usize; 3];
    let mut is_whole = true;
    while let Some(step) = replay.step() {
        let entry = match step {
            Ok(entry) => entry,
            Err(ReplayError::Recording(error)) => {
                writeln!(out, "{error}: what comes after it is lost")?;
                return Ok(false);
            }
            Err(error) => {
                if let Some(entry) = replay.entry() {
                    write!(out, "{}", transcript::entry(&entry, None))?;
                }
                writeln!(out, "here the latch does something else: {error}")?;
                return Ok(false);
            }
        };
        match entry {
            Entry::Told { .. } => counts[0] += 1,
            Entry::Claimed { .. } => counts[1] += 1,
            Entry::Given(_) => counts[2] += 1,
            Entry::Cut => is_whole = false,
            _ => {}
        }
        if !is_quiet {
            write!(
                out,
                "{}",
                transcript::entry(&entry, Some(replay.generation()))
            )?;
        }
    }
    if !is_whole {
        writeln!(out, "the buffer was full: what came then was not recorded")?;
    }
    let [told, claimed, given] = counts;
    writeln!(
        out,
        "the same as then: {told} events, {claimed} permits claimed, {given} effects"
    )?;
    Ok(true)
}

fn text(run: &Run) -> String {
    run.lines.iter().map(|line| format!("{line}\n")).collect()
}

fn finish(
    options: &Options,
    recording: &Recording<'_>,
    left: &[Call],
    out: &mut impl Write,
) -> Result<(), Failure> {
    if options.is_test {
        writeln!(out, "\n{}", test_text::test(recording, left)?)?;
    }
    if let Some(file) = &options.out {
        let bytes = minimise::record(recording, left)?;
        std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))?;
        writeln!(out, "written to {}", file.display())?;
    }
    Ok(())
}
