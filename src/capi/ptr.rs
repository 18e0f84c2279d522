//! The caller's memory: what is checked before it is used. With the exports, all of the unsafe code.
//!
//! A pointer that is not NULL, aligned, and followed by as many bytes as is said is the caller's promise: nobody else
//! can check that. "The caller's promise" in a `SAFETY` line is this one.

mod held;
mod out;
#[cfg(feature = "recording")]
mod tape;

pub(super) use held::Held;
pub(super) use out::Buffer;
pub(super) use out::Out;
pub(super) use out::places;
#[cfg(feature = "recording")]
pub(super) use tape::Tape;

use core::ffi::CStr;
use core::ffi::c_char;
use core::mem::align_of;
use core::mem::size_of;
use core::ptr;
use core::slice;

use crate::capi::Latch;
use crate::capi::types::tl_config;
use crate::capi::types::tl_grant;
use crate::capi::types::tl_latch;
use crate::capi::types::tl_response;
use crate::capi::types::tl_response_shape;
use crate::capi::types::tl_step;
use crate::config::ValidConfig;
use crate::grant::Rest;
use crate::grant::Secret;
use crate::grant::SecretBytes;
use crate::grant::TokenType;
use crate::idle::Orders;
use crate::machine::Machine;
use crate::numbers::TL_ERR_ABI;
use crate::numbers::TL_ERR_ARGUMENT;
use crate::numbers::TL_ERR_UNINIT;
use crate::trace::Trace;

/// What stands in a `tl_latch`.
#[repr(C)]
pub(super) struct Inner {
    /// [`mark`] of where it stands: memory that was not initialised, was wiped, or is a copy is not a latch.
    mark: u64,
    latch: Latch,
    #[cfg(feature = "recording")]
    tape: Option<Tape>,
}

const _: () = assert!(
    size_of::<Inner>() <= size_of::<tl_latch>(),
    "TL_LATCH_WORDS is too small"
);
const _: () = assert!(align_of::<Inner>() <= align_of::<tl_latch>());

/// `init` writes each field of a latch: this names them all, so that none can be forgotten.
const _: fn(Latch) = |latch| {
    let Latch {
        machine: _,
        access: _,
        rest: _,
        revocation: _,
        token_type: _,
        idle_until: _,
        orders: _,
        trace: _,
    } = latch;
};

/// What a latch needs at run time.
pub(super) const LATCH_SIZE: usize = size_of::<Inner>();
pub(super) const LATCH_ALIGN: usize = align_of::<Inner>();

fn mark(at: *const tl_latch) -> u64 {
    // "tokenlat", and where it stands.
    0x746f_6b65_6e6c_6174 ^ at.addr() as u64
}

/// Whether something of this type may stand there.
fn check<T>(at: *const T) -> Result<(), i32> {
    if at.is_null() {
        return Err(TL_ERR_ARGUMENT);
    }
    if !at.is_aligned() {
        return Err(TL_ERR_ARGUMENT);
    }
    Ok(())
}

fn check_latch(at: *const tl_latch) -> Result<(), i32> {
    check(at)?;
    check(at.cast::<Inner>())
}

/// # Safety
///
/// The caller's promise: memory of a `tl_latch` that nobody writes to.
pub(super) unsafe fn latch<'a>(at: *const tl_latch) -> Result<&'a Latch, i32> {
    check_latch(at)?;
    let inner = at.cast::<Inner>();
    // SAFETY: the caller's promise; a number can be read whatever stands there.
    let found = unsafe { (&raw const (*inner).mark).read() };
    if found != mark(at) {
        return Err(TL_ERR_UNINIT);
    }
    // SAFETY: the mark is there, so `init` wrote a latch at this place and nobody wiped it.
    Ok(unsafe { &(*inner).latch })
}

/// # Safety
///
/// The caller's promise: memory of a `tl_latch` that nobody else uses.
pub(super) unsafe fn latch_mut<'a>(at: *mut tl_latch) -> Result<Held<'a>, i32> {
    // SAFETY: the caller's promise.
    unsafe { latch(at) }?;
    // SAFETY: as above, and nobody else uses it.
    let inner = unsafe { &mut *at.cast::<Inner>() };
    Ok(Held {
        latch: &mut inner.latch,
        #[cfg(feature = "recording")]
        tape: &mut inner.tape,
    })
}

