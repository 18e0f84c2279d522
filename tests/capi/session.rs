//! Grants, records, renewals and leases; and the readers of headers and records.

use core::ffi::c_char;
use core::mem::size_of;
use core::ptr::null;

use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::copied;
use crate::support::defaults;
use crate::support::grant;
use crate::support::state;
use crate::support::text;

#[test]
fn what_a_grant_says_comes_out_again() {
    let mut config = defaults();
    (config.store, config.confirmation) = (0, TL_CONFIRMATION_MEMORY);
    let memory = Memory::latch(&config);
    let at = memory.at();
    let (scope, subject, data) = ("read write", "ann", [0_u8, 1, 2]);
    let given = tl_grant {
        scope: scope.as_ptr().cast(),
        scope_len: scope.len(),
        subject: subject.as_ptr().cast(),
        subject_len: subject.len(),
        app_data: data.as_ptr(),
        app_data_len: data.len(),
        token_type: TL_TOKEN_TYPE_DPOP,
        expiry: TL_EXPIRY_AT,
        expiry_ms: 1_700_000_060_000,
        server_time_ms: 1_700_000_000_000,
        ..grant("access", "refresh")
    };
    let mut ticket = 0;
    // SAFETY: a latch, a grant, and memory for what it tells.
    unsafe {
        let size = size_of::<tl_grant>();
        assert_eq!(tl_opened(at, 5, 0), TL_OUTCOME_DONE);
        assert_eq!(tl_opened(at, 5, 0), TL_ERR_ALREADY_OPENED);
        assert_eq!(tl_refresh_requested(at, 5, 0), TL_ERR_NO_SESSION);
        tl_login_started(at, 5, 0, &raw mut ticket);
        assert_eq!(
            tl_granted_sized(at, 5, 0, ticket, &raw const given, size + 8),
            TL_ERR_ABI
        );
        assert_eq!(
            tl_granted_sized(at, 5, 0, ticket, &raw const given, size - 8),
            TL_ERR_ABI
        );
        assert_eq!(
            tl_granted_sized(at, 5, 0, ticket, &raw const given, size),
            TL_OUTCOME_DONE
        );
        assert_eq!(tl_state(at), state(TL_STATE_READY));
        assert_eq!(tl_token_type(at), TL_TOKEN_TYPE_DPOP.cast_signed());
        assert_eq!(tl_expires_at(at), 60_005);
        assert_eq!(tl_is_volatile(at), 1);
        let text =
            |of: unsafe extern "C" fn(*const tl_latch, *mut c_char, usize, *mut usize) -> i32| {
                copied(|to, capacity, len| of(at, to.cast(), capacity, len)).unwrap()
            };
        assert_eq!(text(tl_scope), scope.as_bytes());
        assert_eq!(text(tl_subject), subject.as_bytes());
        assert_eq!(
            copied(|to, capacity, len| tl_app_data(at, to, capacity, len)).unwrap(),
            data
        );
        tl_access_requested(at, 5, 0, 1);
        memory.order(TL_EFFECT_RELEASE);
        let header = copied(|to, capacity, len| {
            let mut receipt = 0;
            tl_permit_header(at, 5, 0, 1, to.cast(), capacity, len, &raw mut receipt)
        });
        assert_eq!(header.unwrap(), b"Authorization: DPoP access");
        assert_eq!(tl_went_offline(at, 5, 0), TL_OUTCOME_DONE);
        assert_eq!(tl_is_offline(at), 1);
        assert_eq!(tl_went_online(at, 5, 0), TL_OUTCOME_DONE);
        assert_eq!(tl_is_offline(at), 0);
    }
}

