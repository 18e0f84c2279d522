//! Private, outside of semver: copies of a latch under watch, and its canonical form ([`crate::verify`]).

use core::fmt;
use core::hash::Hash;
use core::hash::Hasher;

use super::Checked;
use super::checked::Orders;
use crate::event::Ticket;
use crate::renewal::Random;
use crate::verify::FIRST_TICKET;
use crate::verify::Move;
use crate::verify::Places;
use crate::verify::class_of_version;
use crate::verify::receipt_class;
use crate::waiters::Fate;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// Stands for tickets of token requests that are over; no order bears it, not even a made-up one.
const GONE: u32 = 2;

/// More tickets are never alive at once.
const ALIVE: usize = 24;

impl<const T: usize, const W: usize> Checked<T, W> {
    /// A second one in the same state, without the trace.
    #[doc(hidden)]
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            latch: self.latch.fork(),
            known: self.known.clone(),
            orders: self.orders,
            outstanding: self.outstanding,
            sent: self.sent.clone(),
            proof: self.proof,
            evidence: self.evidence,
            loops: self.loops,
            drained: self.drained,
            now: self.now,
        }
    }

    /// Sets the entropy that is left.
    #[doc(hidden)]
    pub const fn reseed(&mut self, seed: u64) {
        self.latch.machine.random = Random(seed);
    }

    /// Whether an answer with this ticket may be taken now.
    #[doc(hidden)]
    #[must_use]
    pub fn awaits(&mut self, ticket: u32) -> bool {
        let mut found = false;
        self.latch
            .machine
            .each_ticket(&mut |alive| found |= *alive == ticket);
        found
    }

    /// Writes the state for a person, without the bytes.
    ///
    /// # Errors
    ///
    /// As the writer.
    #[doc(hidden)]
    pub fn show(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        let noted = (&self.known, self.orders, self.outstanding, &self.sent);
        let proof = (self.proof, self.evidence, self.loops, self.now);
        write!(to, "{:?} {noted:?} {proof:?}", self.latch.machine())
    }

    /// Whether this request may be claimed now.
    #[doc(hidden)]
    #[must_use]
    pub fn is_released(&self, waiter: Waiter) -> bool {
        let mut slots = self.latch.machine.waiters.iter();
        slots.any(|slot| slot.waiter == waiter && slot.fate == Fate::Released)
    }

    /// Whether the late answer to this token request would be taken.
    #[doc(hidden)]
    #[must_use]
    pub fn recalls(&self, ticket: u32) -> bool {
        let session = self.latch.machine.session.as_ref();
        session.is_some_and(|session| session.lost && session.exchange == ticket)
    }

    /// Rewrites the access token, the refresh token and the one that is revoked, each in its length.
    #[doc(hidden)]
    pub fn each_token(&mut self, f: &mut dyn FnMut(&mut [u8])) {
        self.latch.each_token(f);
    }

    /// Its nonces.
    #[doc(hidden)]
    #[must_use]
    pub const fn nonces(&self) -> [u32; 3] {
        self.latch.machine.nonces()
    }

    /// Shows each nonce.
    #[doc(hidden)]
    pub fn each_nonce(&mut self, f: &mut dyn FnMut(&mut u32)) {
        self.latch.machine.each_nonce(f);
    }

    /// Numbers the tickets anew in their order, together with those under way.
    #[doc(hidden)]
    pub fn rename_tickets(&mut self, under_way: &mut [&mut u32]) {
        let machine = &mut self.latch.machine;
        let mut alive: heapless::Vec<u32, ALIVE> = heapless::Vec::new();
        let mut note = |ticket: u32| {
            if !alive.contains(&ticket) {
                let _ = alive.push(ticket);
            }
        };
        machine.each_ticket(&mut |ticket| note(*ticket));
        for ticket in under_way.iter() {
            note(**ticket);
        }
        alive.sort_unstable();
        let renamed = |ticket: u32| -> Option<u32> {
            let rank = alive.iter().position(|known| *known == ticket)?;
            Some(FIRST_TICKET.saturating_add(u32::try_from(rank).unwrap_or(u32::MAX)))
        };
        let count = |below: u32| {
            let smaller = alive.iter().filter(|ticket| **ticket < below).count();
            FIRST_TICKET.saturating_add(u32::try_from(smaller).unwrap_or(u32::MAX))
        };
        machine.first_ticket = count(machine.first_ticket);
        machine.next_ticket = count(u32::MAX);
        if let Some(session) = &mut machine.session {
            // Whether there was one is asked for too.
            session.exchange =
                renamed(session.exchange).unwrap_or_else(|| session.exchange.min(GONE));
        }
        machine.each_ticket(&mut |ticket| *ticket = renamed(*ticket).unwrap_or(0));
        for ticket in under_way.iter_mut() {
            **ticket = renamed(**ticket).unwrap_or(0);
        }
        let Orders {
            login,
            exchange,
            load,
            store,
            probe,
            lease,
            revocation,
        } = &mut self.orders;
        for order in [login, exchange, load, store, probe, lease, revocation] {
            // An answer that nothing can bring any more needs not be known.
            *order = order
                .and_then(|ticket| renamed(ticket.as_u32()))
                .map(Ticket);
        }
    }

    /// Numbers the credentials anew, together with the receipts under way.
    #[doc(hidden)]
    pub fn rename_versions(&mut self, receipts: &mut [&mut Receipt]) {
        let machine = &mut self.latch.machine;
        let (since, version) = (machine.since, machine.version);
        for receipt in receipts.iter_mut() {
            **receipt = receipt_class(**receipt, since, version);
        }
        for known in &mut self.known {
            known.sign_in = known.sign_in.map(|sign_in| u32::from(sign_in == since));
            known.before = known
                .before
                .map(|receipt| receipt_class(receipt, since, version));
        }
        machine.version = class_of_version(since, version);
        machine.since = 1;
    }

    /// The receipt that this one counts as.
    #[doc(hidden)]
    #[must_use]
    pub fn class_of(&self, receipt: Receipt) -> Receipt {
        let machine = &self.latch.machine;
        receipt_class(receipt, machine.since, machine.version)
    }

    /// Names the waiting requests by their places, from 0; tells who stood where.
    #[doc(hidden)]
    pub fn rename_waiters(&mut self) -> Places<W> {
        let mut places = [None; W];
        let slots = self.latch.machine.waiters.slots();
        for ((place, slot), name) in places.iter_mut().zip(slots).zip(0_u32..) {
            *place = Some(slot.waiter);
            slot.waiter = Waiter::from_u32(name);
        }
        for known in &mut self.known {
            let name = places.iter().position(|place| *place == Some(known.waiter));
            // A request that the latch has lost keeps a name of its own.
            let name = name.and_then(|name| u32::try_from(name).ok());
            known.waiter = Waiter::from_u32(name.unwrap_or(u32::MAX));
        }
        places
    }

    /// Moves the clocks, and forgets what is over.
    #[doc(hidden)]
    pub fn move_clocks(&mut self, clocks: &Move) {
        let now = self.latch.machine.clock.now;
        let window = u64::from(self.latch.machine.config.budget_window_ms);
        let by = clocks.to_monotonic.wrapping_sub(clocks.monotonic);
        while self
            .sent
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= window)
        {
            self.sent.pop_front();
        }
        for at in &mut self.sent {
            *at = at.wrapping_add(by);
        }
        self.outstanding = self
            .outstanding
            .filter(|deadline| *deadline > now)
            .map(|deadline| deadline.wrapping_add(by));
        self.drained = 0;
        self.latch.stir();
        self.latch.machine.move_clocks(clocks);
        self.latch.machine.forget();
        self.now = self.latch.machine.clock.now;
    }

    /// When it was told the time last, on its monotonic clock.
    #[doc(hidden)]
    #[must_use]
    pub const fn told_at(&self) -> u64 {
        self.latch.machine.clock.now
    }

    /// All of the state.
    #[doc(hidden)]
    pub fn hash_all(&self, hasher: &mut impl Hasher) {
        let Self {
            latch,
            known,
            orders,
            outstanding,
            sent,
            proof,
            evidence,
            loops,
            drained,
            now,
        } = self;
        latch.machine.hash_without_config(hasher);
        latch.hash_bytes(hasher);
        (known, orders, proof).hash(hasher);
        for at in sent {
            at.hash(hasher);
        }
        (sent.len(), outstanding, evidence, loops, drained, now).hash(hasher);
    }
}
