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
//! | `invalid_grant`, [`ResponseShape::ended_codes`] | [`TokenFailure::InvalidGrant`] |
//! | `mfa_required`, `interaction_required`, `login_required`, `consent_required`, `account_selection_required` | [`TokenFailure::InteractionRequired`] |
//! | `invalid_client`, `unauthorized_client`, `unsupported_grant_type`, `invalid_scope`, `invalid_request` | [`TokenFailure::Misconfigured`] |
//! | `temporarily_unavailable`, `server_error` | [`TokenFailure::Unavailable`] |
//! | `slow_down`, `rate_limit_exceeded`, `too_many_requests`, `over_request_rate_limit` | [`TokenFailure::RateLimited`] |
//! | another | [`TokenFailure::Unrecognized`] |
//!
//! RFC 6749 5.2 asks for status 400 with an error code; servers also send 200, 401 and 403 with one.

mod json;
mod told;

use crate::config::{ExpiryForm, ResponseShape};
use crate::grant::{Expiry, Grant, GrantError, TokenType};
use crate::renewal::TokenFailure;
use json::{Kind, Value, Walk, chars, is_text, number_len, unescape};

/// The longest relative lifetime: ten years. A longer one is taken for this.
pub const MAX_LIFETIME_MS: u64 = crate::renewal::MAX_LIFETIME;

/// The latest absolute expiry: the end of the year 9999. A later one is taken for this.
pub const MAX_EXPIRY_MS: u64 = 253_402_300_799_999;

pub use json::MAX_DEPTH;
pub use told::TokenResponse;

const CODES: [(&str, TokenFailure); 17] = [
    ("invalid_grant", TokenFailure::InvalidGrant),
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
///   code, and `false` is none where no success code is configured.
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
    // RFC 8259 8.1 lets a parser ignore a byte order mark.
    let body = match body {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        whole => whole,
    };
    let [
        access_token,
        refresh_token,
        scope,
        subject,
        expiry,
        token_type,
        _,
    ] = classify(shape, status, body)?;
    let token_type = token_type_of(token_type);
    let no_number = expiry.kind == Kind::Other;
    // Only numbers are kept of the fields, so that the body can be written to. Two fields may have the same
    // path; its text is unescaped once.
    let mut spans = [
        access_token.text(),
        refresh_token.text(),
        scope.text(),
        subject.text_or_number(),
        expiry.text_or_number(),
    ];
    let mut left = spans.as_mut_slice();
    while let [span, later @ ..] = left {
        let (start, len, has_escapes) = *span;
        if has_escapes {
            let text = body
                .get_mut(start..start.saturating_add(len))
                .unwrap_or_default();
            *span = (start, unescape(text), false);
        }
        for same in later.iter_mut().filter(|other| other.0 == start) {
            *same = *span;
        }
        left = later;
    }
    let body: &'a [u8] = body;
    let [access_token, refresh_token, scope, subject, expiry] = spans.map(|(start, len, _)| {
        let text = body.get(start..start.saturating_add(len))?;
        core::str::from_utf8(text)
            .ok()
            .filter(|text| !text.is_empty())
    });
    let expiry = match expiry {
        Some(text) => expiry_of(text, shape.expiry_form),
        None if no_number => Err(GrantError::Lifetime),
        None => Ok(Expiry::Unknown),
    };
    Ok(Grant {
        access_token: access_token.ok_or(TokenFailure::Unusable(GrantError::Empty))?,
        token_type: token_type.map_err(TokenFailure::Unusable)?,
        expiry: expiry.map_err(TokenFailure::Unusable)?,
        refresh_token,
        scope,
        subject,
        ..Grant::default()
    })
}

