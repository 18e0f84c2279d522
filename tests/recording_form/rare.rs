//! Bytes that were changed on their way, and what is rarely in a recording.

use tokenlatch::Config;
use tokenlatch::ConfigError;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::Ticket;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Fact;
use tokenlatch::recording::Recorded;
use tokenlatch::recording::RecorderError;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::Replay;
use tokenlatch::recording::ReplayError;
use tokenlatch::recording::scratch_capacity;

use crate::support::CAPACITY;
use crate::support::KEY;
use crate::support::all;
use crate::support::entries;
use crate::support::full;
use crate::support::write_all;
use crate::support::written;

/// Heads of items that end, that do not, and that are longer than they must be.
const HEADS: [u8; 14] = [
    0x00, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x40, 0x5f, 0x7f, 0x80, 0x98, 0x9f, 0xf6, 0xff,
];

/// The bytes of each entry of a recording of everything.
fn apart() -> Vec<Vec<u8>> {
    let (bytes, whole) = all();
    let mut ends = Vec::new();
    for length in 0..bytes.len() + 1 {
        let read = Recording::read(&bytes[..length]);
        let read = read.map(|recording| recording.entries().filter(Result::is_ok).count());
        if read == Ok(ends.len()) {
            ends.push(length);
        }
    }
    assert_eq!(ends.len(), whole.len() + 1);
    let spans = ends.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec());
    spans.collect()
}

/// The fact of an entry, told to a latch of some capacity as if it had been too long for it, and printed.
fn tell(entry: Entry) {
    assert!(!format!("{entry:?}").is_empty());
    let Entry::Told { fact, outcome, .. } = entry else {
        return;
    };
    assert!(format!("{fact}").starts_with(&format!("{:?}", fact.kind())));
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    for outcome in [outcome, Err(Rejected::Grant(GrantError::TooLong))] {
        if let Some(event) = fact.event_for(outcome, CAPACITY, &mut scratch) {
            assert_eq!(event.kind(), fact.kind());
        }
    }
}

/// An entry with one byte changed is read as another one, or is damaged where it begins.
// promises: P14
#[test]
fn an_entry_with_a_changed_byte_is_another_one_or_damaged_at_its_first() {
    let (begin, _) = written(256, |_, _| {});
    let (mut read, mut damaged) = (0, 0);
    for entry in apart() {
        for at in 0..entry.len() {
            let bits = (0..8).map(|bit| entry[at] ^ (1 << bit));
            for byte in bits.chain(HEADS) {
                let mut bytes = begin.clone();
                bytes.extend(&entry);
                bytes[begin.len() + at] = byte;
                match entries(&bytes).first() {
                    Some(Ok(entry)) => {
                        tell(*entry);
                        read += 1;
                    }
                    other => {
                        let error = Err(RecordingError::Damaged(begin.len()));
                        assert_eq!(other, Some(&error), "{byte:#x} at {at} of {entry:x?}");
                        damaged += 1;
                    }
                }
            }
        }
    }
    assert!(read > 10_000 && damaged > 10_000, "{read} {damaged}");
}

/// What was no grant is not made longer.
#[test]
fn only_a_grant_can_be_too_long() {
    let (_, whole) = all();
    let too_long = Err(Rejected::Grant(GrantError::TooLong));
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    for entry in whole {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let event = fact.event_for(too_long, CAPACITY, &mut scratch);
        let event = event.expect("room");
        if let Event::Granted { grant, .. } = event {
            assert!(grant.app_data.is_some_and(|data| data.len() > CAPACITY));
        } else {
            let mut scratch = [0; scratch_capacity(CAPACITY)];
            assert!(fact.event(CAPACITY, &mut scratch) == Some(event), "{fact}");
        }
    }
}

/// A fact is printed as its kind, also one that has bytes.
// promises: P13
#[test]
fn no_bytes_of_a_fact_are_printed() {
    let (_, whole) = all();
    let facts = whole.into_iter().filter_map(|entry| match entry {
        Entry::Told { fact, .. } => Some(fact),
        _ => None,
    });
    for fact in facts {
        assert_eq!(format!("{fact:?}"), format!("Fact({:?})", fact.kind()));
    }
}

