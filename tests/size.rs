//! The sizes that firmware plans with, in one table; the README's are read from here.

use core::mem::size_of;

use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Latch;
use tokenlatch::Outcome;
use tokenlatch::Receipt;

/// Bytes of a latch that are not its three token buffers.
fn apart_from_tokens<const T: usize, const W: usize>() -> usize {
    size_of::<Latch<T, W>>().saturating_sub(T.saturating_mul(3))
}

#[test]
fn a_latch_is_no_larger_than_promised() {
    let (whole, apart) = (size_of::<Latch<1024, 8>>(), apart_from_tokens::<1024, 8>());
    println!("Latch<1024, 8>: {whole} bytes, {apart} of them apart from the token buffers");
    assert!(whole <= 4096);
    assert!(apart <= 768);
}

#[test]
fn what_is_passed_around_is_small() {
    assert!(size_of::<Effect>() <= 12, "{}", size_of::<Effect>());
    assert!(size_of::<Outcome>() <= 8, "{}", size_of::<Outcome>());
    assert_eq!(size_of::<Receipt>(), 8);
    assert!(size_of::<Event<'_>>() <= 160, "{}", size_of::<Event<'_>>());
}
