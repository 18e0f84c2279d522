//! The async gate: many tasks, one latch, one runner.

mod bell;
mod board;
mod desk;
mod error;
mod host;
mod request;
mod runner;
mod shared;
mod watch;
mod watched;

use core::fmt;

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;

pub use board::Status;
pub use board::WATCHERS;
pub use error::Failed;
pub use error::GateError;
pub use error::TokenError;
pub use host::Host;
pub use host::TokenRequest;
pub use request::Request;
pub use runner::Runner;
pub use watch::Watch;

use crate::challenge::ChallengeKind;
use crate::effect::Outcome;
use crate::event::Access;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::latch::Latch;
use crate::lease::Lease;
use crate::renewal::TokenFailure;
use crate::state::State;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use shared::Shared;

/// A latch that many tasks share.
///
/// `M` is the mutex: `NoopRawMutex` for tasks of one executor, `CriticalSectionRawMutex` for those of several and for
/// threads. It is held for single steps of the latch, never across an await. `T` and `W` are those of the
/// [`Latch`]; `W` tasks may wait at a time. `C` reads the clock.
pub struct Gate<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now = fn() -> Now> {
    shared: Mutex<M, Shared<T, W>>,
    clock: C,
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Gate<M, T, W, C> {
    /// What the runner's buffer for the record needs.
    pub const RECORD_CAPACITY: usize = Latch::<T, W>::RECORD_CAPACITY;

    /// A gate around a latch that was told nothing yet. The clock is read outside of the mutex.
    #[must_use]
    pub const fn new(latch: Latch<T, W>, clock: C) -> Self {
        Self {
            shared: Mutex::new(Shared::new(latch)),
            clock,
        }
    }

    /// The right to carry out what the latch orders. The first one opens the latch ([`Event::Opened`]); while nobody
    /// runs it, requests wait and nothing times out.
    ///
    /// # Errors
    ///
    /// `Running`: somebody has it.
    pub fn runner(&self) -> Result<Runner<'_, M, T, W, C>, GateError> {
        if !self.enter(|shared| shared.desk.claim()) {
            return Err(GateError::Running);
        }
        let runner = Runner::new(self);
        match self.tell(Event::Opened) {
            Ok(_) | Err(GateError::Rejected(_)) => Ok(runner),
            Err(error) => Err(error),
        }
    }

