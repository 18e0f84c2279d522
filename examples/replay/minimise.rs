//! Runs some of the recorded calls on a latch under watch, and finds few that still do what matters.
//!
//! Where calls are left out, the latch counts its tickets and receipts otherwise. So a call names them by what they
//! are: the newest load, the receipt of that request.

use tokenlatch::promises::Violation;
use tokenlatch::recording::{Entry, Fact, Recording, scratch_capacity};
use tokenlatch::{Effect, Event, Now, Outcome, PermitError, Receipt, Rejected, Ticket, Waiter};

use crate::Failure;
use crate::latches::{self, TOKENS};
use crate::transcript;

/// A call of the recording.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    now: Now,
    what: What,
}

#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "there are few")]
enum What {
    Tell {
        fact: Fact,
        outcome: Result<Outcome, Rejected>,
        ticket: Option<Reference<&'static str>>,
        receipt: Option<Reference<Waiter>>,
    },
    Claim(Waiter),
}

/// The newest of this kind, or the one so many before it.
#[derive(Clone, Copy)]
struct Reference<K> {
    kind: K,
    age: usize,
}

/// What was given out, oldest first.
struct Given<K, V>(Vec<(K, V)>);

impl<K: Copy + PartialEq, V: Copy + PartialEq> Given<K, V> {
    fn reference(&self, value: V) -> Option<Reference<K>> {
        let (kind, _) = *self.0.iter().rev().find(|(_, known)| *known == value)?;
        let mut same = self.0.iter().rev().filter(|(known, _)| *known == kind);
        let age = same.position(|(_, known)| *known == value)?;
        Some(Reference { kind, age })
    }

    fn find(&self, reference: Reference<K>) -> Option<V> {
        let mut same = self
            .0
            .iter()
            .rev()
            .filter(|(kind, _)| *kind == reference.kind);
        same.nth(reference.age).map(|(_, value)| *value)
    }
}

/// The order's kind and ticket.
const fn order(effect: &Effect) -> Option<(&'static str, Ticket)> {
    match *effect {
        Effect::Load { ticket } => Some(("Load", ticket)),
        Effect::Store { ticket } => Some(("Store", ticket)),
        Effect::AcquireLease { ticket } => Some(("AcquireLease", ticket)),
        Effect::SendTokenRequest { ticket, .. } => Some(("SendTokenRequest", ticket)),
        Effect::Probe { ticket } => Some(("Probe", ticket)),
        Effect::Revoke { ticket } => Some(("Revoke", ticket)),
        _ => None,
    }
}

const LOGIN: &str = "Login";

/// The calls of a recording.
pub(crate) fn calls(recording: &Recording<'_>) -> Result<Vec<Call>, Failure> {
    let (mut tickets, mut receipts) = (Given(Vec::new()), Given(Vec::new()));
    let mut calls = Vec::new();
    for entry in recording.entries() {
        match entry {
            Ok(Entry::Told {
                now, fact, outcome, ..
            }) => {
                let what = What::Tell {
                    fact,
                    outcome,
                    ticket: fact.ticket().and_then(|ticket| tickets.reference(ticket)),
                    receipt: fact.receipt().and_then(|it| receipts.reference(it)),
                };
                calls.push(Call { now, what });
                if let Ok(Outcome::Login(ticket)) = outcome {
                    tickets.0.push((LOGIN, ticket));
                }
            }
            Ok(Entry::Claimed {
                now,
                waiter,
                receipt,
                ..
            }) => {
                let what = What::Claim(waiter);
                calls.push(Call { now, what });
                if let Ok(receipt) = receipt {
                    receipts.0.push((waiter, receipt));
                }
            }
            Ok(Entry::Given(effect)) => tickets.0.extend(order(&effect)),
            // What was read so far is run.
            Err(error) if calls.is_empty() => return Err(error.into()),
            _ => {}
        }
    }
    Ok(calls)
}

/// What came of some calls.
pub(crate) struct Run {
    /// The transcript.
    pub(crate) lines: Vec<String>,
    pub(crate) done: Vec<Done>,
    pub(crate) broken: Option<Violation>,
    recorded: Vec<u8>,
}

/// A call that was run, with the ids that it had then, and all its effects.
pub(crate) struct Done {
    pub(crate) now: Now,
    pub(crate) call: DoneCall,
    pub(crate) effects: Vec<String>,
}

#[expect(clippy::large_enum_variant, reason = "there are few")]
pub(crate) enum DoneCall {
    Told(Fact, Result<Outcome, Rejected>),
    Claimed(Waiter, Result<Receipt, PermitError>),
}

/// Room for one call and its effects, generously.
const CALL_ROOM: usize = 1_024;

