//! `tokenlatch` as a static and a shared library for C (`include/tokenlatch.h`).
//!
//! It needs no standard library and no heap. How large tokens may be and how many requests may wait is said by the
//! environment when it is built:
//!
//! ```sh
//! TOKENLATCH_TOKEN_CAPACITY=1024 TOKENLATCH_WAITER_CAPACITY=8 cargo build --release --manifest-path capi/Cargo.toml
//! ```

#![no_std]

pub use tokenlatch::capi::*;

/// Writes one byte behind a latch, to show that the sanitizers of `cargo xtask c` see into Rust.
#[cfg(tokenlatch_overrun)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tl_overrun(latch: *mut tl_latch) {
    // SAFETY: none. It is the fault that must be found.
    unsafe { latch.add(1).cast::<u8>().write_volatile(1) };
}

#[cfg(not(target_os = "none"))]
unsafe extern "C" {
    fn abort() -> !;
}

/// No panic can be reached, as `cargo xtask no-panic` shows; the linker leaves this out.
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(not(target_os = "none"))]
    // SAFETY: it ends the process.
    unsafe {
        abort()
    }
    #[cfg(target_os = "none")]
    loop {}
}
