//! What is counted: the paths that users run, each beside others that do the same work.
//!
//! A case is two functions: one brings a world to where the path begins, the other runs the path and leaves what it
//! found, so that all who stand in one row can be compared. Who counts is in `src/bin`.

#![no_std]

mod bytes;
mod desk;
mod hand;
mod latch;
mod rival;
mod with_c;
mod with_smlang;
mod with_statig;

pub use desk::Fact;
pub use desk::Order;
pub use desk::Reply;

/// Where a case begins and what it leaves.
#[derive(Default)]
pub struct World {
    latch: latch::Side,
    hand: hand::Machine,
    statig: with_statig::Side,
    smlang: with_smlang::Side,
    c: with_c::Side,
    bytes: bytes::Side,
    /// What the path found: the same for all of a row.
    pub found: u32,
}

/// Who runs the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// This library.
    Latch,
    /// The same through its C interface.
    C,
    /// Written by hand, without checks; for bytes, the copying of them.
    Floor,
    /// The same five states with statig.
    Statig,
    /// The same with smlang.
    Smlang,
    /// `serde_json`, for the bytes of a token response.
    SerdeJson,
    /// `serde-json-core`, for the same.
    SerdeJsonCore,
}

impl Who {
    /// The name in tables and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latch => "tokenlatch",
            Self::C => "C API",
            Self::Floor => "floor",
            Self::Statig => "statig",
            Self::Smlang => "smlang",
            Self::SerdeJson => "serde_json",
            Self::SerdeJsonCore => "serde-json-core",
        }
    }
}

/// One path, and who runs it.
pub struct Case {
    /// The path, as in the table.
    pub path: &'static str,
    /// Who runs it.
    pub who: Who,
    /// Brings a world to where the path begins.
    pub prepare: fn(&mut World),
    /// The path.
    pub run: fn(&mut World),
}

/// All cases, a table's row after another.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    static HAND: [Case; rival::CASES] = rival::cases::<hand::Machine>();
    static STATIG: [Case; rival::CASES] = rival::cases::<with_statig::Side>();
    static SMLANG: [Case; rival::CASES] = rival::cases::<with_smlang::Side>();
    [
        latch::CASES,
        with_c::CASES,
        &HAND,
        &STATIG,
        &SMLANG,
        bytes::CASES,
    ]
    .into_iter()
    .flatten()
}

/// What counting itself costs: a case that does nothing.
pub const NOTHING: Case = Case {
    path: "nothing",
    who: Who::Floor,
    prepare: |_| {},
    run: |_| {},
};

/// The paths of the machines, in the order of the table.
pub mod path {
    /// The gate is open and the request was released.
    pub const PERMIT: &str = "a permit in Ready";
    /// A request comes in and goes out at once.
    pub const REQUEST: &str = "access requested and released";
    /// The API accepted the token.
    pub const ANSWER: &str = "an answer 200";
    /// Both, as they come in a host.
    pub const PERMIT_AND_ANSWER: &str = "a permit in Ready and its answer 200";
    /// The answer to a request that left with the token before.
    pub const LATE_401: &str = "a late 401";
    /// Ready to Refreshing.
    pub const TIMER: &str = "the timer starts a renewal";
    /// Until the gate is open again.
    pub const ROUND: &str = "a refresh round in memory";
    /// The same, with the record read, marked and written.
    pub const STORED_ROUND: &str = "a refresh round with a store";
    /// All five states and back.
    pub const TOUR: &str = "nine transitions through all five states";
    /// The record for the store.
    pub const ENCODE: &str = "a record encoded";
    /// And back.
    pub const DECODE: &str = "a record decoded";
    /// From the bytes to a grant.
    pub const RESPONSE: &str = "a token response of 1 KiB parsed";
    /// From the bytes to what it means.
    pub const CHALLENGE: &str = "a challenge parsed";
    /// In the order of the table.
    pub const ALL: &[&str] = &[
        PERMIT,
        REQUEST,
        ANSWER,
        PERMIT_AND_ANSWER,
        LATE_401,
        TIMER,
        ROUND,
        STORED_ROUND,
        TOUR,
        ENCODE,
        DECODE,
        RESPONSE,
        CHALLENGE,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::collections::BTreeMap;

    #[test]
    fn all_who_stand_in_a_row_find_the_same() {
        let mut rows: BTreeMap<&str, (u32, &str)> = BTreeMap::new();
        for case in cases() {
            let mut world = World::default();
            (case.prepare)(&mut world);
            world.found = u32::MAX;
            (case.run)(&mut world);
            let (found, first) = *rows
                .entry(case.path)
                .or_insert((world.found, case.who.name()));
            assert_eq!(
                world.found,
                found,
                "{}: {} and {first}",
                case.path,
                case.who.name()
            );
            assert_ne!(found, u32::MAX, "{}", case.path);
        }
        assert!(path::ALL.iter().all(|path| rows.contains_key(path)));
        assert_eq!(rows.len(), path::ALL.len());
    }
}
