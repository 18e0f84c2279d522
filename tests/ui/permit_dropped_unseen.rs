//! A claimed permit ends the request's wait: to drop it unseen is a mistake.
#![deny(unused_must_use)]

use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Waiter;

fn main() {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap();
}
