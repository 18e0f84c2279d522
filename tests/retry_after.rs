//! `Retry-After` and HTTP dates.

#[path = "fuzz_props/retry_after.rs"]
mod props;

use core::time::Duration;
use std::time::UNIX_EPOCH;

use tokenlatch::{http_date, retry_after};

/// RFC 9110 5.6.7: Sun, 06 Nov 1994 08:49:37 GMT.
const NOV_1994: u64 = 784_111_777_000;

#[test]
fn s93_a_number_of_seconds_needs_no_clock() {
    assert_eq!(retry_after(b"120", None, None), Some(120));
    assert_eq!(retry_after(b"0", None, None), Some(0));
    assert_eq!(retry_after(b" 7\t", None, None), Some(7));
    assert_eq!(retry_after(b"007", Some(5), Some(6)), Some(7));
}

#[test]
fn s93_too_many_seconds_saturate() {
    assert_eq!(retry_after(b"4294967295", None, None), Some(u32::MAX));
    assert_eq!(retry_after(b"4294967296", None, None), Some(u32::MAX));
    assert_eq!(
        retry_after(b"18446744073709551616", None, None),
        Some(u32::MAX)
    );
    assert_eq!(retry_after(&[b'9'; 5000], None, None), Some(u32::MAX));
    assert_eq!(
        retry_after(b"Fri, 31 Dec 9999 23:59:59 GMT", Some(0), None),
        Some(u32::MAX)
    );
}

#[test]
fn s93_nonsense_is_none() {
    for value in [
        &b""[..],
        b" ",
        b"-1",
        b"+5",
        b"1.5",
        b"1e3",
        b"0x10",
        b"5s",
        b"5, 6",
        b"soon",
        b"NaN",
        b"\xFF",
        b"\xD9\xA3",
        b"Sun",
        b"Sun, 06 Nov 1994",
    ] {
        assert_eq!(
            retry_after(value, Some(NOV_1994), Some(NOV_1994)),
            None,
            "{value:?}"
        );
    }
}

#[test]
fn s93_a_date_is_measured_by_the_servers_clock_then_by_ours() {
    let value = b"Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(
        retry_after(value, Some(NOV_1994 - 90_000), Some(0)),
        Some(90)
    );
    assert_eq!(retry_after(value, None, Some(NOV_1994 - 30_000)), Some(30));
    assert_eq!(retry_after(value, None, None), None);
}

#[test]
fn a_part_of_a_second_is_waited_for() {
    let value = b"Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(retry_after(value, None, Some(NOV_1994 - 1)), Some(1));
    assert_eq!(retry_after(value, None, Some(NOV_1994 - 1001)), Some(2));
}

#[test]
fn s93_a_date_in_the_past_is_no_wait() {
    let value = b"Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(retry_after(value, None, Some(NOV_1994)), Some(0));
    assert_eq!(retry_after(value, None, Some(u64::MAX)), Some(0));
}

#[test]
fn rfc9110_5_6_7_all_three_forms_are_the_same_instant() {
    for value in [
        &b"Sun, 06 Nov 1994 08:49:37 GMT"[..],
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(http_date(value), Some(NOV_1994));
    }
}

#[test]
fn rfc9110_10_2_3_the_example_is_read() {
    assert_eq!(
        http_date(b"Fri, 31 Dec 1999 23:59:59 GMT"),
        Some(946_684_799_000)
    );
    assert_eq!(
        retry_after(
            b"Fri, 31 Dec 1999 23:59:59 GMT",
            Some(946_684_790_000),
            None
        ),
        Some(9)
    );
}

#[test]
fn a_year_of_two_digits_turns_at_seventy() {
    assert_eq!(http_date(b"Thursday, 01-Jan-70 00:00:00 GMT"), Some(0));
    assert_eq!(
        http_date(b"Saturday, 01-Jan-00 00:00:00 GMT"),
        Some(946_684_800_000)
    );
    assert_eq!(
        http_date(b"Tuesday, 31-Dec-69 23:59:59 GMT"),
        Some(3_155_759_999_000)
    );
}

