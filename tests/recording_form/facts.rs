//! A fact in words, and told again of another order or with other secrets.

use core::fmt::Write as _;

use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Ticket;
use tokenlatch::recording::Entry;
use tokenlatch::recording::scratch_capacity;

use crate::support::CAPACITY;
use crate::support::all;
use crate::support::entries;
use crate::support::records;
use crate::support::written;

/// A place for so much text and no more.
struct Room {
    text: String,
    room: usize,
}

impl core::fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if self.text.len() + text.len() > self.room {
            return Err(core::fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// What a tool prints of a fact: all of it, or the error of the writer that could not take all of it.
#[test]
fn a_fact_is_told_in_words_and_without_secrets() {
    let (_, read) = all();
    let mut lines = Vec::new();
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let line = fact.to_string();
        for room in 0..line.len() {
            let text = String::new();
            let mut place = Room { text, room };
            assert!(write!(place, "{fact}").is_err(), "{line}");
            assert!(line.starts_with(&place.text));
        }
        lines.push(line);
    }
    for secret in ["-token", "anna", "openid", "undefined", "bearer"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret}");
    }
    for line in [
        "Granted #3 access 15/0 refresh 15/1 scope 14/0 subject 16/0 app 4/0 for 3600000 ms",
        "Granted #3 access 13/0 until 1700000900000",
        "Granted #3 access 0/0 refresh 7/0 app 1/0",
        "Granted #3 access 0/0",
        "Loaded #3 nothing",
        "Loaded #3 Truncated",
        "Loaded #3 1.0 access 15/0 refresh 15/1 scope 14/0 subject 16/0 app 4/0",
        "Loaded #3 2.0 tombstone",
        "Probed #4294967294 Unreachable",
        "TokenFailed #4294967294 RateLimited, again after 0 s",
        "TokenFailed #4294967294 Unusable(Lifetime)",
        "AccessRequested 1048576",
        "AccessRequested 1048576 public",
        "AccessRequested 1048576 again after 0xfffffffffffffffc",
        "Answered 0xfffffffffffffffc 401 invalid_token",
        "WaiterCancelled 1048576",
    ] {
        assert!(lines.iter().any(|told| told == line), "{line}\n{lines:#?}");
    }
}

/// The order that a fact answers and the receipt that it brings back can be put in place of others; it is the same
/// fact otherwise.
#[test]
fn a_fact_is_told_of_another_order_or_answer() {
    let (_, read) = all();
    let (ticket, receipt) = (Ticket::from_u32(41), Receipt::from_u64(43));
    let (mut tickets, mut receipts) = (0, 0);
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let other = fact.with_ticket(ticket);
        assert_eq!(other.kind(), fact.kind());
        match fact.ticket() {
            Some(old) => {
                tickets += 1;
                assert_eq!(other.ticket(), Some(ticket));
                assert_eq!(other.with_ticket(old), *fact);
            }
            None => assert_eq!(other, *fact),
        }
        let other = fact.with_receipt(receipt);
        match fact.receipt() {
            Some(old) => {
                receipts += 1;
                assert_eq!(other.receipt(), Some(receipt));
                assert_eq!(other.with_receipt(old), *fact);
            }
            None => assert_eq!(other, *fact),
        }
    }
    assert!(tickets > 60, "{tickets}");
    assert_eq!(receipts, 10, "a retry, and the answers");
}

/// A secret may be named anew, at another length; what is told by its length alone stays.
#[test]
fn a_fact_is_told_with_other_secrets() {
    let (_, read) = all();
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    let mut changed = 0;
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let other = fact.renamed(|redacted| redacted.renamed(9, 40_000));
        assert_eq!(fact.renamed(|redacted| redacted), *fact);
        let event = other.event(CAPACITY, &mut scratch);
        let Some(Event::Granted { grant, .. }) = event else {
            continue;
        };
        let texts = [
            Some(grant.access_token.as_bytes()),
            grant.refresh_token.map(str::as_bytes),
            grant.app_data,
        ];
        for text in texts.into_iter().flatten() {
            changed += 1;
            assert!([0, 9].contains(&text.len()), "{text:?}");
        }
    }
    assert!(changed > 8, "{changed}");
}

/// What a latch of this capacity can't hold it finds corrupt, and that is what is recorded.
#[test]
fn a_record_of_a_larger_latch_is_recorded_as_corrupt() {
    let long = "x".repeat(CAPACITY + 1);
    let [record, _] = records::<128>(Grant::new(&long));
    let ticket = Ticket::from_u32(3);
    let record = Some(&record[..]);
    let (bytes, _) = written(1_024, |latch, recorder| {
        let event = Event::Loaded { ticket, record };
        recorder.told(latch, Now::monotonic(0), &event, Ok(Outcome::Stale));
    });
    let [Ok(Entry::Told { fact, .. })] = entries(&bytes)[..] else {
        panic!("not told: {:?}", entries(&bytes));
    };
    assert_eq!(fact.to_string(), "Loaded #3 Content");
}
