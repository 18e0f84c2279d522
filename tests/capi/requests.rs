//! Permits, receipts, probes and answers.

use core::ffi::c_char;
use core::mem::size_of;
use core::ptr::null;
use core::ptr::null_mut;

use tokenlatch::Cause;
use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::copied;
use crate::support::defaults;
use crate::support::no_grant;
use crate::support::state;

#[test]
fn a_permit_without_space_claims_nothing() {
    let memory = Memory::ready();
    let at = memory.at();
    let mut receipt = 7;
    let mut len = 0;
    // SAFETY: a latch, and memory for what it tells.
    unsafe {
        assert_eq!(tl_access_requested(at, 0, 0, 1), TL_OUTCOME_ADMITTED);
        assert_eq!(
            tl_permit(at, 0, 0, 1, null_mut(), 0, &raw mut len, &raw mut receipt),
            TL_ERR_SPACE
        );
        assert_eq!((len, receipt, tl_waiting(at)), (6, 7, 1));
    }
    assert_eq!(memory.order(TL_EFFECT_RELEASE).waiter, 1);
    let claim = |buffer: *mut u8, capacity, len| {
        let mut receipt = 0;
        // SAFETY: as above.
        unsafe { tl_permit_header(at, 0, 0, 1, buffer.cast(), capacity, len, &raw mut receipt) }
    };
    assert_eq!(copied(claim).unwrap(), b"Authorization: Bearer access");
    // SAFETY: as above.
    unsafe {
        assert_eq!(tl_waiting(at), 0);
        let mut token = [0; 6];
        let to = token.as_mut_ptr();
        let again = tl_permit(at, 0, 0, 1, to, 6, &raw mut len, &raw mut receipt);
        assert_eq!(again, TL_ERR_UNKNOWN);
        assert_eq!(tl_access_requested(at, 0, 0, 2), TL_OUTCOME_ADMITTED);
        assert_eq!(
            tl_permit(at, 0, 0, 2, to, 6, &raw mut len, &raw mut receipt),
            TL_ERR_NOT_READY
        );
        assert_eq!(memory.order(TL_EFFECT_RELEASE).waiter, 2);
        assert_eq!(
            tl_permit(at, 0, 0, 2, to, 6, &raw mut len, &raw mut receipt),
            TL_OUTCOME_DONE
        );
        assert_eq!(token.map(c_char::cast_unsigned), *b"access");
        assert_eq!(
            tl_answered(at, 0, 0, receipt, 200, null(), 0),
            TL_OUTCOME_DELIVER
        );
    }
}

#[test]
fn a_refusal_names_its_cause() {
    let memory = Memory::ready();
    let at = memory.at();
    let (mut token, mut len, mut receipt) = ([0; 16], 0, 0);
    // SAFETY: a latch, and memory for what it tells.
    unsafe {
        assert_eq!(tl_access_requested(at, 0, 0, 1), TL_OUTCOME_ADMITTED);
        assert_eq!(tl_logout_requested(at, 0, 0), TL_OUTCOME_DONE);
        let told = tl_permit(
            at,
            0,
            0,
            1,
            token.as_mut_ptr(),
            16,
            &raw mut len,
            &raw mut receipt,
        );
        assert_eq!(told, TL_ERR_REFUSED - i32::from(Cause::SignedOut.code()));
        assert_eq!((token, len, receipt), ([0; 16], 0, 0));
        assert_eq!(tl_trouble(at), i32::from(Cause::SignedOut.code()));
    }
}

#[test]
fn a_request_may_be_public_retried_or_given_up() {
    let memory = Memory::ready();
    let at = memory.at();
    // SAFETY: a latch.
    unsafe {
        assert_eq!(tl_access_public(at, 0, 0, 1), TL_OUTCOME_PASS);
        assert_eq!(tl_access_requested(at, 0, 0, 1), TL_OUTCOME_ADMITTED);
        assert_eq!(tl_access_requested(at, 0, 0, 1), TL_ERR_DUPLICATE_WAITER);
        assert_eq!(tl_waiter_cancelled(at, 0, 0, 1), TL_OUTCOME_DONE);
        assert_eq!(tl_waiter_cancelled(at, 0, 0, 1), TL_OUTCOME_STALE);
        for waiter in 0..u32::try_from(tl_waiter_capacity()).unwrap() {
            assert_eq!(tl_access_requested(at, 0, 0, waiter), TL_OUTCOME_ADMITTED);
        }
        assert_eq!(tl_access_requested(at, 0, 0, 1000), TL_ERR_QUEUE_FULL);
        let other = tl_access_retried(at, 0, 0, 1000, u64::MAX);
        assert_eq!(other, TL_ERR_QUEUE_FULL);
    }
}

