//! Private, outside of semver: the form in which two latches that behave alike are equal.
//!
//! The exhaustive exploration rewrites a latch into this form after each step and goes on from there. Times stand
//! relative to now, and what is over counts as 0; tickets, versions and nonces are numbered anew in their order, each
//! together with the messages that are under way; what nothing reads any more is set to one value.

/// Ends a check with the number of what is broken.
macro_rules! must {
    ($number:literal, $condition:expr) => {
        if !$condition {
            return $number;
        }
    };
}

mod any;
mod input;
mod invariant;
mod proof;
mod queue;
mod told;

use core::hash::Hash;
use core::hash::Hasher;

use crate::config::Config;
use crate::config::Credential;
use crate::grant::Part;
use crate::latch::Latch;
use crate::machine::Machine;
use crate::machine::Revocation;
use crate::record;
use crate::renewal::Budget;
use crate::renewal::Random;
use crate::session::Session;
use crate::state::Expired;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::sync::Stage;
use crate::time::Clock;
use crate::time::NEVER;
use crate::trace::Trace;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use crate::why::Cause;

pub use any::Case;
pub use any::EVENTS;
pub use any::PHASES;
pub use any::SYNCS;
pub use any::Source;
pub use proof::Broken;
pub use proof::Call;
pub use proof::check;
pub use queue::OPERATIONS;
pub use queue::check as check_queue;

/// The first ticket of a latch in canonical form: smaller ones are certainly old.
pub const FIRST_TICKET: u32 = 16;

/// How long after the grace a mark's time is kept, in milliseconds.
const MARKS_DIFFER: u64 = 8;

/// How the clocks are moved.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "private")]
pub struct Move {
    /// The monotonic clock now.
    pub monotonic: u64,
    /// By how much more it went while nobody was told: beyond every deadline, so that it makes no difference.
    pub skipped: u64,
    /// What it shall say.
    pub to_monotonic: u64,
    /// The wall clock now; 0 if there is none.
    pub wall: u64,
    /// What it shall say.
    pub to_wall: u64,
    /// By how much it may still be set back.
    pub back: u64,
    /// No lifetime and no grace is longer.
    pub horizon: u64,
}

impl Move {
    fn moved(&self, time: u64) -> u64 {
        time.wrapping_sub(self.monotonic)
            .wrapping_add(self.to_monotonic)
    }

    fn moved_wall(&self, time: u64) -> u64 {
        time.wrapping_sub(self.wall).wrapping_add(self.to_wall)
    }

    /// Whether a wall-clock time lies so far back that no setting of the clock makes it count again.
    fn is_over(&self, wall: u64) -> bool {
        wall.saturating_add(self.back) <= self.wall
    }

    fn debt(&self, saved: &mut u64, debt: &mut u64) {
        if *saved > 0 && !self.is_over(saved.saturating_add(*debt)) {
            *saved = self.moved_wall(*saved);
        } else {
            (*saved, *debt) = (0, 0);
        }
    }

    fn lifetime(&self, issued: &mut u64, expires: &mut u64) {
        if *expires == 0 {
            return;
        }
        let length = expires.saturating_sub(*issued);
        if self.is_over(*expires) {
            (*issued, *expires) = (1, length.saturating_add(1));
        } else {
            (*issued, *expires) = (self.moved_wall(*issued), self.moved_wall(*expires));
        }
    }

    fn sent(&self, sent: bool, sent_wall: &mut u64, grace: u32) {
        if *sent_wall == 0 {
            return;
        }
        // Two marks are told apart by their times for a while after the grace too.
        let counts = u64::from(grace).saturating_add(MARKS_DIFFER);
        let over = self.is_over(sent_wall.saturating_add(counts));
        if sent && !over {
            *sent_wall = self.moved_wall(*sent_wall);
        } else {
            *sent_wall = 0;
        }
    }
}

/// Rewrites a record; its length, or `None` for bytes that are no record.
pub fn rewrite_record(
    bytes: &[u8],
    buffer: &mut [u8],
    clocks: &Move,
    grace: u32,
    nonces: &mut dyn FnMut(&mut u32),
) -> Option<usize> {
    let mut record = record::decode(bytes).ok()?;
    let facts = &mut record.facts;
    nonces(&mut facts.stamp.origin);
    nonces(&mut facts.stamp.nonce);
    clocks.debt(&mut facts.saved_wall, &mut facts.debt);
    clocks.lifetime(&mut facts.issued_wall, &mut facts.expires_wall);
    clocks.sent(facts.sent, &mut facts.sent_wall, grace);
    record::encode(&record, buffer)
}

