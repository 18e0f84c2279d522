//! Long checks of the real latch: what the commands of this crate do, for its tests too.

pub mod explore;
pub mod simulate;
