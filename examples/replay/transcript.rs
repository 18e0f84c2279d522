//! A recording as lines for people.

use core::fmt::Debug;
use core::fmt::Write;

use tokenlatch::recording::{Entry, Recording};
use tokenlatch::{Config, Effect, Generation, Now, State};

/// The latch and its configuration, as far as it is not the default.
pub(crate) fn head(recording: &Recording<'_>, length: usize) -> String {
    let mut text = String::new();
    let Recording {
        written_by,
        tokens,
        waiters,
        seed,
        key_id,
        ..
    } = recording;
    // A string takes everything.
    let _ = writeln!(
        text,
        "Latch<{tokens}, {waiters}>, seed {seed}, by tokenlatch {written_by}, {length} bytes, key {key_id:016x}"
    );
    for (name, value) in differences(&recording.config) {
        let _ = writeln!(text, "  {name}: {value}");
    }
    text.push('\n');
    text
}

/// The fields that are not the default, with their values as in source.
pub(crate) fn differences(config: &Config) -> Vec<(String, String)> {
    let lines = |config: &Config| -> Vec<String> {
        let text = format!("{config:#?}");
        text.lines().map(str::to_owned).collect()
    };
    let (ours, defaults) = (lines(config), lines(&Config::new()));
    let changed = ours.iter().zip(&defaults).filter(|(a, b)| a != b);
    let fields = changed.filter_map(|(line, _)| line.trim().trim_end_matches(',').split_once(": "));
    fields
        .map(|(name, value)| {
            let kind = match name {
                "confirmation" => "Confirmation::",
                "lease" => "LeaseMode::",
                "credential" => "Credential::",
                "renewal" => "Renewal::",
                "when_signed_out" | "when_unavailable" => "Waiting::",
                _ => "",
            };
            (name.to_owned(), format!("{kind}{value}"))
        })
        .collect()
}

/// One entry; nothing for those that are not about time.
pub(crate) fn entry(entry: &Entry, generation: Option<Generation>) -> String {
    match entry {
        Entry::Told {
            now,
            fact,
            outcome,
            state,
            ..
        } => line(*now, &fact.to_string(), outcome, *state, generation) + "\n",
        Entry::Claimed {
            now,
            waiter,
            receipt,
            state,
            ..
        } => {
            let what = format!("permit {}", waiter.as_u32());
            line(*now, &what, receipt, *state, generation) + "\n"
        }
        Entry::Given(given) => format!("               {}\n", effect(given)),
        _ => String::new(),
    }
}

/// A call in one line.
pub(crate) fn line<A: Debug, B: Debug>(
    now: Now,
    what: &str,
    outcome: &Result<A, B>,
    state: State,
    generation: Option<Generation>,
) -> String {
    let mut text = format!("{:>10} ms  {what}: ", now.monotonic.as_millis());
    let _ = match outcome {
        Ok(outcome) => write!(text, "{outcome:?}"),
        Err(refused) => write!(text, "refused, {refused:?}"),
    };
    let _ = write!(text, " -> {state}");
    if let Some(Generation {
        sign_in, serial, ..
    }) = generation
    {
        let _ = write!(text, " [{sign_in}.{serial}]");
    }
    // Ids as the host sees them.
    let ids = ["Ticket(", "Receipt("];
    for id in ids {
        text = text.replace(id, "#(");
    }
    text
}

/// An effect in one line, as in `tests/machine`.
pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::StateChanged { state } => format!("StateChanged {state}"),
        Effect::Load { ticket } => format!("Load #{}", ticket.as_u32()),
        Effect::Store { ticket } => format!("Store #{}", ticket.as_u32()),
        Effect::Announce => "Announce".to_owned(),
        Effect::ReleaseLease { ticket } => format!("ReleaseLease #{}", ticket.as_u32()),
        Effect::AcquireLease { ticket } => format!("AcquireLease #{}", ticket.as_u32()),
        Effect::SendTokenRequest { ticket, .. } => format!("SendTokenRequest #{}", ticket.as_u32()),
        Effect::Probe { ticket } => format!("Probe #{}", ticket.as_u32()),
        Effect::Revoke { ticket } => format!("Revoke #{}", ticket.as_u32()),
        Effect::RequireLogin { cause } => format!("RequireLogin {cause:?}"),
        Effect::Refuse { waiter, cause } => format!("Refuse {} {cause:?}", waiter.as_u32()),
        Effect::Release { waiter } => format!("Release {}", waiter.as_u32()),
        other => format!("{other:?}"),
    }
}
