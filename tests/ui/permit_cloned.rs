//! One permit, one request.

use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Waiter;

fn main() {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let permit = latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap();
    let second = permit.clone();
    let _ = (permit, second);
}
