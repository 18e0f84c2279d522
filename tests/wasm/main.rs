//! A context as the JavaScript module drives it: numbers in, numbers out, bytes through a buffer of the host's.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "small numbers of the test's own"
)]

mod beside;
mod chance;
mod configure;
mod events;
#[path = "../every/mod.rs"]
mod every;
mod numbers;
mod orders;
mod random;
mod recording;
mod refused;
mod requests;
mod support;
mod twin;
