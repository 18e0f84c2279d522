use std::time::Duration;

use super::{Denied, Refused, Revocation, Rules, Store};
use crate::scope::Scope;

const APP: &str = "app";

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn store() -> Store {
    with_grace(0)
}

fn with_grace(ms: u64) -> Store {
    Store::new(Rules {
        access_ttl: at(2000),
        refresh_ttl: None,
        reuse_grace: at(ms),
    })
}

fn read() -> Scope {
    Scope::parse("read").unwrap()
}

fn sign_in(store: &mut Store, now: u64) -> (String, String) {
    let got = store.sign_in(at(now), Some("alice"), APP, read());
    (got.access, got.refresh.unwrap())
}

fn refresh(store: &mut Store, now: u64, token: &str) -> Result<(String, String), Refused> {
    let got = store.refresh(at(now), token, APP, None)?;
    Ok((got.access, got.refresh.unwrap()))
}

#[test]
fn an_access_token_ends_exactly_at_its_expiry() {
    let mut s = store();
    let (access, _) = sign_in(&mut s, 100);
    assert!(s.check(at(2099), &access).is_ok());
    assert_eq!(s.check(at(2100), &access).unwrap_err(), Denied::Expired);
    assert_eq!(s.check(at(0), "made up").unwrap_err(), Denied::Unknown);
}

#[test]
fn each_refresh_gives_new_tokens_and_leaves_the_old_access_token_alone() {
    let mut s = store();
    let (a1, r1) = sign_in(&mut s, 0);
    let (a2, r2) = refresh(&mut s, 10, &r1).unwrap();
    assert!(a1 != a2 && r1 != r2);
    assert!(s.check(at(20), &a1).is_ok() && s.check(at(20), &a2).is_ok());
    assert!(!s.is_refresh_alive(at(20), &r1) && s.is_refresh_alive(at(20), &r2));
    assert_eq!(s.alive_sessions(None), 1);
}

#[test]
fn a_used_token_ends_its_family_and_no_other() {
    let mut s = store();
    let (_, other) = sign_in(&mut s, 0);
    let (a1, r1) = sign_in(&mut s, 0);
    let (a2, r2) = refresh(&mut s, 1, &r1).unwrap();
    assert_eq!(refresh(&mut s, 2, &r1).unwrap_err(), Refused::Replayed);
    assert_eq!(s.check(at(3), &a1).unwrap_err(), Denied::Revoked);
    assert_eq!(s.check(at(3), &a2).unwrap_err(), Denied::Revoked);
    assert_eq!(refresh(&mut s, 3, &r2).unwrap_err(), Refused::Revoked);
    assert_eq!(s.alive_sessions(None), 1);
    assert!(refresh(&mut s, 4, &other).is_ok());
}

#[test]
fn a_token_many_rotations_old_is_still_known_as_used() {
    let mut s = store();
    let (_, first) = sign_in(&mut s, 0);
    let mut token = first.clone();
    for i in 0..20 {
        token = refresh(&mut s, i, &token).unwrap().1;
    }
    assert_eq!(refresh(&mut s, 99, &first).unwrap_err(), Refused::Replayed);
    assert!(!s.is_refresh_alive(at(99), &token));
}

#[test]
fn the_grace_counts_from_the_first_use_only() {
    let mut s = with_grace(100);
    let (_, r1) = sign_in(&mut s, 0);
    refresh(&mut s, 1000, &r1).unwrap();
    assert!(s.is_refresh_alive(at(1099), &r1));
    let again = s.refresh(at(1099), &r1, APP, None).unwrap();
    assert!(again.by_grace);
    assert_eq!(refresh(&mut s, 1100, &r1).unwrap_err(), Refused::Replayed);
    assert_eq!(s.alive_sessions(None), 0);
}

#[test]
fn the_grace_does_not_revive_a_revoked_family() {
    let mut s = with_grace(1000);
    let (_, r1) = sign_in(&mut s, 0);
    let (_, r2) = refresh(&mut s, 1, &r1).unwrap();
    s.revoke(&r2, APP);
    assert_eq!(refresh(&mut s, 2, &r1).unwrap_err(), Refused::Replayed);
}

#[test]
fn a_refresh_token_has_its_own_end() {
    let mut s = store();
    s.rules.refresh_ttl = Some(at(500));
    let (_, r1) = sign_in(&mut s, 0);
    assert!(s.is_refresh_alive(at(499), &r1));
    assert!(!s.is_refresh_alive(at(500), &r1));
    assert_eq!(refresh(&mut s, 500, &r1).unwrap_err(), Refused::Expired);
    // Refused is not used: the family has done nothing wrong.
    assert_eq!(s.alive_sessions(None), 1);
}

