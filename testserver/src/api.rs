//! The protected API (RFC 6750), `/logout` and `/public`.

use hyper::Method;
use hyper::header;
use serde_json::json;

use crate::Settings;
use crate::counters::EventKind;
use crate::desk::{Desk, session_id};
use crate::form;
use crate::http::{Call, wrong_method};
use crate::reply::Reply;
use crate::state::Denied;

const REALM: &str = "Bearer realm=\"api\"";

/// What a request brings to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof<'a> {
    /// No bearer token: no header, another scheme, or a token of no length.
    None,
    /// More than one header, or characters no token has.
    Malformed,
    Token(&'a str),
}

/// Finds the bearer token. Only the header counts: tokens do not belong into a query.
pub(crate) fn bearer<'a>(call: &Call<'a>) -> Proof<'a> {
    let mut headers = call.headers.get_all(header::AUTHORIZATION).iter();
    let value = match (headers.next(), headers.next()) {
        (None, _) => return Proof::None,
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Proof::Malformed,
    };
    let Ok(text) = value.to_str() else {
        return Proof::Malformed;
    };
    match form::credentials(text, "bearer") {
        None | Some("") => Proof::None,
        Some(token) if is_token(token) => Proof::Token(token),
        Some(_) => Proof::Malformed,
    }
}

/// The `b64token` of RFC 6750 2.1.
fn is_token(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !bare.is_empty() && bare.bytes().all(fits)
}

/// Counts a request on arrival, whatever becomes of it.
pub(crate) fn count(desk: &mut Desk, call: &Call<'_>, proof: &Proof<'_>) {
    desk.counters.api_requests += 1;
    if *proof == Proof::None {
        desk.counters.sent_without_token += 1;
        desk.event(EventKind::ApiWithoutToken, call.path, None, None);
    }
}

/// Answers `/api/...`.
pub(crate) fn api(
    desk: &mut Desk,
    settings: &Settings,
    call: &Call<'_>,
    proof: Proof<'_>,
) -> Reply {
    let token = match proof {
        Proof::Token(token) => token,
        Proof::None => return unproven(),
        Proof::Malformed => {
            desk.event(EventKind::ApiUnauthorized, call.path, None, None);
            return malformed();
        }
    };
    let id = Some(desk.store.id_of(token));
    let holder = match desk.store.check(desk.now, token) {
        Ok(holder) => holder,
        Err(why) => {
            let family = desk.store.family_of(token);
            desk.event(EventKind::ApiUnauthorized, call.path, id, family);
            return denied(why);
        }
    };
    let family = Some(holder.family);
    let guards = settings.guarded.iter();
    let mut guards = guards.filter(|(prefix, _)| is_below(call.path, prefix));
    if let Some((_, scope)) = guards.find(|(_, scope)| !holder.scope.contains(scope)) {
        desk.event(EventKind::ApiForbidden, call.path, id, family);
        let value = format!("{REALM}, error=\"insufficient_scope\", scope=\"{scope}\"");
        let reply = Reply::json(403, &json!({"error": "insufficient_scope"}));
        return reply.with(header::WWW_AUTHENTICATE, value);
    }
    desk.counters.api_ok += 1;
    desk.event(EventKind::ApiOk, call.path, id, family);
    let body = json!({
        "path": call.path,
        "method": call.method.as_str(),
        "user": holder.user,
        "client": holder.client,
        "session": session_id(holder.family),
    });
    // Answers to authorized requests are private by nature.
    Reply::json(200, &body).with(header::CACHE_CONTROL, "private")
}

/// Answers `/logout`: ends the session of the bearer token.
pub(crate) fn logout(desk: &mut Desk, call: &Call<'_>) -> Reply {
    if call.method != Method::POST {
        return wrong_method("POST");
    }
    let token = match bearer(call) {
        Proof::Token(token) => token,
        Proof::None => return unproven(),
        Proof::Malformed => return malformed(),
    };
    let family = match desk.store.check(desk.now, token) {
        Ok(holder) => holder.family,
        Err(why) => return denied(why),
    };
    let id = Some(desk.store.id_of(token));
    desk.store.end(family);
    desk.counters.logouts += 1;
    desk.event(EventKind::Logout, call.path, id, Some(family));
    desk.event(EventKind::SessionEnded, call.path, None, Some(family));
    Reply::empty(204)
}

/// Answers `/public`, which needs no token.
pub(crate) fn public(desk: &mut Desk, call: &Call<'_>) -> Reply {
    desk.counters.public_requests += 1;
    if call.headers.contains_key(header::AUTHORIZATION) {
        desk.counters.public_with_token += 1;
    }
    desk.event(EventKind::Public, call.path, None, None);
    Reply::json(200, &json!({"public": true}))
}

/// An answer with a challenge that names an error.
pub(crate) fn challenge(status: u16, code: &str, description: &str) -> Reply {
    let value = format!("{REALM}, error=\"{code}\", error_description=\"{description}\"");
    let reply = Reply::json(status, &json!({"error": code}));
    reply.with(header::WWW_AUTHENTICATE, value)
}

/// Without a credential the challenge must not name an error (RFC 6750 3.1).
fn unproven() -> Reply {
    Reply::empty(401).with(header::WWW_AUTHENTICATE, REALM)
}

fn malformed() -> Reply {
    challenge(400, "invalid_request", "The credential is malformed")
}

fn denied(why: Denied) -> Reply {
    let text = match why {
        Denied::Expired => "The access token expired",
        Denied::Revoked => "The access token was revoked",
        Denied::Unknown => "The access token is unknown",
    };
    challenge(401, "invalid_token", text)
}

/// Whether a path is the prefix or lies below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|r| r.is_empty() || r.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{is_below, is_token};

    #[test]
    fn a_guarded_path_does_not_cover_its_namesakes() {
        assert!(is_below("/api/admin", "/api/admin"));
        assert!(is_below("/api/admin/users", "/api/admin"));
        assert!(!is_below("/api/administer", "/api/admin"));
    }

    #[test]
    fn tokens_have_the_characters_of_the_grammar() {
        assert!(is_token("aZ9-._~+/=="));
        for bad in ["", "=", "a=b", "a b", "a,b", "é"] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
