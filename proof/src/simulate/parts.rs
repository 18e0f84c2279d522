//! The parts of the world: contexts with their hosts, stores with their leases, and what happens to them.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use tokenlatch::Receipt;
use tokenlatch::promises::Checked;

use super::ops::Fault;
use super::ops::Post;
use super::ops::Trip;
use super::server::Key;

pub(crate) const TOKEN: usize = 48;
pub(crate) const WAITERS: usize = 8;

/// What a random number is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Draw {
    Latch,
    Network,
    Store,
    Post,
    Server,
    User,
    Crash,
    Claim,
}

/// What happens at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    Wake(u64),
    Loaded(u32, Option<Fault>),
    /// The oldest write under way is carried out.
    Wrote,
    LeaseGranted(u32),
    LeaseDenied(u32),
    LeaseTaken(u32),
    /// The token request arrives at the server, with the refresh token of this key.
    TokenRequest(u32, Key),
    TokenAnswer(u32, Answer),
    LoginBegins,
    LoginAnswer(u32),
    RevocationArrives(u32, usize),
    RevocationAnswer(u32, bool),
    Announced,
    ApiAnswer(u64, Key),
    /// The host gets round to a released request.
    Claim(u32),
    Thaw,
    Online,
}

/// What a token request gave, as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Granted(Key),
    InvalidGrant,
    Unavailable,
    RateLimited,
    Unrecognized,
    NotSent,
    Lost,
}

/// A write that was ordered and is not carried out.
pub(crate) struct Write {
    pub(crate) ticket: u32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fault: Option<Fault>,
    /// The ticket of the lease that its context had when it was ordered.
    pub(crate) lease: Option<u32>,
}

/// A context and its host.
pub(crate) struct Context {
    pub(crate) latch: Checked<TOKEN, WAITERS>,
    pub(crate) domain: usize,
    pub(crate) life: u32,
    /// Simulated time less the monotonic clock: grows with every sleep.
    pub(crate) slept: u64,
    pub(crate) frozen_at: Option<u64>,
    pub(crate) offline: bool,
    pub(crate) offline_until: u64,
    pub(crate) cut_until: u64,
    pub(crate) deaf_until: u64,
    pub(crate) store_cut_until: u64,
    pub(crate) reads: VecDeque<Fault>,
    pub(crate) writes_to_fail: VecDeque<Fault>,
    pub(crate) post: Option<Post>,
    pub(crate) trip: Option<Trip>,
    pub(crate) deny_lease: bool,
    pub(crate) silence_lease: bool,
    /// After so many orders it ends; 0 for never.
    pub(crate) crash_in: u8,
    /// Somebody will open the login.
    pub(crate) login_planned: bool,
    /// What came while it was frozen.
    pub(crate) mail: Vec<Happening>,
    pub(crate) requests: u32,
    /// Since when each request waits, and under which sign-in it was asked.
    pub(crate) waiting: BTreeMap<u32, (u64, Option<usize>)>,
    pub(crate) in_flight: BTreeMap<u64, Receipt>,
    pub(crate) writes: VecDeque<Write>,
    pub(crate) writes_until: u64,
    pub(crate) wake: u64,
    /// The credential that it has.
    pub(crate) holding: Option<Key>,
}

/// One store and its lease.
#[derive(Default)]
pub(crate) struct Domain {
    pub(crate) cell: Vec<u8>,
    pub(crate) user: u8,
    pub(crate) holder: Option<(usize, u32)>,
    pub(crate) queue: VecDeque<(usize, u32)>,
    /// The newest sign-in.
    pub(crate) newest: Option<usize>,
}

impl Context {
    pub(crate) fn new(latch: Checked<TOKEN, WAITERS>, domain: usize, life: u32) -> Self {
        Self {
            latch,
            domain,
            life,
            slept: 0,
            frozen_at: None,
            offline: false,
            offline_until: 0,
            cut_until: 0,
            deaf_until: 0,
            store_cut_until: 0,
            reads: VecDeque::new(),
            writes_to_fail: VecDeque::new(),
            post: None,
            trip: None,
            deny_lease: false,
            silence_lease: false,
            crash_in: 0,
            login_planned: false,
            mail: Vec::new(),
            requests: 0,
            waiting: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            writes: VecDeque::new(),
            writes_until: 0,
            wake: u64::MAX,
            holding: None,
        }
    }
}
