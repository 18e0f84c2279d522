//! What the machines to compare with work on: the data of the five states, and the actions without checks.

/// A fact that is told, without its bytes.
#[derive(Debug, Clone, Copy)]
pub enum Fact {
    /// The host's login began.
    LoginStarted,
    /// A token came, which lives for so many milliseconds.
    Granted(u64),
    /// The token request failed for now.
    Failed,
    /// A deadline was reached.
    TimeoutReached,
    /// The user signed out.
    LogoutRequested,
    /// A request wants to leave.
    Requested(u32),
    /// The API accepted what left under this version.
    Accepted(u32),
    /// The API refused it.
    Refused(u32),
}

/// What is answered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reply {
    /// Nothing to say.
    #[default]
    Done,
    /// The request waits.
    Admitted,
    /// The answer is the application's.
    Deliver,
    /// The request is to be sent again.
    Retry,
}

/// What the host is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A token request.
    Send(u32),
    /// A request may leave.
    Release(u32),
}

pub(crate) const WAITERS: usize = 8;
const LOGIN: u64 = 600_000;
const EXCHANGE: u64 = 30_000;
const PAUSE: u64 = 1_000;

/// The data beside the state.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) now: u64,
    pub(crate) deadline: u64,
    expires_at: u64,
    ticket: u32,
    pub(crate) version: u32,
    is_ordered: bool,
    accepted: bool,
    waiting: [u32; WAITERS],
    released: usize,
    len: usize,
    pub(crate) reply: Reply,
}

impl Desk {
    pub(crate) fn is_due(&self) -> bool {
        self.deadline <= self.now
    }

    pub(crate) fn start_login(&mut self) {
        self.ticket = self.ticket.wrapping_add(1);
        self.deadline = self.now.wrapping_add(LOGIN);
    }

    pub(crate) fn take_grant(&mut self, lifetime: u64) {
        self.expires_at = self.now.wrapping_add(lifetime);
        self.deadline = self.expires_at.wrapping_sub(lifetime >> 2);
        self.version = self.version.wrapping_add(1);
        self.accepted = false;
    }

    pub(crate) fn start_exchange(&mut self) {
        self.ticket = self.ticket.wrapping_add(1);
        self.deadline = self.now.wrapping_add(EXCHANGE);
        self.is_ordered = true;
    }

    pub(crate) fn wait_for_retry(&mut self) {
        self.deadline = self.now.wrapping_add(PAUSE);
    }

    pub(crate) fn end(&mut self) {
        self.version = self.version.wrapping_add(1);
        self.expires_at = 0;
        self.len = 0;
        self.released = 0;
        self.is_ordered = false;
    }

    pub(crate) fn admit(&mut self, waiter: u32) {
        if let Some(place) = self.waiting.get_mut(self.len) {
            *place = waiter;
        }
        self.len = self.len.wrapping_add(1);
        self.reply = Reply::Admitted;
    }

    pub(crate) fn accept(&mut self, version: u32) {
        self.accepted |= version == self.version;
        self.reply = Reply::Deliver;
    }

    pub(crate) fn retry(&mut self) {
        self.reply = Reply::Retry;
    }

    pub(crate) fn poll(&mut self, is_open: bool) -> Option<Order> {
        if self.is_ordered {
            self.is_ordered = false;
            return Some(Order::Send(self.ticket));
        }
        if !is_open {
            return None;
        }
        if self.released >= self.len {
            return None;
        }
        let waiter = self.waiting.get(self.released).copied();
        self.released = self.released.wrapping_add(1);
        waiter.map(Order::Release)
    }

    /// The version to send under; the request waits no longer.
    pub(crate) fn claim(&mut self, waiter: u32) -> u32 {
        let place = self.waiting.iter().position(|other| *other == waiter);
        if let Some(behind) = place.and_then(|place| self.waiting.get_mut(place..)) {
            behind.rotate_left(1);
        }
        self.len = self.len.wrapping_sub(1);
        self.released = self.released.wrapping_sub(1);
        self.version
    }
}
