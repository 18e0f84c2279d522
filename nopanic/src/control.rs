//! What must not link: each of these can panic.

use crate::memory::Bytes;

/// # Safety
///
/// The bytes can be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn control_index(bytes: Bytes, index: usize) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { bytes.get() }.unwrap_or_default()[index]
}

/// It can panic only with overflow checks.
#[unsafe(no_mangle)]
pub extern "C" fn control_overflow(left: u32, right: u32) -> u32 {
    left + right
}
