//! Token endpoint answers: RFC 6749 5.1 and 5.2; RFC 8259 for the JSON; OpenID Connect Core 3.1.2.6.
//!
//! # What an answer means
//!
//! | Status | Body | Result |
//! |---|---|---|
//! | 429 | any | [`TokenFailure::RateLimited`] |
//! | 5xx | any: what a proxy says is no evidence | [`TokenFailure::Unavailable`] |
//! | 2xx, 4xx | a code, not among the success codes | what the code means, below |
//! | 2xx | no code, or a success code | the [`Grant`], or [`TokenFailure::Unusable`] |
//! | 2xx | begins as a JSON object and isn't a whole one | [`TokenFailure::Lost`]: it may have been a grant |
//! | other | any, and 2xx or 4xx with any other body | [`TokenFailure::Unrecognized`] |
//!
//! | Code | Result |
//! |---|---|
//! | `invalid_grant`, `bad_refresh_token` (GitHub), [`ResponseShape::ended_codes`] | [`TokenFailure::InvalidGrant`] |
//! | `mfa_required`, `interaction_required`, `login_required`, `consent_required`, `account_selection_required` | [`TokenFailure::InteractionRequired`] |
//! | `invalid_client`, `unauthorized_client`, `unsupported_grant_type`, `invalid_scope`, `invalid_request`, `invalid_dpop_proof` | [`TokenFailure::Misconfigured`] |
//! | `temporarily_unavailable`, `server_error` | [`TokenFailure::Unavailable`] |
//! | `slow_down`, `rate_limit_exceeded`, `too_many_requests`, `over_request_rate_limit` | [`TokenFailure::RateLimited`] |
//! | another | [`TokenFailure::Unrecognized`] |
//!
//! RFC 6749 5.2 asks for status 400 with an error code; servers also send 200, 401 and 403 with one.

mod json;
mod told;

use crate::config::{ExpiryForm, ResponseShape};
use crate::decimal::with_digit;
use crate::grant::{Expiry, Grant, GrantError, TokenType};
use crate::renewal::TokenFailure;
use json::{Kind, Slot, Span, find, is_text, number_len, unescape};

/// The longest relative lifetime: ten years. A longer one is taken for this.
pub const MAX_LIFETIME_MS: u64 = crate::renewal::MAX_LIFETIME;

/// The latest absolute expiry: the end of the year 9999. A later one is taken for this.
pub const MAX_EXPIRY_MS: u64 = 253_402_300_799_999;

pub use json::MAX_DEPTH;
pub use told::Handled;
pub use told::TokenResponse;
#[cfg(feature = "capi")]
pub(crate) use told::{granted, read, tell};

const CODES: [(&str, TokenFailure); 19] = [
    ("invalid_grant", TokenFailure::InvalidGrant),
    ("bad_refresh_token", TokenFailure::InvalidGrant),
    ("mfa_required", TokenFailure::InteractionRequired),
    ("interaction_required", TokenFailure::InteractionRequired),
    ("login_required", TokenFailure::InteractionRequired),
    ("consent_required", TokenFailure::InteractionRequired),
    (
        "account_selection_required",
        TokenFailure::InteractionRequired,
    ),
    ("invalid_client", TokenFailure::Misconfigured),
    ("unauthorized_client", TokenFailure::Misconfigured),
    ("unsupported_grant_type", TokenFailure::Misconfigured),
    ("invalid_scope", TokenFailure::Misconfigured),
    ("invalid_request", TokenFailure::Misconfigured),
    ("invalid_dpop_proof", TokenFailure::Misconfigured),
    ("temporarily_unavailable", TokenFailure::Unavailable),
    ("server_error", TokenFailure::Unavailable),
    ("slow_down", TokenFailure::RateLimited),
    ("rate_limit_exceeded", TokenFailure::RateLimited),
    ("too_many_requests", TokenFailure::RateLimited),
    ("over_request_rate_limit", TokenFailure::RateLimited),
];

