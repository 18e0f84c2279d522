//! What the module for pages and mini-programs passes on to; on other targets nobody calls it.

use core::mem::MaybeUninit;

use tokenlatch::wasm::Arguments;
use tokenlatch::wasm::Context;

use crate::memory::Buffer;

type Page = Context<1024, 8>;

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_new(place: &mut MaybeUninit<Page>) {
    place.write(Page::new());
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_start(page: &mut Page, low: u32, high: u32) -> i32 {
    page.start(low, high)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_configure(page: &mut Page, key: u32, value: u32) -> i32 {
    page.configure(key, value)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_handle(
    page: &mut Page,
    kind: u32,
    numbers: &[f64; 6],
    buffer: Buffer,
    out: &mut f64,
) -> i32 {
    let [monotonic, wall, id, a, b, c] = *numbers;
    let told = Arguments {
        kind,
        monotonic,
        wall,
        id,
        a,
        b,
        c,
    };
    // SAFETY: the caller's promise.
    page.handle(told, unsafe { buffer.get() }, out)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_poll(page: &mut Page, out: &mut [f64; 2]) -> u32 {
    page.poll(out)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_timeout(page: &Page) -> f64 {
    page.timeout()
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_permit(
    page: &mut Page,
    clocks: &[f64; 2],
    waiter: u32,
    buffer: Buffer,
    out: &mut [f64; 2],
) -> i32 {
    let [monotonic, wall] = *clocks;
    // SAFETY: the caller's promise.
    page.permit(monotonic, wall, waiter, unsafe { buffer.get() }, out)
}

#[unsafe(no_mangle)]
pub extern "C" fn latch_page_read(page: &Page, what: u32, ticket: u32, buffer: Buffer) -> i32 {
    // SAFETY: the caller's promise.
    page.read(what, ticket, unsafe { buffer.get() })
}

#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
pub extern "C" fn latch_page_record(page: &mut Page, key: &[u8; 16]) -> i32 {
    page.record(*key)
}

#[cfg(feature = "recording")]
#[unsafe(no_mangle)]
pub extern "C" fn latch_page_recorded(page: &Page) -> usize {
    page.recorded().len()
}
