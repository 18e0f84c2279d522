//! The host: one latch that all threads share.

use core::fmt;
use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::RandomState;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tokenlatch::recording::{Key, Recorded};
use tokenlatch::{Access, Cause, Config, Event, Latch, LeaseMode, Now, Outcome};
use tokenlatch::{PermitError, Receipt, Rejected, Ticket, TokenFailure, Waiter};
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use crate::http::{self, AuthServer, Credentials};
use crate::store::{Store, Version};

/// Room for tokens of 4 KiB, and for 64 requests that wait. More threads than that wait for room.
type AppLatch = Recorded<'static, 4096, 64>;

pub(crate) const RECORD_CAPACITY: usize = Latch::<4096, 64>::RECORD_CAPACITY;

/// Room for a recording of some ten thousand calls, and for one that nobody wants: it holds the configuration.
const RECORDING_CAPACITY: [usize; 2] = [256 * 1024, 256];

/// How long work under way may take when the host is closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(25);

/// An API's answer, and what the latch says of it if that is a refusal that sending again can't cure.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) cause: Option<Cause>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// The latch did not let it leave, or not again.
    Refused(Cause),
    Transport(ureq::Error),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(cause) => write!(f, "not sent: {cause}"),
            Self::Transport(error) => write!(f, "no answer: {error}"),
        }
    }
}

/// The configuration of a native host.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    // Half of the budget may leave at once and the other half is spread over the minute. The embedded server's
    // tokens live 2 s, so that 40 renewals a minute are normal; where they live an hour, keep the default.
    config.budget = 120;
    // A refused token is renewed at once, even a new one: it was revoked. Where replicas lag behind the server
    // that issued it, keep the default, which tries it again first.
    config.fresh_window_ms = 0;
    config
}

/// Threads share it by reference. Close it in the end.
pub(crate) struct Host(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) server: AuthServer,
    /// With these the host signs in by itself. Without them the application does.
    pub(crate) credentials: Option<Credentials>,
    /// Where the latch's recording is written in the end.
    recording: Option<PathBuf>,
    api: Agent,
    started: Instant,
    shared: Mutex<Shared>,
    /// Anything in `Shared` changed.
    pub(crate) changed: Condvar,
}

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) latch: AppLatch,
    pub(crate) lease: Lease,
    /// Why requests were refused, until their threads have seen it.
    pub(crate) refused: HashMap<Waiter, Cause>,
    next_waiter: u32,
    /// The store's file as we know it.
    pub(crate) seen: Version,
    pub(crate) looked: Instant,
    /// Threads that work for the latch.
    pub(crate) jobs: u32,
    pub(crate) signing_in: bool,
    /// Sign-ins by the application and sign-outs: a login goes on while it is the last of them.
    pub(crate) turn: u64,
    /// Here, and nobody has signed in since.
    pub(crate) signed_out: bool,
    /// Nobody will sign in: requests need not wait.
    pub(crate) given_up: Option<Cause>,
    pub(crate) refreshes: u64,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
}

/// The lock on the side file. Two may want it: the latch, and the login that must happen in one process only.
#[derive(Default)]
pub(crate) struct Lease {
    pub(crate) held: Option<File>,
    /// A thread waits for it.
    pub(crate) asking: bool,
    pub(crate) failed: bool,
    /// The latch wants it under this ticket, and whether it knows that it has it.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) told: bool,
    pub(crate) login: bool,
}

impl Host {
    pub(crate) fn open(
        config: Config,
        store: Store,
        server: AuthServer,
        credentials: Option<Credentials>,
        recording: Option<PathBuf>,
    ) -> io::Result<Self> {
        let random = || RandomState::new().hash_one(std::process::id());
        let key = u128::from(random()) << 64 | u128::from(random());
        let [room, none] = RECORDING_CAPACITY;
        let room = if recording.is_some() { room } else { none };
        // One for each host, kept until the program ends.
        let buffer = vec![0; room].leak();
        let key = Key::new(key.to_le_bytes());
        let latch = AppLatch::new(config, random(), key, buffer).map_err(io::Error::other)?;
        let started = Instant::now();
        let inner = Arc::new(Inner {
            server,
            credentials,
            recording,
            api: http::api_agent(),
            started,
            changed: Condvar::new(),
            shared: Mutex::new(Shared {
                latch,
                lease: Lease::default(),
                refused: HashMap::new(),
                next_waiter: 0,
                seen: store.version(),
                looked: started,
                jobs: 0,
                signing_in: false,
                turn: 0,
                signed_out: false,
                given_up: None,
                refreshes: 0,
                closing: false,
                closed: false,
            }),
            store,
        });
        inner.tell(Event::Opened).map_err(io::Error::other)?;
        let driver = Arc::clone(&inner);
        thread::Builder::new()
            .name("latch".to_owned())
            .spawn(move || driver.drive())?;
        Ok(Self(inner))
    }

