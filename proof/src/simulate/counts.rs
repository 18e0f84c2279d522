//! What is counted.

use std::collections::BTreeMap;

use tokenlatch::Cause;

macro_rules! rows {
    ($($name:ident $text:literal,)*) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum Row { $($name,)* }

        const NAMES: &[&str] = &[$($text),*];
    };
}

rows! {
    ContextHours "context-hours",
    Events "events told",
    Admitted "requests admitted",
    Sent "requests sent",
    TurnedAway "requests turned away at once (no room, or nobody to wait for)",
    Cancelled "requests cancelled by their owner",
    LostInCrash "requests that ended with their context",
    Delivered "answers delivered",
    Retried "answers retried",
    Surfaced "answers surfaced with their cause",
    Unreached "requests sent that the network lost",
    LongestWait "longest wait, ms",
    Logins "sign-ins",
    Renewed "renewals granted",
    First "token requests: the first for a credential",
    AfterFailure "token requests: again after an answer that renewed nothing",
    AfterLost "token requests: again within the grace, the answer before was lost",
    AfterCrash "token requests: again within the grace, the context before was gone",
    AfterLease "token requests: again after the lease was taken from its holder",
    AfterStore "token requests: again after the store lost what was written",
    Unexplained "token requests: again without a reason",
    ReplayedAfterStore "refresh tokens replayed after the store lost what was written",
    ReplayedAfterLease "refresh tokens replayed after the lease was taken from its holder",
    ReplayedAfterClock "refresh tokens replayed after the clock was set back",
    Replayed "refresh tokens replayed otherwise",
    EndedSignedOut "sessions ended in a context: somebody signed out",
    EndedRefused "sessions ended in a context: the server refused the refresh token",
    EndedByRival "sessions ended in a context: a sign-in beside it was signed out or refused, and wrote last",
    EndedAfterStore "sessions ended in a context: by an older sign-out, after the store lost what was written",
    EndedUnseen "sessions ended without evidence",
    WentBackAfterStore "older credentials taken up again after the store lost what was written",
    OlderAfterLease "older credentials written over newer ones, after the lease of the write was over",
    Restarts "restarts",
    Crashes "of these, between two orders",
    Sleeps "sleeps",
    SignOuts "sign-outs",
    StoreFaults "store faults",
    LeaseFaults "lease faults",
    NetworkFaults "network faults",
    ServerFaults "server faults",
    ClockFaults "clock changes",
    WellChecks "stretches of peace after which everybody was well",
}

const COUNT: usize = Row::WellChecks as usize + 1;

#[derive(Debug, Clone)]
pub(crate) struct Counts {
    rows: [u64; COUNT],
    refused: BTreeMap<u16, u64>,
    logins: BTreeMap<u16, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            rows: [0; COUNT],
            refused: BTreeMap::new(),
            logins: BTreeMap::new(),
        }
    }
}

impl Counts {
    pub(crate) fn add(&mut self, row: Row) {
        self.rows[row as usize] += 1;
    }

    pub(crate) fn add_many(&mut self, row: Row, count: u64) {
        self.rows[row as usize] += count;
    }

    pub(crate) fn of(&self, row: Row) -> u64 {
        self.rows[row as usize]
    }

    pub(crate) fn waited(&mut self, millis: u64) {
        let longest = &mut self.rows[Row::LongestWait as usize];
        *longest = millis.max(*longest);
    }

    pub(crate) fn refused(&mut self, cause: Cause) {
        *self.refused.entry(cause.code()).or_default() += 1;
    }

    pub(crate) fn login_wanted(&mut self, cause: Cause) {
        *self.logins.entry(cause.code()).or_default() += 1;
    }

    /// Those of another run too.
    pub(crate) fn join(&mut self, other: &Self) {
        let longest = self.of(Row::LongestWait);
        for (mine, theirs) in self.rows.iter_mut().zip(other.rows) {
            *mine += theirs;
        }
        self.rows[Row::LongestWait as usize] = longest.max(other.of(Row::LongestWait));
        for (mine, theirs) in [
            (&mut self.refused, &other.refused),
            (&mut self.logins, &other.logins),
        ] {
            for (code, count) in theirs {
                *mine.entry(*code).or_default() += count;
            }
        }
    }

    /// Line by line, for the report.
    pub(crate) fn lines(&self) -> Vec<(String, u64)> {
        let rows = NAMES.iter().zip(self.rows);
        let mut lines: Vec<_> = rows
            .map(|(name, count)| ((*name).to_owned(), count))
            .collect();
        for (what, causes) in [
            ("requests refused", &self.refused),
            ("logins asked for", &self.logins),
        ] {
            for (code, count) in causes {
                let cause = Cause::from_code(*code).map_or("?", Cause::name);
                lines.push((format!("{what}: {cause}"), *count));
            }
        }
        lines
    }
}
