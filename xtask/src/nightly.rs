//! `cargo xtask nightly`: every check that takes long, one after the other, and how each ended.

use std::time::Instant;

use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;

use crate::COMMANDS;
use crate::project::Project;
use crate::report;
use crate::report::Table;

/// The commands and their words, within two hours on two cores.
const LONG: &[(&str, &[&str])] = &[
    ("explore", &[]),
    ("no-panic", &[]),
    ("simulate", &["--hours", "1000000"]),
    ("prove", &[]),
    ("prove", &["--faults"]),
    ("trace", &[]),
    ("coverage", &[]),
    ("miri", &[]),
    ("mutants", &[]),
    ("fuzz", &[]),
];

/// Runs all; what is named after the command is left out.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let mut table = Table::new(&["command", "minutes", "result"]);
    let mut failed = 0;
    for (name, args) in LONG
        .iter()
        .filter(|(name, _)| !words.iter().any(|word| word == name))
    {
        let args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
        println!("\n== {name} {}", args.join(" "));
        let start = Instant::now();
        let command = COMMANDS.iter().find(|command| command.name == *name);
        let done = match command {
            Some(command) => (command.run)(&args),
            None => Err(anyhow!("there is no command `{name}`")),
        };
        let result = if done.is_ok() { "passed" } else { "failed" };
        if let Err(error) = done {
            failed += 1;
            eprintln!("error: {name}: {error:#}");
        }
        let minutes = format!("{:.1}", start.elapsed().as_secs_f32() / 60.0);
        table.row(&[&format!("{name} {}", args.join(" ")), &minutes, result]);
    }
    report::write(&Project::read()?, "nightly", &table)?;
    if failed > 0 {
        bail!("{failed} of the checks failed");
    }
    Ok(())
}
