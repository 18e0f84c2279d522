//! The C interface, called from Rust: misuse, numbers, names, and sessions.

#![expect(unsafe_code, reason = "the functions are those of C")]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "small numbers of the test's own"
)]

mod misuse;
mod numbers;
mod recording;
mod requests;
mod session;
mod setup;
mod sizes;
mod support;
mod text;
