//! Carrying one action out.

use std::sync::Arc;

use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;

use super::act::Act;
use super::act::Action;
use super::space::ANY;
use super::transcript;
use super::world::At;
use super::world::Context;
use super::world::Exchange;
use super::world::FRESH;
use super::world::Family;
use super::world::Flight;
use super::world::JUMP;
use super::world::Record;
use super::world::Stage;
use super::world::Token;
use super::world::World;
use super::world::broken;

type Done = Result<(), Violation>;

/// A ticket that no latch in canonical form has given out and still knows.
const OLD: u32 = 1;
/// A ticket that no latch has given out yet.
const FUTURE: u32 = 1 << 30;

fn spend(left: &mut u8) {
    if *left != ANY {
        *left = left.saturating_sub(1);
    }
}

impl World {
    /// Carries it out, checks, and puts the world into its canonical form.
    pub(crate) fn step(&mut self, action: Action) -> Done {
        let index = usize::from(action.context);
        self.act(index, action.act)?;
        let (late_writes, oracle) = (self.space.late_writes, self.space.oracle);
        for context in &mut self.contexts {
            context.prune(late_writes, oracle);
            context.sort();
        }
        if self.space.no_replay && self.replayed {
            return Err(broken(Promise::P3, "a refresh token was used twice"));
        }
        self.canonical();
        Ok(())
    }

    fn now(&self, index: usize) -> Now {
        Now::new(self.contexts[index].monotonic, self.wall)
    }

    pub(crate) fn tell(
        &mut self,
        index: usize,
        event: Event<'_>,
    ) -> Result<Result<Outcome, Rejected>, Violation> {
        let (now, symmetric) = (self.now(index), self.space.symmetric);
        let context = &mut self.contexts[index];
        context
            .latch
            .reseed(super::entropy::seed(index == 0 || symmetric));
        let told = context.latch.handle(now, event);
        if let Some(log) = &mut self.log {
            log.push(transcript::told(
                usize::from(self.contexts[index].name),
                now,
                &event,
                &told,
            ));
        }
        let told = told?;
        self.drain(index)?;
        Ok(told)
    }

