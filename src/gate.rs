//! The async gate: many tasks, one latch, one runner (feature `embassy-sync`).
//!
//! | Who | Does |
//! |---|---|
//! | a task with a request | [`Gate::request`], then [`Request::permit`], send, [`Request::answered`]; again after `Retry` |
//! | a task that shows the state, or logs in | [`Gate::watch`], then [`Watch::changed`] |
//! | one task | [`Runner::run`] with a [`Host`], for ever |
//! | whoever knows of it | [`Gate::logout`], [`Gate::resumed`], [`Gate::went_offline`] and the like |
//!
//! The runner carries out what the latch orders: it loads and stores, sends token requests, gets the lease, waits for
//! the timer. Orders of different kinds overlap, so a sign-out never waits for a token request that hangs. The clock
//! and the timer are the host's; no executor is asked for, and nothing allocates.
//!
//! A task waits at a seat of its own and is woken alone. There are as many seats as the latch has room for waiting
//! requests; one more is refused at once, with `QueueFull`.
//!
//! The mutex is held for one step of the latch at a time, never across an await, and wakers are called outside of it.
//! Some methods call a closure inside it, so that a token is not copied on the way: keep those short. What they call
//! on the same gate is refused with [`GateError::Reentered`].
//!
//! # Example
//!
//! Three tasks, a login, and a server in memory that forgets the access token once.
//!
//! ```
//! use core::cell::{Cell, RefCell};
//! use embassy_futures::join::join4;
//! use embassy_futures::select::select;
//! use embassy_sync::blocking_mutex::raw::NoopRawMutex;
//! use tokenlatch::gate::{Failed, Gate, GateError, Host, TokenError, TokenRequest};
//! use tokenlatch::{ChallengeKind, Config, Expiry, Grant, Instant, Latch, Now, Outcome, TokenFailure};
//!
//! /// Tokens of 256 bytes, eight waiting tasks, all of one executor.
//! type AppGate = Gate<NoopRawMutex, 256, 8>;
//!
//! /// Here everything happens at once, and the clock stands.
//! fn now() -> Now {
//!     Now::monotonic(0) // `Now::monotonic(embassy_time::Instant::now().as_millis())`
//! }
//!
//! /// A disk and a server in memory. The server takes `access-1`, `access-2` and so on, the newest only.
//! #[derive(Default)]
//! struct Device { disk: RefCell<Vec<u8>>, issued: Cell<u32>, forgot: Cell<bool> }
//!
//! impl Device {
//!     fn issue(&self) -> (String, String) {
//!         self.issued.set(self.issued.get() + 1);
//!         (format!("access-{}", self.issued.get()), format!("refresh-{}", self.issued.get()))
//!     }
//!
//!     async fn get(&self, path: &str, header: &str) -> u16 {
//!         let known = header == format!("Bearer access-{}", self.issued.get());
//!         let lost = path == "/cart" && !self.forgot.replace(true);
//!         if known && !lost { 200 } else { 401 }
//!     }
//! }
//!
//! impl Host for Device {
//!     async fn wait_until(&self, _at: Instant) {
//!         core::future::pending().await // `embassy_time::Timer::at(..).await`
//!     }
//!
//!     async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
//!         let disk = self.disk.borrow();
//!         buffer.get_mut(..disk.len()).ok_or(Failed)?.copy_from_slice(&disk);
//!         Ok(disk.len())
//!     }
//!
//!     async fn store(&self, record: &[u8]) -> Result<(), Failed> {
//!         *self.disk.borrow_mut() = record.to_vec();
//!         Ok(())
//!     }
//!
//!     async fn send_token_request<'r>(
//!         &self,
//!         request: TokenRequest<'_>,
//!         reply: &'r mut [u8],
//!     ) -> Result<Grant<'r>, TokenError> {
//!         if request.refresh_token != format!("refresh-{}", self.issued.get()) {
//!             return Err(TokenFailure::InvalidGrant.into());
//!         }
//!         let (access, refresh) = self.issue();
//!         // A real host reads the body into `reply`, and `response::parse` (feature `json`) gives the grant.
//!         let body = format!("{access} {refresh}");
//!         let reply = reply.get_mut(..body.len()).ok_or(TokenFailure::Lost)?;
//!         reply.copy_from_slice(body.as_bytes());
//!         let text = core::str::from_utf8(reply).map_err(|_| TokenFailure::Unrecognized)?;
//!         let (access, refresh) = text.split_once(' ').ok_or(TokenFailure::Unrecognized)?;
//!         let mut grant = Grant::new(access);
//!         grant.refresh_token = Some(refresh);
//!         grant.expiry = Expiry::In(3_600_000);
//!         Ok(grant)
//!     }
//! }
//!
//! /// A request, sent again after a 401 as often as the latch allows.
//! async fn fetch(gate: &AppGate, device: &Device, path: &str) -> Result<u16, GateError> {
//!     let mut request = gate.request()?;
//!     loop {
//!         let header = request.permit(|permit| format!("{} {}", permit.scheme(), permit.token())).await?;
//!         let status = device.get(path, &header).await;
//!         match request.answered(status, ChallengeKind::Absent)? {
//!             Outcome::Retry => continue,
//!             Outcome::Surface(cause) => return Err(GateError::Refused(cause)),
//!             _ => return Ok(status), // the answer is the application's
//!         }
//!     }
//! }
//!
//! /// Logs in when somebody has to.
//! async fn login(gate: &AppGate, device: &Device) -> Result<(), GateError> {
//!     let mut watch = gate.watch()?;
//!     while watch.changed().await.login.is_none() {}
//!     let ticket = gate.login_started()?;
//!     let (access, refresh) = device.issue(); // a real login takes a while
//!     let mut grant = Grant::new(&access);
//!     grant.refresh_token = Some(&refresh);
//!     if gate.granted(ticket, grant)? == Outcome::Orphaned {
//!         let _ = device.revoke(&refresh).await; // signed out meanwhile: nobody owns these tokens
//!     }
//!     Ok(())
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let device = Device::default();
//!     let latch = Latch::new(Config::new(), 0x5eed)?; // the seed is the host's entropy
//!     let gate = AppGate::new(latch, now);
//!     let mut runner = gate.runner()?;
//!     let (mut record, mut reply) = ([0; AppGate::RECORD_CAPACITY], [0; 1024]);
//!     let tasks = join4(
//!         login(&gate, &device),
//!         fetch(&gate, &device, "/orders"),
//!         fetch(&gate, &device, "/cart"),
//!         fetch(&gate, &device, "/profile"),
//!     );
//!     // On a device each of these is a task, and the runner runs for ever.
//!     let work = select(runner.run(&device, &mut record, &mut reply), tasks);
//!     let embassy_futures::select::Either::Second(done) = embassy_futures::block_on(work);
//!     assert_eq!(done, (Ok(()), Ok(200), Ok(200), Ok(200)));
//!     assert_eq!(device.issued.get(), 2); // the login and one refresh
//!     Ok(())
//! }
//! ```
//!
//! For a task of its own the gate is usually a `static`; see [`crate::ValidConfig`] for the latch in it, or make it at
//! run time, with the device's entropy, in a cell that gives `&'static` out.

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

    /// A login begins; the ticket goes with its result. Its token lives from here on, so call it when the request is sent,
    /// not when a form is shown: see [`Event::LoginStarted`].
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

    /// The login with this ticket succeeded. `Orphaned`: it was superseded, or had failed and nobody is signed in; revoke
    /// the tokens. `Stale`: it was told already, or had failed beside a session that is still there; in the second case
    /// revoke them too.
    ///
    /// # Errors
    ///
    /// `Rejected(Grant(_))`: the grant can't be used, and nothing changed; tell [`token_failed`](Self::token_failed) with
    /// [`TokenFailure::Unusable`], so that the login ends.
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