/// Where the latch is recorded, if it is.
///
/// # Safety
///
/// As [`latch`].
#[cfg(feature = "recording")]
pub(super) unsafe fn tape<'a>(at: *const tl_latch) -> Result<Option<&'a Tape>, i32> {
    // SAFETY: the caller's promise.
    unsafe { latch(at) }?;
    // SAFETY: a latch stands there, and what is beside it.
    Ok(unsafe { &(*at.cast::<Inner>()).tape }.as_ref())
}

/// Where a latch may be made.
///
/// # Errors
///
/// `TL_ERR_ARGUMENT` or `TL_ERR_ABI`.
pub(super) fn check_place(at: *mut tl_latch, size: usize) -> Result<(), i32> {
    check_latch(at)?;
    if size < LATCH_SIZE {
        return Err(TL_ERR_ABI);
    }
    Ok(())
}

/// Makes a latch where it is to stand: a whole one is never on the stack.
///
/// # Safety
///
/// [`check_place`] has passed it, and the size is the caller's promise.
pub(super) unsafe fn init(at: *mut tl_latch, config: ValidConfig, seed: u64) {
    let inner = at.cast::<Inner>();
    // SAFETY: the caller's promise. Each field is written before a reference to the whole is made.
    unsafe {
        inner.write_bytes(0, 1);
        let latch = &raw mut (*inner).latch;
        (&raw mut (*latch).machine).write(Machine::new(config.get(), seed));
        (&raw mut (*latch).access).write(Secret::new());
        (&raw mut (*latch).rest).write(Rest::new());
        (&raw mut (*latch).revocation).write(SecretBytes::new());
        (&raw mut (*latch).token_type).write(TokenType::Bearer);
        (&raw mut (*latch).idle_until).write(0);
        (&raw mut (*latch).orders).write(Orders::Unknown);
        (&raw mut (*latch).trace).write(Trace::new());
        #[cfg(feature = "recording")]
        (&raw mut (*inner).tape).write(None);
        (&raw mut (*inner).mark).write(mark(at));
    }
}

/// Wipes a latch; what is none is left alone.
///
/// # Safety
///
/// As [`latch_mut`].
pub(super) unsafe fn wipe(at: *mut tl_latch) {
    // SAFETY: the caller's promise.
    if unsafe { latch(at) }.is_err() {
        return;
    }
    // SAFETY: it is a latch, and not used again: the mark goes with the rest.
    unsafe { ptr::drop_in_place(&raw mut (*at.cast::<Inner>()).latch) };
    // SAFETY: the caller's promise; the memory is nobody's now.
    unsafe { zeroize::zeroize_flat_type(at.cast::<Inner>()) };
}

/// Wipes memory of the caller's.
///
/// # Safety
///
/// NULL, or the caller's promise.
pub(super) unsafe fn wipe_bytes(at: *mut u8, len: usize) {
    if at.is_null() {
        return;
    }
    for index in 0..len {
        // SAFETY: the caller's promise.
        unsafe { at.add(index).write_volatile(0) };
    }
}

/// Memory longer than that can't be.
const MOST: usize = isize::MAX.unsigned_abs();

fn check_len<T>(at: *const T, len: usize) -> Result<(), i32> {
    check(at)?;
    if len.saturating_mul(size_of::<T>()) > MOST {
        return Err(TL_ERR_ARGUMENT);
    }
    Ok(())
}

/// # Safety
///
/// The caller's promise, while the result is used.
pub(super) unsafe fn list<'a, T>(at: *const T, len: usize) -> Result<&'a [T], i32> {
    if len == 0 {
        return Ok(&[]);
    }
    check_len(at, len)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { slice::from_raw_parts(at, len) })
}

/// # Safety
///
/// The caller's promise, while the result is used; nobody else uses the memory.
pub(super) unsafe fn list_mut<'a, T>(at: *mut T, len: usize) -> Result<&'a mut [T], i32> {
    if len == 0 {
        return Ok(&mut []);
    }
    check_len(at, len)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(at, len) })
}

