//! What the latches draw as entropy, and the fingerprints.

use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::BuildHasherDefault;
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

/// The ranks of nonces in canonical form, as bits; 0 is no nonce.
pub(crate) fn ranks(nonces: impl IntoIterator<Item = u32>) -> u32 {
    let nonces = nonces.into_iter().filter(|nonce| *nonce > 0);
    let ranks = nonces.map(|nonce| nonce.wrapping_sub(MIDDLE).min(u32::BITS - 1));
    ranks.fold(0, |ranks, rank| ranks | 1 << rank)
}

/// Whether nonces of these ranks have the numbers that they would be given.
pub(crate) const fn is_in_order(ranks: u32) -> bool {
    ranks & ranks.wrapping_add(1) == 0
}

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

/// Two folded-multiply hashes side by side, the same on every machine. What is written is packed into words first, each
/// number so that its end can be told: different worlds are different words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes {
    lanes: [u64; 2],
    /// What was written since the last word was full.
    word: u64,
    bits: u32,
}

const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

impl Lanes {
    pub(crate) const fn new() -> Self {
        Self {
            lanes: [0x2436_f6a8_885a_308d, 0x1319_8a2e_0370_7344],
            word: 0,
            bits: 0,
        }
    }

    pub(crate) fn both(&self) -> u128 {
        let mut end = *self;
        end.mix(self.word);
        end.mix(u64::from(self.bits));
        (u128::from(end.lanes[0]) << 64) | u128::from(end.lanes[1])
    }

    #[inline]
    fn mix(&mut self, word: u64) {
        for (lane, key) in self.lanes.iter_mut().zip(KEYS) {
            let product = u128::from(*lane ^ word) * u128::from(key);
            // Both halves, and the word once more, so that no word makes the lane forget.
            *lane = ((product >> 64) as u64)
                ^ (product as u64)
                ^ lane.rotate_left(23)
                ^ word.rotate_left(7);
        }
    }

    /// A number of so many bits, at most 64.
    #[inline]
    fn put(&mut self, number: u64, width: u32) {
        let left = u64::BITS - self.bits;
        self.word |= number << self.bits;
        self.bits += width;
        if self.bits >= u64::BITS {
            self.mix(self.word);
            self.word = number.checked_shr(left).unwrap_or(0);
            self.bits -= u64::BITS;
        }
    }

    /// A number that is mostly small: in so many bits, or behind as many ones.
    #[inline]
    fn put_small(&mut self, number: u64, width: u32) {
        let escape = (1 << width) - 1;
        if number < escape {
            self.put(number, width);
        } else {
            self.put(escape, width);
            self.put(number, u64::BITS);
        }
    }
}

impl Hasher for Lanes {
    fn finish(&self) -> u64 {
        self.lanes[0]
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.put(u64::from_le_bytes(word), 8 * chunk.len() as u32);
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.put(u64::from(n), u8::BITS);
    }

    fn write_u16(&mut self, n: u16) {
        self.put(u64::from(n), u16::BITS);
    }

    fn write_u32(&mut self, n: u32) {
        self.put(u64::from(n), u32::BITS);
    }

    /// A time: none, or not far from what the clocks say.
    fn write_u64(&mut self, n: u64) {
        self.put_small(n.wrapping_add(1), 24);
    }

    fn write_u128(&mut self, n: u128) {
        self.put((n >> u64::BITS) as u64, u64::BITS);
        self.put(n as u64, u64::BITS);
    }

    /// A length.
    fn write_usize(&mut self, n: usize) {
        self.put_small(n as u64, 8);
    }

    /// Which variant.
    fn write_isize(&mut self, n: isize) {
        self.put_small(n as u64, 8);
    }
}

/// A fingerprint is its own hash.
#[derive(Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[..8]);
        self.0 = u64::from_le_bytes(word);
    }

    fn write_u128(&mut self, n: u128) {
        self.0 = n as u64;
    }
}

/// Something for each of many fingerprints.
pub(crate) type Prints<T> = HashMap<u128, T, BuildHasherDefault<Same>>;

/// Many fingerprints.
pub(crate) type PrintSet = HashSet<u128, BuildHasherDefault<Same>>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Words are mixed as they are filled: a difference at any place of a row of numbers tells.
    #[test]
    fn rows_of_numbers_that_differ_have_prints_that_differ() {
        let print = |row: &[u64], width: u32| {
            let mut lanes = Lanes::new();
            for number in row {
                match width {
                    8 => lanes.write_u8(*number as u8),
                    16 => lanes.write_u16(*number as u16),
                    32 => lanes.write_u32(*number as u32),
                    64 => lanes.write_u64(*number),
                    _ => lanes.write_usize(*number as usize),
                }
            }
            lanes.both()
        };
        let numbers = [
            0,
            1,
            254,
            255,
            256,
            0xff_fffe,
            0xff_ffff,
            u64::MAX - 1,
            u64::MAX,
        ];
        for width in [8, 16, 32, 64, 0] {
            let mask = match width {
                0 | 64 => u64::MAX,
                _ => (1 << width) - 1,
            };
            let few: HashSet<u64> = numbers.iter().map(|number| number & mask).collect();
            let mut seen = HashSet::new();
            let mut rows = 0;
            for place in 0..20 {
                for number in &few {
                    for end in &few {
                        let mut row = vec![7; 20];
                        row[place] = *number;
                        row.push(*end);
                        rows += 1;
                        assert!(seen.insert(print(&row, width)), "{width}: {row:?}");
                    }
                }
            }
            assert_eq!(seen.len(), rows);
        }
    }

    #[test]
    fn a_row_that_goes_on_has_another_print() {
        let mut lanes = Lanes::new();
        let mut seen = HashSet::new();
        for _ in 0..40 {
            assert!(seen.insert(lanes.both()));
            lanes.write_u8(0);
        }
    }
}
