//! Where the fields stand in a token endpoint's answer, as C says it.

use core::ffi::c_char;
use core::ptr::null;

use crate::capi::ptr;
use crate::capi::types::tl_response_shape;
use crate::config::ExpiryForm;
use crate::config::ResponseShape;
use crate::numbers::*;

/// How many codes of each kind a `tl_response_shape` may have.
pub const TL_CODES: usize = 8;

/// Writes the shape of RFC 6749. Use the macro `tl_response_shape_init(shape)`, which passes the size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_response_shape_init_sized(
    shape: *mut tl_response_shape,
    shape_size: usize,
) {
    let rfc6749 = tl_response_shape {
        access_token: c"access_token".as_ptr(),
        refresh_token: c"refresh_token".as_ptr(),
        expiry: c"expires_in".as_ptr(),
        token_type: c"token_type".as_ptr(),
        scope: c"scope".as_ptr(),
        subject: null(),
        code: c"error".as_ptr(),
        success_codes: null(),
        success_codes_len: 0,
        ended_codes: null(),
        ended_codes_len: 0,
        expiry_form: TL_EXPIRY_FORM_IN_SECONDS,
    };
    // SAFETY: the caller's promise.
    unsafe { ptr::write_sized(shape, shape_size, &rfc6749) }
}

/// Calls `then` with the shape; NULL is that of RFC 6749.
///
/// # Safety
///
/// The caller's promise, for each of the texts. `then` keeps nothing of the shape: its texts last as long as the call.
pub(super) unsafe fn with<R>(
    raw: *const tl_response_shape,
    then: impl FnOnce(&ResponseShape) -> R,
) -> Result<R, i32> {
    if raw.is_null() {
        return Ok(then(&ResponseShape::RFC6749));
    }
    // SAFETY: the caller's promise.
    let raw = unsafe { ptr::read(raw) }?;
    let (mut success, mut ended) = ([""; TL_CODES], [""; TL_CODES]);
    // SAFETY: the caller's promise.
    let success = unsafe { codes(raw.success_codes, raw.success_codes_len, &mut success) }?;
    // SAFETY: the caller's promise.
    let ended = unsafe { codes(raw.ended_codes, raw.ended_codes_len, &mut ended) }?;
    // SAFETY: the caller's promise.
    let text = |at| unsafe { ptr::maybe_c_text(at) };
    let shape = ResponseShape {
        access_token: text(raw.access_token)?.ok_or(TL_ERR_ARGUMENT)?,
        refresh_token: text(raw.refresh_token)?,
        expiry: text(raw.expiry)?,
        expiry_form: match raw.expiry_form {
            TL_EXPIRY_FORM_IN_SECONDS => ExpiryForm::InSeconds,
            TL_EXPIRY_FORM_IN_MILLISECONDS => ExpiryForm::InMilliseconds,
            TL_EXPIRY_FORM_AT_SECONDS => ExpiryForm::AtSeconds,
            TL_EXPIRY_FORM_AT_MILLISECONDS => ExpiryForm::AtMilliseconds,
            _ => return Err(TL_ERR_ARGUMENT),
        },
        token_type: text(raw.token_type)?,
        scope: text(raw.scope)?,
        subject: text(raw.subject)?,
        code: text(raw.code)?,
        success_codes: success,
        ended_codes: ended,
    };
    Ok(then(&shape))
}

/// The codes, in an array of the caller's whose lifetime is given up: see [`with`].
///
/// # Safety
///
/// The caller's promise; the array lives as long as the result is used.
unsafe fn codes(
    at: *const *const c_char,
    len: usize,
    array: &mut [&'static str; TL_CODES],
) -> Result<&'static [&'static str], i32> {
    if len > TL_CODES {
        return Err(TL_ERR_ARGUMENT);
    }
    // SAFETY: the caller's promise.
    let raw = unsafe { ptr::list(at, len) }?;
    for (place, at) in array.iter_mut().zip(raw) {
        // SAFETY: the caller's promise.
        *place = unsafe { ptr::maybe_c_text(*at) }?.ok_or(TL_ERR_ARGUMENT)?;
    }
    // SAFETY: the caller of this function lets it live long enough.
    unsafe { ptr::list(array.as_ptr(), len) }
}

#[cfg(test)]
mod tests {
    use core::mem::MaybeUninit;

    use super::*;

    #[test]
    fn the_form_of_an_expiry_is_one_of_four() {
        let form = |number| {
            let mut raw = MaybeUninit::<tl_response_shape>::uninit();
            // SAFETY: it is this function's own memory, and is written before it is read.
            unsafe {
                tl_response_shape_init_sized(raw.as_mut_ptr(), size_of::<tl_response_shape>());
                let mut raw = raw.assume_init();
                raw.expiry_form = number;
                with(&raw const raw, |shape| shape.expiry_form)
            }
        };
        let forms = [
            ExpiryForm::InSeconds,
            ExpiryForm::InMilliseconds,
            ExpiryForm::AtSeconds,
            ExpiryForm::AtMilliseconds,
        ];
        assert_eq!([0, 1, 2, 3].map(form), forms.map(Ok));
        assert_eq!(form(4), Err(TL_ERR_ARGUMENT));
    }
}
