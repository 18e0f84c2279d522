//! A latch under watch: what it was told and what it gave are noted, and each call is checked.

mod notes;

use super::Promise;
use super::Violation;
use super::ensure;
use super::fingerprint::Fingerprint;
use crate::config::Config;
use crate::config::ConfigError;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Generation;
use crate::latch::Latch;
use crate::permit::Permit;
use crate::state::State;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use core::fmt;
use core::hash::Hasher;

/// One admitted request, as the watcher knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Known {
    pub(super) waiter: Waiter,
    /// The sign-in it was admitted under; `None` if nobody was signed in.
    pub(super) sign_in: Option<u32>,
    /// The receipt of the attempt before.
    pub(super) before: Option<Receipt>,
    pub(super) released: bool,
}

/// The orders under way, as the host knows them.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct Orders {
    pub(super) login: Option<Ticket>,
    /// The last one given out; its late answer may still be good.
    pub(super) exchange: Option<Ticket>,
    pub(super) load: Option<Ticket>,
    pub(super) store: Option<Ticket>,
    pub(super) probe: Option<Ticket>,
    pub(super) lease: Option<Ticket>,
    pub(super) revocation: Option<Ticket>,
}

impl Orders {
    pub(super) const NONE: Self = Self {
        login: None,
        exchange: None,
        load: None,
        store: None,
        probe: None,
        lease: None,
        revocation: None,
    };
}

/// What confirmed the credential since it came.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct Proof {
    pub(super) stored: bool,
    pub(super) read_back: bool,
    pub(super) probed: bool,
    pub(super) from_store: bool,
}

impl Proof {
    pub(super) const NONE: Self = Self {
        stored: false,
        read_back: false,
        probed: false,
        from_store: false,
    };
}

/// What can be seen before and after a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) generation: Generation,
    pub(super) version: u32,
    pub(super) session: bool,
}

/// Token requests remembered for P10; a larger budget is checked up to this many.
pub(super) const REMEMBERED: usize = 32;

/// A latch under watch: the same calls, each checked.
pub struct Checked<const T: usize, const W: usize> {
    pub(super) latch: Latch<T, W>,
    pub(super) known: heapless::Vec<Known, W>,
    pub(super) orders: Orders,
    /// Deadline of the token request that was not yet answered.
    pub(super) outstanding: Option<u64>,
    pub(super) sent: heapless::Deque<u64, REMEMBERED>,
    pub(super) proof: Proof,
    /// Something was told that may end a session.
    pub(super) evidence: bool,
    /// Renewals begun by the refusal of tokens never accepted, in a row.
    pub(super) loops: u8,
    /// Effects since the last event.
    pub(super) drained: usize,
    pub(super) now: u64,
}

impl<const T: usize, const W: usize> fmt::Debug for Checked<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.latch.fmt(f)
    }
}

impl<const T: usize, const W: usize> Checked<T, W> {
    /// A latch under watch.
    ///
    /// # Errors
    ///
    /// As [`Latch::new`].
    pub fn new(config: Config, seed: u64) -> Result<Self, ConfigError> {
        Ok(Self::watching(Latch::new(config, seed)?))
    }

    /// Watches a latch that was told nothing yet.
    pub(crate) const fn watching(latch: Latch<T, W>) -> Self {
        Self {
            latch,
            known: heapless::Vec::new(),
            orders: Orders::NONE,
            outstanding: None,
            sent: heapless::Deque::new(),
            proof: Proof::NONE,
            evidence: false,
            loops: 0,
            drained: 0,
            now: 0,
        }
    }

    /// The latch, to look at.
    #[must_use]
    pub const fn latch(&self) -> &Latch<T, W> {
        &self.latch
    }

