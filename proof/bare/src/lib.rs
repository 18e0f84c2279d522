//! The trace as a WebAssembly module without imports.

#![no_std]
#![cfg(target_arch = "wasm32")]

use trace::Profile;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The number of a trace, by the place of its profile in `Profile::ALL`; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn trace(profile: u32, seed: u32, events: u32) -> u64 {
    let profile = usize::try_from(profile).ok();
    let Some((_, profile)) = profile.and_then(|place| Profile::ALL.get(place)) else {
        return 0;
    };
    trace::run(*profile, seed, events).map_or(0, |played| played.number)
}
