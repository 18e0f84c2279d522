//! The feature `recording`: what runs on a device.

use tokenlatch::recording::Recorded;

use crate::Root;

type OfLatch = Recorded<'static, 1024, 8>;

#[unsafe(no_mangle)]
pub static FOOTPRINT_RECORDING: [Root; 4] = roots![
    OfLatch::new,
    OfLatch::handle,
    OfLatch::poll_effect,
    OfLatch::permit,
];