/// # Safety
///
/// The caller's promise, while the result is used.
pub(super) unsafe fn text<'a>(at: *const c_char, len: usize) -> Result<&'a str, i32> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { list(at.cast::<u8>(), len) }?;
    core::str::from_utf8(bytes).map_err(|_| TL_ERR_ARGUMENT)
}

/// NULL with no length is absent.
///
/// # Safety
///
/// As [`text`].
pub(super) unsafe fn maybe_text<'a>(at: *const c_char, len: usize) -> Result<Option<&'a str>, i32> {
    // SAFETY: the caller's promise.
    let text = unsafe { text(at, len) }?;
    Ok((!at.is_null()).then_some(text))
}

/// # Safety
///
/// As [`list`].
pub(super) unsafe fn maybe_bytes<'a>(at: *const u8, len: usize) -> Result<Option<&'a [u8]>, i32> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { list(at, len) }?;
    Ok((!at.is_null()).then_some(bytes))
}

/// A text that ends with NUL; NULL is absent.
///
/// # Safety
///
/// The caller's promise, while the result is used.
pub(super) unsafe fn maybe_c_text<'a>(at: *const c_char) -> Result<Option<&'a str>, i32> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(at) };
    let text = core::str::from_utf8(text.to_bytes()).map_err(|_| TL_ERR_ARGUMENT)?;
    Ok(Some(text))
}

/// One structure of the caller's to read.
///
/// # Safety
///
/// The caller's promise.
pub(super) unsafe fn read<T: Plain>(at: *const T) -> Result<T, i32> {
    check(at)?;
    // SAFETY: the caller's promise; any bytes are such a structure.
    Ok(unsafe { at.read() })
}

/// A structure that has grown since the caller was compiled: what it lacks is taken from `defaults`.
///
/// # Safety
///
/// The caller's promise.
pub(super) unsafe fn read_sized<T: Plain>(
    at: *const T,
    size: usize,
    defaults: T,
) -> Result<T, i32> {
    check(at)?;
    if size < T::FIRST_SIZE {
        return Err(TL_ERR_ABI);
    }
    if size > size_of::<T>() {
        return Err(TL_ERR_ABI);
    }
    let mut whole = defaults;
    // SAFETY: the caller's promise; it is no more than there is room for, and any bytes are such a structure.
    unsafe { ptr::copy_nonoverlapping(at.cast::<u8>(), (&raw mut whole).cast(), size) };
    Ok(whole)
}

/// Writes as much of a structure as the caller knows of; the rest of a larger one is zero.
///
/// # Safety
///
/// NULL, or the caller's promise.
pub(super) unsafe fn write_sized<T: Plain>(at: *mut T, size: usize, whole: &T) {
    if at.is_null() {
        return;
    }
    let known = size.min(size_of::<T>());
    // SAFETY: the caller's promise.
    unsafe {
        ptr::copy_nonoverlapping(ptr::from_ref(whole).cast::<u8>(), at.cast(), known);
        at.cast::<u8>()
            .add(known)
            .write_bytes(0, size.saturating_sub(known));
    }
}

/// A structure of numbers and pointers.
///
/// # Safety
///
/// Any initialised bytes are one, and it has no padding before `FIRST_SIZE`.
pub(super) unsafe trait Plain: Copy {
    /// Its size in the first version.
    const FIRST_SIZE: usize;
}

// SAFETY: numbers of 32 bits.
unsafe impl Plain for tl_config {
    const FIRST_SIZE: usize = 28 * 4;
}

// SAFETY: pointers and numbers.
unsafe impl Plain for tl_grant {
    const FIRST_SIZE: usize = size_of::<Self>();
}

// SAFETY: pointers and numbers.
unsafe impl Plain for tl_response {
    const FIRST_SIZE: usize = size_of::<Self>();
}

// SAFETY: pointers and numbers.
unsafe impl Plain for tl_response_shape {
    const FIRST_SIZE: usize = size_of::<Self>();
}

// SAFETY: bytes.
#[cfg(feature = "recording")]
unsafe impl Plain for [u8; 16] {
    const FIRST_SIZE: usize = size_of::<Self>();
}

// SAFETY: numbers.
unsafe impl Plain for tl_step {
    const FIRST_SIZE: usize = size_of::<Self>();
}
