//! Carrying one action out.

use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::promises::Promise;
use tokenlatch::promises::Violation;

use super::act::Act;
use super::act::Action;
use super::left::ANY;
use super::transcript;
use super::world::Context;
use super::world::FRESH;
use super::world::Family;
use super::world::JUMP;
use super::world::Noted;
use super::world::Token;
use super::world::World;
use super::world::broken;

pub(super) type Done = Result<(), Violation>;

pub(super) fn spend(left: &mut u8) {
    if *left != ANY {
        *left = left.saturating_sub(1);
    }
}

impl World {
    /// Carries it out, checks, and puts the world into its canonical form.
    pub(crate) fn step(&mut self, action: Action) -> Done {
        self.carry_out(action)?;
        self.canonical();
        Ok(())
    }

    /// Carries it out and checks.
    pub(super) fn carry_out(&mut self, action: Action) -> Done {
        let index = usize::from(action.context);
        self.noted = Noted::default();
        self.act(index, action.act)?;
        let (late_writes, oracle) = (self.space.late_writes, self.space.oracle);
        for context in self.contexts.touched() {
            context.prune(late_writes, oracle);
            context.sort();
        }
        if self.space.no_replay && self.replayed && !self.unmarked {
            return Err(broken(Promise::P3, "a refresh token was used twice"));
        }
        Ok(())
    }

    pub(super) fn now(&self, index: usize) -> Now {
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
        for context in self.contexts.iter_mut() {
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
    pub(crate) fn foreign(&mut self) -> Done {
        let family = self.new_family(self.space.users - 1);
        let mut other = Context::new(&self.space, u8::MAX);
        other.monotonic = self.contexts[0].monotonic;
        self.contexts.push(other);
        let index = self.contexts.len() - 1;
        self.tell(index, Event::Opened)?.ok();
        self.load(index, Act::Loaded)?;
        self.sign(index, Act::Login)?;
        if let Some(ticket) = self.contexts[index].login.take() {
            self.grant(index, ticket, Token { family, serial: 0 })?;
        }
        self.lease(index, Act::LeaseGranted)?;
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
    pub(super) fn grant(&mut self, index: usize, ticket: u32, token: Token) -> Done {
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
}
