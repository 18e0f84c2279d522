//! `Retry-After` (RFC 9110 10.2.3) and HTTP dates (RFC 9110 5.6.7).

const DAY_MS: u64 = 86_400_000;

const MONTHS: [(&str, u64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
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
    let seconds = match digits(value) {
        Some(seconds) => seconds,
        None => http_date(value)?
            .saturating_sub(server_date.or(now)?)
            .div_ceil(1000),
    };
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Unix milliseconds of an HTTP date (RFC 9110 5.6.7), such as the value of a `Date` header.
///
/// The preferred form and both obsolete ones are read. The weekday's name is not checked against the date.
/// RFC 9110 wants a year of two digits resolved with a clock; there is none here, so 70 to 99 are of the
/// last century and the others of this one. `None`: not a date, or before 1970.
#[must_use]
pub fn http_date(value: &[u8]) -> Option<u64> {
    let value = core::str::from_utf8(value.trim_ascii()).ok()?;
    // "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
    let mut pieces = value
        .split([' ', ',', '-'])
        .filter(|piece| !piece.is_empty());
    let mut piece = || pieces.next();
    piece()?
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic())
        .then_some(())?;
    let first = piece()?;
    let (day, month, time, year, zone) = match digits(first.as_bytes()) {
        Some(day) => {
            let (month, year, time) = (piece()?, piece()?, piece()?);
            (day, month, time, year, piece()?)
        }
        None => {
            let (day, time) = (digits(piece()?.as_bytes())?, piece()?);
            // This form has no zone that would show that it is cut off, so the year must.
            let year = piece().filter(|year| year.len() == 4)?;
            (day, first, time, year, "GMT")
        }
    };
    match (piece(), zone) {
        (None, "GMT") => days(full_year(year)?, month, day)?
            .checked_mul(DAY_MS)?
            .checked_add(time_of_day(time)?),
        _ => None,
    }
}

fn full_year(text: &str) -> Option<u64> {
    let year = digits(text.as_bytes())?;
    match (text.len(), year) {
        (2, 70..) => Some(year.saturating_add(1900)),
        (2, _) => Some(year.saturating_add(2000)),
        (4, 1970..) => Some(year),
        _ => None,
    }
}

/// Days from the epoch to a day of a year from 1970 to 9999.
fn days(year: u64, month: &str, day: u64) -> Option<u64> {
    let leap_days = |year: u64| {
        (year / 4)
            .saturating_sub(year / 100)
            .saturating_add(year / 400)
    };
    let before = year.saturating_sub(1);
    let leap_day = leap_days(year).saturating_sub(leap_days(before));
    let mut days = year.saturating_sub(1970).saturating_mul(365);
    days = days.saturating_add(leap_days(before).saturating_sub(leap_days(1969)));
    for (name, length) in MONTHS {
        let length = if name == "Feb" {
            leap_day.saturating_add(length)
        } else {
            length
        };
        if name == month {
            let day = (1..=length).contains(&day).then_some(day)?;
            return Some(days.saturating_add(day).saturating_sub(1));
        }
        days = days.saturating_add(length);
    }
    None
}

/// Milliseconds since midnight of `08:49:37`. Second 60 is a leap second (RFC 9110 5.6.7 allows it).
fn time_of_day(text: &str) -> Option<u64> {
    // An array, because the search for a lone character links a panic.
    let mut parts = text.split([':']);
    let mut part = |limit: u64| {
        let part = parts.next().filter(|part| part.len() == 2)?;
        digits(part.as_bytes()).filter(|number| *number < limit)
    };
    let (hour, minute, second) = (part(24)?, part(60)?, part(61)?);
    let minutes = hour.saturating_mul(60).saturating_add(minute);
    let seconds = minutes.saturating_mul(60).saturating_add(second);
    parts
        .next()
        .is_none()
        .then_some(seconds.saturating_mul(1000))
}

/// A number of decimal digits and nothing else; saturates.
fn digits(text: &[u8]) -> Option<u64> {
    let mut number = None;
    for byte in text {
        let digit = char::from(*byte).to_digit(10)?;
        number = Some(
            number
                .unwrap_or(0_u64)
                .saturating_mul(10)
                .saturating_add(u64::from(digit)),
        );
    }
    number
}
