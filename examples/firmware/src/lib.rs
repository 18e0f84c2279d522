//! Firmware that asks for its tokens through the latch: what it consists of besides its tasks.

#![cfg_attr(not(test), no_std)]

pub mod flash;
pub mod store;
pub mod whole_erase;
