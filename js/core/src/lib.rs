//! The latch as a WebAssembly module: one context, one buffer, and the doors to them. Without imports.
//!
//! One instance of the module is one latch; who needs two instantiates it twice. Engines call one function at a time
//! and no function calls back, so each has the context for itself.

#![no_std]
#![cfg(target_arch = "wasm32")]

mod memory;

use core::ptr::addr_of_mut;

use tokenlatch::wasm::Arguments;

/// Room for a header of 8 KiB, beyond which servers refuse it, and for all requests of a page.
type Context = tokenlatch::wasm::Context<8192, 128>;

/// The context first: the lower an address, the shorter are the instructions that have it.
#[repr(C)]
struct Region {
    context: Context,
    out: [f64; 2],
    buffer: [u8; Context::BUFFER],
}

static mut REGION: Region = Region {
    context: Context::new(),
    out: [0.0; 2],
    buffer: [0; Context::BUFFER],
};

fn region() -> &'static mut Region {
    // SAFETY: one thread, and no function of this module calls another one, so there is one reference at a time.
    unsafe { &mut *addr_of_mut!(REGION) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Where the two numbers of `out` stand; behind them the buffer.
#[unsafe(no_mangle)]
extern "C" fn a() -> *const f64 {
    region().out.as_ptr()
}

/// See `Context::configure`.
#[unsafe(no_mangle)]
extern "C" fn c(key: u32, value: u32) -> i32 {
    region().context.configure(key, value)
}

/// See `Context::start`.
#[unsafe(no_mangle)]
extern "C" fn s(low: u32, high: u32) -> i32 {
    region().context.start(low, high)
}

/// See `Context::handle`.
#[unsafe(no_mangle)]
extern "C" fn h(kind: u32, monotonic: f64, wall: f64, id: f64, a: f64, b: f64, c: f64) -> i32 {
    let Region {
        out: [out, _],
        buffer,
        context,
    } = region();
    let told = Arguments {
        kind,
        monotonic,
        wall,
        id,
        a,
        b,
        c,
    };
    context.handle(told, buffer, out)
}

/// See `Context::poll`.
#[unsafe(no_mangle)]
extern "C" fn p() -> u32 {
    let Region { out, context, .. } = region();
    context.poll(out)
}

/// See `Context::timeout`.
#[unsafe(no_mangle)]
extern "C" fn t() -> f64 {
    region().context.timeout()
}

/// See `Context::permit`.
#[unsafe(no_mangle)]
extern "C" fn g(monotonic: f64, wall: f64, waiter: u32) -> i32 {
    let Region {
        out,
        buffer,
        context,
    } = region();
    context.permit(monotonic, wall, waiter, buffer, out)
}

/// See `Context::record`: the key stands at the beginning of the buffer.
#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
extern "C" fn k() -> i32 {
    let Region {
        buffer, context, ..
    } = region();
    match buffer.first_chunk() {
        Some(key) => context.record(*key),
        None => tokenlatch::numbers::TL_ERR_ARGUMENT,
    }
}

/// Where the recording stands; its length goes to `out`.
#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
extern "C" fn l() -> *const u8 {
    let Region {
        out: [out, _],
        context,
        ..
    } = region();
    let bytes = context.recorded();
    *out = u32::try_from(bytes.len()).map_or(0.0, f64::from);
    bytes.as_ptr()
}

/// See `Context::read`.
#[unsafe(no_mangle)]
extern "C" fn r(what: u32, ticket: u32) -> i32 {
    let Region {
        buffer, context, ..
    } = region();
    context.read(what, ticket, buffer)
}
