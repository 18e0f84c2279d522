//! A whole recording: its form without the secrets, cut off, and too long for its room.

use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Ticket;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Fact;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::scratch_capacity;

use crate::support::CAPACITY;
use crate::support::KEY;
use crate::support::all;
use crate::support::entries;
use crate::support::found;
use crate::support::grants;
use crate::support::new;
use crate::support::write_all;
use crate::support::written;

#[test]
fn what_was_given_or_found_has_the_same_form_and_other_words() {
    let (_, read) = all();
    let facts: Vec<Fact> = read
        .iter()
        .filter_map(|entry| match entry {
            Entry::Told { fact, .. } => Some(*fact),
            _ => None,
        })
        .collect();
    let mut facts = facts.iter();
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    let same_lengths = |real: &Grant<'_>, other: &Grant<'_>| {
        let lengths = |grant: &Grant<'_>| {
            [
                Some(grant.access_token.len()),
                grant.refresh_token.map(str::len),
                grant.scope.map(str::len),
                grant.subject.map(str::len),
                grant.app_data.map(<[u8]>::len),
            ]
        };
        assert_eq!(lengths(real), lengths(other));
        assert_eq!(
            (real.expiry, real.server_time, real.token_type),
            (other.expiry, other.server_time, other.token_type)
        );
    };
    for real in grants() {
        let fact = facts.next().expect("a grant");
        let event = fact.event(CAPACITY, &mut scratch);
        let Some(Event::Granted { ticket, grant }) = event else {
            panic!("no grant: {event:?}");
        };
        assert_eq!(ticket, Ticket::from_u32(3));
        same_lengths(&real, &grant);
    }
    for real in found() {
        let fact = facts.next().expect("a record");
        let event = fact.event(CAPACITY, &mut scratch);
        let Some(Event::Loaded { record, .. }) = event else {
            panic!("no record: {event:?}");
        };
        let look = |bytes: &[u8]| format!("{:?}", tokenlatch::inspect(bytes));
        assert_eq!(record.is_some(), real.is_some());
        assert_eq!(
            look(record.unwrap_or_default()),
            look(&real.unwrap_or_default())
        );
    }
    // Each is made up in as much scratch space as it needs, and in less it is not made up at all.
    for fact in read.iter().filter_map(|entry| match entry {
        Entry::Told { fact, .. } => Some(fact),
        _ => None,
    }) {
        let whole = fact.event(CAPACITY, &mut scratch).map(|event| event.kind());
        assert_eq!(whole, Some(fact.kind()));
        let mut least = 0;
        for room in 0..scratch_capacity(CAPACITY) {
            match fact.event(CAPACITY, &mut scratch[..room]) {
                Some(event) => assert_eq!(event.kind(), fact.kind()),
                None => least = room + 1,
            }
        }
        assert!(least < scratch_capacity(CAPACITY), "{fact}");
        assert!(fact.event(CAPACITY, &mut scratch[..least]).is_some());
    }
}

/// A file that ends early: the entries before the end, and the byte where the next should stand.
#[test]
fn a_recording_that_was_cut_off_is_damaged_where_its_last_entry_begins() {
    let (bytes, whole) = all();
    let mut before = None;
    let mut ends = 0;
    for length in 0..bytes.len() {
        let Ok(recording) = Recording::read(&bytes[..length]) else {
            assert_eq!(before, None, "a longer one was read");
            continue;
        };
        let mut read: Vec<_> = recording.entries().collect();
        let damaged = read.pop_if(|last| last.is_err());
        assert!(read.len() >= before.unwrap_or(0), "{length}");
        before = Some(read.len());
        let good: Result<Vec<_>, _> = read.into_iter().collect();
        let good = good.expect("only the last is damaged");
        assert_eq!(good, whole[..good.len()]);
        match damaged {
            None => ends = length,
            Some(error) => assert_eq!(error, Err(RecordingError::Damaged(ends))),
        }
    }
    assert_eq!(before, Some(whole.len() - 1));
}

/// A buffer that is too small: what fits is there, then the mark that the rest is missing.
#[test]
fn a_recording_that_did_not_fit_ends_with_a_mark() {
    let (bytes, whole) = all();
    let least = (0..bytes.len())
        .find(|length| Recorder::new(&new(), KEY, &mut vec![0; *length]).is_ok())
        .expect("room for the head");
    for room in least..bytes.len() + 1 {
        let (part, is_full) = written(room, write_all);
        assert!(is_full, "{room}");
        let mut read = entries(&part);
        assert_eq!(read.pop(), Some(Ok(Entry::Cut)), "{room}");
        assert_eq!(part[..part.len() - 1], bytes[..part.len() - 1]);
        let read: Result<Vec<_>, _> = read.into_iter().collect();
        let read = read.expect("what was written");
        assert_eq!(read, whole[..read.len()]);
    }
    let (part, is_full) = written(bytes.len() + 1, write_all);
    assert_eq!((part, is_full), (bytes, false));
}
