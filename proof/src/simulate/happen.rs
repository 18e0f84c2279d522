//! What comes back to a host: answers of the store, the lease, the network and the user.

use tokenlatch::ChallengeKind;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::StoreContent;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::inspect;

use super::counts::Row;
use super::ledger::End;
use super::ops::Fault;
use super::ops::Trip;
use super::parts::Answer;
use super::parts::Draw;
use super::parts::Happening;
use super::server::Key;
use super::server::LIFETIME;
use super::server::Refreshed;
use super::world::World;

/// When the host gives a lost answer up.
const GIVEN_UP: u64 = 20_000;
/// When an answer comes that the latch gave up.
const TOO_LATE: u64 = 40_000;

impl World {
    pub(crate) fn happen(&mut self, context: usize, what: Happening) {
        match what {
            Happening::Wake(at) => {
                // An alarm that was set anew rings once.
                if self.contexts[context].wake == at {
                    self.contexts[context].wake = u64::MAX;
                    self.tell(context, Event::TimeoutReached);
                }
            }
            Happening::Loaded(ticket, fault) => self.loaded(context, ticket, fault),
            Happening::Wrote => self.wrote(context),
            Happening::LeaseGranted(ticket) => {
                if self.domain(context).holder == Some((context, ticket)) {
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(context, Event::LeaseGranted { ticket });
                }
            }
            Happening::LeaseDenied(ticket) => {
                let ticket = Ticket::from_u32(ticket);
                self.tell(context, Event::LeaseDenied { ticket });
            }
            Happening::LeaseTaken(ticket) => {
                let ticket = Ticket::from_u32(ticket);
                self.tell(context, Event::LeaseLost { ticket });
            }
            Happening::TokenRequest(ticket, token) => self.token_request(context, ticket, token),
            Happening::TokenAnswer(ticket, answer) => self.token_answer(context, ticket, answer),
            Happening::LoginBegins => {
                self.contexts[context].login_planned = false;
                // Somebody may have signed in since the login was asked for.
                let state = self.contexts[context].latch.latch().state();
                if let State::Unauthenticated | State::Expired = state {
                    self.login(context);
                }
            }
            Happening::LoginAnswer(ticket) => self.login_answer(context, ticket),
            Happening::RevocationArrives(ticket, family) => {
                let arrives = self.now >= self.server_down_until && !self.is_cut(context);
                if arrives {
                    self.server.revoke(family);
                }
                self.schedule(context, 20, Happening::RevocationAnswer(ticket, arrives));
            }
            Happening::RevocationAnswer(ticket, done) => {
                let ticket = Ticket::from_u32(ticket);
                if done {
                    self.tell(context, Event::Revoked { ticket });
                } else {
                    self.tell(context, Event::RevokeFailed { ticket });
                }
            }
            Happening::Announced => {
                self.tell(context, Event::StoreChanged);
            }
            Happening::ApiAnswer(id, token) => self.api_answer(context, id, token),
            Happening::Claim(waiter) => self.claim(context, Waiter::from_u32(waiter)),
            Happening::Thaw => self.thaw(context),
            Happening::Online => {
                if self.now >= self.contexts[context].offline_until {
                    self.contexts[context].offline = false;
                    self.tell(context, Event::WentOnline);
                }
            }
        }
    }

    fn loaded(&mut self, context: usize, ticket: u32, fault: Option<Fault>) {
        let ticket = Ticket::from_u32(ticket);
        let cell = self.domain(context).cell.clone();
        let record = if cell.is_empty() { None } else { Some(&*cell) };
        match fault {
            None | Some(Fault::Late) => {
                if let StoreContent::Corrupt(_) = inspect(&cell) {
                    self.found_torn(context);
                }
                self.tell(context, Event::Loaded { ticket, record });
            }
            Some(Fault::Torn) => {
                // Half of it is read.
                let half = &cell[..cell.len() / 2];
                let record = Some(half);
                self.tell(context, Event::Loaded { ticket, record });
            }
            Some(Fault::Flipped) => {
                let flipped = self.flipped(context, cell);
                let record = Some(&*flipped);
                self.tell(context, Event::Loaded { ticket, record });
            }
            Some(Fault::Lies) => {
                // A store that is not ready yet and says that it is empty.
                let record = None;
                self.tell(context, Event::Loaded { ticket, record });
            }
            Some(Fault::Silent) => {}
            Some(Fault::Fails) => {
                self.tell(context, Event::LoadFailed { ticket });
            }
        }
    }

