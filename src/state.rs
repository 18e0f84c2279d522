//! The five states, and the private phases inside them.

use core::cmp::Ordering;

use crate::grant::Generation;
use crate::time::since;
use crate::why::Cause;

/// What the latch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the five and no more")]
pub enum State {
    /// No credential. Requests wait for a login or are refused, as the host chose.
    Unauthenticated,
    /// A credential is on its way but not confirmed. The gate is closed.
    Pending,
    /// Confirmed and unexpired. The gate is open.
    Ready,
    /// A renewal is under way. The gate is closed, or serves the old token where the host opted in.
    Refreshing,
    /// The credential can't be used: a retry is scheduled, or a new login is needed. The gate is closed.
    Expired,
}

impl State {
    /// The name, as in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "Unauthenticated",
            Self::Pending => "Pending",
            Self::Ready => "Ready",
            Self::Refreshing => "Refreshing",
            Self::Expired => "Expired",
        }
    }
}

impl core::fmt::Display for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// An order under way: the id its answer must bear, and when it counts as failed (P15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    pub(crate) ticket: u32,
    pub(crate) deadline: u64,
    /// Whether the host has it. Until then a newer order may replace it unseen.
    pub(crate) told: bool,
}

/// Where exactly the machine is. What every phase with a session needs is in [`Session`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Phase {
    Unauthenticated(Unauthenticated),
    Pending(Pending),
    Ready,
    Refreshing(Refreshing),
    Expired(Expired),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Unauthenticated {
    /// `Opened` was not told yet.
    Unopened,
    /// Nobody is signed in.
    SignedOut,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Pending {
    /// The first look at the store.
    Restoring,
    /// Another look, after a resume, a change or a jump of the clock.
    Looking,
    /// The host's login is under way.
    LoggingIn(Order),
    /// A new sign-in goes into the store.
    Saving,
    /// A request of our own shows whether the credential works.
    Probing(Order),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Refreshing {
    /// Getting the lease, reading the store again, marking the record.
    Preparing(Gate),
    /// The token request is under way.
    Exchanging(Order, Gate),
    /// The refresh token was refused; a sibling may have won.
    Rechecking,
    /// The new tokens go into the store.
    Saving,
    /// A request of our own shows whether the new token works.
    Probing(Order),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Expired {
    /// Until `Session::retry_at`, or until the network is back.
    Retrying,
    /// Only a login helps.
    LoginRequired(Cause),
}

/// Whether requests may use the old token during a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Gate {
    /// Started by the timer, and the host opted in.
    Serving,
    /// Started by a 401 or by request, or the host did not opt in.
    Closed,
}

impl Order {
    /// When it was ordered, from the deadline that it was given then.
    pub(crate) fn began_at(&self, timeout_ms: u32) -> u64 {
        since(self.deadline, u64::from(timeout_ms))
    }
}

impl Phase {
    pub(crate) const fn state(&self) -> State {
        match self {
            Self::Unauthenticated(_) => State::Unauthenticated,
            Self::Pending(_) => State::Pending,
            Self::Ready => State::Ready,
            Self::Refreshing(_) => State::Refreshing,
            Self::Expired(_) => State::Expired,
        }
    }
}

/// What a store holds or should hold, as far as order goes (P5). Compared field by field, in this order: a
/// sign-in beats a tombstone of the same number, since it can't be the one that the tombstone ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C)]
pub(crate) struct Stamp {
    pub(crate) sign_in: u32,
    pub(crate) serial: u32,
    pub(crate) live: bool,
    /// Tells sign-ins of the same number apart: two contexts that did not know of each other, or a lost store.
    pub(crate) origin: u32,
    /// Settles writes of contexts without a lease, the same way everywhere.
    pub(crate) nonce: u32,
}

impl Stamp {
    /// How it stands to another one (P5).
    #[inline(never)]
    pub(crate) fn against(&self, other: &Self) -> Ordering {
        self.fields().cmp(&other.fields())
    }

    /// Whether there ever was a sign-in.
    pub(crate) fn is_given(&self) -> bool {
        const NONE: Stamp = Stamp {
            sign_in: 0,
            live: false,
            serial: 0,
            origin: 0,
            nonce: 0,
        };
        self.against(&NONE).is_ne()
    }

    fn fields(&self) -> [u32; 5] {
        let live = u32::from(self.live);
        [self.sign_in, live, self.serial, self.origin, self.nonce]
    }

    pub(crate) const fn generation(self) -> Generation {
        Generation::new(self.sign_in, self.serial)
    }
}
