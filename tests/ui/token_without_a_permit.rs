//! There is no other door to the token.

use tokenlatch::Config;
use tokenlatch::Latch;

fn main() {
    let latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let _ = latch.access;
    let _ = latch.token();
    let _ = latch.access_token();
}
