//! The answer of a token endpoint, read without telling it.

use core::ptr::null;

use crate::capi::facts;
use crate::capi::grants;
use crate::capi::number;
use crate::capi::ptr;
use crate::capi::ptr::Plain as _;
use crate::capi::shape;
use crate::capi::types::tl_grant;
use crate::capi::types::tl_response;
use crate::grant::Expiry;
use crate::grant::Grant;
use crate::grant::TokenType;
use crate::numbers;
use crate::numbers::TL_ERR_ABI;
use crate::response;

/// Reads the answer of a token endpoint without telling it.
///
/// For a host that has to know what it says: whether a login may be tried again, or which tokens to revoke when nobody
/// owns them (`TL_OUTCOME_ORPHANED`). What is read is then told with `tl_granted` or `tl_token_failed`. Use the macro
/// `tl_token_response_read(response, body, len, grant, failure)`.
///
/// `body` is written to: escapes in its texts are undone where they stand. The texts of the grant lie in it.
///
/// What the tokens are made of is checked when the grant is told.
///
/// Returns 1: `*grant` was written; 0: the answer is no grant, and `*failure` is `TL_FAILURE_*`.
///
/// Errors: as `tl_token_response`; `TL_ERR_ABI` for a size that is not one of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_token_response_read_sized(
    response: *const tl_response,
    response_size: usize,
    body: *mut u8,
    len: usize,
    grant: *mut tl_grant,
    grant_size: usize,
    failure: *mut u32,
) -> i32 {
    let read = || {
        // SAFETY: the caller's promise.
        let raw = unsafe { ptr::read_sized(response, response_size, grants::NO_RESPONSE) }?;
        // SAFETY: the caller's promise.
        let place = unsafe { ptr::Out::new(grant) }?;
        if grant_size != tl_grant::FIRST_SIZE {
            return Err(TL_ERR_ABI);
        }
        // SAFETY: the caller's promise.
        let failure = unsafe { ptr::Out::new(failure) }?;
        // SAFETY: the caller's promise.
        let body = unsafe { ptr::list_mut(body, len) }?;
        let status = u16::try_from(raw.status).map_err(|_| numbers::TL_ERR_ARGUMENT)?;
        // SAFETY: the caller's promise. The texts of the grant are the body's, not the shape's.
        let parsed =
            unsafe { shape::with(raw.shape, |shape| response::parse(shape, status, body)) }?;
        match parsed {
            Ok(mut grant) => {
                grant.server_time = facts::some(raw.server_time_ms);
                place.write(grant_of(&grant));
                Ok(1)
            }
            Err(error) => {
                failure.write(numbers::failure(error));
                Ok(0)
            }
        }
    };
    number(read())
}

