//! Every public function of `tokenlatch` as a C function, for `cargo xtask no-panic`.
//!
//! The panic handler calls a function that nobody defines. So this links only if the optimiser has shown that no panic
//! can be reached, whatever the arguments and whatever is in the latch. What `Debug` and `Display` write is left out:
//! `core::fmt` can panic as far as a linker can tell.

#![no_std]

mod apart;
mod control;
mod encode;
mod events;
#[cfg(feature = "embassy-sync")]
mod gate;
#[cfg(feature = "json")]
mod json;
mod latch;
mod memory;
#[cfg(feature = "recording")]
mod recording;
mod setup;
#[cfg(all(feature = "wasm", target_arch = "wasm32"))]
mod wasm;

/// The C interface is made of such functions already.
#[cfg(feature = "capi")]
pub use tokenlatch::capi::*;

unsafe extern "C" {
    /// Defined nowhere.
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it does not exist, so it can't be called.
    unsafe { a_panic_is_reachable() }
}

/// The latch that is measured.
pub(crate) type Latch = tokenlatch::Latch<1024, 8>;
