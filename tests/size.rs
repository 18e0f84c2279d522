//! The sizes that firmware plans with, in one table; the README's are read from here.

use core::mem::size_of;

use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Latch;
use tokenlatch::Outcome;
use tokenlatch::Receipt;

/// Bytes of a latch that are not its three token buffers.
fn apart_from_tokens<const T: usize, const W: usize>() -> usize {
    size_of::<Latch<T, W>>() - 3 * T
}

#[test]
fn a_latch_is_no_larger_than_promised() {
    println!(
        "apart {} whole {}",
        apart_from_tokens::<1024, 8>(),
        size_of::<Latch<1024, 8>>()
    );
    assert!(size_of::<Latch<1024, 8>>() <= 4096);
    assert!(apart_from_tokens::<1024, 8>() <= 768);
}

#[test]
fn what_is_passed_around_is_small() {
    assert!(size_of::<Effect>() <= 12, "{}", size_of::<Effect>());
    assert!(size_of::<Outcome>() <= 8, "{}", size_of::<Outcome>());
    assert_eq!(size_of::<Receipt>(), 8);
    assert!(size_of::<Event<'_>>() <= 160, "{}", size_of::<Event<'_>>());
}
