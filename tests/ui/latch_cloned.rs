//! A second latch with the same token would be a second gate.

use tokenlatch::Config;
use tokenlatch::Latch;

fn main() {
    let latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let second = latch.clone();
    let _ = (latch, second);
}
