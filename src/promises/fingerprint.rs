//! A number for the state of a latch.

use core::hash::Hasher;

/// FNV-1a, numbers as a whole: the same on every host.
pub(super) struct Fingerprint(pub(super) u64);

impl Fingerprint {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    const fn take(&mut self, number: u64) {
        // The multiplication carries upwards only.
        self.0 = (self.0 ^ number)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(29);
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.take(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.take(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.take(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.take(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.take(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.take(number as u64);
    }
}
