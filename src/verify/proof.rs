//! What each step must do besides keeping the invariant.

use super::any;
use super::any::Case;
use super::any::Source;
use super::input::Input;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::event::Access;
use crate::lease::Lease;
use crate::machine::Bytes;
use crate::machine::Machine;
use crate::machine::Revocation;
use crate::renewal::Random;
use crate::state::Order;
use crate::state::Pending;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::sync::Stage;
use crate::sync::Sync;
use crate::time::Now;
use crate::waiters::Fate;
use crate::waiters::Waiter;

/// What a step broke: 0 for nothing, else the number of a property.
pub type Broken = u32;

/// No call gives more orders than this, so that a ticket returns only after 2^32 less these.
const ORDERS: u32 = 8;

impl<const W: usize> Machine<W> {
    /// The same but for the configuration, which no call has a reason to look at.
    fn is_same(&self, other: &Self) -> bool {
        let parts = |machine: &Self| {
            (
                (
                    machine.version,
                    machine.since,
                    machine.next_ticket,
                    machine.first_ticket,
                ),
                (
                    machine.clock.now,
                    machine.clock.wall,
                    machine.clock.offset,
                    machine.random.0,
                ),
                (
                    machine.budget.arrival,
                    machine.debt_seen,
                    machine.save_at,
                    machine.save_failures,
                ),
                (
                    machine.dirty,
                    machine.unbound,
                    machine.look,
                    machine.offline,
                    machine.announce,
                ),
                (
                    machine.release,
                    machine.login,
                    machine.login_told,
                    machine.ended,
                    machine.told,
                ),
                (machine.bytes, machine.stamp, machine.ended_serial),
            )
        };
        parts(self) == parts(other)
            && self.phase == other.phase
            && self.session == other.session
            && self.sync == other.sync
            && self.lease == other.lease
            && self.revocation == other.revocation
            && self.waiters == other.waiters
    }

    fn exchanging(&self) -> Option<Order> {
        match self.phase {
            Phase::Refreshing(Refreshing::Exchanging(order, _)) => Some(order),
            _ => None,
        }
    }

    fn storing_order(&self) -> Option<u32> {
        match &self.sync {
            Some(Sync {
                stage: Stage::Storing(order),
                ..
            }) => Some(order.ticket),
            _ => None,
        }
    }

    /// Whether an answer with this ticket may change something.
    fn awaits(&self, input: &Input) -> bool {
        match *input {
            Input::Granted { ticket, .. } => {
                let late = self
                    .session
                    .as_ref()
                    .is_some_and(|session| session.lost && session.exchange == ticket)
                    && match self.phase {
                        Phase::Ready | Phase::Expired(_) => true,
                        Phase::Pending(Pending::LoggingIn(_)) => self.sync.is_none(),
                        _ => false,
                    };
                late || self.is_logging_in(ticket) || self.is_exchanging(ticket)
            }
            Input::TokenFailed { ticket, .. } => {
                self.is_logging_in(ticket) || self.is_exchanging(ticket)
            }
            Input::Loaded { ticket, .. } | Input::LoadFailed { ticket } => self.is_loading(ticket),
            Input::Stored { ticket } | Input::StoreFailed { ticket } => self.is_storing(ticket),
            Input::Probed { ticket, .. } => self.probing() == Some(ticket),
            Input::LeaseGranted { ticket } | Input::LeaseDenied { ticket } => {
                matches!(self.lease, Lease::Asked(order) if order.ticket == ticket)
            }
            Input::LeaseLost { ticket } => {
                matches!(self.lease, Lease::Held { ticket: held, .. } if held == ticket)
            }
            Input::Revoked { ticket } | Input::RevokeFailed { ticket } => self.is_revoking(ticket),
            _ => true,
        }
    }

    fn is_exchanging(&self, ticket: u32) -> bool {
        self.exchanging()
            .is_some_and(|order| order.ticket == ticket)
    }

    fn count(&self, waiter: Waiter) -> usize {
        self.waiters
            .iter()
            .filter(|slot| slot.waiter == waiter)
            .count()
    }

    fn pending(&self, waiter: Waiter) -> bool {
        self.count(waiter) == 1
    }

