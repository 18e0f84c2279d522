//! The stored form: `TL`, a version, one CBOR array (RFC 8949), a CRC-32.
//!
//! One record in one slot, written whole. Version 1 is pinned by `tests/golden`; a later version is another
//! first number and never half read by this one (P12).

use core::fmt;

use crate::cbor::Reader;
use crate::cbor::Writer;
use crate::grant::Generation;
use crate::grant::Grant;
use crate::grant::TokenType;
use crate::session::Rotation;
use crate::state::Stamp;
use crate::sync::RecordFacts;

const MAGIC: [u8; 2] = *b"TL";
const VERSION: u8 = 1;
const TOMBSTONE_FIELDS: u64 = 7;
const LIVE_FIELDS: u64 = 18;

/// The polynomial of CRC-32 (ISO-HDLC), its bits reversed.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// What everything but the tokens takes at most.
pub(crate) const OVERHEAD: usize = 128;

/// Counters beyond this did not come from counting: they would leave no room for the next sign-in.
const MAX_COUNTER: u32 = u32::MAX / 2;

/// Why a record can't be used. It is treated as absent, reported, and replaced by the next one written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Corrupt {
    /// Too short to be a record: a torn write.
    Truncated,
    /// It does not begin as a record does: another program's bytes.
    Magic,
    /// Written by a later version.
    Version,
    /// The checksum does not fit: a torn write or a flipped bit.
    Checksum,
    /// The checksum fits but the content does not: another capacity, or not written by a latch.
    Content,
}

impl Corrupt {
    /// One English sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Truncated => "the record is cut short",
            Self::Magic => "these bytes are not a record",
            Self::Version => "the record was written by a later version",
            Self::Checksum => "the record's checksum does not fit",
            Self::Content => "the record's content does not fit this latch",
        }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for Corrupt {}

/// What a store holds, told from its bytes alone, without the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the decoder is total: P12")]
pub enum StoreContent {
    /// Nothing.
    Absent,
    /// A session.
    Session(Generation),
    /// The tombstone that a sign-out left.
    Tombstone(Generation),
    /// Bytes that are not a usable record.
    Corrupt(Corrupt),
}

/// Tells what `bytes` are, for logs and support tools.
#[must_use]
pub fn inspect(bytes: &[u8]) -> StoreContent {
    if bytes.is_empty() {
        return StoreContent::Absent;
    }
    match decode(bytes) {
        Ok(record) if record.facts.stamp.live => {
            StoreContent::Session(record.facts.stamp.generation())
        }
        Ok(record) => StoreContent::Tombstone(record.facts.stamp.generation()),
        Err(corrupt) => StoreContent::Corrupt(corrupt),
    }
}

/// A record in memory: the machine's part, and the bytes as a grant borrowed from the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) facts: RecordFacts,
    pub(crate) grant: Grant<'a>,
}

/// Writes the record; `None` if the buffer is too small. The same content gives the same bytes.
pub(crate) fn encode(record: &Record<'_>, buffer: &mut [u8]) -> Option<usize> {
    let (head, rest) = buffer.split_first_chunk_mut()?;
    let [first, second] = MAGIC;
    *head = [first, second, VERSION];
    let mut writer = Writer(rest);
    encode_body(record, &mut writer)?;
    let left = writer.0.len();
    let end = buffer.len().saturating_sub(left);
    let sum = checksum(buffer.get(..end)?).to_le_bytes();
    *buffer.get_mut(end..)?.first_chunk_mut()? = sum;
    end.checked_add(sum.len())
}

/// CRC-32 (ISO-HDLC), half a byte at a time: a quarter of the steps of bit by bit, for a table of 64 bytes.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..2 {
            let low = (crc & 15) as usize;
            crc = (crc >> 4) ^ HALVES.get(low).copied().unwrap_or_default();
        }
    }
    !crc
}

/// What each half of a byte leaves behind.
const HALVES: [u32; 16] = {
    let mut halves = [0; 16];
    let mut half = 0_u32;
    let mut rest: &mut [u32] = &mut halves;
    while let Some((first, tail)) = rest.split_first_mut() {
        let mut crc = half;
        let mut bit = 0_u8;
        while bit < 4 {
            let low = crc & 1;
            crc = (crc >> 1) ^ (POLYNOMIAL & low.wrapping_neg());
            bit = bit.wrapping_add(1);
        }
        *first = crc;
        half = half.wrapping_add(1);
        rest = tail;
    }
    halves
};

