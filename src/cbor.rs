//! The parts of CBOR (RFC 8949 3) that a record is made of: unsigned numbers, `false` and `true`, byte strings, text
//! strings and arrays of a definite length, each in its one deterministic form (4.2.1). A recording has negative numbers
//! and `null` as well.

/// The major type, where it stands in the first byte of an item (RFC 8949 3.1).
const UNSIGNED: u8 = 0;
#[cfg(feature = "recording")]
const NEGATIVE: u8 = 1 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;

const FALSE: u8 = 0xF4;
const TRUE: u8 = 0xF5;
#[cfg(feature = "recording")]
pub(crate) const NULL: u8 = 0xF6;

/// The room that is left. A writer that has said `None` is of no more use.
pub(crate) struct Writer<'a>(pub(crate) &'a mut [u8]);

impl Writer<'_> {
    pub(crate) fn array(&mut self, items: u64) -> Option<()> {
        self.head(ARRAY, items)
    }

    pub(crate) fn bool(&mut self, value: bool) -> Option<()> {
        self.put(&[if value { TRUE } else { FALSE }])
    }

    pub(crate) fn number(&mut self, value: impl Into<u64>) -> Option<()> {
        self.head(UNSIGNED, value.into())
    }

    pub(crate) fn text(&mut self, text: &str) -> Option<()> {
        self.string(TEXT, text.as_bytes())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.string(BYTES, bytes)
    }

    fn string(&mut self, major: u8, bytes: &[u8]) -> Option<()> {
        self.head(major, u64::try_from(bytes.len()).ok()?)?;
        self.put(bytes)
    }

    /// The shortest form (RFC 8949 4.2.1).
    fn head(&mut self, major: u8, value: u64) -> Option<()> {
        let bytes = value.to_be_bytes();
        let [.., low] = bytes;
        // The least number of bytes, of those that have a code.
        let (code, length) = match value {
            0..=23 => (low, 0),
            24..=0xFF => (24, 1),
            0x100..=0xFFFF => (25, 2),
            0x1_0000..=0xFFFF_FFFF => (26, 4),
            _ => (27, 8),
        };
        self.put(&[major | code])?;
        let (_, shortest) = bytes.split_at_checked(bytes.len().wrapping_sub(length))?;
        self.put(shortest)
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let (place, room) = core::mem::take(&mut self.0).split_at_mut_checked(bytes.len())?;
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.0 = room;
        Some(())
    }
}

#[cfg(feature = "recording")]
impl Writer<'_> {
    pub(crate) fn null(&mut self) -> Option<()> {
        self.put(&[NULL])
    }

    pub(crate) fn signed(&mut self, value: i64) -> Option<()> {
        let (major, value) = match value {
            0.. => (UNSIGNED, value),
            // -1 - value (RFC 8949 3.1).
            _ => (NEGATIVE, !value),
        };
        self.head(major, value.cast_unsigned())
    }
}

/// The bytes that are still to be read. `None`: they do not begin with what was asked for.
#[cfg_attr(feature = "recording", derive(Debug, Clone))]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array(&mut self) -> Option<u64> {
        self.head(ARRAY)
    }

    pub(crate) fn bool(&mut self) -> Option<bool> {
        match self.take(1)? {
            [FALSE] => Some(false),
            [TRUE] => Some(true),
            _ => None,
        }
    }

    pub(crate) fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.head(UNSIGNED)?.try_into().ok()
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        core::str::from_utf8(self.string(TEXT)?).ok()
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        self.string(BYTES)
    }

    fn string(&mut self, major: u8) -> Option<&'a [u8]> {
        let length = self.head(major)?.try_into().ok()?;
        self.take(length)
    }

    /// The value in the head of an item of this type, if it is in its shortest form.
    fn head(&mut self, major: u8) -> Option<u64> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        // What is beyond 27 here is another type, reserved, or of an indefinite length.
        let (length, least) = match *first ^ major {
            small @ 0..=23 => return Some(small.into()),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return None,
        };
        let bytes = self.take(length)?.iter();
        let value = bytes.fold(0, |value, byte| (value << 8) | u64::from(*byte));
        (value >= least).then_some(value)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(feature = "recording")]
