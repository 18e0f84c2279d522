//! No fact is told while a permit lives: what it says is true until it is used.

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Waiter;

fn main() {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let permit = latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap();
    let _ = latch.handle(Now::monotonic(1), Event::LogoutRequested);
    println!("{}", permit.token());
}
