//! One long trace of events, and one number for all that the latch answered: the same on every machine.
//!
//! A generator plays host, server and store to one latch. Everything that can be seen goes into the number: what
//! became of each event, the orders, the state, the deadlines, the tokens that left, the bytes of the records.

#![no_std]

mod digest;
mod host;
mod orders;
mod requests;
mod various;

pub use host::Played;
pub use host::Profile;
pub use host::run;
