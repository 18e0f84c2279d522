//! The promises as code: what tests, fuzzers and explorers check after every step.
//!
//! [`Checked`] drives a latch and watches it from outside. It knows what it was told and what it was given, and
//! compares; only for what must *not* be there (secrets, changes after a refusal) does it look inside. A host may
//! run its own tests through it: it needs no heap either.

use core::fmt;
use core::hash::Hasher;

use crate::challenge::ChallengeKind;
use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Confirmation;
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
use crate::latch::Permit;
use crate::renewal::TokenFailure;
use crate::state::State;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

macro_rules! promises {
    ($($name:ident $title:literal $text:literal;)*) => {
        /// The promises of the latch, by number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// FNV-1a: the same on every host.
struct Fingerprint(u64);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// One admitted request, as the watcher knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    waiter: Waiter,
    /// The sign-in it was admitted under; `None` if nobody was signed in.
    sign_in: Option<u32>,
    /// The receipt of the attempt before.
    before: Option<Receipt>,
    released: bool,
}

/// The orders under way, as the host knows them.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    login: Option<Ticket>,
    /// The last one given out; its late answer may still be good.
    exchange: Option<Ticket>,
    load: Option<Ticket>,
    store: Option<Ticket>,
    probe: Option<Ticket>,
    lease: Option<Ticket>,
    revocation: Option<Ticket>,
}

/// What confirmed the credential since it came.
#[derive(Debug, Clone, Copy, Default)]
struct Proof {
    stored: bool,
    read_back: bool,
    probed: bool,
    from_store: bool,
}

/// What can be seen before and after a call.
#[derive(Debug, Clone, Copy)]
struct Seen {
    state: State,
    generation: Generation,
    version: u32,
    session: bool,
}

/// Token requests remembered for P10; a larger budget is checked up to this many.
const REMEMBERED: usize = 32;

