//! What the world knows better than any context: which token requests there were, and why a session may end.

use std::collections::BTreeSet;

use tokenlatch::StoreContent;
use tokenlatch::Ticket;
use tokenlatch::inspect;

use super::counts::Row;
use super::parts::Answer;
use super::parts::Write;
use super::server::Key;
use super::world::World;

/// What went wrong so long before a token request can still be its reason: a mark that was tried three times.
const BEFORE: u64 = 60_000;
/// So long after the store lost a record an old one may come back from a context's memory.
const HOUR: u64 = 3_600_000;

/// How a token request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server renewed nothing, and the context knows.
    Nothing,
    /// Nobody knows.
    Lost,
    Granted,
    /// Granted, when its context had given it up.
    Late,
}

/// The last token request for a sign-in.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    serial: u64,
    context: usize,
    life: u32,
    ticket: u32,
    sent_at: u64,
    end: Option<End>,
}

#[derive(Debug, Default)]
struct Entry {
    born: u64,
    attempt: Option<Attempt>,
    /// The store held something else than it said, during this sign-in.
    deceived: bool,
    /// When the requests were sent that used up the refresh tokens, by their serial.
    consumed: Vec<u64>,
}

/// When something went wrong in a domain the last time.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    store: Option<u64>,
    lease: Option<u64>,
    deceived: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    faults: Vec<Faults>,
    /// By domain: up to which sign-in somebody signed out, or the server refused the refresh token.
    signed_out: Vec<Option<usize>>,
    refused: Vec<Option<usize>>,
    /// By domain: when that was the last time, or when the store had it.
    tombstone: Vec<Option<u64>>,
    /// The contexts that have ended a sign-in and not told the store yet.
    untold: BTreeSet<usize>,
    set_back: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(domains: usize) -> Self {
        Self {
            entries: Vec::new(),
            faults: vec![Faults::default(); domains],
            signed_out: vec![None; domains],
            refused: vec![None; domains],
            tombstone: vec![None; domains],
            untold: BTreeSet::new(),
            set_back: None,
        }
    }

    /// A new sign-in.
    pub(crate) fn begin(&mut self, family: usize, now: u64) {
        self.entries.resize_with(family + 1, Entry::default);
        self.entries[family].born = now;
    }
}

fn since(fault: Option<u64>, begin: u64) -> bool {
    fault.is_some_and(|at| at + BEFORE >= begin)
}

impl World {
    pub(crate) fn store_fault(&mut self, context: usize) {
        self.counts.add(Row::StoreFaults);
        self.ledger.faults[self.contexts[context].domain].store = Some(self.now);
    }

    /// The store holds something else than a context was told: contexts may go separate ways until they meet again.
    pub(crate) fn deception(&mut self, context: usize) {
        self.store_fault(context);
        self.ledger.faults[self.contexts[context].domain].deceived = Some(self.now);
        // The newest sign-in may be one whose answer came too late to be anybody's.
        let held = self.held(context).map(|key| key.family);
        for family in [self.domain(context).newest, held].into_iter().flatten() {
            self.ledger.entries[family].deceived = true;
        }
    }

    /// A write that was torn took with it what the store had held, and nobody repaired that before it was read.
    pub(crate) fn found_torn(&mut self, context: usize) {
        self.ledger.faults[self.contexts[context].domain].deceived = Some(self.now);
    }

    /// Whether the store can be the reason for something that began then.
    fn store_failed(&self, context: usize, family: usize, begin: u64) -> bool {
        let faults = self.ledger.faults[self.contexts[context].domain];
        self.ledger.entries[family].deceived || since(faults.store, begin)
    }

    pub(crate) fn lease_fault(&mut self, context: usize) {
        self.counts.add(Row::LeaseFaults);
        self.ledger.faults[self.contexts[context].domain].lease = Some(self.now);
    }

    pub(crate) fn note_clock(&mut self, by: i64) {
        if by < 0 {
            self.ledger.set_back = Some(self.now);
        }
    }