    /// How many orders are still to be given out, at most.
    fn to_give(&self) -> usize {
        let untold = |order: &Order| usize::from(!order.told);
        let mut count = usize::from(self.told != self.state());
        count = count.saturating_add(self.sync_order().map_or(0, untold));
        count = count.saturating_add(usize::from(self.announce));
        count = count.saturating_add(usize::from(self.release > 0));
        if let Lease::Asked(order) = &self.lease {
            count = count.saturating_add(untold(order));
        }
        match &self.phase {
            Phase::Pending(Pending::Probing(order))
            | Phase::Refreshing(Refreshing::Exchanging(order, _) | Refreshing::Probing(order)) => {
                count = count.saturating_add(untold(order));
            }
            _ => {}
        }
        if let Revocation::Ordered { order, .. } = &self.revocation {
            count = count.saturating_add(untold(order));
        }
        count = count.saturating_add(usize::from(self.login.is_some()));
        let waiting = self
            .waiters
            .iter()
            .filter(|slot| matches!(slot.fate, Fate::Refused(_) | Fate::Waiting))
            .count();
        count.saturating_add(waiting)
    }
}

/// A machine as far as one step can be judged by it. It stays where it was made: a checker spends most of its time on
/// moving bytes.
struct Before<'a, const W: usize> {
    machine: &'a Machine<W>,
    watched: Waiter,
}

/// One call of the machine from any state in which the invariant holds, and what came of it.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "private")]
pub enum Call {
    /// Time passes.
    Observe,
    /// An event of this kind is told.
    Tell(u8),
    /// An order is asked for.
    Poll,
    /// A permit is claimed.
    Claim,
    /// Nothing: the machine as it is made.
    Init,
    /// Nothing: there is no such machine.
    Never,
    /// A random number up to any other.
    UpTo,
}

/// `None` where the start is outside of the invariant.
pub fn check<const W: usize>(call: Call, case: Case, from: &mut impl Source) -> Option<Broken> {
    if let Call::Init = call {
        let config = any::config(from);
        if !from.assume(config.validate().is_ok()) {
            return None;
        }
        return Some(Machine::<W>::new(config, from.number()).broken());
    }
    if let Call::UpTo = call {
        let max = any::id(from);
        let number = Random(from.number()).up_to(max);
        return Some(if number == 0 { 115 } else { 0 });
    }
    let machine: Machine<W> = any::machine(case, from);
    if !from.assume(machine.broken() == 0) {
        return if let Call::Never = call {
            Some(0)
        } else {
            None
        };
    }
    let watched = Waiter::from_u32(any::id(from));
    let before = Before {
        machine: &machine,
        watched,
    };
    match call {
        Call::Init | Call::UpTo => None,
        Call::Never => Some(113),
        Call::Observe => Some(before.observe(from)),
        Call::Tell(kind) => {
            let input = any::input(kind, from);
            if from.assume(before.lets_in(&input)) {
                return Some(before.tell(&input));
            }
            None
        }
        Call::Poll => Some(before.poll()),
        Call::Claim => Some(before.claim()),
    }
}

