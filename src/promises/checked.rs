//! A latch under watch: what it was told and what it gave are noted, and each call is checked.

use super::Promise;
use super::Violation;
use super::ensure;
use super::fingerprint::Fingerprint;
use crate::challenge::ChallengeKind;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Credential;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Access;
use crate::event::Event;
use crate::event::ProbeResult;
use crate::event::Ticket;
use crate::grant::Generation;
use crate::latch::Latch;
use crate::permit::Permit;
use crate::renewal::TokenFailure;
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

    /// Takes note of an event that was taken, and checks what it must have done.
    fn note(&mut self, event: &Event<'_>, outcome: Outcome, before: Seen) -> Result<(), Violation> {
        match *event {
            Event::LoginStarted => {
                self.outstanding = None;
                let Outcome::Login(ticket) = outcome else {
                    return ensure(false, Promise::P4, "a login began without a ticket");
                };
                self.orders.login = Some(ticket);
            }
            Event::Granted { ticket, .. } => {
                if self.orders.login == Some(ticket) {
                    self.orders.login = None;
                    self.loops = 0;
                }
                self.outstanding = None;
                self.proof = Proof::NONE;
                self.evidence = false;
            }
            Event::TokenFailed {
                ticket, failure, ..
            } => {
                if self.orders.login != Some(ticket) {
                    self.outstanding = None;
                    self.evidence |= failure == TokenFailure::InvalidGrant;
                }
            }
            Event::Stored { .. } => self.proof.stored = true,
            Event::Loaded { record, .. } => self.note_loaded(record.unwrap_or_default(), before)?,
            Event::Probed { result, .. } => {
                if result == ProbeResult::Accepted {
                    self.proof.probed = true;
                    self.loops = 0;
                } else {
                    self.evidence |= self.latch.config().credential == Credential::Ambient;
                }
            }
            Event::AccessRequested { waiter, access } => {
                if outcome == Outcome::Admitted {
                    self.admit(waiter, access, before)?;
                }
            }
            Event::WaiterCancelled { waiter } => self.end(waiter)?,
            Event::Answered {
                status,
                challenge,
                receipt,
            } => self.note_answer(status, challenge, receipt, before)?,
            Event::LogoutRequested => self.note_logout(before)?,
            _ => {}
        }
        ensure(
            self.known.len() == self.latch.waiting(),
            Promise::P8,
            "a request was lost or doubled",
        )
    }

    fn note_loaded(&mut self, record: &[u8], before: Seen) -> Result<(), Violation> {
        self.proof.read_back |= self.proof.stored;
        let machine = self.latch.machine();
        let adopted = machine.session.is_some() && machine.version > before.version;
        match crate::record::inspect(record) {
            crate::record::StoreContent::Tombstone(_) => self.evidence = true,
            crate::record::StoreContent::Session(_) => {
                if adopted {
                    self.proof = Proof {
                        from_store: true,
                        ..Proof::NONE
                    };
                    self.evidence = false;
                    self.loops = 0;
                }
            }
            crate::record::StoreContent::Absent | crate::record::StoreContent::Corrupt(_) => {
                let kept = before.session == self.latch.machine().session.is_some();
                let ambient = self.latch.config().credential == Credential::Ambient;
                // After a refused refresh token the recheck finds nothing better, and that ends the session.
                ensure(
                    kept || self.evidence || ambient,
                    Promise::P12,
                    "bytes that are no record changed the session",
                )?;
            }
        }
        Ok(())
    }

    fn admit(&mut self, waiter: Waiter, access: Access, before: Seen) -> Result<(), Violation> {
        let sign_in = match before.state {
            State::Ready | State::Refreshing => Some(self.latch.machine().since),
            _ => None,
        };
        let before = match access {
            Access::Retry(receipt) => Some(receipt),
            _ => None,
        };
        let room = self.known.push(Known {
            waiter,
            sign_in,
            before,
            released: false,
        });
        ensure(
            room.is_ok(),
            Promise::P8,
            "more requests admitted than there is room for",
        )
    }

    fn note_answer(
        &mut self,
        status: u16,
        challenge: ChallengeKind,
        receipt: Receipt,
        before: Seen,
    ) -> Result<(), Violation> {
        let machine = self.latch.machine();
        if (200..400).contains(&status) && receipt.version() == before.version {
            self.loops = 0;
        }
        let began = before.state == State::Ready && self.latch.state() == State::Refreshing;
        if !began {
            return Ok(());
        }
        ensure(
            status == 401,
            Promise::P9,
            "something else than a 401 began a renewal",
        )?;
        let helpless = matches!(
            challenge,
            ChallengeKind::InsufficientScope | ChallengeKind::InsufficientUserAuthentication
        );
        ensure(!helpless, Promise::P9, "a renewal that can't help")?;
        ensure(
            receipt.version() == before.version,
            Promise::P9,
            "a late 401 began a renewal",
        )?;
        let accepted = machine
            .session
            .as_ref()
            .is_some_and(|session| session.accepted);
        if !accepted {
            self.loops = self.loops.saturating_add(1);
        }
        ensure(
            self.loops <= 1,
            Promise::P9,
            "a refresh loop of tokens that were never accepted",
        )
    }

    /// P6, on return of the call.
    fn note_logout(&mut self, before: Seen) -> Result<(), Violation> {
        let machine = self.latch.machine();
        ensure(
            self.latch.state() == State::Unauthenticated,
            Promise::P6,
            "signed out and not Unauthenticated",
        )?;
        ensure(
            !self.latch.holds_secret(),
            Promise::P6,
            "signed out and a secret is left",
        )?;
        ensure(
            self.latch.subject().is_none(),
            Promise::P6,
            "signed out and the subject is left",
        )?;
        let refused = machine
            .waiters
            .iter()
            .all(|slot| matches!(slot.fate, crate::waiters::Fate::Refused(_)));
        ensure(refused, Promise::P6, "signed out and a request still waits")?;
        self.evidence = true;
        self.outstanding = None;
        if before.state != State::Unauthenticated {
            // Nothing asked before may come back: no ticket of before is known any more.
            self.orders = Orders {
                revocation: self.orders.revocation,
                lease: self.orders.lease,
                ..Orders::NONE
            };
        }
        Ok(())
    }

    pub(super) fn end(&mut self, waiter: Waiter) -> Result<(), Violation> {
        let before = self.known.len();
        self.known.retain(|known| known.waiter != waiter);
        ensure(
            self.known.len() < before,
            Promise::P8,
            "a request ended twice, or never came",
        )
    }
}

#[cfg(test)]
pub(super) mod tests;
