//! What may still happen in a world, and how often.

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
    /// A context that is not in the world signs another user in.
    pub(crate) foreign: u8,
    /// The host asks for a renewal.
    pub(crate) forced: u8,
    /// Requests that come, retries apart.
    pub(crate) requests: u8,
    /// 401s.
    pub(crate) refusals: u8,
}

impl Left {
    pub(crate) const NOTHING: Self = Self {
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
        foreign: 0,
        forced: 0,
        requests: 0,
        refusals: 0,
    };
}

/// What can happen to a context without a store, any number of times.
pub(crate) const EVERYTHING: Left = Left {
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
};
