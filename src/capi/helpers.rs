//! Readers of headers and records, without a latch. Any bytes are safe.

use core::ffi::c_char;

use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Buffer;
use crate::capi::requests::challenge;
use crate::capi::types::tl_challenge;
use crate::capi::types::tl_store_content;
use crate::challenge::ParamValue;
use crate::grant::Generation;
use crate::numbers;
use crate::numbers::*;
use crate::record::StoreContent;

/// Reads the values of all `WWW-Authenticate` headers of an answer, joined by `\n`; no length: there is none. Of several
/// challenges, the one that says most counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_challenge_parse(
    www_authenticate: *const c_char,
    len: usize,
    out: *mut tl_challenge,
) -> i32 {
    let parse = || {
        // SAFETY: the caller's promise.
        let headers = unsafe { ptr::list(www_authenticate.cast::<u8>(), len) }?;
        // SAFETY: the caller's promise.
        let out = unsafe { ptr::Out::new(out) }?;
        let challenge = challenge(headers);
        let max_age = challenge.max_age();
        out.write(tl_challenge {
            max_age_s: max_age.unwrap_or_default(),
            kind: numbers::challenge(challenge.kind()),
            has_max_age: max_age.is_some().into(),
        });
        Ok(TL_OUTCOME_DONE)
    };
    number(parse())
}

/// Copies out a parameter of the challenge that counts (`param` is `TL_CHALLENGE_PARAM_*`), without its quotes: UTF-8,
/// not terminated, `*len` bytes.
///
/// Errors: `TL_ERR_SPACE`: `*len` is what is needed. `TL_ERR_UNKNOWN`: it has no such parameter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_challenge_param(
    www_authenticate: *const c_char,
    www_authenticate_len: usize,
    param: u32,
    text: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> i32 {
    let copy = || {
        // SAFETY: the caller's promise.
        let headers = unsafe { ptr::list(www_authenticate.cast::<u8>(), www_authenticate_len) }?;
        // SAFETY: the caller's promise.
        let buffer = unsafe { Buffer::new(text.cast(), capacity, len) }?;
        let challenge = challenge(headers);
        let value = match param {
            TL_CHALLENGE_PARAM_REALM => challenge.realm(),
            TL_CHALLENGE_PARAM_SCOPE => challenge.scope(),
            TL_CHALLENGE_PARAM_ACR_VALUES => challenge.acr_values(),
            _ => return Err(TL_ERR_ARGUMENT),
        };
        let value = value.ok_or(TL_ERR_UNKNOWN)?;
        buffer.fill(length(value), |place| Ok(encode(value, place)))?;
        Ok(TL_OUTCOME_DONE)
    };
    number(copy())
}

fn length(value: ParamValue<'_>) -> usize {
    let lengths = value.chars().map(char::len_utf8);
    lengths.fold(0, usize::saturating_add)
}

/// Writes the characters, as many as there is room for.
fn encode(value: ParamValue<'_>, place: &mut [u8]) -> usize {
    let mut len = 0_usize;
    for character in value.chars() {
        let mut bytes = [0; 4];
        for byte in character.encode_utf8(&mut bytes).bytes() {
            if let Some(place) = place.get_mut(len) {
                *place = byte;
                len = len.saturating_add(1);
            }
        }
    }
    len
}

/// Reads the value of a `Retry-After` header: a number of seconds, or a date.
///
/// A date is measured from `server_time_ms`,
/// the `Date` header of the same answer (`tl_http_date`), or from `wall_ms`; both are Unix milliseconds, and 0 is
/// unknown. A part of a second counts as a whole one; a date in the past is 0.
///
/// Returns 1; 0 if the value is neither, or it is a date and no clock was given: `*seconds` is 0, which is
/// `TL_NO_RETRY_AFTER`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_retry_after(
    value: *const c_char,
    len: usize,
    server_time_ms: u64,
    wall_ms: u64,
    seconds: *mut u32,
) -> i32 {
    let read = || {
        // SAFETY: the caller's promise.
        let value = unsafe { ptr::list(value.cast::<u8>(), len) }?;
        // SAFETY: the caller's promise.
        let seconds = unsafe { ptr::Out::new(seconds) }?;
        let clock = |millis: u64| (millis > 0).then_some(millis);
        let found = crate::retry_after(value, clock(server_time_ms), clock(wall_ms));
        seconds.write(found.unwrap_or_default());
        Ok(found.is_some().into())
    };
    number(read())
}

/// Reads an HTTP date (RFC 9110 5.6.7), such as the value of a `Date` header, to Unix milliseconds.
///
/// Returns 1; 0 if it is not a date, or one before 1970: `*unix_ms` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_http_date(value: *const c_char, len: usize, unix_ms: *mut u64) -> i32 {
    let read = || {
        // SAFETY: the caller's promise.
        let value = unsafe { ptr::list(value.cast::<u8>(), len) }?;
        // SAFETY: the caller's promise.
        let unix_ms = unsafe { ptr::Out::new(unix_ms) }?;
        let found = crate::http_date(value);
        unix_ms.write(found.unwrap_or_default());
        Ok(found.is_some().into())
    };
    number(read())
}

/// Tells what the bytes of a store are, for logs and support tools, and for hosts that look before they log in.
///
/// Returns `TL_STORE_*`, as `out->content`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_inspect(
    record: *const u8,
    len: usize,
    out: *mut tl_store_content,
) -> i32 {
    let inspect = || {
        // SAFETY: the caller's promise.
        let record = unsafe { ptr::list(record, len) }?;
        // SAFETY: the caller's promise.
        let out = unsafe { ptr::Out::new(out) }?;
        let mut raw = tl_store_content::default();
        let (content, generation) = match crate::inspect(record) {
            StoreContent::Absent => (TL_STORE_ABSENT, Generation::default()),
            StoreContent::Session(generation) => (TL_STORE_SESSION, generation),
            StoreContent::Tombstone(generation) => (TL_STORE_TOMBSTONE, generation),
            StoreContent::Corrupt(corrupt) => {
                raw.corrupt = numbers::corrupt(Some(corrupt));
                (TL_STORE_CORRUPT, Generation::default())
            }
        };
        raw.content = content;
        raw.sign_in = generation.sign_in;
        raw.serial = generation.serial;
        out.write(raw);
        Ok(content.cast_signed())
    };
    number(inspect())
}
