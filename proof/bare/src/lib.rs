//! The trace as a WebAssembly module without imports.

#![no_std]
#![cfg(target_arch = "wasm32")]

use trace::Profile;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

fn number(profile: Profile, seed: u32, events: u32) -> u64 {
    trace::run(profile, seed, events).map_or(0, |played| played.number)
}

/// The number of a trace; 0 if the profile does not work.
#[unsafe(no_mangle)]
pub extern "C" fn memory_trace(seed: u32, events: u32) -> u64 {
    number(Profile::Memory, seed, events)
}

/// The number of a trace; 0 if the profile does not work.
#[unsafe(no_mangle)]
pub extern "C" fn stored_trace(seed: u32, events: u32) -> u64 {
    number(Profile::Stored, seed, events)
}
