//! What a token endpoint, or any login call, gave (RFC 6749 5.1).

use core::cell::Cell;

use zeroize::Zeroize;

/// How long the access token lives, as the server said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(
    clippy::exhaustive_enums,
    reason = "a lifetime is relative, absolute or unknown"
)]
pub enum Expiry {
    /// The server did not say (RFC 6749 5.1 only recommends `expires_in`): no timer, a 401 renews.
    #[default]
    Unknown,
    /// Milliseconds from when the request for it was sent (`expires_in`).
    In(u64),
    /// Milliseconds since the Unix epoch by the server's clock (`expires_at`, `exp`). Give
    /// [`Grant::server_time`] with it: without, a clock that is ahead shortens every lifetime. An end that this
    /// device's wall clock has passed, or that it has no wall clock for, is as good as [`Expiry::Unknown`].
    At(u64),
}

/// The kind of access token (RFC 6749 7.1): how it goes into the `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TokenType {
    /// RFC 6750.
    #[default]
    Bearer,
    /// RFC 9449: the host adds a proof to each request.
    Dpop,
}

/// A login's or renewal's result, in the host's own memory until the latch has taken it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Grant<'a> {
    /// The access token, as it goes into the header, without a scheme.
    pub access_token: &'a str,
    /// The refresh token. Absent in a renewal: the old one stays (RFC 6749 6).
    pub refresh_token: Option<&'a str>,
    /// Lifetime of the access token.
    pub expiry: Expiry,
    /// The server's clock when it answered (`Date` header, `iat`), Unix milliseconds, if known.
    pub server_time: Option<u64>,
    /// How the token is used.
    pub token_type: TokenType,
    /// Granted scope, when it differs from the one asked for (RFC 6749 5.1).
    pub scope: Option<&'a str>,
    /// Who signed in, as the server names them: lets the latch notice another user.
    pub subject: Option<&'a str>,
    /// A few bytes of the app's own, kept with the tokens in the record.
    pub app_data: Option<&'a [u8]>,
}

impl<'a> Grant<'a> {
    /// A grant with this access token; set the other fields as the server gave them.
    #[must_use]
    pub const fn new(access_token: &'a str) -> Self {
        Self {
            access_token,
            refresh_token: None,
            expiry: Expiry::Unknown,
            server_time: None,
            token_type: TokenType::Bearer,
            scope: None,
            subject: None,
            app_data: None,
        }
    }

    /// The grant of a cookie session ([`crate::Credential::Ambient`]): nothing that the client can see.
    #[must_use]
    pub const fn ambient() -> Self {
        Self::new("")
    }

    /// What a latch with this token capacity would refuse.
    pub(crate) fn check(&self, ambient: bool, capacity: usize) -> Result<(), GrantError> {
        if !ambient {
            check_token(self.access_token, capacity, 0x21)?;
        }
        if let Some(token) = self.refresh_token {
            check_token(token, capacity, 0x20)?;
        }
        let is_over = match (self.expiry, self.server_time) {
            (Expiry::In(millis), _) => millis == 0,
            (Expiry::At(end), Some(clock)) => end <= clock,
            _ => false,
        };
        if is_over {
            return Err(GrantError::Lifetime);
        }
        Ok(())
    }

    /// What goes with the access token, in the order in which it is kept.
    pub(crate) fn rest(&self) -> [Option<&'a [u8]>; 4] {
        [
            self.refresh_token.map(str::as_bytes),
            self.scope.map(str::as_bytes),
            self.subject.map(str::as_bytes),
            self.app_data,
        ]
    }
}

/// What scripts write for a missing value.
const LITERALS: [&str; 4] = ["undefined", "null", "[object Object]", "NaN"];

/// RFC 6749 A.12, A.17: visible characters; a space only where no header has to carry it.
pub(crate) fn check_token(token: &str, capacity: usize, lowest: u8) -> Result<(), GrantError> {
    if LITERALS.contains(&token) {
        return Err(GrantError::Literal);
    }
    let bytes = token.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(GrantError::Empty);
    };
    for end in [first, last] {
        if let b'"' | b'\'' = end {
            return Err(GrantError::Quoted);
        }
    }
    for scheme in ["bearer ", "dpop "] {
        let head = bytes.get(..scheme.len()).unwrap_or_default();
        if head.eq_ignore_ascii_case(scheme.as_bytes()) {
            return Err(GrantError::Scheme);
        }
    }
    if bytes.iter().any(|byte| !(lowest..=0x7e).contains(byte)) {
        return Err(GrantError::Character);
    }
    if bytes.len() > capacity {
        return Err(GrantError::TooLong);
    }
    Ok(())
}