    /// Sends a GET with the token. Waits as long as the latch says, and never sends without its permit.
    pub(crate) fn get(&self, url: &str) -> Result<Answer, FetchError> {
        let mut access = Access::First;
        let mut failed = None;
        loop {
            let (authorization, receipt) = match (self.0.access(access), failed.take()) {
                (Ok(given), _) => given,
                (Err(Cause::RetriesExhausted), Some(error)) => {
                    return Err(FetchError::Transport(error));
                }
                (Err(cause), _) => return Err(FetchError::Refused(cause)),
            };
            let request = self.0.api.get(url);
            let request = request.header(header::AUTHORIZATION, authorization);
            let response = match request.call() {
                Ok(response) => response,
                Err(error) => {
                    // A GET may be sent again; the latch allows it once with the same token.
                    failed = Some(error);
                    access = Access::Retry(receipt);
                    continue;
                }
            };
            let answered = Event::Answered {
                receipt,
                status: response.status().as_u16(),
                challenge: http::challenge(&response),
            };
            let cause = match self.0.tell(answered) {
                Ok(Outcome::Retry) => {
                    access = Access::Retry(receipt);
                    continue;
                }
                Ok(Outcome::Surface(cause)) => Some(cause),
                // `Stale`: the sign-in ended meanwhile. It is still the answer to what was asked.
                _ => None,
            };
            return Ok(Answer { response, cause });
        }
    }

    /// Signs in, whoever was signed in before. A newer sign-in or a sign-out ends it.
    pub(crate) fn sign_in(&self, credentials: &Credentials) -> Result<(), TokenFailure> {
        self.0.sign_in(credentials)
    }

    /// Signs out. On return no request can leave; the store and the server are told in the background.
    pub(crate) fn sign_out(&self) {
        let mut shared = self.0.lock();
        shared.turn = shared.turn.saturating_add(1);
        shared.signing_in = false;
        shared.signed_out = true;
        if self.0.credentials.is_some() {
            // It signs in by itself, and does not now.
            shared.given_up = Some(Cause::SignedOut);
        }
        // It is only ever refused before `Opened`.
        let _ = shared.latch.handle(self.0.now(), Event::LogoutRequested);
        self.0.changed.notify_all();
    }

    #[cfg(test)]
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// How many times a refresh token was sent, or a login repeated instead.
    pub(crate) fn refreshes(&self) -> u64 {
        self.0.lock().refreshes
    }

    /// Waits for what is under way (a new refresh token must reach the store), then ends the driver.
    pub(crate) fn close(self) {
        let mut shared = self.0.lock();
        shared.closing = true;
        self.0.changed.notify_all();
        let end = self
            .0
            .changed
            .wait_timeout_while(shared, CLOSE_LIMIT, |shared| !shared.closed);
        let (shared, _) = end.unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.0.recording {
            let written = fs::write(path, shared.latch.recorder().bytes());
            if let Err(error) = written {
                eprintln!("{}: {error}", path.display());
            }
        }
    }
}

impl Inner {
    /// Waits for a permit, and copies from it what the request needs.
    fn access(&self, access: Access) -> Result<(String, Receipt), Cause> {
        let mut shared = self.lock();
        let mut waiter = shared.new_waiter();
        loop {
            match shared
                .latch
                .handle(self.now(), Event::AccessRequested { waiter, access })
            {
                Ok(Outcome::Surface(cause)) => return Err(cause),
                Ok(_) => break,
                Err(Rejected::DuplicateWaiter) => waiter = shared.new_waiter(),
                // No room: somebody who leaves the queue wakes us.
                Err(_) => shared = self.wait(shared),
            }
        }
        self.changed.notify_all();
        loop {
            if let Some(cause) = shared.refused.remove(&waiter) {
                self.changed.notify_all();
                return Err(cause);
            }
            match shared.latch.permit(self.now(), waiter) {
                Ok(permit) => {
                    let header = format!("{} {}", permit.scheme(), permit.token());
                    let receipt = permit.receipt();
                    self.changed.notify_all();
                    return Ok((header, receipt));
                }
                Err(PermitError::NotReady) => {}
                Err(PermitError::Refused(cause)) => return Err(cause),
                Err(_) => return Err(Cause::Unknown),
            }
            if let Some(cause) = shared.given_up {
                let _ = shared
                    .latch
                    .handle(self.now(), Event::WaiterCancelled { waiter });
                self.changed.notify_all();
                return Err(cause);
            }
            shared = self.wait(shared);
        }
    }

    pub(crate) fn tell(&self, event: Event<'_>) -> Result<Outcome, Rejected> {
        let outcome = self.lock().latch.handle(self.now(), event);
        self.changed.notify_all();
        outcome
    }

    pub(crate) fn now(&self) -> Now {
        Now::new(http::millis(self.started.elapsed()), http::wall_clock())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait<'a>(&self, shared: MutexGuard<'a, Shared>) -> MutexGuard<'a, Shared> {
        self.changed
            .wait(shared)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn new_waiter(&mut self) -> Waiter {
        self.next_waiter = self.next_waiter.wrapping_add(1);
        Waiter::from_u32(self.next_waiter)
    }
}
