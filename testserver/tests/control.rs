//! The control endpoint and the program, as other processes see them.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Got, agent, api, get, login, post, read, refresh, server, try_login};

fn control(base: &str, order: &Value) -> Got {
    let request = agent().post(format!("{base}/control"));
    let request = request.content_type("application/json");
    read(request.send(order.to_string()))
}

fn counters(base: &str) -> Value {
    get(&format!("{base}/control"), None).unwrap().json()
}

#[test]
fn counters_and_events_are_readable_as_json() {
    let s = server();
    let t = login(&s);
    get(&s.api_url("notes"), None).unwrap();
    let got = counters(&s.base_url());
    assert_eq!(got["logins"], 1);
    assert_eq!(got["sent_without_token"], 1);
    assert_eq!(got["alive_sessions"], 1);
    let log = get(&format!("{}/control/log", s.base_url()), None).unwrap();
    assert_eq!(log.json()[0]["kind"], "login");
    assert_eq!(log.json()[0]["session"], "s1");
    assert!(!log.text.contains(&t.access));
}

#[test]
fn every_fault_can_be_ordered() {
    let s = server();
    let faults = [
        (json!({"fault": "unauthorized"}), Some(401)),
        (
            json!({"fault": "too_many_requests", "retry_after": 2}),
            Some(429),
        ),
        (json!({"fault": "unavailable"}), Some(503)),
        (json!({"fault": "unavailable", "retry_after": 2}), Some(503)),
        (json!({"fault": "html_page", "status": 511}), Some(511)),
        (json!({"fault": "html_page"}), Some(200)),
        (json!({"fault": "invalid_grant"}), Some(400)),
        (json!({"fault": "slow", "ms": 1}), Some(200)),
        (json!({"fault": "cut_before"}), None),
        (json!({"fault": "cut_after"}), None),
        (json!({"fault": "malformed_json"}), Some(200)),
        (json!({"fault": "truncated_json"}), None),
    ];
    for (mut order, wanted) in faults {
        order["do"] = "fault".into();
        order["target"] = "token".into();
        assert_eq!(control(&s.base_url(), &order).unwrap().status, 200);
        let got = try_login(&s).ok().map(|a| a.status);
        assert_eq!(got, wanted, "{order}");
    }
    assert_eq!(try_login(&s).unwrap().status, 200);
    assert_eq!(s.counters().faults, 12);
}

#[test]
fn faults_last_as_long_as_ordered() {
    let s = server();
    let base = s.base_url();
    let mut order = json!({"do": "fault", "target": "token", "fault": "unavailable", "times": 2});
    control(&base, &order).unwrap();
    let status = || try_login(&s).unwrap().status;
    assert_eq!([status(), status(), status()], [503, 503, 200]);
    order["times"] = "until_cleared".into();
    control(&base, &order).unwrap();
    assert_eq!([status(), status(), status()], [503, 503, 503]);
    let clear = json!({"do": "clear_faults", "target": "token"});
    control(&base, &clear).unwrap();
    assert_eq!(status(), 200);
}

#[test]
fn tokens_and_sessions_can_be_steered() {
    let s = server();
    let base = s.base_url();
    let t = login(&s);
    let alive = |token: &str| {
        let order = json!({"do": "alive", "token": token});
        control(&base, &order).unwrap().json()
    };
    assert_eq!(alive(&t.access), json!({"access": true, "refresh": false}));
    control(&base, &json!({"do": "revoke_all_access_tokens"})).unwrap();
    assert_eq!(alive(&t.access), json!({"access": false, "refresh": false}));
    assert_eq!(alive(&t.refresh), json!({"access": false, "refresh": true}));
    let t = refresh(&s, &t.refresh).unwrap().tokens();
    control(&base, &json!({"do": "expire_access_now"})).unwrap();
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 401);
    let tokens = |user: &str| {
        let order = json!({"do": "alive_tokens", "user": user});
        control(&base, &order).unwrap().json()["alive"].clone()
    };
    assert_eq!((tokens("alice"), tokens("bob")), (json!(1), json!(0)));
    let end = json!({"do": "end_sessions", "user": "alice"});
    assert_eq!(control(&base, &end).unwrap().json()["ended"], 1);
    assert_eq!(tokens("alice"), 0);
    control(&base, &json!({"do": "delay_next_login", "ms": 1})).unwrap();
    control(&base, &json!({"do": "clear_log"})).unwrap();
    control(&base, &json!({"do": "reset_counters"})).unwrap();
    assert_eq!(counters(&base)["logins"], 0);
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let s = server();
    for order in [
        json!([]),
        json!({}),
        json!({"do": "dance"}),
        json!({"do": "fault", "fault": "cut_after"}),
        json!({"do": "fault", "target": "moon", "fault": "cut_after"}),
        json!({"do": "fault", "target": "api", "fault": "bad_mood"}),
        json!({"do": "fault", "target": "api", "fault": "slow"}),
        json!({"do": "fault", "target": "api", "fault": "html_page", "status": 100}),
        json!({"do": "fault", "target": "api", "fault": "cut_after", "times": -1}),
        json!({"do": "clear_faults", "target": 5}),
    ] {
        assert_eq!(
            control(&s.base_url(), &order).unwrap().status,
            400,
            "{order}"
        );
    }
    let url = format!("{}/control", s.base_url());
    assert_eq!(post(&url, &[("do", "clear_log")]).unwrap().status, 400);
    assert_eq!(get(&format!("{url}/moon"), None).unwrap().status, 404);
}

#[test]
fn the_program_prints_its_address_and_stops_with_its_stdin() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_testserver"))
        .args([
            "--port",
            "0",
            "--latency-ms",
            "0",
            "--access-ttl-ms",
            "5000",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let form = [
        ("grant_type", "password"),
        ("client_id", "native-app"),
        ("username", "bob"),
        ("password", "builder"),
    ];
    let url = said["token_endpoint"].as_str().unwrap();
    assert_eq!(post(url, &form).unwrap().json()["expires_in"], 5);
    assert_eq!(counters(said["base_url"].as_str().unwrap())["logins"], 1);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_program_stops_when_its_time_is_over() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_testserver"))
        .args(["--no-stdin", "--max-seconds", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_program_explains_wrong_options() {
    for args in [&["--port"][..], &["--port", "70000"], &["--moon", "1"]] {
        let out = Command::new(env!("CARGO_BIN_EXE_testserver"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&out.stderr).contains("usage:"));
    }
}