/// The tables of this module: the fields of a success, or what the answer is instead.
fn classify<'b>(
    shape: &ResponseShape,
    status: u16,
    body: &'b [u8],
) -> Result<[Value<'b>; 7], TokenFailure> {
    let is_success = match status {
        200..=299 => true,
        429 => return Err(TokenFailure::RateLimited),
        400..=499 => false,
        500..=599 => return Err(TokenFailure::Unavailable),
        _ => return Err(TokenFailure::Unrecognized),
    };
    let paths = [
        Some(shape.access_token),
        shape.refresh_token,
        shape.scope,
        shape.subject,
        shape.expiry,
        shape.token_type,
        shape.code,
    ];
    let Some(fields) = Walk::fields(paths, body) else {
        let is_begun = body.trim_ascii_start().starts_with(b"{");
        let is_lost = is_success & is_begun;
        return Err(if is_lost {
            TokenFailure::Lost
        } else {
            TokenFailure::Unrecognized
        });
    };
    let [.., code] = fields;
    match failure_of(shape, code) {
        Some(failure) => Err(failure),
        None if is_success => Ok(fields),
        None => Err(TokenFailure::Unrecognized),
    }
}

/// What a code may also be when there is no error, if no success codes are configured.
const NO_ERROR: &[&str] = &["false"];

/// What a code means; `None`: there is none, or it means success.
fn failure_of(shape: &ResponseShape, code: Value<'_>) -> Option<TokenFailure> {
    let is = |name: &str| is_text(code.raw, name.as_bytes());
    let is_in = |names: &[&str]| names.iter().any(|name| is(name));
    let success_codes = match shape.success_codes {
        [] => NO_ERROR,
        configured => configured,
    };
    if code.raw.is_empty() {
        return None;
    }
    if is_in(success_codes) {
        return None;
    }
    if is_in(shape.ended_codes) {
        return Some(TokenFailure::InvalidGrant);
    }
    let known = CODES.iter().find(|(name, _)| is(name));
    Some(known.map_or(TokenFailure::Unrecognized, |(_, failure)| *failure))
}

/// RFC 6749 5.1: the type is case insensitive.
fn token_type_of(value: Value<'_>) -> Result<TokenType, GrantError> {
    let is = |name: &str| {
        chars(value.raw)
            .map(|c| c.to_ascii_lowercase())
            .eq(name.chars())
    };
    match value.kind {
        Kind::Absent => Ok(TokenType::Bearer),
        Kind::Text if is("bearer") => Ok(TokenType::Bearer),
        Kind::Text if is("dpop") => Ok(TokenType::Dpop),
        _ => Err(GrantError::TokenType),
    }
}

fn expiry_of(text: &str, form: ExpiryForm) -> Result<Expiry, GrantError> {
    let number = whole_part(text)
        .filter(|number| *number > 0)
        .ok_or(GrantError::Lifetime)?;
    let seconds = number.saturating_mul(1000);
    Ok(match form {
        ExpiryForm::InSeconds => Expiry::In(seconds.min(MAX_LIFETIME_MS)),
        ExpiryForm::InMilliseconds => Expiry::In(number.min(MAX_LIFETIME_MS)),
        ExpiryForm::AtSeconds => Expiry::At(seconds.min(MAX_EXPIRY_MS)),
        ExpiryForm::AtMilliseconds => Expiry::At(number.min(MAX_EXPIRY_MS)),
    })
}

/// The whole part of a JSON number; saturates. `None`: not a number, or negative. No float is used: the
/// tables for reading them are large on small targets, and they don't hold every integer.
fn whole_part(text: &str) -> Option<u64> {
    number_len(text.as_bytes()).filter(|len| *len == text.len())?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    // An array, because the search for a lone character links a panic.
    let (whole, fraction) = mantissa.split_once(['.']).unwrap_or((mantissa, ""));
    let overflow = if exponent.starts_with('-') {
        isize::MIN
    } else {
        isize::MAX
    };
    let point = exponent
        .parse()
        .unwrap_or(overflow)
        .saturating_add_unsigned(whole.len());
    // Twenty zeros after the last digit saturate: more are not needed.
    let count = point
        .max(0)
        .unsigned_abs()
        .min(text.len().saturating_add(20));
    let digits = whole
        .chars()
        .chain(fraction.chars())
        .chain(core::iter::repeat('0'));
    digits.take(count).try_fold(0_u64, |number, digit| {
        Some(
            number
                .saturating_mul(10)
                .saturating_add(u64::from(digit.to_digit(10)?)),
        )
    })
}
