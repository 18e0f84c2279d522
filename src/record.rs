//! The stored form: `TL`, a version, one CBOR array, a CRC-32.
//!
//! One record in one slot, written whole. Version 1 is pinned by `tests/golden`; a later version is another
//! first number and never half read by this one (P12).

use core::fmt;

use minicbor::Decoder;
use minicbor::Encoder;
use minicbor::encode::write::Cursor;

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

type Encoded = Result<(), minicbor::encode::Error<minicbor::encode::write::EndOfSlice>>;

/// Writes the record; `None` if the buffer is too small. The same content gives the same bytes.
pub(crate) fn encode(record: &Record<'_>, buffer: &mut [u8]) -> Option<usize> {
    let (head, rest) = buffer.split_at_mut_checked(3)?;
    let [magic, second, version] = head else {
        return None;
    };
    [*magic, *second] = MAGIC;
    *version = VERSION;
    let mut encoder = Encoder::new(Cursor::new(rest));
    encode_body(record, &mut encoder).ok()?;
    let end = encoder.writer().position().checked_add(3)?;
    let checksum = CHECKSUM.checksum(buffer.get(..end)?).to_le_bytes();
    let total = end.checked_add(checksum.len())?;
    buffer.get_mut(end..total)?.copy_from_slice(&checksum);
    Some(total)
}

fn encode_body(record: &Record<'_>, encoder: &mut Encoder<Cursor<&mut [u8]>>) -> Encoded {
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
    encoder.array(if stamp.live {
        LIVE_FIELDS
    } else {
        TOMBSTONE_FIELDS
    })?;
    encoder
        .bool(stamp.live)?
        .u32(stamp.sign_in)?
        .u32(stamp.serial)?
        .u32(stamp.origin)?
        .u32(stamp.nonce)?;
    encoder.u64(saved_wall)?.u64(debt)?;
    if !stamp.live {
        return Ok(());
    }
    let rotation = match rotation {
        Rotation::Unknown => 0,
        Rotation::Rotates => 1,
        Rotation::Keeps => 2,
    };
    let token_type = match record.grant.token_type {
        TokenType::Bearer => 0,
        TokenType::Dpop => 1,
    };
    encoder
        .u64(issued_wall)?
        .u64(expires_wall)?
        .bool(sent)?
        .u64(sent_wall)?;
    encoder.u8(rotation)?.u8(token_type)?;
    encoder.str(record.grant.access_token)?;
    encoder.str(record.grant.refresh_token.unwrap_or_default())?;
    encoder.str(record.grant.scope.unwrap_or_default())?;
    encoder.str(record.grant.subject.unwrap_or_default())?;
    encoder.bytes(record.grant.app_data.unwrap_or_default())?;
    Ok(())
}

/// The total decoder (P12). An empty slice is not for it: that is an absent record.
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
    let mut decoder = Decoder::new(body);
    let record = decode_body(&mut decoder).map_err(|_| Corrupt::Content)?;
    if decoder.position() != body.len() {
        return Err(Corrupt::Content);
    }
    let record = record.ok_or(Corrupt::Content)?;
    if record.facts.stamp.sign_in.max(record.facts.stamp.serial) > MAX_COUNTER {
        return Err(Corrupt::Content);
    }
    Ok(record)
}

fn decode_body<'a>(
    decoder: &mut Decoder<'a>,
) -> Result<Option<Record<'a>>, minicbor::decode::Error> {
    let fields = decoder.array()?;
    let live = decoder.bool()?;
    let expected = if live { LIVE_FIELDS } else { TOMBSTONE_FIELDS };
    if fields != Some(expected) {
        return Ok(None);
    }
    let (sign_in, serial) = (decoder.u32()?, decoder.u32()?);
    let (origin, nonce) = (decoder.u32()?, decoder.u32()?);
    let stamp = Stamp {
        sign_in,
        live,
        serial,
        origin,
        nonce,
    };
    let (saved_wall, debt) = (decoder.u64()?, decoder.u64()?);
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
        return Ok(Some(Record { facts, grant }));
    }
    facts.issued_wall = decoder.u64()?;
    facts.expires_wall = decoder.u64()?;
    facts.sent = decoder.bool()?;
    facts.sent_wall = decoder.u64()?;
    facts.rotation = match decoder.u8()? {
        0 => Rotation::Unknown,
        1 => Rotation::Rotates,
        2 => Rotation::Keeps,
        _ => return Ok(None),
    };
    grant.token_type = match decoder.u8()? {
        0 => TokenType::Bearer,
        1 => TokenType::Dpop,
        _ => return Ok(None),
    };
    grant.access_token = decoder.str()?;
    grant.refresh_token = some(decoder.str()?);
    grant.scope = some(decoder.str()?);
    grant.subject = some(decoder.str()?);
    grant.app_data = some_bytes(decoder.bytes()?);
    facts.has_refresh = grant.refresh_token.is_some();
    Ok(Some(Record { facts, grant }))
}

fn some(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
}

fn some_bytes(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.is_empty() { None } else { Some(bytes) }
}
