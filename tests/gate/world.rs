//! A host with a disk and a server in memory, slow and faulty as a seed decides, and what it saw.

use core::cell::Cell;
use core::cell::RefCell;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::Cause;
use tokenlatch::Config;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantType;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Permit;
use tokenlatch::ProbeResult;
use tokenlatch::TokenFailure;
use tokenlatch::gate::Failed;
use tokenlatch::gate::Gate;
use tokenlatch::gate::Host;
use tokenlatch::gate::Runner;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;

use crate::executor::Chance;
use crate::executor::Time;

pub(crate) const TOKEN: usize = 64;
pub(crate) const WAITERS: usize = 3;
pub(crate) const RECORD: usize = Latch::<TOKEN, WAITERS>::RECORD_CAPACITY;

pub(crate) type Clock<'t> = Box<dyn Fn() -> Now + 't>;
pub(crate) type TestGate<'t> = Gate<NoopRawMutex, TOKEN, WAITERS, Clock<'t>>;
pub(crate) type TestRunner<'g, 't> = Runner<'g, NoopRawMutex, TOKEN, WAITERS, Clock<'t>>;

pub(crate) fn gate<'t>(time: &'t Time, config: Config, seed: u64) -> TestGate<'t> {
    let latch = Latch::new(config, seed).expect("a config that works");
    Gate::new(latch, Box::new(|| time.now()))
}

/// Fails if a promise was seen to be broken.
#[track_caller]
pub(crate) fn check(gate: &TestGate<'_>) {
    #[cfg(feature = "_verify")]
    if let Some(broken) = gate.broken() {
        panic!("{broken}");
    }
    let _ = gate;
}

/// A configuration with times that a test can live through.
pub(crate) fn quick() -> Config {
    let mut config = Config::new();
    config.wait_limit_ms = 20_000;
    config.backoff_base_ms = 100;
    config.backoff_cap_ms = 2_000;
    config.budget = 100;
    config.store_timeout_ms = 500;
    config.token_timeout_ms = 2_000;
    config.probe_timeout_ms = 1_000;
    config.revoke_timeout_ms = 1_000;
    config.lease_timeout_ms = 3_000;
    config.login_timeout_ms = 10_000;
    config.refresh_margin_ms = 1_000;
    config.fresh_window_ms = 100;
    config.fresh_retry_ms = 50;
    config
}

pub(crate) fn with_lease() -> Config {
    let mut config = quick();
    config.lease = LeaseMode::Host;
    config
}

/// How bad the world is, in percent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    /// An order fails.
    pub(crate) fails: u64,
    /// An order hangs for ever.
    pub(crate) hangs: u64,
    /// The server forgets an access token when it is shown.
    pub(crate) forgets: u64,
    /// Longest time that an order takes, in milliseconds.
    pub(crate) slow: u64,
}

/// At most one of a kind is under way.
struct Alone<'a>(&'a Cell<bool>);

impl<'a> Alone<'a> {
    fn enter(cell: &'a Cell<bool>) -> Self {
        assert!(!cell.replace(true), "a second order of a kind at a time");
        Self(cell)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) token_requests: Cell<u32>,
    pub(crate) revoked: RefCell<Vec<String>>,
    pub(crate) logins_required: Cell<u32>,
}

pub(crate) struct World<'t> {
    pub(crate) time: &'t Time,
    pub(crate) chance: Chance,
    pub(crate) weather: Cell<Weather>,
    pub(crate) disk: RefCell<Vec<u8>>,
    /// What the server takes: tokens are `a` or `r`, the sign-in, and a number.
    access: RefCell<String>,
    refresh: RefCell<String>,
    pub(crate) sign_in: Cell<u32>,
    issued: Cell<u32>,
    /// Tokens of sign-ins up to this one must not leave any more.
    pub(crate) ended: Cell<u32>,
    lease: Cell<bool>,
    busy: [Cell<bool>; 6],
    /// How long a token request takes besides.
    pub(crate) latency: Cell<u64>,
    pub(crate) seen: Seen,
}

impl<'t> World<'t> {
    pub(crate) fn new(time: &'t Time, seed: u64, weather: Weather) -> Self {
        Self {
            time,
            chance: Chance::new(seed),
            weather: Cell::new(weather),
            disk: RefCell::default(),
            access: RefCell::default(),
            refresh: RefCell::default(),
            sign_in: Cell::new(0),
            issued: Cell::new(0),
            ended: Cell::new(0),
            lease: Cell::new(false),
            busy: Default::default(),
            latency: Cell::new(0),
            seen: Seen::default(),
        }
    }

