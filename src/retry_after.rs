//! `Retry-After` (RFC 9110 10.2.3) and HTTP dates (RFC 9110 5.6.7).

use crate::decimal::with_digit;

/// The name of each month, and how many days it has, February a day more in a leap year.
const MONTHS: [(&[u8; 3], u32); 12] = [
    (b"Jan", 31),
    (b"Feb", 28),
    (b"Mar", 31),
    (b"Apr", 30),
    (b"May", 31),
    (b"Jun", 30),
    (b"Jul", 31),
    (b"Aug", 31),
    (b"Sep", 30),
    (b"Oct", 31),
    (b"Nov", 30),
    (b"Dec", 31),
];

/// Seconds to wait, from the value of a `Retry-After` header (RFC 9110 10.2.3).
///
/// The value is a number of seconds, or a date. A date is measured from `server_date`, the `Date`
/// header of the same answer (see [`http_date`]), so that the clock of the device doesn't matter; without
/// it, from `now`. Both are Unix milliseconds. A date in the past is `Some(0)`, a part of a second counts
/// as a whole one, and a wait too long for the type is `u32::MAX`.
///
/// `None`: the value is neither, or it is a date and no clock was given.
#[must_use]
pub fn retry_after(value: &[u8], server_date: Option<u64>, now: Option<u64>) -> Option<u32> {
    let value = value.trim_ascii();
    if let Some(seconds) = digits(value) {
        return Some(seconds);
    }
    let millis = http_date(value)?.saturating_sub(server_date.or(now)?);
    Some(whole_seconds(millis))
}

/// Rounded up; saturates. Long division, because a division of 64 bits is a large routine on small targets.
fn whole_seconds(millis: u64) -> u32 {
    let mut left = millis.saturating_add(999);
    let mut seconds = 0;
    for bit in (0..32).rev() {
        seconds <<= 1;
        if let Some(rest) = left.checked_sub(1000 << bit) {
            left = rest;
            seconds |= 1;
        }
    }
    seconds
}

/// Unix milliseconds of an HTTP date (RFC 9110 5.6.7), such as the value of a `Date` header.
///
/// The preferred form and both obsolete ones are read. The weekday's name is not checked against the date.
/// RFC 9110 wants a year of two digits resolved with a clock; there is none here, so 70 to 99 are of the
/// last century and the others of this one. `None`: not a date, or before 1970.
#[must_use]
pub fn http_date(value: &[u8]) -> Option<u64> {
    // "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
    let mut pieces = Pieces(value.trim_ascii());
    if !pieces.next().iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let first = pieces.next();
    let (day, month, time, year) = match digits(first) {
        Some(day) => {
            let (month, year, time) = (pieces.next(), pieces.next(), pieces.next());
            if pieces.next() != b"GMT" {
                return None;
            }
            (day, month, time, year)
        }
        None => {
            let (day, time, year) = (digits(pieces.next())?, pieces.next(), pieces.next());
            // This form has no zone that would show that it is cut off, so the year must.
            if year.len() != 4 {
                return None;
            }
            (day, first, time, year)
        }
    };
    if !pieces.next().is_empty() {
        return None;
    }
    let days = u64::from(days(full_year(year)?, month, day)?);
    let seconds = days.wrapping_mul(86_400);
    let seconds = seconds.wrapping_add(u64::from(time_of_day(time)?));
    // At most the year 9999: nothing wraps.
    Some(seconds.wrapping_mul(1_000))
}

/// What stands between spaces, commas and hyphens.
struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    /// Empty if there is none left.
    fn next(&mut self) -> &'a [u8] {
        while let [b' ' | b',' | b'-', rest @ ..] = self.0 {
            self.0 = rest;
        }
        let is_end = |byte: &u8| matches!(byte, b' ' | b',' | b'-');
        let end = self.0.iter().position(is_end).unwrap_or(self.0.len());
        let (piece, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        piece
    }
}

fn full_year(text: &[u8]) -> Option<u32> {
    let year = digits(text)?;
    match (text.len(), year) {
        (2, 70..) => Some(year.saturating_add(1900)),
        (2, _) => Some(year.saturating_add(2000)),
        (4, 1970..) => Some(year),
        _ => None,
    }
}

/// Days from the epoch to a day of a year from 1970 to 9999.
fn days(year: u32, month: &[u8], day: u32) -> Option<u32> {
    let before = leap_days(year.saturating_sub(1));
    let leap_day = leap_days(year).saturating_sub(before);
    let mut days = year.saturating_sub(1970).saturating_mul(365);
    days = days.saturating_add(before.saturating_sub(leap_days(1969)));
    for (name, length) in &MONTHS {
        let length = match *name {
            b"Feb" => leap_day.saturating_add(*length),
            _ => *length,
        };
        if *name == month {
            let day = (1..=length).contains(&day).then_some(day)?;
            return Some(days.saturating_add(day).saturating_sub(1));
        }
        days = days.saturating_add(length);
    }
    None
}

/// Of the years from 1 to this one.
#[inline(never)]
fn leap_days(year: u32) -> u32 {
    let centuries = year / 100;
    (year / 4)
        .saturating_sub(centuries)
        .saturating_add(centuries / 4)
}

/// Seconds since midnight of `08:49:37`. Second 60 is a leap second (RFC 9110 5.6.7 allows it).
fn time_of_day(text: &[u8]) -> Option<u32> {
    let [a, b, b':', c, d, b':', e, f] = text else {
        return None;
    };
    let mut seconds = 0_u32;
    for (number, limit) in [([a, b], 24), ([c, d], 60), ([e, f], 61)] {
        let number = digits(&number.map(|digit| *digit))?;
        if number >= limit {
            return None;
        }
        seconds = seconds.saturating_mul(60).saturating_add(number);
    }
    Some(seconds)
}

/// A number of decimal digits and nothing else; saturates.
#[inline(never)]
fn digits(text: &[u8]) -> Option<u32> {
    let mut number = None;
    for byte in text {
        number = Some(with_digit(number.unwrap_or_default(), *byte)?);
    }
    Some(u32::try_from(number?).unwrap_or(u32::MAX))
}
