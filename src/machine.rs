//! The machine without the bytes: small, comparable and hashable, so that it can be explored on its own.

use crate::config::Config;
use crate::config::Renewal;
use crate::effect::Effect;
use crate::effect::GrantType;
use crate::event::Ticket;
use crate::lease::Lease;
use crate::renewal::Budget;
use crate::renewal::Random;
use crate::session::Session;
use crate::session::Trouble;
use crate::state::Expired;
use crate::state::Gate;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::Stamp;
use crate::state::State;
use crate::state::Unauthenticated;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::time::Clock;
use crate::time::NEVER;
use crate::waiters::Fate;
use crate::waiters::Waiters;
use crate::why::Cause;

/// What a grant's bytes are against those that the latch has.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// Its refresh token differs from the one we have.
    pub(crate) rotated: bool,
    /// Its subject differs from the one we have.
    pub(crate) other_subject: bool,
}

/// What the latch must do with the bytes after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bytes {
    Keep,
    /// Take the grant, dropping what it does not replace.
    TakeGrant,
    /// Take the grant; what it leaves out stays as it was (RFC 6749 6).
    MergeGrant,
    TakeRecord,
    /// The record's token goes to the revocation slot.
    RevokeFound,
    /// The session's token goes to the revocation slot, the rest is wiped.
    Revoke,
    Wipe,
    DropRefresh,
}

/// The revocation of a signed-out session's token, beside everything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Revocation {
    Waiting { tries: u8, at: u64 },
    Ordered { tries: u8, order: Order },
    None,
}

/// What tells that a record was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Seen {
    pub(crate) saved: u64,
    pub(crate) nonce: u32,
    pub(crate) debt: u64,
}

/// In this order in memory: on Thumb a byte is reached with a short instruction up to offset 31, a word up to 124. So what
/// the code reads most stands first. Nowhere do more than sixteen bytes begin as zero one behind the other, nor is a part
/// moved that holds more: the compiler's routines for both are as large as an eighth of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Machine<const W: usize> {
    /// The store does not hold what we have.
    pub(crate) dirty: bool,
    /// Our generation is provisional: it must come after whatever the store holds.
    pub(crate) unbound: bool,
    /// The store must be looked at before the gate opens.
    pub(crate) look: bool,
    pub(crate) offline: bool,
    pub(crate) login_told: bool,
    pub(crate) login: Option<Cause>,
    /// Why nobody is signed in.
    pub(crate) ended: Cause,
    pub(crate) bytes: Bytes,
    pub(crate) announce: bool,
    pub(crate) told: State,
    pub(crate) save_failures: u8,
    pub(crate) phase: Phase,
    pub(crate) next_ticket: u32,
    /// The local number of the credential, and of the first one of this sign-in.
    pub(crate) version: u32,
    pub(crate) since: u32,
    pub(crate) stamp: Stamp,
    /// Token requests with a smaller ticket belong to a sign-in that is over.
    pub(crate) first_ticket: u32,
    /// The renewals of the sign-in that ended last.
    pub(crate) ended_serial: u32,
    /// A lease to be given up; 0 for none.
    pub(crate) release: u32,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) lease: Lease,
    pub(crate) sync: Option<Sync>,
    pub(crate) session: Option<Session>,
    pub(crate) budget: Budget,
    pub(crate) random: Random,
    /// Of the record whose debt was taken over last.
    pub(crate) debt_seen: Seen,
    /// When the store is written again in the background, after how many failures.
    pub(crate) save_at: u64,
    pub(crate) revocation: Revocation,
    pub(crate) waiters: Waiters<W>,
}