#[test]
fn edges_of_the_calendar_and_of_the_day() {
    assert_eq!(http_date(b"Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    assert_eq!(
        http_date(b"Fri, 31 Dec 9999 23:59:59 GMT"),
        Some(253_402_300_799_000)
    );
    assert_eq!(
        http_date(b"Thu, 29 Feb 2024 00:00:00 GMT"),
        Some(1_709_164_800_000)
    );
    assert_eq!(
        http_date(b"Tue, 29 Feb 2000 00:00:00 GMT"),
        Some(951_782_400_000)
    );
    // A leap second is the first of the next minute.
    assert_eq!(
        http_date(b"Sat, 31 Dec 2016 23:59:60 GMT"),
        http_date(b"Sun, 01 Jan 2017 00:00:00 GMT")
    );
}

#[test]
fn what_is_no_date_is_refused() {
    for value in [
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Mon, 29 Feb 2100 00:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08:49:37:00 GMT",
        "Sun, 06 Nov 1994 08:49:+7 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT x",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun, 06 Nov 199 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 99999999999999999999999 Nov 1994 08:49:37 GMT",
        "Sun, Nov Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "784111777",
        "",
    ] {
        assert_eq!(http_date(value.as_bytes()), None, "{value}");
    }
    assert_eq!(http_date(b"Sun, 06 Nov 1994 08:49:37 GMT\xFF"), None);
}

/// Every day until 2200, told by counting them one by one.
#[test]
fn every_day_is_the_one_after_the_day_before() {
    let names = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut expected = 0;
    for year in 1970..2200 {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let lengths = [
            31,
            28 + usize::from(leap),
            31,
            30,
            31,
            30,
            31,
            31,
            30,
            31,
            30,
            31,
        ];
        for (name, length) in names.iter().zip(lengths) {
            for day in 1..=length {
                let date = format!("Mon, {day:02} {name} {year} 00:00:00 GMT");
                assert_eq!(http_date(date.as_bytes()), Some(expected), "{date}");
                expected += 86_400_000;
            }
            let date = format!("Mon, {:02} {name} {year} 00:00:00 GMT", length + 1);
            assert_eq!(http_date(date.as_bytes()), None, "{date}");
        }
    }
}

#[test]
fn no_byte_anywhere_makes_it_panic() {
    for value in [
        &b"Sun, 06 Nov 1994 08:49:37 GMT"[..],
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ] {
        for at in 0..value.len() {
            for byte in 0..=u8::MAX {
                let mut changed = value.to_vec();
                changed[at] = byte;
                let _ = retry_after(&changed, Some(NOV_1994), None);
            }
            assert_eq!(http_date(&value[..at]), None);
        }
    }
}

#[test]
fn properties_hold_for_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/retry_after");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        props::check(&std::fs::read(path).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "no file in {corpus}");
}

/// Dates from all years that a date can have, in each form, with one byte changed and as they are.
#[test]
fn properties_hold_for_generated_dates() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..3_000 {
        let at = Duration::from_secs(next() % 253_402_300_800);
        let written = httpdate::fmt_http_date(UNIX_EPOCH + at);
        let [weekday, day, month, year, time] = written
            .split([' ', ','])
            .filter(|part| !part.is_empty() && *part != "GMT")
            .collect::<Vec<_>>()[..]
        else {
            panic!("{written}")
        };
        let (_, short) = year.split_at(2);
        for form in [
            written.clone(),
            format!("{weekday}day, {day}-{month}-{short} {time} GMT"),
            format!("{weekday} {month} {day} {time} {year}"),
        ] {
            assert!(http_date(form.as_bytes()).is_some(), "{form}");
            let now = next() % (2 * 253_402_300_800_000);
            let mut data = format!("{form}\n{written}\n{now}").into_bytes();
            props::check(&data);
            let place = usize::try_from(next()).expect("64 bits") % data.len();
            data[place] = next().to_le_bytes()[0];
            props::check(&data);
        }
    }
}
