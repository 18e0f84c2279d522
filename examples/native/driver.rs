//! The driver: the one thread that carries out the latch's orders.
//!
//! Work that may take long (waiting for the lock, HTTP) runs in short-lived threads, so that nobody waits for
//! it who need not: a logout least of all.

use core::time::Duration;
use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tokenlatch::{Effect, Event, GrantType, Outcome, State};

use crate::host::{Inner, RECORD_CAPACITY, Shared};
use crate::http::Credentials;

/// How often the store's file is looked at for changes that other processes made.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

impl Inner {
    /// The driver: drains the orders, then sleeps until the next deadline or until somebody changes something.
    pub(crate) fn drive(self: Arc<Self>) {
        let mut shared = self.lock();
        loop {
            while let Some(effect) = shared.latch.poll_effect() {
                shared = self.carry_out(shared, effect);
            }
            if self.tend_lease(&mut shared) {
                continue;
            }
            if shared.closing {
                if shared.jobs == 0 {
                    break;
                }
            }
            let mut pause = WATCH_INTERVAL.saturating_sub(shared.looked.elapsed());
            if pause.is_zero() {
                self.watch(&mut shared);
                continue;
            }
            if let Some(at) = shared.latch.poll_timeout() {
                let left = at
                    .as_millis()
                    .saturating_sub(self.now().monotonic.as_millis());
                if left == 0 {
                    let _ = shared.latch.handle(self.now(), Event::TimeoutReached);
                    continue;
                }
                pause = pause.min(Duration::from_millis(left));
            }
            let woken = self.changed.wait_timeout(shared, pause);
            shared = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        shared.closed = true;
        self.changed.notify_all();
    }

    /// One order. The lock is not held during work on the disk.
    fn carry_out<'a>(
        self: &'a Arc<Self>,
        mut shared: MutexGuard<'a, Shared>,
        effect: Effect,
    ) -> MutexGuard<'a, Shared> {
        match effect {
            Effect::Load { ticket } => {
                drop(shared);
                let seen = self.store.version();
                let found = self.store.load().inspect_err(report);
                shared = self.lock();
                shared.seen = seen;
                let event = match &found {
                    Ok(record) => Event::Loaded {
                        ticket,
                        record: record.as_deref(),
                    },
                    Err(_) => Event::LoadFailed { ticket },
                };
                let _ = shared.latch.handle(self.now(), event);
            }
            Effect::Store { ticket } => {
                let mut record = [0; RECORD_CAPACITY];
                let Ok(len) = shared.latch.record(ticket, &mut record) else {
                    return shared; // Superseded: a newer order follows.
                };
                drop(shared);
                let saved = self.store.save(record.get(..len).unwrap_or_default());
                let saved = saved.inspect_err(report);
                let seen = self.store.version();
                shared = self.lock();
                shared.seen = seen;
                let event = match saved {
                    Ok(()) => Event::Stored { ticket },
                    Err(_) => Event::StoreFailed { ticket },
                };
                let _ = shared.latch.handle(self.now(), event);
            }
            Effect::AcquireLease { ticket } => {
                shared.lease.ticket = Some(ticket);
                shared.lease.told = false;
            }
            Effect::ReleaseLease { ticket } => {
                if shared.lease.ticket == Some(ticket) {
                    shared.lease.ticket = None;
                }
            }
            Effect::SendTokenRequest { ticket, grant_type } => {
                let credentials = match (grant_type, shared.latch.refresh_token(ticket)) {
                    (GrantType::RefreshToken, Some(token)) => {
                        Some(Credentials::RefreshToken(token.to_owned()))
                    }
                    (GrantType::Login, _) => self.credentials.clone(),
                    _ => None,
                };
                let Some(credentials) = credentials else {
                    return shared; // Superseded.
                };
                shared.refreshes = shared.refreshes.saturating_add(1);
                self.spawn(&mut shared, move |inner| {
                    let _ = inner.exchange(ticket, &credentials);
                });
            }
            Effect::Revoke { ticket } => {
                let Some(token) = shared.latch.revocation(ticket).map(str::to_owned) else {
                    return shared; // Superseded.
                };
                self.spawn(&mut shared, move |inner| {
                    let done = inner.server.revoke(&token);
                    let event = if done {
                        Event::Revoked { ticket }
                    } else {
                        Event::RevokeFailed { ticket }
                    };
                    let _ = inner.tell(event);
                });
            }
            Effect::RequireLogin { cause } => {
                self.spawn(&mut shared, move |inner| inner.sign_in_alone(cause));
            }
            Effect::Refuse { waiter, cause } => {
                shared.refused.insert(waiter, cause);
                self.changed.notify_all();
            }
            Effect::StateChanged { state } => {
                if state == State::Ready {
                    shared.signed_out = false;
                    shared.given_up = None;
                }
                self.changed.notify_all();
            }
            Effect::Release { .. } => self.changed.notify_all(),
            // Nothing to announce: the others watch the file. And no probe is configured.
            _ => {}
        }
        shared
    }

    /// Gets the lock, tells the latch, gives the lock up. True if the latch was told something.
    fn tend_lease(self: &Arc<Self>, shared: &mut Shared) -> bool {
        let lease = &mut shared.lease;
        match (lease.ticket, &lease.held) {
            (Some(ticket), Some(_)) if !lease.told => {
                lease.told = true;
                let outcome = shared
                    .latch
                    .handle(self.now(), Event::LeaseGranted { ticket });
                if outcome == Ok(Outcome::Stale) {
                    shared.lease.ticket = None;
                }
                return true;
            }
            (Some(ticket), None) if lease.failed => {
                lease.ticket = None;
                lease.failed = false;
                let _ = shared
                    .latch
                    .handle(self.now(), Event::LeaseDenied { ticket });
                return true;
            }
            (None, Some(_)) if !lease.login => lease.held = None,
            (None, None) if !lease.login => lease.failed = false,
            (_, None) if !lease.asking && !lease.failed => {
                lease.asking = true;
                self.spawn(shared, |inner| {
                    let file = inner.store.lock().inspect_err(report);
                    let lease = &mut inner.lock().lease;
                    lease.asking = false;
                    lease.failed = file.is_err();
                    lease.held = file.ok();
                });
            }
            _ => {}
        }
        false
    }

    /// Another process wrote the store: the latch looks at it before the next request leaves.
    fn watch(&self, shared: &mut Shared) {
        shared.looked = Instant::now();
        let version = self.store.version();
        if version != shared.seen {
            shared.seen = version;
            let _ = shared.latch.handle(self.now(), Event::StoreChanged);
        }
    }

    /// A thread that works for the latch. If there can be none, the order's deadline passes.
    fn spawn(self: &Arc<Self>, shared: &mut Shared, work: impl FnOnce(&Self) + Send + 'static) {
        let inner = Arc::clone(self);
        let thread = thread::Builder::new().spawn(move || {
            work(&inner);
            let mut shared = inner.lock();
            shared.jobs = shared.jobs.saturating_sub(1);
            inner.changed.notify_all();
        });
        if thread.is_ok() {
            shared.jobs = shared.jobs.saturating_add(1);
        }
    }
}

/// The latch goes on as well as it can; a person should know.
fn report(error: &io::Error) {
    eprintln!("store: {error}");
}