#[test]
fn a_renewal_gives_its_token_to_its_ticket_only() {
    let memory = Memory::ready();
    let at = memory.at();
    // SAFETY: a latch, and memory for what it tells.
    unsafe {
        assert_eq!(tl_refresh_requested(at, 0, 0), TL_OUTCOME_DONE);
        let load = memory.order(TL_EFFECT_LOAD);
        assert_eq!(tl_load_failed(at, 0, 0, load.ticket), TL_OUTCOME_DONE);
    }
    // The store fails as often as it is tried; then the renewal goes on without it.
    let mut effect = tl_effect::default();
    let mut now = 0;
    for _ in 0..20 {
        // SAFETY: as above.
        unsafe {
            while effect.kind != TL_EFFECT_SEND_TOKEN_REQUEST
                && tl_poll_effect(at, &raw mut effect) > 0
            {
                match effect.kind {
                    TL_EFFECT_LOAD => tl_load_failed(at, now, 0, effect.ticket),
                    TL_EFFECT_STORE => tl_store_failed(at, now, 0, effect.ticket),
                    _ => 0,
                };
            }
            if effect.kind == TL_EFFECT_SEND_TOKEN_REQUEST {
                break;
            }
            now = tl_poll_timeout(at);
            tl_timeout_reached(at, now, 0);
        }
    }
    assert_eq!(effect.kind, TL_EFFECT_SEND_TOKEN_REQUEST);
    let token = |ticket| {
        copied(|to, capacity, len| {
            // SAFETY: as above.
            unsafe { tl_refresh_token(at, ticket, to.cast(), capacity, len) }
        })
    };
    assert_eq!(token(effect.ticket).unwrap(), b"refresh");
    assert_eq!(token(effect.ticket + 1), Err(TL_ERR_UNKNOWN));
    // SAFETY: as above.
    unsafe {
        let failed = tl_token_failed(at, now, 0, effect.ticket, TL_FAILURE_UNAVAILABLE, 120);
        assert_eq!(failed, TL_OUTCOME_DONE);
        assert_eq!(
            tl_token_failed(at, now, 0, effect.ticket, TL_FAILURE_LOST, 0),
            TL_OUTCOME_STALE
        );
        assert!(tl_poll_timeout(at) >= now + 500);
    }
    assert_eq!(token(effect.ticket), Err(TL_ERR_UNKNOWN));
}

#[test]
fn an_order_says_what_the_token_request_is_made_of() {
    for (renewal, grant_type) in [
        (TL_RENEWAL_REFRESH_TOKEN, TL_GRANT_TYPE_REFRESH_TOKEN),
        (TL_RENEWAL_LOGIN, TL_GRANT_TYPE_LOGIN),
    ] {
        let mut config = defaults();
        (config.store, config.confirmation) = (0, TL_CONFIRMATION_MEMORY);
        config.renewal = renewal;
        let memory = Memory::latch(&config);
        let at = memory.at();
        // SAFETY: a latch, a grant, and memory for what it tells.
        unsafe {
            tl_opened(at, 0, 0);
            memory.login();
            assert_eq!(tl_refresh_requested(at, 0, 0), TL_OUTCOME_DONE);
        }
        let order = memory.order(TL_EFFECT_SEND_TOKEN_REQUEST);
        assert_eq!(order.grant_type, grant_type);
    }
}

