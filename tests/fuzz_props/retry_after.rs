//! What must hold for any `Retry-After` and any HTTP date. Shared by the fuzz target and the tests.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "a test may panic"
)]

use core::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tokenlatch::http_date;
use tokenlatch::retry_after;

/// The year 10000 begins.
const END: u64 = 253_402_300_800_000;

/// The input is the value of `Retry-After`, that of `Date`, and the time of the device, a line each.
pub(crate) fn check(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (value, date, now) = (lines.next(), lines.next(), lines.next());
    let value = value.unwrap_or_default();
    let server = date.and_then(http_date);
    let now = now.and_then(|now| core::str::from_utf8(now).ok()?.parse().ok());
    check_date(value);
    check_date(date.unwrap_or_default());
    check_wait(value, server, now);
}

fn check_date(value: &[u8]) {
    let ours = http_date(value);
    // That crate takes no weekday but the day's, and any separator in the obsolete forms.
    let text = core::str::from_utf8(value).ok();
    let theirs = text.and_then(|text| httpdate::parse_http_date(text).ok());
    let theirs = theirs.map(millis);
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        assert_eq!(ours, theirs, "{text:?}");
    }
    for date in [ours, theirs].into_iter().flatten() {
        assert_eq!(date % 1_000, 0);
        // A leap second may end the last year that can be written.
        if date == END {
            continue;
        }
        let written = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(date));
        assert_eq!(http_date(written.as_bytes()), Some(date), "{written}");
    }
    if let Some(ours) = ours {
        // Spaces around it are nothing.
        let padded = [b" \t".as_slice(), value, b" "].concat();
        assert_eq!(http_date(&padded), Some(ours));
    }
}

fn check_wait(value: &[u8], server: Option<u64>, now: Option<u64>) {
    let told = retry_after(value, server, now);
    let digits = value.trim_ascii();
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        let seconds = digits.iter().fold(0_u64, |seconds, digit| {
            let digit = u64::from(digit - b'0');
            seconds.saturating_mul(10).saturating_add(digit)
        });
        assert_eq!(told, Some(u32::try_from(seconds).unwrap_or(u32::MAX)));
        return;
    }
    // The device's clock is nothing where the server told its own.
    let expected = http_date(value).zip(server.or(now)).map(|(at, from)| {
        let seconds = at.saturating_sub(from).div_ceil(1_000);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    });
    assert_eq!(told, expected);
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).expect("from 1970 on");
    u64::try_from(since.as_millis()).expect("it fits")
}
