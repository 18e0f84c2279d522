//! What needs no latch.

use core::mem::MaybeUninit;

use tokenlatch::Cause;
use tokenlatch::Challenge;
use tokenlatch::ParamValue;
use tokenlatch::StoreContent;

use crate::encode;
use crate::memory::Bytes;
use crate::memory::MaybeU64;

#[unsafe(no_mangle)]
pub extern "C" fn latch_instant(millis: u64) -> u64 {
    tokenlatch::Instant::from_millis(millis).as_millis()
}

/// # Safety
///
/// The bytes of the record can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_inspect(record: Bytes) -> u64 {
    // SAFETY: the caller's promise.
    let record = unsafe { record.get() }.unwrap_or_default();
    match tokenlatch::inspect(record) {
        StoreContent::Absent => 0,
        StoreContent::Session(generation) => encode::generation(generation),
        StoreContent::Tombstone(generation) => (1 << 63) | encode::generation(generation),
        StoreContent::Corrupt(why) => why as u64,
    }
}

/// What a challenge says.
#[repr(C)]
pub struct RawChallenge {
    kind: u8,
    name: Bytes,
    max_age: MaybeU64,
    /// Characters of realm, scope and `acr_values`.
    lengths: [usize; 3],
    /// Whether two of its parameters are the same text, and whether one is this text.
    same: [bool; 2],
}

/// # Safety
///
/// `count` items can be read at `headers`, and the bytes of each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_challenge(
    headers: *const Bytes,
    count: usize,
    text: Bytes,
    out: &mut MaybeUninit<RawChallenge>,
) {
    // SAFETY: the caller's promise.
    let headers = unsafe { core::slice::from_raw_parts(headers, count) };
    // SAFETY: the caller's promise.
    let headers = headers
        .iter()
        .map(|header| unsafe { header.get() }.unwrap_or_default());
    let challenge = Challenge::parse(headers);
    let length = |value: Option<ParamValue<'_>>| {
        value.map_or(0, |value| {
            value
                .chars()
                .fold(0_usize, |count, _| count.wrapping_add(1))
        })
    };
    // SAFETY: the caller's promise.
    let text = unsafe { text.text() }.unwrap_or_default();
    out.write(RawChallenge {
        kind: challenge.kind() as u8,
        name: challenge.kind().name().into(),
        max_age: challenge.max_age().into(),
        lengths: [
            length(challenge.realm()),
            length(challenge.scope()),
            length(challenge.acr_values()),
        ],
        same: [
            challenge.realm() == challenge.scope(),
            challenge.realm().is_some_and(|realm| realm == *text),
        ],
    });
}

/// # Safety
///
/// The bytes of the header can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_retry_after(
    header: Bytes,
    date: MaybeU64,
    now: MaybeU64,
) -> MaybeU64 {
    // SAFETY: the caller's promise.
    let header = unsafe { header.get() }.unwrap_or_default();
    tokenlatch::retry_after(header, date.get(), now.get())
        .map(u64::from)
        .into()
}

/// # Safety
///
/// The bytes of the header can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn latch_http_date(header: Bytes) -> MaybeU64 {
    // SAFETY: the caller's promise.
    let header = unsafe { header.get() }.unwrap_or_default();
    tokenlatch::http_date(header).into()
}

/// The texts of a cause; false if there is none of this code.
#[unsafe(no_mangle)]
pub extern "C" fn latch_cause(code: u16, texts: &mut [Bytes; 4]) -> bool {
    match Cause::from_code(code) {
        Some(cause) => {
            *texts = [
                cause.name().into(),
                cause.sentence().into(),
                cause.sentence_zh().into(),
                cause.fix().into(),
            ];
            true
        }
        None => false,
    }
}

/// A sentence for each error of a grant.
#[unsafe(no_mangle)]
pub extern "C" fn latch_grant_error(number: u8) -> Bytes {
    use tokenlatch::GrantError;
    match number {
        0 => GrantError::Empty,
        1 => GrantError::Literal,
        2 => GrantError::Quoted,
        3 => GrantError::Scheme,
        4 => GrantError::Character,
        5 => GrantError::TooLong,
        6 => GrantError::Lifetime,
        _ => GrantError::TokenType,
    }
    .sentence()
    .into()
}
