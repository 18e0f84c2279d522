//! What the environment does: a list of these is a whole run, and can be read, shortened and played again.

/// At this simulated time, in this context, this happens.
pub type Op = (u64, usize, Act);

/// Something that is done to a context, its store, its lease, its network, or the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "played by this crate alone")]
pub enum Act {
    /// The application makes a request.
    Request,
    /// It makes so many at once.
    Burst(u8),
    /// It gives up the request that waits longest.
    Cancel,
    /// It wants a new token now.
    Renew,
    /// Somebody opens the login, whoever is signed in.
    Login,
    /// From now on this user sits there.
    User(u8),
    /// The user signs out.
    Logout,
    /// The context sleeps for so many milliseconds: its monotonic clock stands still.
    Freeze(u64),
    /// The context ends and starts again.
    Restart,
    /// The same, in the middle: after so many more orders.
    Crash(u8),
    /// No network for so long, and the context is told.
    Offline(u64),
    /// No network for so long, and nobody says so.
    Cut(u64),
    /// No announcement reaches it for so long.
    Deaf(u64),
    /// Its store can't be reached for so long.
    StoreCut(u64),
    /// The next reads of the store go wrong.
    Read(Fault, u8),
    /// The next writes to the store go wrong.
    Write(Fault, u8),
    /// Its next announcement goes wrong.
    Announce(Post),
    /// Its next token request goes wrong.
    Token(Trip),
    /// It is denied the lease the next time.
    LeaseDenied,
    /// Its next wish for the lease is never answered.
    LeaseSilent,
    /// The lease is taken from whoever holds it; a sleeper hears of it when it wakes.
    LeaseLost,
    /// The server answers nothing useful for so long.
    Down(u64),
    /// It starts again and knows no session any more, or all of them.
    ServerRestart(Sessions),
    /// An administrator ends the newest sign-in.
    EndSession,
    /// The access tokens of the newest sign-in stop working.
    ExpireAccess,
    /// The API refuses every token for so long.
    Refuse(u64),
    /// The wall clock is set by so many milliseconds.
    Clock(i64),
    /// No faults from here on. Half an hour later everybody must be well.
    Peace,
}

/// How a read or a write goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "played by this crate alone")]
pub enum Fault {
    /// It says so, and did nothing.
    Fails,
    /// Half of it is written, and it says that it failed.
    Torn,
    /// It is done with one bit wrong.
    Flipped,
    /// It says that it did it.
    Lies,
    /// It never answers.
    Silent,
    /// It does it ten seconds late.
    Late,
}

/// How an announcement goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "played by this crate alone")]
pub enum Post {
    /// Nobody gets it.
    Lost,
    /// Everybody gets it twice.
    Doubled,
    /// It comes after later ones.
    Late,
}

/// How a token request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "played by this crate alone")]
pub enum Trip {
    /// It never leaves.
    NotSent,
    /// The answer is lost on its way.
    Lost,
    /// The answer comes when nobody waits for it any more.
    Late,
}

/// What a server knows after it was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "played by this crate alone")]
pub enum Sessions {
    /// They were in memory.
    Forgotten,
    /// They were in a database.
    Kept,
}

impl Act {
    /// Whether half an hour of peace begins anew after it.
    pub(crate) const fn is_fault(self) -> bool {
        !matches!(
            self,
            Self::Request | Self::Burst(_) | Self::Cancel | Self::Peace
        )
    }

    /// Whether a store does something else than it is told.
    pub(crate) const fn is_of_store(self) -> bool {
        matches!(self, Self::Read(..) | Self::Write(..) | Self::StoreCut(_))
    }
}

/// What a run is, apart from its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by tests")]
pub struct Setup {
    /// Of the latches and of all latencies.
    pub seed: u64,
    /// When it begins.
    pub start: u64,
    /// How many contexts.
    pub contexts: usize,
    /// How many stores, each with its own lease; context n belongs to domain n modulo this.
    pub domains: usize,
    /// Whether a write is read back before it counts.
    pub read_back: bool,
    /// Whether the old token serves while it is renewed.
    pub serves: bool,
    /// Whether the server gives a new refresh token each time, and ends the session when an old one comes back.
    pub rotates: bool,
    /// How long an old refresh token may come back, in milliseconds.
    pub grace: u32,
    /// Token requests per minute.
    pub budget: u8,
    /// The stores do what they are told.
    pub sound: bool,
}
