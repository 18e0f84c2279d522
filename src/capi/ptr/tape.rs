//! A recorder whose buffer is the caller's: borrowed for one call at a time, so that the caller may read it in between.

use core::slice;

use super::check_len;
use crate::capi::Latch;
use crate::numbers;
use crate::numbers::TL_ERR_RECORDING_NOT_NEW;
use crate::recording::Key;
use crate::recording::Paused;
use crate::recording::Recorder;
use crate::recording::RecorderError;

pub(in crate::capi) struct Tape {
    at: *mut u8,
    capacity: usize,
    paused: Paused,
}

impl Tape {
    /// Begins a recording of a new latch.
    ///
    /// # Safety
    ///
    /// The caller's promise, until the tape is given up; nobody else writes to the buffer.
    pub(in crate::capi) unsafe fn new(
        latch: &Latch,
        key: Key,
        at: *mut u8,
        capacity: usize,
    ) -> Result<Self, i32> {
        check_len(at, capacity)?;
        // Before the buffer is touched.
        if let Err(RecorderError::NotNew) = Recorder::new(latch, key, &mut []) {
            return Err(TL_ERR_RECORDING_NOT_NEW);
        }
        // SAFETY: the caller's promise. What was never written to is zero before it is read.
        let buffer = unsafe {
            at.write_bytes(0, capacity);
            slice::from_raw_parts_mut(at, capacity)
        };
        let recorder = Recorder::new(latch, key, buffer).map_err(numbers::recorder_error)?;
        let paused = recorder.pause();
        Ok(Self {
            at,
            capacity,
            paused,
        })
    }

    pub(super) fn record(&mut self, write: impl FnOnce(&mut Recorder<'_>)) {
        // SAFETY: the promise of `new`.
        let buffer = unsafe { slice::from_raw_parts_mut(self.at, self.capacity) };
        let mut recorder = self.paused.resume(buffer);
        write(&mut recorder);
        self.paused = recorder.pause();
    }

    /// How much of the buffer is written, and whether the rest did not fit.
    pub(in crate::capi) const fn written(&self) -> (usize, bool) {
        (self.paused.length(), self.paused.is_full())
    }
}
