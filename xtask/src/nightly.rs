//! `cargo xtask nightly`: every check that takes long, one after the other, and how each ended.

use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;

use crate::COMMANDS;
use crate::project::Project;
use crate::report;
use crate::report::Table;

/// How long all may take, on two cores.
const WHOLE: Duration = Duration::from_secs(2 * 60 * 60);
/// Commands with their words. The mutants come last and have what is left of the time: the next night goes on
/// with them, and with the cases of the proof.
const LONG: &[(&str, &[&str])] = &[
    ("explore", &[]),
    ("no-panic", &[]),
    ("simulate", &["--hours", "1000000"]),
    ("simulate", &["--faults"]),
    ("prove", &["--minutes", "15"]),
    ("prove", &["--queues"]),
    ("prove", &["--faults"]),
    ("trace", &[]),
    ("branches", &[]),
    ("coverage", &[]),
    ("miri", &[]),
    ("fuzz", &["--seconds", "240"]),
    ("mutants", &["--minutes"]),
];

/// Runs all; what is named after the command is left out.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let begin = Instant::now();
    let mut table = Table::new(&["command", "minutes", "result"]);
    let mut failed = 0;
    for (name, args) in LONG
        .iter()
        .filter(|(name, _)| !words.iter().any(|word| word == name))
    {
        let mut args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
        if *name == "mutants" {
            let left = WHOLE.saturating_sub(begin.elapsed()).as_secs() / 60;
            args.push(left.to_string());
        }
        println!("\n== {name} {}", args.join(" "));
        let start = Instant::now();
        let command = COMMANDS.iter().find(|command| command.name == *name);
        let done = match command {
            Some(command) => (command.run)(&args),
            None => Err(anyhow!("there is no command `{name}`")),
        };
        let result = match done {
            Ok(()) if args.iter().any(|word| word == "--minutes") => "passed, as far as it came",
            Ok(()) => "passed",
            Err(_) => "failed",
        };
        if let Err(error) = done {
            failed += 1;
            eprintln!("error: {name}: {error:#}");
        }
        let took = minutes(start.elapsed());
        table.row(&[&format!("{name} {}", args.join(" ")), &took, result]);
    }
    table.row(&["all", &minutes(begin.elapsed()), ""]);
    report::write(&Project::read()?, "nightly", &table)?;
    if failed > 0 {
        bail!("{failed} of the checks failed");
    }
    Ok(())
}

fn minutes(took: Duration) -> String {
    format!("{:.1}", took.as_secs_f32() / 60.0)
}
