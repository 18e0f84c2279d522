//! The tools of the example `replay`: what is left out, and the test that they write.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers of the test's own"
)]

#[path = "../examples/replay/latches.rs"]
mod latches;
#[path = "../examples/replay/minimise.rs"]
mod minimise;
#[path = "../examples/replay/test_text.rs"]
mod test_text;
#[path = "../examples/replay/transcript.rs"]
mod transcript;

use tokenlatch::recording::Entry;
use tokenlatch::recording::Recording;

type Failure = Box<dyn core::error::Error>;

fn golden() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/recording/golden");
    std::fs::read(path).expect("the seed")
}

/// The transcript of a recording as it is, and whether all of it ran as it did then.
fn lines(recording: &Recording<'_>) -> Vec<String> {
    let mut replay = latches::replay(recording).expect("a latch");
    let mut lines = Vec::new();
    while let Some(step) = replay.step() {
        let entry = step.expect("the same as then");
        assert_eq!(replay.entry(), Some(entry));
        if !matches!(entry, Entry::Secret { .. }) {
            let line = transcript::entry(&entry, Some(replay.generation()));
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

#[test]
fn a_transcript_says_what_happened() {
    let golden = golden();
    let recording = Recording::read(&golden).expect("a recording");
    let lines = lines(&recording);
    for line in [
        "      1250 ms  Resumed: refused, NotOpened -> Unauthenticated [0.0]",
        "      1500 ms  AccessRequested 7: Admitted -> Unauthenticated [0.0]",
        "      2000 ms  Loaded #1 Magic: Done -> Unauthenticated [0.0]",
        "               RequireLogin StoreCorrupt",
        "      2250 ms  LoginStarted: Login(#(2)) -> Pending [0.0]",
        "      2750 ms  Granted #2 access 15/1 refresh 15/0 scope 14/0 subject 16/0 app 4/0 for 3600000 ms: Done -> Pending [1.0]",
        "      3000 ms  Loaded #3 nothing: Done -> Pending [1.0]",
        "               Release 7",
        "      9000 ms  permit 7: #(4294967297) -> Ready [1.0]",
        "      9000 ms  permit 7: refused, Unknown -> Ready [1.0]",
        "      3500 ms  Answered 0x100000001 403 insufficient_scope: Surface(InsufficientScope) -> Pending [1.0]",
        "      4250 ms  Loaded #6 1.0 access 15/1 refresh 15/0 scope 14/0 subject 16/0 app 4/0: Done -> Refreshing [1.0]",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "{line}\n{lines:#?}"
        );
    }
    let head = transcript::head(&recording, golden.len());
    assert!(
        head.starts_with("Latch<64, 4>, seed 5, by tokenlatch "),
        "{head}"
    );
}

/// What is left does what it must, and nothing of it can go.
#[test]
fn what_is_left_is_needed() {
    let golden = golden();
    let recording = Recording::read(&golden).expect("a recording");
    let calls = minimise::calls(&recording).expect("calls");
    let all = minimise::run(&recording, &calls).expect("a run");
    assert_eq!(all.broken, None);
    for keep in [
        None,
        Some("Release 7"),
        Some("Surface(InsufficientScope)"),
        Some("Revoke"),
    ] {
        let left = minimise::minimise(&recording, calls.clone(), &all, keep).expect("fewer");
        assert!(left.len() < calls.len(), "{keep:?}");
        let has = |calls: &[minimise::Call]| {
            let run = minimise::run(&recording, calls).expect("a run");
            keep.is_some_and(|text| run.lines.iter().any(|line| line.contains(text)))
        };
        if keep.is_some() {
            assert!(has(&left), "{keep:?}");
            for at in 0..left.len() {
                let mut fewer = left.clone();
                fewer.remove(at);
                assert!(!has(&fewer), "{keep:?}: call {at} is not needed");
            }
        }
        // What is left is a recording of its own, and the same again.
        let bytes = minimise::record(&recording, &left).expect("a recording");
        let recording = Recording::read(&bytes).expect("a recording");
        assert!(recording.is_checked);
        let again = minimise::calls(&recording).expect("calls");
        assert_eq!(again.len(), left.len());
        assert!(lines(&recording).len() >= left.len());
    }
    let none = minimise::minimise(&recording, calls, &all, Some("no such line"));
    assert!(none.is_err());
}

/// The text without what a formatter changes.
fn words(text: &str) -> String {
    let mut words: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for end in [")", "]", "}"] {
        words = words.replace(&format!(",{end}"), end);
    }
    words
}

/// `tests/machine/recorded.rs` is what the example writes, and passes there. `UPDATE=1` writes it anew.
#[test]
fn the_written_test_is_the_one_in_tests_machine() {
    let golden = golden();
    let recording = Recording::read(&golden).expect("a recording");
    let calls = minimise::calls(&recording).expect("calls");
    let written = test_text::test(&recording, &calls).expect("a test");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machine/recorded.rs");
    let known = std::fs::read_to_string(path).expect("the test");
    let (head, body) = known.split_once("// Recorded").expect("its begin");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{head}{written}")).expect("a writable file");
        return;
    }
    assert_eq!(words(&format!("// Recorded{body}")), words(&written));
}
