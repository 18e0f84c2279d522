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
const CHECKSUM: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

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
    let checksum = CHECKSUM.checksum(buffer.get(..end)?).to_le_bytes();
    *buffer.get_mut(end..)?.first_chunk_mut()? = checksum;
    end.checked_add(checksum.len())
}

fn encode_body(record: &Record<'_>, writer: &mut Writer<'_>) -> Option<()> {
    let RecordFacts {
        stamp,
        saved_wall,
        issued_wall,
        expires_wall,
        sent_wall,
        sent,
        has_refresh: _,
        rotation,
        debt,
    } = record.facts;
    let fields = if stamp.live {
        LIVE_FIELDS
    } else {
        TOMBSTONE_FIELDS
    };
    writer.array(fields)?;
    writer.bool(stamp.live)?;
    writer.number(stamp.sign_in)?;
    writer.number(stamp.serial)?;
    writer.number(stamp.origin)?;
    writer.number(stamp.nonce)?;
    writer.number(saved_wall)?;
    writer.number(debt)?;
    if !stamp.live {
        return Some(());
    }
    let rotation: u8 = match rotation {
        Rotation::Unknown => 0,
        Rotation::Rotates => 1,
        Rotation::Keeps => 2,
    };
    let token_type: u8 = match record.grant.token_type {
        TokenType::Bearer => 0,
        TokenType::Dpop => 1,
    };
    writer.number(issued_wall)?;
    writer.number(expires_wall)?;
    writer.bool(sent)?;
    writer.number(sent_wall)?;
    writer.number(rotation)?;
    writer.number(token_type)?;
    writer.text(record.grant.access_token)?;
    writer.text(record.grant.refresh_token.unwrap_or_default())?;
    writer.text(record.grant.scope.unwrap_or_default())?;
    writer.text(record.grant.subject.unwrap_or_default())?;
    writer.bytes(record.grant.app_data.unwrap_or_default())
}

/// The total decoder (P12). An empty slice is not for it: that is an absent record. Apart, so that only a load pays for
/// its stack.
#[inline(never)]
pub(crate) fn decode(bytes: &[u8]) -> Result<Record<'_>, Corrupt> {
    let (head, rest) = bytes.split_at_checked(3).ok_or(Corrupt::Truncated)?;
    let [first, second, version] = head else {
        return Err(Corrupt::Truncated);
    };
    if [*first, *second] != MAGIC {
        return Err(Corrupt::Magic);
    }
    if *version != VERSION {
        return Err(Corrupt::Version);
    }
    let (body, checksum) = rest.split_last_chunk::<4>().ok_or(Corrupt::Truncated)?;
    let covered = bytes.len().saturating_sub(checksum.len());
    let covered = bytes.get(..covered).ok_or(Corrupt::Truncated)?;
    if CHECKSUM.checksum(covered).to_le_bytes() != *checksum {
        return Err(Corrupt::Checksum);
    }
    let mut reader = Reader(body);
    let record = decode_body(&mut reader).ok_or(Corrupt::Content)?;
    if !reader.0.is_empty() {
        return Err(Corrupt::Content);
    }
    if record.facts.stamp.sign_in.max(record.facts.stamp.serial) > MAX_COUNTER {
        return Err(Corrupt::Content);
    }
    Ok(record)
}

fn decode_body<'a>(reader: &mut Reader<'a>) -> Option<Record<'a>> {
    let fields = reader.array()?;
    let live = reader.bool()?;
    let expected = if live { LIVE_FIELDS } else { TOMBSTONE_FIELDS };
    if fields != expected {
        return None;
    }
    let (sign_in, serial) = (reader.number()?, reader.number()?);
    let (origin, nonce) = (reader.number()?, reader.number()?);
    let stamp = Stamp {
        sign_in,
        live,
        serial,
        origin,
        nonce,
    };
    let (saved_wall, debt) = (reader.number()?, reader.number()?);
    let mut facts = RecordFacts {
        stamp,
        saved_wall,
        issued_wall: 0,
        expires_wall: 0,
        sent_wall: 0,
        sent: false,
        has_refresh: false,
        rotation: Rotation::Unknown,
        debt,
    };
    let mut grant = Grant::ambient();
    if !live {
        return Some(Record { facts, grant });
    }
    facts.issued_wall = reader.number()?;
    facts.expires_wall = reader.number()?;
    facts.sent = reader.bool()?;
    facts.sent_wall = reader.number()?;
    facts.rotation = match reader.number::<u64>()? {
        0 => Rotation::Unknown,
        1 => Rotation::Rotates,
        2 => Rotation::Keeps,
        _ => return None,
    };
    grant.token_type = match reader.number::<u64>()? {
        0 => TokenType::Bearer,
        1 => TokenType::Dpop,
        _ => return None,
    };
    grant.access_token = reader.text()?;
    grant.refresh_token = some(reader.text()?);
    grant.scope = some(reader.text()?);
    grant.subject = some(reader.text()?);
    grant.app_data = some_bytes(reader.bytes()?);
    facts.has_refresh = grant.refresh_token.is_some();
    Some(Record { facts, grant })
}

fn some(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
}

fn some_bytes(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.is_empty() { None } else { Some(bytes) }
}
