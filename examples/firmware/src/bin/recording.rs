//! Plays the story that every host records to a latch on the board, and prints the recording.

#![no_std]
#![no_main]

#[path = "../../../../tests/recording/story.rs"]
mod story;

use core::panic::PanicInfo;

use defmt::println;
use defmt_semihosting as _;
use firmware::board;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    board::exit(false)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffer = [0; 4_096];
    let length = story::record::<1024, 8>(story::KEY, &mut buffer);
    if let Some(length) = length {
        for line in buffer.get(..length).unwrap_or_default().chunks(32) {
            println!("{=[u8]:02x}", line);
        }
    }
    board::exit(length.is_some())
}
