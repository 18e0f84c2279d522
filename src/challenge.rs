//! `WWW-Authenticate`: RFC 9110 11.2, 11.3 and 11.6.1; RFC 6750 3; RFC 9449 7.1 and 9; RFC 9470 3.
//!
//! Real servers write this header badly, so nothing here fails: what can't be read is stepped over.

mod cursor;

use core::fmt;

use crate::decimal::with_digit;
use cursor::Cursor;

/// What a resource server's `WWW-Authenticate` says about the token.
///
/// In ascending order of how much it says: of several challenges, the one that stands last here counts.
/// `use_dpop_nonce` and the two `insufficient_…` come after `invalid_token`, because a renewal can't cure
/// them. Of equals, the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ChallengeKind {
    /// There is no such header.
    #[default]
    Absent,
    /// There is one, and no challenge in it is Bearer's or DPoP's.
    OtherScheme,
    /// Bearer or DPoP without `error`: the request had no usable credential (RFC 6750 3.1), or the server
    /// doesn't say.
    NoError,
    /// An `error` that none of these RFCs names.
    OtherError,
    /// `invalid_request` (RFC 6750 3.1): the request is malformed, or carries the token twice. Or `invalid_dpop_proof` (RFC
    /// 9449 7.1).
    InvalidRequest,
    /// `invalid_token` (RFC 6750 3.1): expired, revoked or malformed. A renewal may help.
    InvalidToken,
    /// `insufficient_scope` (RFC 6750 3.1): a renewal can't widen the scope (RFC 6749 6).
    InsufficientScope,
    /// `insufficient_user_authentication` (RFC 9470 3): the user has to authenticate again, or better.
    InsufficientUserAuthentication,
    /// `use_dpop_nonce` (RFC 9449 9): the same token, with a proof that has the server's new nonce.
    UseDpopNonce,
}

impl ChallengeKind {
    /// A stable name, for logs and tables: the RFC's own where there is one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::OtherScheme => "other_scheme",
            Self::NoError => "no_error",
            Self::OtherError => "other_error",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }

    const ERRORS: [Self; 5] = [
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::InsufficientUserAuthentication,
        Self::UseDpopNonce,
    ];

    fn of_scheme(word: &[u8]) -> Self {
        for scheme in [&b"Bearer"[..], b"DPoP"] {
            if word.eq_ignore_ascii_case(scheme) {
                return Self::NoError;
            }
        }
        Self::OtherScheme
    }

    fn of_error(error: ParamValue<'_>) -> Self {
        // RFC 9449 7.1: the proof is wrong, which no other token mends.
        if error.bytes().eq(*b"invalid_dpop_proof") {
            return Self::InvalidRequest;
        }
        for kind in Self::ERRORS {
            if error.bytes().eq(kind.name().bytes()) {
                return kind;
            }
        }
        Self::OtherError
    }
}

/// The challenge that counts, of all that an answer carries (RFC 9110 11.6.1).
#[derive(Clone, Copy, Default)]
pub struct Challenge<'a> {
    kind: ChallengeKind,
    /// What comes after the scheme: the parameters, then other challenges.
    rest: &'a [u8],
}

impl<'a> Challenge<'a> {
    /// Reads the values of all `WWW-Authenticate` headers of an answer, one item for each header line.
    ///
    /// Each may hold several challenges. Names of schemes and parameters are read in any case; of a
    /// parameter that comes twice in a challenge, the first counts. Any bytes give an answer.
    #[must_use]
    pub fn parse(headers: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut best = Self::default();
        for header in headers {
            best.read(header);
        }
        best
    }

    /// What it says.
    #[must_use]
    pub const fn kind(&self) -> ChallengeKind {
        self.kind
    }

