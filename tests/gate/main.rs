//! The async gate on executors of the host.
#![cfg(feature = "embassy-sync")]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod bare;
mod cancel;
mod chance;
mod executor;
mod facts;
mod life;
mod quiet;
mod world;
