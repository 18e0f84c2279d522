//! The two clocks: one that runs since the start, and the time of day.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering;

use embassy_time::Instant;
use tokenlatch::Now;

/// When this day began, in milliseconds since 1970.
const DAY: u64 = 1_900_000_000_000;

/// The second of the day at the start. Real firmware asks a clock with a battery, or the network.
static STARTED: AtomicU32 = AtomicU32::new(0);

pub fn set(seconds: u32) {
    STARTED.store(seconds, Ordering::Relaxed);
}

/// The second of the day.
pub fn seconds() -> u32 {
    let since = u32::try_from(Instant::now().as_secs()).unwrap_or(u32::MAX);
    STARTED.load(Ordering::Relaxed).saturating_add(since)
}

/// What the latch wants to know.
pub fn now() -> Now {
    let millis = Instant::now().as_millis();
    let started = u64::from(STARTED.load(Ordering::Relaxed)).saturating_mul(1_000);
    Now::new(millis, DAY.saturating_add(started).saturating_add(millis))
}
