//! Clients, the native example first, against a real provider: access tokens live two seconds, every refresh
//! token is good for one use, and using one twice ends the grant.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::ensure;
use serde_json::Value;

use crate::counts::Counts;
use crate::native;
use crate::proc::Echo;
use crate::proc::Job;
use crate::project::Project;
use crate::provider;
use crate::provider::Provider;

/// How long an access token lives, in seconds.
const TTL: u32 = 2;
/// How long a run is meant to take: more than ten of those lifetimes.
const LONG: Duration = Duration::from_secs(28);
/// A few of those lifetimes.
const SHORT: Duration = Duration::from_secs(9);
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_OF_MANY: Duration = Duration::from_millis(250);
/// Workers of one process, of which each pauses between its requests.
const CONCURRENCY: u32 = 4;
/// A run that takes this long hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn run(_words: &[String]) -> Result<()> {
    let project = Project::read()?;
    let mut counts = Counts::default();
    all(&project, &mut counts)?;
    println!("{counts}");
    Ok(())
}

/// The provider's own tests, then the runs of the example.
pub(crate) fn all(project: &Project, counts: &mut Counts) -> Result<()> {
    provider::smoke(project, counts)?;
    let example = Program {
        name: "",
        path: native::build(project)?,
        env: &[],
        long: LONG,
        at_least: 10,
    };
    play(project, "e2e", &[example])
}

/// A client with the command line of the native example.
pub(crate) struct Program<'a> {
    /// What stands before the names of its runs.
    pub(crate) name: &'a str,
    pub(crate) path: PathBuf,
    pub(crate) env: &'a [(&'a str, &'a str)],
    /// How long its long runs take, and how many tokens each must be granted meanwhile.
    pub(crate) long: Duration,
    pub(crate) at_least: u64,
}

/// Runs the programs at the same time against one provider, with a folder of this name for their stores.
pub(crate) fn play(project: &Project, folder: &str, programs: &[Program<'_>]) -> Result<()> {
    let provider = Provider::start(project, TTL, programs.len(), 3 * LIMIT.as_secs())?;
    let mut legs = Vec::new();
    for (number, program) in programs.iter().enumerate() {
        legs.extend(legs_of(&provider, number, program)?);
    }
    let folder = project.scratch(folder)?;

    let mut running = Vec::new();
    for (number, leg) in legs.iter().enumerate() {
        let store = folder.join(format!("store-{number}"));
        let mut clients = Vec::new();
        for process in 1..=leg.processes {
            let label = format!("{} {process}/{}", leg.name, leg.processes);
            let mut command = project.command(&leg.program.path.to_string_lossy());
            command.args(&leg.args).arg("--store").arg(&store);
            command.envs(leg.program.env.iter().copied());
            clients.push(Client::start(command, &label)?);
        }
        running.push(clients);
    }
    let mut seen = Vec::new();
    let mut failed = None;
    for clients in running {
        let mut sum = Seen::default();
        for client in clients {
            let added = client.finish().and_then(|line| sum.add(&line));
            failed = failed.or(added.err());
        }
        seen.push(sum);
    }
    // The counts explain a failure, so they are shown before it.
    let report = provider.stop()?;
    print_table(&legs, &seen, &report);
    match failed {
        Some(error) => Err(error),
        None => judge(&legs, &seen, &report),
    }
}

/// One way of running a program: how many processes on one store, and with what.
struct Leg<'a> {
    name: String,
    program: &'a Program<'a>,
    processes: u32,
    args: Vec<String>,
    /// Where the provider's report has its counts: a grant, or none for client credentials.
    grant: Option<usize>,
    at_least: u64,
}

/// The legs of the program with this number: it has a grant of each of the provider's clients to itself.
fn legs_of<'a>(
    provider: &Provider,
    number: usize,
    program: &'a Program<'a>,
) -> Result<Vec<Leg<'a>>> {
    let args = |id: &str, pause: Duration, long: Duration| -> Result<Vec<String>> {
        let repeat = long.as_millis() / pause.as_millis() * u128::from(CONCURRENCY);
        let words = [
            ("--token-endpoint", provider.text("token_endpoint")?),
            ("--client-id", provider.text(id)?),
            ("--get", &format!("{}notes", provider.text("api")?)),
            ("--concurrency", &CONCURRENCY.to_string()),
            ("--repeat", &repeat.to_string()),
            ("--pause-ms", &pause.as_millis().to_string()),
        ];
        let words = words.iter().flat_map(|(name, value)| [*name, *value]);
        let words = words.chain(["--json"]);
        Ok(words.map(str::to_owned).collect())
    };
    let with = |mut args: Vec<String>, name: &str, member: &str| -> Result<Vec<String>> {
        args.push(name.to_owned());
        args.push(provider.text_at(member, number)?.to_owned());
        Ok(args)
    };
    let alone = args("client_id", PAUSE, program.long)?;
    let alone = with(alone, "--client-secret", "client_secret")?;
    let together = args("public_client_id", PAUSE_OF_MANY, program.long)?;
    let mut machine = args("client_id", PAUSE, SHORT)?;
    machine.push("--client-credentials".to_owned());
    let leg = |name: &str, processes, args, grant, at_least| Leg {
        name: format!("{}{name}", program.name),
        program,
        processes,
        args,
        grant,
        at_least,
    };
    let alone = with(alone, "--refresh-token", "refresh_tokens")?;
    let together = with(together, "--refresh-token", "public_refresh_tokens")?;
    let machine = with(machine, "--client-secret", "client_secret")?;
    let at_least = program.at_least;
    // The order of the grants is that in which the provider signs in: first the secret client, then the public one.
    let grant = number.saturating_mul(2);
    let mut legs = vec![
        leg("one process", 1, alone, Some(grant), at_least),
        leg(
            "eight processes, one store",
            8,
            together,
            Some(grant.saturating_add(1)),
            at_least,
        ),
    ];
    // Client credentials have no grant of their own to be told apart by.
    if number == 0 {
        legs.push(leg("client credentials", 1, machine, None, 3));
    }
    Ok(legs)
}

