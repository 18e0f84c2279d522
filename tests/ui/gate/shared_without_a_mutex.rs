//! Tasks of several threads need a gate with a mutex.

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::Config;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::gate::Gate;

fn main() {
    let latch = Latch::<64, 2>::new(Config::new(), 1).unwrap();
    let clock: fn() -> Now = || Now::monotonic(0);
    let gate = Gate::<NoopRawMutex, 64, 2>::new(latch, clock);
    std::thread::scope(|scope| {
        scope.spawn(|| gate.logout());
    });
}
