//! What must hold for any token endpoint answer. Shared by the fuzz target and the tests.
//!
//! The other opinion is `serde_json` (with its feature `raw_value`): what it takes for a JSON object, and
//! what it finds at a path.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tokenlatch::response::{MAX_DEPTH, MAX_EXPIRY_MS, MAX_LIFETIME_MS, parse};
use tokenlatch::{Expiry, ExpiryForm, Grant, GrantError, ResponseShape, TokenFailure, TokenType};

/// RFC 6749, a wrapped body with result codes and milliseconds, and one with awkward paths.
pub(crate) fn shapes() -> [ResponseShape; 3] {
    let mut wrapped = ResponseShape::RFC6749;
    wrapped.access_token = "data.token";
    wrapped.refresh_token = Some("data.refreshToken");
    wrapped.expiry = Some("data.expireAt");
    wrapped.expiry_form = ExpiryForm::AtMilliseconds;
    wrapped.token_type = None;
    wrapped.scope = Some("data.scope");
    wrapped.subject = Some("data.user.id");
    wrapped.code = Some("code");
    wrapped.success_codes = &["0", "OK"];
    wrapped.ended_codes = &["40001", "SESSION_ENDED"];
    let mut awkward = ResponseShape::RFC6749;
    awkward.access_token = "a";
    awkward.refresh_token = Some("a");
    awkward.expiry = Some("b.c.d");
    awkward.expiry_form = ExpiryForm::InMilliseconds;
    awkward.scope = Some("b.c");
    awkward.subject = Some("b");
    awkward.code = Some("b.c.e");
    [ResponseShape::RFC6749, wrapped, awkward]
}

/// As the name of a member `serde_json` takes it for a sign of its own, and not for a name.
const OWN: &[u8] = b"$serde_json::private::";

/// The input is `status shape\n` and the body; without that line, 200, the first shape, and all is body.
pub(crate) fn check(data: &[u8]) {
    if data.windows(OWN.len()).any(|part| part == OWN) {
        return;
    }
    let (status, shape, body) = split(data).unwrap_or((200, 0, data));
    let shapes = shapes();
    check_answer(&shapes[shape % shapes.len()], status, body);
}

fn split(data: &[u8]) -> Option<(u16, usize, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (status, shape) = core::str::from_utf8(&data[..end]).ok()?.split_once(' ')?;
    Some((status.parse().ok()?, shape.parse().ok()?, &data[end + 1..]))
}

fn check_answer(shape: &ResponseShape, status: u16, body: &[u8]) {
    let mut buffer = body.to_vec();
    let result = parse(shape, status, &mut buffer);
    match status {
        429 => return assert_eq!(result, Err(TokenFailure::RateLimited)),
        500..=599 => return assert_eq!(result, Err(TokenFailure::Unavailable)),
        200..=299 | 400..=499 => {}
        _ => return assert_eq!(result, Err(TokenFailure::Unrecognized)),
    }
    let is_success = status < 300;
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let Some(text) = object(text) else {
        let lost = is_success & text.trim_ascii_start().starts_with(b"{");
        let failure = if lost {
            TokenFailure::Lost
        } else {
            TokenFailure::Unrecognized
        };
        return assert_eq!(result, Err(failure));
    };
    let Text::Object(text) = text else {
        return;
    };
    match (failure_of(shape, text), is_success) {
        (Some(failure), _) => assert_eq!(result, Err(failure)),
        (None, true) => check_success(shape, text, result),
        (None, false) => assert_eq!(result, Err(TokenFailure::Unrecognized)),
    }
}

fn check_success(shape: &ResponseShape, text: &str, result: Result<Grant<'_>, TokenFailure>) {
    let at = |path: Option<&str>| path.and_then(|path| find(text, path));
    let access_token = at(Some(shape.access_token)).and_then(|raw| string(&raw));
    let token_type = match at(shape.token_type) {
        None => Some(TokenType::Bearer),
        Some(raw) => match string(&raw)
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "bearer" => Some(TokenType::Bearer),
            "dpop" => Some(TokenType::Dpop),
            _ => None,
        },
    };
    let grant = match result {
        Ok(grant) => grant,
        Err(TokenFailure::Unusable(GrantError::Empty)) => return assert_eq!(access_token, None),
        Err(TokenFailure::Unusable(GrantError::TokenType)) => return assert_eq!(token_type, None),
        Err(TokenFailure::Unusable(GrantError::Lifetime)) => {
            let raw = at(shape.expiry).expect("a lifetime that is absent is not refused");
            return check_lifetime(shape, &raw, None);
        }
        Err(other) => panic!("{other:?} for a success"),
    };
    assert_eq!(Some(grant.access_token), access_token.as_deref());
    assert_eq!(Some(grant.token_type), token_type);
    assert_eq!(
        grant.refresh_token,
        at(shape.refresh_token)
            .and_then(|raw| string(&raw))
            .as_deref()
    );
    assert_eq!(
        grant.scope,
        at(shape.scope).and_then(|raw| string(&raw)).as_deref()
    );
    let subject = at(shape.subject).and_then(|raw| {
        if is_number(&raw) {
            Some(raw)
        } else {
            string(&raw)
        }
    });
    assert_eq!(grant.subject, subject.as_deref());
    assert_eq!((grant.server_time, grant.app_data), (None, None));
    match at(shape.expiry) {
        Some(raw) if string(&raw).as_deref().unwrap_or(&raw) != "\"\"" => {
            check_lifetime(shape, &raw, Some(grant.expiry));
        }
        _ => assert_eq!(grant.expiry, Expiry::Unknown),
    }
}

