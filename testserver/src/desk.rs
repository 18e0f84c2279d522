//! What all requests of one server share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Settings;
use crate::counters::{Counters, Event, EventKind, millis};
use crate::faults::Faults;
use crate::state::{FamilyId, Rules, Store};

/// Events kept; a server that runs for long drops the oldest.
const LOG_LIMIT: usize = 100_000;

/// State of a server, shared by its thread and the handle.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    started: Instant,
    desk: Mutex<Desk>,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let rules = Rules {
            access_ttl: settings.access_ttl,
            refresh_ttl: settings.refresh_ttl,
            reuse_grace: settings.reuse_grace,
        };
        Self {
            started: Instant::now(),
            desk: Mutex::new(Desk {
                now: Duration::ZERO,
                store: Store::new(rules),
                faults: Faults::default(),
                counters: Counters::default(),
                log: VecDeque::new(),
                login_delay: None,
            }),
            settings,
        }
    }

    /// Locks the state and sets its time. The time is read under the lock, so that events are
    /// logged in the order of their times.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.now = self.started.elapsed();
        desk
    }
}

/// The part of the state that changes.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Time since the start, as of the last lock.
    pub(crate) now: Duration,
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) log: VecDeque<Event>,
    pub(crate) login_delay: Option<Duration>,
}

impl Desk {
    pub(crate) fn event(
        &mut self,
        kind: EventKind,
        path: &str,
        token: Option<String>,
        family: Option<FamilyId>,
    ) {
        if self.log.len() >= LOG_LIMIT {
            self.log.pop_front();
        }
        self.log.push_back(Event {
            at_ms: millis(self.now),
            kind,
            path: path.to_owned(),
            token,
            session: family.map(session_id),
        });
    }

    pub(crate) fn end_sessions_of(&mut self, user: &str) -> usize {
        let ended = self.store.end_user(user);
        for id in &ended {
            self.event(EventKind::SessionEnded, "", None, Some(*id));
        }
        ended.len()
    }
}

/// Short id of a session.
pub(crate) fn session_id(family: FamilyId) -> String {
    format!("s{}", family + 1)
}
