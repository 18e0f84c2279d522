//! The numbers in the header are those of the table, and those that were given out once.

use std::collections::BTreeMap;

use tokenlatch::Cause;
use tokenlatch::numbers::*;

const HEADER: &str = include_str!("../../include/tokenlatch.h");
const TABLE: &str = include_str!("../../src/numbers.rs");
/// Every number that was ever given out. A line is added with a new number; none is changed, and none is removed.
const GIVEN: &str = include_str!("../golden/capi-numbers.txt");

/// The numbers of the header, those aside that follow from the version or a capacity.
fn of_header() -> BTreeMap<&'static str, i64> {
    let lines = HEADER
        .lines()
        .filter_map(|line| line.strip_prefix("#define "));
    let numbers = lines.filter_map(|line| {
        let (name, number) = line.split_once(' ')?;
        let number = number.trim_matches(['(', ')']).parse().ok()?;
        Some((name, number))
    });
    numbers.filter(|(name, _)| *name != "TL_CODES").collect()
}

fn of_table() -> BTreeMap<&'static str, i64> {
    let lines = TABLE
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "));
    let numbers = lines.map(|line| {
        let (name, rest) = line.split_once(": ").unwrap();
        let (_, number) = rest.split_once(" = ").unwrap();
        (name, number.trim_end_matches(';').parse().unwrap())
    });
    numbers.collect()
}

fn given() -> BTreeMap<&'static str, i64> {
    let lines = GIVEN.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(name, number)| (name, number.parse().unwrap()))
        .collect()
}

#[test]
fn the_header_has_the_numbers_of_the_table() {
    assert_eq!(of_header(), of_table());
    assert!(of_table().len() > 140);
}

#[test]
fn a_number_that_was_given_out_stays() {
    if std::env::var_os("UPDATE").is_some() {
        let mut text = String::new();
        let mut all = of_table();
        all.extend(given());
        for (name, number) in all {
            text += &format!("{name} {number}\n");
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/capi-numbers.txt");
        std::fs::write(path, text).unwrap();
        return;
    }
    let table = of_table();
    for (name, number) in given() {
        assert_eq!(table.get(name), Some(&number), "{name} was {number}");
    }
    let new = table.keys().filter(|name| !given().contains_key(*name));
    assert_eq!(
        new.count(),
        0,
        "a new number goes into tests/golden/capi-numbers.txt"
    );
}

#[test]
fn no_number_of_a_group_is_given_twice() {
    let groups = [
        "OUTCOME",
        "ERR",
        "STATE",
        "EVENT",
        "EFFECT",
        "CHALLENGE",
        "FAILURE",
        "GRANT_TYPE",
        "EXPIRY",
        "TOKEN_TYPE",
        "PROBE",
        "CONFIRMATION",
        "LEASE",
        "CREDENTIAL",
        "RENEWAL",
        "WAITING",
        "STORE",
        "CORRUPT",
        "CAUSE",
    ];
    for group in groups {
        let prefix = format!("TL_{group}_");
        let of_group = of_table().into_iter().filter(|(name, _)| {
            let is_other = name.contains("_PARAM_") || name.contains("_FORM_");
            name.starts_with(&prefix) && !is_other
        });
        let numbers: Vec<_> = of_group.map(|(_, number)| number).collect();
        let mut distinct = numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(!numbers.is_empty(), "{group}");
        assert_eq!(distinct.len(), numbers.len(), "{group}");
    }
}

#[test]
fn every_cause_has_its_code() {
    let table = of_table();
    assert_eq!(table["TL_CAUSE_NONE"], 0);
    for cause in Cause::ALL {
        let mut name = String::from("TL_CAUSE");
        for character in cause.name().chars() {
            if character.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(character.to_ascii_uppercase());
        }
        assert_eq!(table.get(&*name), Some(&i64::from(cause.code())), "{name}");
    }
    let causes = table.keys().filter(|name| name.starts_with("TL_CAUSE_"));
    assert_eq!(causes.count(), Cause::ALL.len() + 1);
}

#[test]
fn an_unusable_grant_is_sixteen_less_its_error() {
    let pairs = [
        (TL_FAILURE_UNUSABLE_EMPTY, TL_ERR_GRANT_EMPTY),
        (TL_FAILURE_UNUSABLE_LITERAL, TL_ERR_GRANT_LITERAL),
        (TL_FAILURE_UNUSABLE_QUOTED, TL_ERR_GRANT_QUOTED),
        (TL_FAILURE_UNUSABLE_SCHEME, TL_ERR_GRANT_SCHEME),
        (TL_FAILURE_UNUSABLE_CHARACTER, TL_ERR_GRANT_CHARACTER),
        (TL_FAILURE_UNUSABLE_TOO_LONG, TL_ERR_GRANT_TOO_LONG),
        (TL_FAILURE_UNUSABLE_LIFETIME, TL_ERR_GRANT_LIFETIME),
        (TL_FAILURE_UNUSABLE_TOKEN_TYPE, TL_ERR_GRANT_TOKEN_TYPE),
    ];
    for (failure, error) in pairs {
        assert_eq!(failure.cast_signed(), 16 - error);
    }
}
