//! A server and a file, and the application that uses them, with either client.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use testserver::{Settings, TestServer};
use tokenlatch::Waiting;

use crate::Failure;
use crate::host::{FetchError, Host, config};
use crate::http::{AuthServer, Credentials};
use crate::naive::Naive;
use crate::store::Store;

/// A request that takes longer counts as one that never ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// What a request came to for the application.
pub(crate) enum Seen {
    Answer(u16),
    /// None, for this reason.
    Nothing(String),
}

/// The application, written against either client.
pub(crate) trait App: Send + Sync + Sized + 'static {
    /// Argument that makes this program's second process such a client.
    const FLAG: Option<&'static str>;
    /// Starts as the program does: with what is in the file.
    fn open(world: &World) -> Result<Self, Failure>;
    fn sign_in(&self) -> Result<(), Failure>;
    fn get(&self, url: &str) -> Seen;
    fn sign_out(&self);
    fn close(self);
}

pub(crate) struct LatchApp(Host);

impl App for LatchApp {
    const FLAG: Option<&'static str> = None;

    fn open(world: &World) -> Result<Self, Failure> {
        let mut server = AuthServer::new(world.server.token_endpoint(), "native-app".to_owned());
        server.revocation_endpoint = Some(world.server.revocation_endpoint());
        let mut config = config();
        // The user sees a login page; what is asked for before is refused, unless the login is under way.
        config.when_signed_out = Waiting::Refuse;
        // This server takes a refresh token once.
        config.reuse_grace_ms = 0;
        Ok(Self(Host::open(
            config,
            Store::new(&world.file)?,
            server,
            None,
            world.recording.take(),
        )?))
    }

    fn sign_in(&self) -> Result<(), Failure> {
        Ok(self.0.sign_in(&alice())?)
    }

    fn get(&self, url: &str) -> Seen {
        match self.0.get(url) {
            Ok(answer) => Seen::Answer(answer.response.status().as_u16()),
            Err(FetchError::Refused(cause)) => Seen::Nothing(cause.to_string()),
            Err(error) => Seen::Nothing(error.to_string()),
        }
    }

    fn sign_out(&self) {
        self.0.sign_out();
    }

    fn close(self) {
        self.0.close();
    }
}

pub(crate) struct NaiveApp(Naive);

impl App for NaiveApp {
    const FLAG: Option<&'static str> = Some("--naive");

    fn open(world: &World) -> Result<Self, Failure> {
        Ok(Self(Naive::open(&world.server.base_url(), &world.file)))
    }

    fn sign_in(&self) -> Result<(), Failure> {
        Ok(self.0.sign_in(&alice())?)
    }

    fn get(&self, url: &str) -> Seen {
        match self.0.get(url) {
            Ok(response) => Seen::Answer(response.status().as_u16()),
            Err(error) => Seen::Nothing(error.to_string()),
        }
    }

    fn sign_out(&self) {
        self.0.sign_out();
    }

    fn close(self) {}
}

pub(crate) fn alice() -> Credentials {
    Credentials::Password {
        username: "alice".to_owned(),
        password: "wonderland".to_owned(),
    }
}

/// A server, a folder for the file, and the counts.
pub(crate) struct World {
    pub(crate) server: TestServer,
    folder: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) started: AtomicU64,
    pub(crate) settled: AtomicU64,
    pub(crate) unauthorized: AtomicU64,
    /// Where the first latch is recorded.
    recording: Recording,
}

/// Taken by the one who writes it.
struct Recording(Mutex<Option<PathBuf>>);

impl Recording {
    fn take(&self) -> Option<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl World {
    pub(crate) fn new(recording: Option<PathBuf>) -> io::Result<Self> {
        // Access tokens of 2 s, 50 ms latency, refresh tokens that work once: the server's defaults.
        let server = TestServer::start(Settings::default())?;
        let name = format!(
            "tokenlatch-{}-{}",
            std::process::id(),
            server.address().port()
        );
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self {
            server,
            file: folder.join("session"),
            folder,
            started: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            unauthorized: AtomicU64::new(0),
            recording: Recording(Mutex::new(recording)),
        })
    }

    pub(crate) fn url(&self) -> String {
        self.server.api_url("notes")
    }

    pub(crate) fn get(&self, app: &impl App) -> Seen {
        self.started.fetch_add(1, Ordering::Relaxed);
        let seen = app.get(&self.url());
        self.settled.fetch_add(1, Ordering::Relaxed);
        if let Seen::Answer(401) = seen {
            self.unauthorized.fetch_add(1, Ordering::Relaxed);
        }
        seen
    }

    /// Waits until the server has seen something, so that the story does not depend on luck.
    pub(crate) fn await_server(&self, count: impl Fn(&TestServer) -> u64, more_than: u64) {
        let start = Instant::now();
        while count(&self.server) <= more_than {
            if start.elapsed() > PATIENCE {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What can't be removed now is left to the system: it is in its folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Requests that threads make, and how to wait for them.
pub(crate) struct Threads(Vec<mpsc::Receiver<()>>);

impl Threads {
    pub(crate) fn start<A: App>(world: &Arc<World>, app: &Arc<A>, threads: u64, each: u64) -> Self {
        let spawn = |_| {
            let (world, app) = (Arc::clone(world), Arc::clone(app));
            let (done, wait) = mpsc::channel();
            thread::spawn(move || {
                for _ in 0..each {
                    world.get(&*app);
                }
                let _ = done.send(());
                drop(app);
            });
            wait
        };
        Self((0..threads).map(spawn).collect())
    }

    /// Waits for them, but not for ever: what hangs is counted.
    pub(crate) fn wait(self) {
        for thread in self.0 {
            let _ = thread.recv_timeout(PATIENCE);
        }
    }
}
