//! The public functions of `tokenlatch` by group, for `cargo xtask size`.
//!
//! A table holds the address of each, so that each is linked as it is and nothing around it is counted.

#![no_std]

use core::mem::size_of;

use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Outcome;

type Latch = tokenlatch::Latch<1024, 8>;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The address of a function.
pub struct Root(#[expect(dead_code, reason = "the linker reads it")] *const ());

// SAFETY: nobody reads it.
unsafe impl Sync for Root {}

macro_rules! roots {
    ($($function:expr,)*) => {
        [$(Root($function as *const ()),)*]
    };
}

/// The sizes of types, in the order of `SIZES` in `xtask/src/size.rs`.
#[unsafe(no_mangle)]
pub static FOOTPRINT_SIZES: [usize; 6] = [
    size_of::<Latch>() - 3 * 1024,
    size_of::<tokenlatch::Latch<1024, 9>>() - size_of::<Latch>(),
    size_of::<tokenlatch::Config>(),
    size_of::<Event<'_>>(),
    size_of::<Effect>(),
    size_of::<Outcome>(),
];

#[cfg(feature = "machine")]
#[unsafe(no_mangle)]
pub static FOOTPRINT_MACHINE: [Root; 5] = roots![
    Latch::with,
    Latch::handle,
    Latch::poll_effect,
    Latch::poll_timeout,
    Latch::permit,
];

#[cfg(feature = "all")]
mod all;
#[cfg(feature = "capi")]
mod c;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "recording")]
mod recording;
