//! Grants and stored records without their secrets.

use minicbor::Decoder;
use minicbor::Encoder;
use minicbor::data::Type;
use minicbor::encode::Write;

use super::code::Coded;
use super::redacted::Redacted;
use crate::grant::Expiry;
use crate::grant::Grant;
use crate::record;
use crate::record::Corrupt;
use crate::record::Record;
use crate::state::Stamp;
use crate::sync::RecordFacts;

/// A record with a good checksum and nothing in it.
const NO_CONTENT: &[u8] = b"TL\x01\xe1\x6f\x3f\xbf";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RedactedGrant {
    pub(super) access_token: Redacted,
    /// Refresh token, scope, subject, the app's bytes.
    pub(super) rest: [Option<Redacted>; 4],
    /// Lifetime, server time and token type; no text.
    pub(super) plain: Grant<'static>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "without a heap there is nowhere else to put it"
)]
pub(super) enum RedactedFound {
    Absent,
    Corrupt(Corrupt),
    Record(RecordFacts, Option<RedactedGrant>),
}

impl RedactedGrant {
    /// The grant with each secret replaced by what `redact` says; `None` if it does.
    pub(super) fn of(
        grant: &Grant<'_>,
        mut redact: impl FnMut(&[u8]) -> Option<Redacted>,
    ) -> Option<Self> {
        let access_token = redact(grant.access_token.as_bytes())?;
        let mut rest = [None; 4];
        for (place, part) in rest.iter_mut().zip(grant.rest()) {
            if let Some(part) = part {
                *place = Some(redact(part)?);
            }
        }
        let mut plain = Grant::new("");
        plain.expiry = grant.expiry;
        plain.server_time = grant.server_time;
        plain.token_type = grant.token_type;
        Some(Self {
            access_token,
            rest,
            plain,
        })
    }

    pub(super) fn grant<'s>(
        &self,
        capacity: usize,
        scratch: &mut &'s mut [u8],
    ) -> Option<Grant<'s>> {
        let mut grant: Grant<'s> = self.plain;
        grant.access_token = text(self.access_token.text(capacity, scratch)?);
        let mut rest: [Option<&'s [u8]>; 4] = [None; 4];
        for (place, part) in rest.iter_mut().zip(self.rest) {
            if let Some(part) = part {
                *place = Some(part.text(capacity, scratch)?);
            }
        }
        let [refresh_token, scope, subject, app_data] = rest;
        grant.refresh_token = refresh_token.map(text);
        grant.scope = scope.map(text);
        grant.subject = subject.map(text);
        grant.app_data = app_data;
        Some(grant)
    }

    pub(super) fn each(&mut self, change: &mut impl FnMut(Redacted) -> Redacted) {
        self.access_token = change(self.access_token);
        for part in self.rest.iter_mut().flatten() {
            *part = change(*part);
        }
    }
}

/// What is made up is ASCII.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

impl RedactedFound {
    pub(super) fn record<'s>(
        &self,
        capacity: usize,
        scratch: &mut &'s mut [u8],
    ) -> Option<Option<&'s [u8]>> {
        Some(Some(match self {
            Self::Absent => return Some(None),
            // The shortest that are told apart.
            Self::Corrupt(Corrupt::Truncated) => b"T",
            Self::Corrupt(Corrupt::Magic) => b"---",
            Self::Corrupt(Corrupt::Version) => b"TL\xff",
            Self::Corrupt(Corrupt::Checksum) => b"TL\x01\0\0\0\0",
            Self::Corrupt(Corrupt::Content) => NO_CONTENT,
            Self::Record(facts, grant) => {
                let grant = match grant {
                    Some(grant) => grant.grant(capacity, scratch)?,
                    None => Grant::ambient(),
                };
                let facts = *facts;
                let buffer = core::mem::take(scratch);
                let length = record::encode(&Record { facts, grant }, buffer)?;
                buffer.get(..length)?
            }
        }))
    }
}

pub(super) type Encoded<B> = Result<(), minicbor::encode::Error<<B as Write>::Error>>;

const SECRET_FIELDS: u64 = 3;
const GRANT_FIELDS: u64 = 9;
const TOMBSTONE_FIELDS: u64 = 12;
const LIVE_FIELDS: u64 = TOMBSTONE_FIELDS + 1;

impl Redacted {
    pub(super) fn encode<B: Write>(&self, encoder: &mut Encoder<B>) -> Encoded<B> {
        encoder.array(SECRET_FIELDS)?;
        encoder.u32(self.length)?.u32(self.number)?;
        encoder.u64(self.form.number())?.ok()
    }

    pub(super) fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if decoder.array().ok()? != Some(SECRET_FIELDS) {
            return None;
        }
        Some(Self {
            length: decoder.u32().ok()?,
            number: decoder.u32().ok()?,
            form: Coded::coded(decoder.u64().ok()?)?,
        })
    }
}

/// Something, or `null`.
fn encode_option<B: Write>(number: Option<u64>, encoder: &mut Encoder<B>) -> Encoded<B> {
    match number {
        Some(number) => encoder.u64(number)?.ok(),
        None => encoder.null()?.ok(),
    }
}

/// Whether something other than `null` stands here; `null` is stepped over.
pub(super) fn is_some(decoder: &mut Decoder<'_>) -> Option<bool> {
    if decoder.datatype().ok()? != Type::Null {
        return Some(true);
    }
    decoder.null().ok()?;
    Some(false)
}

