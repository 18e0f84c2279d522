//! The form of a recording, item by item: what is written is read as it was, and what was cut or changed is refused at
//! its byte.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "small numbers of the test's own"
)]

mod codes;
#[path = "../every/mod.rs"]
mod every;
mod facts;
mod items;
mod rare;
mod support;
mod whole;