    fn act(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        match act {
            Act::Advance => return self.advance(),
            Act::Sleep => {
                spend(&mut self.left.sleeps);
                self.wall += JUMP;
            }
            Act::SetBack => {
                spend(&mut self.left.setbacks);
                self.wall -= JUMP;
            }
            Act::Foreign => {
                spend(&mut self.left.foreign);
                return self.foreign();
            }
            Act::EndSession(family) => {
                spend(&mut self.left.ends);
                self.families[usize::from(family)].revoked = true;
            }
            Act::Open => {
                context.open = true;
                self.tell(index, Event::Opened)?.ok();
            }
            Act::Resume | Act::Change => {
                spend(&mut self.left.looks);
                let event = if act == Act::Resume {
                    Event::Resumed
                } else {
                    Event::StoreChanged
                };
                self.tell(index, event)?.ok();
            }
            Act::Offline => {
                spend(&mut self.left.offline);
                self.tell(index, Event::WentOffline)?.ok();
            }
            Act::Online => {
                self.tell(index, Event::WentOnline)?.ok();
            }
            Act::Refresh => {
                spend(&mut self.left.forced);
                self.tell(index, Event::RefreshRequested)?.ok();
            }
            Act::News => {
                context.news = false;
                self.tell(index, Event::StoreChanged)?.ok();
            }
            Act::Login | Act::LoginGranted(_) | Act::LoginFailed | Act::Logout => {
                return self.sign(index, act);
            }
            Act::Read | Act::Loaded | Act::LoadFailed => return self.load(index, act),
            Act::Write | Act::Stored | Act::StoreFailed | Act::Tear | Act::Lie | Act::LateWrite => {
                return self.store(index, act);
            }
            Act::LeaseGranted | Act::LeaseDenied | Act::Steal | Act::LeaseLost => {
                return self.lease(index, act);
            }
            Act::Arrive
            | Act::Answered
            | Act::TokenFailed(_)
            | Act::LateArrive
            | Act::LateAnswered => return self.exchange(index, act),
            Act::Accepted | Act::Refused | Act::Unreachable => return self.probed(index, act),
            Act::Revoked | Act::RevokeFailed => return self.revoked(index, act),
            Act::Request | Act::Claim(_) | Act::Cancel(_) | Act::Answer(..) | Act::NoAnswer(_) => {
                return self.request(index, act);
            }
            Act::Nonsense => return self.nonsense(index),
            Act::Freeze => {
                spend(&mut self.left.freezes);
                context.frozen = true;
            }
            Act::Thaw => {
                context.frozen = false;
                self.tell(index, Event::TimeoutReached)?.ok();
            }
            Act::Crash => {
                spend(&mut self.left.crashes);
                let monotonic = context.monotonic;
                *context = Context::new(&self.space, context.name);
                context.monotonic = monotonic;
                if self.log.is_some() {
                    self.note(format!("{index} starts anew"));
                }
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Done {
        let Some(by) = self.next_deadline() else {
            return Ok(());
        };
        self.wall += by;
        for context in &mut self.contexts {
            context.monotonic += by;
        }
        for index in 0..self.contexts.len() {
            if !self.contexts[index].frozen {
                self.tell(index, Event::TimeoutReached)?.ok();
            }
        }
        Ok(())
    }

    /// Another context, which this world does not have, reads the store, signs the last user in and writes.
    fn foreign(&mut self) -> Done {
        let family = self.new_family(self.space.users - 1);
        let mut other = Context::new(&self.space, u8::MAX);
        other.monotonic = self.contexts.first().map_or(0, |context| context.monotonic);
        self.contexts.push(other);
        let index = self.contexts.len() - 1;
        self.tell(index, Event::Opened)?.ok();
        self.load(index, Act::Loaded)?;
        self.sign(index, Act::Login)?;
        if let Some(ticket) = self.contexts[index].login.take() {
            self.grant(index, ticket, Token { family, serial: 0 })?;
        }
        self.load(index, Act::Loaded)?;
        let other = self.contexts.pop();
        if let Some(write) = other.and_then(|other| other.store) {
            self.write(write.record)?;
        }
        Ok(())
    }

    fn family(&self, index: usize) -> Option<u8> {
        let data = self.contexts[index].latch.latch().app_data()?;
        data.first().map(|byte| byte - b'0')
    }

    fn sign(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        match act {
            Act::Login => {
                if let Ok(Outcome::Login(ticket)) = self.tell(index, Event::LoginStarted)? {
                    self.contexts[index].login = Some(ticket.as_u32());
                }
            }
            Act::Logout => {
                spend(&mut self.left.logouts);
                let family = self.family(index);
                self.tell(index, Event::LogoutRequested)?.ok();
                let context = &mut self.contexts[index];
                if let Some(family) = family {
                    context.signed_out |= 1 << family;
                }
                if context.latch.latch().waiting() > 0 {
                    return Err(broken(Promise::P6, "signed out and a request still waits"));
                }
            }
            Act::LoginFailed => {
                spend(&mut self.left.tries);
                if let Some(ticket) = context.login.take() {
                    self.tell(
                        index,
                        Event::TokenFailed {
                            ticket: Ticket::from_u32(ticket),
                            failure: TokenFailure::Unavailable,
                            retry_after: None,
                        },
                    )?
                    .ok();
                }
            }
            Act::LoginGranted(user) => {
                let Some(ticket) = context.login.take() else {
                    return Ok(());
                };
                spend(&mut self.left.logins);
                let family = self.new_family(user);
                self.grant(index, ticket, Token { family, serial: 0 })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A number that no token bears.
    fn new_family(&mut self, user: u8) -> u8 {
        if self.space.oracle {
            return FRESH;
        }
        let family = self.signed_in;
        self.families[usize::from(family)] = Family {
            user,
            ..Family::default()
        };
        self.signed_in += 1;
        family
    }

    /// Tells a grant; an orphaned one is revoked by the host.
    fn grant(&mut self, index: usize, ticket: u32, token: Token) -> Done {
        let (access, refresh) = (token.text('a'), token.text('r'));
        let user = self.families[usize::from(token.family)].user.to_string();
        let data = [b'0' + token.family];
        let mut grant = Grant::new(&access);
        grant.refresh_token = Some(&refresh);
        grant.expiry = Expiry::In(self.space.lifetime);
        grant.subject = Some(&user);
        grant.app_data = Some(&data);
        let ticket = Ticket::from_u32(ticket);
        if self.tell(index, Event::Granted { ticket, grant })? == Ok(Outcome::Orphaned) {
            self.families[usize::from(token.family)].revoked = true;
        }
        Ok(())
    }

    fn load(&mut self, index: usize, act: Act) -> Done {
        let cell = self.cell.clone();
        let context = &mut self.contexts[index];
        let Some(load) = &mut context.load else {
            return Ok(());
        };
        let ticket = Ticket::from_u32(load.ticket);
        match act {
            Act::Read => load.read = Some(cell),
            Act::Loaded => {
                let found = load.read.take().unwrap_or(cell);
                context.load = None;
                let record = found.as_ref().map(|record| record.bytes.as_slice());
                self.tell(index, Event::Loaded { ticket, record })?.ok();
                let seen = self.contexts[index].latch.latch().corrupt().is_some();
                if found.is_some_and(|record| record.torn) && !seen {
                    return Err(broken(
                        Promise::P12,
                        "half a record was taken for a whole one",
                    ));
                }
            }
            _ => {
                spend(&mut self.left.faults);
                context.load = None;
                self.tell(index, Event::LoadFailed { ticket })?.ok();
            }
        }
        Ok(())
    }

    fn store(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        if act == Act::LateWrite {
            let late = context.late.take();
            self.cell = late.or_else(|| self.cell.clone());
            return Ok(());
        }
        let Some(write) = &mut context.store else {
            return Ok(());
        };
        let ticket = Ticket::from_u32(write.ticket);
        match act {
            Act::Write => {
                write.stage = Stage::Written;
                let record = Arc::clone(&write.record);
                return self.write(record);
            }
            Act::Tear => {
                spend(&mut self.left.faults);
                write.stage = Stage::Torn;
                // The old bytes are left behind the first half of the new ones.
                let half = write.record.bytes.len() / 2;
                let mut torn = Record::new(&write.record.bytes[..half]);
                if let Some(old) = &self.cell {
                    let rest = old.bytes.get(half..).unwrap_or_default();
                    let _ = torn.bytes.extend_from_slice(rest);
                    torn.torn = torn.bytes != old.bytes;
                }
                torn.torn &= torn.bytes != write.record.bytes;
                self.cell = Some(Arc::new(torn));
            }
            Act::Stored => {
                context.store = None;
                self.tell(index, Event::Stored { ticket })?.ok();
            }
            Act::Lie => {
                spend(&mut self.left.faults);
                context.store = None;
                self.tell(index, Event::Stored { ticket })?.ok();
            }
            _ => {
                if write.stage == Stage::Ordered {
                    spend(&mut self.left.faults);
                }
                context.store = None;
                self.tell(index, Event::StoreFailed { ticket })?.ok();
            }
        }
        Ok(())
    }

    fn lease(&mut self, index: usize, act: Act) -> Done {
        let context = &mut self.contexts[index];
        match act {
            Act::LeaseGranted => {
                if let Some(ticket) = context.asked.take() {
                    context.held = Some(ticket);
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseGranted { ticket })?.ok();
                }
            }
            Act::LeaseDenied => {
                spend(&mut self.left.denials);
                if let Some(ticket) = context.asked.take() {
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseDenied { ticket })?.ok();
                }
            }
            Act::Steal => {
                spend(&mut self.left.steals);
                context.lost = context.held.take();
            }
            _ => {
                if let Some(ticket) = context.lost.take() {
                    let ticket = Ticket::from_u32(ticket);
                    self.tell(index, Event::LeaseLost { ticket })?.ok();
                }
            }
        }
        Ok(())
    }

    fn exchange(&mut self, index: usize, act: Act) -> Done {
        let late = matches!(act, Act::LateArrive | Act::LateAnswered);
        let context = &mut self.contexts[index];
        let slot = if late {
            &mut context.old
        } else {
            &mut context.token
        };
        let Some(Exchange { ticket, at }) = *slot else {
            return Ok(());
        };
        match (act, at) {
            (Act::Arrive | Act::LateArrive, At::Sent(token)) => {
                let at = self.refresh(token);
                let context = &mut self.contexts[index];
                let slot = if late {
                    &mut context.old
                } else {
                    &mut context.token
                };
                *slot = Some(Exchange { ticket, at });
                if late && at == At::Refused {
                    *slot = None;
                }
                Ok(())
            }
            (Act::Answered | Act::LateAnswered, At::Sent(token)) => {
                *slot = None;
                let token = Token {
                    serial: FRESH,
                    ..token
                };
                self.grant(index, ticket, token)
            }
            (Act::Answered | Act::LateAnswered, At::Granted(token)) => {
                *slot = None;
                self.grant(index, ticket, token)
            }
            (Act::Answered, At::Refused) => {
                *slot = None;
                self.token_failed(index, ticket, TokenFailure::InvalidGrant)
            }
            (Act::TokenFailed(failure), at) => {
                spend(&mut self.left.failures);
                *slot = None;
                if failure == TokenFailure::Lost {
                    // The host gave up; the request may still arrive, and its answer with it.
                    self.contexts[index].old = Some(Exchange { ticket, at });
                }
                self.token_failed(index, ticket, failure)
            }
            _ => Ok(()),
        }
    }

    fn token_failed(&mut self, index: usize, ticket: u32, failure: TokenFailure) -> Done {
        let retry_after = (failure == TokenFailure::RateLimited).then_some(1);
        let ticket = Ticket::from_u32(ticket);
        self.tell(
            index,
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            },
        )?
        .ok();
        Ok(())
    }

    /// The server's answer: it rotates, and ends the family when a refresh token comes twice (RFC 9700 4.14.2).
    fn refresh(&mut self, token: Token) -> At {
        let family = &mut self.families[usize::from(token.family)];
        if family.revoked {
            return At::Refused;
        }
        if token.serial != family.serial {
            family.revoked = true;
            self.replayed = true;
            return At::Refused;
        }
        spend(&mut self.left.grants);
        family.serial += 1;
        At::Granted(Token {
            family: token.family,
            serial: family.serial,
        })
    }

    fn probed(&mut self, index: usize, act: Act) -> Done {
        let Some(ticket) = self.contexts[index].probe.take() else {
            return Ok(());
        };
        let result = match act {
            Act::Accepted => ProbeResult::Accepted,
            Act::Refused => ProbeResult::Refused,
            _ => ProbeResult::Unreachable,
        };
        if act == Act::Refused {
            spend(&mut self.left.refusals);
        }
        let ticket = Ticket::from_u32(ticket);
        self.tell(index, Event::Probed { ticket, result })?.ok();
        Ok(())
    }

    fn revoked(&mut self, index: usize, act: Act) -> Done {
        let Some((ticket, token)) = self.contexts[index].revoke.take() else {
            return Ok(());
        };
        let ticket = Ticket::from_u32(ticket);
        if act == Act::Revoked {
            self.families[usize::from(token.family)].revoked = true;
            self.tell(index, Event::Revoked { ticket })?.ok();
        } else {
            spend(&mut self.left.failures);
            self.tell(index, Event::RevokeFailed { ticket })?.ok();
        }
        Ok(())
    }

    fn request(&mut self, index: usize, act: Act) -> Done {
        match act {
            Act::Request => {
                spend(&mut self.left.requests);
                let latch = self.contexts[index].latch.latch();
                let user = match latch.state() {
                    State::Ready | State::Refreshing => latch.subject(),
                    _ => None,
                };
                // Where there is one user only, nobody else's token can be taken.
                let user = user.and_then(|user| user.parse().ok());
                let user = user.filter(|_| self.space.users > 1);
                self.admit(index, Access::First, user)
            }
            Act::Claim(place) => self.claim(index, usize::from(place)),
            Act::Cancel(place) => {
                let (waiter, _) = self.contexts[index].waiting.remove(usize::from(place));
                self.tell(index, Event::WaiterCancelled { waiter })?.ok();
                Ok(())
            }
            Act::Answer(place, status, challenge) => {
                let flight = self.contexts[index].flying.remove(usize::from(place));
                self.answer(index, flight, status, challenge)
            }
            Act::NoAnswer(place) => {
                self.contexts[index].flying.remove(usize::from(place));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn admit(&mut self, index: usize, access: Access, user: Option<u8>) -> Done {
        let waiting = &mut self.contexts[index].waiting;
        let free = (0..).map(Waiter::from_u32);
        let waiter = free
            .into_iter()
            .find(|free| waiting.iter().all(|(waiter, _)| waiter != free))
            .unwrap_or(Waiter::from_u32(0));
        let _ = waiting.push((waiter, user));
        if self.tell(index, Event::AccessRequested { waiter, access })? != Ok(Outcome::Admitted) {
            self.ended(index, waiter);
        }
        Ok(())
    }

    pub(crate) fn ended(&mut self, index: usize, waiter: Waiter) {
        self.contexts[index]
            .waiting
            .retain(|(waits, _)| *waits != waiter);
    }

    fn claim(&mut self, index: usize, place: usize) -> Done {
        let (now, symmetric) = (self.now(index), self.space.symmetric);
        let context = &mut self.contexts[index];
        let Some((waiter, user)) = context.waiting.get(place).copied() else {
            return Ok(());
        };
        context
            .latch
            .reseed(super::entropy::seed(index == 0 || symmetric));
        let claimed = context.latch.permit(now, waiter);
        let claimed = claimed.map(|permit| {
            permit.map(|permit| (Token::read(permit.token().as_bytes()), permit.receipt()))
        });
        if let Some(log) = &mut self.log {
            log.push(transcript::claimed(
                usize::from(self.contexts[index].name),
                now,
                waiter,
                &claimed,
            ));
        }
        match claimed? {
            Ok((token, receipt)) => {
                self.ended(index, waiter);
                let token = token.ok_or(broken(Promise::P1, "a permit without a token"))?;
                let family = self.families[usize::from(token.family)];
                if user.is_some_and(|user| user != family.user) {
                    return Err(broken(Promise::P7, "a request leaves as another user"));
                }
                let context = &mut self.contexts[index];
                if context.signed_out & (1 << token.family) > 0 {
                    return Err(broken(
                        Promise::P6,
                        "a request leaves with a token that was signed out",
                    ));
                }
                let left_as = Some(family.user).filter(|_| self.space.users > 1);
                let _ = context.flying.push(Flight {
                    receipt,
                    user: user.or(left_as),
                });
            }
            Err(PermitError::Refused(_)) => self.ended(index, waiter),
            Err(_) => {}
        }
        self.drain(index)
    }

    fn answer(
        &mut self,
        index: usize,
        flight: Flight,
        status: u16,
        challenge: ChallengeKind,
    ) -> Done {
        if status == 401 && challenge == ChallengeKind::InvalidToken {
            spend(&mut self.left.refusals);
        }
        let Flight { receipt, user } = flight;
        let event = Event::Answered {
            receipt,
            status,
            challenge,
        };
        if self.tell(index, event)? == Ok(Outcome::Retry) {
            return self.admit(index, Access::Retry(receipt), user);
        }
        Ok(())
    }

    /// Answers that nobody asked for, and calls that don't fit: none may change anything.
    fn nonsense(&mut self, index: usize) -> Done {
        self.tell(index, Event::TimeoutReached)?.ok();
        self.contexts[index].latch.reseed(0);
        let before = self.contexts[index].latch.fingerprint();
        let old = if self.raw { 0 } else { OLD };
        for ticket in [old, FUTURE].map(Ticket::from_u32) {
            let failure = TokenFailure::InvalidGrant;
            for event in [
                Event::TokenFailed {
                    ticket,
                    failure,
                    retry_after: None,
                },
                Event::Granted {
                    ticket,
                    grant: Grant::new("a99"),
                },
                Event::Loaded {
                    ticket,
                    record: None,
                },
                Event::LoadFailed { ticket },
                Event::Stored { ticket },
                Event::StoreFailed { ticket },
                Event::Probed {
                    ticket,
                    result: ProbeResult::Accepted,
                },
                Event::LeaseGranted { ticket },
                Event::LeaseDenied { ticket },
                Event::LeaseLost { ticket },
                Event::Revoked { ticket },
                Event::RevokeFailed { ticket },
            ] {
                if !matches!(
                    self.tell(index, event)?,
                    Ok(Outcome::Stale | Outcome::Orphaned)
                ) {
                    return Err(broken(
                        Promise::P4,
                        "an answer with an unknown id was taken",
                    ));
                }
            }
        }
        self.tell(index, Event::Opened)?.ok();
        if let Some((waiter, _)) = self.contexts[index].waiting.first().copied() {
            let access = Access::First;
            self.tell(index, Event::AccessRequested { waiter, access })?
                .ok();
        }
        if self.contexts[index].latch.latch().waiting() == super::world::WAITERS {
            let waiter = Waiter::from_u32(1_000);
            let access = Access::First;
            if self.tell(index, Event::AccessRequested { waiter, access })? == Ok(Outcome::Admitted)
            {
                return Err(broken(Promise::P8, "admitted without room"));
            }
        }
        // The random generator was set anew, and nothing drew from it.
        self.contexts[index].latch.reseed(0);
        if self.contexts[index].latch.fingerprint() != before {
            return Err(broken(Promise::P14, "nonsense changed something"));
        }
        Ok(())
    }
}
