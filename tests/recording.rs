//! Recordings: what is in them, and that they run again to the same effects.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "small numbers of the test's own"
)]

#[path = "fuzz_props/recording.rs"]
mod props;
#[path = "recording/story.rs"]
mod story;

use tokenlatch::Config;
use tokenlatch::ConfigError;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::recording::Difference;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorded;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::RecorderError;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::Replay;
use tokenlatch::recording::ReplayError;
use tokenlatch::recording::scratch_capacity;

use story::KEY;

/// The same on every machine.
fn list(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    core::iter::repeat_with(next).take(length).collect()
}

/// Operation lists in a world of two contexts, as in `tests/ops.rs`; both contexts are recorded and run again.
// promises: P13, P14
#[test]
fn random_lists_run_again_to_the_same_effects_and_hold_no_secret() {
    let mut all = props::Counts::default();
    for seed in 0..2_000 {
        let list = list(seed, 80);
        let counts = std::panic::catch_unwind(|| props::record(&list, 16 * 1_024));
        let counts = counts.unwrap_or_else(|_| panic!("seed {seed}"));
        all.recordings += counts.recordings;
        all.calls += counts.calls;
        all.effects += counts.effects;
        all.permits += counts.permits;
        all.bytes += counts.bytes;
        all.cut += counts.cut;
    }
    println!("{all:?}, {} bytes a call", all.bytes / all.calls);
    assert_eq!(all.cut, 0, "there was room");
    assert!(all.permits > 2_000, "the lists lead nowhere");
    assert!(all.effects > 50_000, "the lists lead nowhere");
}

/// Too little room: what was recorded until then runs again.
#[test]
fn recordings_that_were_cut_run_again_up_to_there() {
    let mut cut = 0;
    for seed in 0..200 {
        let counts = props::record(&list(seed, 60), 256 + 4 * seed as usize);
        cut += counts.cut;
    }
    assert!(cut > 100, "only {cut} were cut");
}

#[test]
fn properties_hold_for_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/recording");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let path = entry.expect("an entry").path();
        props::check(&std::fs::read(path).expect("a file"));
        count += 1;
    }
    assert!(count > 0, "no file in {corpus}");
}

fn recorded(key: Key, buffer: &mut [u8]) -> usize {
    story::record::<64, 4>(key, buffer).expect("as ever")
}

/// Runs it all; the entries, if nothing differs.
fn run(bytes: &[u8]) -> Result<Vec<Entry>, ReplayError> {
    let recording = Recording::read(bytes).map_err(ReplayError::Recording)?;
    let mut replay = Replay::<64, 4>::new(&recording).map_err(ReplayError::Recording)?;
    let mut scratch = [0; scratch_capacity(64)];
    core::iter::from_fn(|| replay.step(&mut scratch)).collect()
}

/// Version 1 is pinned: what this file holds can be read and gives the same for ever.
#[test]
fn the_golden_recording_is_written_and_runs_as_ever() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/recording-v1.hex");
    let mut buffer = [0; 4_096];
    let length = recorded(KEY, &mut buffer);
    let hex: String = buffer[..length]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{hex}\n")).expect("a writable file");
    }
    let golden = std::fs::read_to_string(path).expect("the golden file");
    let golden: Vec<u8> = (0..golden.trim().len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&golden[at..at + 2], 16).expect("hex"))
        .collect();
    let entries = run(&golden).expect("the same as ever");
    assert!(entries.len() > 30, "{entries:?}");
    // The version of the crate stands in it; all else is the same.
    let said = |bytes: &[u8]| {
        Recording::read(bytes)
            .expect("a recording")
            .written_by
            .len()
    };
    let (ours, theirs) = (said(&buffer[..length]), said(&golden));
    assert_eq!(
        buffer[6 + ours..length],
        golden[6 + theirs..],
        "the form has changed"
    );
}

// promises: P13
#[test]
fn no_secret_is_in_a_recording_and_its_key_tells_equal_ones() {
    let secrets = |key| {
        let mut buffer = [0; 4_096];
        let length = recorded(key, &mut buffer);
        for secret in [
            "access-token",
            "refresh-token",
            "anna",
            "openid",
            "0123456789abcdef",
        ] {
            let mut parts = buffer[..length].windows(secret.len());
            assert!(!parts.any(|part| part == secret.as_bytes()), "{secret}");
        }
        let entries = run(&buffer[..length]).expect("the same").into_iter();
        let secrets = entries.filter_map(|entry| match entry {
            Entry::Secret { redacted, hash } => Some((redacted, hash)),
            _ => None,
        });
        let key_id = Recording::read(&buffer).expect("a recording").key_id;
        (key_id, secrets.collect::<Vec<_>>())
    };
    let (id, first) = secrets(KEY);
    let lengths: Vec<u32> = first.iter().map(|(redacted, _)| redacted.length).collect();
    // The quoted token, refresh token, scope, subject, app data, token: each once.
    assert_eq!(lengths, [17, 15, 14, 16, 4, 15]);
    assert_eq!((id, first.clone()), secrets(KEY));
    let (other_id, other) = secrets(Key::new([1; 16]));
    assert_ne!(id, other_id);
    assert!(
        first
            .iter()
            .zip(&other)
            .all(|(a, b)| a.0 == b.0 && a.1 != b.1)
    );
    assert_eq!(format!("{KEY:?}"), "Key");
}

