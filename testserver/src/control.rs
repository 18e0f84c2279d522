//! `/control`: faults and counters for other processes.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::counters::Event;
use crate::desk::Desk;
use crate::faults::{Fault, Target, Times};
use crate::http::{Call, wrong_method};
use crate::reply::Reply;

/// Answers `/control` and `/control/log`.
pub(crate) fn handle(desk: &mut Desk, call: &Call<'_>) -> Reply {
    match (call.path, call.method) {
        ("/control", &Method::GET) => Reply::json(200, &counters(desk)),
        ("/control/log", &Method::GET) => {
            let events: Vec<Value> = desk.log.iter().map(Event::to_json).collect();
            Reply::json(200, &Value::Array(events))
        }
        // The media type keeps web pages from posting here without asking first.
        ("/control", &Method::POST) if !call.has_type("application/json") => wrong("send JSON"),
        ("/control", &Method::POST) => match serde_json::from_slice(call.body) {
            Ok(order) => match obey(desk, &order) {
                Ok(value) => Reply::json(200, &value),
                Err(why) => wrong(why),
            },
            Err(_) => wrong("the body is no JSON"),
        },
        ("/control", _) => wrong_method("GET, POST"),
        ("/control/log", _) => wrong_method("GET"),
        _ => Reply::json(404, &json!({"error": "not_found"})),
    }
}

fn wrong(why: &str) -> Reply {
    Reply::json(400, &json!({"error": why}))
}

fn counters(desk: &Desk) -> Value {
    let mut value = desk.counters.to_json();
    if let Some(map) = value.as_object_mut() {
        let alive = desk.store.alive_sessions(None);
        map.insert("alive_sessions".into(), alive.into());
    }
    value
}

fn obey(desk: &mut Desk, order: &Value) -> Result<Value, &'static str> {
    let done = json!({"ok": true});
    match text(order, "do").ok_or("\"do\" is missing")? {
        "fault" => {
            let target = target(order)?.ok_or("\"target\" is missing")?;
            desk.faults.set(target, fault(order)?, times(order)?);
        }
        "clear_faults" => match target(order)? {
            Some(target) => desk.faults.clear(target),
            None => desk.faults.clear_all(),
        },
        "delay_next_login" => {
            let ms = number(order, "ms")?.ok_or("\"ms\" is missing")?;
            desk.login_delay = Some(Duration::from_millis(ms));
        }
        "revoke_all_access_tokens" => desk.store.revoke_all_access(),
        "expire_access_now" => desk.store.expire_all_access(desk.now),
        "end_sessions" => {
            let user = text(order, "user").ok_or("\"user\" is missing")?;
            return Ok(json!({"ended": desk.end_sessions_of(user)}));
        }
        "alive_tokens" => {
            let user = text(order, "user").ok_or("\"user\" is missing")?;
            return Ok(json!({"alive": desk.store.alive_tokens(desk.now, user)}));
        }
        "alive" => {
            let token = text(order, "token").ok_or("\"token\" is missing")?;
            return Ok(json!({
                "access": desk.store.check(desk.now, token).is_ok(),
                "refresh": desk.store.is_refresh_alive(desk.now, token),
            }));
        }
        "reset_counters" => desk.counters = Default::default(),
        "clear_log" => desk.log.clear(),
        _ => return Err("unknown \"do\""),
    }
    Ok(done)
}

fn text<'a>(order: &'a Value, name: &str) -> Option<&'a str> {
    order.get(name).and_then(Value::as_str)
}

/// A whole number; absent and `null` are the same.
fn number(order: &Value, name: &str) -> Result<Option<u64>, &'static str> {
    match order.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or("a number is not whole"),
    }
}

fn target(order: &Value) -> Result<Option<Target>, &'static str> {
    match text(order, "target") {
        Some("token") => Ok(Some(Target::Token)),
        Some("api") => Ok(Some(Target::Api)),
        Some("revocation") => Ok(Some(Target::Revocation)),
        None if order.get("target").is_none() => Ok(None),
        _ => Err("unknown \"target\""),
    }
}

/// Once, unless the order says otherwise.
fn times(order: &Value) -> Result<Times, &'static str> {
    if text(order, "times") == Some("until_cleared") {
        return Ok(Times::UntilCleared);
    }
    let count = number(order, "times")?.unwrap_or(1);
    let count = u32::try_from(count).map_err(|_| "\"times\" is too large")?;
    Ok(Times::Next(count))
}

fn fault(order: &Value) -> Result<Fault, &'static str> {
    let retry_after = number(order, "retry_after")?;
    Ok(match text(order, "fault").ok_or("\"fault\" is missing")? {
        "unauthorized" => Fault::Unauthorized,
        "too_many_requests" => Fault::TooManyRequests {
            retry_after: retry_after.ok_or("\"retry_after\" is missing")?,
        },
        "unavailable" => Fault::Unavailable { retry_after },
        "html_page" => {
            let status = number(order, "status")?.unwrap_or(200);
            let status = u16::try_from(status).ok();
            let status = status.filter(|s| (200..600).contains(s));
            Fault::HtmlPage {
                status: status.ok_or("\"status\" must be 200 to 599")?,
            }
        }
        "invalid_grant" => Fault::InvalidGrant,
        "slow" => Fault::Slow {
            delay: Duration::from_millis(number(order, "ms")?.ok_or("\"ms\" is missing")?),
        },
        "cut_before" => Fault::CutBefore,
        "cut_after" => Fault::CutAfter,
        "malformed_json" => Fault::MalformedJson,
        "truncated_json" => Fault::TruncatedJson,
        _ => return Err("unknown \"fault\""),
    })
}