/// Reads the answer to a token request.
///
/// The body must be one whole JSON object, after an optional byte order mark; it is read once. Of members
/// with the same path, the first that is not `null` counts: `null` is the same as absent. Escapes in the
/// texts of the grant are undone where they stand, so afterwards the body is not JSON any more. What the
/// token is made of is checked when the latch takes the grant. `server_time` and `app_data` are left out.
///
/// - The lifetime is a number, or a string that is one. Its whole part counts, and is capped at
///   [`MAX_LIFETIME_MS`] or [`MAX_EXPIRY_MS`].
/// - A refresh token, scope or subject that is empty or not a string is absent. The subject may be a number.
/// - The code may be a string, a number, `true` or `false`, compared by its text. The empty string is no
///   code, and `false` and `0` are none where no success code is configured.
/// - No token type means Bearer.
///
/// # Errors
///
/// As the tables of this module say. [`TokenFailure::Unusable`] has [`GrantError::Empty`] without an access
/// token, [`GrantError::TokenType`] for another type than Bearer and DPoP (in any case), and
/// [`GrantError::Lifetime`] for a lifetime that is zero, negative or not a number.
pub fn parse<'a>(
    shape: &ResponseShape,
    status: u16,
    body: &'a mut [u8],
) -> Result<Grant<'a>, TokenFailure> {
    let mut grant = Grant::new("");
    fill(&mut grant, shape, status, body)?;
    Ok(grant)
}

/// The same where the grant stands: it is large. After a failure there may be something in it.
fn fill<'a>(
    grant: &mut Grant<'a>,
    shape: &ResponseShape,
    status: u16,
    body: &'a mut [u8],
) -> Result<(), TokenFailure> {
    // RFC 8259 8.1 lets a parser ignore a byte order mark.
    let body = match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        whole => whole,
    };
    let mut slots = [
        Slot::new(Some(shape.access_token)),
        Slot::new(shape.refresh_token),
        Slot::new(shape.scope),
        Slot::new(shape.subject),
        Slot::new(shape.expiry),
        Slot::new(shape.token_type),
        Slot::new(shape.code),
    ];
    classify(shape, status, body, &mut slots)?;
    let [fields @ .., token_type, _] = &mut slots;
    let token_type = token_type_of(token_type.found, body);
    let [_, _, _, subject, expiry] = fields;
    for field in [subject, expiry] {
        if field.found.kind == Kind::Number {
            field.found.kind = Kind::Plain;
        }
    }
    unescape_each(fields, body);
    let body: &'a [u8] = body;
    let [access_token, refresh_token, scope, subject, expiry] = fields;
    let Some(access_token) = text(access_token, body) else {
        return Err(TokenFailure::Unusable(GrantError::Empty));
    };
    grant.access_token = access_token;
    grant.token_type = token_type.map_err(TokenFailure::Unusable)?;
    grant.expiry = expiry_of(expiry, shape.expiry_form, body).map_err(TokenFailure::Unusable)?;
    grant.refresh_token = text(refresh_token, body);
    grant.scope = text(scope, body);
    grant.subject = text(subject, body);
    Ok(())
}

/// Undoes the escapes of each text. Two fields may have the same path; its text is unescaped once.
fn unescape_each(fields: &mut [Slot], body: &mut [u8]) {
    let mut left = fields;
    while let [field, later @ ..] = left {
        let Span { kind, start, len } = field.found;
        if kind == Kind::Text {
            let escaped = body.get_mut(start..start.saturating_add(len));
            let len = unescape(escaped.unwrap_or_default());
            for same in core::iter::once(field).chain(later.iter_mut()) {
                if same.found.start == start {
                    same.found.kind = Kind::Plain;
                    same.found.len = len;
                }
            }
        }
        left = later;
    }
}

/// A text whose escapes are undone, if it is not empty.
#[inline(never)]
fn text<'b>(field: &Slot, body: &'b [u8]) -> Option<&'b str> {
    if field.found.kind != Kind::Plain {
        return None;
    }
    let text = core::str::from_utf8(field.found.of(body)).ok()?;
    if text.is_empty() { None } else { Some(text) }
}

/// The tables of this module: whether this is a success whose fields were found, or what the answer is instead.
#[inline(never)]
fn classify(
    shape: &ResponseShape,
    status: u16,
    body: &[u8],
    slots: &mut [Slot],
) -> Result<(), TokenFailure> {
    let is_success = match status {
        200..=299 => true,
        429 => return Err(TokenFailure::RateLimited),
        400..=499 => false,
        500..=599 => return Err(TokenFailure::Unavailable),
        _ => return Err(TokenFailure::Unrecognized),
    };
    if find(slots, body).is_none() {
        let is_begun = body.trim_ascii_start().starts_with(b"{");
        let is_lost = is_success & is_begun;
        return Err(if is_lost {
            TokenFailure::Lost
        } else {
            TokenFailure::Unrecognized
        });
    }
    let code = slots.last().map_or(&[][..], |code| code.found.of(body));
    match failure_of(shape, code) {
        Some(failure) => Err(failure),
        None if is_success => Ok(()),
        None => Err(TokenFailure::Unrecognized),
    }
}

