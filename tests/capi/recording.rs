//! A latch behind C functions that is recorded: the same bytes as from the library itself.

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Now;
use tokenlatch::capi::*;
use tokenlatch::numbers::*;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorded;
use tokenlatch::recording::Recording;
use tokenlatch::recording::Replay;
use tokenlatch::recording::scratch_capacity;

use crate::support::Memory;
use crate::support::defaults;
use crate::support::init;

type Beside<'b> = Recorded<'b, TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY>;

const KEY: [u8; 16] = *b"0123456789abcdef";
/// As `support::init` has it.
const SEED: u64 = 0x5eed;

fn start(memory: &Memory, buffer: &mut [u8]) -> i32 {
    let (at, capacity) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: a latch, a key, and memory that is there for as long as the test uses the latch.
    unsafe { tl_recording_start(memory.at(), KEY.as_ptr(), at, capacity) }
}

/// What is told, and how much is written.
fn written(memory: &Memory) -> (i32, usize) {
    let mut len = usize::MAX;
    // SAFETY: a latch, and memory for the length.
    let told = unsafe { tl_recording_len(memory.at(), &raw mut len) };
    (told, len)
}

fn life(at: *mut tl_latch) {
    let mut ticket = 0;
    let grant = crate::support::grant("an-access-token", "a-refresh-token");
    let size = size_of::<tl_grant>();
    let mut body = *br#"{"access_token":"","expires_in":5}"#;
    let mut response = tl_response {
        server_time_ms: 7,
        shape: core::ptr::null(),
        status: 200,
        retry_after_s: 0,
    };
    let mut effect = tl_effect::default();
    let (mut token, mut len, mut receipt) = ([0_u8; 64], 0, 0);
    // SAFETY: a latch, and memory of its size.
    unsafe {
        assert_eq!(tl_resumed(at, 5, 0), TL_ERR_NOT_OPENED);
        tl_opened(at, 10, 1_000);
        tl_loaded(at, 20, 1_010, 1, b"?".as_ptr(), 1);
        tl_login_started(at, 30, 0, &raw mut ticket);
        // A grant that can't be used: two entries.
        let told = tl_token_response_sized(
            at,
            40,
            0,
            ticket,
            &raw const response,
            size_of::<tl_response>(),
            body.as_mut_ptr(),
            body.len(),
        );
        assert_eq!(told, TL_OUTCOME_DONE);
        tl_login_started(at, 50, 0, &raw mut ticket);
        // Not told at all, and not recorded.
        response.status = 70_000;
        let told = tl_token_response_sized(
            at,
            55,
            0,
            ticket,
            &raw const response,
            size_of::<tl_response>(),
            body.as_mut_ptr(),
            body.len(),
        );
        assert_eq!(told, TL_ERR_ARGUMENT);
        tl_granted_sized(at, 60, 0, ticket, &raw const grant, size);
        tl_access_requested(at, 70, 0, 7);
        while tl_poll_effect(at, &raw mut effect) == 1 {}
        let no_room = tl_permit(
            at,
            80,
            0,
            7,
            token.as_mut_ptr().cast(),
            1,
            &raw mut len,
            &raw mut receipt,
        );
        assert!(no_room == TL_ERR_SPACE || no_room == TL_ERR_NOT_READY);
        tl_permit(
            at,
            80,
            0,
            7,
            token.as_mut_ptr().cast(),
            64,
            &raw mut len,
            &raw mut receipt,
        );
        tl_logout_requested(at, 90, 1_080);
        while tl_poll_effect(at, &raw mut effect) == 1 {}
    }
}

/// The same through the library. What C was refused because of its arguments is not told.
fn beside(latch: &mut Beside<'_>) {
    use tokenlatch::{Access, Expiry, Grant, GrantError, Outcome, TokenFailure, Waiter};
    let wall = Now::new;
    let at = Now::monotonic;
    let login = |latch: &mut Beside<'_>, millis| {
        let Ok(Outcome::Login(ticket)) = latch.handle(at(millis), Event::LoginStarted) else {
            panic!("no login");
        };
        ticket
    };
    let _ = latch.handle(at(5), Event::Resumed);
    let _ = latch.handle(wall(10, 1_000), Event::Opened);
    let loaded = Event::Loaded {
        ticket: tokenlatch::Ticket::from_u32(1),
        record: Some(b"?"),
    };
    let _ = latch.handle(wall(20, 1_010), loaded);
    let ticket = login(latch, 30);
    // The body's reader finds the token missing.
    let failure = TokenFailure::Unusable(GrantError::Empty);
    let retry_after = None;
    let failed = Event::TokenFailed {
        ticket,
        failure,
        retry_after,
    };
    let _ = latch.handle(at(40), failed);
    let ticket = login(latch, 50);
    let mut grant = Grant::new("an-access-token");
    grant.refresh_token = Some("a-refresh-token");
    grant.expiry = Expiry::In(3_600_000);
    let _ = latch.handle(at(60), Event::Granted { ticket, grant });
    let waiter = Waiter::from_u32(7);
    let access = Access::First;
    let _ = latch.handle(at(70), Event::AccessRequested { waiter, access });
    while latch.poll_effect().is_some() {}
    let _ = latch.permit(at(80), waiter);
    let _ = latch.handle(wall(90, 1_080), Event::LogoutRequested);
    while latch.poll_effect().is_some() {}
}