    /// A good write, in one piece. Under the lease with which it was ordered it never puts an older credential in place
    /// of a newer one (P5).
    pub(crate) fn put(&mut self, context: usize, write: Write) {
        let faults = self.ledger.faults[self.contexts[context].domain];
        let trusted = !since(faults.store, self.now) && !since(faults.lease, self.now);
        let before = generation(&self.domain(context).cell);
        let after = generation(&write.bytes);
        if let (true, Some(lease)) = (after < before, write.lease) {
            if self.domain(context).holder != Some((context, lease)) {
                // The lease ended while it was under way: the latch cannot call it back.
                self.counts.add(Row::OlderAfterLease);
                self.deception(context);
            } else if trusted {
                let detail = format!("context {context}: {after:?} after {before:?}");
                self.fail("P5: an older credential replaced a newer one", detail);
            }
        }
        self.domain(context).cell = write.bytes;
    }

    /// Whether sending a refresh token again, whose fate is unknown, can do no harm.
    fn may_resend(&self) -> bool {
        self.setup.grace > 0 || !self.setup.rotates
    }

    /// A token request leaves. There must be a reason if it is not the first for its credential.
    pub(crate) fn note_attempt(&mut self, context: usize, ticket: u32) {
        let Some(key) = self.held(context) else {
            return;
        };
        let row = self.why_again(context, key);
        self.counts.add(row);
        if matches!(row, Row::Unexplained) {
            let before = self.ledger.entries[key.family].attempt;
            let detail = format!("context {context}, {key:?}, before: {before:?}");
            self.fail("P3: two token requests for one expiry", detail);
        }
        self.ledger.entries[key.family].attempt = Some(Attempt {
            serial: key.serial,
            context,
            life: self.contexts[context].life,
            ticket,
            sent_at: self.now,
            end: None,
        });
    }

    fn why_again(&self, context: usize, key: Key) -> Row {
        let Some(before) = self.ledger.entries[key.family].attempt else {
            return Row::First;
        };
        if before.serial < key.serial {
            return Row::First;
        }
        let faults = self.ledger.faults[self.contexts[context].domain];
        let broken = match () {
            () if self.store_failed(context, key.family, before.sent_at) => Row::AfterStore,
            () if since(faults.lease, before.sent_at) => Row::AfterLease,
            () => Row::Unexplained,
        };
        if before.serial > key.serial {
            return broken;
        }
        let sender = &self.contexts[before.context];
        let alive = sender.life == before.life;
        let ticket = Ticket::from_u32(before.ticket);
        match before.end {
            Some(End::Nothing) => Row::AfterFailure,
            Some(End::Lost | End::Late) if self.may_resend() => Row::AfterLost,
            _ if !alive && self.may_resend() => Row::AfterCrash,
            // Its latch has given it up.
            None if self.may_resend() && sender.latch.latch().refresh_token(ticket).is_none() => {
                Row::AfterLost
            }
            _ => broken,
        }
    }

    pub(crate) fn note_answer(&mut self, context: usize, ticket: u32, answer: Answer) {
        if answer == Answer::InvalidGrant {
            if let Some(key) = self.held(context) {
                let domain = self.contexts[context].domain;
                let refused = &mut self.ledger.refused[domain];
                *refused = (*refused).max(Some(key.family));
                self.ledger.tombstone[domain] = Some(self.now);
                self.ledger.untold.insert(context);
            }
        }
        let end = if answer == Answer::Lost {
            End::Lost
        } else {
            End::Nothing
        };
        self.note_end(context, ticket, end);
    }

    pub(crate) fn note_end(&mut self, context: usize, ticket: u32, end: End) {
        let Some(key) = self.held(context) else {
            return;
        };
        let life = self.contexts[context].life;
        if let Some(attempt) = &mut self.ledger.entries[key.family].attempt {
            if (attempt.context, attempt.life, attempt.ticket) == (context, life, ticket) {
                attempt.end = Some(end);
            }
        }
    }

    /// The server has used a refresh token up.
    pub(crate) fn note_consumed(&mut self, context: usize, ticket: u32, new: Key) {
        let now = self.now;
        let entry = &mut self.ledger.entries[new.family];
        let sent_at = match entry.attempt {
            Some(attempt) if (attempt.context, attempt.ticket) == (context, ticket) => {
                attempt.sent_at
            }
            _ => now,
        };
        let index = usize::try_from(new.serial).unwrap_or(0);
        entry.consumed.resize(index, now);
        if let Some(last) = entry.consumed.last_mut() {
            *last = sent_at;
        }
    }