#[test]
fn too_much_scope_is_refused_without_using_the_token_up() {
    let mut s = store();
    let (_, r1) = sign_in(&mut s, 0);
    let wide = Scope::parse("read admin");
    let got = s.refresh(at(1), &r1, APP, wide);
    assert_eq!(got.unwrap_err(), Refused::Scope);
    assert!(s.is_refresh_alive(at(2), &r1));
}

#[test]
fn less_scope_narrows_the_access_token_but_not_the_sign_in() {
    let mut s = store();
    let both = Scope::parse("read write").unwrap();
    let got = s.sign_in(at(0), Some("alice"), APP, both.clone());
    let narrow = s.refresh(at(1), &got.refresh.unwrap(), APP, Some(read()));
    let narrow = narrow.unwrap();
    assert_eq!(s.check(at(2), &narrow.access).unwrap().scope, read());
    let wide = s
        .refresh(at(3), &narrow.refresh.unwrap(), APP, None)
        .unwrap();
    assert_eq!(wide.scope, both);
}

#[test]
fn another_client_can_neither_use_nor_revoke_a_token() {
    let mut s = store();
    let (access, r1) = sign_in(&mut s, 0);
    let got = s.refresh(at(1), &r1, "other", None);
    assert_eq!(got.unwrap_err(), Refused::OtherClient);
    assert_eq!(s.revoke(&access, "other"), Revocation::OtherClient);
    assert!(s.is_refresh_alive(at(2), &r1) && s.check(at(2), &access).is_ok());
}

#[test]
fn any_token_of_a_family_ends_it_even_a_used_one() {
    for pick in 0..3 {
        let mut s = store();
        let (a1, r1) = sign_in(&mut s, 0);
        let (_, r2) = refresh(&mut s, 1, &r1).unwrap();
        let token = [&a1, &r1, &r2][pick];
        let family = s.family_of(token).unwrap();
        let ended = |was_alive| Revocation::Ended { family, was_alive };
        assert_eq!(s.revoke(token, APP), ended(true));
        assert_eq!(s.revoke(token, APP), ended(false));
        assert_eq!(s.alive_tokens(at(2), "alice"), 0);
    }
}

#[test]
fn revoking_all_access_tokens_leaves_the_sign_in_usable() {
    let mut s = store();
    let (a1, r1) = sign_in(&mut s, 0);
    s.revoke_all_access();
    assert_eq!(s.check(at(1), &a1).unwrap_err(), Denied::Revoked);
    let (a2, _) = refresh(&mut s, 2, &r1).unwrap();
    assert!(s.check(at(3), &a2).is_ok());
}

#[test]
fn expiring_all_access_tokens_never_prolongs_one() {
    let mut s = store();
    let (a1, _) = sign_in(&mut s, 0);
    s.expire_all_access(at(5000));
    assert_eq!(s.check(at(2000), &a1).unwrap_err(), Denied::Expired);
    let (a2, _) = sign_in(&mut s, 5000);
    s.expire_all_access(at(5001));
    assert_eq!(s.check(at(5001), &a2).unwrap_err(), Denied::Expired);
}

#[test]
fn a_client_of_its_own_gets_no_refresh_token_and_is_no_session() {
    let mut s = store();
    let got = s.sign_in(at(0), None, "service", read());
    assert!(got.refresh.is_none() && s.check(at(1), &got.access).is_ok());
    assert_eq!(s.alive_sessions(None), 0);
}

#[test]
fn a_user_is_signed_out_everywhere_at_once() {
    let mut s = store();
    sign_in(&mut s, 0);
    sign_in(&mut s, 0);
    s.sign_in(at(0), Some("bob"), APP, read());
    assert_eq!(s.alive_tokens(at(1), "alice"), 4);
    assert_eq!(s.end_user("alice").len(), 2);
    assert_eq!(s.alive_tokens(at(1), "alice"), 0);
    assert_eq!(
        (s.alive_sessions(Some("bob")), s.alive_sessions(None)),
        (1, 1)
    );
}

#[test]
fn tokens_differ_and_their_log_ids_do_not_hold_them() {
    let mut s = store();
    let (access, r1) = sign_in(&mut s, 0);
    let (other, _) = sign_in(&mut s, 0);
    assert_ne!(access, other);
    assert_eq!((s.id_of(&access), s.id_of(&r1)), ("a1".into(), "r1".into()));
    assert_eq!(s.id_of("guess"), "?");
}
