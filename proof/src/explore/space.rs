//! The worlds that are explored, each with its bounds.

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::LeaseMode;

/// No bound.
pub(crate) const ANY: u8 = u8::MAX;

/// What may still happen how often, in the whole world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    /// Logins that succeed; each is a family of tokens.
    pub(crate) logins: u8,
    /// Logins that begin and fail, or are never answered.
    pub(crate) tries: u8,
    pub(crate) logouts: u8,
    /// Refreshes that the server grants.
    pub(crate) grants: u8,
    /// Token requests that fail for a reason of the network or the server.
    pub(crate) failures: u8,
    /// The server ends a session by itself.
    pub(crate) ends: u8,
    pub(crate) crashes: u8,
    /// A context is not run for a while.
    pub(crate) freezes: u8,
    /// The lease is taken from its holder.
    pub(crate) steals: u8,
    /// The lease is denied.
    pub(crate) denials: u8,
    /// The store fails, tears, lies or can't be read.
    pub(crate) faults: u8,
    /// The wall clock runs on while the monotonic one stands.
    pub(crate) sleeps: u8,
    /// The wall clock is set back.
    pub(crate) setbacks: u8,
    /// A resume, or a change of the store that nobody announced.
    pub(crate) looks: u8,
    pub(crate) offline: u8,
    /// The host asks for a renewal.
    pub(crate) forced: u8,
    /// Requests that come, retries apart.
    pub(crate) requests: u8,
    /// 401s.
    pub(crate) refusals: u8,
}

impl Left {
    const NOTHING: Self = Self {
        logins: 0,
        tries: 0,
        logouts: 0,
        grants: 0,
        failures: 0,
        ends: 0,
        crashes: 0,
        freezes: 0,
        steals: 0,
        denials: 0,
        faults: 0,
        sleeps: 0,
        setbacks: 0,
        looks: 0,
        offline: 0,
        forced: 0,
        requests: 0,
        refusals: 0,
    };
}

/// A world, by its bounds.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(crate) name: &'static str,
    pub(crate) line: &'static str,
    pub(crate) contexts: usize,
    /// Requests that wait or are under way in one context.
    pub(crate) width: usize,
    pub(crate) left: Left,
    pub(crate) config: Config,
    /// Requests may be cancelled.
    pub(crate) cancels: bool,
    /// Every status and challenge, every token failure, every stale answer.
    pub(crate) all_answers: bool,
    /// A read is answered later than it is made.
    pub(crate) slow_reads: bool,
    /// A write that was given up is carried out later.
    pub(crate) late_writes: bool,
    /// Users who log in.
    pub(crate) users: u8,
    /// How long an access token lives, in milliseconds.
    pub(crate) lifetime: u64,
    /// The server may answer anything: any number of sign-ins and renewals, none of them kept in a store.
    pub(crate) oracle: bool,
    /// Whether a world's refresh tokens must never be used twice.
    pub(crate) no_replay: bool,
    /// States after which a space that does not close ends.
    pub(crate) most: usize,
}

impl Space {
    /// TEMPORARY
    pub(crate) fn set(&mut self, key: &str, v: u8) {
        let c = &mut self.config;
        let l = &mut self.left;
        match key {
            "lifetime" => self.lifetime = v.into(),
            "most" => self.most = v as usize * 100_000,
            "width" => self.width = v as usize,
            "wait" => c.wait_limit_ms = v.into(),
            "token" => c.token_timeout_ms = v.into(),
            "login" => c.login_timeout_ms = v.into(),
            "store" => c.store_timeout_ms = v.into(),
            "lease" => c.lease_timeout_ms = v.into(),
            "budget" => c.budget = v,
            "window" => c.budget_window_ms = v.into(),
            "fresh" => c.fresh_window_ms = v.into(),
            "attempts" => c.max_attempts = v,
            "all" => self.all_answers = v > 0,
            "cancels" => self.cancels = v > 0,
            "slow" => self.slow_reads = v > 0,
            "late" => self.late_writes = v > 0,
            "logins" => l.logins = v,
            "tries" => l.tries = v,
            "logouts" => l.logouts = v,
            "grants" => l.grants = v,
            "failures" => l.failures = v,
            "crashes" => l.crashes = v,
            "freezes" => l.freezes = v,
            "steals" => l.steals = v,
            "denials" => l.denials = v,
            "faults" => l.faults = v,
            "sleeps" => l.sleeps = v,
            "setbacks" => l.setbacks = v,
            "looks" => l.looks = v,
            "offline" => l.offline = v,
            "forced" => l.forced = v,
            "requests" => l.requests = v,
            "refusals" => l.refusals = v,
            _ => panic!("{key}"),
        }
    }
}