fn decode_option(decoder: &mut Decoder<'_>) -> Option<Option<u64>> {
    if is_some(decoder)? {
        return Some(Some(decoder.u64().ok()?));
    }
    Some(None)
}

impl RedactedGrant {
    pub(super) fn encode<B: Write>(&self, encoder: &mut Encoder<B>) -> Encoded<B> {
        let (kind, lifetime) = match self.plain.expiry {
            Expiry::Unknown => (0, 0),
            Expiry::In(millis) => (1, millis),
            Expiry::At(millis) => (2, millis),
        };
        encoder.array(GRANT_FIELDS)?;
        encoder.u8(kind)?.u64(lifetime)?;
        encode_option(self.plain.server_time, encoder)?;
        encoder.u64(self.plain.token_type.number())?;
        self.access_token.encode(encoder)?;
        for part in &self.rest {
            match part {
                Some(part) => part.encode(encoder)?,
                None => encoder.null()?.ok()?,
            }
        }
        Ok(())
    }

    pub(super) fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if decoder.array().ok()? != Some(GRANT_FIELDS) {
            return None;
        }
        let mut plain = Grant::new("");
        plain.expiry = match (decoder.u8().ok()?, decoder.u64().ok()?) {
            (0, 0) => Expiry::Unknown,
            (1, millis) => Expiry::In(millis),
            (2, millis) => Expiry::At(millis),
            _ => return None,
        };
        plain.server_time = decode_option(decoder)?;
        plain.token_type = Coded::coded(decoder.u64().ok()?)?;
        let access_token = Redacted::decode(decoder)?;
        let mut rest = [None; 4];
        for part in &mut rest {
            if is_some(decoder)? {
                *part = Some(Redacted::decode(decoder)?);
            }
        }
        Some(Self {
            access_token,
            rest,
            plain,
        })
    }
}

impl RedactedFound {
    pub(super) fn encode<B: Write>(&self, encoder: &mut Encoder<B>) -> Encoded<B> {
        let (facts, grant) = match self {
            Self::Absent => return encoder.null()?.ok(),
            Self::Corrupt(corrupt) => return encoder.u64(corrupt.number())?.ok(),
            Self::Record(facts, grant) => (facts, grant),
        };
        // Without `..`: a new field has to be written. Whether there is a refresh token is seen from the grant.
        let RecordFacts {
            stamp:
                Stamp {
                    sign_in,
                    live,
                    serial,
                    origin,
                    nonce,
                },
            saved_wall,
            issued_wall,
            expires_wall,
            sent_wall,
            sent,
            has_refresh: _,
            rotation,
            debt,
        } = *facts;
        encoder.array(if grant.is_some() {
            LIVE_FIELDS
        } else {
            TOMBSTONE_FIELDS
        })?;
        encoder.bool(live)?.u32(sign_in)?.u32(serial)?;
        encoder.u32(origin)?.u32(nonce)?;
        encoder.u64(saved_wall)?.u64(debt)?.u64(issued_wall)?;
        encoder.u64(expires_wall)?.u64(sent_wall)?.bool(sent)?;
        encoder.u64(rotation.number())?;
        match grant {
            Some(grant) => grant.encode(encoder),
            None => Ok(()),
        }
    }

    pub(super) fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        match decoder.datatype().ok()? {
            Type::Null => {
                decoder.null().ok()?;
                return Some(Self::Absent);
            }
            Type::Array => {}
            _ => return Some(Self::Corrupt(Coded::coded(decoder.u64().ok()?)?)),
        }
        let fields = decoder.array().ok()?;
        let stamp = Stamp {
            live: decoder.bool().ok()?,
            sign_in: decoder.u32().ok()?,
            serial: decoder.u32().ok()?,
            origin: decoder.u32().ok()?,
            nonce: decoder.u32().ok()?,
        };
        let mut facts = RecordFacts {
            stamp,
            saved_wall: decoder.u64().ok()?,
            debt: decoder.u64().ok()?,
            issued_wall: decoder.u64().ok()?,
            expires_wall: decoder.u64().ok()?,
            sent_wall: decoder.u64().ok()?,
            sent: decoder.bool().ok()?,
            rotation: Coded::coded(decoder.u64().ok()?)?,
            has_refresh: false,
        };
        let expected = if stamp.live {
            LIVE_FIELDS
        } else {
            TOMBSTONE_FIELDS
        };
        if fields != Some(expected) {
            return None;
        }
        let mut grant = None;
        if stamp.live {
            let live = RedactedGrant::decode(decoder)?;
            let [refresh_token, ..] = live.rest;
            facts.has_refresh = refresh_token.is_some();
            grant = Some(live);
        }
        Some(Self::Record(facts, grant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::StoreContent;
    use crate::record::inspect;

    #[test]
    fn what_stands_for_a_corrupt_record_is_corrupt_in_the_same_way() {
        for corrupt in [
            Corrupt::Truncated,
            Corrupt::Magic,
            Corrupt::Version,
            Corrupt::Checksum,
            Corrupt::Content,
        ] {
            let bytes = RedactedFound::Corrupt(corrupt).record(0, &mut [].as_mut_slice());
            let bytes = bytes.flatten().unwrap_or_default();
            assert_eq!(inspect(bytes), StoreContent::Corrupt(corrupt));
        }
    }
}
