//! Time comes in as an argument: two clocks, both in milliseconds.

/// "No deadline" inside the machine.
pub(crate) const NEVER: u64 = u64::MAX;

/// Later readings count as this one, so that there is always room for a deadline.
pub(crate) const LATEST: u64 = u64::MAX >> 1;

/// A time and a span after it; saturates. Apart, as the next: where a number takes two registers a call is shorter than
/// this, and what is done at every event does not call it.
#[inline(never)]
pub(crate) const fn later(at: u64, span: u64) -> u64 {
    at.saturating_add(span)
}

/// The span from an earlier time, or a span less another; saturates.
#[inline(never)]
pub(crate) const fn since(at: u64, earlier: u64) -> u64 {
    at.saturating_sub(earlier)
}

/// A moment on the host's monotonic clock, in milliseconds from any epoch the host likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// From milliseconds on the monotonic clock.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds on the monotonic clock.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// What the host's two clocks say at one moment.
///
/// The monotonic clock may stop while the device sleeps; if it goes back the latch holds it at the latest
/// value seen, so after one reading that was too late no deadline comes until the clock is there. The wall clock may jump in either direction or be unknown (firmware without a battery-backed
/// clock): a gap between the two is how the latch notices sleep and clock changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Now {
    /// The monotonic clock.
    pub monotonic: Instant,
    /// The wall clock, in milliseconds since the Unix epoch, if the host has one.
    pub wall: Option<u64>,
}

impl Now {
    /// A monotonic time in milliseconds, the wall clock unknown.
    #[must_use]
    pub const fn monotonic(millis: u64) -> Self {
        Self {
            monotonic: Instant(millis),
            wall: None,
        }
    }

    /// Both clocks: monotonic milliseconds, and milliseconds since the Unix epoch.
    #[must_use]
    pub const fn new(millis: u64, wall: u64) -> Self {
        Self {
            monotonic: Instant(millis),
            wall: Some(wall),
        }
    }
}

/// The last reading, and how the two clocks stood to each other when that was last looked at.
///
/// Measuring from there rather than from the last call also finds many short sleeps that add up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    pub(crate) now: u64,
    /// 0 if unknown.
    pub(crate) wall: u64,
    /// Wall time less monotonic time, modulo 2^64.
    pub(crate) offset: Option<u64>,
}

/// How the wall clock moved against the monotonic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    None,
    /// The device slept, or the wall clock was set forward: by this much.
    Forward(u64),
    /// The wall clock was set back.
    Back,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self {
            now: 0,
            wall: 0,
            offset: None,
        }
    }

    /// The wall clock, if the host has one.
    pub(crate) const fn wall(&self) -> Option<u64> {
        if self.wall == 0 {
            None
        } else {
            Some(self.wall)
        }
    }

    /// A time ahead. There is always room: see [`LATEST`].
    pub(crate) const fn after(&self, millis: u32) -> u64 {
        self.now.wrapping_add(millis as u64)
    }

    /// What the wall clock said at an earlier monotonic time; 0 if unknown.
    pub(crate) fn wall_at(&self, at: u64) -> u64 {
        since(self.wall, since(self.now, at))
    }

    /// Takes a new reading, if it goes on from the one before; false, with nothing taken, if it does not.
    #[inline]
    pub(crate) fn advance(&mut self, now: &Now, tolerance: u64) -> bool {
        let at = now.monotonic.0;
        if at < self.now {
            return false;
        }
        if let Some(wall) = now.wall {
            let Some(offset) = self.offset else {
                return false;
            };
            if wall.abs_diff(at.wrapping_add(offset)) > tolerance {
                return false;
            }
            self.wall = wall;
        } else {
            self.wall = 0;
        }
        self.now = at;
        true
    }

    /// Takes a new reading.
    pub(crate) fn observe(&mut self, now: &Now, tolerance: u64) -> Jump {
        self.now = self.now.max(now.monotonic.0.min(LATEST));
        self.wall = now.wall.unwrap_or(0);
        if self.wall == 0 {
            return Jump::None;
        }
        let offset = self.wall.wrapping_sub(self.now);
        let Some(before) = self.offset else {
            self.offset = Some(offset);
            return Jump::None;
        };
        let expected = self.now.wrapping_add(before);
        if self.wall.abs_diff(expected) <= tolerance {
            return Jump::None;
        }
        self.offset = Some(offset);
        match self.wall.checked_sub(expected) {
            Some(gap) => Jump::Forward(gap),
            None => Jump::Back,
        }
    }
}
