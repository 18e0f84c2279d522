//! Permits are claimed one after the other.

use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Waiter;

fn main() {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let first = latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap();
    let second = latch.permit(Now::monotonic(0), Waiter::from_u32(2)).unwrap();
    println!("{} {}", first.token(), second.token());
}
