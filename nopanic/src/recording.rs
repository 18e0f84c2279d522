//! The feature `recording`: the recorder, which runs on devices, and what tools do with its bytes.

use core::mem::MaybeUninit;

use tokenlatch::ConfigError;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Ticket;
use tokenlatch::Waiter;
use tokenlatch::promises::Checked;
use tokenlatch::recording;
use tokenlatch::recording::Entries;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Fact;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::RecorderError;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::Redacted;
use tokenlatch::recording::ReplayError;

use crate::Latch;
use crate::encode;
use crate::latch::RawPermit;
use crate::memory::Buffer;
use crate::memory::Bytes;
use crate::memory::MaybeU64;
use crate::setup::Setup;

type Recorded = recording::Recorded<'static, 1024, 8>;
type Replay = recording::Replay<'static, 1024, 8>;

/// # Safety
///
/// The buffer can be written for as long as there is a recorder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_new_recorded(
    place: &mut MaybeUninit<Result<Recorded, RecorderError>>,
    setup: &Setup,
    seed: u64,
    key: &[u8; 16],
    buffer: Buffer,
) {
    // SAFETY: the caller's promise.
    let buffer = unsafe { buffer.get() };
    place.write(Recorded::new(setup.config(), seed, Key::new(*key), buffer));
}

/// # Safety
///
/// As [`latch_new_recorded`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_new_recorder(
    place: &mut MaybeUninit<Result<Recorder<'static>, RecorderError>>,
    latch: &Latch,
    key: &Key,
    buffer: Buffer,
) {
    // SAFETY: the caller's promise.
    place.write(Recorder::new(latch, *key, unsafe { buffer.get() }));
}

/// # Safety
///
/// As [`latch_new_recorded`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_new_recorder_for_checked(
    place: &mut MaybeUninit<Result<Recorder<'static>, RecorderError>>,
    checked: &Checked<1024, 8>,
    key: &Key,
    buffer: Buffer,
) {
    // SAFETY: the caller's promise.
    place.write(Recorder::for_checked(checked, *key, unsafe {
        buffer.get()
    }));
}

/// Any event, any outcome.
#[unsafe(no_mangle)]
pub extern "C" fn latch_recorder_told(
    recorder: &mut Recorder<'_>,
    latch: &Latch,
    at: u64,
    wall: MaybeU64,
    event: &Event<'_>,
    outcome: &Result<Outcome, Rejected>,
) {
    recorder.told(latch, encode::now(at, wall), event, *outcome);
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorder_given(recorder: &mut Recorder<'_>, effect: &Effect) {
    recorder.given(*effect);
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorder_claimed(
    recorder: &mut Recorder<'_>,
    latch: &Latch,
    at: u64,
    wall: MaybeU64,
    waiter: u32,
    receipt: &Result<Receipt, PermitError>,
) {
    let now = encode::now(at, wall);
    recorder.claimed(latch, now, Waiter::from_u32(waiter), *receipt);
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorder_bytes(recorder: &Recorder<'_>) -> Bytes {
    Bytes::of(recorder.bytes())
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorder_is_full(recorder: &Recorder<'_>) -> bool {
    recorder.is_full()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorded_bytes(recorded: &Recorded) -> Bytes {
    Bytes::of(recorded.recorder().bytes())
}

/// Any event.
#[unsafe(no_mangle)]
pub extern "C" fn latch_recorded_handle(
    recorded: &mut Recorded,
    at: u64,
    wall: MaybeU64,
    event: &Event<'_>,
) -> u64 {
    encode::outcome(recorded.handle(encode::now(at, wall), *event))
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recorded_poll_effect(recorded: &mut Recorded) -> u64 {
    encode::effect(recorded.poll_effect())
}

/// 0, or why there is none.
#[unsafe(no_mangle)]
pub extern "C" fn latch_recorded_permit(
    recorded: &mut Recorded,
    at: u64,
    wall: MaybeU64,
    waiter: u32,
    permit: &mut MaybeUninit<RawPermit>,
) -> u64 {
    match recorded.permit(encode::now(at, wall), Waiter::from_u32(waiter)) {
        Ok(claimed) => {
            permit.write(RawPermit::of(&claimed));
            0
        }
        Err(error) => encode::permit_error(error),
    }
}

/// # Safety
///
/// The bytes can be read for as long as there is a recording.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_recording_read(
    place: &mut MaybeUninit<Result<Recording<'static>, RecordingError>>,
    bytes: Bytes,
) {
    // SAFETY: the caller's promise.
    place.write(Recording::read(unsafe { bytes.get() }.unwrap_or_default()));
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_recording_entries(
    recording: &Recording<'static>,
    place: &mut MaybeUninit<Entries<'static>>,
) {
    place.write(recording.entries());
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_entries_next(
    entries: &mut Entries<'_>,
    place: &mut MaybeUninit<Option<Result<Entry, RecordingError>>>,
) {
    place.write(entries.next());
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_new_as_recorded(
    place: &mut MaybeUninit<Result<Latch, ConfigError>>,
    recording: &Recording<'_>,
) {
    place.write(recording.latch());
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_new_replay(
    place: &mut MaybeUninit<Result<Replay, RecordingError>>,
    recording: &Recording<'static>,
) {
    place.write(Replay::new(recording));
}

/// # Safety
///
/// The scratch buffer can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_replay_step(
    replay: &mut Replay,
    scratch: Buffer,
    place: &mut MaybeUninit<Option<Result<Entry, ReplayError>>>,
) {
    // SAFETY: the caller's promise.
    place.write(replay.step(unsafe { scratch.get() }));
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_replay_latch(replay: &Replay) -> &Latch {
    replay.latch()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_replay_entry(replay: &Replay) -> Option<&Entry> {
    replay.entry()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_scratch_capacity(tokens: usize) -> usize {
    recording::scratch_capacity(tokens)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_kind(fact: &Fact) -> u8 {
    fact.kind() as u8
}

/// # Safety
///
/// The scratch buffer can be written for as long as there is the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_fact_event(
    fact: &Fact,
    tokens: usize,
    scratch: Buffer,
    place: &mut MaybeUninit<Option<Event<'static>>>,
) {
    // SAFETY: the caller's promise.
    place.write(fact.event(tokens, unsafe { scratch.get() }));
}

/// # Safety
///
/// As [`latch_fact_event`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_fact_event_for(
    fact: &Fact,
    outcome: &Result<Outcome, Rejected>,
    tokens: usize,
    scratch: Buffer,
    place: &mut MaybeUninit<Option<Event<'static>>>,
) {
    // SAFETY: the caller's promise.
    place.write(fact.event_for(*outcome, tokens, unsafe { scratch.get() }));
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_ticket(fact: &Fact) -> MaybeU64 {
    fact.ticket().map(|ticket| ticket.as_u32().into()).into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_with_ticket(fact: &mut Fact, ticket: u32) {
    *fact = fact.with_ticket(Ticket::from_u32(ticket));
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_receipt(fact: &Fact) -> MaybeU64 {
    fact.receipt().map(Receipt::as_u64).into()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_with_receipt(fact: &mut Fact, receipt: u64) {
    *fact = fact.with_receipt(Receipt::from_u64(receipt));
}

/// Each of its secrets made to be of this length and number.
#[unsafe(no_mangle)]
pub extern "C" fn latch_fact_renamed(fact: &mut Fact, length: u32, number: u32) {
    *fact = fact.renamed(|secret: Redacted| secret.renamed(length, number));
}
