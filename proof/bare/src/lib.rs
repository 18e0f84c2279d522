//! The trace as a WebAssembly module without imports.

#![no_std]
#![cfg(target_arch = "wasm32")]

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;

use trace::Profile;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// JavaScript without WebAssembly has no numbers of 64 bits.
static UPPER_HALF: AtomicU32 = AtomicU32::new(0);

/// The lower half of the number of a trace, by the place of its profile in `Profile::ALL`; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn trace(profile: u32, seed: u32, events: u32) -> u32 {
    let profile = usize::try_from(profile).ok();
    let number = profile
        .and_then(|place| Profile::ALL.get(place))
        .and_then(|(_, profile)| trace::run(*profile, seed, events).ok())
        .map_or(0, |played| played.number);
    UPPER_HALF.store((number >> 32) as u32, Ordering::Relaxed);
    number as u32
}

/// The upper half of the number of the last trace.
#[unsafe(no_mangle)]
pub extern "C" fn upper_half() -> u32 {
    UPPER_HALF.load(Ordering::Relaxed)
}
