//! Decimal numbers in headers and bodies.

/// A number with one more decimal digit; saturates. `None`: that is none.
#[inline(never)]
pub(crate) fn with_digit(number: u64, digit: u8) -> Option<u64> {
    let digit = char::from(digit).to_digit(10)?;
    Some(number.saturating_mul(10).saturating_add(u64::from(digit)))
}
