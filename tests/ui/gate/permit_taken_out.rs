//! A permit does not leave the closure that it is given to.

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::gate::Gate;

fn main() {
    let latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let clock: fn() -> Now = || Now::monotonic(0);
    let gate = Gate::<NoopRawMutex, 64, 2>::new(latch, clock);
    let permit = gate.request().unwrap().try_permit(|permit| permit);
    println!("{:?}", permit);
}
