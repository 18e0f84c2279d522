//! Version, sizes, configuration; a latch's beginning and end.

use core::ffi::c_char;
use core::ffi::c_void;

use crate::capi::TL_LATCH_WORDS;
use crate::capi::TL_TOKEN_CAPACITY;
use crate::capi::TL_WAITER_CAPACITY;
use crate::capi::config;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::types::tl_config;
use crate::capi::types::tl_latch;
use crate::numbers::TL_ERR_ABI;
use crate::numbers::TL_OUTCOME_DONE;

/// A part of the version in the manifest.
const fn part(text: &str) -> u32 {
    let mut digits = text.as_bytes();
    let mut number = 0_u32;
    while let [digit, rest @ ..] = digits {
        number = number
            .saturating_mul(10)
            .saturating_add((*digit).saturating_sub(b'0') as u32);
        digits = rest;
    }
    assert!(number < 256, "a part of the version is a byte");
    number
}

const MAJOR: u32 = part(env!("CARGO_PKG_VERSION_MAJOR"));
const MINOR: u32 = part(env!("CARGO_PKG_VERSION_MINOR"));
const PATCH: u32 = part(env!("CARGO_PKG_VERSION_PATCH"));

/// The version of this library: major, minor and patch, a byte each. The header has its own in `TL_VERSION`.
pub const VERSION: u32 = (MAJOR << 16) | (MINOR << 8) | PATCH;

/// Whether a program that was compiled with a header of this version can use this library.
const fn is_compatible(version: u32) -> bool {
    // Before 1.0 the minor number says what can be used together (as cargo has it).
    let kept = if MAJOR == 0 { 8 } else { 16 };
    if version >> kept != VERSION >> kept {
        return false;
    }
    version <= VERSION
}

/// The version of the library that is linked, to be compared with `TL_VERSION`.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_version() -> u32 {
    VERSION
}

/// The version of the library that is linked, as text (`"1.2.3"`), terminated by NUL.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_version_text() -> *const c_char {
    const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    TEXT.as_ptr().cast()
}

/// How many bytes a latch takes in the library that is linked. No more than `sizeof(tl_latch)`, which has some to
/// spare; a buffer of this size and of `tl_latch_align` will do.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_latch_size() -> usize {
    ptr::LATCH_SIZE
}

/// To what a latch is aligned, in bytes.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_latch_align() -> usize {
    ptr::LATCH_ALIGN
}

/// The words of 64 bits that `tl_latch` has in a header with the capacities of the library that is linked.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_latch_words() -> usize {
    TL_LATCH_WORDS
}

/// How many bytes an access token may have, and how many refresh token, scope, subject and the app's bytes may have
/// together, in the library that is linked.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_token_capacity() -> usize {
    TL_TOKEN_CAPACITY
}

/// How many requests may wait at once, in the library that is linked.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_waiter_capacity() -> usize {
    TL_WAITER_CAPACITY
}

/// How many bytes a buffer for `tl_record` needs at most, in the library that is linked.
#[unsafe(no_mangle)]
pub const extern "C" fn tl_record_capacity() -> usize {
    super::Latch::RECORD_CAPACITY
}

/// Writes the defaults, `config_size` bytes. Use the macro `tl_config_init(config)`, which passes the size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_config_init_sized(config: *mut tl_config, config_size: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr::write_sized(config, config_size, &config::DEFAULTS) }
}

/// Checks that the parts of a configuration fit together. Use the macro `tl_config_check(config, field)`.
///
/// `field` may be NULL; if the configuration can't work it is pointed to the name of the field that is wrong, a text
/// that is never freed. Else it is left as it is.
///
/// Returns 0; `TL_ERR_CONFIG_*`; `TL_ERR_ARGUMENT` for a number that has no meaning; `TL_ERR_ABI` for a size that
/// is not one of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_config_check_sized(
    config: *const tl_config,
    config_size: usize,
    field: *mut *const c_char,
) -> i32 {
    // SAFETY: the caller's promise.
    let config = match unsafe { ptr::read_sized(config, config_size, config::DEFAULTS) } {
        Ok(config) => config,
        Err(error) => return error,
    };
    match config.checked() {
        Ok(_) => TL_OUTCOME_DONE,
        Err((error, name)) => {
            // SAFETY: the caller's promise.
            if let Ok(field) = unsafe { ptr::Out::new(field) } {
                field.write(name.as_ptr());
            }
            error
        }
    }
}

/// Makes a latch with nobody signed in. Use the macro `tl_latch_init(latch, config, seed)`, which passes the sizes and
/// the version of the header.
///
/// `latch` is memory of the caller's, which keeps its place until `tl_latch_wipe`: a latch is never copied or moved.
/// What was there before is overwritten. `config` is read only now. `seed` is entropy, different for each context and
/// each start.
///
/// Returns 0; what `tl_config_check` returns; `TL_ERR_ARGUMENT`; `TL_ERR_ABI` if `latch_size` is too small or the
/// header is not of a version that goes with this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_latch_init_sized(
    latch: *mut tl_latch,
    latch_size: usize,
    config: *const tl_config,
    config_size: usize,
    seed: u64,
    version: u32,
) -> i32 {
    let make = || {
        ptr::check_place(latch, latch_size)?;
        // SAFETY: the caller's promise.
        let config = unsafe { ptr::read_sized(config, config_size, config::DEFAULTS) }?;
        if !is_compatible(version) {
            return Err(TL_ERR_ABI);
        }
        let config = config.checked().map_err(|(error, _)| error)?;
        // SAFETY: the place was checked, and its size is the caller's promise.
        unsafe { ptr::init(latch, config, seed) };
        Ok(TL_OUTCOME_DONE)
    };
    number(make())
}

/// Ends a latch: its secrets, and all of its memory, are overwritten with zeros.
///
/// NULL, wiped memory and memory that is not a latch are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_latch_wipe(latch: *mut tl_latch) {
    // SAFETY: the caller's promise.
    unsafe { ptr::wipe(latch) }
}

/// Overwrites memory of the host's own with zeros, in a way that the compiler does not leave out: for copies of tokens
/// and records. NULL is left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_wipe(memory: *mut c_void, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { ptr::wipe_bytes(memory.cast(), len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_version_is_a_byte() {
        assert_eq!(["0", "7", "10", "255"].map(part), [0, 7, 10, 255]);
    }

    #[test]
    #[should_panic = "a part of the version is a byte"]
    fn a_larger_part_is_refused() {
        part("256");
    }
}
