//! Each fault, at the token endpoint, the API and the revocation endpoint.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{api, get, login, refresh, revoke, server, try_login};
use testserver::{EventKind, Fault, Target, TestServer, Times};

const SLOW: Duration = Duration::from_millis(120);

/// The bytes of an answer, up to the end of the connection.
fn raw(server: &TestServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    // A server that keeps the connection open must fail the test, not hang it.
    let limit = Some(Duration::from_secs(10));
    stream.set_read_timeout(limit).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut got = Vec::new();
    // A reset in place of an orderly end is a cut, too.
    let _ = stream.read_to_end(&mut got);
    String::from_utf8(got).unwrap()
}

fn raw_get(server: &TestServer, access: &str) -> String {
    let head = "GET /api/notes HTTP/1.1\r\nHost: test\r\n";
    raw(
        server,
        &format!("{head}Authorization: Bearer {access}\r\n\r\n"),
    )
}

#[test]
fn unauthorized_speaks_the_language_of_the_endpoint() {
    let s = server();
    let t = login(&s);
    for target in [Target::Token, Target::Api, Target::Revocation] {
        s.fault(target, Fault::Unauthorized, Times::Next(1));
    }
    let a = refresh(&s, &t.refresh).unwrap();
    assert_eq!((a.status, a.error().as_str()), (401, "invalid_client"));
    let a = api(&s, "notes", &t.access).unwrap();
    assert_eq!((a.status, a.error().as_str()), (401, "invalid_token"));
    assert!(a.header("www-authenticate").unwrap().starts_with("Bearer "));
    assert_eq!(revoke(&s, &t.refresh).unwrap().status, 401);
    assert_eq!((s.counters().api_unauthorized, s.counters().faults), (1, 3));
    // None of them was processed.
    assert_eq!((s.alive_tokens("alice"), s.counters().revocations), (2, 0));
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 200);
}

#[test]
fn too_many_requests_says_when_to_come_back() {
    let s = server();
    let t = login(&s);
    let fault = Fault::TooManyRequests { retry_after: 7 };
    s.fault(Target::Token, fault, Times::Next(1));
    s.fault(Target::Api, fault, Times::Next(1));
    let a = refresh(&s, &t.refresh).unwrap();
    assert_eq!((a.status, a.header("retry-after")), (429, Some("7")));
    let a = api(&s, "notes", &t.access).unwrap();
    assert_eq!((a.status, a.header("retry-after")), (429, Some("7")));
    assert!(s.is_refresh_alive(&t.refresh));
}

#[test]
fn unavailable_may_say_when_to_come_back() {
    let s = server();
    for retry_after in [None, Some(3)] {
        let fault = Fault::Unavailable { retry_after };
        s.fault(Target::Token, fault, Times::Next(1));
    }
    let a = try_login(&s).unwrap();
    assert_eq!((a.status, a.header("retry-after")), (503, None));
    let a = try_login(&s).unwrap();
    assert_eq!((a.status, a.header("retry-after")), (503, Some("3")));
    assert_eq!(
        (s.counters().logins, s.counters().password_requests),
        (0, 2)
    );
}

#[test]
fn a_captive_portal_answers_with_a_page() {
    let s = server();
    let t = login(&s);
    for status in [200, 503] {
        let fault = Fault::HtmlPage { status };
        s.fault(Target::Token, fault, Times::Next(1));
        let a = refresh(&s, &t.refresh).unwrap();
        assert_eq!(a.status, status);
        assert!(a.header("content-type").unwrap().starts_with("text/html"));
        assert!(a.text.starts_with("<!doctype html>"));
    }
    assert!(s.is_refresh_alive(&t.refresh));
}

#[test]
fn invalid_grant_can_be_feigned() {
    let s = server();
    let t = login(&s);
    s.fault(Target::Token, Fault::InvalidGrant, Times::Next(1));
    let a = refresh(&s, &t.refresh).unwrap();
    assert_eq!((a.status, a.error().as_str()), (400, "invalid_grant"));
    assert!(s.is_refresh_alive(&t.refresh));
    assert_eq!(s.counters().refreshes_refused, 0);
}

#[test]
fn a_slow_answer_comes_late_and_whole() {
    let s = server();
    let t = login(&s);
    s.fault(Target::Token, Fault::Slow { delay: SLOW }, Times::Next(1));
    let start = Instant::now();
    let new = refresh(&s, &t.refresh).unwrap().tokens();
    assert!(start.elapsed() >= SLOW);
    assert!(s.is_access_alive(&new.access));
}

