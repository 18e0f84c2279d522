//! Orders on their way from the latch to the runner: one place for each kind.

use core::cell::Cell;
use core::task::Waker;

use super::bell::Bell;
use crate::effect::Effect;
use crate::event::Ticket;
use crate::latch::Latch;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::time::Instant;
use crate::time::Now;

/// Orders of different lanes are carried out at the same time, those of one lane one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Store,
    Announce,
    Release,
    Acquire,
    Token,
    Probe,
    Revoke,
    Login,
}

impl Lane {
    const ALL: [Self; 8] = [
        Self::Store,
        Self::Announce,
        Self::Release,
        Self::Acquire,
        Self::Token,
        Self::Probe,
        Self::Revoke,
        Self::Login,
    ];

    fn of(effect: &Effect) -> Option<Self> {
        Some(match effect {
            Effect::Load { .. } | Effect::Store { .. } => Self::Store,
            Effect::Announce => Self::Announce,
            Effect::ReleaseLease { .. } => Self::Release,
            Effect::AcquireLease { .. } => Self::Acquire,
            Effect::SendTokenRequest { .. } => Self::Token,
            Effect::Probe { .. } => Self::Probe,
            Effect::Revoke { .. } => Self::Revoke,
            Effect::RequireLogin { .. } => Self::Login,
            Effect::StateChanged { .. } | Effect::Refuse { .. } | Effect::Release { .. } => {
                return None;
            }
        })
    }

    /// Whether the latch still waits for the answer with this ticket.
    pub(super) fn awaits<const T: usize, const W: usize>(
        self,
        latch: &Latch<T, W>,
        ticket: Ticket,
    ) -> bool {
        let machine = latch.machine();
        let ticket = ticket.0;
        match self {
            Self::Store => machine.is_loading(ticket) | machine.is_storing(ticket),
            Self::Acquire => machine.is_asking(ticket),
            Self::Token => match &machine.phase {
                Phase::Refreshing(Refreshing::Exchanging(order, _)) => order.ticket == ticket,
                _ => false,
            },
            Self::Probe => machine.probing() == Some(ticket),
            Self::Revoke => machine.is_revoking(ticket),
            Self::Announce | Self::Release | Self::Login => true,
        }
    }
}

/// The place of one lane.
struct Post {
    /// Not yet begun; a newer one replaces it.
    order: Cell<Option<Effect>>,
    /// Under way.
    busy: Cell<Option<Ticket>>,
    /// What is under way is to be dropped.
    over: Cell<bool>,
}

impl Post {
    const fn new() -> Self {
        Self {
            order: Cell::new(None),
            busy: Cell::new(None),
            over: Cell::new(false),
        }
    }
}

pub(super) struct Desk {
    posts: [Post; Lane::ALL.len()],
    /// Whether somebody is the runner.
    claimed: Cell<bool>,
    bell: Bell,
    due: Cell<bool>,
    /// When the timer should go off, and when it will.
    next: Cell<Option<Instant>>,
    armed: Cell<Option<Instant>>,
    /// When a token request whose answer nobody awaits any more is dropped.
    patience: Cell<Option<Instant>>,
}

impl Desk {
    pub(super) const fn new() -> Self {
        Self {
            posts: [const { Post::new() }; Lane::ALL.len()],
            claimed: Cell::new(false),
            bell: Bell::new(),
            due: Cell::new(false),
            next: Cell::new(None),
            armed: Cell::new(None),
            patience: Cell::new(None),
        }
    }

    fn post(&self, lane: Lane) -> Option<&Post> {
        self.posts.get(lane as usize)
    }

    /// Takes an order of the latch's.
    pub(super) fn put(&self, effect: Effect) {
        let Some(post) = Lane::of(&effect).and_then(|lane| self.post(lane)) else {
            return;
        };
        post.order.set(Some(effect));
        self.due.set(true);
    }

    /// Takes an order again that was not carried out, unless there is a newer one.
    pub(super) fn put_back(&self, effect: Effect) {
        let Some(post) = Lane::of(&effect).and_then(|lane| self.post(lane)) else {
            return;
        };
        let order = post.order.get().unwrap_or(effect);
        post.order.set(Some(order));
        self.due.set(true);
    }

    /// The order to begin with now.
    pub(super) fn take(&self, lane: Lane) -> Option<Effect> {
        self.post(lane)?.order.take()
    }

    /// An order was begun.
    pub(super) fn begin(&self, lane: Lane, ticket: Ticket, patience: Option<Instant>) {
        let Some(post) = self.post(lane) else { return };
        post.busy.set(Some(ticket));
        post.over.set(false);
        if lane == Lane::Token {
            self.patience.set(patience);
        }
    }

    /// It has ended.
    pub(super) fn end(&self, lane: Lane) {
        let Some(post) = self.post(lane) else { return };
        post.busy.set(None);
        post.over.set(false);
        if lane == Lane::Token {
            self.patience.set(None);
        }
    }

    /// Whether what is under way is to be dropped.
    pub(super) fn is_over(&self, lane: Lane) -> bool {
        self.post(lane).is_some_and(|post| post.over.get())
    }

    /// After each step of the latch: what is superseded, and when the timer goes off.
    pub(super) fn look<const T: usize, const W: usize>(&self, latch: &Latch<T, W>, now: Now) {
        for (post, lane) in self.posts.iter().zip(Lane::ALL) {
            let Some(ticket) = post.busy.get() else {
                continue;
            };
            let over = match lane {
                // What it brings may still be of use, or must be revoked.
                Lane::Token => self.is_token_request_over(post, now),
                _ => !lane.awaits(latch, ticket),
            };
            if over {
                post.over.set(true);
                self.due.set(true);
            }
        }
        let next = match (latch.poll_timeout(), self.patience.get()) {
            (Some(at), Some(patience)) => Some(at.min(patience)),
            (at, patience) => at.or(patience),
        };
        self.next.set(next);
        if self.armed.get() != next {
            self.due.set(true);
        }
    }

    fn is_token_request_over(&self, post: &Post, now: Now) -> bool {
        if post.order.get().is_some() {
            return true;
        }
        self.patience.get().is_some_and(|at| at <= now.monotonic)
    }

    /// Arms the timer for what is due next.
    pub(super) fn arm(&self) -> Option<Instant> {
        self.armed.set(self.next.get());
        self.armed.get()
    }

    /// Whether the timer must be armed anew.
    pub(super) fn is_disarmed(&self) -> bool {
        self.armed.get() != self.next.get()
    }

    /// False if there is a runner already.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.replace(true)
    }

    pub(super) fn give_up(&self) {
        self.claimed.set(false);
        self.armed.set(None);
        self.bell.take();
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.bell.register(waker);
        self.due.set(false);
    }

    /// The runner's waker, if it has something to do.
    pub(super) fn ring(&self) -> Option<Waker> {
        if self.due.get() {
            return self.bell.take();
        }
        None
    }
}
