//! The token's bytes go no further than the permit.

use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Waiter;

fn main() {
    let mut latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let token = {
        let permit = latch.permit(Now::monotonic(0), Waiter::from_u32(1)).unwrap();
        permit.token()
    };
    println!("{token}");
}