#[test]
fn a_token_response_is_read_by_its_shape() {
    let tell = |shape: Option<&dyn Fn(&mut tl_response_shape)>, status, body: &str| {
        let memory = Memory::fresh();
        let at = memory.at();
        let mut body = body.as_bytes().to_vec();
        let mut ticket = 0;
        // SAFETY: a latch, a shape, and memory for what it tells.
        unsafe {
            let mut made = core::mem::MaybeUninit::<tl_response_shape>::uninit();
            tl_response_shape_init_sized(made.as_mut_ptr(), size_of::<tl_response_shape>());
            let mut made = made.assume_init();
            if let Some(shape) = shape {
                shape(&mut made);
            }
            let response = tl_response {
                server_time_ms: 1_700_000_000_000,
                shape: if shape.is_some() {
                    &raw const made
                } else {
                    null()
                },
                status,
                retry_after_s: 0,
            };
            tl_opened(at, 0, 0);
            tl_login_started(at, 0, 0, &raw mut ticket);
            let size = size_of::<tl_response>();
            let told = tl_token_response_sized(
                at,
                0,
                0,
                ticket,
                &raw const response,
                size,
                body.as_mut_ptr(),
                body.len(),
            );
            (told, tl_expires_at(at), tl_trouble(at).cast_unsigned())
        }
    };
    let rfc = "{\"access_token\":\"a\",\"expires_in\":60}";
    assert_eq!(tell(None, 200, rfc).1, 60_000);
    assert_eq!(tell(Some(&|_| {}), 200, rfc).1, 60_000);
    let own = "{\"code\":0,\"data\":{\"token\":\"a\",\"ttl\":2000}}";
    let codes = [c"0".as_ptr(), c"ok".as_ptr()];
    let shape = |shape: &mut tl_response_shape| {
        shape.access_token = c"data.token".as_ptr();
        shape.expiry = c"data.ttl".as_ptr();
        shape.expiry_form = TL_EXPIRY_FORM_IN_MILLISECONDS;
        shape.code = c"code".as_ptr();
        (shape.success_codes, shape.success_codes_len) = (codes.as_ptr(), 2);
        (shape.ended_codes, shape.ended_codes_len) = (codes.as_ptr(), 1);
    };
    assert_eq!(tell(Some(&shape), 200, own).1, 2_000);
    // By the server's clock.
    for (form, number) in [
        (TL_EXPIRY_FORM_AT_SECONDS, 1_700_000_060_u64),
        (TL_EXPIRY_FORM_AT_MILLISECONDS, 1_700_000_060_000),
    ] {
        let at = |raw: &mut tl_response_shape| {
            shape(raw);
            raw.expiry_form = form;
        };
        let body = format!("{{\"code\":0,\"data\":{{\"token\":\"a\",\"ttl\":{number}}}}}");
        assert_eq!(tell(Some(&at), 200, &body).1, 60_000, "{form}");
    }
    let refused = tell(None, 400, "{\"error\":\"invalid_grant\"}");
    assert_eq!(refused, (TL_OUTCOME_DONE, u64::MAX, TL_CAUSE_NOT_SIGNED_IN));

    let (nothing, no_text) = ([null()], [c"\xFF".as_ptr()]);
    let arguments: [&dyn Fn(&mut tl_response_shape); 13] = [
        &|shape| shape.access_token = null(),
        &|shape| shape.access_token = c"\xFF".as_ptr(),
        &|shape| shape.refresh_token = c"\xFF".as_ptr(),
        &|shape| shape.expiry = c"\xFF".as_ptr(),
        &|shape| shape.token_type = c"\xFF".as_ptr(),
        &|shape| shape.scope = c"\xFF".as_ptr(),
        &|shape| shape.code = c"\xFF".as_ptr(),
        &|shape| shape.expiry_form = 4,
        &|shape| shape.subject = c"\xFF".as_ptr(),
        &|shape| (shape.success_codes, shape.success_codes_len) = (codes.as_ptr(), 9),
        &|shape| shape.ended_codes_len = 1,
        &|shape| (shape.ended_codes, shape.ended_codes_len) = (nothing.as_ptr(), 1),
        &|shape| (shape.ended_codes, shape.ended_codes_len) = (no_text.as_ptr(), 1),
    ];
    for change in arguments {
        assert_eq!(tell(Some(change), 200, rfc).0, TL_ERR_ARGUMENT);
    }
    assert_eq!(tell(None, 0x1_0000, rfc).0, TL_ERR_ARGUMENT);
}