    /// A refresh token came that was used up before.
    pub(crate) fn note_replayed(&mut self, context: usize, token: Key, current: Key) {
        let begin = self.consumed_at(token);
        let faults = self.ledger.faults[self.contexts[context].domain];
        let row = match () {
            () if self.store_failed(context, token.family, begin) => Row::ReplayedAfterStore,
            () if since(faults.lease, begin) => Row::ReplayedAfterLease,
            () if since(self.ledger.set_back, begin) => Row::ReplayedAfterClock,
            () => Row::Replayed,
        };
        self.counts.add(row);
        if self.transcript {
            println!("{:>12} {context} REPLAYED {token:?}", self.now);
        }
        if matches!(row, Row::Replayed) {
            let detail = format!("context {context}, {token:?}, now {current:?}");
            self.fail("a refresh token was replayed without a reason", detail);
        }
    }

    /// Somebody signs out: every session of the domain may end.
    pub(crate) fn note_signed_out(&mut self, context: usize) {
        let domain = self.contexts[context].domain;
        self.ledger.signed_out[domain] = self.domains[domain].newest;
        self.ledger.tombstone[domain] = Some(self.now);
        self.ledger.untold.insert(context);
    }

    /// The store has taken a record. An end that it had not heard of before counts from now: which came first, that
    /// end or a login in another context, no store can tell.
    pub(crate) fn note_written(&mut self, context: usize, record: &[u8]) {
        if let StoreContent::Tombstone(_) = inspect(record) {
            if self.ledger.untold.remove(&context) {
                let domain = self.contexts[context].domain;
                self.ledger.tombstone[domain] = Some(self.now);
            }
        }
    }

    /// The credential in a context's memory.
    pub(crate) fn held(&self, context: usize) -> Option<Key> {
        let bytes = self.contexts[context].latch.latch().app_data()?;
        Key::parse(std::str::from_utf8(bytes).ok()?)
    }

    /// A session ends only with evidence (P11), and gets no older (P5).
    pub(crate) fn look_at_session(&mut self, context: usize) {
        let now = self.held(context);
        let before = std::mem::replace(&mut self.contexts[context].holding, now);
        if before == now {
            return;
        }
        match (before, now) {
            (Some(before), None) => self.ended(context, before),
            (Some(before), Some(now)) if before.family == now.family && now < before => {
                self.went_back(context, before, now);
            }
            _ => {}
        }
    }

    /// A sibling that never saw the newer one has written after it: only a store that lost something explains that.
    fn went_back(&mut self, context: usize, before: Key, now: Key) {
        if !self.setup.rotates {
            // Two answers to the same refresh token are equally good: the nonce settles which one stays.
            return;
        }
        if self.store_failed(context, now.family, self.consumed_at(now)) {
            return self.counts.add(Row::WentBackAfterStore);
        }
        let detail = format!("context {context}: {now:?} after {before:?}");
        self.fail("P5: an older credential came back", detail);
    }

    /// When the request was sent that used this refresh token up.
    fn consumed_at(&self, token: Key) -> u64 {
        let serial = usize::try_from(token.serial).unwrap_or(0);
        let consumed = self.ledger.entries[token.family].consumed.get(serial);
        consumed.copied().unwrap_or(0)
    }

    fn ended(&mut self, context: usize, key: Key) {
        let domain = self.contexts[context].domain;
        let family = Some(key.family);
        if self.ledger.signed_out[domain] >= family {
            return self.counts.add(Row::EndedSignedOut);
        }
        if self.ledger.refused[domain] >= family {
            return self.counts.add(Row::EndedRefused);
        }
        let born = self.ledger.entries[key.family].born;
        if self.ledger.tombstone[domain].is_some_and(|at| at >= born) {
            return self.counts.add(Row::EndedByRival);
        }
        if since(
            self.ledger.faults[domain].deceived,
            self.now.saturating_sub(HOUR),
        ) {
            // A sign-out that the store had lost comes back over a later sign-in.
            return self.counts.add(Row::EndedAfterStore);
        }
        self.counts.add(Row::EndedUnseen);
        let detail = format!("context {context}, {key:?}");
        self.fail("P11: a session ended without evidence", detail);
    }
}

/// What orders two records.
fn generation(bytes: &[u8]) -> Option<tokenlatch::Generation> {
    match inspect(bytes) {
        StoreContent::Session(generation) | StoreContent::Tombstone(generation) => Some(generation),
        _ => None,
    }
}