#[test]
fn a_delayed_login_takes_effect_before_its_answer() {
    let s = server();
    s.delay_next_login(120);
    let start = Instant::now();
    login(&s);
    assert!(start.elapsed() >= SLOW);
    let log = s.log();
    assert_eq!(log[0].kind, EventKind::Login);
    assert_eq!(log[1].kind, EventKind::TokenAnswered);
    assert!(log[1].at_ms - log[0].at_ms >= 119);
}

#[test]
fn the_latency_applies_to_every_answer() {
    let s = TestServer::start(testserver::Settings {
        latency: SLOW,
        ..support::settings()
    });
    let s = s.unwrap();
    let start = Instant::now();
    assert_eq!(get(&s.api_url("notes"), None).unwrap().status, 401);
    assert!(start.elapsed() >= SLOW);
}

#[test]
fn a_cut_connection_carries_no_byte() {
    let s = server();
    let t = login(&s);
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        s.fault(Target::Api, fault, Times::Next(1));
        assert_eq!(raw_get(&s, &t.access), "");
    }
    let c = s.counters();
    // Both arrived, one of them was processed.
    assert_eq!((c.api_requests, c.api_ok), (2, 1));
}

#[test]
fn malformed_json_is_whole_but_not_json() {
    let s = server();
    let t = login(&s);
    s.fault(Target::Token, Fault::MalformedJson, Times::Next(1));
    s.fault(Target::Revocation, Fault::MalformedJson, Times::Next(1));
    let a = refresh(&s, &t.refresh).unwrap();
    assert_eq!(a.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&a.text).is_err());
    // The server thinks it has answered.
    assert!(!s.is_refresh_alive(&t.refresh));
    let a = revoke(&s, &t.refresh).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&a.text).is_err());
}

#[test]
fn truncated_json_ends_before_the_announced_length() {
    let s = server();
    let t = login(&s);
    s.fault(Target::Token, Fault::TruncatedJson, Times::Next(1));
    assert!(refresh(&s, &t.refresh).is_err());
    assert!(!s.is_refresh_alive(&t.refresh));

    s.fault(Target::Api, Fault::TruncatedJson, Times::Next(1));
    let got = raw_get(&s, &t.access);
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "));
    let length = head.lines().find_map(|l| {
        let (name, value) = l.split_once(": ")?;
        let found = name.eq_ignore_ascii_case("content-length");
        found.then(|| value.parse::<usize>().unwrap())
    });
    assert!(!body.is_empty() && body.len() < length.unwrap());
}

#[test]
fn faults_of_one_endpoint_do_not_reach_another() {
    let s = server();
    let fault = Fault::Unavailable { retry_after: None };
    s.fault(Target::Api, fault, Times::UntilCleared);
    let t = login(&s);
    for _ in 0..3 {
        assert_eq!(api(&s, "notes", &t.access).unwrap().status, 503);
    }
    assert_eq!(revoke(&s, "guess").unwrap().status, 200);
    s.clear_faults(Target::Api);
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 200);
}

#[test]
fn clearing_all_faults_reaches_every_endpoint() {
    let s = server();
    for target in [Target::Token, Target::Api, Target::Revocation] {
        s.fault(target, Fault::CutBefore, Times::UntilCleared);
    }
    s.clear_all_faults();
    let t = login(&s);
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 200);
    assert_eq!(revoke(&s, &t.access).unwrap().status, 200);
}

#[test]
fn a_request_without_token_is_counted_even_when_it_meets_a_fault() {
    let s = server();
    s.fault(Target::Api, Fault::CutBefore, Times::Next(1));
    assert!(get(&s.api_url("notes"), None).is_err());
    let c = s.counters();
    assert_eq!((c.sent_without_token, c.api_unauthorized), (1, 0));
}

#[test]
fn counters_can_be_reset_apart_from_the_log() {
    let s = server();
    login(&s);
    s.reset_counters();
    assert_eq!(s.counters(), testserver::Counters::default());
    assert!(!s.log().is_empty());
    s.clear_log();
    assert!(s.log().is_empty());
}

#[test]
fn broken_requests_do_not_harm_the_server() {
    let s = server();
    for request in [
        "nonsense\r\n\r\n",
        "POST /token HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\nConnection: close\r\n\r\n%zz=\u{1}&=&=",
        "GET /api/notes HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: \r\n\r\n",
    ] {
        assert!(raw(&s, request).starts_with("HTTP/1.1 4"), "{request}");
    }
    login(&s);
}