#[test]
fn a_record_goes_out_and_comes_back() {
    let memory = Memory::ready();
    let at = memory.at();
    // SAFETY: a latch, and memory for what it tells.
    unsafe {
        assert_eq!(tl_logout_requested(at, 0, 0), TL_OUTCOME_DONE);
        let load = memory.order(TL_EFFECT_LOAD);
        assert_eq!(
            tl_loaded(at, 0, 0, load.ticket, b"no record".as_ptr(), 9),
            TL_OUTCOME_DONE
        );
        assert_eq!(tl_corrupt(at), TL_CORRUPT_MAGIC.cast_signed());
        assert_eq!(
            text(tl_corrupt_sentence(TL_CORRUPT_MAGIC)),
            "these bytes are not a record"
        );
        let store = memory.order(TL_EFFECT_STORE).ticket;
        let record = |ticket| copied(|to, capacity, len| tl_record(at, ticket, to, capacity, len));
        let tombstone = record(store).unwrap();
        assert_eq!(record(store + 1), Err(TL_ERR_STALE));
        let mut content = tl_store_content::default();
        assert_eq!(
            tl_inspect(tombstone.as_ptr(), tombstone.len(), &raw mut content),
            2
        );
        let expected = tl_store_content {
            content: TL_STORE_TOMBSTONE,
            corrupt: TL_CORRUPT_NONE,
            sign_in: 2,
            serial: 0,
        };
        assert_eq!(content, expected);
        assert_eq!(tl_stored(at, 0, 0, store), TL_OUTCOME_DONE);
        let revoke = memory.order(TL_EFFECT_REVOKE).ticket;
        let token = |ticket| {
            copied(|to, capacity, len| tl_revocation(at, ticket, to.cast(), capacity, len))
        };
        assert_eq!(token(revoke).unwrap(), b"refresh");
        assert_eq!(token(revoke + 1), Err(TL_ERR_UNKNOWN));
        assert_eq!(tl_revoke_failed(at, 0, 0, revoke), TL_OUTCOME_DONE);
        assert_eq!(tl_revoked(at, 0, 0, revoke), TL_OUTCOME_STALE);
        assert_eq!(tl_inspect(b"TL\x09".as_ptr(), 3, &raw mut content), 3);
        assert_eq!(content.corrupt, TL_CORRUPT_VERSION);
    }
}

#[test]
fn what_a_store_holds_is_told_in_numbers() {
    let memory = Memory::fresh();
    let at = memory.at();
    // SAFETY: a latch, a grant, and memory for what it tells.
    let record = unsafe {
        tl_opened(at, 0, 0);
        memory.login();
        let load = memory.order(TL_EFFECT_LOAD).ticket;
        tl_loaded(at, 0, 0, load, null(), 0);
        let store = memory.order(TL_EFFECT_STORE).ticket;
        copied(|to, room, len| tl_record(at, store, to, room, len)).unwrap()
    };
    let inspect = |bytes: &[u8]| {
        let mut content = tl_store_content::default();
        // SAFETY: bytes of their length, and memory for what they are.
        let told = unsafe { tl_inspect(bytes.as_ptr(), bytes.len(), &raw mut content) };
        assert_eq!(told, content.content.cast_signed());
        content
    };
    let session = tl_store_content {
        content: TL_STORE_SESSION,
        corrupt: TL_CORRUPT_NONE,
        sign_in: 1,
        serial: 0,
    };
    assert_eq!(inspect(&record), session);
    let corrupt: [(&[u8], u32); 5] = [
        (b"T", TL_CORRUPT_TRUNCATED),
        (b"---", TL_CORRUPT_MAGIC),
        (b"TL\xff", TL_CORRUPT_VERSION),
        (b"TL\x01\0\0\0\0", TL_CORRUPT_CHECKSUM),
        // The checksum of nothing.
        (b"TL\x01\xe1\x6f\x3f\xbf", TL_CORRUPT_CONTENT),
    ];
    for (bytes, corrupt) in corrupt {
        let expected = tl_store_content {
            content: TL_STORE_CORRUPT,
            corrupt,
            ..tl_store_content::default()
        };
        assert_eq!(inspect(bytes), expected);
    }
}