    /// `realm` (RFC 9110 11.5).
    #[must_use]
    pub fn realm(&self) -> Option<ParamValue<'a>> {
        self.param(b"realm")
    }

    /// `scope`: what the resource needs, separated by spaces (RFC 6750 3).
    #[must_use]
    pub fn scope(&self) -> Option<ParamValue<'a>> {
        self.param(b"scope")
    }

    /// `acr_values`: the authentication that would do, in order of preference (RFC 9470 3).
    #[must_use]
    pub fn acr_values(&self) -> Option<ParamValue<'a>> {
        self.param(b"acr_values")
    }

    /// `max_age`: how many seconds ago the user may have authenticated (RFC 9470 3); saturates. `None` too
    /// when it is not a number.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        let mut number = None;
        for byte in self.param(b"max_age")?.bytes() {
            number = Some(with_digit(number.unwrap_or_default(), byte)?);
        }
        number
    }

    /// The parameter of this name that comes first.
    #[inline(never)]
    fn param(&self, name: &[u8]) -> Option<ParamValue<'a>> {
        let mut cursor = Cursor(self.rest);
        // Without a value it is the scheme of the next challenge.
        while let Some((word, Some(value))) = cursor.next() {
            if word.eq_ignore_ascii_case(name) {
                return Some(value);
            }
        }
        None
    }

    /// Reads one header's list.
    #[inline(never)]
    fn read(&mut self, header: &'a [u8]) {
        let mut cursor = Cursor(header);
        let mut current = Self::default();
        while let Some((word, value)) = cursor.next() {
            match value {
                // NoError: the scheme is ours and no error has been read. Thus the first one counts.
                Some(value) if current.kind == ChallengeKind::NoError => {
                    if word.eq_ignore_ascii_case(b"error") {
                        current.kind = ChallengeKind::of_error(value);
                    }
                }
                Some(_) => {}
                None => {
                    self.improve(current);
                    cursor.token68();
                    current = Self {
                        kind: ChallengeKind::of_scheme(word),
                        rest: cursor.0,
                    };
                }
            }
        }
        self.improve(current);
        if self.kind == ChallengeKind::Absent {
            self.kind = ChallengeKind::OtherScheme;
        }
    }

    fn improve(&mut self, other: Self) {
        if other.kind as u8 > self.kind as u8 {
            *self = other;
        }
    }

    /// What it is compared and printed by.
    fn params(&self) -> [(&'static str, Option<ParamValue<'a>>); 4] {
        [
            ("realm", self.realm()),
            ("scope", self.scope()),
            ("acr_values", self.acr_values()),
            ("max_age", self.param(b"max_age")),
        ]
    }
}

impl PartialEq for Challenge<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.params()) == (other.kind, other.params())
    }
}

impl Eq for Challenge<'_> {}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Challenge");
        shown.field("kind", &self.kind);
        for (name, value) in self.params() {
            shown.field(name, &value);
        }
        shown.finish()
    }
}

/// The value of a challenge's parameter, read without its quotes and quoted pairs (RFC 9110 5.6.4).
///
/// Compare it with a `str`, print it, or read its characters. Bytes that are not UTF-8 read as U+FFFD.
#[derive(Clone, Copy)]
pub struct ParamValue<'a> {
    raw: &'a [u8],
}

impl<'a> ParamValue<'a> {
    /// Its bytes, which may be anything.
    fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut escaped = false;
        self.raw.iter().copied().filter(move |byte| {
            // A backslash is dropped unless the one before it was.
            escaped = !escaped & (*byte == b'\\');
            !escaped
        })
    }

    /// Its characters.
    pub fn chars(self) -> impl Iterator<Item = char> + use<'a> {
        let mut escaped = false;
        self.raw
            .utf8_chunks()
            .flat_map(lossy)
            .filter(move |character| {
                // A backslash is dropped unless the one before it was.
                escaped = !escaped & (*character == '\\');
                !escaped
            })
    }
}

fn lossy(chunk: core::str::Utf8Chunk<'_>) -> impl Iterator<Item = char> + use<'_> {
    let invalid = chunk.invalid().first().map(|_| char::REPLACEMENT_CHARACTER);
    chunk.valid().chars().chain(invalid)
}

impl fmt::Display for ParamValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars()
            .try_for_each(|character| fmt::Write::write_char(f, character))
    }
}

impl fmt::Debug for ParamValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.chars()
            .try_for_each(|character| write!(f, "{}", character.escape_debug()))?;
        f.write_str("\"")
    }
}

impl PartialEq for ParamValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for ParamValue<'_> {}

impl PartialEq<str> for ParamValue<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for ParamValue<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}