/// The grant with pointers to its texts; what is absent is NULL.
fn grant_of(grant: &Grant<'_>) -> tl_grant {
    let text = |text: Option<&str>| text.map_or((null(), 0), |text| (text.as_ptr(), text.len()));
    let (access_token, access_token_len) = text(Some(grant.access_token));
    let (refresh_token, refresh_token_len) = text(grant.refresh_token);
    let (scope, scope_len) = text(grant.scope);
    let (subject, subject_len) = text(grant.subject);
    let (expiry, expiry_ms) = match grant.expiry {
        Expiry::Unknown => (numbers::TL_EXPIRY_UNKNOWN, 0),
        Expiry::In(millis) => (numbers::TL_EXPIRY_IN, millis),
        Expiry::At(millis) => (numbers::TL_EXPIRY_AT, millis),
    };
    tl_grant {
        access_token: access_token.cast(),
        access_token_len,
        refresh_token: refresh_token.cast(),
        refresh_token_len,
        scope: scope.cast(),
        scope_len,
        subject: subject.cast(),
        subject_len,
        app_data: null(),
        app_data_len: 0,
        expiry_ms,
        server_time_ms: grant.server_time.unwrap_or_default(),
        expiry,
        token_type: match grant.token_type {
            TokenType::Bearer => numbers::TL_TOKEN_TYPE_BEARER,
            TokenType::Dpop => numbers::TL_TOKEN_TYPE_DPOP,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::{TL_FAILURE_INVALID_GRANT, TL_FAILURE_UNUSABLE_LIFETIME};

    fn read(status: u32, body: &mut [u8]) -> (i32, tl_grant, u32) {
        let mut response = grants::NO_RESPONSE;
        response.status = status;
        response.server_time_ms = 7;
        let (mut grant, mut failure) = (grants::NO_GRANT, u32::MAX);
        // SAFETY: all of it is this function's own memory.
        let read = unsafe {
            tl_token_response_read_sized(
                &raw const response,
                size_of::<tl_response>(),
                body.as_mut_ptr(),
                body.len(),
                &raw mut grant,
                size_of::<tl_grant>(),
                &raw mut failure,
            )
        };
        (read, grant, failure)
    }

    #[test]
    fn a_grant_points_into_the_body() {
        let mut body = *br#"{"access_token":"a\u0062c","expires_in":5,"refresh_token":"r"}"#;
        let (told, grant, failure) = read(200, &mut body);
        assert_eq!((told, failure), (1, u32::MAX));
        assert_eq!(
            (grant.expiry, grant.expiry_ms),
            (numbers::TL_EXPIRY_IN, 5000)
        );
        assert_eq!(grant.server_time_ms, 7);
        assert!(body.as_ptr_range().contains(&grant.access_token.cast()));
        // SAFETY: it lies in the body.
        let token = unsafe { ptr::text(grant.access_token, grant.access_token_len) };
        assert_eq!(token, Ok("abc"));
        // SAFETY: likewise.
        let token = unsafe { ptr::text(grant.refresh_token, grant.refresh_token_len) };
        assert_eq!(token, Ok("r"));
        assert!(grant.scope.is_null() && grant.subject.is_null() && grant.app_data.is_null());
    }

    #[test]
    fn a_grant_says_when_it_ends_and_of_which_type_it_is() {
        let mut body = *br#"{"access_token":"a","token_type":"DPoP"}"#;
        let (told, grant, _) = read(200, &mut body);
        assert_eq!((told, grant.token_type), (1, numbers::TL_TOKEN_TYPE_DPOP));
        assert_eq!(
            (grant.expiry, grant.expiry_ms),
            (numbers::TL_EXPIRY_UNKNOWN, 0)
        );
        let parsed = Grant {
            expiry: Expiry::At(9),
            ..Grant::new("a")
        };
        let grant = grant_of(&parsed);
        assert_eq!((grant.expiry, grant.expiry_ms), (numbers::TL_EXPIRY_AT, 9));
    }

    #[test]
    fn a_status_and_a_size_that_cannot_be_are_refused() {
        assert_eq!(read(0x1_0000, &mut []).0, numbers::TL_ERR_ARGUMENT);
        let (mut grant, mut failure) = (grants::NO_GRANT, u32::MAX);
        let mut misread = |response: &tl_response, grant_size| {
            // SAFETY: all of it is this function's own memory.
            unsafe {
                tl_token_response_read_sized(
                    response,
                    size_of::<tl_response>(),
                    core::ptr::null_mut(),
                    0,
                    &raw mut grant,
                    grant_size,
                    &raw mut failure,
                )
            }
        };
        let mut response = grants::NO_RESPONSE;
        response.status = 200;
        let size = size_of::<tl_grant>();
        for wrong in [0, size - 1, size + 1] {
            assert_eq!(misread(&response, wrong), TL_ERR_ABI, "{wrong}");
        }
        assert_eq!(misread(&response, size), 0, "there is no body");
        let shape = core::ptr::without_provenance(1);
        response.shape = shape;
        assert_eq!(misread(&response, size), numbers::TL_ERR_ARGUMENT);
    }

    #[test]
    fn anything_else_is_a_failure() {
        let mut body = *br#"{"error":"invalid_grant"}"#;
        let (told, grant, failure) = read(400, &mut body);
        assert_eq!((told, failure), (0, TL_FAILURE_INVALID_GRANT));
        assert!(grant.access_token.is_null());
        let mut body = *br#"{"access_token":"a","expires_in":0}"#;
        let (told, _, failure) = read(200, &mut body);
        assert_eq!((told, failure), (0, TL_FAILURE_UNUSABLE_LIFETIME));
    }
}