#[test]
fn a_lease_is_granted_denied_and_lost() {
    let mut config = defaults();
    config.lease = TL_LEASE_HOST;
    let memory = Memory::latch(&config);
    let at = memory.at();
    // SAFETY: a latch, a grant, and memory for what it tells.
    unsafe {
        tl_opened(at, 0, 0);
        let load = memory.order(TL_EFFECT_LOAD).ticket;
        tl_loaded(at, 0, 0, load, null(), 0);
        memory.login();
        let lease = memory.order(TL_EFFECT_ACQUIRE_LEASE).ticket;
        assert_eq!(tl_lease_granted(at, 0, 0, lease), TL_OUTCOME_DONE);
        let load = memory.order(TL_EFFECT_LOAD).ticket;
        assert_eq!(tl_lease_lost(at, 0, 0, lease), TL_OUTCOME_DONE);
        assert_eq!(tl_lease_lost(at, 0, 0, lease), TL_OUTCOME_STALE);
        assert_eq!(tl_lease_denied(at, 0, 0, lease), TL_OUTCOME_STALE);
        assert_eq!(tl_loaded(at, 0, 0, load, null(), 0), TL_OUTCOME_STALE);
    }
}

#[test]
fn headers_are_read_without_a_latch() {
    let header = "Bearer realm=\"a \\\"b\\\"\", error=\"insufficient_user_authentication\", max_age=\"5\", scope=\"x y\"";
    let (at, len) = (header.as_ptr().cast(), header.len());
    let mut challenge = tl_challenge::default();
    // SAFETY: texts of their lengths, and memory for what is read.
    unsafe {
        assert_eq!(
            tl_challenge_parse(at, len, &raw mut challenge),
            TL_OUTCOME_DONE
        );
        let expected = tl_challenge {
            max_age_s: 5,
            kind: TL_CHALLENGE_INSUFFICIENT_USER_AUTHENTICATION,
            has_max_age: 1,
        };
        assert_eq!(challenge, expected);
        let param = |param| {
            copied(|to, room, written| tl_challenge_param(at, len, param, to.cast(), room, written))
        };
        assert_eq!(param(TL_CHALLENGE_PARAM_REALM).unwrap(), b"a \"b\"");
        assert_eq!(param(TL_CHALLENGE_PARAM_SCOPE).unwrap(), b"x y");
        assert_eq!(param(TL_CHALLENGE_PARAM_ACR_VALUES), Err(TL_ERR_UNKNOWN));
        assert_eq!(param(3), Err(TL_ERR_ARGUMENT));
        // There, and empty.
        let header = "Bearer realm=\"\"";
        let (at, len) = (header.as_ptr().cast(), header.len());
        let realm = TL_CHALLENGE_PARAM_REALM;
        let empty = copied(|to, room, written| {
            tl_challenge_param(at, len, realm, to.cast(), room, written)
        });
        assert_eq!(empty.unwrap(), b"");
        tl_challenge_parse(null(), 0, &raw mut challenge);
        assert_eq!(challenge, tl_challenge::default());

        let retry_after = |value: &str, server, wall| {
            let mut seconds = 7;
            let told = tl_retry_after(
                value.as_ptr().cast(),
                value.len(),
                server,
                wall,
                &raw mut seconds,
            );
            (told, seconds)
        };
        assert_eq!(retry_after("120", 0, 0), (1, 120));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(date, 0, 784_111_770_000), (1, 7));
        assert_eq!(retry_after(date, 784_111_776_500, 1), (1, 1));
        assert_eq!(retry_after(date, 0, 0), (0, 0));
        assert_eq!(retry_after("soon", 0, 0), (0, 0));
        let mut unix = 7;
        assert_eq!(
            tl_http_date(date.as_ptr().cast(), date.len(), &raw mut unix),
            1
        );
        assert_eq!(unix, 784_111_777_000);
        assert_eq!(tl_http_date(date.as_ptr().cast(), 9, &raw mut unix), 0);
        assert_eq!(unix, 0);
    }
}