impl<const W: usize> Before<'_, W> {
    fn observe(self, from: &mut impl Source) -> Broken {
        let now = match from.below(2) {
            0 => Now::monotonic(from.number()),
            _ => Now::new(from.number(), from.number()),
        };
        let mut after = self.machine.clone();
        after.observe(&now);
        let broken = after.carried_out();
        if broken > 0 {
            return broken;
        }
        must!(60, after.clock.now >= self.machine.clock.now);
        must!(
            61,
            after.count(self.watched) == self.machine.count(self.watched)
        );
        must!(62, after.poll_timeout() > after.clock.now);
        let broken = after.broken_deadline();
        if broken > 0 {
            return broken;
        }
        self.compare(&after, None)
    }

    fn lets_in(&self, input: &Input) -> bool {
        let now = self.machine.clock.now;
        self.machine.check_input(now, input).is_ok()
    }

    fn tell(self, input: &Input) -> Broken {
        let mut after = self.machine.clone();
        let outcome = after.step_input(input);
        if !self.machine.awaits(input) {
            if !matches!(outcome, Outcome::Stale | Outcome::Orphaned) {
                return 70;
            }
            if !after.is_same(self.machine) {
                return 71;
            }
            return 0;
        }
        let bytes = after.bytes;
        let broken = after.carried_out();
        if broken > 0 {
            return broken;
        }
        self.told(input, outcome, bytes, &after)
    }

    fn told(&self, input: &Input, outcome: Outcome, bytes: Bytes, after: &Machine<W>) -> Broken {
        let (was, is) = (
            self.machine.pending(self.watched),
            after.pending(self.watched),
        );
        match *input {
            Input::AccessRequested { waiter, access }
                if waiter == self.watched && access != Access::Public =>
            {
                must!(72, !was);
                must!(73, is == (outcome == Outcome::Admitted));
            }
            Input::WaiterCancelled { waiter } if waiter == self.watched => must!(74, !is),
            _ => must!(75, is == was),
        }
        if let Input::LogoutRequested = input {
            must!(76, after.session.is_none());
            must!(77, matches!(after.phase, Phase::Unauthenticated(_)));
            must!(
                78,
                after
                    .waiters
                    .iter()
                    .all(|slot| matches!(slot.fate, Fate::Refused(_)))
            );
            if self.machine.session.is_some() {
                must!(79, bytes == Bytes::Revoke);
                if self.machine.version < u32::MAX {
                    must!(80, after.since > self.machine.version);
                }
            }
        }
        if let Input::LoginStarted = input {
            must!(
                81,
                matches!(outcome, Outcome::Login(ticket) if after.is_logging_in(ticket.0))
            );
        }
        let broken = self.machine.broken_by(input, outcome, after);
        if broken > 0 {
            return broken;
        }
        self.compare(after, Some(input))
    }

    /// What no call may do.
    fn compare(&self, after: &Machine<W>, input: Option<&Input>) -> Broken {
        let before = self.machine;
        // P5, unless all 2^32 numbers are used up.
        if before.version < u32::MAX {
            must!(91, after.version >= before.version);
            must!(92, after.since >= before.since);
        }
        if before.stamp.sign_in < u32::MAX {
            if before.stamp.serial < u32::MAX {
                must!(93, after.stamp.against(&before.stamp).is_ge());
            }
        }
        // A store order writes what it was given for.
        if let Some(ticket) = before.storing_order() {
            if ticket.wrapping_sub(before.next_ticket) >= ORDERS {
                if after.storing_order() == Some(ticket) {
                    must!(94, after.stamp == before.stamp);
                    must!(95, after.version == before.version);
                }
            }
        }
        // P3: a token request that is under way stays the one, until its answer, its deadline or another sign-in.
        if let Some(order) = before.exchanging() {
            let ends = match input {
                None => order.deadline <= after.clock.now,
                Some(Input::LoginStarted | Input::LogoutRequested) => true,
                Some(Input::Granted { .. } | Input::TokenFailed { .. }) => true,
                Some(_) => false,
            };
            if !ends {
                must!(96, after.is_exchanging(order.ticket));
            }
        }
        0
    }

    fn poll(self) -> Broken {
        let mut after = self.machine.clone();
        let Some(effect) = after.poll_effect() else {
            must!(100, after.is_same(self.machine));
            return 0;
        };
        let broken = after.broken();
        if broken > 0 {
            return broken;
        }
        must!(101, after.to_give() < self.machine.to_give());
        match effect {
            Effect::Release { waiter } => {
                must!(102, self.machine.may_serve());
                must!(103, self.machine.pending(waiter));
                must!(97, self.machine.is_first(waiter));
                must!(104, after.pending(waiter));
            }
            Effect::Refuse { waiter, .. } => {
                must!(105, self.machine.pending(waiter));
                must!(106, !after.pending(waiter));
            }
            Effect::SendTokenRequest { ticket, .. } => {
                must!(107, after.is_exchanging(ticket.0));
                must!(
                    108,
                    self.machine.exchanging().is_some_and(|order| !order.told)
                );
            }
            _ => {}
        }
        if let Effect::Refuse { waiter, .. } = effect {
            if waiter == self.watched {
                return 0;
            }
        }
        must!(
            109,
            after.count(self.watched) == self.machine.count(self.watched)
        );
        self.compare(&after, None)
    }

    fn claim(self) -> Broken {
        let mut after = self.machine.clone();
        let claimed = after.claim(self.watched);
        let broken = after.broken();
        if broken > 0 {
            return broken;
        }
        if let Ok(receipt) = claimed {
            must!(110, self.machine.may_serve());
            must!(111, self.machine.pending(self.watched));
            must!(112, !after.pending(self.watched));
            // P9: each attempt counts.
            let mut slots = self.machine.waiters.iter();
            must!(
                114,
                slots.any(|slot| slot.waiter == self.watched && receipt.attempt() > slot.attempts)
                    || receipt.attempt() == u8::MAX
            );
        }
        0
    }
}

impl<const W: usize> Machine<W> {
    /// The latch has carried out what the step ordered for its bytes.
    fn carried_out(&mut self) -> Broken {
        match self.bytes {
            Bytes::Wipe | Bytes::Revoke => must!(50, self.session.is_none()),
            Bytes::TakeGrant | Bytes::MergeGrant | Bytes::TakeRecord | Bytes::DropRefresh => {
                must!(51, self.session.is_some());
            }
            Bytes::Keep | Bytes::RevokeFound => {}
        }
        self.bytes = Bytes::Keep;
        self.broken()
    }
}