#[test]
fn a_step_that_differs_is_named() {
    let mut buffer = [0; 4_096];
    let length = recorded(KEY, &mut buffer);
    let good = run(&buffer[..length]).expect("the same");
    // The first load: kind 1, ticket 1.
    let load = Entry::Given(Effect::Load {
        ticket: Ticket::from_u32(1),
    });
    let at = buffer
        .windows(3)
        .position(|part| part == [0x10, 0x11, 0x86])
        .expect("the effects")
        + 1;
    assert!(good.contains(&load));
    buffer[at] = 0x03;
    let recording = Recording::read(&buffer[..length]).expect("a recording");
    let mut replay = Replay::<64, 4>::new(&recording).expect("a latch");
    let mut scratch = [0; scratch_capacity(64)];
    let found = core::iter::from_fn(|| replay.step(&mut scratch)).find_map(Result::err);
    let Some(ReplayError::Differs(difference)) = found else {
        panic!("nothing differs: {found:?}");
    };
    assert_eq!(replay.entry(), Some(&Entry::Given(Effect::Announce)));
    let given = Effect::Load {
        ticket: Ticket::from_u32(1),
    };
    assert_eq!(difference, Difference::Effect(Some(given)));
}

/// A recording with bytes changed, cut out or doubled is read or refused, and what differs is said.
#[test]
fn damaged_recordings_are_read_or_refused() {
    let mut buffer = [0; 4_096];
    let length = recorded(KEY, &mut buffer);
    let good = &buffer[..length];
    for length in 0..good.len() {
        props::read(&good[..length]);
    }
    let (mut refused, mut differ) = (0, 0);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.to_vec();
            bytes[at] ^= 1 << bit;
            props::read(&bytes);
            match run(&bytes) {
                Err(ReplayError::Differs(_)) => differ += 1,
                Err(_) => refused += 1,
                Ok(_) => {}
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
    assert!(differ > 1_000, "{differ}");
    for seed in 0..3_000 {
        let mut bytes = good.to_vec();
        for change in list(seed, 24).chunks_exact(4) {
            let at = (usize::from(change[0]) << 8 | usize::from(change[1])) % bytes.len();
            match change[2] % 3 {
                0 => bytes[at] = change[3],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, change[3]),
            }
        }
        props::read(&bytes);
    }
}

/// Whatever is wrong with a grant is wrong with the one that stands for it, on a larger latch too.
#[test]
fn a_refused_grant_is_refused_for_the_same_reason() {
    let long = "x".repeat(65);
    let tokens = [
        "",
        "undefined",
        "null",
        "NaN",
        "[object Object]",
        "\"a",
        "'",
        "a'",
        "bearer a",
        "DPoP a",
        "dpop ",
        "Bearer  ",
        "a b",
        " ",
        "é",
        "\n",
        "a\u{7f}",
        &long,
        "good",
        "g",
    ];
    for access in tokens {
        for refresh in tokens {
            for scope in ["s", &long[..62]] {
                let mut buffer = [0; 1_024];
                let mut latch =
                    Recorded::<64, 2>::new(Config::in_memory(), 1, KEY, &mut buffer).expect("room");
                let now = Now::monotonic(0);
                latch.handle(now, Event::Opened).expect("first");
                let Ok(Outcome::Login(ticket)) = latch.handle(now, Event::LoginStarted) else {
                    panic!("no login");
                };
                let mut grant = Grant::new(access);
                grant.refresh_token = Some(refresh);
                grant.scope = Some(scope);
                let outcome = latch.handle(now, Event::Granted { ticket, grant });
                let recording = Recording::read(latch.recorder().bytes()).expect("a recording");
                let mut same = Replay::<64, 2>::new(&recording).expect("a latch");
                let mut larger = Replay::<300, 2>::new(&recording).expect("a latch");
                let mut scratch = [0; scratch_capacity(300)];
                while let Some(step) = same.step(&mut scratch) {
                    step.unwrap_or_else(|error| {
                        panic!("{access:?} {refresh:?} {outcome:?}: {error}")
                    });
                    let step = larger.step(&mut scratch).expect("as many");
                    step.unwrap_or_else(|error| {
                        panic!("{access:?} {refresh:?} {outcome:?}: {error}")
                    });
                }
            }
        }
    }
}