/// What a code may also be when there is no error, if no success codes are configured.
const NO_ERROR: &[&str] = &["false", "0"];

/// What a code means; `None`: there is none, or it means success.
fn failure_of(shape: &ResponseShape, code: &[u8]) -> Option<TokenFailure> {
    let success_codes = match shape.success_codes {
        [] => NO_ERROR,
        configured => configured,
    };
    if code.is_empty() {
        return None;
    }
    if is_in(code, success_codes) {
        return None;
    }
    if is_in(code, shape.ended_codes) {
        return Some(TokenFailure::InvalidGrant);
    }
    for (name, failure) in &CODES {
        if is_text(code, name.as_bytes(), false) {
            return Some(*failure);
        }
    }
    Some(TokenFailure::Unrecognized)
}

fn is_in(code: &[u8], names: &[&str]) -> bool {
    let is = |name: &&str| is_text(code, name.as_bytes(), false);
    names.iter().any(is)
}

/// RFC 6749 5.1: the type is case insensitive.
fn token_type_of(value: Span, body: &[u8]) -> Result<TokenType, GrantError> {
    if value.kind == Kind::Absent {
        return Ok(TokenType::Bearer);
    }
    if let Kind::Text | Kind::Plain = value.kind {
        let raw = value.of(body);
        if is_text(raw, b"bearer", true) {
            return Ok(TokenType::Bearer);
        }
        if is_text(raw, b"dpop", true) {
            return Ok(TokenType::Dpop);
        }
    }
    Err(GrantError::TokenType)
}

fn expiry_of(field: &Slot, form: ExpiryForm, body: &[u8]) -> Result<Expiry, GrantError> {
    let Some(text) = text(field, body) else {
        return match field.found.kind {
            Kind::Other => Err(GrantError::Lifetime),
            _ => Ok(Expiry::Unknown),
        };
    };
    let number = whole_part(text.as_bytes()).unwrap_or_default();
    if number == 0 {
        return Err(GrantError::Lifetime);
    }
    let millis = match form {
        ExpiryForm::InSeconds | ExpiryForm::AtSeconds => number.saturating_mul(1000),
        ExpiryForm::InMilliseconds | ExpiryForm::AtMilliseconds => number,
    };
    Ok(match form {
        ExpiryForm::InSeconds | ExpiryForm::InMilliseconds => {
            Expiry::In(millis.min(MAX_LIFETIME_MS))
        }
        ExpiryForm::AtSeconds | ExpiryForm::AtMilliseconds => Expiry::At(millis.min(MAX_EXPIRY_MS)),
    })
}

/// The whole part of a JSON number; saturates. `None`: not a number, or negative. No float is used: the
/// tables for reading them are large on small targets, and they don't hold every integer.
fn whole_part(text: &[u8]) -> Option<u64> {
    if number_len(text)? != text.len() {
        return None;
    }
    let is_e = |byte: &u8| matches!(byte, b'e' | b'E');
    let end = text.iter().position(is_e).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at_checked(end)?;
    let is_point = |byte: &u8| *byte == b'.';
    let whole = mantissa.iter().position(is_point).unwrap_or(end);
    // Twenty zeros after the last digit saturate: more are not needed.
    let most = text.len().saturating_add(20);
    let shift = usize::try_from(exponent_of(exponent)).unwrap_or(usize::MAX);
    let mut left = match exponent {
        [_, b'-', ..] => whole.saturating_sub(shift),
        _ => whole.saturating_add(shift),
    };
    left = left.min(most);
    let mut number = 0_u64;
    let mut mantissa = mantissa.iter();
    while left > 0 {
        let digit = match mantissa.next() {
            Some(b'.') => continue,
            Some(digit) => *digit,
            None => b'0',
        };
        number = with_digit(number, digit)?;
        left = left.saturating_sub(1);
    }
    Some(number)
}

/// The digits of an exponent, without its letter and sign; saturates.
fn exponent_of(exponent: &[u8]) -> u64 {
    let mut number = 0;
    for byte in exponent {
        if let Some(longer) = with_digit(number, *byte) {
            number = longer;
        }
    }
    number
}