/// Compares by a float, so with some room for its rounding.
fn check_lifetime(shape: &ResponseShape, raw: &str, expiry: Option<Expiry>) {
    let text = string(raw).unwrap_or_else(|| raw.to_string());
    let number = is_number(&text).then(|| text.parse::<f64>().expect("a JSON number"));
    let Some(number) = number.filter(|_| !text.starts_with('-')) else {
        return assert_eq!(expiry, None, "{text}");
    };
    let (unit, limit) = match shape.expiry_form {
        ExpiryForm::InSeconds => (1000.0, MAX_LIFETIME_MS as f64),
        ExpiryForm::InMilliseconds => (1.0, MAX_LIFETIME_MS as f64),
        ExpiryForm::AtSeconds => (1000.0, MAX_EXPIRY_MS as f64),
        ExpiryForm::AtMilliseconds => (1.0, MAX_EXPIRY_MS as f64),
    };
    let got = match expiry {
        Some(Expiry::In(ms) | Expiry::At(ms)) => ms as f64,
        Some(Expiry::Unknown) => panic!("{text} is unknown"),
        None => 0.0,
    };
    let expected = (number.floor() * unit).min(limit);
    assert!(
        (got - expected).abs() <= unit.max(expected * 1e-9),
        "{text}: {got} for {expected}"
    );
    assert_eq!(expiry.is_none(), got == 0.0);
    assert!(got <= limit);
}

enum Text<'a> {
    Object(&'a str),
    /// `serde_json` keeps numbers as floats, and gives up at 1e400: no opinion.
    OutOfRange,
}

fn object(body: &[u8]) -> Option<Text<'_>> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(_) if depth(body) > MAX_DEPTH => None,
        Ok(_) => core::str::from_utf8(body).ok().map(Text::Object),
        Err(error) if error.to_string().starts_with("number out of range") => {
            Some(Text::OutOfRange)
        }
        Err(_) => None,
    }
}

/// How deep valid JSON is nested. Not asked of a `Value`, which forgets all but the last of equal keys.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match (quoted, byte) {
            (true, b'"') if !escaped => quoted = false,
            (true, b'\\') if !escaped => {
                escaped = true;
                continue;
            }
            (false, b'"') => quoted = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth -= 1,
            _ => {}
        }
        escaped = false;
        deepest = deepest.max(depth);
    }
    deepest
}

fn failure_of(shape: &ResponseShape, text: &str) -> Option<TokenFailure> {
    let raw = find(text, shape.code?)?;
    let code = serde_json::from_str::<String>(&raw).unwrap_or(raw);
    let code = code.as_str();
    let (success, ended) = (shape.success_codes, shape.ended_codes);
    let is_none = success.is_empty() && ["false", "0"].contains(&code);
    if code.is_empty() || success.contains(&code) || is_none {
        return None;
    }
    Some(match code {
        _ if ended.contains(&code) => TokenFailure::InvalidGrant,
        "invalid_grant" | "bad_refresh_token" => TokenFailure::InvalidGrant,
        "mfa_required"
        | "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => TokenFailure::InteractionRequired,
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_scope"
        | "invalid_request"
        | "invalid_dpop_proof" => TokenFailure::Misconfigured,
        "temporarily_unavailable" | "server_error" => TokenFailure::Unavailable,
        "slow_down" | "rate_limit_exceeded" | "too_many_requests" | "over_request_rate_limit" => {
            TokenFailure::RateLimited
        }
        _ => TokenFailure::Unrecognized,
    })
}

/// The raw text of the first member at a path that is not `null`.
fn find(text: &str, path: &str) -> Option<String> {
    let Members(members) = serde_json::from_str(text).ok()?;
    let (key, rest) = path
        .split_once('.')
        .map_or((path, None), |(key, rest)| (key, Some(rest)));
    members
        .into_iter()
        .filter(|(name, _)| name == key)
        .find_map(|(_, value)| match rest {
            Some(rest) => find(value.get(), rest),
            None => Some(value.get().to_string()).filter(|raw| raw != "null"),
        })
}

fn string(raw: &str) -> Option<String> {
    serde_json::from_str(raw)
        .ok()
        .filter(|text: &String| !text.is_empty())
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte))
        && serde_json::from_str::<&RawValue>(text).is_ok()
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