/// Runs the calls; after each all orders are taken. A call is left out if what it answers was not ordered.
pub(crate) fn run(recording: &Recording<'_>, calls: &[Call]) -> Result<Run, Failure> {
    let mut buffer = vec![0; CALL_ROOM * (calls.len() + 1)];
    let mut run = Run {
        lines: Vec::new(),
        done: Vec::new(),
        broken: None,
        recorded: Vec::new(),
    };
    let mut latch = latches::player(recording, &mut buffer)?;
    run.broken = tell_all(&mut *latch, calls, &mut run.lines, &mut run.done).err();
    run.recorded = latch.recorded().to_vec();
    Ok(run)
}

fn tell_all(
    latch: &mut dyn latches::Player,
    calls: &[Call],
    lines: &mut Vec<String>,
    done: &mut Vec<Done>,
) -> Result<(), Violation> {
    let (mut tickets, mut receipts) = (Given(Vec::new()), Given(Vec::new()));
    let mut scratch = vec![0; scratch_capacity(TOKENS)];
    for Call { now, what } in calls {
        let (call, line) = match *what {
            What::Tell {
                mut fact,
                outcome,
                ticket,
                receipt,
            } => {
                if let Some(ticket) = ticket {
                    let Some(ticket) = tickets.find(ticket) else {
                        continue;
                    };
                    fact = fact.with_ticket(ticket);
                }
                if let Some(receipt) = receipt {
                    let Some(receipt) = receipts.find(receipt) else {
                        continue;
                    };
                    fact = fact.with_receipt(receipt);
                }
                let event = fact.event_for(outcome, TOKENS, &mut scratch);
                let told = latch.tell(*now, event.unwrap_or(Event::TimeoutReached))?;
                if let Ok(Outcome::Login(ticket)) = told {
                    tickets.0.push((LOGIN, ticket));
                }
                let (state, generation) = (latch.state(), latch.generation());
                let line =
                    transcript::line(*now, &fact.to_string(), &told, state, Some(generation));
                (DoneCall::Told(fact, told), line)
            }
            What::Claim(waiter) => {
                let claimed = latch.permit(*now, waiter)?;
                if let Ok(receipt) = claimed {
                    receipts.0.push((waiter, receipt));
                }
                let what = format!("permit {}", waiter.as_u32());
                let (state, generation) = (latch.state(), latch.generation());
                let line = transcript::line(*now, &what, &claimed, state, Some(generation));
                (DoneCall::Claimed(waiter, claimed), line)
            }
        };
        lines.push(line);
        let mut effects = Vec::new();
        while let Some(effect) = latch.poll_effect()? {
            tickets.0.extend(order(&effect));
            let text = transcript::effect(&effect);
            lines.push(format!("               {text}"));
            effects.push(text);
        }
        done.push(Done {
            now: *now,
            call,
            effects,
        });
    }
    Ok(())
}

/// The calls as a recording of their own.
pub(crate) fn record(recording: &Recording<'_>, calls: &[Call]) -> Result<Vec<u8>, Failure> {
    Ok(run(recording, calls)?.recorded)
}

/// Without the times and numbers that change when calls are left out.
fn essence(line: &str) -> String {
    let (_, what) = line.split_once(" ms  ").unwrap_or(("", line));
    what.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Leaves calls out, many at once and then fewer, until each that is left is needed (Zeller's delta debugging).
pub(crate) fn minimise(
    recording: &Recording<'_>,
    calls: Vec<Call>,
    all: &Run,
    keep: Option<&str>,
) -> Result<Vec<Call>, Failure> {
    let last = all.lines.last().map(|line| essence(line));
    let stays = |calls: &[Call]| -> Result<bool, Failure> {
        let run = run(recording, calls)?;
        Ok(match (keep, &all.broken) {
            (Some(text), _) => run.lines.iter().any(|line| line.contains(text)),
            (None, Some(broken)) => run.broken == Some(*broken),
            (None, None) => run.lines.last().map(|line| essence(line)) == last,
        })
    };
    if !stays(&calls)? {
        return Err(match keep {
            Some(text) => format!("no line of the transcript has `{text}` in it"),
            None => "it depends on when the orders were taken: nothing is left out".to_owned(),
        }
        .into());
    }
    let mut left = calls;
    let mut size = left.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let before = left.len();
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.drain(at..left.len().min(at + size));
            if stays(&fewer)? {
                left = fewer;
            } else {
                at += size;
            }
        }
        // At the end, once more until nothing can go.
        if size > 1 {
            size /= 2;
        } else if left.len() == before {
            size = 0;
        }
    }
    Ok(left)
}
