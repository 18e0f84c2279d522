//! Recording what a latch is told (feature `recording`).
//!
//! The functions have the condition of their module again: it is how the header gets it.

use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Tape;
use crate::capi::types::tl_latch;
use crate::numbers::TL_ERR_RECORDING_NONE;
use crate::numbers::TL_OUTCOME_DONE;
use crate::recording::Key;

/// Begins to write down what a latch is told and what it gives, without secrets.
///
/// So a report from the field can be run again (`cargo run --example replay FILE`). Call it between `tl_latch_init` and
/// the first other call.
///
/// Tokens, scope, subject and the app's bytes are written as a length, a number and a hash by `key`: 16 bytes of
/// entropy, new for each report, and never part of one. Times, lifetimes, counters and ids are written as they are.
///
/// The buffer is the caller's and is overwritten: 256 bytes for the configuration, and some 25 for each call; when it is
/// full the rest is not recorded. Until `tl_recording_stop`, `tl_latch_wipe` or `tl_latch_init` the latch keeps its
/// address and writes to it with every call that is not given a `const tl_latch *`: it may be read meanwhile, by who may
/// use the latch, and by nobody be written to, moved or freed.
///
/// Errors: `TL_ERR_RECORDING_NOT_NEW`; `TL_ERR_RECORDING_SPACE`, after which the buffer is overwritten.
#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_recording_start(
    latch: *mut tl_latch,
    key: *const u8,
    buffer: *mut u8,
    capacity: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let start = || {
        let mut latch = latch?;
        // SAFETY: the caller's promise.
        let key = Key::new(unsafe { ptr::read(key.cast::<[u8; 16]>()) }?);
        // SAFETY: the caller's promise, until the recording ends.
        let tape = unsafe { Tape::new(latch.latch(), key, buffer, capacity) }?;
        latch.set_tape(Some(tape));
        Ok(TL_OUTCOME_DONE)
    };
    number(start())
}

/// Tells how much of the buffer is written: the first `*len` bytes are a recording that can be run again, at any time.
///
/// Returns 1 if the buffer was full, and what came then is missing; else 0.
///
/// Errors: `TL_ERR_RECORDING_NONE`.
#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_recording_len(latch: *const tl_latch, len: *mut usize) -> i32 {
    let tell = || {
        // SAFETY: the caller's promise.
        let tape = unsafe { ptr::tape(latch) }?;
        // SAFETY: the caller's promise.
        let len = unsafe { ptr::Out::new(len) }?;
        let (written, is_full) = tape.ok_or(TL_ERR_RECORDING_NONE)?.written();
        len.write(written);
        Ok(is_full.into())
    };
    number(tell())
}

/// Ends the recording: the buffer is the caller's alone again, and what was written stays in it. Nothing happens where
/// nothing is recorded.
#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_recording_stop(latch: *mut tl_latch) -> i32 {
    // SAFETY: the caller's promise.
    let latch = unsafe { ptr::latch_mut(latch) };
    let stop = || {
        latch?.set_tape(None);
        Ok(TL_OUTCOME_DONE)
    };
    number(stop())
}