/// Shows each nonce of a record.
pub fn each_nonce(bytes: &[u8], f: &mut dyn FnMut(&mut u32)) {
    if let Ok(mut record) = record::decode(bytes) {
        f(&mut record.facts.stamp.origin);
        f(&mut record.facts.stamp.nonce);
    }
}

/// What a record says: the order of its sign-in and renewal, and its access token.
#[must_use]
pub fn recorded(bytes: &[u8]) -> Option<((u32, bool, u32), &str)> {
    let record = record::decode(bytes).ok()?;
    let stamp = record.facts.stamp;
    let order = (stamp.sign_in, stamp.live, stamp.serial);
    Some((order, record.grant.access_token))
}

impl<const T: usize, const W: usize> Latch<T, W> {
    pub(crate) fn fork(&self) -> Self {
        let mut fork = Self::with_machine(self.machine.clone());
        fork.access.set(self.access.expose());
        fork.revocation.set(self.revocation.expose());
        fork.rest.copy(&self.rest);
        fork.token_type = self.token_type;
        fork
    }

    const fn with_machine(machine: Machine<W>) -> Self {
        Self {
            machine,
            access: crate::grant::Secret::new(),
            rest: crate::grant::Rest::new(),
            revocation: crate::grant::SecretBytes::new(),
            token_type: crate::grant::TokenType::Bearer,
            idle_until: 0,
            orders: crate::idle::Orders::Unknown,
            trace: Trace::new(),
        }
    }

    /// Whether a renewal can be had: there is a refresh token, and it is not known to be used up.
    #[doc(hidden)]
    #[must_use]
    pub fn can_renew(&self) -> bool {
        let lost = self
            .machine
            .session
            .as_ref()
            .is_none_or(|session| session.lost);
        self.machine.is_renewable() && !lost
    }

    /// The access token, for the explorer's own checks.
    #[doc(hidden)]
    #[must_use]
    pub fn exposed(&self) -> &[u8] {
        self.access.expose().as_bytes()
    }

    pub(crate) fn each_token(&mut self, f: &mut dyn FnMut(&mut [u8])) {
        let refresh = self.rest.get(Part::RefreshToken).len();
        self.access.rewrite(f);
        if let Some(refresh) = self.rest.bytes().get_mut(..refresh) {
            f(refresh);
        }
        f(self.revocation.bytes());
    }

    pub(crate) fn hash_bytes(&self, hasher: &mut impl Hasher) {
        self.access.expose().hash(hasher);
        self.rest.hash(hasher);
        self.revocation.expose().hash(hasher);
    }
}

impl<const W: usize> Machine<W> {
    pub(crate) fn each_order(&mut self, f: &mut dyn FnMut(&mut Order)) {
        if let Some(sync) = &mut self.sync {
            match &mut sync.stage {
                Stage::Leasing => {}
                Stage::Loading(order) | Stage::Storing(order) | Stage::ReadingBack(order) => {
                    f(order);
                }
            }
        }
        if let crate::lease::Lease::Asked(order) = &mut self.lease {
            f(order);
        }
        match &mut self.phase {
            Phase::Pending(Pending::LoggingIn(order) | Pending::Probing(order))
            | Phase::Refreshing(Refreshing::Exchanging(order, _) | Refreshing::Probing(order)) => {
                f(order);
            }
            _ => {}
        }
        if let Revocation::Ordered { order, .. } = &mut self.revocation {
            f(order);
        }
    }

    /// Every ticket whose answer may be taken now.
    pub(crate) fn each_ticket(&mut self, f: &mut dyn FnMut(&mut u32)) {
        self.each_order(&mut |order| f(&mut order.ticket));
        if let crate::lease::Lease::Held { ticket, .. } = &mut self.lease {
            f(ticket);
        }
    }

    pub(crate) const fn nonces(&self) -> [u32; 3] {
        [self.stamp.origin, self.stamp.nonce, self.debt_seen.nonce]
    }

    pub(crate) fn each_nonce(&mut self, f: &mut dyn FnMut(&mut u32)) {
        f(&mut self.stamp.origin);
        f(&mut self.stamp.nonce);
        f(&mut self.debt_seen.nonce);
    }

