//! The promises as code: what tests, fuzzers and explorers check after every step.
//!
//! [`Checked`] drives a latch and watches it from outside. It knows what it was told and what it was given, and
//! compares; only for what must *not* be there (secrets, changes after a refusal) does it look inside. A host may
//! run its own tests through it: it needs no heap either.

mod checked;
mod fingerprint;
mod rules;
#[cfg(feature = "_verify")]
mod verify;

use core::fmt;

pub use checked::Checked;

macro_rules! promises {
    ($($name:ident $title:literal $text:literal;)*) => {
        /// The promises of the latch, by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[expect(clippy::exhaustive_enums, reason = "fifteen promises")]
        pub enum Promise { $(#[doc = $text] $name,)* }

        impl Promise {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// One word.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What is promised.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

promises! {
    P1 "gate" "A token is read only through a permit, and a permit exists only while the gate is open.";
    P2 "confirmed" "Pending becomes Ready only when the credential is confirmed to the host's level, or says that it is volatile.";
    P3 "single flight" "At most one token request is outstanding.";
    P4 "tickets" "An answer with an unknown or superseded id changes nothing and is reported as stale.";
    P5 "order" "Generations only grow; an older credential never replaces a newer one.";
    P6 "logout" "Sign-out is synchronous and final: no permit, no secret, no waiter is left, and nothing brings the session back.";
    P7 "identity" "A request admitted under one sign-in never leaves with another's token.";
    P8 "waiters" "Each admitted request ends exactly once, first in, first out; capacity is checked at admission only.";
    P9 "no loops" "A request is retried at most once per generation and at most `max_attempts` times; a token refused before it was accepted starts no refresh loop.";
    P10 "no storms" "At most `budget` token requests in any window.";
    P11 "evidence" "A session ends only on sign-out, on `invalid_grant` and its kin, or on a tombstone.";
    P12 "stored form" "Every byte string is a record, nothing, or corrupt; a corrupt one is never half used.";
    P13 "secrets" "No secret is in any formatted output.";
    P14 "bounded" "A refused call changes nothing; every step gives a bounded number of effects.";
    P15 "heals" "Every order has a deadline, and a timeout makes progress.";
}

/// A promise that was broken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "which and how")]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub what: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} ({}): {}",
            self.promise,
            self.promise.title(),
            self.what
        )
    }
}

impl core::error::Error for Violation {}

fn ensure(holds: bool, promise: Promise, what: &'static str) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation { promise, what })
    }
}
