//! The cases.

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

/// What is called: an event by its number, or one of those after them.
pub(super) const EVENTS: [&str; 24] = [
    "Opened",
    "Resumed",
    "StoreChanged",
    "WentOffline",
    "WentOnline",
    "LoginStarted",
    "Granted",
    "TokenFailed",
    "Loaded",
    "LoadFailed",
    "Stored",
    "StoreFailed",
    "Probed",
    "LeaseGranted",
    "LeaseDenied",
    "LeaseLost",
    "Revoked",
    "RevokeFailed",
    "AccessRequested",
    "Answered",
    "WaiterCancelled",
    "RefreshRequested",
    "LogoutRequested",
    "TimeoutReached",
];
pub(super) const OBSERVE: u32 = 24;
pub(super) const POLL: u32 = 25;
pub(super) const CLAIM: u32 = 26;
pub(super) const INIT: u32 = 27;
pub(super) const NEVER: u32 = 28;
pub(super) const UP_TO: u32 = 29;
/// The last call of a machine.
pub(super) const LAST: u32 = UP_TO;
/// An operation of the queue by itself.
const QUEUE: u32 = 30;

/// The operations of the queue by itself (`src/verify/queue.rs`); they stand in the place of the phase.
pub(super) const OPERATIONS: [&str; 10] = [
    "admit",
    "remove",
    "refuse",
    "refuse what is overdue",
    "bind",
    "renew",
    "hold",
    "give a refusal out",
    "release",
    "claim",
];

/// The name of a phase, and what may be under way with the store in it: 0 for nothing, else 1 and four times the goal
/// and the stage (`any::sync`).
pub(super) const PHASES: [(&str, &[u32]); 15] = [
    ("Unopened", &[0]),
    ("SignedOut", SAVE_OR_NOT),
    ("Restoring", &[2]),
    ("Looking", &[6]),
    ("LoggingIn", SAVE_OR_NOT),
    ("Saving", SAVE),
    ("Probing", SAVE_OR_NOT),
    ("Ready", SAVE_OR_NOT),
    ("Preparing", &[9, 10, 11, 12]),
    ("Exchanging", &[0]),
    ("Rechecking", &[18]),
    ("Saving renewed", SAVE),
    ("Probing renewed", SAVE_OR_NOT),
    ("Retrying", SAVE_OR_NOT),
    ("LoginRequired", SAVE_OR_NOT),
];
const SAVE: &[u32] = &[13, 14, 15, 16];
const SAVE_OR_NOT: &[u32] = &[0, 13, 14, 15, 16];
const SYNCS: u32 = 21;

/// Call, phase and how many wait of what `cargo xtask test` shows.
pub(super) const SHARE: &[(u32, u32, u32)] = &[(INIT, 0, 0), (3, 7, 1), (22, 7, 1)];

/// One run of the checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case {
    pub(super) call: u32,
    pub(super) phase: u32,
    /// Above 255: the set of them, 8 bits further up.
    pub(super) sync: u32,
    pub(super) waiting: u32,
    pub(super) fault: u32,
}

/// What a case belongs to in the table.
pub(super) fn group(call: u32) -> &'static str {
    match call {
        OBSERVE => "time passes",
        POLL => "an order is asked for",
        CLAIM => "a permit is claimed",
        INIT => "a new machine",
        NEVER => "no other machine",
        UP_TO => "a random number",
        QUEUE => "the queue by itself",
        event => EVENTS[event as usize],
    }
}

/// Every case of a call, for a queue of this length.
pub(super) fn of(call: u32, waiters: u32) -> Vec<Case> {
    let case = |phase, sync, waiting| Case {
        call,
        phase,
        sync,
        waiting,
        fault: 0,
    };
    if matches!(call, INIT | UP_TO) {
        return vec![case(0, 0, 0)];
    }
    let mut all = Vec::new();
    for (phase, (_, syncs)) in (0..).zip(PHASES) {
        if call == NEVER {
            let others = (0..SYNCS).filter(|sync| !syncs.contains(sync));
            let set = others.fold(0, |set, sync| set | 1 << sync);
            all.push(case(phase, set << 8, 0));
            continue;
        }
        for sync in syncs {
            all.extend((0..=waiters).map(|waiting| case(phase, *sync, waiting)));
        }
    }
    all
}

