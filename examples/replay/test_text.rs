//! What was run, as a test in the style of `tests/machine`.

use core::fmt::Write;
use std::collections::BTreeMap;

use tokenlatch::recording::{Fact, Recording};
use tokenlatch::{Access, Event, Expiry, Grant, Outcome, PermitError, Rejected};

use crate::Failure;
use crate::minimise::{self, Call, Done, DoneCall};
use crate::transcript;

/// Made-up secrets have this length in a test: easy to read, and they fit its latch.
const LENGTH: u32 = 8;
/// The sizes of the latch in `tests/machine/support.rs`.
const TOKENS: usize = 256;
const WAITERS: u64 = 8;

/// The text of the test.
pub(crate) fn test(recording: &Recording<'_>, calls: &[Call]) -> Result<String, Failure> {
    let run = minimise::run(recording, calls)?;
    let mut text = String::new();
    if recording.waiters != WAITERS {
        let waiters = recording.waiters;
        writeln!(
            text,
            "// Recorded with room for {waiters} waiting requests, not {WAITERS}."
        )?;
    }
    writeln!(text, "#[test]\nfn a_report_from_the_field() {{")?;
    let differences = transcript::differences(&recording.config);
    let mutable = if differences.is_empty() { "" } else { "mut " };
    writeln!(text, "    let {mutable}config = Config::new();")?;
    for (name, value) in differences {
        writeln!(text, "    config.{name} = {value};")?;
    }
    writeln!(
        text,
        "    let mut host = Host::seeded(config, {});",
        recording.seed
    )?;
    let (mut wall, mut names) = (None, BTreeMap::new());
    for done in &run.done {
        let millis = done.now.monotonic.as_millis();
        let offset = done
            .now
            .wall
            .map(|wall| wall.wrapping_sub(millis).cast_signed());
        if wall != Some(offset) {
            wall = Some(offset);
            writeln!(text, "    host.offset = {offset:?};")?;
        }
        write_call(&mut text, done, &mut names)?;
    }
    if let Some(broken) = run.broken {
        writeln!(text, "    // The next call breaks {broken}")?;
    }
    text.push_str("}\n");
    Ok(text)
}

fn write_call(
    text: &mut String,
    done: &Done,
    names: &mut BTreeMap<(u32, u32), u32>,
) -> Result<(), Failure> {
    let millis = done.now.monotonic.as_millis();
    match &done.call {
        DoneCall::Told(fact, outcome) => {
            let fact = fact.renamed(|secret| {
                let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
                let key = (secret.length, secret.number);
                secret.renamed(LENGTH, *names.entry(key).or_insert(next))
            });
            let event = event(text, fact, *outcome)?;
            write!(text, "    host.at({millis}, {event})")?;
            let said = match outcome {
                Ok(Outcome::Login(_)) => String::new(),
                Ok(Outcome::Surface(cause)) => format!(".is(Outcome::Surface(Cause::{cause:?}))"),
                Ok(outcome) => format!(".is(Outcome::{outcome:?})"),
                Err(Rejected::Grant(error)) => {
                    format!(".is_rejected(Rejected::Grant(GrantError::{error:?}))")
                }
                Err(rejected) => format!(".is_rejected(Rejected::{rejected:?})"),
            };
            write!(text, "\n        {said}")?;
            writeln!(text, "\n        .gives(&{:?});", done.effects)?;
        }
        DoneCall::Claimed(waiter, receipt) => {
            writeln!(text, "    host.now = {millis};")?;
            let waiter = waiter.as_u32();
            match receipt {
                Ok(_) => writeln!(text, "    host.send({waiter}).expect(\"a permit\");")?,
                Err(error) => {
                    let error = match error {
                        PermitError::Refused(cause) => format!("Refused(Cause::{cause:?})"),
                        other => format!("{other:?}"),
                    };
                    writeln!(
                        text,
                        "    assert_eq!(host.send({waiter}), Err(PermitError::{error}));"
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// The event as source; what it borrows is written before it.
fn event(
    text: &mut String,
    fact: Fact,
    outcome: Result<Outcome, Rejected>,
) -> Result<String, Failure> {
    let mut scratch = vec![0; tokenlatch::recording::scratch_capacity(TOKENS)];
    let event = fact
        .event_for(outcome, TOKENS, &mut scratch)
        .ok_or("no room for a secret")?;
    let kind = event.kind();
    let ticket =
        |ticket: tokenlatch::Ticket| format!("ticket: Ticket::from_u32({})", ticket.as_u32());
    let waiter =
        |waiter: tokenlatch::Waiter| format!("waiter: Waiter::from_u32({})", waiter.as_u32());
    let fields = match event {
        Event::Granted { ticket: id, grant } => {
            write_grant(text, &grant)?;
            format!("{}, grant", ticket(id))
        }
        Event::Loaded { ticket: id, record } => {
            if let Some(record) = record {
                writeln!(text, "    let record = b\"{}\";", record.escape_ascii())?;
            }
            let record = record.map_or("None", |_| "Some(record)");
            format!("{}, record: {record}", ticket(id))
        }
        Event::TokenFailed {
            ticket: id,
            failure,
            retry_after,
        } => {
            let failure = format!("{failure:?}").replace("Unusable(", "Unusable(GrantError::");
            format!(
                "{}, failure: TokenFailure::{failure}, retry_after: {retry_after:?}",
                ticket(id)
            )
        }
        Event::Probed { ticket: id, result } => {
            format!("{}, result: ProbeResult::{result:?}", ticket(id))
        }
        Event::AccessRequested { waiter: id, access } => {
            let access = match access {
                Access::Retry(receipt) => {
                    format!("Retry(Receipt::from_u64({:#x}))", receipt.as_u64())
                }
                other => format!("{other:?}"),
            };
            format!("{}, access: Access::{access}", waiter(id))
        }
        Event::Answered {
            receipt,
            status,
            challenge,
        } => format!(
            "receipt: Receipt::from_u64({:#x}), status: {status}, challenge: ChallengeKind::{challenge:?}",
            receipt.as_u64()
        ),
        Event::WaiterCancelled { waiter: id } => waiter(id),
        _ => match fact.ticket() {
            Some(id) => ticket(id),
            None => return Ok(format!("Event::{kind:?}")),
        },
    };
    Ok(format!("Event::{kind:?} {{ {fields} }}"))
}

fn write_grant(text: &mut String, grant: &Grant<'_>) -> Result<(), Failure> {
    writeln!(
        text,
        "    let mut grant = Grant::new({:?});",
        grant.access_token
    )?;
    let parts = [
        ("refresh_token", grant.refresh_token),
        ("scope", grant.scope),
        ("subject", grant.subject),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            writeln!(text, "    grant.{name} = Some({part:?});")?;
        }
    }
    if let Some(bytes) = grant.app_data {
        writeln!(
            text,
            "    grant.app_data = Some(b\"{}\");",
            bytes.escape_ascii()
        )?;
    }
    if grant.expiry != Expiry::Unknown {
        writeln!(text, "    grant.expiry = Expiry::{:?};", grant.expiry)?;
    }
    if let Some(time) = grant.server_time {
        writeln!(text, "    grant.server_time = Some({time});")?;
    }
    if grant.token_type != tokenlatch::TokenType::Bearer {
        writeln!(
            text,
            "    grant.token_type = TokenType::{:?};",
            grant.token_type
        )?;
    }
    Ok(())
}
