//! Firmware that asks for its tokens through the latch: what it consists of besides its tasks.

#![cfg_attr(not(test), no_std)]

#[cfg(target_arch = "arm")]
pub mod board;
pub mod flash;
pub mod store;
mod whole_erase;