#[test]
fn the_bytes_are_those_of_the_library_and_run_again() {
    let memory = Memory::fresh();
    let mut buffer = vec![0xEE; 4_096];
    assert_eq!(start(&memory, &mut buffer), TL_OUTCOME_DONE);
    life(memory.at());
    let (told, len) = written(&memory);
    assert_eq!(told, 0);

    let mut other = vec![0; 4_096];
    let mut latch = Beside::new(Config::new(), SEED, Key::new(KEY), &mut other).unwrap();
    beside(&mut latch);
    assert_eq!(&buffer[..len], latch.recorder().bytes());

    let recording = Recording::read(&buffer[..len]).unwrap();
    let mut replay = Replay::<TL_TOKEN_CAPACITY, TL_WAITER_CAPACITY>::new(&recording).unwrap();
    let mut scratch = vec![0; scratch_capacity(TL_TOKEN_CAPACITY)];
    let mut steps = 0;
    while let Some(step) = replay.step(&mut scratch) {
        step.unwrap();
        steps += 1;
    }
    assert!(steps > 12, "{steps}");
    let found = |text: &[u8]| buffer.windows(text.len()).any(|part| part == text);
    assert!(!found(b"access-token") && !found(&KEY));
}

#[test]
fn a_recording_begins_with_a_new_latch() {
    let memory = Memory::ready();
    let before = memory.seen();
    let mut buffer = [0xEE; 512];
    assert_eq!(start(&memory, &mut buffer), TL_ERR_RECORDING_NOT_NEW);
    assert_eq!(buffer, [0xEE; 512]);
    assert!(memory.seen() == before);
    assert_eq!(written(&memory), (TL_ERR_RECORDING_NONE, usize::MAX));
    assert_eq!(init(memory.at(), &defaults()), TL_OUTCOME_DONE);
    assert_eq!(start(&memory, &mut buffer), TL_OUTCOME_DONE);
    // Another buffer before anything was told.
    let mut other = [0; 512];
    assert_eq!(start(&memory, &mut other), TL_OUTCOME_DONE);
    let (_, begun) = written(&memory);
    assert_eq!(buffer[..begun], other[..begun]);
    // SAFETY: a latch.
    unsafe { tl_opened(memory.at(), 0, 0) };
    assert!(written(&memory).1 > begun);
    assert!(buffer[begun..].iter().all(|byte| *byte == 0));
    assert_eq!(start(&memory, &mut buffer), TL_ERR_RECORDING_NOT_NEW);
    assert!(written(&memory).1 > begun, "the first one goes on");
}

#[test]
fn a_buffer_that_is_too_small_or_full_is_told() {
    for room in [1, 4, 40] {
        let memory = Memory::fresh();
        let before = memory.seen();
        let mut buffer = vec![0xEE; room + 1];
        let told = start(&memory, &mut buffer[..room]);
        assert_eq!(told, TL_ERR_RECORDING_SPACE, "{room}");
        assert_eq!(buffer[room], 0xEE);
        assert!(memory.seen() == before);
    }
    let memory = Memory::fresh();
    let mut buffer = [0xEE; 257];
    assert_eq!(start(&memory, &mut buffer[..256]), TL_OUTCOME_DONE);
    let (_, begun) = written(&memory);
    for millis in 0..100 {
        // SAFETY: a latch.
        unsafe { tl_went_offline(memory.at(), millis, 0) };
    }
    let (told, len) = written(&memory);
    assert_eq!(told, 1, "it is full");
    assert!(begun < len && len <= 256);
    assert_eq!(buffer[256], 0xEE, "behind the buffer");
    let recording = Recording::read(&buffer[..len]).unwrap();
    assert!(recording.entries().all(|entry| entry.is_ok()));
}

#[test]
fn when_it_is_stopped_nothing_is_written_any_more() {
    let memory = Memory::fresh();
    let mut buffer = [0; 512];
    assert_eq!(start(&memory, &mut buffer), TL_OUTCOME_DONE);
    // SAFETY: a latch.
    unsafe {
        tl_opened(memory.at(), 0, 0);
        assert_eq!(tl_recording_stop(memory.at()), TL_OUTCOME_DONE);
        assert_eq!(written(&memory), (TL_ERR_RECORDING_NONE, usize::MAX));
        let kept = buffer;
        tl_resumed(memory.at(), 1, 0);
        assert_eq!(buffer, kept);
        assert_eq!(tl_recording_stop(memory.at()), TL_OUTCOME_DONE);
    }
    // A latch that is wiped gives its buffer back too.
    let memory = Memory::fresh();
    assert_eq!(start(&memory, &mut buffer), TL_OUTCOME_DONE);
    // SAFETY: a latch, then none.
    unsafe { tl_latch_wipe(memory.at()) };
    assert_eq!(written(&memory), (TL_ERR_UNINIT, usize::MAX));
    assert_eq!(init(memory.at(), &defaults()), TL_OUTCOME_DONE);
    assert_eq!(written(&memory), (TL_ERR_RECORDING_NONE, usize::MAX));
}
