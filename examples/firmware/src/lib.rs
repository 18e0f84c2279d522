//! Firmware that asks for its tokens through the latch: what it consists of besides its programs.

#![cfg_attr(not(test), no_std)]

#[cfg(target_arch = "arm")]
pub mod board;
pub mod clock;
pub mod flash;
pub mod host;
pub mod lab;
mod log;
pub mod network;
pub mod seeded;
pub mod server;
pub mod spared;
pub mod store;
pub mod tasks;
mod whole_erase;
