//! Shapes of the token endpoint (RFC 6749).

mod support;

use std::time::Duration;

use support::{agent, get, login_as, post, read, server, settings, token, try_login};
use testserver::{ExpiresIn, Settings, TestServer};

const SERVICE: (&str, &str) = ("client_id", "service");
const SECRET: (&str, &str) = ("client_secret", "service-secret");
const OWN: (&str, &str) = ("grant_type", "client_credentials");

#[test]
fn a_sign_in_answers_with_all_members_and_forbids_caching() {
    let s = server();
    let a = try_login(&s).unwrap();
    assert_eq!(a.status, 200);
    assert_eq!(a.header("cache-control"), Some("no-store"));
    assert_eq!(a.header("pragma"), Some("no-cache"));
    assert_eq!(a.header("content-type"), Some("application/json"));
    let body = a.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 600);
    assert_eq!(body["scope"], "read write");
    assert!(s.is_access_alive(&a.str("access_token")));
    assert!(s.is_refresh_alive(&a.str("refresh_token")));
    assert_eq!((s.counters().logins, s.alive_sessions_of("alice")), (1, 1));
}

#[test]
fn a_wrong_password_or_name_is_an_invalid_grant() {
    let s = server();
    for (name, password) in [("alice", "builder"), ("mallory", "wonderland")] {
        let a = login_as(&s, name, password, &[]).unwrap();
        assert_eq!((a.status, a.error().as_str()), (400, "invalid_grant"));
        assert_eq!(a.header("cache-control"), Some("no-store"));
    }
    assert_eq!((s.counters().logins_refused, s.alive_sessions()), (2, 0));
}

#[test]
fn a_scope_is_granted_whole_or_not_at_all() {
    let s = server();
    let admin = [("scope", "read admin")];
    let a = login_as(&s, "alice", "wonderland", &admin).unwrap();
    assert_eq!(a.str("scope"), "admin read");
    let b = login_as(&s, "bob", "builder", &admin).unwrap();
    assert_eq!((b.status, b.error().as_str()), (400, "invalid_scope"));
}

#[test]
fn each_broken_request_has_its_error() {
    let s = server();
    let app = ("client_id", "native-app");
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[app], "invalid_request"),
        (&[app, ("grant_type", "magic")], "unsupported_grant_type"),
        (&[app, ("grant_type", "password")], "invalid_request"),
        (&[app, ("grant_type", "refresh_token")], "invalid_request"),
        (&[app, app, OWN], "invalid_request"),
        (&[app, OWN], "unauthorized_client"),
        (&[app, OWN, ("scope", "\"")], "invalid_scope"),
        (&[SERVICE, SECRET, OWN, ("scope", "write")], "invalid_scope"),
    ];
    for (form, wanted) in cases {
        let a = token(&s, form).unwrap();
        assert_eq!((a.status, a.error().as_str()), (400, wanted), "{form:?}");
        assert_eq!(a.header("cache-control"), Some("no-store"));
    }
    assert_eq!(s.counters().token_requests, 8);
}

#[test]
fn a_client_that_cannot_be_authenticated_gets_401_with_a_challenge() {
    let s = server();
    let cases: [&[(&str, &str)]; 4] = [
        &[OWN],
        &[OWN, SERVICE],
        &[OWN, SERVICE, ("client_secret", "guess")],
        &[OWN, ("client_id", "native-app"), SECRET],
    ];
    for form in cases {
        let a = token(&s, form).unwrap();
        assert_eq!((a.status, a.error().as_str()), (401, "invalid_client"));
        let challenge = a.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic "), "{challenge}");
    }
}

#[test]
fn a_client_of_its_own_gets_an_access_token_and_no_refresh_token() {
    let s = server();
    let a = token(&s, &[OWN, SERVICE, SECRET]).unwrap();
    assert_eq!(a.status, 200);
    assert!(a.json().get("refresh_token").is_none());
    assert!(s.is_access_alive(&a.str("access_token")));
    let c = s.counters();
    assert_eq!((c.client_requests, c.client_tokens, c.logins), (1, 1, 0));
}

#[test]
fn a_client_may_authenticate_by_basic_but_not_in_two_ways() {
    let s = server();
    // service:service-secret
    let basic = "Basic c2VydmljZTpzZXJ2aWNlLXNlY3JldA==";
    let send = |value: &str, form: &[(&str, &str)]| {
        let request = agent().post(s.token_endpoint());
        let request = request.header("Authorization", value);
        read(request.send_form(form.iter().copied())).unwrap()
    };
    assert_eq!(send(basic, &[OWN]).status, 200);
    assert_eq!(send(basic, &[OWN, SERVICE]).status, 200);
    assert_eq!(send(basic, &[OWN, SECRET]).error(), "invalid_request");
    let other = ("client_id", "native-app");
    assert_eq!(send(basic, &[OWN, other]).error(), "invalid_request");
    for broken in ["Basic", "Basic !", "Basic bm9jb2xvbg==", "Bearer x"] {
        let a = send(broken, &[OWN]);
        assert_eq!((a.status, a.error().as_str()), (401, "invalid_client"));
    }
}

#[test]
fn only_a_posted_form_is_taken() {
    let s = server();
    let a = get(&s.token_endpoint(), None).unwrap();
    assert_eq!((a.status, a.header("allow")), (405, Some("POST")));
    let request = agent().post(s.token_endpoint());
    let request = request.content_type("application/json");
    let a = read(request.send("{\"grant_type\":\"password\"}")).unwrap();
    assert_eq!((a.status, a.error().as_str()), (400, "invalid_request"));
    let huge = "x".repeat(100_000);
    let a = post(&s.token_endpoint(), &[("grant_type", &huge)]);
    // The server answers without reading to the end, which a client may see as a cut.
    assert!(a.is_err() || a.is_ok_and(|a| a.status == 413));
}

#[test]
fn the_lifetime_can_be_omitted_or_untrue() {
    for (setting, wanted) in [
        (ExpiresIn::Omitted, None),
        (ExpiresIn::Seconds(3600), Some(3600)),
        (ExpiresIn::Lifetime, Some(1)),
    ] {
        let s = TestServer::start(Settings {
            access_ttl: Duration::from_millis(1999),
            expires_in: setting,
            ..settings()
        });
        let body = try_login(&s.unwrap()).unwrap().json();
        assert_eq!(body.get("expires_in").and_then(|v| v.as_u64()), wanted);
    }
}
