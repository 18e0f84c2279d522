//! Grants and stored records without their secrets.

use super::redacted::Redacted;
use crate::cbor::Reader;
use crate::cbor::Writer;
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

const SECRET_FIELDS: u64 = 3;
const GRANT_FIELDS: u64 = 9;
const TOMBSTONE_FIELDS: u64 = 12;
const LIVE_FIELDS: u64 = TOMBSTONE_FIELDS + 1;

impl Redacted {
    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        writer.array(SECRET_FIELDS)?;
        writer.number(self.length)?;
        writer.number(self.number)?;
        writer.coded(self.form)
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        reader.fields(SECRET_FIELDS)?;
        Some(Self {
            length: reader.number()?,
            number: reader.number()?,
            form: reader.coded()?,
        })
    }
}

impl RedactedGrant {
    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        let (kind, lifetime) = match self.plain.expiry {
            Expiry::Unknown => (0_u8, 0),
            Expiry::In(millis) => (1, millis),
            Expiry::At(millis) => (2, millis),
        };
        writer.array(GRANT_FIELDS)?;
        writer.number(kind)?;
        writer.number(lifetime)?;
        writer.option(self.plain.server_time, Writer::number)?;
        writer.coded(self.plain.token_type)?;
        self.access_token.encode(writer)?;
        for part in &self.rest {
            writer.option(part.as_ref(), |writer, part| part.encode(writer))?;
        }
        Some(())
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        reader.fields(GRANT_FIELDS)?;
        let mut plain = Grant::new("");
        plain.expiry = match (reader.number::<u8>()?, reader.number()?) {
            (0, 0) => Expiry::Unknown,
            (1, millis) => Expiry::In(millis),
            (2, millis) => Expiry::At(millis),
            _ => return None,
        };
        plain.server_time = reader.option(Reader::number)?;
        plain.token_type = reader.coded()?;
        let access_token = Redacted::decode(reader)?;
        let mut rest = [None; 4];
        for part in &mut rest {
            *part = reader.option(Redacted::decode)?;
        }
        Some(Self {
            access_token,
            rest,
            plain,
        })
    }
}

impl RedactedFound {
    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        let (facts, grant) = match self {
            Self::Absent => return writer.null(),
            Self::Corrupt(corrupt) => return writer.coded(*corrupt),
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
        writer.array(if grant.is_some() {
            LIVE_FIELDS
        } else {
            TOMBSTONE_FIELDS
        })?;
        writer.bool(live)?;
        for number in [sign_in, serial, origin, nonce] {
            writer.number(number)?;
        }
        for number in [saved_wall, debt, issued_wall, expires_wall, sent_wall] {
            writer.number(number)?;
        }
        writer.bool(sent)?;
        writer.coded(rotation)?;
        match grant {
            Some(grant) => grant.encode(writer),
            None => Some(()),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.null() {
            return Some(Self::Absent);
        }
        if !reader.is_array() {
            return reader.coded().map(Self::Corrupt);
        }
        let fields = reader.array()?;
        let stamp = Stamp {
            live: reader.bool()?,
            sign_in: reader.number()?,
            serial: reader.number()?,
            origin: reader.number()?,
            nonce: reader.number()?,
        };
        let mut facts = RecordFacts {
            stamp,
            saved_wall: reader.number()?,
            debt: reader.number()?,
            issued_wall: reader.number()?,
            expires_wall: reader.number()?,
            sent_wall: reader.number()?,
            sent: reader.bool()?,
            rotation: reader.coded()?,
            has_refresh: false,
        };
        let expected = if stamp.live {
            LIVE_FIELDS
        } else {
            TOMBSTONE_FIELDS
        };
        if fields != expected {
            return None;
        }
        let mut grant = None;
        if stamp.live {
            let live = RedactedGrant::decode(reader)?;
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