    /// With one bit wrong.
    fn flipped(&self, context: usize, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.draw(context, Draw::Crash).index(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        bytes
    }

    fn wrote(&mut self, context: usize) {
        let Some(write) = self.contexts[context].writes.pop_front() else {
            return;
        };
        let ticket = Ticket::from_u32(write.ticket);
        let told = match write.fault {
            None => {
                self.note_written(context, &write.bytes);
                self.put(context, write);
                Event::Stored { ticket }
            }
            Some(Fault::Late) => {
                self.deception(context);
                self.domain(context).cell = write.bytes;
                Event::Stored { ticket }
            }
            Some(Fault::Silent) => return,
            Some(Fault::Fails) => Event::StoreFailed { ticket },
            Some(Fault::Torn) => {
                self.domain(context).cell = write.bytes[..write.bytes.len() / 2].to_vec();
                Event::StoreFailed { ticket }
            }
            Some(Fault::Flipped) => {
                self.domain(context).cell = self.flipped(context, write.bytes);
                Event::Stored { ticket }
            }
            Some(Fault::Lies) => Event::Stored { ticket },
        };
        self.tell(context, told);
    }

    fn token_request(&mut self, context: usize, ticket: u32, token: Key) {
        let answer = if self.now < self.server_down_until {
            match self.draw(context, Draw::Server).below(3) {
                0 => Answer::RateLimited,
                1 => Answer::Unrecognized,
                _ => Answer::Unavailable,
            }
        } else {
            match self.server.refresh(token, self.now) {
                Refreshed::Granted(key) => {
                    self.counts.add(Row::Renewed);
                    self.note_consumed(context, ticket, key);
                    Answer::Granted(key)
                }
                Refreshed::Again(key) => Answer::Granted(key),
                Refreshed::Refused => Answer::InvalidGrant,
                Refreshed::Replayed(current) => {
                    self.note_replayed(context, token, current);
                    Answer::InvalidGrant
                }
            }
        };
        let trip = self.contexts[context].trip.take();
        if trip.is_some() {
            self.counts.add(Row::NetworkFaults);
        }
        let (delay, answer) = match trip {
            Some(Trip::Lost) => (GIVEN_UP, Answer::Lost),
            Some(Trip::Late) => (TOO_LATE, answer),
            _ if self.is_cut(context) => (GIVEN_UP, Answer::Lost),
            _ => (self.latency(context, Draw::Server), answer),
        };
        self.schedule(context, delay, Happening::TokenAnswer(ticket, answer));
    }

    fn token_answer(&mut self, context: usize, ticket: u32, answer: Answer) {
        let (failure, retry_after) = match answer {
            Answer::Granted(key) => return self.grant(context, ticket, key),
            Answer::InvalidGrant => (TokenFailure::InvalidGrant, None),
            Answer::Unavailable => (TokenFailure::Unavailable, None),
            Answer::RateLimited => (TokenFailure::RateLimited, Some(10)),
            Answer::Unrecognized => (TokenFailure::Unrecognized, None),
            Answer::NotSent => (TokenFailure::NotSent, None),
            Answer::Lost => (TokenFailure::Lost, None),
        };
        self.note_answer(context, ticket, answer);
        self.tell(
            context,
            Event::TokenFailed {
                ticket: Ticket::from_u32(ticket),
                failure,
                retry_after,
            },
        );
    }

    /// Tells the tokens of this key.
    fn grant(&mut self, context: usize, ticket: u32, key: Key) {
        let Some(family) = self.server.family(key.family) else {
            return;
        };
        let (access, subject) = (
            format!("a.{}.{}", key.family, key.serial),
            format!("u{}", family.user),
        );
        let refresh = self.server.refresh_token(key);
        let mut grant = Grant::new(&access);
        grant.refresh_token = Some(&refresh);
        grant.subject = Some(&subject);
        grant.app_data = Some(access.as_bytes());
        grant.expiry = Expiry::In(LIFETIME);
        let ticket_ = Ticket::from_u32(ticket);
        let latch = self.contexts[context].latch.latch();
        let end = match latch.refresh_token(ticket_) {
            Some(_) => End::Granted,
            None => End::Late,
        };
        self.note_end(context, ticket, end);
        let told = self.tell(
            context,
            Event::Granted {
                ticket: ticket_,
                grant,
            },
        );
        match told {
            Some(Outcome::Orphaned) => self.server.revoke(key.family),
            Some(Outcome::Stale) => self.note_end(context, ticket, End::Lost),
            _ => {}
        }
    }

    /// Somebody opens the login here.
    pub(crate) fn login(&mut self, context: usize) {
        if let Some(Outcome::Login(ticket)) = self.tell(context, Event::LoginStarted) {
            let delay = self.latency(context, Draw::User);
            self.schedule(context, delay, Happening::LoginAnswer(ticket.as_u32()));
        }
    }

    fn login_answer(&mut self, context: usize, ticket: u32) {
        if self.now < self.server_down_until || self.is_cut(context) {
            // Nobody tries at once again, whatever the latch asks for.
            self.plan_login(context, 30_000);
            return self.token_answer(context, ticket, Answer::Unavailable);
        }
        self.counts.add(Row::Logins);
        let (index, now) = (self.contexts[context].domain, self.now);
        let domain = &mut self.domains[index];
        let key = self.server.sign_in(domain.user, now);
        domain.newest = Some(key.family);
        self.ledger.begin(key.family, now);
        self.grant(context, ticket, key);
    }

    fn api_answer(&mut self, context: usize, id: u64, token: Key) {
        let Some(receipt) = self.contexts[context].in_flight.remove(&id) else {
            return;
        };
        if self.is_cut(context) {
            return self.counts.add(Row::Unreached);
        }
        let (status, challenge) = if self.now < self.server_down_until {
            (503, ChallengeKind::Absent)
        } else if self.now >= self.api_refuses_until && self.server.accepts(token, self.now) {
            (200, ChallengeKind::Absent)
        } else {
            (401, ChallengeKind::InvalidToken)
        };
        match self.tell(
            context,
            Event::Answered {
                receipt,
                status,
                challenge,
            },
        ) {
            Some(Outcome::Retry) => {
                self.counts.add(Row::Retried);
                self.request(context, Some(receipt));
            }
            Some(Outcome::Surface(_)) => self.counts.add(Row::Surfaced),
            _ => self.counts.add(Row::Delivered),
        }
    }

    pub(crate) fn thaw(&mut self, context: usize) {
        let Some(frozen_at) = self.contexts[context].frozen_at.take() else {
            return;
        };
        let told = self.draw(context, Draw::User).chance(700);
        let host = &mut self.contexts[context];
        // The monotonic clock stood still.
        host.slept += self.now - frozen_at;
        host.wake = u64::MAX;
        let life = host.life;
        let mail = std::mem::take(&mut host.mail);
        if told {
            self.tell(context, Event::Resumed);
        } else {
            // A platform that says nothing: the clocks must tell.
            self.tell(context, Event::TimeoutReached);
        }
        for what in mail {
            if self.contexts[context].life == life {
                self.happen(context, what);
            }
        }
    }
}
