//! Copying and filling byte by byte: the general ones are fast and ten times as large, and tokens are short.

/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    let mut at = 0;
    while at < length {
        // SAFETY: both have room for `length` bytes. Volatile, so that this is not taken for a call of itself.
        unsafe { to.add(at).write_volatile(*from.add(at)) };
        at = at.wrapping_add(1);
    }
    to
}

/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    let mut at = 0;
    while at < length {
        // SAFETY: there is room for `length` bytes. Volatile as above; the low byte counts.
        unsafe { to.add(at).write_volatile(byte as u8) };
        at = at.wrapping_add(1);
    }
    to
}