/// A latch under watch: the same calls, each checked.
pub struct Checked<const T: usize, const W: usize> {
    latch: Latch<T, W>,
    known: heapless::Vec<Known, W>,
    orders: Orders,
    /// Deadline of the token request that was not yet answered.
    outstanding: Option<u64>,
    sent: heapless::Deque<u64, REMEMBERED>,
    proof: Proof,
    /// Something was told that may end a session.
    evidence: bool,
    /// Renewals begun by the refusal of tokens never accepted, in a row.
    loops: u8,
    /// Effects since the last event.
    drained: usize,
    now: u64,
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
        Ok(Self {
            latch: Latch::new(config, seed)?,
            known: heapless::Vec::new(),
            orders: Orders::default(),
            outstanding: None,
            sent: heapless::Deque::new(),
            proof: Proof::default(),
            evidence: false,
            loops: 0,
            drained: 0,
            now: 0,
        })
    }

    /// The latch, to look at.
    #[must_use]
    pub const fn latch(&self) -> &Latch<T, W> {
        &self.latch
    }

    /// A number that tells whether two latches are in the same state.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Fingerprint(0xcbf2_9ce4_8422_2325);
        self.latch.fingerprint(&mut hasher);
        hasher.finish()
    }

    fn seen(&self) -> Seen {
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
        let next = self
            .latch
            .poll_timeout()
            .map(crate::time::Instant::as_millis);
        ensure(
            next.is_none_or(|at| at > self.now),
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

    /// P1, P7, P9 at the moment a request leaves.
    fn check_permit(
        &self,
        known: Option<Known>,
        open: bool,
        receipt: Receipt,
        token: usize,
    ) -> Result<(), Violation> {
        ensure(open, Promise::P1, "a permit while the gate is closed")?;
        self.check_gate()?;
        if self.latch.config().credential == Credential::Token {
            ensure(token > 0, Promise::P1, "a permit without a token")?;
        }
        let Some(known) = known else {
            return ensure(
                false,
                Promise::P8,
                "a permit for a request that does not wait",
            );
        };
        ensure(
            known.released,
            Promise::P8,
            "a permit for a request that was not released",
        )?;
        if let Some(sign_in) = known.sign_in {
            ensure(
                sign_in == self.latch.machine().since,
                Promise::P7,
                "a request leaves under another sign-in",
            )?;
        }
        ensure(
            receipt.attempt() <= self.latch.config().max_attempts,
            Promise::P9,
            "more attempts than allowed",
        )?;
        let Some(before) = known.before else {
            return ensure(
                receipt.attempt() == 1,
                Promise::P9,
                "a first attempt is not counted as such",
            );
        };
        ensure(
            receipt.attempt() == before.attempt().saturating_add(1),
            Promise::P9,
            "an attempt was not counted",
        )?;
        if receipt.version() == before.version() {
            ensure(
                !before.is_again(),
                Promise::P9,
                "a request is retried twice under one generation",
            )?;
            return ensure(
                receipt.is_again(),
                Promise::P9,
                "a retry under the same generation is not marked",
            );
        }
        Ok(())
    }

    /// P1: what an open gate implies.
    fn check_gate(&self) -> Result<(), Violation> {
        let serving = self.latch.config().serve_while_refreshing;
        match self.latch.state() {
            State::Ready => {}
            State::Refreshing => ensure(
                serving,
                Promise::P1,
                "open while refreshing, and the host did not ask for it",
            )?,
            _ => return ensure(false, Promise::P1, "the gate is open in a closed state"),
        }
        let alive = self
            .latch
            .expires_at()
            .is_none_or(|at| at.as_millis() > self.now);
        ensure(alive, Promise::P1, "the gate is open with an expired token")?;
        let refused = self
            .latch
            .machine()
            .session
            .as_ref()
            .is_none_or(|session| session.refused);
        ensure(
            !refused,
            Promise::P1,
            "the gate is open with a refused token",
        )
    }

    fn check_rejected(
        &self,
        event: &Event<'_>,
        rejected: Rejected,
        waiting: usize,
    ) -> Result<(), Violation> {
        match rejected {
            Rejected::QueueFull => ensure(waiting == W, Promise::P8, "full with room left"),
            Rejected::DuplicateWaiter => {
                let Event::AccessRequested { waiter, .. } = event else {
                    return ensure(false, Promise::P8, "not a request");
                };
                ensure(
                    self.known.iter().any(|known| known.waiter == *waiter),
                    Promise::P8,
                    "not a duplicate",
                )
            }
            _ => Ok(()),
        }
    }

    /// P4: only an answer to an order under way is taken.
    fn check_ticket(&self, event: &Event<'_>) -> Result<(), Violation> {
        let orders = &self.orders;
        let (known, ticket) = match *event {
            Event::Granted { ticket, .. } | Event::TokenFailed { ticket, .. } => {
                ([orders.login, orders.exchange], ticket)
            }
            Event::Loaded { ticket, .. } | Event::LoadFailed { ticket } => {
                ([orders.load, None], ticket)
            }
            Event::Stored { ticket } | Event::StoreFailed { ticket } => {
                ([orders.store, None], ticket)
            }
            Event::Probed { ticket, .. } => ([orders.probe, None], ticket),
            Event::LeaseGranted { ticket }
            | Event::LeaseDenied { ticket }
            | Event::LeaseLost { ticket } => ([orders.lease, None], ticket),
            Event::Revoked { ticket } | Event::RevokeFailed { ticket } => {
                ([orders.revocation, None], ticket)
            }
            _ => return Ok(()),
        };
        ensure(
            known.contains(&Some(ticket)),
            Promise::P4,
            "an answer with an unknown id was taken",
        )
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
                self.proof = Proof::default();
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
                        ..Proof::default()
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
                ..Orders::default()
            };
        }
        Ok(())
    }

    fn end(&mut self, waiter: Waiter) -> Result<(), Violation> {
        let before = self.known.len();
        self.known.retain(|known| known.waiter != waiter);
        ensure(
            self.known.len() < before,
            Promise::P8,
            "a request ended twice, or never came",
        )
    }

    fn check_effect(&mut self, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Load { ticket } => self.orders.load = Some(ticket),
            Effect::Store { ticket } => self.orders.store = Some(ticket),
            Effect::AcquireLease { ticket } => self.orders.lease = Some(ticket),
            Effect::Probe { ticket } => self.orders.probe = Some(ticket),
            Effect::Revoke { ticket } => self.orders.revocation = Some(ticket),
            Effect::SendTokenRequest { ticket, .. } => self.check_sending(ticket)?,
            Effect::Refuse { waiter, .. } => self.end(waiter)?,
            Effect::Release { waiter } => self.check_release(waiter)?,
            Effect::StateChanged { .. }
            | Effect::Announce
            | Effect::ReleaseLease { .. }
            | Effect::RequireLogin { .. } => {}
        }
        Ok(())
    }

    /// P3 and P10.
    fn check_sending(&mut self, ticket: Ticket) -> Result<(), Violation> {
        let alone = self.outstanding.is_none_or(|deadline| deadline <= self.now);
        ensure(
            alone,
            Promise::P3,
            "a second token request while one is outstanding",
        )?;
        let deadline = self.latch.machine().phase_deadline();
        self.outstanding = Some(deadline);
        self.orders.exchange = Some(ticket);
        let config = self.latch.config();
        let sent = deadline.saturating_sub(u64::from(config.token_timeout_ms));
        if self.sent.is_full() {
            self.sent.pop_front();
        }
        let _ = self.sent.push_back(sent);
        let window = u64::from(config.budget_window_ms);
        let recent = self
            .sent
            .iter()
            .filter(|at| sent.saturating_sub(**at) < window)
            .count();
        ensure(
            recent <= usize::from(config.budget),
            Promise::P10,
            "more token requests than the budget",
        )
    }

    fn check_release(&mut self, waiter: Waiter) -> Result<(), Violation> {
        ensure(
            self.latch.machine().is_open(),
            Promise::P1,
            "a release while the gate is closed",
        )?;
        self.check_gate()?;
        for known in &mut self.known {
            if known.waiter == waiter {
                known.released = true;
                return Ok(());
            }
            // A retry with the same, fresh token waits a little and lets others pass.
            let passed = known.released || known.before.is_some();
            ensure(
                passed,
                Promise::P8,
                "a request was released before an earlier one",
            )?;
        }
        ensure(
            false,
            Promise::P8,
            "a release for a request that does not wait",
        )
    }

    /// What must hold after every call.
    fn look(&self, before: Seen) -> Result<(), Violation> {
        let after = self.seen();
        ensure(
            after.generation >= before.generation,
            Promise::P5,
            "the generation went back",
        )?;
        ensure(
            after.version >= before.version,
            Promise::P5,
            "the credential's number went back",
        )?;
        if before.session && !after.session {
            ensure(
                self.evidence,
                Promise::P11,
                "a session ended without evidence",
            )?;
            ensure(
                !self.latch.holds_secret(),
                Promise::P6,
                "a session ended and a secret is left",
            )?;
        }
        if after.state == State::Ready && before.state != State::Ready {
            self.check_confirmed()?;
        }
        if let State::Pending | State::Refreshing = after.state {
            ensure(
                self.latch.poll_timeout().is_some(),
                Promise::P15,
                "an order without a deadline",
            )?;
        }
        if self.latch.machine().is_open() {
            self.check_gate()?;
        }
        Ok(())
    }

    /// P2, when the gate opens.
    fn check_confirmed(&self) -> Result<(), Violation> {
        let config = self.latch.config();
        let Proof {
            stored,
            read_back,
            probed,
            from_store,
        } = self.proof;
        if config.confirmation == Confirmation::Probed {
            ensure(probed, Promise::P2, "ready without a probe")?;
        }
        if !config.store || from_store || self.latch.is_volatile() {
            return Ok(());
        }
        match config.confirmation {
            Confirmation::Memory => Ok(()),
            Confirmation::Stored => ensure(
                stored,
                Promise::P2,
                "ready, not stored, and not said to be volatile",
            ),
            Confirmation::ReadBack | Confirmation::Probed => ensure(
                read_back,
                Promise::P2,
                "ready, not read back, and not said to be volatile",
            ),
        }
    }
}
