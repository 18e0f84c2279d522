//! Each number and field is written as what it means.

use tokenlatch::Now;
use tokenlatch::PermitError;
use tokenlatch::Waiter;
use tokenlatch::recording::Entry;
use tokenlatch::recording::RecordingError;

use crate::support::entries;
use crate::support::written;

/// A number in its shortest form (RFC 8949 4.2.1); 0x80 for an array.
fn head(major: u8, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    match value {
        0..=23 => vec![major | value as u8],
        24..=0xff => [&[major | 24], &bytes[7..]].concat(),
        0x100..=0xffff => [&[major | 25], &bytes[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26], &bytes[4..]].concat(),
        _ => [&[major | 27], &bytes[..]].concat(),
    }
}

/// Small numbers, and those at which a part of a joined number ends.
fn numbers() -> impl Iterator<Item = u64> {
    let large = [16, 20, 32, 33, 36, 37, 48, 52, 53, 60, 63];
    let ends = large.into_iter().flat_map(|bits| {
        let end = 1_u64 << bits;
        (0..16).flat_map(move |kind| [end | kind, (end - 16) | kind])
    });
    (0..1_024).chain(ends).chain([u64::MAX])
}

/// The only entry, or `None` if it is damaged at its first byte.
fn only(bytes: &[u8], begin: usize) -> Option<Entry> {
    let mut read = entries(bytes);
    assert_eq!(read.len(), 1);
    match read.pop() {
        Some(Ok(entry)) => Some(entry),
        other => {
            assert_eq!(other, Some(Err(RecordingError::Damaged(begin))));
            None
        }
    }
}

/// No two numbers mean the same effect, claim or outcome, and none means half of one.
#[test]
fn what_a_number_means_is_written_as_that_number() {
    let (begin, _) = written(256, |_, _| {});
    let (claim, _) = written(256, |latch, recorder| {
        recorder.claimed(
            latch,
            Now::monotonic(0),
            Waiter::from_u32(1),
            Err(PermitError::NotReady),
        );
    });
    let at = begin.len();
    // Six fields: no time, no wall clock; then the request, what came of it, the state, and what is seen.
    assert_eq!(claim[at..at + 6], [0x86, 0x00, 0xf6, 0x01, 0x01, 0x00]);
    let end = &claim[at + 5..];
    let (mut effects, mut claims, mut outcomes) = (0, 0, 0);
    for number in numbers() {
        let number = head(0, number);
        let bytes = [&begin[..], &number].concat();
        if let Some(entry) = only(&bytes, at) {
            let Entry::Given(effect) = entry else {
                panic!("no effect: {entry:?}");
            };
            effects += 1;
            let (again, _) = written(256, |_, recorder| recorder.given(effect));
            assert_eq!(again, bytes, "{effect:?}");
        }
        let bytes = [&claim[..at + 4], &number, end].concat();
        if let Some(entry) = only(&bytes, at) {
            let Entry::Claimed {
                now,
                waiter,
                receipt,
                ..
            } = entry
            else {
                panic!("no claim: {entry:?}");
            };
            claims += 1;
            let (again, _) = written(256, |latch, recorder| {
                recorder.claimed(latch, now, waiter, receipt);
            });
            assert_eq!(again, bytes, "{receipt:?}");
        }
        // A fact of one field: the sixth kind.
        let bytes = [&claim[..at + 3], &[0x81, 0x05], &number, end].concat();
        if let Some(entry) = only(&bytes, at) {
            outcomes += 1;
            assert_eq!(told_again(&entry), bytes, "{entry:?}");
        }
    }
    println!("{effects} effects, {claims} claims, {outcomes} outcomes");
    assert!(effects > 300, "{effects}");
    assert!(claims > 100, "{claims}");
    assert!(outcomes > 100, "{outcomes}");
}

fn told_again(entry: &Entry) -> Vec<u8> {
    let Entry::Told {
        now, fact, outcome, ..
    } = *entry
    else {
        panic!("not told: {entry:?}");
    };
    let event = fact.event(0, &mut []).expect("no bytes");
    let (bytes, _) = written(256, |latch, recorder| {
        recorder.told(latch, now, &event, outcome);
    });
    bytes
}

/// A fact has as many fields as its kind says, each in its range.
#[test]
fn what_fields_mean_is_written_as_those_fields() {
    let (claim, _) = written(256, |latch, recorder| {
        recorder.claimed(
            latch,
            Now::monotonic(0),
            Waiter::from_u32(1),
            Err(PermitError::NotReady),
        );
    });
    let (begin, _) = written(256, |_, _| {});
    let at = begin.len();
    let end = &claim[at + 5..];
    let values = [
        0,
        1,
        2,
        3,
        8,
        9,
        24,
        0xffff,
        0x1_0000,
        0xffff_ffff,
        1 << 32,
        1 << 33,
    ];
    let (mut good, mut bad) = (0, 0);
    let mut check = |kind: u64, fields: &[u64]| {
        let mut fact = head(0x80, fields.len() as u64 + 1);
        fact.extend(head(0, kind));
        for field in fields {
            fact.extend(head(0, *field));
        }
        let bytes = [&begin[..], &[0x86, 0x00, 0xf6], &fact, &[0x00], end].concat();
        // Too many fields may be read as the outcome and the state; then something is left over.
        let read = entries(&bytes);
        match read[..] {
            [Ok(entry)] => {
                good += 1;
                assert_eq!(told_again(&entry), bytes, "{kind} {fields:?}");
            }
            [Err(RecordingError::Damaged(damaged))] => {
                bad += 1;
                assert_eq!(damaged, at);
            }
            _ => panic!("{kind} {fields:?}: {read:?}"),
        }
    };
    for kind in 0..26 {
        check(kind, &[]);
        for first in values {
            check(kind, &[first]);
            for second in values {
                check(kind, &[first, second]);
                for third in values {
                    check(kind, &[first, second, third]);
                }
            }
        }
        check(kind, &[0, 0, 0, 0]);
    }
    println!("{good} good, {bad} bad");
    assert!(good > 500, "{good}");
    assert!(bad > 10_000, "{bad}");
}
