//! The machine, driven by transcripts; every step is checked against the promises.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "small numbers of the test's own"
)]
#![expect(
    clippy::wrong_self_convention,
    reason = "`is_admitted` reads as in a transcript"
)]

mod ambient;
mod budget;
mod edges;
mod explored;
mod gaps;
mod late;
mod life;
mod marks;
mod rare;
mod recorded;
mod scenarios_1;
mod scenarios_2;
mod seen;
mod support;
mod table;