/// Order of credentials (P5): a login or logout raises `sign_in`, a renewal raises `serial`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Generation {
    /// Counts sign-ins and sign-outs of the store.
    pub sign_in: u32,
    /// Counts renewals within the sign-in.
    pub serial: u32,
}

impl Generation {
    /// A generation with these counts.
    #[must_use]
    pub const fn new(sign_in: u32, serial: u32) -> Self {
        Self { sign_in, serial }
    }
}

/// Text that is wiped on replacement and on drop, and that no formatter shows.
pub(crate) struct Secret<const N: usize>(heapless::String<N, u16>);

impl<const N: usize> Secret<N> {
    pub(crate) const fn new() -> Self {
        const { assert!(N > 0 && N < 65_536, "a token has room for 1 to 65535 bytes") };
        Self(heapless::String::new())
    }

    /// Wipes, then takes a token that was checked: it fits, and its characters are of one byte.
    pub(crate) fn set(&mut self, token: &str) {
        self.wipe();
        for byte in token.bytes() {
            let _ = self.0.push(char::from(byte & 0x7f));
        }
    }

    pub(crate) fn wipe(&mut self) {
        if self.0.is_empty() {
            return;
        }
        self.0.as_mut_str().zeroize();
        self.0.clear();
    }

    /// The one door to the text.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Rewrites it in its length.
    #[cfg(feature = "_verify")]
    pub(crate) fn rewrite(&mut self, f: &mut dyn FnMut(&mut [u8])) {
        let mut bytes = core::mem::take(&mut self.0).into_bytes();
        f(&mut bytes);
        self.0 = heapless::String::from_utf8(bytes).unwrap_or_default();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl<const N: usize> core::fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret")
    }
}

/// The same for bytes.
pub(crate) struct SecretBytes<const N: usize>(heapless::Vec<u8, N, u16>);

impl<const N: usize> SecretBytes<N> {
    pub(crate) const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    /// Wipes, then takes the bytes; callers check the length first, so that they fit.
    pub(crate) fn set(&mut self, bytes: &[u8]) {
        self.wipe();
        self.append(bytes);
    }

