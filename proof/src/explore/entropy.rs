//! What the latches draw as entropy, and the fingerprints.

use std::hash::Hasher;
use std::sync::LazyLock;

/// SplitMix64, as in the latch.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(KEYS[0]);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Nonces in use are numbered from here in their order; a new one is larger or smaller than all of them.
pub(crate) const MIDDLE: u32 = 1 << 31;

/// No draw of one step is further.
const DRAWS: usize = 4;

/// Seeds whose next draws are all large, or all small.
static SEEDS: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let fits = |seed: &u64, large: bool| {
        let mut random = Random::new(*seed);
        (0..DRAWS).all(|_| {
            let nonce = (random.next() >> 32) as u32;
            if large {
                nonce > MIDDLE + 64
            } else {
                nonce < MIDDLE
            }
        })
    };
    [false, true].map(|large| (1..).find(|seed| fits(seed, large)).unwrap_or(1))
});

/// The entropy of a context whose nonces are larger than all there are, or smaller.
pub(crate) fn seed(large: bool) -> u64 {
    SEEDS[usize::from(large)]
}

/// Two folded-multiply hashes side by side, the same on every machine.
pub(crate) struct Lanes([u64; 2]);

const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

impl Lanes {
    pub(crate) const fn new() -> Self {
        Self([0x2436_f6a8_885a_308d, 0x1319_8a2e_0370_7344])
    }

    pub(crate) fn both(&self) -> u128 {
        (u128::from(self.0[0]) << 64) | u128::from(self.0[1])
    }
}

impl Hasher for Lanes {
    fn finish(&self) -> u64 {
        self.0[0]
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        for (lane, key) in self.0.iter_mut().zip(KEYS) {
            let product = u128::from(*lane ^ word) * u128::from(key);
            // Both halves, and the word once more, so that no word makes the lane forget.
            *lane = ((product >> 64) as u64)
                ^ (product as u64)
                ^ lane.rotate_left(23)
                ^ word.rotate_left(7);
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}
