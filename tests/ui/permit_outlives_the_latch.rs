//! A permit is not stored beyond the latch.

use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Permit;
use tokenlatch::Waiter;

fn claim() -> Permit<'static> {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap()
}

fn main() {
    let _ = claim().token();
}