    /// Takes what fits.
    #[inline(never)]
    fn append(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let _ = self.0.push(*byte);
        }
    }

    pub(crate) fn wipe(&mut self) {
        self.cut(0);
    }

    /// Wipes what is behind a place, and cuts it off. Byte by byte: to fill many at once is a routine of the compiler's,
    /// many times as large.
    #[inline(never)]
    fn cut(&mut self, at: usize) {
        for byte in self.0.iter_mut().skip(at) {
            byte.zeroize();
        }
        self.0.truncate(at);
    }

    /// The one door to the bytes.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same as text.
    pub(crate) fn expose_str(&self) -> &str {
        // Only checked text is read so; anything else reads as nothing.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    #[cfg(feature = "_verify")]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The bytes from a place on, to be moved among each other.
    fn cells(&mut self, at: usize) -> &[Cell<u8>] {
        Cell::from_mut(self.0.get_mut(at..).unwrap_or_default()).as_slice_of_cells()
    }

    /// Takes bytes out: what is behind them moves down, and what is left over at the end is wiped and cut off.
    fn remove(&mut self, at: usize, length: usize) {
        let tail = self.cells(at);
        for (to, from) in tail.iter().zip(tail.iter().skip(length)) {
            to.set(from.get());
        }
        let kept = self.0.len().saturating_sub(length);
        self.cut(kept);
    }

    /// Puts bytes in: there is room for them at the end, and what is behind their place moves up.
    fn insert(&mut self, at: usize, new: &[u8]) {
        self.append(new);
        let tail = self.cells(at);
        for (to, from) in tail.iter().rev().zip(tail.iter().rev().skip(new.len())) {
            to.set(from.get());
        }
        for (to, byte) in tail.iter().zip(new) {
            to.set(*byte);
        }
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Refresh token, scope, subject and the app's bytes in one secret buffer, each as long as the others allow.
pub(crate) struct Rest<const N: usize> {
    bytes: SecretBytes<N>,
    lengths: [u16; 4],
}

/// The parts of [`Rest`], in the order of [`Grant::rest`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    RefreshToken,
    Scope,
    Subject,
    AppData,
}

impl<const N: usize> Rest<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: SecretBytes::new(),
            lengths: [0; 4],
        }
    }

    pub(crate) fn wipe(&mut self) {
        self.bytes.wipe();
        self.lengths = [0; 4];
    }

    pub(crate) fn get(&self, part: Part) -> &[u8] {
        let mut rest = self.bytes.expose();
        let mut found: &[u8] = &[];
        for length in self.lengths.iter().take((part as usize).saturating_add(1)) {
            let (head, tail) = rest
                .split_at_checked(usize::from(*length))
                .unwrap_or_default();
            (found, rest) = (head, tail);
        }
        found
    }

    pub(crate) fn get_str(&self, part: Part) -> &str {
        // Only checked text is ever set for the text parts; anything else reads as nothing.
        core::str::from_utf8(self.get(part)).unwrap_or_default()
    }

    /// Whether the parts fit, those that are `None` staying as they are if `keep`.
    pub(crate) fn fits(&self, parts: &[Option<&[u8]>; 4], keep: bool) -> bool {
        let mut total = 0_usize;
        for (part, length) in parts.iter().zip(self.lengths) {
            let kept = if keep { usize::from(length) } else { 0 };
            total = total.saturating_add(part.map_or(kept, <[u8]>::len));
        }
        total <= N
    }

    /// Replaces the parts that are given, which fit.
    pub(crate) fn set(&mut self, parts: &[Option<&[u8]>; 4]) {
        // First the old ones go: the whole fits, but perhaps not one new part beside the next old one.
        let mut end = 0_usize;
        for (part, length) in parts.iter().zip(&mut self.lengths) {
            if part.is_some() {
                self.bytes.remove(end, usize::from(*length));
                *length = 0;
            }
            end = end.saturating_add(usize::from(*length));
        }
        let mut end = 0_usize;
        for (part, length) in parts.iter().zip(&mut self.lengths) {
            if let Some(part) = part {
                self.bytes.insert(end, part);
                *length = u16::try_from(part.len()).unwrap_or(u16::MAX);
            }
            end = end.saturating_add(usize::from(*length));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.expose().is_empty()
    }

    #[cfg(feature = "_verify")]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        self.bytes.bytes()
    }

    /// The same parts as there.
    #[cfg(feature = "_verify")]
    pub(crate) fn copy(&mut self, from: &Self) {
        self.bytes.set(from.bytes.expose());
        self.lengths = from.lengths;
    }

    pub(crate) fn hash(&self, hasher: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        self.bytes.expose().hash(hasher);
        self.lengths.hash(hasher);
    }

    pub(crate) fn drop_refresh_token(&mut self) {
        self.set(&[Some(&[]), None, None, None]);
    }
}

impl core::fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Grant")
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

/// Why a grant is refused before anything is changed: it would be answered 401, or can't be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum GrantError {
    /// There is no access token, or a token is empty: a refresh token that is not there is `None`.
    Empty,
    /// A literal that a script wrote for a missing value: `undefined`, `null`, `[object Object]`, `NaN`.
    Literal,
    /// The token begins or ends with a quote: it was encoded as JSON once too often.
    Quoted,
    /// The token begins with its scheme (`Bearer …`): the latch adds it.
    Scheme,
    /// A control character, white space or a character outside ASCII: no header can carry it.
    Character,
    /// More bytes than the latch was built for: the access token, or the rest of the grant together.
    TooLong,
    /// A lifetime that is zero, negative or not a number, or an end that the server's own clock has reached.
    Lifetime,
    /// A token type the latch does not understand (RFC 6749 7.1: it must not be used).
    TokenType,
}

impl GrantError {
    /// One English sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "a token is missing or empty",
            Self::Literal => "the token is a script's literal for a missing value",
            Self::Quoted => "the token has quotes around it",
            Self::Scheme => "the token begins with its scheme",
            Self::Character => "the token has a character that no header can carry",
            Self::TooLong => "a field is longer than the latch was built for",
            Self::Lifetime => "the lifetime is zero, negative, over or not a number",
            Self::TokenType => "the token type is not understood",
        }
    }
}

impl core::fmt::Display for GrantError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for GrantError {}

#[cfg(test)]
mod tests;