impl Reader<'_> {
    /// Steps over `null`, if it stands here.
    pub(crate) fn null(&mut self) -> bool {
        let rest = self.0.strip_prefix(&[NULL]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    pub(crate) fn is_array(&self) -> bool {
        self.is(ARRAY)
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        if self.is(NEGATIVE) {
            return Some(!i64::try_from(self.head(NEGATIVE)?).ok()?);
        }
        self.number()
    }

    fn is(&self, major: u8) -> bool {
        self.0.first().is_some_and(|first| first & 0xE0 == major)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and their bytes: RFC 8949 appendix A, and the ends of each length.
    const NUMBERS: &[(u64, &[u8])] = &[
        (0, &[0x00]),
        (10, &[0x0a]),
        (23, &[0x17]),
        (24, &[0x18, 0x18]),
        (25, &[0x18, 0x19]),
        (0xff, &[0x18, 0xff]),
        (0x100, &[0x19, 0x01, 0x00]),
        (1000, &[0x19, 0x03, 0xe8]),
        (0xffff, &[0x19, 0xff, 0xff]),
        (0x1_0000, &[0x1a, 0x00, 0x01, 0x00, 0x00]),
        (1_000_000, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
        (0xffff_ffff, &[0x1a, 0xff, 0xff, 0xff, 0xff]),
        (0x1_0000_0000, &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]),
        (
            1_000_000_000_000,
            &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00],
        ),
        (
            u64::MAX,
            &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
    ];

    #[test]
    fn numbers_have_their_shortest_form() {
        for (number, bytes) in NUMBERS {
            let mut buffer = [0; 9];
            let mut writer = Writer(&mut buffer);
            assert_eq!(writer.number(*number), Some(()));
            let left = writer.0.len();
            assert_eq!(buffer.split_at(9 - left), (*bytes, &[0; 9][..left]));
            let mut reader = Reader(bytes);
            assert_eq!(reader.number(), Some(*number));
            assert_eq!(reader.0, [0; 0]);
        }
    }

    #[test]
    fn nothing_is_written_or_read_past_the_end() {
        for (number, bytes) in NUMBERS {
            for length in 0..bytes.len() {
                let mut buffer = [0; 9];
                assert_eq!(Writer(&mut buffer[..length]).number(*number), None);
                assert_eq!(Reader(&bytes[..length]).number::<u64>(), None);
            }
        }
        assert_eq!(Writer(&mut [0; 2]).text("ab"), None);
        assert_eq!(Reader(&[TEXT | 2, b'a']).text(), None);
        assert_eq!(
            Reader(&[TEXT | 27, 255, 255, 255, 255, 255, 255, 255, 255]).text(),
            None
        );
        assert_eq!(Reader(&[]).bool(), None);
    }

    #[test]
    fn a_longer_form_is_refused() {
        for bytes in [
            &[0x18, 23][..],
            &[0x19, 0, 0xff],
            &[0x1a, 0, 0, 0xff, 0xff],
            &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(Reader(bytes).number::<u64>(), None);
        }
    }

    #[test]
    fn another_type_a_reserved_or_an_indefinite_head_is_refused() {
        for first in 0..=255_u8 {
            let item = [first, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
            let is = |major: u8| (first >> 5 == major) & (first & 31 < 28);
            assert_eq!(Reader(&item).number::<u64>().is_some(), is(0), "{first:#x}");
            assert_eq!(Reader(&item).array().is_some(), is(4), "{first:#x}");
            assert_eq!(Reader(&item).bool().is_some(), first & !1 == FALSE);
            // These eight bytes hold no more than that, and they are no text.
            let is_short = first & 31 <= 8;
            assert_eq!(Reader(&item).bytes().is_some(), is(2) & is_short);
            assert_eq!(Reader(&item).text().is_some(), first == TEXT);
        }
    }

    #[test]
    fn a_number_that_is_too_large_for_its_place_is_refused() {
        assert_eq!(Reader(&[0x1a, 255, 255, 255, 255]).number(), Some(u32::MAX));
        assert_eq!(
            Reader(&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]).number::<u32>(),
            None
        );
    }

    #[test]
    fn strings_are_read_as_written() {
        let mut buffer = [0; 40];
        let mut writer = Writer(&mut buffer);
        assert_eq!(
            writer
                .text("twenty-four characters..")
                .and_then(|()| writer.bytes(&[1, 2])),
            Some(())
        );
        let end = 40 - writer.0.len();
        let mut reader = Reader(&buffer[..end]);
        assert_eq!(reader.text(), Some("twenty-four characters.."));
        assert_eq!((reader.bytes(), reader.0), (Some(&[1, 2][..]), &[][..]));
    }
    /// Negative numbers of RFC 8949 appendix A, and the ends.
    #[cfg(feature = "recording")]
    #[test]
    fn signed_numbers_have_their_shortest_form() {
        const MAX: u8 = 0xff;
        let all: &[(i64, &[u8])] = &[
            (0, &[0x00]),
            (-1, &[0x20]),
            (-10, &[0x29]),
            (-100, &[0x38, 0x63]),
            (-1000, &[0x39, 0x03, 0xe7]),
            (i64::MAX, &[0x1b, 0x7f, MAX, MAX, MAX, MAX, MAX, MAX, MAX]),
            (i64::MIN, &[0x3b, 0x7f, MAX, MAX, MAX, MAX, MAX, MAX, MAX]),
        ];
        for (number, bytes) in all {
            let mut buffer = [0; 9];
            let mut writer = Writer(&mut buffer);
            assert_eq!(writer.signed(*number), Some(()));
            let length = 9 - writer.0.len();
            assert_eq!(&buffer[..length], *bytes);
            let mut reader = Reader(bytes);
            assert_eq!((reader.signed(), reader.0.len()), (Some(*number), 0));
        }
        for too_large in [0x1b, 0x3b] {
            let bytes = [too_large, 0x80, 0, 0, 0, 0, 0, 0, 0];
            assert_eq!(Reader(&bytes).signed(), None);
        }
        assert_eq!(Reader(&[0x38, 23]).signed(), None, "a longer form");
        assert_eq!(Reader(&[BYTES]).signed(), None, "another type");
    }

    #[cfg(feature = "recording")]
    #[test]
    fn null_is_stepped_over_and_nothing_else() {
        let mut buffer = [0; 1];
        assert_eq!(Writer(&mut buffer).null(), Some(()));
        for first in 0..=255_u8 {
            let item = [first];
            let mut reader = Reader(&item);
            assert_eq!(reader.is_array(), first >> 5 == 4, "{first:#x}");
            assert_eq!(reader.null(), first == buffer[0], "{first:#x}");
            assert_eq!(reader.0.is_empty(), first == buffer[0], "{first:#x}");
        }
        assert!(!Reader(&[]).null());
    }
}
