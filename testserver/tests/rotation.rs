//! Refresh tokens: rotation, reuse and revocation over HTTP.

mod support;

use std::thread;
use std::time::Duration;

use support::{api, login, login_as, post, refresh, revoke, server, settings, token, try_login};
use testserver::{EventKind, Fault, Settings, Target, TestServer, Times};

#[test]
fn a_refresh_gives_a_new_pair_and_uses_the_old_token_up() {
    let s = server();
    let first = login(&s);
    let second = refresh(&s, &first.refresh).unwrap().tokens();
    assert!(first.refresh != second.refresh && first.access != second.access);
    assert!(!s.is_refresh_alive(&first.refresh) && s.is_refresh_alive(&second.refresh));
    assert_eq!(api(&s, "notes", &first.access).unwrap().status, 200);
    assert_eq!(api(&s, "notes", &second.access).unwrap().status, 200);
}

#[test]
fn a_used_token_that_comes_back_ends_the_whole_session() {
    let s = server();
    let first = login(&s);
    let second = refresh(&s, &first.refresh).unwrap().tokens();
    let replay = refresh(&s, &first.refresh).unwrap();
    assert_eq!(
        (replay.status, replay.error().as_str()),
        (400, "invalid_grant")
    );
    assert!(!s.is_refresh_alive(&second.refresh) && !s.is_access_alive(&second.access));
    assert_eq!(
        refresh(&s, &second.refresh).unwrap().error(),
        "invalid_grant"
    );
    assert_eq!(api(&s, "notes", &second.access).unwrap().status, 401);
    let c = s.counters();
    assert_eq!((c.replayed, c.refreshes_ok, c.refreshes_refused), (1, 1, 2));
    assert_eq!((s.alive_sessions(), s.alive_tokens("alice")), (0, 0));
}

#[test]
fn a_replay_leaves_other_sessions_of_the_user_alone() {
    let s = server();
    let (phone, laptop) = (login(&s), login(&s));
    refresh(&s, &phone.refresh).unwrap();
    refresh(&s, &phone.refresh).unwrap();
    assert_eq!(s.alive_sessions_of("alice"), 1);
    assert_eq!(refresh(&s, &laptop.refresh).unwrap().status, 200);
}

