//! What a host does with the orders of its latch.

use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Latch;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::Waiter;

use super::counts::Row;
use super::ops::Fault;
use super::ops::Post;
use super::ops::Trip;
use super::parts::Answer;
use super::parts::Draw;
use super::parts::Happening;
use super::parts::TOKEN;
use super::parts::WAITERS;
use super::parts::Write;
use super::server::Key;
use super::world::World;

/// A late read or write takes so long: twice what the latch waits for it.
const LATE: u64 = 10_000;

impl World {
    pub(crate) fn latency(&self, context: usize, what: Draw) -> u64 {
        let mut random = self.draw(context, what);
        if random.chance(20) {
            random.between(200, 4_000)
        } else {
            random.between(5, 120)
        }
    }

    pub(crate) fn is_cut(&self, context: usize) -> bool {
        let host = &self.contexts[context];
        host.offline || self.now < host.cut_until
    }

    pub(crate) fn order_of(&mut self, context: usize, effect: Effect) {
        match effect {
            Effect::Load { ticket } => self.load(context, ticket),
            Effect::Store { ticket } => self.store(context, ticket),
            Effect::AcquireLease { ticket } => self.acquire(context, ticket.as_u32()),
            Effect::ReleaseLease { ticket } => self.release(context, ticket.as_u32()),
            Effect::SendTokenRequest { ticket, .. } => self.send(context, ticket),
            Effect::Revoke { ticket } => {
                let token = self.contexts[context].latch.latch().revocation(ticket);
                if let Some(key) = token.and_then(Key::parse) {
                    let delay = self.latency(context, Draw::Network);
                    let what = Happening::RevocationArrives(ticket.as_u32(), key.family);
                    self.schedule(context, delay, what);
                }
            }
            Effect::Announce => self.announce(context),
            Effect::RequireLogin { cause } => {
                self.counts.login_wanted(cause);
                let delay = self.draw(context, Draw::User).between(500, 5_000);
                self.plan_login(context, delay);
            }
            Effect::Refuse { waiter, cause } => self.refused(context, waiter.as_u32(), cause),
            Effect::Release { waiter } => {
                let mut random = self.draw(context, Draw::Claim);
                if random.chance(50) {
                    // The host gets round to it later.
                    let delay = random.below(2_000);
                    self.schedule(context, delay, Happening::Claim(waiter.as_u32()));
                } else {
                    self.released(context, waiter);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn plan_login(&mut self, context: usize, delay: u64) {
        if !std::mem::replace(&mut self.contexts[context].login_planned, true) {
            self.schedule(context, delay, Happening::LoginBegins);
        }
    }

    fn load(&mut self, context: usize, ticket: Ticket) {
        let cut = self.now < self.contexts[context].store_cut_until;
        let armed = self.contexts[context].reads.pop_front();
        let fault = if cut { Some(Fault::Fails) } else { armed };
        match fault {
            // It tells of something else than what the store holds.
            Some(Fault::Torn | Fault::Lies | Fault::Flipped) => self.deception(context),
            Some(_) => self.counts.add(Row::StoreFaults),
            None => {}
        }
        let delay = match fault {
            Some(Fault::Late) => LATE,
            _ => self.draw(context, Draw::Store).below(11),
        };
        self.schedule(context, delay, Happening::Loaded(ticket.as_u32(), fault));
    }

    fn store(&mut self, context: usize, ticket: Ticket) {
        let mut buffer = [0; Latch::<TOKEN, WAITERS>::RECORD_CAPACITY];
        let latch = self.contexts[context].latch.latch();
        let Ok(length) = latch.record(ticket, &mut buffer) else {
            return;
        };
        let delay = self.draw(context, Draw::Store).below(21);
        let now = self.now;
        let holder = self.domain(context).holder;
        let host = &mut self.contexts[context];
        let armed = host.writes_to_fail.pop_front();
        let cut = now < host.store_cut_until;
        let fault = if cut { Some(Fault::Fails) } else { armed };
        let delay = match fault {
            Some(Fault::Late) => LATE,
            _ => delay,
        };
        // A host carries its writes out in the order in which they were given.
        host.writes_until = host.writes_until.max(now + delay);
        let delay = host.writes_until - now;
        host.writes.push_back(Write {
            ticket: ticket.as_u32(),
            bytes: buffer[..length].to_vec(),
            fault,
            lease: holder.and_then(|(who, lease)| (who == context).then_some(lease)),
        });
        match fault {
            Some(Fault::Lies | Fault::Late | Fault::Flipped) => self.deception(context),
            Some(_) => self.store_fault(context),
            None => {}
        }
        self.schedule(context, delay, Happening::Wrote);
    }

    fn acquire(&mut self, context: usize, ticket: u32) {
        let host = &mut self.contexts[context];
        if std::mem::take(&mut host.silence_lease) {
            return self.counts.add(Row::LeaseFaults);
        }
        if std::mem::take(&mut host.deny_lease) {
            self.counts.add(Row::LeaseFaults);
            return self.schedule(context, 5, Happening::LeaseDenied(ticket));
        }
        self.domain(context).queue.push_back((context, ticket));
        self.grant_lease(context);
    }

    fn release(&mut self, context: usize, ticket: u32) {
        let domain = self.domain(context);
        domain.queue.retain(|waiting| *waiting != (context, ticket));
        if domain.holder == Some((context, ticket)) {
            domain.holder = None;
            self.grant_lease(context);
        }
    }

    /// The next in the queue of this context's domain gets the lease, if it is free.
    pub(crate) fn grant_lease(&mut self, context: usize) {
        let domain = self.domain(context);
        if domain.holder.is_some() {
            return;
        }
        if let Some((next, ticket)) = domain.queue.pop_front() {
            domain.holder = Some((next, ticket));
            self.schedule(next, 1, Happening::LeaseGranted(ticket));
        }
    }

    fn send(&mut self, context: usize, ticket: Ticket) {
        let latch = self.contexts[context].latch.latch();
        let Some(token) = latch.refresh_token(ticket).and_then(Key::parse) else {
            return self.fail(
                "a token request without a token",
                format!("context {context}"),
            );
        };
        self.note_attempt(context, ticket.as_u32());
        let ticket = ticket.as_u32();
        let armed = self.contexts[context].trip == Some(Trip::NotSent);
        if armed {
            self.contexts[context].trip = None;
            self.counts.add(Row::NetworkFaults);
        }
        if armed || self.contexts[context].offline {
            let what = Happening::TokenAnswer(ticket, Answer::NotSent);
            return self.schedule(context, 50, what);
        }
        if self.is_cut(context) {
            // The host notices when its own time is up.
            let what = Happening::TokenAnswer(ticket, Answer::Lost);
            return self.schedule(context, 20_000, what);
        }
        let delay = self.latency(context, Draw::Network);
        self.schedule(context, delay, Happening::TokenRequest(ticket, token));
    }

    fn announce(&mut self, context: usize) {
        let post = self.contexts[context].post.take();
        if post.is_some() {
            self.counts.add(Row::NetworkFaults);
        }
        for other in 0..self.contexts.len() {
            let apart = self.contexts[other].domain != self.contexts[context].domain;
            let deaf = self.now < self.contexts[other].deaf_until;
            if other == context || apart || deaf || post == Some(Post::Lost) {
                continue;
            }
            let mut random = self.draw(other, Draw::Post);
            let delay = match post {
                Some(Post::Late) => random.between(5_000, 60_000),
                _ => random.below(51),
            };
            self.schedule(other, delay, Happening::Announced);
            if post == Some(Post::Doubled) {
                self.schedule(other, delay + 500, Happening::Announced);
            }
        }
    }

    fn refused(&mut self, context: usize, waiter: u32, cause: Cause) {
        self.counts.refused(cause);
        self.ended_waiting(context, waiter);
    }

    pub(crate) fn ended_waiting(&mut self, context: usize, waiter: u32) -> Option<usize> {
        let (since, family) = self.contexts[context].waiting.remove(&waiter)?;
        let now = self.time(context).monotonic.as_millis();
        self.counts.waited(now.saturating_sub(since));
        family
    }

    /// A claim apart from the order; what the latch orders then is carried out too.
    pub(crate) fn claim(&mut self, context: usize, waiter: Waiter) {
        self.released(context, waiter);
        self.drain(context);
    }

    fn released(&mut self, context: usize, waiter: Waiter) {
        let time = self.time(context);
        let (token, receipt) = match self.contexts[context].latch.permit(time, waiter) {
            Ok(Ok(permit)) => (Key::parse(permit.token()), permit.receipt()),
            Ok(Err(PermitError::Refused(cause))) => {
                return self.refused(context, waiter.as_u32(), cause);
            }
            Ok(Err(_)) => return,
            Err(broken) => {
                return self.fail(broken.to_string(), format!("context {context}, a permit"));
            }
        };
        let Some(token) = token else {
            return self.fail("a permit without a token", format!("context {context}"));
        };
        let asked = self.ended_waiting(context, waiter.as_u32());
        if asked.is_some_and(|asked| asked != token.family) {
            let detail = format!("context {context}: asked under {asked:?}, sent with {token:?}");
            return self.fail("P7: a request left under another sign-in", detail);
        }
        self.counts.add(Row::Sent);
        if self.is_cut(context) {
            // It never arrives; the application sees an error of the transport.
            return self.counts.add(Row::Unreached);
        }
        let id = u64::from(waiter.as_u32());
        self.contexts[context].in_flight.insert(id, receipt);
        let delay = self.latency(context, Draw::Network);
        self.schedule(context, delay, Happening::ApiAnswer(id, token));
    }

    /// A request of the application, for the first time or again.
    pub(crate) fn request(&mut self, context: usize, again: Option<Receipt>) {
        if self.contexts[context].wake <= self.now {
            self.tell(context, Event::TimeoutReached);
        }
        let host = &mut self.contexts[context];
        let family = match host.latch.latch().state() {
            State::Ready | State::Refreshing => host.holding.map(|key| key.family),
            _ => None,
        };
        host.requests += 1;
        let id = host.requests;
        let since = self.time(context).monotonic.as_millis();
        self.contexts[context].waiting.insert(id, (since, family));
        let told = self.tell(
            context,
            Event::AccessRequested {
                waiter: Waiter::from_u32(id),
                access: again.map_or(Access::First, Access::Retry),
            },
        );
        if told == Some(Outcome::Admitted) {
            self.counts.add(Row::Admitted);
        } else {
            if let Some(Outcome::Surface(cause)) = told {
                self.counts.refused(cause);
            }
            self.contexts[context].waiting.remove(&id);
            self.counts.add(Row::TurnedAway);
        }
    }
}
