//! Names and sentences are those of the library.

use core::mem::size_of;
use core::ptr::null_mut;

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::ConfigError;
use tokenlatch::Corrupt;
use tokenlatch::EventKind;
use tokenlatch::GrantError;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::text;

#[test]
fn names_are_those_of_the_library() {
    let states = [
        State::Unauthenticated,
        State::Pending,
        State::Ready,
        State::Refreshing,
        State::Expired,
    ];
    for (number, state) in (0..).zip(states) {
        assert_eq!(text(tl_state_name(number)), state.name());
    }
    let kinds = [
        EventKind::Opened,
        EventKind::Resumed,
        EventKind::StoreChanged,
        EventKind::WentOffline,
        EventKind::WentOnline,
        EventKind::LoginStarted,
        EventKind::Granted,
        EventKind::TokenFailed,
        EventKind::Loaded,
        EventKind::LoadFailed,
        EventKind::Stored,
        EventKind::StoreFailed,
        EventKind::Probed,
        EventKind::LeaseGranted,
        EventKind::LeaseDenied,
        EventKind::LeaseLost,
        EventKind::Revoked,
        EventKind::RevokeFailed,
        EventKind::AccessRequested,
        EventKind::Answered,
        EventKind::WaiterCancelled,
        EventKind::RefreshRequested,
        EventKind::LogoutRequested,
        EventKind::TimeoutReached,
    ];
    for (number, kind) in (0..).zip(kinds) {
        assert_eq!(text(tl_event_name(number)), format!("{kind:?}"));
    }
    let kinds = [
        ChallengeKind::Absent,
        ChallengeKind::OtherScheme,
        ChallengeKind::NoError,
        ChallengeKind::OtherError,
        ChallengeKind::InvalidRequest,
        ChallengeKind::InvalidToken,
        ChallengeKind::InsufficientScope,
        ChallengeKind::InsufficientUserAuthentication,
        ChallengeKind::UseDpopNonce,
    ];
    for (number, kind) in (0..).zip(kinds) {
        assert_eq!(text(tl_challenge_name(number)), kind.name());
    }
    let corrupt = [
        Corrupt::Truncated,
        Corrupt::Magic,
        Corrupt::Version,
        Corrupt::Checksum,
        Corrupt::Content,
    ];
    for (number, corrupt) in (TL_CORRUPT_TRUNCATED..).zip(corrupt) {
        assert_eq!(text(tl_corrupt_sentence(number)), corrupt.sentence());
    }
}

#[test]
fn texts_of_causes_are_those_of_the_library() {
    for cause in Cause::ALL {
        let number = cause.code().into();
        assert_eq!(text(tl_cause_name(number)), cause.name());
        assert_eq!(text(tl_cause_sentence(number)), cause.sentence());
        assert_eq!(text(tl_cause_sentence_zh(number)), cause.sentence_zh());
        assert_eq!(text(tl_cause_fix(number)), cause.fix());
        let refused = TL_ERR_REFUSED - i32::from(cause.code());
        assert_eq!(text(tl_strerror(refused)), cause.sentence());
        let surfaced = TL_OUTCOME_SURFACE + i32::from(cause.code());
        assert_eq!(text(tl_strerror(surfaced)), cause.sentence());
    }
}

#[test]
fn sentences_of_errors_are_those_of_the_library() {
    let grants = [
        GrantError::Empty,
        GrantError::Literal,
        GrantError::Quoted,
        GrantError::Scheme,
        GrantError::Character,
        GrantError::TooLong,
        GrantError::Lifetime,
        GrantError::TokenType,
    ];
    for (at, error) in (0..).zip(grants) {
        assert_eq!(text(tl_strerror(TL_ERR_GRANT_EMPTY - at)), error.sentence());
    }
    let rejected = [
        Rejected::NotOpened,
        Rejected::AlreadyOpened,
        Rejected::QueueFull,
        Rejected::DuplicateWaiter,
        Rejected::NoSession,
        Rejected::Throttled,
    ];
    for (at, error) in (0..).zip(rejected) {
        assert_eq!(text(tl_strerror(TL_ERR_NOT_OPENED - at)), error.to_string());
    }
    let config = [
        (
            TL_ERR_CONFIG_LEASE_WITHOUT_STORE,
            ConfigError::LeaseWithoutStore,
        ),
        (
            TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE,
            ConfigError::ConfirmationWithoutStore,
        ),
        (
            TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE,
            ConfigError::AmbientWithoutProbe,
        ),
        (TL_ERR_CONFIG_BACKOFF_CAP, ConfigError::BackoffCap),
        (TL_ERR_CONFIG_LEASE_TIMEOUT, ConfigError::LeaseTimeout),
    ];
    for (number, error) in config {
        assert_eq!(text(tl_strerror(number)), error.to_string());
    }
}

#[test]
fn an_error_of_this_interface_has_a_sentence_of_its_own() {
    let numbers = [
        TL_ERR_ARGUMENT,
        TL_ERR_ABI,
        TL_ERR_UNINIT,
        TL_ERR_SPACE,
        TL_ERR_STALE,
        TL_ERR_NOT_READY,
        TL_ERR_UNKNOWN,
        TL_ERR_CONFIG_ZERO,
        TL_ERR_RECORDING_NOT_NEW,
        TL_ERR_RECORDING_SPACE,
        TL_ERR_RECORDING_NONE,
    ];
    let mut texts = numbers.map(|number| text(tl_strerror(number))).to_vec();
    assert!(!texts.contains(&text(tl_strerror(i32::MIN))));
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), numbers.len());
}