impl<const W: usize> Machine<W> {
    pub(crate) const fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            phase: Phase::Unauthenticated(Unauthenticated::Unopened),
            session: None,
            stamp: Stamp {
                sign_in: 0,
                live: false,
                serial: 0,
                origin: 0,
                nonce: 0,
            },
            ended_serial: 0,
            sync: None,
            lease: Lease::Free,
            revocation: Revocation::None,
            waiters: Waiters::new(),
            budget: Budget::new(),
            debt_seen: Seen {
                nonce: 0,
                saved: 0,
                debt: 0,
            },
            clock: Clock::new(),
            random: Random(seed),
            next_ticket: 1,
            first_ticket: 1,
            version: 0,
            since: 1,
            save_at: 0,
            save_failures: 0,
            dirty: false,
            unbound: false,
            look: false,
            offline: false,
            announce: false,
            release: 0,
            login: None,
            login_told: false,
            ended: Cause::NotSignedIn,
            told: State::Unauthenticated,
            bytes: Bytes::Keep,
        }
    }

    pub(crate) const fn state(&self) -> State {
        self.phase.state()
    }

    /// Inlined, so that it is made where it belongs.
    #[inline(always)]
    pub(crate) fn order(&mut self, timeout_ms: u32) -> Order {
        Order {
            ticket: self.ticket(),
            deadline: self.clock.after(timeout_ms),
            told: false,
        }
    }

    #[inline(never)]
    fn ticket(&mut self) -> u32 {
        let ticket = self.next_ticket;
        // 0 is never given out, so that it can mean "none" to hosts that pass integers.
        self.next_ticket = self.next_ticket.wrapping_add(1).max(1);
        ticket
    }

    /// What is ordered from now on belongs to another sign-in than what was ordered before.
    pub(crate) const fn orphan_earlier_tickets(&mut self) {
        self.first_ticket = self.next_ticket;
    }

    /// Whether a permit may exist now (P1).
    pub(crate) fn is_open(&self) -> bool {
        match self.phase {
            Phase::Ready
            | Phase::Refreshing(
                Refreshing::Preparing(Gate::Serving) | Refreshing::Exchanging(_, Gate::Serving),
            ) => {}
            _ => return false,
        }
        self.session
            .as_ref()
            .is_some_and(|session| session.is_usable(self.clock.now))
    }

    /// The next order, or `None` until the next event.
    pub(crate) fn poll_effect(&mut self) -> Option<Effect> {
        if self.told != self.state() {
            self.told = self.state();
            return Some(Effect::StateChanged { state: self.told });
        }
        if let Some(effect) = self.poll_sync() {
            return Some(effect);
        }
        if self.announce {
            self.announce = false;
            return Some(Effect::Announce);
        }
        if self.release > 0 {
            return Some(Effect::ReleaseLease {
                ticket: Ticket(core::mem::take(&mut self.release)),
            });
        }
        if let Lease::Asked(order) = &mut self.lease {
            if let Some(ticket) = order.tell() {
                return Some(Effect::AcquireLease { ticket });
            }
        }
        if let Some(effect) = self.poll_phase() {
            return Some(effect);
        }
        if let Revocation::Ordered { order, .. } = &mut self.revocation {
            if let Some(ticket) = order.tell() {
                return Some(Effect::Revoke { ticket });
            }
        }
        if let Some(cause) = self.login.take() {
            return Some(Effect::RequireLogin { cause });
        }
        self.poll_waiters()
    }

    fn poll_sync(&mut self) -> Option<Effect> {
        match &mut self.sync.as_mut()?.stage {
            Stage::Leasing => None,
            Stage::Loading(order) | Stage::ReadingBack(order) => Some(Effect::Load {
                ticket: order.tell()?,
            }),
            Stage::Storing(order) => Some(Effect::Store {
                ticket: order.tell()?,
            }),
        }
    }

    fn poll_phase(&mut self) -> Option<Effect> {
        match &mut self.phase {
            Phase::Refreshing(Refreshing::Exchanging(order, _)) => {
                let grant_type = match self.config.renewal {
                    Renewal::RefreshToken => GrantType::RefreshToken,
                    Renewal::Login => GrantType::Login,
                };
                Some(Effect::SendTokenRequest {
                    ticket: order.tell()?,
                    grant_type,
                })
            }
            Phase::Pending(Pending::Probing(order))
            | Phase::Refreshing(Refreshing::Probing(order)) => Some(Effect::Probe {
                ticket: order.tell()?,
            }),
            _ => None,
        }
    }

    pub(crate) fn poll_waiters(&mut self) -> Option<Effect> {
        if let Some((waiter, cause)) = self.waiters.take_refused() {
            return Some(Effect::Refuse { waiter, cause });
        }
        if !self.is_open() {
            return None;
        }
        // A retry with the same, fresh token has to wait a little.
        let fresh_retry_at = self
            .session
            .as_ref()
            .map_or(NEVER, |session| session.fresh_retry_at);
        let now = self.clock.now;
        let waiter = self
            .waiters
            .release(|slot| !slot.again || fresh_retry_at <= now)?;
        Some(Effect::Release { waiter })
    }

    /// When `TimeoutReached` is due. The same as in `deadlines`.
    pub(crate) fn poll_timeout(&self) -> u64 {
        let save_at = if self.is_save_owed() {
            self.save_at
        } else {
            NEVER
        };
        let all = [
            self.waiters_at(),
            self.sync_deadline(),
            self.lease_deadline(),
            self.revocation_at(),
            save_at,
            self.phase_deadline(),
        ];
        all.into_iter().fold(NEVER, u64::min)
    }

    /// When the first request has waited too long, or may be tried again.
    fn waiters_at(&self) -> u64 {
        let again = match &self.session {
            Some(session) if session.fresh_retry_at > self.clock.now => session.fresh_retry_at,
            _ => NEVER,
        };
        let mut next = NEVER;
        for slot in self.waiters.iter() {
            if let Fate::Refused(_) = slot.fate {
                continue;
            }
            next = next.min(slot.until);
            if slot.again {
                next = next.min(again);
            }
        }
        next
    }

    pub(crate) fn sync_deadline(&self) -> u64 {
        match &self.sync {
            Some(Sync {
                stage: Stage::Loading(order) | Stage::ReadingBack(order) | Stage::Storing(order),
                ..
            }) => order.deadline,
            _ => NEVER,
        }
    }

    pub(crate) fn lease_deadline(&self) -> u64 {
        match &self.lease {
            Lease::Asked(order) => order.deadline,
            _ => NEVER,
        }
    }

    /// When the revocation is ordered, or counts as failed.
    pub(crate) fn revocation_at(&self) -> u64 {
        match &self.revocation {
            Revocation::Waiting { at, .. } if !self.offline => *at,
            Revocation::Ordered { order, .. } => order.deadline,
            _ => NEVER,
        }
    }

    /// When the phase itself must go on.
    pub(crate) fn phase_deadline(&self) -> u64 {
        match &self.phase {
            Phase::Pending(Pending::LoggingIn(order) | Pending::Probing(order))
            | Phase::Refreshing(Refreshing::Exchanging(order, _) | Refreshing::Probing(order)) => {
                order.deadline
            }
            Phase::Ready => match &self.session {
                Some(session) => session.wakes_at(self.can_attempt()),
                None => NEVER,
            },
            Phase::Expired(Expired::Retrying) => match &self.session {
                Some(session) if !self.offline => session.retry_at,
                _ => NEVER,
            },
            _ => NEVER,
        }
    }

    /// Whether a save waits in the background.
    fn is_save_owed(&self) -> bool {
        if self.sync.is_some() {
            return false;
        }
        if !self.dirty {
            return false;
        }
        !matches!(
            self.phase,
            Phase::Refreshing(_) | Phase::Pending(Pending::Probing(_))
        )
    }

    /// Whether a renewal could be sent if it were time.
    pub(crate) fn can_attempt(&self) -> bool {
        if self.offline {
            return false;
        }
        self.is_renewable()
    }

    /// Whether there is a way to renew at all (RFC 6749 6; hard parts 2.5).
    pub(crate) fn is_renewable(&self) -> bool {
        let Some(session) = &self.session else {
            return false;
        };
        if let Some(Trouble::Lasting(_)) = session.trouble {
            return false;
        }
        match self.config.renewal {
            Renewal::Login => true,
            Renewal::RefreshToken => self.has_fresh_refresh_token(session),
        }
    }

    fn has_fresh_refresh_token(&self, session: &Session) -> bool {
        if !session.has_refresh {
            return false;
        }
        if !session.lost {
            return true;
        }
        match session.rotation {
            crate::session::Rotation::Keeps => true,
            _ => self.clock.now < session.resend_until,
        }
    }

    pub(crate) fn is_volatile(&self) -> bool {
        if self.session.is_none() {
            return false;
        }
        if !self.config.store {
            return true;
        }
        self.dirty
    }
}

impl Order {
    /// Hands the order out once.
    #[inline(never)]
    fn tell(&mut self) -> Option<Ticket> {
        if self.told {
            return None;
        }
        self.told = true;
        Some(Ticket(self.ticket))
    }
}