    /// Some time, and then it works or not; or never.
    pub(crate) async fn weather(&self) -> Result<(), Failed> {
        let weather = self.weather.get();
        if weather.slow > 0 {
            self.time.sleep(self.chance.below(weather.slow)).await;
        }
        if self.chance.is(weather.hangs) {
            core::future::pending::<()>().await;
        }
        if self.chance.is(weather.fails) {
            return Err(Failed);
        }
        Ok(())
    }

    /// Somebody logs in at the server.
    pub(crate) fn login(&self) -> (String, String) {
        self.sign_in.set(self.sign_in.get() + 1);
        self.issue()
    }

    fn issue(&self) -> (String, String) {
        let number = self.issued.get() + 1;
        self.issued.set(number);
        let sign_in = self.sign_in.get();
        let tokens = (
            format!("a-{sign_in}-{number}"),
            format!("r-{sign_in}-{number}"),
        );
        *self.access.borrow_mut() = tokens.0.clone();
        *self.refresh.borrow_mut() = tokens.1.clone();
        tokens
    }

    pub(crate) fn forget_access(&self) {
        self.access.borrow_mut().clear();
    }

    pub(crate) fn lose_lease(&self) {
        self.lease.set(false);
    }

    /// Notes that a request leaves with this token.
    pub(crate) fn leaves(&self, permit: &Permit<'_>) -> String {
        let token = permit.token().to_owned();
        let mut parts = token.split('-');
        assert_eq!(parts.next(), Some("a"), "`{token}` is no access token");
        let sign_in: u32 = parts.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        assert!(
            sign_in > self.ended.get(),
            "`{token}` leaves after its sign-out"
        );
        token
    }

    /// What the server says to a request with this token.
    pub(crate) fn status(&self, token: &str) -> u16 {
        if self.chance.is(self.weather.get().forgets) {
            self.forget_access();
        }
        if *self.access.borrow() == token {
            return 200;
        }
        401
    }
}

pub(crate) fn grant<'a>(access: &'a str, refresh: &'a str) -> Grant<'a> {
    let mut grant = Grant::new(access);
    grant.refresh_token = Some(refresh);
    grant.expiry = Expiry::In(6_000);
    grant
}

impl Host for World<'_> {
    async fn wait_until(&self, at: Instant) {
        let _alone = Alone::enter(&self.busy[0]);
        self.time.until_instant(at).await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        let _alone = Alone::enter(&self.busy[1]);
        self.weather().await?;
        let disk = self.disk.borrow();
        buffer[..disk.len()].copy_from_slice(&disk);
        Ok(disk.len())
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        let _alone = Alone::enter(&self.busy[1]);
        self.weather().await?;
        *self.disk.borrow_mut() = record.to_vec();
        Ok(())
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        let _alone = Alone::enter(&self.busy[2]);
        assert_eq!(request.grant_type, GrantType::RefreshToken);
        assert!(!request.refresh_token.is_empty(), "nothing to renew with");
        self.seen
            .token_requests
            .set(self.seen.token_requests.get() + 1);
        self.weather().await.map_err(|_| TokenFailure::NotSent)?;
        if *self.refresh.borrow() != request.refresh_token {
            return Err(TokenFailure::InvalidGrant.into());
        }
        self.time.sleep(self.latency.get()).await;
        let (access, refresh) = self.issue();
        self.weather().await.map_err(|_| TokenFailure::Lost)?;
        let (first, rest) = reply.split_at_mut(access.len());
        first.copy_from_slice(access.as_bytes());
        let second = &mut rest[..refresh.len()];
        second.copy_from_slice(refresh.as_bytes());
        let text = |bytes| core::str::from_utf8(bytes).unwrap_or_default();
        Ok(grant(text(first), text(second)))
    }

    async fn announce(&self) {
        let _alone = Alone::enter(&self.busy[3]);
        let _ = self.weather().await;
    }

    async fn acquire_lease(&self) -> Result<(), Failed> {
        let _alone = Alone::enter(&self.busy[4]);
        self.weather().await?;
        assert!(!self.lease.replace(true), "the lease is had twice");
        Ok(())
    }

    async fn release_lease(&self) {
        let _alone = Alone::enter(&self.busy[4]);
        self.time.sleep(self.chance.below(20)).await;
        self.lease.set(false);
    }

    async fn probe(&self, permit: Permit<'_>) -> ProbeResult {
        let token = permit.token().to_owned();
        if self.weather().await.is_err() {
            return ProbeResult::Unreachable;
        }
        match self.status(&token) {
            200 => ProbeResult::Accepted,
            _ => ProbeResult::Refused,
        }
    }

    async fn revoke(&self, token: &str) -> Result<(), Failed> {
        self.weather().await?;
        self.seen.revoked.borrow_mut().push(token.to_owned());
        Ok(())
    }

    async fn require_login(&self, _: Cause) {
        let _alone = Alone::enter(&self.busy[5]);
        self.seen
            .logins_required
            .set(self.seen.logins_required.get() + 1);
    }
}
