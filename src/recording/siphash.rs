//! SipHash-2-4 with 128 bits (Aumasson and Bernstein 2012), as the linker wants it: without a panic.

/// The same bytes and key, the same hash.
pub(super) fn hash(key: [u8; 16], bytes: &[u8]) -> [u8; 16] {
    let (first, second) = halves(u128::from_le_bytes(key));
    let mut state = State([
        first ^ 0x736f_6d65_7073_6575,
        second ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        first ^ 0x6c79_6765_6e65_7261,
        second ^ 0x7465_6462_7974_6573,
    ]);
    let words = bytes.chunks_exact(8);
    let rest = word(words.remainder());
    for bytes in words {
        state.take(word(bytes));
    }
    // Of the length only the lowest byte.
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    state.take((length << 56) | rest);
    state.0[2] ^= 0xee;
    let low = state.half();
    state.0[1] ^= 0xdd;
    let high = state.half();
    (u128::from(low) | (u128::from(high) << 64)).to_le_bytes()
}

#[expect(clippy::cast_possible_truncation, reason = "they are the halves")]
const fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

/// At most eight bytes, the first the lowest.
fn word(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

struct State([u64; 4]);

impl State {
    fn take(&mut self, word: u64) {
        self.0[3] ^= word;
        self.rounds(2);
        self.0[0] ^= word;
    }

    fn half(&mut self) -> u64 {
        self.rounds(4);
        self.0.iter().fold(0, |half, word| half ^ word)
    }

    fn rounds(&mut self, count: u8) {
        let [mut a, mut b, mut c, mut d] = self.0;
        for _ in 0..count {
            a = a.wrapping_add(b);
            b = b.rotate_left(13) ^ a;
            a = a.rotate_left(32);
            c = c.wrapping_add(d);
            d = d.rotate_left(16) ^ c;
            a = a.wrapping_add(d);
            d = d.rotate_left(21) ^ a;
            c = c.wrapping_add(b);
            b = b.rotate_left(17) ^ c;
            c = c.rotate_left(32);
        }
        self.0 = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    /// Of the authors' reference code (`vectors.h`): the key 0, 1, 2.., and no byte.
    #[test]
    fn hashes_as_the_reference_does() {
        let key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let expected = 0x9302_55c7_1472_f66d_e6a8_25ba_047f_81a3_u128;
        assert_eq!(super::hash(key, &[]), expected.to_le_bytes());
    }

    fn byte(number: usize) -> u8 {
        u8::try_from(number % 251).unwrap_or_default()
    }

    /// The crate `siphasher` has a length whose sum could overflow, in the eyes of a linker; its hashes are the same.
    #[test]
    fn hashes_as_a_well_known_crate_does() {
        let bytes: [u8; 300] = core::array::from_fn(|index| byte(index * 7));
        for length in 0..bytes.len() {
            let key = core::array::from_fn(|index| byte(index + length));
            let known = siphasher::sip128::SipHasher24::new_with_key(&key).hash(&bytes[..length]);
            assert_eq!(super::hash(key, &bytes[..length]), known.as_bytes());
        }
    }
}
