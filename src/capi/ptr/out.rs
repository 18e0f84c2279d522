//! The caller's memory that is written to, when everything has succeeded.

use core::ptr;
use core::slice;

use super::check;
use super::check_len;
use crate::numbers::TL_ERR_SPACE;

/// Places of the caller's to write to.
///
/// # Safety
///
/// The caller's promise, until they are written.
pub(in crate::capi) unsafe fn places<T>(
    at: *mut T,
    len: usize,
) -> Result<impl Iterator<Item = Out<T>>, i32> {
    if len > 0 {
        check_len(at, len)?;
    }
    Ok((0..len).map(move |index| Out(at.wrapping_add(index))))
}

/// One place of the caller's to write to.
pub(in crate::capi) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    ///
    /// The caller's promise, until it is written.
    pub(in crate::capi) unsafe fn new(at: *mut T) -> Result<Self, i32> {
        check(at)?;
        Ok(Self(at))
    }

    pub(in crate::capi) fn write(self, value: T) {
        // SAFETY: the promise of `new`.
        unsafe { self.0.write(value) };
    }
}

/// A buffer of the caller's, and where the length goes.
pub(in crate::capi) struct Buffer {
    at: *mut u8,
    capacity: usize,
    len: *mut usize,
}

impl Buffer {
    /// # Safety
    ///
    /// The caller's promise, until it is written.
    pub(in crate::capi) unsafe fn new(
        at: *mut u8,
        capacity: usize,
        len: *mut usize,
    ) -> Result<Self, i32> {
        check(len)?;
        if capacity > 0 {
            check_len(at, capacity)?;
        }
        Ok(Self { at, capacity, len })
    }

    /// Whether there is room; if not, writes how much is needed.
    pub(in crate::capi) fn room(&self, needed: usize) -> Result<(), i32> {
        if self.capacity < needed {
            // SAFETY: the promise of `new`.
            unsafe { self.len.write(needed) };
            return Err(TL_ERR_SPACE);
        }
        Ok(())
    }

    /// Copies the parts one after the other, with NUL at the end if that is asked for. The length does not count it.
    pub(in crate::capi) fn put(self, parts: &[&[u8]], end: &[u8]) -> Result<(), i32> {
        let mut len = 0_usize;
        for part in parts {
            len = len.saturating_add(part.len());
        }
        self.room(len.saturating_add(end.len()))?;
        let mut at = self.at;
        for part in parts.iter().chain([&end]) {
            if !part.is_empty() {
                // SAFETY: the promise of `new`; there is room for all parts.
                unsafe {
                    ptr::copy_nonoverlapping(part.as_ptr(), at, part.len());
                    at = at.add(part.len());
                }
            }
        }
        // SAFETY: the promise of `new`.
        unsafe { self.len.write(len) };
        Ok(())
    }

    /// Lets `fill` write up to `needed` bytes, and tell how many it wrote.
    pub(in crate::capi) fn fill(
        self,
        needed: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, i32>,
    ) -> Result<(), i32> {
        self.room(needed)?;
        let buffer: &mut [u8] = if needed == 0 {
            &mut []
        } else {
            // SAFETY: the promise of `new`; there is room. What was never written to is zero before it is read.
            unsafe {
                self.at.write_bytes(0, needed);
                slice::from_raw_parts_mut(self.at, needed)
            }
        };
        let len = fill(buffer)?;
        // SAFETY: the promise of `new`.
        unsafe { self.len.write(len) };
        Ok(())
    }
}
