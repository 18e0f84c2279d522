//! The token endpoint (RFC 6749) and the revocation endpoint (RFC 7009).

use hyper::Method;
use hyper::header;
use serde_json::{Map, Value, json};

use crate::counters::{Counters, EventKind};
use crate::desk::Desk;
use crate::form::{self, Form};
use crate::http::{Call, wrong_method};
use crate::reply::Reply;
use crate::scope::Scope;
use crate::state::{Issued, Refused, Revocation};
use crate::{Client, ExpiresIn, Settings};

/// Code and description of an error answer.
type Error = (&'static str, &'static str);

const NO_FORM: Error = (
    "invalid_request",
    "The body must be a form in which no parameter occurs twice",
);
const BAD_CLIENT: Error = ("invalid_client", "Client authentication failed");
const BAD_SCOPE: Error = ("invalid_scope", "The scope exceeds what can be granted");

/// Counts a request on arrival, whatever becomes of it.
pub(crate) fn count(counters: &mut Counters, grant_type: Option<&str>) {
    counters.token_requests += 1;
    match grant_type {
        Some("password") => counters.password_requests += 1,
        Some("refresh_token") => counters.refresh_requests += 1,
        Some("client_credentials") => counters.client_requests += 1,
        _ => {}
    }
}

/// Answers `/token`.
pub(crate) fn token(
    desk: &mut Desk,
    settings: &Settings,
    call: &Call<'_>,
    form: Option<&Form>,
) -> Reply {
    if call.method != Method::POST {
        return wrong_method("POST").no_store();
    }
    let refused = |desk: &mut Desk, why| {
        desk.event(EventKind::TokenRefused, call.path, None, None);
        error(why)
    };
    let Some(form) = form else {
        return refused(desk, NO_FORM);
    };
    let client = match client(settings, call, form) {
        Ok(client) => client,
        Err(why) => return refused(desk, why),
    };
    // Read before the grant: a broken scope must not use anything up.
    let scope = match form.get("scope").map(Scope::parse) {
        None => None,
        Some(Some(scope)) => Some(scope),
        Some(None) => return refused(desk, BAD_SCOPE),
    };
    let result = match form.get("grant_type") {
        Some("password") => password(desk, settings, call, client, form, scope),
        Some("refresh_token") => refresh(desk, call, client, form, scope),
        Some("client_credentials") => own(desk, settings, call, client, scope),
        Some(_) => Err(Some(("unsupported_grant_type", "Unknown grant type"))),
        None => Err(Some(("invalid_request", "grant_type is missing"))),
    };
    match result {
        Ok(issued) => success(settings, issued),
        Err(Some(why)) => refused(desk, why),
        Err(None) => invalid_grant(),
    }
}

/// `Err(None)` stands for an `invalid_grant` that is logged already.
type Granted = Result<Issued, Option<Error>>;

fn password(
    desk: &mut Desk,
    settings: &Settings,
    call: &Call<'_>,
    client: &Client,
    form: &Form,
    scope: Option<Scope>,
) -> Granted {
    let (Some(name), Some(password)) = (form.get("username"), form.get("password")) else {
        return Err(Some((
            "invalid_request",
            "username and password are required",
        )));
    };
    let known = |u: &&crate::User| u.name == name && u.password == password;
    let Some(user) = settings.users.iter().find(known) else {
        desk.counters.logins_refused += 1;
        desk.event(EventKind::LoginRefused, call.path, None, None);
        return Err(None);
    };
    let scope = grantable(settings, &user.scopes, scope)?;
    let issued = desk
        .store
        .sign_in(desk.now, Some(&user.name), &client.id, scope);
    desk.counters.logins += 1;
    let (id, family) = (issued.id.clone(), issued.family);
    desk.event(EventKind::Login, call.path, Some(id), Some(family));
    Ok(issued)
}

fn own(
    desk: &mut Desk,
    settings: &Settings,
    call: &Call<'_>,
    client: &Client,
    scope: Option<Scope>,
) -> Granted {
    if client.secret.is_none() {
        return Err(Some((
            "unauthorized_client",
            "A public client has no credentials",
        )));
    }
    let scope = grantable(settings, &client.scopes, scope)?;
    let issued = desk.store.sign_in(desk.now, None, &client.id, scope);
    desk.counters.client_tokens += 1;
    let (id, family) = (issued.id.clone(), issued.family);
    desk.event(EventKind::ClientToken, call.path, Some(id), Some(family));
    Ok(issued)
}

fn refresh(
    desk: &mut Desk,
    call: &Call<'_>,
    client: &Client,
    form: &Form,
    scope: Option<Scope>,
) -> Granted {
    let Some(token) = form.get("refresh_token") else {
        return Err(Some(("invalid_request", "refresh_token is missing")));
    };
    let id = Some(desk.store.id_of(token));
    let family = desk.store.family_of(token);
    let alive = desk.store.alive_sessions(None);
    let why = match desk.store.refresh(desk.now, token, &client.id, scope) {
        Ok(issued) => {
            desk.counters.refreshes_ok += 1;
            desk.counters.reused_in_grace += u64::from(issued.by_grace);
            desk.event(EventKind::Refreshed, call.path, id, family);
            return Ok(issued);
        }
        Err(why) => why,
    };
    desk.counters.refreshes_refused += 1;
    if why == Refused::Replayed {
        desk.counters.replayed += 1;
        desk.event(EventKind::Replayed, call.path, id, family);
        if desk.store.alive_sessions(None) < alive {
            desk.event(EventKind::SessionEnded, call.path, None, family);
        }
    } else {
        desk.event(EventKind::RefreshRefused, call.path, id, family);
    }
    // Too much scope says nothing about the token, which stays usable.
    Err((why == Refused::Scope).then_some(BAD_SCOPE))
}

