//! The API (RFC 6750), logout and the public endpoint.

mod support;

use std::thread;
use std::time::Duration;

use support::{agent, api, get, login, login_as, read, refresh, server, settings, token};
use testserver::{Settings, TestServer};

#[test]
fn a_valid_token_is_accepted_and_named_by_its_session() {
    let s = server();
    let t = login(&s);
    let a = api(&s, "notes", &t.access).unwrap();
    assert_eq!(a.status, 200);
    assert_eq!(
        (a.str("user"), a.str("session")),
        ("alice".into(), "s1".into())
    );
    assert_eq!(a.str("path"), "/api/notes");
    let c = s.counters();
    assert_eq!((c.api_requests, c.api_ok, c.sent_without_token), (1, 1, 0));
}

#[test]
fn without_a_credential_the_challenge_names_no_error() {
    let s = server();
    let url = s.api_url("notes");
    let in_query = format!("{url}?access_token={}", login(&s).access);
    let cases = [
        (&url, None),
        (&url, Some("Bearer")),
        (&url, Some("Basic YTpi")),
        (&in_query, None),
    ];
    for (url, header) in cases {
        let a = get(url, header).unwrap();
        assert_eq!(a.status, 401);
        assert_eq!(a.header("www-authenticate"), Some("Bearer realm=\"api\""));
    }
    let c = s.counters();
    assert_eq!((c.api_requests, c.sent_without_token), (4, 4));
    assert_eq!((c.api_unauthorized, c.api_ok), (4, 0));
}

#[test]
fn a_token_that_is_not_valid_is_named_as_the_error() {
    let s = server();
    let expired = login(&s).access;
    s.expire_access_now();
    let revoked = login(&s).access;
    s.revoke_all_access_tokens();
    for token in [expired.as_str(), revoked.as_str(), "guess"] {
        let a = api(&s, "notes", token).unwrap();
        assert_eq!(a.status, 401);
        let challenge = a.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let c = s.counters();
    assert_eq!((c.api_unauthorized, c.sent_without_token), (3, 0));
}

#[test]
fn a_malformed_credential_is_an_invalid_request() {
    let s = server();
    let a = get(&s.api_url("notes"), Some("Bearer a b")).unwrap();
    assert_eq!((a.status, a.error().as_str()), (400, "invalid_request"));
    let request = agent().get(s.api_url("notes"));
    let request = request.header("Authorization", "Bearer a");
    let a = read(request.header("Authorization", "Bearer b").call()).unwrap();
    assert_eq!((a.status, a.error().as_str()), (400, "invalid_request"));
}

#[test]
fn the_scheme_is_read_without_regard_to_case() {
    let s = server();
    let value = format!("bearer {}", login(&s).access);
    assert_eq!(get(&s.api_url("notes"), Some(&value)).unwrap().status, 200);
}

#[test]
fn a_guarded_path_needs_its_scope() {
    let s = server();
    let plain = login(&s);
    let a = api(&s, "admin/users", &plain.access).unwrap();
    assert_eq!((a.status, a.error().as_str()), (403, "insufficient_scope"));
    let challenge = a.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""));
    assert!(challenge.contains("scope=\"admin\""));
    let scope = [("scope", "read admin")];
    let admin = login_as(&s, "alice", "wonderland", &scope).unwrap();
    let a = api(&s, "admin/users", &admin.tokens().access).unwrap();
    assert_eq!(a.status, 200);
    assert_eq!((s.counters().api_forbidden, s.counters().api_ok), (1, 1));
}

#[test]
fn an_access_token_ends_with_its_lifetime_and_a_refresh_helps() {
    let s = TestServer::start(Settings {
        access_ttl: Duration::from_millis(30),
        ..settings()
    });
    let s = s.unwrap();
    let t = login(&s);
    thread::sleep(Duration::from_millis(60));
    assert!(!s.is_access_alive(&t.access) && s.is_refresh_alive(&t.refresh));
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 401);
    assert_eq!(refresh(&s, &t.refresh).unwrap().status, 200);
}

#[test]
fn revoking_all_access_tokens_keeps_the_sessions() {
    let s = server();
    let t = login(&s);
    s.revoke_all_access_tokens();
    assert_eq!(api(&s, "notes", &t.access).unwrap().status, 401);
    let new = refresh(&s, &t.refresh).unwrap().tokens();
    assert_eq!(api(&s, "notes", &new.access).unwrap().status, 200);
}

#[test]
fn the_token_of_a_client_has_no_user() {
    let s = server();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "service"),
        ("client_secret", "service-secret"),
    ];
    let access = token(&s, &form).unwrap().str("access_token");
    let a = api(&s, "notes", &access).unwrap();
    assert!(a.json()["user"].is_null());
    assert_eq!(a.str("client"), "service");
}

#[test]
fn logout_ends_the_session_once() {
    let s = server();
    let t = login(&s);
    let logout = || {
        let request = agent().post(format!("{}/logout", s.base_url()));
        let request = request.header("Authorization", format!("Bearer {}", t.access));
        read(request.send_empty()).unwrap().status
    };
    assert_eq!(logout(), 204);
    assert_eq!(s.alive_tokens("alice"), 0);
    assert_eq!(logout(), 401);
    assert_eq!(s.counters().logouts, 1);
}

#[test]
fn the_public_endpoint_needs_no_token_and_notes_one() {
    let s = server();
    let url = format!("{}/public", s.base_url());
    assert_eq!(get(&url, None).unwrap().status, 200);
    assert_eq!(get(&url, Some("Bearer guess")).unwrap().status, 200);
    let c = s.counters();
    assert_eq!((c.public_requests, c.public_with_token), (2, 1));
    assert_eq!((c.api_requests, c.sent_without_token), (0, 0));
}

#[test]
fn other_paths_are_not_found() {
    let s = server();
    for path in ["/", "/apis", "/tokens"] {
        let a = get(&(s.base_url() + path), None).unwrap();
        assert_eq!(a.status, 404, "{path}");
    }
}

#[test]
fn a_dropped_server_no_longer_answers() {
    let s = server();
    let url = format!("{}/public", s.base_url());
    drop(s);
    assert!(get(&url, None).is_err());
}
