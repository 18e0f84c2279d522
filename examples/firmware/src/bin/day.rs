#![no_std]
#![no_main]
use defmt_semihosting as _;
use core::sync::atomic::*;
#[unsafe(link_section = ".uninit.x")]
static X: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! { firmware::board::exit(false) }
#[cortex_m_rt::entry]
fn main() -> ! { firmware::board::run(|s| s.spawn(main2().unwrap())) }
#[embassy_executor::task]
async fn main2() {
    let n = X[0].load(Ordering::Relaxed);
    X[0].store(n + 1, Ordering::Relaxed);
    defmt::info!("boot {} at {}", n, embassy_time::Instant::now().as_millis());
    embassy_time::Timer::after_secs(if n == 0 {1} else {0}).await;
    defmt::info!("later {}", embassy_time::Instant::now().as_millis());
    if n < 200 { firmware::board::reset() }
    firmware::board::exit(true)
}