    /// A number that tells whether two latches are in the same state.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Fingerprint::new();
        self.latch.fingerprint(&mut hasher);
        hasher.finish()
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            state: self.latch.state(),
            generation: self.latch.generation(),
            version: self.latch.machine().version,
            session: self.latch.machine().session.is_some(),
        }
    }

    /// [`Latch::handle`], checked.
    ///
    /// Time passes first, on its own, so that what the event changes can be told from what the time changed; the
    /// latch does the same inside.
    ///
    /// # Errors
    ///
    /// A broken promise; what the latch itself answered is inside.
    pub fn handle(
        &mut self,
        now: Now,
        event: Event<'_>,
    ) -> Result<Result<Outcome, Rejected>, Violation> {
        self.drained = 0;
        self.pass_time(now)?;
        let (fingerprint, before) = (self.fingerprint(), self.seen());
        let waiting = self.latch.waiting();
        let told = self.latch.handle(now, event);
        match told {
            Err(rejected) => {
                ensure(
                    self.fingerprint() == fingerprint,
                    Promise::P14,
                    "a refused call changed something",
                )?;
                self.check_rejected(&event, rejected, waiting)?;
            }
            Ok(outcome) => {
                if let Outcome::Stale | Outcome::Orphaned = outcome {
                    ensure(
                        self.fingerprint() == fingerprint,
                        Promise::P4,
                        "a stale answer changed something",
                    )?;
                } else {
                    self.check_ticket(&event)?;
                    self.note(&event, outcome, before)?;
                }
                self.look(before)?;
            }
        }
        Ok(told)
    }

    fn pass_time(&mut self, now: Now) -> Result<(), Violation> {
        let before = self.seen();
        let told = self.latch.handle(now, Event::TimeoutReached);
        self.now = self.latch.machine().clock.now;
        ensure(
            told == Ok(Outcome::Done),
            Promise::P15,
            "a timeout was refused",
        )?;
        self.look(before)?;
        self.check_progress()
    }

    fn check_progress(&self) -> Result<(), Violation> {
        let next = self.latch.poll_timeout();
        ensure(
            next.is_none_or(|at| at.as_millis() > self.now),
            Promise::P15,
            "a timeout made no progress",
        )
    }

    /// [`Latch::poll_effect`], checked.
    ///
    /// # Errors
    ///
    /// A broken promise.
    pub fn poll_effect(&mut self) -> Result<Option<Effect>, Violation> {
        let Some(effect) = self.latch.poll_effect() else {
            return Ok(None);
        };
        self.drained = self.drained.saturating_add(1);
        ensure(
            self.drained <= W.saturating_add(16),
            Promise::P14,
            "more effects than a step may have",
        )?;
        self.check_effect(effect)?;
        Ok(Some(effect))
    }

    /// [`Latch::permit`], checked.
    ///
    /// # Errors
    ///
    /// A broken promise; what the latch itself answered is inside.
    pub fn permit(
        &mut self,
        now: Now,
        waiter: Waiter,
    ) -> Result<Result<Permit<'_>, PermitError>, Violation> {
        self.drained = 0;
        self.pass_time(now)?;
        let known = self
            .known
            .iter()
            .find(|known| known.waiter == waiter)
            .copied();
        let open = self.latch.machine().is_open();
        let receipt = match self.latch.permit(now, waiter) {
            Ok(permit) => {
                let (receipt, token) = (permit.receipt(), permit.token().len());
                self.check_permit(known, open, receipt, token)?;
                receipt
            }
            Err(PermitError::NotReady) => {
                ensure(
                    known.is_some(),
                    Promise::P8,
                    "a request that never came is said to wait",
                )?;
                return Ok(Err(PermitError::NotReady));
            }
            Err(PermitError::Unknown) => {
                ensure(
                    known.is_none(),
                    Promise::P8,
                    "a waiting request was forgotten",
                )?;
                return Ok(Err(PermitError::Unknown));
            }
            Err(refused) => {
                self.end(waiter)?;
                return Ok(Err(refused));
            }
        };
        self.end(waiter)?;
        Ok(Ok(self.latch.permit_with(receipt)))
    }
}

#[cfg(test)]
pub(super) mod tests;
