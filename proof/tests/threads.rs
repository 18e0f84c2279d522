//! The async gate shared by threads: shuttle decides, by a seed, which thread goes on at each lock and each wake-up.
//!
//! The latch inside is checked against the promises with every step (private feature `_verify`). A wake-up that is lost
//! leaves all threads asleep, which shuttle reports. `GATE_SCHEDULES` says how many schedules are tried of each kind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::task::Waker;
use std::env;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use embassy_sync::blocking_mutex::raw::RawMutex;
use shuttle::MaxSteps;
use shuttle::rand::Rng as _;
use shuttle::scheduler::PctScheduler;
use shuttle::scheduler::RandomScheduler;
use shuttle::scheduler::Scheduler;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::TokenFailure;
use tokenlatch::gate::Failed;
use tokenlatch::gate::Gate;
use tokenlatch::gate::GateError;
use tokenlatch::gate::Host;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;

/// A lock at which shuttle may let another thread go on. It is taken by one thread at a time, and never twice.
struct ThreadMutex(shuttle::sync::Mutex<()>);

// SAFETY: one thread at a time is inside.
unsafe impl RawMutex for ThreadMutex {
    const INIT: Self = Self(shuttle::sync::Mutex::new(()));

    fn lock<R>(&self, f: impl FnOnce() -> R) -> R {
        let _inside = self.0.lock().unwrap();
        f()
    }
}

const TOKEN: usize = 64;
const WAITERS: usize = 2;
const CLIENTS: u32 = 3;
const RECORD: usize = Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;

type Clock = Box<dyn Fn() -> Now + Send + Sync>;
type ThreadGate = Gate<ThreadMutex, TOKEN, WAITERS, Clock>;

/// True in so many of a hundred cases.
fn chance(percent: u32) -> bool {
    shuttle::rand::thread_rng().gen_range(0..100) < percent
}

/// A disk and a server in memory, and a clock. Their locks are no concern of shuttle's: nothing happens inside.
#[derive(Default)]
struct World {
    millis: Arc<AtomicU64>,
    /// Whether a timer goes off at all. Where none does, every wait must end by what is done alone.
    has_timer: bool,
    disk: Mutex<Vec<u8>>,
    /// What the server takes.
    tokens: Mutex<(String, String)>,
    sign_in: AtomicU32,
    issued: AtomicU32,
    /// Tokens of sign-ins up to this one must not leave any more.
    ended: AtomicU32,
    /// Token requests under way.
    sending: AtomicU32,
    /// Clients that have ended.
    done: AtomicU32,
    is_over: AtomicBool,
    person: Bell,
    runner: Bell,
}

/// Wakes one who waits for the others.
#[derive(Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn hear(&self, waker: &Waker) {
        *self.0.lock().unwrap() = Some(waker.clone());
    }

    fn ring(&self) {
        let waker = self.0.lock().unwrap().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl World {
    fn login(&self) -> (String, String) {
        self.sign_in.fetch_add(1, SeqCst);
        self.issue()
    }

    fn issue(&self) -> (String, String) {
        let sign_in = self.sign_in.load(SeqCst);
        let number = self.issued.fetch_add(1, SeqCst) + 1;
        let tokens = (
            format!("a-{sign_in}-{number}"),
            format!("r-{sign_in}-{number}"),
        );
        *self.tokens.lock().unwrap() = tokens.clone();
        tokens
    }

    /// A request leaves.
    fn leaves(&self, token: &str) -> String {
        let sign_in = token.split('-').nth(1).and_then(|it| it.parse().ok());
        let ended = self.ended.load(SeqCst);
        assert!(
            sign_in.is_some_and(|sign_in: u32| sign_in > ended),
            "`{token}` leaves after sign-out {ended}"
        );
        token.to_owned()
    }

    fn status(&self, token: &str) -> u16 {
        let is_current = self.tokens.lock().unwrap().0 == token;
        match is_current && !chance(20) {
            true => 200,
            false => 401,
        }
    }
}

fn grant<'a>(access: &'a str, refresh: &'a str) -> Grant<'a> {
    let mut grant = Grant::new(access);
    grant.refresh_token = Some(refresh);
    grant.expiry = Expiry::In(60_000);
    grant
}

/// Lets other threads go on, in the middle of an order.
async fn a_while() {
    let mut left = shuttle::rand::thread_rng().gen_range(0..2);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        // Not only where the schedule is fair.
        shuttle::thread::yield_now();
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Host for World {
    async fn wait_until(&self, at: Instant) {
        if !self.has_timer {
            core::future::pending::<()>().await;
        }
        for _ in 0..8 {
            a_while().await;
        }
        self.millis.fetch_max(at.as_millis(), SeqCst);
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        a_while().await;
        let disk = self.disk.lock().unwrap();
        buffer.get_mut(..disk.len()).unwrap().copy_from_slice(&disk);
        Ok(disk.len())
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        a_while().await;
        *self.disk.lock().unwrap() = record.to_vec();
        Ok(())
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        /// Also where the future is dropped.
        struct Sending<'a>(&'a AtomicU32);
        impl Drop for Sending<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        let under_way = self.sending.fetch_add(1, SeqCst);
        let _sending = Sending(&self.sending);
        assert_eq!(under_way, 0, "two token requests at a time");
        assert!(!request.refresh_token.is_empty(), "nothing to renew with");
        a_while().await;
        if self.tokens.lock().unwrap().1 != request.refresh_token {
            return Err(TokenFailure::InvalidGrant.into());
        }
        let (access, refresh) = self.issue();
        a_while().await;
        let body = format!("{access} {refresh}");
        let reply = reply.get_mut(..body.len()).unwrap();
        reply.copy_from_slice(body.as_bytes());
        let (access, refresh) = core::str::from_utf8(reply)
            .unwrap()
            .split_once(' ')
            .unwrap();
        Ok(grant(access, refresh))
    }

    async fn revoke(&self, _: &str) -> Result<(), Failed> {
        a_while().await;
        Ok(())
    }
}

/// How a client's request ended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Answered,
    Refused,
    Cancelled,
    Full,
}