/// Every operation of a queue of this length by itself.
pub(super) fn queue(waiters: u32) -> Vec<Case> {
    let case = |phase, waiting| Case {
        call: QUEUE,
        phase,
        sync: 0,
        waiting,
        fault: 0,
    };
    let operations = (0..).zip(OPERATIONS).map(|(operation, _)| operation);
    operations
        .flat_map(|operation| (0..=waiters).map(move |waiting| case(operation, waiting)))
        .collect()
}

impl Case {
    /// Whether such a call is never let in: nothing is to be judged then.
    pub(super) fn is_refused(&self) -> bool {
        let opened = self.phase != 0;
        match self.call {
            0 => opened,
            1 | 2 | 5 | 22 => !opened,
            // Without a session there is nothing to renew.
            21 => matches!(self.phase, 0..=2),
            // That there is no such machine is what is shown.
            NEVER => true,
            _ => false,
        }
    }
}

/// The call of this name.
pub(super) fn called(name: &str) -> Result<u32> {
    let found = (0..=LAST).find(|call| group(*call) == name);
    found.with_context(|| format!("there is no call `{name}`"))
}

impl Case {
    /// For people.
    pub(super) fn show(&self) -> String {
        let phase = self.phase as usize;
        if self.call == QUEUE {
            let operation = OPERATIONS.get(phase).unwrap_or(&"-");
            return format!("the queue: {operation}, {} waiting", self.waiting);
        }
        let phase = PHASES.get(phase).map_or("-", |(name, _)| name);
        format!(
            "{}, {phase}, store {}, {} waiting",
            group(self.call),
            self.sync,
            self.waiting
        )
    }

    /// `CALL,PHASE,SYNC,WAITING`.
    pub(super) fn numbers(&self) -> String {
        let Self {
            call,
            phase,
            sync,
            waiting,
            ..
        } = self;
        format!("{call},{phase},{sync},{waiting}")
    }

    /// From `CALL,PHASE,SYNC,WAITING`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let numbers: Vec<u32> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let [call, phase, sync, waiting] = numbers[..] else {
            bail!("`{text}` is not CALL,PHASE,SYNC,WAITING");
        };
        Ok(Self {
            call,
            phase,
            sync,
            waiting,
            fault: 0,
        })
    }
}

/// Every case of a queue of this length.
pub(super) fn all(waiters: u32) -> impl Iterator<Item = Case> {
    (0..=LAST).flat_map(move |call| of(call, waiters))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The numbers of the C interface, which the compiler compares with those of the library.
    const NUMBERS: &str = include_str!("../../../tests/golden/capi-numbers.txt");

    #[test]
    fn events_are_named_and_numbered_as_in_the_library() {
        let numbered = |line: &str| {
            let (name, number) = line.strip_prefix("TL_EVENT_")?.split_once(' ')?;
            Some((number.parse::<usize>().ok()?, name.replace('_', "")))
        };
        let of_library: BTreeSet<_> = NUMBERS.lines().filter_map(numbered).collect();
        let ours = EVENTS.iter().map(|name| name.to_uppercase()).enumerate();
        assert_eq!(ours.collect::<BTreeSet<_>>(), of_library);
    }

    #[test]
    fn each_case_is_there_once_and_is_read_as_it_is_written() {
        let all: Vec<_> = all(2).collect();
        let read = all.iter().map(|case| Case::parse(&case.numbers()).unwrap());
        assert!(read.eq(all.iter().copied()));
        assert_eq!(BTreeSet::from_iter(&all).len(), all.len());
        assert_eq!(all.len(), 4229);
    }
}
