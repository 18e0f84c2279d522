//! What is left in memory where a latch was: nothing of its tokens. Needs `unsafe`, which `src` has none of.
#![cfg(not(miri))] // it reads padding, which miri rightly minds
#![expect(clippy::expect_used, reason = "a test may panic")]

use core::alloc::Layout;
use std::alloc::alloc_zeroed;
use std::alloc::dealloc;

use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;

const MARK: &[u8] = b"MARK-IN-MEMORY";

/// A place for one latch that can be read before, during and after its life.
struct Place(*mut Latch<64, 2>);

#[expect(unsafe_code, reason = "reads memory that a value has left")]
impl Place {
    const LAYOUT: Layout = Layout::new::<Latch<64, 2>>();

    fn new() -> Self {
        // SAFETY: the layout is not of size 0.
        let place: *mut Latch<64, 2> = unsafe { alloc_zeroed(Self::LAYOUT) }.cast();
        assert!(!place.is_null());
        let latch = Latch::new(Config::in_memory(), 1).expect("a config that works");
        // SAFETY: the place has the layout of a latch.
        unsafe { place.write(latch) };
        Self(place)
    }

    fn latch(&mut self) -> &mut Latch<64, 2> {
        // SAFETY: called before `end` only.
        unsafe { &mut *self.0 }
    }

    fn end(&mut self) {
        // SAFETY: called once; nobody uses the latch afterwards.
        unsafe { self.0.drop_in_place() };
    }

    fn marks(&self) -> usize {
        let bytes: *const u8 = self.0.cast();
        // SAFETY: within the place, which was written to as a whole when it was allocated.
        let read = |at| unsafe { bytes.add(at).read_volatile() };
        let bytes: Vec<u8> = (0..Self::LAYOUT.size()).map(read).collect();
        let windows = bytes.windows(MARK.len());
        windows.filter(|window| *window == MARK).count()
    }
}

#[expect(unsafe_code, reason = "gives back what it allocated")]
impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.0.cast(), Self::LAYOUT) };
    }
}

// promises: P13
#[test]
fn a_dropped_latch_leaves_no_token_where_it_was() {
    let mut place = Place::new();
    let now = Now::monotonic(0);
    let mark = core::str::from_utf8(MARK).expect("text");
    let mut grant = Grant::new(mark);
    grant.refresh_token = Some(mark);
    let latch = place.latch();
    latch.handle(now, Event::Opened).expect("taken");
    let started = latch.handle(now, Event::LoginStarted);
    let Ok(Outcome::Login(ticket)) = started else {
        unreachable!("{started:?}")
    };
    let granted = latch.handle(now, Event::Granted { ticket, grant });
    granted.expect("taken");
    assert_eq!(place.marks(), 2, "this test sees what it looks for");
    place.end();
    assert_eq!(place.marks(), 0);
}
