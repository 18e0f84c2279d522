//! A latch moves.

use tokenlatch::Config;
use tokenlatch::Latch;

fn main() {
    let latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let moved = latch;
    let _ = latch.state();
    let _ = moved.state();
}