/// One request, given up now and then.
fn request(gate: &ThreadGate, world: &World) -> End {
    let mut request = match gate.request() {
        Ok(request) => request,
        Err(GateError::Rejected(Rejected::QueueFull)) => return End::Full,
        Err(GateError::Refused(_)) => return End::Refused,
        Err(error) => panic!("{error}"),
    };
    for attempt in 1.. {
        assert!(attempt <= 3, "sent too often");
        if chance(15) {
            let left = request.try_permit(|permit| world.leaves(permit.token()));
            if left == Err(GateError::NotReady) {
                return End::Cancelled;
            }
            match left {
                Ok(_) => return End::Cancelled,
                Err(GateError::Refused(_)) => return End::Refused,
                Err(GateError::Rejected(Rejected::QueueFull)) => return End::Full,
                Err(error) => panic!("{error}"),
            }
        }
        let left = request.permit(|permit| world.leaves(permit.token()));
        let token = match shuttle::future::block_on(left) {
            Ok(token) => token,
            Err(GateError::Refused(_)) => return End::Refused,
            Err(GateError::Rejected(Rejected::QueueFull)) => return End::Full,
            Err(error) => panic!("{error}"),
        };
        shuttle::thread::yield_now();
        let status = world.status(&token);
        match request.answered(status, ChallengeKind::InvalidToken) {
            Ok(Outcome::Retry) => {}
            Ok(Outcome::Surface(_)) => return End::Refused,
            Ok(Outcome::Deliver | Outcome::Stale) => return End::Answered,
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

fn sign_in(gate: &ThreadGate, world: &World) {
    let ticket = gate.login_started().unwrap();
    shuttle::thread::yield_now();
    let (access, refresh) = world.login();
    let told = gate.granted(ticket, grant(&access, &refresh));
    let is_late = world.has_timer && told == Ok(Outcome::Orphaned);
    assert!(
        is_late || matches!(told, Ok(Outcome::Done | Outcome::Stale)),
        "{told:?}"
    );
}

/// The one who logs in and out.
fn person(gate: &ThreadGate, world: &World) {
    let mut watch = gate.watch().unwrap();
    sign_in(gate, world);
    for _ in 0..2 {
        match shuttle::rand::thread_rng().gen_range(0..5) {
            0 | 1 => {
                gate.logout().unwrap();
                world.ended.store(world.sign_in.load(SeqCst), SeqCst);
                assert_eq!(gate.state(), State::Unauthenticated);
                shuttle::thread::yield_now();
                sign_in(gate, world);
            }
            2 => gate.resumed().unwrap(),
            3 => gate.store_changed().unwrap(),
            _ => match gate.refresh() {
                Ok(()) | Err(GateError::Rejected(_)) => {}
                Err(error) => panic!("{error}"),
            },
        }
        let _ = watch.try_changed();
    }
    // Whoever waits to the end gets a session: where one has ended meanwhile, a new one begins.
    shuttle::future::block_on(poll_fn(|cx| {
        while let Poll::Ready(status) = watch.poll_changed(cx) {
            if status.login.is_some() {
                sign_in(gate, world);
            }
        }
        world.person.hear(cx.waker());
        if world.done.load(SeqCst) == CLIENTS {
            return Poll::Ready(());
        }
        Poll::Pending
    }));
}

fn config(has_timer: bool) -> Config {
    let mut config = Config::new();
    config.budget = 100;
    config.serve_while_refreshing = chance(30);
    if !has_timer {
        // What would be waited for.
        config.fresh_retry_ms = 0;
        config.fresh_window_ms = 0;
    }
    config
}

/// What became of all requests, over all schedules.
#[derive(Debug, Default)]
struct Tally([AtomicU32; 4]);

fn day(has_timer: bool, tally: &Arc<Tally>) {
    let world = Arc::new(World {
        has_timer,
        ..World::default()
    });
    let millis = Arc::clone(&world.millis);
    let clock = Box::new(move || Now::monotonic(millis.load(SeqCst)));
    let latch = Latch::new(config(has_timer), 1).unwrap();
    let gate: Arc<ThreadGate> = Arc::new(Gate::new(latch, clock));
    let runner = {
        let (gate, world) = (Arc::clone(&gate), Arc::clone(&world));
        // Opened before anybody asks for anything.
        let opened = Arc::new(shuttle::sync::Barrier::new(2));
        let told = Arc::clone(&opened);
        let thread = shuttle::thread::spawn(move || {
            let mut runner = gate.runner().unwrap();
            assert_eq!(gate.runner().err(), Some(GateError::Running));
            told.wait();
            let (mut record, mut reply) = ([0; RECORD], [0; 256]);
            let mut run = pin!(runner.run(&*world, &mut record, &mut reply));
            shuttle::future::block_on(poll_fn(|cx| {
                world.runner.hear(cx.waker());
                if world.is_over.load(SeqCst) {
                    return Poll::Ready(());
                }
                run.as_mut().poll(cx).map(|never| never)
            }));
        });
        opened.wait();
        thread
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (gate, world) = (Arc::clone(&gate), Arc::clone(&world));
            let tally = Arc::clone(tally);
            shuttle::thread::spawn(move || {
                for _ in 0..2 {
                    let end = request(&gate, &world);
                    if let Some(count) = tally.0.get(end as usize) {
                        count.fetch_add(1, SeqCst);
                    }
                }
                world.done.fetch_add(1, SeqCst);
                world.person.ring();
            })
        })
        .collect();
    person(&gate, &world);
    for client in clients {
        client.join().unwrap();
    }
    world.is_over.store(true, SeqCst);
    world.runner.ring();
    runner.join().unwrap();
    if let Some(broken) = gate.broken() {
        panic!("{broken}");
    }
    // Every wait has ended, and every seat is free again.
    assert_eq!(gate.inspect(Latch::waiting), Ok(0));
    let seats: Vec<_> = (0..WAITERS).map(|_| gate.request().unwrap()).collect();
    assert_eq!(
        gate.request().err(),
        Some(GateError::Rejected(Rejected::QueueFull))
    );
    drop(seats);
}

/// Schedules of each kind.
fn schedules() -> usize {
    let asked = env::var("GATE_SCHEDULES").ok();
    asked.and_then(|it| it.parse().ok()).unwrap_or(250)
}

fn explore(scheduler: impl Scheduler + 'static, has_timer: bool, tally: &Arc<Tally>) {
    let mut config = shuttle::Config::new();
    config.max_steps = MaxSteps::FailAfter(100_000);
    let tally = Arc::clone(tally);
    shuttle::Runner::new(scheduler, config).run(move || day(has_timer, &tally));
}

fn explored(has_timer: bool) -> [u32; 4] {
    let tally = Arc::new(Tally::default());
    let seed = 1;
    explore(
        RandomScheduler::new_from_seed(seed, schedules()),
        has_timer,
        &tally,
    );
    explore(
        PctScheduler::new_from_seed(seed, 3, schedules()),
        has_timer,
        &tally,
    );
    let counts = tally.0.each_ref().map(|count| count.load(SeqCst));
    println!("answered, refused, cancelled, full: {counts:?}");
    counts
}

// promises: P1, P3, P6, P7, P8, P9, P14
#[test]
fn threads_lose_no_wake_up_and_nothing_leaves_closed() {
    let counts = explored(false);
    // It was worth something only if all of this happened often.
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

// promises: P1, P3, P6, P7, P8, P9, P14, P15
#[test]
fn threads_beside_a_timer_that_goes_off_at_any_time_keep_every_promise() {
    let counts = explored(true);
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}