#[test]
fn of_two_refreshes_at_once_only_one_can_win_and_the_session_ends() {
    let s = server();
    let first = login(&s);
    let both: Vec<u16> = thread::scope(|scope| {
        let run = || refresh(&s, &first.refresh).unwrap().status;
        let (a, b) = (scope.spawn(run), scope.spawn(run));
        vec![a.join().unwrap(), b.join().unwrap()]
    });
    assert_eq!(both.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!((s.counters().replayed, s.alive_sessions()), (1, 0));
}

#[test]
fn the_grace_accepts_a_used_token_and_counts_it() {
    let s = TestServer::start(Settings {
        reuse_grace: Duration::from_secs(600),
        ..settings()
    });
    let s = s.unwrap();
    let first = login(&s);
    refresh(&s, &first.refresh).unwrap();
    let again = refresh(&s, &first.refresh).unwrap().tokens();
    assert!(s.is_refresh_alive(&again.refresh));
    let c = s.counters();
    assert_eq!((c.replayed, c.reused_in_grace, c.refreshes_ok), (0, 1, 2));
}

#[test]
fn a_cut_after_rotation_leaves_the_token_used() {
    let s = server();
    let first = login(&s);
    s.fault(Target::Token, Fault::CutAfter, Times::Next(1));
    assert!(refresh(&s, &first.refresh).is_err());
    assert!(!s.is_refresh_alive(&first.refresh));
    assert_eq!((s.counters().refreshes_ok, s.alive_sessions()), (1, 1));
    assert_eq!(
        refresh(&s, &first.refresh).unwrap().error(),
        "invalid_grant"
    );
    assert_eq!((s.counters().replayed, s.alive_sessions()), (1, 0));
}

#[test]
fn a_cut_before_processing_leaves_the_token_usable() {
    let s = server();
    let first = login(&s);
    s.fault(Target::Token, Fault::CutBefore, Times::Next(1));
    assert!(refresh(&s, &first.refresh).is_err());
    assert_eq!(s.counters().refreshes_ok, 0);
    assert_eq!(refresh(&s, &first.refresh).unwrap().status, 200);
}

#[test]
fn a_login_whose_answer_is_lost_leaves_a_session_behind() {
    let s = server();
    s.fault(Target::Token, Fault::CutAfter, Times::Next(1));
    assert!(try_login(&s).is_err());
    assert_eq!((s.alive_sessions(), s.alive_tokens("alice")), (1, 2));
}

#[test]
fn revoking_any_token_ends_its_session() {
    for pick in 0..3 {
        let s = server();
        let first = login(&s);
        let second = refresh(&s, &first.refresh).unwrap().tokens();
        let token = [&first.refresh, &second.refresh, &second.access][pick];
        let answer = revoke(&s, token).unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
        assert_eq!(s.alive_tokens("alice"), 0);
        assert_eq!(api(&s, "notes", &first.access).unwrap().status, 401);
        assert_eq!((s.counters().revocations, s.alive_sessions()), (1, 0));
    }
}

#[test]
fn revoking_an_unknown_token_succeeds_and_changes_nothing() {
    let s = server();
    login(&s);
    assert_eq!(revoke(&s, "guess").unwrap().status, 200);
    assert_eq!(s.alive_sessions(), 1);
}

#[test]
fn revoking_needs_the_client_the_token_was_issued_to() {
    let s = server();
    let first = login(&s);
    let url = s.revocation_endpoint();
    let form = [("token", first.refresh.as_str())];
    assert_eq!(post(&url, &form).unwrap().error(), "invalid_client");
    let form = [
        form[0],
        ("client_id", "service"),
        ("client_secret", "service-secret"),
    ];
    assert_eq!(post(&url, &form).unwrap().error(), "unauthorized_client");
    assert_eq!((s.alive_sessions(), s.counters().revocations), (1, 0));
}

#[test]
fn a_refresh_token_works_only_for_its_client() {
    let s = server();
    let first = login(&s);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "service"),
        ("client_secret", "service-secret"),
        ("refresh_token", &first.refresh),
    ];
    assert_eq!(token(&s, &form).unwrap().error(), "invalid_grant");
    assert!(s.is_refresh_alive(&first.refresh));
}

#[test]
fn too_much_scope_is_refused_and_the_refresh_token_stays() {
    let s = server();
    let first = login(&s);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "native-app"),
        ("refresh_token", first.refresh.as_str()),
        ("scope", "read admin"),
    ];
    assert_eq!(token(&s, &form).unwrap().error(), "invalid_scope");
    assert!(s.is_refresh_alive(&first.refresh));
}

#[test]
fn ending_the_sessions_of_a_user_spares_the_others() {
    let s = server();
    login(&s);
    login(&s);
    let bob = login_as(&s, "bob", "builder", &[]).unwrap().tokens();
    assert_eq!(s.end_sessions_of("alice"), 2);
    assert_eq!((s.alive_tokens("alice"), s.alive_tokens("bob")), (0, 2));
    assert_eq!(api(&s, "notes", &bob.access).unwrap().str("user"), "bob");
}

#[test]
fn the_log_tells_what_happened_in_order_without_secrets() {
    let s = server();
    let first = login(&s);
    api(&s, "notes?page=1", &first.access).unwrap();
    refresh(&s, &first.refresh).unwrap();
    refresh(&s, &first.refresh).unwrap();
    let log = s.log();
    let kinds: Vec<_> = log.iter().map(|e| e.kind).collect();
    let wanted = [
        EventKind::Login,
        EventKind::TokenAnswered,
        EventKind::ApiOk,
        EventKind::Refreshed,
        EventKind::TokenAnswered,
        EventKind::Replayed,
        EventKind::SessionEnded,
        EventKind::TokenAnswered,
    ];
    assert_eq!(kinds, wanted);
    assert!(log.is_sorted_by_key(|e| e.at_ms));
    assert_eq!(log[2].path, "/api/notes");
    assert_eq!(log[2].token.as_deref(), Some("a1"));
    assert_eq!(log[3].token.as_deref(), Some("r1"));
    assert_eq!(log[6].session.as_deref(), Some("s1"));
    let text = format!("{log:?}");
    assert!(!text.contains(&first.access) && !text.contains(&first.refresh));
}
