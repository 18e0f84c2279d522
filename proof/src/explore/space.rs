//! The worlds that are explored, each with its bounds.

use tokenlatch::Config;

use super::config;
use super::left::ANY;
use super::left::EVERYTHING;
use super::left::Left;

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
    /// Every status and challenge, every token failure.
    pub(crate) all_answers: bool,
    /// Answers that nobody asked for, and calls that do not fit, at every step.
    pub(crate) nonsense: bool,
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
    /// The store holds a session at the beginning.
    pub(crate) signed_in: bool,
    /// The contexts can be told apart by their past only.
    pub(crate) symmetric: bool,
    /// Whether a world's refresh tokens must never be used twice.
    pub(crate) no_replay: bool,
    /// Small enough to be explored with every change.
    pub(crate) small: bool,
    /// The second explorer counts it each time.
    pub(crate) twice: bool,
    /// About how long it takes; what takes longest begins first.
    pub(crate) seconds: u16,
    /// States after which a space ends that does not close.
    pub(crate) most: Option<usize>,
    /// It closes when it is gone on with, in an hour and more.
    pub(crate) long: bool,
}

fn base() -> Space {
    Space {
        name: "",
        line: "",
        contexts: 1,
        width: 1,
        left: Left::NOTHING,
        config: config::config(),
        cancels: false,
        all_answers: false,
        nonsense: false,
        slow_reads: false,
        late_writes: false,
        users: 1,
        lifetime: 2,
        oracle: false,
        signed_in: false,
        symmetric: false,
        no_replay: false,
        small: true,
        twice: false,
        seconds: 20,
        most: None,
        long: false,
    }
}

/// Three requests, a context in memory, and a server that may answer anything.
fn three_requests() -> Space {
    Space {
        width: 3,
        config: config::one_at_a_time(),
        cancels: true,
        nonsense: true,
        oracle: true,
        small: false,
        ..base()
    }
}

/// Two contexts with a store and a lease that nobody takes away.
fn leased() -> Space {
    Space {
        contexts: 2,
        config: config::leased(),
        symmetric: true,
        no_replay: true,
        small: false,
        ..base()
    }
}

/// The same, with a session in the store.
fn with_session() -> Space {
    Space {
        signed_in: true,
        ..leased()
    }
}

/// Two contexts without a lease, and a store that holds a session.
fn unleased() -> Space {
    Space {
        contexts: 2,
        config: config::unleased(),
        signed_in: true,
        small: false,
        ..base()
    }
}

/// Every world, those that close soon first.
pub(crate) fn all() -> Vec<Space> {
    let mut spaces = alone();
    spaces.extend(together());
    spaces
}

/// The one with this name.
pub(crate) fn named(name: &str) -> Option<Space> {
    all().into_iter().find(|space| space.name == name)
}

/// One context.
fn alone() -> Vec<Space> {
    vec![
        Space {
            name: "events",
            line: "1 context in memory that serves while it renews, 1 request: every event, answer, failure and stale \
                   answer at any time and any number of times",
            config: config::serving(),
            lifetime: 4,
            left: EVERYTHING,
            cancels: true,
            all_answers: true,
            nonsense: true,
            oracle: true,
            small: false,
            seconds: 180,
            ..base()
        },
        Space {
            name: "requests",
            line: "1 context in memory, 3 requests, logins, sign-outs, renewals, 401s, failures and stale answers any number \
                   of times",
            left: Left {
                logins: ANY,
                tries: ANY,
                logouts: ANY,
                grants: ANY,
                failures: ANY,
                requests: ANY,
                refusals: ANY,
                ..Left::NOTHING
            },
            twice: true,
            seconds: 65,
            ..three_requests()
        },
        Space {
            name: "requests, every answer",
            line: "1 context in memory, 3 requests, logins, renewals, every answer and every failure any number of times",
            left: Left {
                logins: ANY,
                grants: ANY,
                failures: ANY,
                requests: ANY,
                refusals: ANY,
                ..Left::NOTHING
            },
            all_answers: true,
            seconds: 75,
            ..three_requests()
        },
        Space {
            name: "requests, offline",
            line: "1 context in memory, 3 requests, logins, renewals, also asked for, 401s, resumes, the network gone and \
                   back any number of times",
            left: Left {
                logins: ANY,
                grants: ANY,
                looks: ANY,
                offline: ANY,
                forced: ANY,
                requests: ANY,
                refusals: ANY,
                ..Left::NOTHING
            },
            seconds: 75,
            ..three_requests()
        },
        Space {
            name: "three requests",
            line: "1 context in memory, 3 requests: every event, answer, failure and stale answer at any time and any number \
                   of times",
            left: EVERYTHING,
            all_answers: true,
            seconds: 70,
            most: Some(1_000_000),
            long: true,
            ..three_requests()
        },
        Space {
            name: "faults",
            line: "1 context and its store, every fault of the store at every step, a crash anywhere",
            config: config::read_back(),
            left: Left {
                logins: 1,
                logouts: 1,
                grants: 1,
                failures: 1,
                crashes: 1,
                faults: ANY,
                ..Left::NOTHING
            },
            late_writes: true,
            nonsense: true,
            small: false,
            twice: true,
            ..base()
        },
        Space {
            name: "probe",
            line: "1 context that confirms each credential by a request, and its store",
            config: config::probed(),
            left: Left {
                logins: 1,
                logouts: 1,
                grants: 1,
                failures: ANY,
                requests: 1,
                refusals: ANY,
                ..Left::NOTHING
            },
            nonsense: true,
            twice: true,
            ..base()
        },
        Space {
            name: "users",
            line: "1 context and its store, a login, another user's login elsewhere, a resume, a sign-out, a request",
            left: Left {
                logins: 1,
                logouts: 1,
                foreign: 1,
                looks: 1,
                requests: 1,
                ..Left::NOTHING
            },
            users: 2,
            twice: true,
            ..base()
        },
        Space {
            name: "ended",
            line: "1 context and a store that holds a session, which the server ends at any time, a renewal, a request, 401s",
            left: Left {
                ends: 1,
                grants: 1,
                requests: 1,
                refusals: ANY,
                ..Left::NOTHING
            },
            signed_in: true,
            twice: true,
            ..base()
        },
        Space {
            name: "clocks",
            line: "1 context and its store, sleeps and clocks that are set back, a freeze",
            left: Left {
                logins: 1,
                grants: 1,
                freezes: 1,
                sleeps: 1,
                setbacks: 1,
                requests: 1,
                refusals: 1,
                ..Left::NOTHING
            },
            lifetime: 4,
            small: false,
            seconds: 60,
            ..base()
        },
    ]
}

