//! A context writes down what it is told.

use tokenlatch::State;
use tokenlatch::numbers::*;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Recording;
use tokenlatch::recording::Replay;
use tokenlatch::recording::scratch_capacity;

use crate::support::Context;
use crate::support::Host;
use crate::support::TOKEN;
use crate::support::WAITERS;

/// Runs a recording again; its entries, and the state in the end.
#[track_caller]
fn run(bytes: &[u8]) -> (Vec<Entry>, State) {
    let recording = Recording::read(bytes).expect("a recording");
    let mut replay = Replay::<TOKEN, WAITERS>::new(&recording).expect("a latch of its size");
    let mut scratch = [0; scratch_capacity(TOKEN)];
    let mut entries = Vec::new();
    while let Some(step) = replay.step(&mut scratch) {
        entries.push(step.expect("the same as then"));
    }
    (entries, replay.latch().state())
}

/// A session that requests can use, all of it recorded.
fn recorded() -> Host {
    let mut host = Host::with(&[]);
    assert_eq!(host.context.record([3; 16]), 0);
    host.plain(TL_EVENT_OPENED, 0.0);
    host.settle();
    let ticket = host.login();
    host.grant(ticket, &["access-1", "refresh-1", "openid", "anna"]);
    host.settle();
    host
}

// promises: P13
#[test]
fn a_recording_runs_again_and_holds_no_secret() {
    let mut host = recorded();
    host.sent(1);
    let bytes = host.context.recorded();
    for secret in ["access-1", "refresh-1", "openid", "anna"] {
        let mut parts = bytes.windows(secret.len());
        assert!(!parts.any(|part| part == secret.as_bytes()), "{secret}");
    }
    let recording = Recording::read(bytes).expect("a recording");
    assert_eq!(
        (recording.tokens, recording.waiters),
        (TOKEN as u64, WAITERS as u64)
    );
    assert_eq!(recording.seed, 5);
    let (entries, state) = run(bytes);
    assert_eq!(state, State::Ready);
    // Open, load, login, grant, load, store, request, claim.
    let calls = |entry: &&Entry| matches!(entry, Entry::Told { .. } | Entry::Claimed { .. });
    assert_eq!(entries.iter().filter(calls).count(), 8, "{entries:#?}");
}

#[test]
fn an_argument_without_a_meaning_is_not_recorded_and_a_refused_fact_is() {
    let mut host = recorded();
    let length = host.context.recorded().len();
    assert_eq!(
        host.plain(TL_EVENT_TIMEOUT_REACHED, f64::NAN),
        TL_ERR_ARGUMENT
    );
    host.now = -1.0;
    assert_eq!(host.permit(1), Err(TL_ERR_ARGUMENT));
    assert_eq!(host.context.recorded().len(), length);
    host.now = 1_000.0;
    assert_eq!(host.permit(1), Err(TL_ERR_UNKNOWN));
    let after_the_claim = host.context.recorded().len();
    assert!(after_the_claim > length);
    assert_eq!(host.plain(TL_EVENT_OPENED, 0.0), TL_ERR_ALREADY_OPENED);
    assert!(host.context.recorded().len() > after_the_claim);
    assert_eq!(run(host.context.recorded()).1, State::Ready);
}

#[test]
fn nothing_is_recorded_unless_asked() {
    let mut host = Host::ready(&[]);
    assert_eq!(host.context.recorded(), []);
    assert_eq!(host.context.record([3; 16]), TL_ERR_RECORDING_NOT_NEW);
    host.plain(TL_EVENT_TIMEOUT_REACHED, 0.0);
    assert_eq!(host.context.recorded(), []);
}

#[test]
fn a_recording_that_began_is_not_lost_to_a_second_start() {
    let mut host = recorded();
    let before = host.context.recorded().to_vec();
    assert_eq!(host.context.record([4; 16]), TL_ERR_RECORDING_NOT_NEW);
    assert_eq!(host.context.recorded(), before);
}

#[test]
fn a_recording_that_is_full_ends_there_and_runs_again_up_to_there() {
    let mut host = recorded();
    let mut length = 0;
    let mut calls = 0;
    while host.context.recorded().len() > length {
        length = host.context.recorded().len();
        host.now += 1_000_000.0;
        host.plain(TL_EVENT_TIMEOUT_REACHED, 0.0);
        host.settle();
        calls += 1;
        assert!(calls < 10_000, "it grows without end");
    }
    assert!(length > 16_000 && length <= 16 * 1_024, "{length}");
    let (entries, _) = run(host.context.recorded());
    assert!(entries.len() > 600, "{}", entries.len());
}

#[test]
fn each_context_has_its_own_key() {
    let mut ids = Vec::new();
    for key in [[0; 16], [1; 16], [1; 16]] {
        let mut context = Context::new();
        context.start(1, 2);
        assert_eq!(context.record(key), 0);
        let recording = Recording::read(context.recorded()).expect("a recording");
        assert_eq!(recording.seed, 2 << 32 | 1);
        ids.push(recording.key_id);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[1], ids[2]);
}