// promises: P13
#[test]
fn a_recorder_prints_how_far_it_has_come_and_nothing_else() {
    for (room, is_full) in [(1 << 14, false), (256, true)] {
        written(room, |latch, recorder| {
            write_all(latch, recorder);
            let length = recorder.bytes().len();
            let expected = format!("Recorder {{ length: {length}, is_full: {is_full}, .. }}");
            assert_eq!(format!("{recorder:?}"), expected);
        });
    }
}

/// A latch with a session whose renewal is marked in this record.
fn marked() -> Vec<u8> {
    let mut latch = Latch::<CAPACITY, 4>::new(Config::new(), 5).expect("a config");
    let now = Now::new(10, 1_700_000_000_010);
    let mut record = Vec::new();
    let mut tell = |event: Event<'_>| {
        let outcome = latch.handle(now, event).expect("it is taken");
        while let Some(effect) = latch.poll_effect() {
            match effect {
                Effect::Load { ticket } => {
                    let record = Some(record.as_slice());
                    latch
                        .handle(now, Event::Loaded { ticket, record })
                        .expect("it is taken");
                }
                Effect::Store { ticket } => {
                    let mut buffer = [0; Latch::<CAPACITY, 4>::RECORD_CAPACITY];
                    let length = latch.record(ticket, &mut buffer).expect("it fits");
                    record = buffer[..length].to_vec();
                    latch
                        .handle(now, Event::Stored { ticket })
                        .expect("it is taken");
                }
                _ => {}
            }
        }
        outcome
    };
    tell(Event::Opened);
    let Outcome::Login(ticket) = tell(Event::LoginStarted) else {
        panic!("no login");
    };
    let grant = full();
    tell(Event::Granted { ticket, grant });
    tell(Event::RefreshRequested);
    record
}

#[test]
fn a_marked_record_is_told_as_one() {
    let record = marked();
    let ticket = Ticket::from_u32(3);
    let record = Some(record.as_slice());
    let (bytes, _) = written(1_024, |latch, recorder| {
        let found = Event::Loaded { ticket, record };
        recorder.told(latch, Now::monotonic(0), &found, Ok(Outcome::Done));
    });
    let mut told = entries(&bytes).into_iter().filter_map(|entry| match entry {
        Ok(Entry::Told { fact, .. }) => Some(fact),
        _ => None,
    });
    let fact: Fact = told.next().expect("what was told");
    let text = fact.to_string();
    assert!(text.starts_with("Loaded #3 1.0 sent"), "{text}");
}

#[test]
fn what_can_not_be_recorded_is_said() {
    let mut config = Config::new();
    config.budget = 0;
    let mut buffer = [0; 256];
    let made = Recorded::<CAPACITY, 4>::new(config, 5, KEY, &mut buffer);
    let zero = ConfigError::Zero("budget");
    assert_eq!(made.err(), Some(RecorderError::Config(zero)));
    let made = Recorded::<CAPACITY, 4>::new(Config::new(), 5, KEY, &mut buffer[..60]);
    assert_eq!(made.err(), Some(RecorderError::BufferTooSmall));
}

/// The configuration of a recording can be changed by whoever runs it again.
#[test]
fn what_can_not_be_run_again_is_said() {
    let (bytes, _) = written(1 << 14, write_all);
    let mut recording = Recording::read(&bytes).expect("a recording");
    let mut replay = Replay::<CAPACITY, 4>::new(&recording).expect("a latch");
    let mut steps = core::iter::from_fn(|| replay.step(&mut []));
    let too_small = Some(Err(ReplayError::ScratchTooSmall));
    assert_eq!(steps.find(Result::is_err), too_small);
    recording.config.attempts = 0;
    let zero = RecordingError::Config(ConfigError::Zero("attempts"));
    let made = Replay::<CAPACITY, 4>::new(&recording);
    assert_eq!(made.err(), Some(zero));
    assert_eq!(Grant::ambient(), Grant::new(""));
}