/// The scope asked for, all of it or nothing; the default when none is named.
fn grantable(
    settings: &Settings,
    allowed: &[String],
    asked: Option<Scope>,
) -> Result<Scope, Option<Error>> {
    let allowed = Scope::of(allowed);
    match asked {
        Some(scope) if scope.within(&allowed) => Ok(scope),
        Some(_) => Err(Some(BAD_SCOPE)),
        None => Ok(Scope::of(&settings.default_scopes).and(&allowed)),
    }
}

/// Authenticates the client by HTTP Basic or by the body, never by both (RFC 6749 2.3).
fn client<'s>(settings: &'s Settings, call: &Call<'_>, form: &Form) -> Result<&'s Client, Error> {
    let mut headers = call.headers.get_all(header::AUTHORIZATION).iter();
    let (id, secret) = match (headers.next(), headers.next()) {
        (None, _) => {
            let id = form.get("client_id").ok_or(BAD_CLIENT)?;
            let secret = form.get("client_secret").unwrap_or("");
            (id.to_owned(), secret.to_owned())
        }
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| BAD_CLIENT)?;
            let (id, secret) = form::basic(text).ok_or(BAD_CLIENT)?;
            let other_id = form.get("client_id").is_some_and(|c| c != id);
            if other_id || form.get("client_secret").is_some() {
                return Err(("invalid_request", "The client authenticates in two ways"));
            }
            (id, secret)
        }
        (Some(_), Some(_)) => {
            return Err(("invalid_request", "Authorization occurs twice"));
        }
    };
    // A public client must come without a secret, so an empty one stands for none.
    let known = |c: &&Client| c.id == id && c.secret.as_deref().unwrap_or("") == secret;
    settings.clients.iter().find(known).ok_or(BAD_CLIENT)
}

fn success(settings: &Settings, issued: Issued) -> Reply {
    let mut body = Map::new();
    body.insert("access_token".into(), issued.access.into());
    body.insert("token_type".into(), "Bearer".into());
    let seconds = match settings.expires_in {
        ExpiresIn::Lifetime => Some(settings.access_ttl.as_secs()),
        ExpiresIn::Omitted => None,
        ExpiresIn::Seconds(seconds) => Some(seconds),
    };
    if let Some(seconds) = seconds {
        body.insert("expires_in".into(), seconds.into());
    }
    if let Some(refresh) = issued.refresh {
        body.insert("refresh_token".into(), refresh.into());
    }
    if !issued.scope.is_empty() {
        body.insert("scope".into(), issued.scope.to_string().into());
    }
    Reply::json(200, &Value::Object(body)).no_store()
}

/// An error answer (RFC 6749 5.2).
fn error((code, description): Error) -> Reply {
    let body = json!({"error": code, "error_description": description});
    if code == BAD_CLIENT.0 {
        let reply = Reply::json(401, &body).no_store();
        return reply.with(header::WWW_AUTHENTICATE, "Basic realm=\"token\"");
    }
    Reply::json(400, &body).no_store()
}

pub(crate) fn invalid_client() -> Reply {
    error(BAD_CLIENT)
}

pub(crate) fn invalid_grant() -> Reply {
    // One text for every cause: the answer must not tell a guesser how close the guess was.
    error(("invalid_grant", "The grant is not valid"))
}

/// Answers `/revoke`.
pub(crate) fn revoke(desk: &mut Desk, settings: &Settings, call: &Call<'_>) -> Reply {
    if call.method != Method::POST {
        return wrong_method("POST").no_store();
    }
    let Some(form) = call.form() else {
        return error(NO_FORM);
    };
    let client = match client(settings, call, &form) {
        Ok(client) => client,
        Err(why) => return error(why),
    };
    let Some(token) = form.get("token") else {
        return error(("invalid_request", "token is missing"));
    };
    let id = Some(desk.store.id_of(token));
    let family = desk.store.family_of(token);
    let outcome = desk.store.revoke(token, &client.id);
    if outcome == Revocation::OtherClient {
        return error((
            "unauthorized_client",
            "The token was issued to another client",
        ));
    }
    // Unknown tokens are fine too: what the client wants is the case (RFC 7009 2.2).
    desk.counters.revocations += 1;
    desk.event(EventKind::Revoked, call.path, id, family);
    if let Revocation::Ended {
        family,
        was_alive: true,
    } = outcome
    {
        desk.event(EventKind::SessionEnded, call.path, None, Some(family));
    }
    Reply::empty(200).no_store()
}
