//! Contexts with their hosts, their stores and leases, a network and a server, in simulated time.
//!
//! Everything that a host does takes time and can go wrong. How long it takes is a function of the seed, the time, the
//! context and what it is, so that leaving out one operation does not change what the others meet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Event;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::promises::Checked;

use super::Failure;
use super::counts::Counts;
use super::counts::Row;
use super::ledger::Ledger;
use super::ops::Op;
use super::ops::Setup;
use super::parts::Context;
use super::parts::Domain;
use super::parts::Draw;
use super::parts::Happening;
use super::random::Random;
use super::server::Server;
use super::weather::CALM;

/// More than this many things never happen in one millisecond.
const AT_ONCE: u32 = 100_000;
const EPOCH: u64 = 1_700_000_000_000;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Scheduled {
    at: u64,
    order: u64,
    context: usize,
    /// Of the context's life: what was begun before a restart comes to nobody after it.
    life: u32,
    what: Happening,
}

/// Everything.
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) config: Config,
    pub(crate) now: u64,
    pub(crate) wall_offset: i64,
    pub(crate) order: u64,
    agenda: BinaryHeap<Reverse<Scheduled>>,
    pub(crate) contexts: Vec<Context>,
    pub(crate) domains: Vec<Domain>,
    pub(crate) server: Server,
    pub(crate) server_down_until: u64,
    pub(crate) api_refuses_until: u64,
    /// When everybody must be well, if no fault comes before.
    pub(crate) well_at: Option<u64>,
    pub(crate) ledger: Ledger,
    pub(crate) counts: Counts,
    pub(crate) hash: u64,
    pub(crate) failure: Option<Failure>,
    /// Prints every step.
    pub(crate) transcript: bool,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut config = Config::new();
        config.lease = LeaseMode::Host;
        config.confirmation = if setup.read_back {
            Confirmation::ReadBack
        } else {
            Confirmation::Stored
        };
        config.serve_while_refreshing = setup.serves;
        config.budget = setup.budget;
        config.reuse_grace_ms = setup.grace;
        let mut domains = Vec::new();
        domains.resize_with(setup.domains.max(1), Domain::default);
        let mut world = Self {
            setup,
            config,
            now: setup.start,
            wall_offset: 0,
            order: 0,
            agenda: BinaryHeap::new(),
            contexts: Vec::new(),
            ledger: Ledger::new(domains.len()),
            domains,
            server: Server::new(&setup),
            server_down_until: 0,
            api_refuses_until: 0,
            well_at: None,
            counts: Counts::default(),
            hash: 0xcbf2_9ce4_8422_2325,
            failure: None,
            transcript: false,
        };
        for index in 0..setup.contexts {
            let context = world.new_context(index, 0);
            world.contexts.push(context);
        }
        world
    }

    /// The contexts start.
    pub(crate) fn open(&mut self) {
        for index in 0..self.contexts.len() {
            self.tell(index, Event::Opened);
        }
    }

    fn new_context(&self, index: usize, life: u32) -> Context {
        let seed = self.draw(index, Draw::Latch).next() ^ u64::from(life);
        let latch = match Checked::new(self.config, seed) {
            Ok(latch) => latch,
            Err(error) => panic!("{error}"),
        };
        Context::new(latch, index % self.domains.len(), life)
    }

    /// The same place, a new life: nothing is kept but what the store holds.
    pub(crate) fn reborn(&mut self, index: usize) {
        let old = &self.contexts[index];
        let (life, requests) = (old.life + 1, old.requests);
        let mut context = self.new_context(index, life);
        context.requests = requests;
        self.contexts[index] = context;
    }

    pub(crate) fn draw(&self, context: usize, what: Draw) -> Random {
        let context = u64::try_from(context).unwrap_or(0);
        Random::of(&[self.setup.seed, self.now, context << 8 | what as u64])
    }

    pub(crate) fn domain(&mut self, context: usize) -> &mut Domain {
        &mut self.domains[self.contexts[context].domain]
    }

    /// The first failure ends the run.
    pub(crate) fn fail(&mut self, what: impl Into<String>, detail: String) {
        if self.failure.is_none() {
            self.failure = Some(Failure {
                at: self.now,
                what: what.into(),
                detail,
            });
        }
    }

    pub(crate) fn schedule(&mut self, context: usize, delay: u64, what: Happening) {
        self.order += 1;
        let life = self.contexts[context].life;
        self.agenda.push(Reverse(Scheduled {
            at: self.now.saturating_add(delay),
            order: self.order,
            context,
            life,
            what,
        }));
    }

    /// Plays operations, in the order of their times.
    pub(crate) fn play(&mut self, ops: &[Op]) {
        for &(at, context, act) in ops {
            self.run_until(at);
            if self.failure.is_some() {
                return;
            }
            if act.is_fault() {
                self.well_at = None;
            }
            self.act(context, act);
        }
    }

    /// Runs until this time.
    pub(crate) fn run_until(&mut self, end: u64) {
        if let Some(well_at) = self.well_at {
            if well_at <= end {
                self.well_at = None;
                self.run_agenda(well_at);
                self.all_is_well();
            }
        }
        self.run_agenda(end);
    }

    pub(crate) fn run_agenda(&mut self, end: u64) {
        let mut at_once = 0;
        while self.failure.is_none() {
            if self.agenda.peek().is_none_or(|Reverse(next)| next.at > end) {
                break;
            }
            let Some(Reverse(next)) = self.agenda.pop() else {
                break;
            };
            at_once = if next.at > self.now { 0 } else { at_once + 1 };
            if at_once > AT_ONCE {
                let detail = format!("context {}: {:?}", next.context, next.what);
                return self.fail("P15: no progress within a millisecond", detail);
            }
            self.now = self.now.max(next.at);
            if self.contexts[next.context].life == next.life {
                self.deliver(next.context, next.what);
            }
        }
        self.now = self.now.max(end);
    }

    fn deliver(&mut self, context: usize, what: Happening) {
        // The server's side of things goes on, whatever the context does.
        let elsewhere = matches!(
            what,
            Happening::Thaw | Happening::TokenRequest(..) | Happening::RevocationArrives(..)
        );
        if self.contexts[context].frozen_at.is_some() && !elsewhere {
            self.contexts[context].mail.push(what);
        } else {
            self.happen(context, what);
        }
    }

    pub(crate) fn time(&self, context: usize) -> Now {
        let wall = (EPOCH + self.now).saturating_add_signed(self.wall_offset);
        Now::new(self.now.saturating_sub(self.contexts[context].slept), wall)
    }

    /// Tells a context's latch, and carries its orders out. `None` if the latch refused it, or ended over it.
    pub(crate) fn tell(&mut self, context: usize, event: Event<'_>) -> Option<Outcome> {
        if self.failure.is_some() {
            return None;
        }
        self.counts.add(Row::Events);
        let (time, life) = (self.time(context), self.contexts[context].life);
        let told = self.contexts[context].latch.handle(time, event);
        if self.transcript {
            let latch = &self.contexts[context].latch;
            println!("{:>12} {context} {event:?} -> {latch:?} {told:?}", self.now);
        }
        let told = match told {
            Ok(told) => told,
            Err(broken) => {
                let detail = format!("context {context}, told {event:?}");
                self.fail(broken.to_string(), detail);
                return None;
            }
        };
        let state = self.contexts[context].latch.latch().state();
        self.mix(context as u64);
        self.mix(event.kind() as u64);
        self.mix(state as u64);
        self.mix(match told {
            Ok(Outcome::Done) => 1,
            Ok(Outcome::Stale) => 2,
            Ok(Outcome::Admitted) => 3,
            Ok(Outcome::Deliver) => 4,
            Ok(_) => 5,
            Err(_) => 6,
        });
        self.drain(context);
        if self.contexts[context].life == life {
            return told.ok();
        }
        None
    }

    /// The trace, as one number.
    pub(crate) fn mix(&mut self, word: u64) {
        let mixed = (self.hash ^ word ^ self.now << 16).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash = mixed.rotate_left(29);
    }

    pub(crate) fn drain(&mut self, context: usize) {
        let life = self.contexts[context].life;
        while self.failure.is_none() {
            let effect = match self.contexts[context].latch.poll_effect() {
                Ok(Some(effect)) => effect,
                Ok(None) => break,
                Err(broken) => {
                    return self.fail(broken.to_string(), format!("context {context}"));
                }
            };
            if self.transcript {
                println!("{:>12} {context}     {effect:?}", self.now);
            }
            self.order_of(context, effect);
            if self.crashes(context) {
                return;
            }
            if self.contexts[context].life != life {
                return;
            }
        }
        self.look_at_session(context);
        let host = &mut self.contexts[context];
        let next = host.latch.latch().poll_timeout();
        let next = next.map_or(u64::MAX, |at| at.as_millis().saturating_add(host.slept));
        if next < host.wake {
            host.wake = next;
            let delay = next.saturating_sub(self.now);
            self.schedule(context, delay, Happening::Wake(next));
        }
    }

    /// Whether the context ends here, between two orders.
    fn crashes(&mut self, context: usize) -> bool {
        let host = &mut self.contexts[context];
        if host.crash_in == 0 {
            return false;
        }
        host.crash_in -= 1;
        if host.crash_in > 0 {
            return false;
        }
        self.counts.add(Row::Crashes);
        self.restart(context);
        true
    }

    /// What must be true when everything has been well for a while. A renewal may just be under way: it must end.
    fn all_is_well(&mut self) {
        self.counts.add(Row::WellChecks);
        for index in 0..self.contexts.len() {
            let patience = self.now + super::PATIENCE;
            while self.now < patience && !self.is_well(index) {
                self.run_agenda(self.now + 100);
            }
            let latch = self.contexts[index].latch.latch();
            if !self.is_well(index) {
                let detail = format!("context {index}: {latch:?}, {:?}", latch.trouble());
                return self.fail("P15: a context does not get well", detail);
            }
            let oldest = self.contexts[index].waiting.values();
            let oldest = oldest.map(|(since, _)| *since).min();
            let now = self.time(index).monotonic.as_millis();
            let limit = u64::from(self.config.wait_limit_ms);
            if oldest.is_some_and(|since| now - since > limit) {
                let detail = format!("context {index}");
                return self.fail("P8: a request waits for ever", detail);
            }
        }
    }

    fn is_well(&self, context: usize) -> bool {
        let latch = self.contexts[context].latch.latch();
        latch.state() == State::Ready && !latch.is_volatile()
    }

    /// Half an hour from now everybody must be well.
    pub(crate) fn expect_peace(&mut self) {
        self.well_at = Some(self.now + CALM);
    }
}
