//! Requests: reading, routing, faults and delays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response};
use serde_json::json;

use crate::counters::EventKind;
use crate::desk::{Desk, Shared};
use crate::faults::{Fault, Target};
use crate::form::Form;
use crate::reply::{Cut, Reply, WireBody};
use crate::{api, control, token};

/// Far more than any honest request needs.
const BODY_LIMIT: usize = 64 * 1024;

/// A request that has been read.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Call<'_> {
    /// Whether the body has this media type, parameters aside.
    pub(crate) fn has_type(&self, wanted: &str) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE);
        let text = value.and_then(|v| v.to_str().ok()).unwrap_or("");
        let kind = text.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case(wanted)
    }

    /// The body as a form, when it is a proper one.
    pub(crate) fn form(&self) -> Option<Form> {
        let form = self.has_type("application/x-www-form-urlencoded");
        form.then(|| Form::parse(self.body)).flatten()
    }
}

/// What becomes of an answer on its way.
#[derive(Debug)]
struct Outcome {
    reply: Reply,
    delay: Duration,
    fault: Option<Fault>,
    target: Option<Target>,
}

/// Answers one request. An error closes the connection without a byte.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<WireBody>, Cut> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(Reply::empty(413).with(header::CONNECTION, "close").whole());
    };
    let body = body.to_bytes();
    let call = Call {
        method: &parts.method,
        path: parts.uri.path(),
        headers: &parts.headers,
        body: &body,
    };
    if call.path == "/control" || call.path.starts_with("/control/") {
        // Bound to loopback already; this holds should that ever change.
        if !peer.ip().is_loopback() {
            return Ok(Reply::empty(403).whole());
        }
        return Ok(control::handle(&mut shared.desk(), &call).whole());
    }
    let out = process(&shared, &call);
    tokio::time::sleep(out.delay).await;
    if matches!(out.fault, Some(Fault::CutBefore | Fault::CutAfter)) {
        return Err(Cut);
    }
    if out.target == Some(Target::Token) {
        let mut desk = shared.desk();
        desk.event(EventKind::TokenAnswered, call.path, None, None);
    }
    Ok(match out.fault {
        Some(Fault::MalformedJson) => out.reply.malformed().whole(),
        Some(Fault::TruncatedJson) => out.reply.truncated(),
        _ => out.reply.whole(),
    })
}

/// Processes a request on arrival, in one step; the answer waits, not the effect. A client that
/// gives up early thus leaves the effect behind, as with real servers.
fn process(shared: &Shared, call: &Call<'_>) -> Outcome {
    let settings = &shared.settings;
    let mut guard = shared.desk();
    let desk = &mut *guard;
    let target = target_of(call.path);
    let fault = target.and_then(|t| desk.faults.take(t));
    let mut delay = settings.latency;
    if let Some(Fault::Slow { delay: more }) = fault {
        delay = delay.saturating_add(more);
    }
    if fault.is_some() {
        desk.counters.faults += 1;
        desk.event(EventKind::Faulted, call.path, None, None);
    }
    let stop = fault.filter(|f| !f.is_processed());
    let reply = match target {
        Some(Target::Token) => {
            let form = call.form();
            let kind = form.as_ref().and_then(|f| f.get("grant_type"));
            token::count(&mut desk.counters, kind);
            if kind == Some("password") {
                delay = delay.saturating_add(desk.login_delay.take().unwrap_or_default());
            }
            match stop {
                Some(fault) => refusal(fault, Target::Token),
                None => token::token(desk, settings, call, form.as_ref()),
            }
        }
        Some(Target::Revocation) => {
            desk.counters.revocation_requests += 1;
            match stop {
                Some(fault) => refusal(fault, Target::Revocation),
                None => token::revoke(desk, settings, call),
            }
        }
        Some(Target::Api) => {
            let bearer = api::bearer(call);
            api::count(desk, call, &bearer);
            let reply = match stop {
                Some(fault) => refusal(fault, Target::Api),
                None => api::api(desk, settings, call, bearer),
            };
            count_status(desk, &reply, fault);
            reply
        }
        None => other(desk, call),
    };
    Outcome {
        reply,
        delay,
        fault,
        target,
    }
}

fn target_of(path: &str) -> Option<Target> {
    match path {
        "/token" => Some(Target::Token),
        "/revoke" => Some(Target::Revocation),
        _ if path == "/api" || path.starts_with("/api/") => Some(Target::Api),
        _ => None,
    }
}

fn other(desk: &mut Desk, call: &Call<'_>) -> Reply {
    match call.path {
        "/public" => api::public(desk, call),
        "/logout" => api::logout(desk, call),
        _ => Reply::json(404, &json!({"error": "not_found"})),
    }
}

/// Counts API answers by status, those that are sent.
fn count_status(desk: &mut Desk, reply: &Reply, fault: Option<Fault>) {
    if matches!(fault, Some(Fault::CutBefore | Fault::CutAfter)) {
        return;
    }
    match reply.status {
        401 => desk.counters.api_unauthorized += 1,
        403 => desk.counters.api_forbidden += 1,
        _ => {}
    }
}

/// The answer of a fault that keeps the request from being processed.
fn refusal(fault: Fault, target: Target) -> Reply {
    let temporary = |status, retry_after: Option<u64>| {
        let reply = Reply::json(status, &json!({"error": "temporarily_unavailable"}));
        let reply = match retry_after {
            Some(seconds) => reply.with(header::RETRY_AFTER, seconds.to_string()),
            None => reply,
        };
        reply.no_store()
    };
    match fault {
        Fault::Unauthorized if target == Target::Api => {
            api::challenge(401, "invalid_token", "The access token is not accepted")
        }
        Fault::Unauthorized => token::invalid_client(),
        Fault::TooManyRequests { retry_after } => temporary(429, Some(retry_after)),
        Fault::Unavailable { retry_after } => temporary(503, retry_after),
        Fault::HtmlPage { status } => Reply::html(status),
        Fault::InvalidGrant => token::invalid_grant(),
        // Never sent: the connection is cut, or the request is processed.
        Fault::CutBefore
        | Fault::CutAfter
        | Fault::Slow { .. }
        | Fault::MalformedJson
        | Fault::TruncatedJson => Reply::empty(500),
    }
}

/// 405 with the methods that work.
pub(crate) fn wrong_method(allow: &str) -> Reply {
    let reply = Reply::json(405, &json!({"error": "method_not_allowed"}));
    reply.with(header::ALLOW, allow)
}