    pub(crate) fn move_clocks(&mut self, clocks: &Move) {
        let now = self.clock.now;
        let later = |time: &mut u64| {
            if *time == NEVER {
                return;
            }
            *time = if *time > now { clocks.moved(*time) } else { 0 };
        };
        self.each_order(&mut |order| order.deadline = clocks.moved(order.deadline));
        if let Revocation::Waiting { at, .. } = &mut self.revocation {
            later(at);
        }
        for slot in self.waiters.slots() {
            slot.until = clocks.moved(slot.until);
        }
        later(&mut self.save_at);
        later(&mut self.budget.arrival);
        clocks.debt(&mut self.debt_seen.saved, &mut self.debt_seen.debt);
        let Clock {
            now: read,
            wall,
            offset,
        } = &mut self.clock;
        *read = clocks.moved(*read);
        if let Some(offset) = offset {
            let monotonic = clocks.monotonic.wrapping_add(clocks.skipped);
            let before = clocks.wall.wrapping_sub(monotonic);
            let after = clocks.to_wall.wrapping_sub(clocks.to_monotonic);
            *offset = offset.wrapping_sub(before).wrapping_add(after);
        }
        // Read anew before anything uses it.
        *wall = u64::from(*wall > 0);
        let config = self.config;
        if let Some(session) = &mut self.session {
            session.move_clocks(clocks, now, &config, later);
        }
    }

    /// What nothing reads any more, and counters beyond where they count.
    pub(crate) fn forget(&mut self) {
        self.random = Random(0);
        let enough = doublings(&self.config);
        self.save_failures = self.save_failures.min(enough);
        let config = self.config;
        if let Some(session) = &mut self.session {
            session.failures = session.failures.min(enough);
            session.probes = session.probes.min(enough.max(1));
            session.unaccepted = session.unaccepted.min(2);
            if !session.lost {
                session.reread = false;
            }
            let login_required = matches!(self.phase, Phase::Expired(Expired::LoginRequired(_)));
            if config.credential == Credential::Token && !login_required {
                self.ended = Cause::NotSignedIn;
            }
        }
        if !config.store {
            // Only records are compared with the generation.
            self.ended_serial = 0;
            self.stamp = Stamp {
                sign_in: self.stamp.sign_in.min(1),
                live: self.stamp.live,
                ..Stamp::default()
            };
        }
    }

    pub(crate) fn hash_without_config(&self, hasher: &mut impl Hasher) {
        let Self {
            config: _,
            phase,
            session,
            stamp,
            ended_serial,
            sync,
            lease,
            revocation,
            waiters,
            budget: Budget { arrival },
            debt_seen,
            clock,
            random,
            next_ticket,
            first_ticket,
            version,
            since,
            save_at,
            save_failures,
            dirty,
            unbound,
            look,
            offline,
            announce,
            release,
            login,
            login_told,
            ended,
            told,
            bytes,
        } = self;
        (phase, session, stamp, ended_serial, sync, lease).hash(hasher);
        (revocation, waiters, arrival, clock, random).hash(hasher);
        (next_ticket, first_ticket, version, since, debt_seen).hash(hasher);
        (save_at, save_failures, dirty, unbound, look, offline).hash(hasher);
        (announce, release, login, login_told, ended, told, bytes).hash(hasher);
    }
}

impl Session {
    fn move_clocks(&mut self, clocks: &Move, now: u64, config: &Config, later: impl Fn(&mut u64)) {
        later(&mut self.expires_at);
        later(&mut self.refresh_at);
        later(&mut self.retry_at);
        later(&mut self.fresh_retry_at);
        let settled = self.accepted || self.restored;
        let age = now.saturating_sub(self.granted_at);
        self.granted_at = if settled || age >= u64::from(config.fresh_window_ms) {
            0
        } else {
            clocks.moved(self.granted_at)
        };
        let unsent = !self.sent && !self.lost;
        self.resend_until = if unsent || now.saturating_sub(self.resend_until) > clocks.horizon {
            0
        } else {
            clocks.moved(self.resend_until)
        };
        clocks.lifetime(&mut self.issued_wall, &mut self.expires_wall);
        clocks.sent(true, &mut self.sent_wall, config.reuse_grace_ms);
    }
}

/// After so many failures the back-off does not grow any more.
fn doublings(config: &Config) -> u8 {
    let mut enough = 0;
    while enough < 31
        && u64::from(config.backoff_base_ms) << enough < u64::from(config.backoff_cap_ms)
    {
        enough = u8::saturating_add(enough, 1);
    }
    enough
}

/// The canonical receipt: of an ended sign-in, of an earlier credential, or of this one.
pub(crate) fn receipt_class(receipt: Receipt, since: u32, version: u32) -> Receipt {
    let class = if receipt.version() < since {
        0
    } else if receipt.version() < version {
        1
    } else {
        class_of_version(since, version)
    };
    Receipt::new(class, receipt.attempt(), receipt.is_again())
}

/// The canonical number of the credential: 1, or 2 if it is not the first of its sign-in.
pub(crate) fn class_of_version(since: u32, version: u32) -> u32 {
    if version > since { 2 } else { version.min(1) }
}

/// Which request stands at which place of the queue.
pub type Places<const W: usize> = [Option<Waiter>; W];
