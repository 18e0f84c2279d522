//! The caller's memory: the only unsafe code.

/// Bytes of the caller's; null is `None`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    at: *const u8,
    len: usize,
}

impl Bytes {
    pub(crate) const fn of(bytes: &[u8]) -> Self {
        Self {
            at: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    pub(crate) const NONE: Self = Self {
        at: core::ptr::null(),
        len: 0,
    };

    /// # Safety
    ///
    /// `at` is null, or `len` bytes can be read there while `'a` lasts.
    pub(crate) unsafe fn get<'a>(self) -> Option<&'a [u8]> {
        if self.at.is_null() {
            return None;
        }
        // SAFETY: the caller's promise.
        Some(unsafe { core::slice::from_raw_parts(self.at, self.len) })
    }

    /// # Safety
    ///
    /// As [`Self::get`].
    pub(crate) unsafe fn text<'a>(self) -> Option<&'a str> {
        // SAFETY: the caller's promise.
        core::str::from_utf8(unsafe { self.get() }?).ok()
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self::of(text.as_bytes())
    }
}

impl From<Option<&str>> for Bytes {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, Self::from)
    }
}

/// A buffer of the caller's.
#[repr(C)]
pub struct Buffer {
    at: *mut u8,
    len: usize,
}

impl Buffer {
    /// # Safety
    ///
    /// `len` bytes can be read and written at `at`, by nobody else while `'a` lasts.
    pub(crate) unsafe fn get<'a>(self) -> &'a mut [u8] {
        // SAFETY: the caller's promise.
        unsafe { core::slice::from_raw_parts_mut(self.at, self.len) }
    }
}

/// A number that may be absent.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MaybeU64 {
    present: bool,
    value: u64,
}

impl MaybeU64 {
    pub(crate) fn get(self) -> Option<u64> {
        self.present.then_some(self.value)
    }

    pub(crate) fn get_u32(self) -> Option<u32> {
        self.present.then_some(self.value as u32)
    }
}

impl From<Option<u64>> for MaybeU64 {
    fn from(value: Option<u64>) -> Self {
        Self {
            present: value.is_some(),
            value: value.unwrap_or_default(),
        }
    }
}