/// One process of the example.
struct Client {
    job: Job,
    echo: Echo,
    label: String,
    until: Instant,
}

impl Client {
    fn start(mut command: Command, label: &str) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut job = Job::start(&mut command)?;
        let echo = job.echo(label);
        Ok(Self {
            job,
            echo,
            label: label.to_owned(),
            until: Instant::now() + LIMIT,
        })
    }

    /// The last line that it printed, if every request got its answer.
    fn finish(mut self) -> Result<Value> {
        let left = self.until.saturating_duration_since(Instant::now());
        let status = self.job.wait_for(left).context(self.label.clone())?;
        let line = self.echo.last_line().unwrap_or_default();
        ensure!(status.success(), "{}: {status}: {line}", self.label);
        serde_json::from_str(&line)
            .with_context(|| format!("{}: the last line is not JSON: {line}", self.label))
    }
}

/// What the processes of a leg say together.
#[derive(Default)]
struct Seen {
    requests: u64,
    answered: u64,
    unanswered: u64,
    refreshes: u64,
    unexpected_401: u64,
}

impl Seen {
    fn add(&mut self, line: &Value) -> Result<()> {
        for (name, sum) in [
            ("requests", &mut self.requests),
            ("answered", &mut self.answered),
            ("unanswered", &mut self.unanswered),
            ("refreshes", &mut self.refreshes),
            ("unexpected_401", &mut self.unexpected_401),
        ] {
            let number = line[name].as_u64();
            *sum += number.with_context(|| format!("no `{name}` in {line}"))?;
        }
        Ok(())
    }
}

impl Leg<'_> {
    /// The provider's counts of this leg: its token endpoint's, and its API's.
    fn counts<'a>(&self, report: &'a Value) -> &'a Value {
        match self.grant {
            Some(grant) => &report["grants"][grant],
            None => &report["client_credentials"],
        }
    }

    fn granted(&self, report: &Value) -> u64 {
        let name = if self.grant.is_some() {
            "refreshes"
        } else {
            "granted"
        };
        self.counts(report)[name].as_u64().unwrap_or(0)
    }
}

fn print_table(legs: &[Leg<'_>], seen: &[Seen], report: &Value) {
    println!(
        "\n{:<34}{:>9}{:>9}{:>10}{:>9}{:>7}{:>8}{:>8}",
        "", "requests", "answered", "refreshes", "granted", "reused", "revoked", "API 401"
    );
    for (leg, seen) in legs.iter().zip(seen) {
        let counts = leg.counts(report);
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let api = &counts["api"];
        println!(
            "{:<34}{:>9}{:>9}{:>10}{:>9}{:>7}{:>8}{:>8}",
            leg.name,
            seen.requests,
            seen.answered,
            seen.refreshes,
            leg.granted(report),
            number(&counts["invalid_grant"]),
            number(&counts["revoked"]),
            number(&api["expired_token"]) + number(&api["unknown_token"]),
        );
    }
    println!();
}

fn judge(legs: &[Leg<'_>], seen: &[Seen], report: &Value) -> Result<()> {
    for name in ["revoked", "invalid_grant", "other_errors"] {
        let count = &report["total"][name];
        ensure!(*count == 0, "the provider counted {count} {name}");
    }
    let without = &report["api_without_grant"];
    for name in ["without_token", "unknown_token"] {
        let count = &without[name];
        ensure!(*count == 0, "the API got {count} requests with {name}");
    }
    for (leg, seen) in legs.iter().zip(seen) {
        judge_leg(leg, seen, report).with_context(|| leg.name.clone())?;
    }
    Ok(())
}

fn judge_leg(leg: &Leg<'_>, seen: &Seen, report: &Value) -> Result<()> {
    ensure!(seen.requests > 0, "no request was made");
    ensure!(
        seen.unanswered == 0 && seen.answered == seen.requests,
        "{} of {} requests got no answer",
        seen.requests.saturating_sub(seen.answered),
        seen.requests
    );
    let granted = leg.granted(report);
    ensure!(
        granted >= leg.at_least,
        "{granted} tokens were granted, at least {} should be",
        leg.at_least
    );
    // Every token that the provider gave must have reached a client and counted once.
    // With a refresh token the first of them is a refresh too; client credentials sign in first.
    let logins = u64::from(leg.grant.is_none());
    ensure!(
        granted == seen.refreshes + logins,
        "the provider gave {granted} tokens, the client counted {}",
        seen.refreshes
    );
    let counts = leg.counts(report);
    if leg.grant.is_some() {
        // Two refreshes with one refresh token, in the same instant, would leave the chain of
        // rotations shorter than the number of refreshes.
        for name in ["consumed", "saved", "rotations"] {
            let count = &counts[name];
            ensure!(*count == granted, "{granted} refreshes, but {count} {name}");
        }
    }
    let answered = counts["api"]["answered"].as_u64();
    ensure!(
        answered == Some(seen.answered),
        "the API answered {answered:?} requests, the client counted {}",
        seen.answered
    );
    // Such a request was answered in the end, or it would have counted as unanswered.
    let expired = &counts["api"]["expired_token"];
    if *expired != 0 || seen.unexpected_401 != 0 {
        println!(
            "{}: {expired} requests met an expired token and were sent again ({} by the client's count)",
            leg.name, seen.unexpected_401
        );
    }
    Ok(())
}