#[test]
fn a_recording_begins_with_a_new_latch_and_some_room() {
    let mut latch = Latch::<64, 4>::new(Config::new(), 1).expect("a config");
    for room in 0..90 {
        let begun = Recorder::new(&latch, KEY, &mut vec![0; room]).map(|_| ());
        assert_eq!(begun, Err(RecorderError::BufferTooSmall), "{room}");
    }
    assert!(Recorder::new(&latch, KEY, &mut [0; 256]).is_ok());
    latch
        .handle(Now::monotonic(0), Event::Opened)
        .expect("first");
    let begun = Recorder::new(&latch, KEY, &mut [0; 256]).map(|_| ());
    assert_eq!(begun, Err(RecorderError::NotNew));
}

/// Each difference and each error in its own words.
#[test]
fn what_is_wrong_is_said_in_words() {
    let differences = [
        Difference::Outcome(Ok(Outcome::Done)),
        Difference::Receipt(Err(PermitError::Unknown)),
        Difference::Effect(None),
        Difference::Effect(Some(Effect::Announce)),
        Difference::State(State::Ready),
        Difference::Seen,
    ];
    let said = differences.map(|difference| ReplayError::Differs(difference).to_string());
    assert_eq!(
        said,
        [
            "the outcome is Ok(Done)",
            "the claim gives Err(Unknown)",
            "there is no effect",
            "the effect is Announce",
            "the state is Ready",
            "the latch's generation, timeout or waiters differ",
        ]
    );
    let damaged = RecordingError::Damaged(9);
    assert_eq!(damaged.to_string(), "the recording is damaged at byte 9");
    assert_eq!(
        ReplayError::Recording(damaged).to_string(),
        damaged.to_string()
    );
    let zero = ConfigError::Zero("budget");
    for (error, text) in [
        (
            RecordingError::Magic.to_string(),
            "these bytes are not a recording",
        ),
        (
            RecordingError::Version.to_string(),
            "the recording was made by a later version",
        ),
        (
            RecordingError::Config(zero).to_string(),
            "budget must not be zero",
        ),
        (
            RecordingError::Waiters.to_string(),
            "the recorded latch has another number of places",
        ),
        (
            RecordingError::Tokens.to_string(),
            "the recorded latch has room for longer tokens",
        ),
        (
            RecorderError::NotNew.to_string(),
            "the latch was told something before it was recorded",
        ),
        (
            RecorderError::BufferTooSmall.to_string(),
            "the buffer is too small for a recording",
        ),
        (
            RecorderError::Config(zero).to_string(),
            "budget must not be zero",
        ),
        (
            ReplayError::ScratchTooSmall.to_string(),
            "the scratch buffer is too small",
        ),
    ] {
        assert_eq!(error, text);
    }
}

#[test]
fn what_is_no_recording_is_said() {
    assert_eq!(read_err(b""), Some(RecordingError::Magic));
    assert_eq!(read_err(b"TL\x01"), Some(RecordingError::Magic));
    assert_eq!(read_err(b"TLR"), Some(RecordingError::Magic));
    assert_eq!(read_err(b"TLR\x02"), Some(RecordingError::Version));
    assert_eq!(read_err(b"TLR\x01"), Some(RecordingError::Damaged(4)));
    let mut buffer = [0; 4_096];
    let length = recorded(KEY, &mut buffer);
    let recording = Recording::read(&buffer[..length]).expect("a recording");
    let other = Replay::<64, 5>::new(&recording).map(|_| ());
    assert_eq!(other, Err(RecordingError::Waiters));
    let shorter = Replay::<63, 4>::new(&recording).map(|_| ());
    assert_eq!(shorter, Err(RecordingError::Tokens));
    let (tokens, waiters, seed) = (recording.tokens, recording.waiters, recording.seed);
    assert_eq!((tokens, waiters, seed), (64, 4, 5));
    assert_eq!(recording.config, Config::new());
    // The configuration's last field stands before the first call.
    let call = [0x86, 0x19, 0x04, 0xe2];
    let at = buffer.windows(4).position(|part| part == call);
    buffer[at.expect("the first call") - 1] = 0;
    let zero = RecordingError::Config(ConfigError::Zero("attempts"));
    assert_eq!(read_err(&buffer[..length]), Some(zero));
}

fn read_err(bytes: &[u8]) -> Option<RecordingError> {
    Recording::read(bytes).err()
}