fn encode_body(record: &Record<'_>, writer: &mut Writer<'_>) -> Option<()> {
    let Record { facts, grant } = record;
    let stamp = &facts.stamp;
    let fields = if stamp.live {
        LIVE_FIELDS
    } else {
        TOMBSTONE_FIELDS
    };
    writer.array(fields)?;
    writer.bool(stamp.live)?;
    for number in [stamp.sign_in, stamp.serial, stamp.origin, stamp.nonce] {
        writer.number(number)?;
    }
    writer.number(facts.saved_wall)?;
    writer.number(facts.debt)?;
    if !stamp.live {
        return Some(());
    }
    let rotation: u8 = match facts.rotation {
        Rotation::Unknown => 0,
        Rotation::Rotates => 1,
        Rotation::Keeps => 2,
    };
    let token_type: u8 = match grant.token_type {
        TokenType::Bearer => 0,
        TokenType::Dpop => 1,
    };
    writer.number(facts.issued_wall)?;
    writer.number(facts.expires_wall)?;
    writer.bool(facts.sent)?;
    writer.number(facts.sent_wall)?;
    writer.number(rotation)?;
    writer.number(token_type)?;
    writer.text(grant.access_token)?;
    for text in [grant.refresh_token, grant.scope, grant.subject] {
        writer.text(text.unwrap_or_default())?;
    }
    writer.bytes(grant.app_data.unwrap_or_default())
}

/// The total decoder (P12). An empty slice is not for it: that is an absent record. Apart, so that only a load pays for
/// its stack.
#[inline(never)]
pub(crate) fn decode(bytes: &[u8]) -> Result<Record<'_>, Corrupt> {
    let ([first, second, version], _) = bytes.split_first_chunk().ok_or(Corrupt::Truncated)?;
    if [*first, *second] != MAGIC {
        return Err(Corrupt::Magic);
    }
    if *version != VERSION {
        return Err(Corrupt::Version);
    }
    let (covered, sum) = bytes.split_last_chunk().ok_or(Corrupt::Truncated)?;
    let body = covered.get(3..).ok_or(Corrupt::Truncated)?;
    if checksum(covered).to_le_bytes() != *sum {
        return Err(Corrupt::Checksum);
    }
    let mut fields = Fields {
        rest: Reader(body),
        fit: true,
    };
    let record = decode_body(&mut fields);
    // More than the fields, or other fields than these.
    if !fields.rest.0.is_empty() {
        return Err(Corrupt::Content);
    }
    if !fields.fit {
        return Err(Corrupt::Content);
    }
    Ok(record)
}

/// The fields that are left, and whether all that were read were what they should be. What is read after one that was
/// not means nothing.
struct Fields<'a> {
    rest: Reader<'a>,
    fit: bool,
}

impl<'a> Fields<'a> {
    fn or_unfit<T: Default>(&mut self, read: Option<T>) -> T {
        self.fit &= read.is_some();
        read.unwrap_or_default()
    }

    fn bool(&mut self) -> bool {
        let read = self.rest.bool();
        self.or_unfit(read)
    }

    #[inline(never)]
    fn number(&mut self) -> u64 {
        let read = self.rest.number();
        self.or_unfit(read)
    }

    #[inline(never)]
    fn at_most(&mut self, most: u32) -> u32 {
        let number = u32::try_from(self.number());
        self.fit &= number.is_ok_and(|number| number <= most);
        number.unwrap_or_default()
    }

    #[inline(never)]
    fn text(&mut self) -> &'a str {
        let read = self.rest.text();
        self.or_unfit(read)
    }

    /// What is empty is absent.
    #[inline(never)]
    fn optional_text(&mut self) -> Option<&'a str> {
        let text = self.text();
        if text.is_empty() { None } else { Some(text) }
    }

    #[inline(never)]
    fn optional_bytes(&mut self) -> Option<&'a [u8]> {
        let read = self.rest.bytes();
        let bytes = self.or_unfit(read);
        if bytes.is_empty() { None } else { Some(bytes) }
    }
}

fn decode_body<'a>(fields: &mut Fields<'a>) -> Record<'a> {
    let count = fields.rest.array();
    let live = fields.bool();
    let expected = if live { LIVE_FIELDS } else { TOMBSTONE_FIELDS };
    fields.fit &= count == Some(expected);
    // Fields of a struct are read in the order in which they stand here.
    let stamp = Stamp {
        live,
        sign_in: fields.at_most(MAX_COUNTER),
        serial: fields.at_most(MAX_COUNTER),
        origin: fields.at_most(u32::MAX),
        nonce: fields.at_most(u32::MAX),
    };
    let mut facts = RecordFacts {
        stamp,
        saved_wall: fields.number(),
        debt: fields.number(),
        issued_wall: 0,
        expires_wall: 0,
        sent_wall: 0,
        sent: false,
        has_refresh: false,
        rotation: Rotation::Unknown,
    };
    let mut grant = Grant::ambient();
    if live {
        facts.issued_wall = fields.number();
        facts.expires_wall = fields.number();
        facts.sent = fields.bool();
        facts.sent_wall = fields.number();
        facts.rotation = match fields.at_most(2) {
            0 => Rotation::Unknown,
            1 => Rotation::Rotates,
            _ => Rotation::Keeps,
        };
        grant.token_type = match fields.at_most(1) {
            0 => TokenType::Bearer,
            _ => TokenType::Dpop,
        };
        grant.access_token = fields.text();
        grant.refresh_token = fields.optional_text();
        grant.scope = fields.optional_text();
        grant.subject = fields.optional_text();
        grant.app_data = fields.optional_bytes();
        facts.has_refresh = grant.refresh_token.is_some();
    }
    Record { facts, grant }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value in the catalogue of CRCs.
    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b""), 0);
    }
}