    /// A request that was not sent yet. It waits from now on; [`Request::permit`] tells when it may leave.
    ///
    /// A request that needs no token (a visitor's page, the login) does not come here at all.
    ///
    /// # Errors
    ///
    /// `Rejected(QueueFull)`: as many tasks wait as there is room for. `Refused`: it may not even wait.
    pub fn request(&self) -> Result<Request<'_, M, T, W, C>, GateError> {
        Ok(Request::new(self, self.admit(Access::First)?))
    }

    /// A request whose last attempt, with this receipt, was answered with [`Outcome::Retry`] elsewhere. A
    /// [`Request`] that was told the answer itself needs no other.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn retry(&self, receipt: Receipt) -> Result<Request<'_, M, T, W, C>, GateError> {
        Ok(Request::new(self, self.admit(Access::Retry(receipt))?))
    }

    /// Tells what the API answered to the request with this receipt; see [`Request::answered`].
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn answered(
        &self,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    ) -> Result<Outcome, GateError> {
        self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        })
    }

    /// A login begins; the ticket goes with its result. See [`Event::LoginStarted`].
    ///
    /// # Errors
    ///
    /// `Rejected(NotOpened)`: there was no [`runner`](Self::runner) yet.
    pub fn login_started(&self) -> Result<Ticket, GateError> {
        match self.tell(Event::LoginStarted)? {
            Outcome::Login(ticket) => Ok(ticket),
            _ => Err(GateError::OutOfTurn),
        }
    }

    /// The login with this ticket succeeded. `Stale` or `Orphaned`: it was superseded; revoke the tokens.
    ///
    /// # Errors
    ///
    /// `Rejected(Grant(_))`: the grant can't be used, and nothing changed.
    pub fn granted(&self, ticket: Ticket, grant: Grant<'_>) -> Result<Outcome, GateError> {
        self.tell(Event::Granted { ticket, grant })
    }

    /// The login with this ticket failed.
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn token_failed(
        &self,
        ticket: Ticket,
        failure: TokenFailure,
        retry_after: Option<u32>,
    ) -> Result<Outcome, GateError> {
        self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        })
    }

    /// The user signs out. On return no request can leave and every waiting one is refused; the record and the
    /// revocation are the runner's.
    ///
    /// # Errors
    ///
    /// `Rejected(NotOpened)`: there was no [`runner`](Self::runner) yet.
    pub fn logout(&self) -> Result<(), GateError> {
        self.tell(Event::LogoutRequested).map(drop)
    }

    /// A new token is needed, whatever the timer says. See [`Event::RefreshRequested`].
    ///
    /// # Errors
    ///
    /// `Rejected`: `NoSession`, `Throttled`, `NotOpened`.
    pub fn refresh(&self) -> Result<(), GateError> {
        self.tell(Event::RefreshRequested).map(drop)
    }

    /// The device or the context is back from sleep: the gate closes until the store was looked at.
    ///
    /// # Errors
    ///
    /// `Rejected(NotOpened)`: there was no [`runner`](Self::runner) yet.
    pub fn resumed(&self) -> Result<(), GateError> {
        self.tell(Event::Resumed).map(drop)
    }

    /// Another context announced, or the platform reported, a change of the store.
    ///
    /// # Errors
    ///
    /// `Rejected(NotOpened)`: there was no [`runner`](Self::runner) yet.
    pub fn store_changed(&self) -> Result<(), GateError> {
        self.tell(Event::StoreChanged).map(drop)
    }

    /// No network: token requests wait.
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn went_offline(&self) -> Result<(), GateError> {
        self.tell(Event::WentOffline).map(drop)
    }

    /// The network is back.
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn went_online(&self) -> Result<(), GateError> {
        self.tell(Event::WentOnline).map(drop)
    }

    /// The lease was taken away while it was held. Without effect if it is not.
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn lease_lost(&self) -> Result<(), GateError> {
        let held = self.peek(|latch| match latch.machine().lease {
            Lease::Held { ticket, .. } => Some(Ticket(ticket)),
            _ => None,
        })?;
        match held {
            Some(ticket) => self.tell(Event::LeaseLost { ticket }).map(drop),
            None => Ok(()),
        }
    }

    /// What the latch is.
    #[must_use]
    pub fn state(&self) -> State {
        self.status().state
    }

    /// What can be seen of it.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.lock(|shared| shared.board.status())
    }

    /// A watch of the status, for a task that shows it.
    ///
    /// # Errors
    ///
    /// `WatchersFull`: there are [`WATCHERS`] already.
    pub fn watch(&self) -> Result<Watch<'_, M, T, W, C>, GateError> {
        match self.enter(|shared| shared.board.enter()) {
            Some(place) => Ok(Watch::new(self, place)),
            None => Err(GateError::WatchersFull),
        }
    }

    /// Lets the latch be looked at, inside the mutex: its subject, its trace and the like.
    ///
    /// # Errors
    ///
    /// `Reentered` only.
    pub fn inspect<R>(&self, look: impl FnOnce(&Latch<T, W>) -> R) -> Result<R, GateError> {
        self.peek(look)
    }

    /// The first promise that this gate's latch was seen to break.
    #[cfg(feature = "_verify")]
    #[doc(hidden)]
    pub fn broken(&self) -> Option<crate::promises::Violation> {
        self.shared.lock(Shared::broken)
    }

    fn now(&self) -> Now {
        (self.clock)()
    }

    fn peek<R>(&self, look: impl FnOnce(&Latch<T, W>) -> R) -> Result<R, GateError> {
        self.shared.lock(|shared| shared.peek(look))
    }

    fn tell(&self, event: Event<'_>) -> Result<Outcome, GateError> {
        let now = self.now();
        self.enter(|shared| shared.tell(now, event))
    }

    fn admit(&self, access: Access) -> Result<Waiter, GateError> {
        let now = self.now();
        self.enter(|shared| shared.admit(now, access))
    }

    /// Does something inside the mutex; whom it concerns is woken outside of it.
    fn enter<R>(&self, step: impl FnOnce(&Shared<T, W>) -> R) -> R {
        let done = self.shared.lock(step);
        // Each has one waker at most; what comes up meanwhile is woken by whoever caused it.
        for _ in 0..=W.saturating_add(WATCHERS) {
            let Some(waker) = self.shared.lock(Shared::ring) else {
                break;
            };
            waker.wake();
        }
        done
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> fmt::Debug for Gate<M, T, W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