#[test]
fn every_number_has_a_text() {
    for number in -1100..400 {
        assert!(!text(tl_strerror(number)).is_empty());
        assert!(!text(tl_outcome_name(number)).is_empty());
    }
    let extremes = [i32::MIN, i32::MAX].map(|number| text(tl_strerror(number)));
    assert_eq!(extremes, ["unknown"; 2]);
    let unknown = [
        tl_state_name(5),
        tl_event_name(24),
        tl_effect_name(13),
        tl_challenge_name(9),
        tl_corrupt_sentence(6),
        tl_strerror(8),
        tl_cause_sentence(29),
        tl_cause_sentence_zh(u32::MAX),
        tl_cause_fix(0x1_0001),
        tl_outcome_name(8),
        tl_outcome_name(-1),
    ];
    assert_eq!(unknown.map(text), ["unknown"; 11]);
    let known = [
        tl_outcome_name(TL_OUTCOME_RETRY),
        tl_outcome_name(TL_OUTCOME_SURFACE + 1),
        tl_effect_name(TL_EFFECT_NONE),
        tl_effect_name(TL_EFFECT_RELEASE),
        tl_strerror(TL_OUTCOME_DONE),
    ];
    assert_eq!(
        known.map(text),
        ["Retry", "Surface", "None", "Release", "no error"]
    );
    let none = [
        tl_cause_name(TL_CAUSE_NONE),
        tl_cause_sentence(TL_CAUSE_NONE),
        tl_cause_sentence_zh(TL_CAUSE_NONE),
        tl_cause_fix(TL_CAUSE_NONE),
    ];
    assert_eq!(none.map(text), ["none"; 4]);
    let mut outcomes: Vec<_> = (TL_OUTCOME_DONE..=TL_OUTCOME_RETRY)
        .map(|outcome| text(tl_strerror(outcome)))
        .collect();
    assert!(!outcomes.contains(&"unknown"));
    outcomes.dedup();
    assert_eq!(outcomes.len(), 8);
}

fn line(step: &tl_step) -> String {
    let (mut line, mut len) = ([0xFF_u8; 256], 0);
    let at = line.as_mut_ptr().cast();
    // SAFETY: a step, and memory for the text.
    unsafe {
        assert_eq!(
            tl_step_text(step, null_mut(), 0, &raw mut len),
            TL_ERR_SPACE
        );
        let needed = len;
        assert_eq!(
            tl_step_text(step, at, needed - 1, &raw mut len),
            TL_ERR_SPACE
        );
        assert_eq!(
            tl_step_text(step, at, needed, &raw mut len),
            TL_OUTCOME_DONE
        );
        assert_eq!((line[len], line[len + 1], len + 1), (0, 0xFF, needed));
    }
    String::from_utf8(line[..len].to_vec()).unwrap()
}

#[test]
fn a_step_is_written_as_the_library_writes_it() {
    let mut latch = tokenlatch::Latch::<64, 4>::new(tokenlatch::Config::new(), 1).unwrap();
    for at in [0, 10, 1_234_567_890, u64::MAX >> 1] {
        let opened = tokenlatch::Event::Opened;
        let event = if at == 0 {
            opened
        } else {
            tokenlatch::Event::Resumed
        };
        latch.handle(tokenlatch::Now::monotonic(at), event).unwrap();
        while latch.poll_effect().is_some() {}
    }
    let memory = Memory::fresh();
    let mut effect = tl_effect::default();
    let mut steps = [tl_step::default(); 8];
    // SAFETY: a latch, and memory for what it tells.
    let count = unsafe {
        for at in [0, 10, 1_234_567_890, u64::MAX >> 1] {
            let fact = if at == 0 { tl_opened } else { tl_resumed };
            assert_eq!(fact(memory.at(), at, 0), TL_OUTCOME_DONE);
            while tl_poll_effect(memory.at(), &raw mut effect) > 0 {}
        }
        tl_trace(memory.at(), steps.as_mut_ptr(), 8)
    };
    let lines: Vec<_> = steps[..count.cast_unsigned() as usize]
        .iter()
        .map(line)
        .collect();
    let expected: Vec<_> = latch.trace().map(|step| step.to_string()).collect();
    assert_eq!(lines, expected);
    assert_eq!(
        lines[0].trim_start(),
        "0 ms  Opened: Unauthenticated -> Pending  [0.0] StateChanged Load"
    );
}

#[test]
fn the_longest_step_has_room() {
    let step = tl_step {
        at_ms: u64::MAX,
        sign_in: u32::MAX,
        serial: u32::MAX,
        event: TL_EVENT_ACCESS_REQUESTED,
        from: TL_STATE_UNAUTHENTICATED,
        to: TL_STATE_REFRESHING,
        effects: u32::MAX,
    };
    let text = line(&step);
    assert!(text.len() < 256, "{}", text.len());
    assert!(
        text.starts_with("18446744073709551615 ms  AccessRequested: Unauthenticated -> Refreshing")
    );
    assert_eq!(size_of::<tl_step>(), 32);
}