#[test]
fn the_challenge_decides_about_a_401() {
    let answer = |challenge: &str, as_number: Option<u32>| {
        let memory = Memory::ready();
        let at = memory.at();
        let (mut token, mut len, mut receipt) = ([0; 16], 0, 0);
        // SAFETY: a latch, and memory for what it tells.
        unsafe {
            tl_access_requested(at, 0, 0, 1);
            memory.order(TL_EFFECT_RELEASE);
            tl_permit(
                at,
                0,
                0,
                1,
                token.as_mut_ptr(),
                16,
                &raw mut len,
                &raw mut receipt,
            );
            match as_number {
                Some(number) => tl_answered_as(at, 0, 0, receipt, 401, number),
                None => tl_answered(
                    at,
                    0,
                    0,
                    receipt,
                    401,
                    challenge.as_ptr().cast(),
                    challenge.len(),
                ),
            }
        }
    };
    let surface = |cause: Cause| TL_OUTCOME_SURFACE + i32::from(cause.code());
    let scope = "Bearer error=\"insufficient_scope\"";
    assert_eq!(answer(scope, None), surface(Cause::InsufficientScope));
    assert_eq!(
        answer("Basic realm=\"x\"\nBearer error=\"invalid_token\"", None),
        TL_OUTCOME_RETRY
    );
    assert_eq!(
        answer("Basic realm=\"x\"", None),
        surface(Cause::OtherScheme)
    );
    let number = Some(TL_CHALLENGE_INSUFFICIENT_USER_AUTHENTICATION);
    assert_eq!(answer("", number), surface(Cause::StepUp));
    assert_eq!(
        answer("", Some(TL_CHALLENGE_USE_DPOP_NONCE)),
        TL_OUTCOME_RETRY
    );
}

#[test]
fn a_probe_lends_the_token_to_its_ticket_only() {
    let mut config = defaults();
    (config.store, config.confirmation) = (0, TL_CONFIRMATION_PROBED);
    let memory = Memory::latch(&config);
    let at = memory.at();
    // SAFETY: a latch, a grant, and memory for what it tells.
    unsafe {
        tl_opened(at, 0, 0);
        memory.login();
        let probe = memory.order(TL_EFFECT_PROBE).ticket;
        let header = |ticket| {
            copied(|to, capacity, len| tl_probe_permit_header(at, ticket, to.cast(), capacity, len))
        };
        let token = |ticket| {
            copied(|to, capacity, len| tl_probe_permit(at, ticket, to.cast(), capacity, len))
        };
        assert_eq!(header(probe).unwrap(), b"Authorization: Bearer access");
        assert_eq!(token(probe).unwrap(), b"access");
        assert_eq!(header(probe + 1), Err(TL_ERR_UNKNOWN));
        assert_eq!(
            tl_probed(at, 0, 0, probe, TL_PROBE_ACCEPTED),
            TL_OUTCOME_DONE
        );
        assert_eq!(tl_state(at), state(TL_STATE_READY));
        assert_eq!(token(probe), Err(TL_ERR_UNKNOWN));
    }
}

#[test]
fn a_cookie_session_has_no_token_and_an_empty_header() {
    let mut config = defaults();
    (config.store, config.credential) = (0, TL_CREDENTIAL_AMBIENT);
    config.confirmation = TL_CONFIRMATION_PROBED;
    let memory = Memory::latch(&config);
    let at = memory.at();
    let nothing = no_grant();
    let mut ticket = 0;
    // SAFETY: a latch, a grant, and memory for what it tells.
    unsafe {
        tl_opened(at, 0, 0);
        tl_login_started(at, 0, 0, &raw mut ticket);
        let told = tl_granted_sized(at, 0, 0, ticket, &raw const nothing, size_of::<tl_grant>());
        assert_eq!(told, TL_OUTCOME_DONE);
        let probe = memory.order(TL_EFFECT_PROBE).ticket;
        let (mut line, mut len, mut receipt) = ([7; 2], 9, 0);
        assert_eq!(
            tl_probe_permit_header(at, probe, line.as_mut_ptr(), 2, &raw mut len),
            TL_OUTCOME_DONE
        );
        assert_eq!((line, len), ([0, 7], 0));
        tl_probed(at, 0, 0, probe, TL_PROBE_ACCEPTED);
        tl_access_requested(at, 0, 0, 1);
        memory.order(TL_EFFECT_RELEASE);
        assert_eq!(
            tl_permit_header(at, 0, 0, 1, null_mut(), 0, &raw mut len, &raw mut receipt),
            TL_ERR_SPACE
        );
        assert_eq!(len, 1);
        assert_eq!(
            tl_permit(at, 0, 0, 1, null_mut(), 0, &raw mut len, &raw mut receipt),
            TL_OUTCOME_DONE
        );
        assert_eq!(len, 0);
    }
}