/// Several contexts with one store.
fn together() -> Vec<Space> {
    vec![
        Space {
            name: "login",
            line: "2 contexts with a store and a lease, a login, a crash anywhere",
            left: Left {
                logins: 1,
                crashes: 1,
                ..Left::NOTHING
            },
            twice: true,
            ..leased()
        },
        Space {
            name: "lease",
            line: "2 contexts with a lease and a store that holds a session, a renewal by a server with reuse \
                   detection, a crash anywhere",
            left: Left {
                grants: 1,
                crashes: 1,
                ..Left::NOTHING
            },
            seconds: 180,
            ..with_session()
        },
        Space {
            name: "sign-out",
            line: "2 contexts with a store and a lease, a login, a sign-out",
            left: Left {
                logins: 1,
                logouts: 1,
                ..Left::NOTHING
            },
            seconds: 30,
            ..leased()
        },
        Space {
            name: "shared",
            line: "2 contexts with a lease and a store that holds a session, a renewal by a server with reuse detection, a \
                   request",
            left: Left {
                grants: 1,
                requests: 1,
                ..Left::NOTHING
            },
            seconds: 360,
            ..with_session()
        },
        Space {
            name: "switch",
            line: "2 contexts with a lease and a store that holds a user's session, another user's login, a request",
            left: Left {
                logins: 1,
                requests: 1,
                ..Left::NOTHING
            },
            users: 2,
            most: Some(1_000_000),
            ..with_session()
        },
        Space {
            name: "sign-out, request",
            line: "2 contexts with a lease and a store that holds a session, a sign-out, a request",
            left: Left {
                logouts: 1,
                requests: 1,
                ..Left::NOTHING
            },
            seconds: 120,
            ..with_session()
        },
        Space {
            name: "twice told",
            line: "2 contexts with a lease and a store that holds a session, a sign-out, an announcement that comes twice or \
                   a resume",
            left: Left {
                logouts: 1,
                looks: 1,
                ..Left::NOTHING
            },
            twice: true,
            seconds: 30,
            ..with_session()
        },
        Space {
            name: "no lease, sign-out",
            line: "2 contexts without a lease and a store that holds a session, a sign-out, a request",
            left: Left {
                logouts: 1,
                requests: 1,
                ..Left::NOTHING
            },
            seconds: 60,
            ..unleased()
        },
        Space {
            name: "frozen",
            line: "2 contexts with a store that holds a session and a lease that is denied, or taken from its holder \
                   without a word, a freeze, a renewal",
            left: Left {
                grants: 1,
                denials: 1,
                steals: 1,
                freezes: 1,
                ..Left::NOTHING
            },
            no_replay: false,
            most: Some(1_000_000),
            ..with_session()
        },
        Space {
            name: "no lease",
            line: "2 contexts without a lease and a store that holds a session, reads that are answered late, a renewal \
                   by a server with reuse detection",
            left: Left {
                grants: 1,
                ..Left::NOTHING
            },
            slow_reads: true,
            seconds: 120,
            ..unleased()
        },
        Space {
            name: "three",
            line: "3 contexts with a lease and a store that holds a session, a renewal by a server with reuse detection",
            contexts: 3,
            left: Left {
                grants: 1,
                ..Left::NOTHING
            },
            most: Some(600_000),
            ..with_session()
        },
    ]
}