/// Short times, so that few differ: everything is a small number of milliseconds.
const fn config() -> Config {
    let mut config = Config::new();
    config.wait_limit_ms = 3;
    config.max_attempts = 2;
    config.refresh_margin_ms = 1;
    config.backoff_base_ms = 1;
    config.backoff_cap_ms = 1;
    config.retry_after_cap_ms = 2;
    config.budget = 2;
    config.budget_window_ms = 4;
    config.reuse_grace_ms = 0;
    config.fresh_window_ms = 1;
    config.fresh_retry_ms = 1;
    config.clock_tolerance_ms = 1;
    config.store_timeout_ms = 1;
    config.token_timeout_ms = 2;
    config.probe_timeout_ms = 1;
    config.revoke_timeout_ms = 1;
    config.lease_timeout_ms = 3;
    config.login_timeout_ms = 2;
    config.attempts = 1;
    config
}

const fn in_memory() -> Config {
    let mut config = config();
    config.wait_limit_ms = 2;
    config.token_timeout_ms = 1;
    config.login_timeout_ms = 1;
    config.budget = 1;
    config.budget_window_ms = 2;
    config.store = false;
    config.confirmation = Confirmation::Memory;
    config
}

const fn leased() -> Config {
    let mut config = config();
    config.lease = LeaseMode::Host;
    config
}

const fn read_back() -> Config {
    let mut config = config();
    config.confirmation = Confirmation::ReadBack;
    config
}

/// Every world.
pub(crate) fn all() -> Vec<Space> {
    let base = Space {
        name: "",
        line: "",
        contexts: 1,
        width: 1,
        left: Left::NOTHING,
        config: config(),
        cancels: false,
        all_answers: false,
        slow_reads: false,
        late_writes: false,
        users: 1,
        lifetime: 4,
        oracle: false,
        no_replay: false,
        most: 40_000_000,
    };
    vec![
        Space {
            name: "requests",
            line: "1 context in memory, 3 requests, every event at any time and any number of times",
            width: 3,
            config: in_memory(),
            left: Left {
                logins: ANY,
                tries: ANY,
                logouts: ANY,
                grants: ANY,
                failures: ANY,
                looks: ANY,
                offline: ANY,
                forced: ANY,
                requests: ANY,
                refusals: ANY,
                ..Left::NOTHING
            },
            cancels: true,
            all_answers: true,
            oracle: true,
            lifetime: 2,
            ..base.clone()
        },
        Space {
            name: "faults",
            line: "1 context and its store, every fault of the store at every step, a crash anywhere",
            width: 1,
            config: read_back(),
            left: Left {
                logins: 1,
                tries: ANY,
                logouts: 1,
                grants: 1,
                failures: ANY,
                crashes: 1,
                faults: ANY,
                looks: ANY,
                requests: ANY,
                refusals: ANY,
                ..Left::NOTHING
            },
            late_writes: true,
            ..base.clone()
        },
        Space {
            name: "lease",
            line: "2 contexts with a store and a lease, one crash anywhere, rotation with reuse detection",
            contexts: 2,
            config: leased(),
            left: Left {
                logins: 1,
                tries: 0,
                logouts: 1,
                grants: 1,
                failures: 1,
                crashes: 1,
                requests: 1,
                refusals: 1,
                ..Left::NOTHING
            },
            no_replay: true,
            ..base.clone()
        },
        Space {
            name: "no lease",
            line: "2 contexts with a store and without a lease, rotation with reuse detection",
            contexts: 2,
            left: Left {
                logins: 1,
                logouts: 1,
                grants: 2,
                failures: 1,
                requests: 1,
                refusals: 1,
                ..Left::NOTHING
            },
            slow_reads: true,
            ..base
        },
    ]
}
