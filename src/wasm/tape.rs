//! What a context is told, written down in a buffer of its own (feature `recording`).

use crate::latch::Latch;
use crate::recording::Key;
use crate::recording::Paused;
use crate::recording::Recorder;
use crate::recording::RecorderError;

/// Room for some six hundred calls.
const ROOM: usize = 16 * 1024;

pub(super) struct Tape {
    bytes: [u8; ROOM],
    /// Where it goes on, if anything is recorded.
    paused: Option<Paused>,
}

impl Tape {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; ROOM],
            paused: None,
        }
    }

    /// Begins with a new latch.
    pub(super) fn begin<const T: usize, const W: usize>(
        &mut self,
        latch: &Latch<T, W>,
        key: Key,
    ) -> Result<(), RecorderError> {
        let recorder = Recorder::new(latch, key, &mut self.bytes)?;
        self.paused = Some(recorder.pause());
        Ok(())
    }

    pub(super) fn record(&mut self, write: impl FnOnce(&mut Recorder<'_>)) {
        if let Some(paused) = self.paused {
            let mut recorder = paused.resume(&mut self.bytes);
            write(&mut recorder);
            self.paused = Some(recorder.pause());
        }
    }

    pub(super) fn written(&self) -> &[u8] {
        let length = self.paused.as_ref().map_or(0, Paused::length);
        self.bytes.get(..length).unwrap_or_default()
    }
}
