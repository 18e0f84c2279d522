//! An OAuth authorization server and an API on loopback, for tests and examples.
//!
//! The server is as strict as real ones: refresh tokens work once, a used one that comes back
//! ends the whole session (RFC 9700 4.14.2), and the API answers as RFC 6750 demands. It counts
//! and logs what clients do, and it can be told to fail in the ways networks and servers fail.
//!
//! | Endpoint | What it does |
//! |---|---|
//! | `POST /token` | grants `password`, `refresh_token`, `client_credentials` (RFC 6749) |
//! | `POST /revoke` | ends the session a token belongs to (RFC 7009) |
//! | `POST /logout` | ends the session of the bearer token |
//! | `/api/...` | needs a bearer token; `/api/admin` needs the scope `admin` too |
//! | `/public` | needs nothing |
//! | `GET /control` | the counters as JSON; `GET /control/log` the events |
//! | `POST /control` | what the methods of [`TestServer`] do, for other processes |
//!
//! A request takes effect when it arrives; its answer follows after the latency. Orders for
//! `/control` look like `{"do": "fault", "target": "token", "fault": "cut_after", "times": 1}`.
//!
//! ```
//! use testserver::{Fault, Settings, Target, TestServer, Times};
//!
//! let server = TestServer::start(Settings::default())?;
//! server.fault(Target::Token, Fault::CutAfter, Times::Next(1));
//! assert_eq!(server.alive_sessions(), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

mod api;
mod control;
mod counters;
mod desk;
mod faults;
mod form;
mod http;
mod reply;
mod scope;
mod serve;
mod settings;
mod state;
mod token;

pub use counters::{Counters, Event, EventKind};
pub use faults::{Fault, Target, Times};
pub use settings::{Client, ExpiresIn, Settings, User};

use desk::Shared;

/// A running server. It stops when dropped.
pub struct TestServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts a server on loopback, with a thread and a runtime of its own.
    ///
    /// # Errors
    ///
    /// When the port is taken, or the system gives no socket or thread.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings));
        let (stop, stopped) = oneshot::channel();
        let thread = serve::spawn(listener, Arc::clone(&shared), stopped)?;
        Ok(Self {
            shared,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Address the server listens at.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Such as `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// URL of the token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        self.base_url() + "/token"
    }

    /// URL of the revocation endpoint.
    #[must_use]
    pub fn revocation_endpoint(&self) -> String {
        self.base_url() + "/revoke"
    }

    /// URL below `/api`; `notes` and `/notes` mean the same.
    #[must_use]
    pub fn api_url(&self, path: &str) -> String {
        format!("{}/api/{}", self.base_url(), path.trim_start_matches('/'))
    }

    /// Adds a fault. Faults of an endpoint are met in the order they were added; one that lasts
    /// until cleared hides those after it.
    pub fn fault(&self, target: Target, fault: Fault, times: Times) {
        self.shared.desk().faults.set(target, fault, times);
    }

    /// Drops the faults of one endpoint.
    pub fn clear_faults(&self, target: Target) {
        self.shared.desk().faults.clear(target);
    }

    /// Drops all faults.
    pub fn clear_all_faults(&self) {
        self.shared.desk().faults.clear_all();
    }

    /// Delays the answer to the next password sign-in. It takes effect on arrival all the same.
    pub fn delay_next_login(&self, ms: u64) {
        self.shared.desk().login_delay = Some(Duration::from_millis(ms));
    }

    /// Revokes all access tokens: the next API request sees 401 though its token has not expired.
    /// Refresh tokens still work.
    pub fn revoke_all_access_tokens(&self) {
        self.shared.desk().store.revoke_all_access();
    }

    /// Lets all access tokens expire now.
    pub fn expire_access_now(&self) {
        let mut desk = self.shared.desk();
        let now = desk.now;
        desk.store.expire_all_access(now);
    }

    /// Ends all sessions of a user, as an administrator would, and returns how many there were.
    pub fn end_sessions_of(&self, user: &str) -> usize {
        self.shared.desk().end_sessions_of(user)
    }

    /// Sign-ins that have not been revoked.
    #[must_use]
    pub fn alive_sessions(&self) -> usize {
        self.shared.desk().store.alive_sessions(None)
    }

    /// Sign-ins of one user that have not been revoked.
    #[must_use]
    pub fn alive_sessions_of(&self, user: &str) -> usize {
        self.shared.desk().store.alive_sessions(Some(user))
    }

    /// Tokens of a user, of both kinds, that still work; 0 is what a sign-out should leave.
    #[must_use]
    pub fn alive_tokens(&self, user: &str) -> usize {
        let desk = self.shared.desk();
        desk.store.alive_tokens(desk.now, user)
    }

    /// Whether the API would accept this access token.
    #[must_use]
    pub fn is_access_alive(&self, token: &str) -> bool {
        let desk = self.shared.desk();
        desk.store.check(desk.now, token).is_ok()
    }

    /// Whether the token endpoint would accept this refresh token.
    #[must_use]
    pub fn is_refresh_alive(&self, token: &str) -> bool {
        let desk = self.shared.desk();
        desk.store.is_refresh_alive(desk.now, token)
    }

    /// The counters as they stand.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.desk().counters
    }

    /// Sets all counters to 0; the log stays.
    pub fn reset_counters(&self) {
        self.shared.desk().counters = Counters::default();
    }

    /// What happened so far, in order; the oldest events go first when there are very many.
    #[must_use]
    pub fn log(&self) -> Vec<Event> {
        self.shared.desk().log.iter().cloned().collect()
    }

    /// Forgets the events so far.
    pub fn clear_log(&self) {
        self.shared.desk().log.clear();
    }
}

impl fmt::Debug for TestServer {
    // Short, as the state holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("TestServer");
        out.field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed by then; there is nothing left to do.
            let _ = thread.join();
        }
    }
}
