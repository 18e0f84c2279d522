//! What each operation does.

use std::collections::VecDeque;

use tokenlatch::Event;
use tokenlatch::Outcome;
use tokenlatch::State;
use tokenlatch::Waiter;

use super::counts::Row;
use super::ops::Act;
use super::ops::Fault;
use super::ops::Sessions;
use super::parts::Draw;
use super::parts::Happening;
use super::world::World;

impl World {
    pub(crate) fn act(&mut self, context: usize, act: Act) {
        if self.transcript {
            println!("{:>12} {context} == {act:?}", self.now);
        }
        self.mix(0xac7);
        match act {
            Act::Request
            | Act::Burst(_)
            | Act::Cancel
            | Act::Renew
            | Act::Login
            | Act::Logout
            | Act::Freeze(_)
            | Act::Offline(_) => {
                // A context that sleeps does nothing.
                if self.contexts[context].frozen_at.is_none() {
                    self.application(context, act);
                }
            }
            Act::Restart => self.restart(context),
            Act::Peace => self.peace(),
            Act::Read(..)
            | Act::Write(..)
            | Act::Announce(_)
            | Act::Token(_)
            | Act::LeaseDenied
            | Act::LeaseSilent
            | Act::Crash(_)
            | Act::Cut(_)
            | Act::Deaf(_)
            | Act::StoreCut(_) => self.arm(context, act),
            _ => self.elsewhere(context, act),
        }
    }

    fn application(&mut self, context: usize, act: Act) {
        match act {
            Act::Request => self.request(context, None),
            Act::Burst(requests) => {
                for _ in 0..requests {
                    self.request(context, None);
                }
            }
            Act::Cancel => {
                let waiting = &self.contexts[context].waiting;
                let Some(id) = waiting.keys().next().copied() else {
                    return;
                };
                let waiter = Waiter::from_u32(id);
                let told = self.tell(context, Event::WaiterCancelled { waiter });
                if told == Some(Outcome::Done) {
                    self.ended_waiting(context, id);
                    self.counts.add(Row::Cancelled);
                }
            }
            Act::Renew => {
                self.tell(context, Event::RefreshRequested);
            }
            Act::Login => self.login(context),
            Act::Logout => self.log_out(context),
            Act::Freeze(duration) => {
                self.counts.add(Row::Sleeps);
                self.contexts[context].frozen_at = Some(self.now);
                self.schedule(context, duration, Happening::Thaw);
            }
            Act::Offline(duration) => {
                self.counts.add(Row::NetworkFaults);
                let until = self.now + duration;
                let host = &mut self.contexts[context];
                host.offline = true;
                host.offline_until = host.offline_until.max(until);
                self.tell(context, Event::WentOffline);
                self.schedule(context, duration, Happening::Online);
            }
            _ => {}
        }
    }

    fn log_out(&mut self, context: usize) {
        self.counts.add(Row::SignOuts);
        if self.contexts[context].latch.latch().state() != State::Unauthenticated {
            self.note_signed_out(context);
        }
        let life = self.contexts[context].life;
        self.tell(context, Event::LogoutRequested);
        let host = &self.contexts[context];
        let out = host.latch.latch().state() == State::Unauthenticated;
        if !out && host.life == life {
            self.fail("P6: signed out and not so", format!("context {context}"));
        }
    }

    /// What goes wrong from now on, or the next time.
    fn arm(&mut self, context: usize, act: Act) {
        let now = self.now;
        let host = &mut self.contexts[context];
        match act {
            Act::Read(fault, times) => arm(&mut host.reads, fault, times),
            Act::Write(fault, times) => arm(&mut host.writes_to_fail, fault, times),
            Act::Announce(post) => host.post = Some(post),
            Act::Token(trip) => host.trip = Some(trip),
            Act::LeaseDenied => host.deny_lease = true,
            Act::LeaseSilent => host.silence_lease = true,
            Act::Crash(orders) => host.crash_in = orders,
            Act::Deaf(duration) => {
                host.deaf_until = now + duration;
                self.counts.add(Row::NetworkFaults);
            }
            Act::Cut(duration) => {
                host.cut_until = now + duration;
                self.counts.add(Row::NetworkFaults);
            }
            Act::StoreCut(duration) => {
                host.store_cut_until = now + duration;
                self.counts.add(Row::StoreFaults);
            }
            _ => {}
        }
    }

    /// In the domain of a context, at the server, or with the clock.
    fn elsewhere(&mut self, context: usize, act: Act) {
        match act {
            Act::User(user) => self.domain(context).user = user,
            Act::LeaseLost => self.take_lease(context),
            Act::Down(duration) => {
                self.counts.add(Row::ServerFaults);
                self.server_down_until = self.now + duration;
            }
            Act::ServerRestart(sessions) => {
                self.counts.add(Row::ServerFaults);
                self.server_down_until = self.now + 2_000;
                if sessions == Sessions::Forgotten {
                    self.server.forget();
                }
            }
            Act::EndSession => {
                self.counts.add(Row::ServerFaults);
                if let Some(newest) = self.domain(context).newest {
                    self.server.revoke(newest);
                }
            }
            Act::Refuse(duration) => {
                self.counts.add(Row::ServerFaults);
                self.api_refuses_until = self.now + duration;
            }
            Act::ExpireAccess => {
                self.counts.add(Row::ServerFaults);
                if let Some(newest) = self.domain(context).newest {
                    self.server.expire(newest);
                }
            }
            Act::Clock(by) => {
                self.counts.add(Row::ClockFaults);
                self.wall_offset = self.wall_offset.saturating_add(by);
                self.note_clock(by);
            }
            _ => {}
        }
    }

    fn take_lease(&mut self, context: usize) {
        let Some((holder, ticket)) = self.domain(context).holder.take() else {
            return;
        };
        self.lease_fault(context);
        if self.contexts[holder].frozen_at.is_some() {
            let mail = &mut self.contexts[holder].mail;
            mail.insert(0, Happening::LeaseTaken(ticket));
        } else {
            self.happen(holder, Happening::LeaseTaken(ticket));
        }
        self.grant_lease(context);
    }

    /// The context ends and starts again.
    pub(crate) fn restart(&mut self, context: usize) {
        self.counts.add(Row::Restarts);
        let waiting = self.contexts[context].waiting.len();
        let waiting = u64::try_from(waiting).unwrap_or(0);
        self.counts.add_many(Row::LostInCrash, waiting);
        self.end_writes(context);
        self.reborn(context);
        // The lease ends with its holder.
        let domain = self.domain(context);
        domain.queue.retain(|(waiting, _)| *waiting != context);
        if domain.holder.is_some_and(|(holder, _)| holder == context) {
            domain.holder = None;
        }
        self.grant_lease(context);
        self.tell(context, Event::Opened);
    }

    /// Of the writes under way some are carried out as the context ends, and one may be torn.
    fn end_writes(&mut self, context: usize) {
        let mut writes = std::mem::take(&mut self.contexts[context].writes);
        if writes.is_empty() {
            return;
        }
        let mut random = self.draw(context, Draw::Crash);
        let done = random.index(writes.len() + 1);
        let torn = random.chance(100) && !self.setup.sound;
        let rest = writes.split_off(done);
        for write in writes {
            match write.fault {
                None => self.put(context, write),
                Some(Fault::Late) => {
                    self.deception(context);
                    self.domain(context).cell = write.bytes;
                }
                _ => {}
            }
        }
        if let (true, Some(write)) = (torn, rest.front()) {
            self.domain(context).cell = write.bytes[..write.bytes.len() / 2].to_vec();
            self.deception(context);
        }
    }

    fn peace(&mut self) {
        self.server_down_until = 0;
        self.api_refuses_until = 0;
        for context in 0..self.contexts.len() {
            let host = &mut self.contexts[context];
            host.cut_until = 0;
            host.deaf_until = 0;
            host.store_cut_until = 0;
            host.offline_until = 0;
            host.reads.clear();
            host.writes_to_fail.clear();
            host.post = None;
            host.trip = None;
            host.deny_lease = false;
            host.silence_lease = false;
            host.crash_in = 0;
            self.thaw(context);
            if self.contexts[context].offline {
                self.happen(context, Happening::Online);
            }
        }
        self.expect_peace();
    }
}

fn arm(faults: &mut VecDeque<Fault>, fault: Fault, times: u8) {
    faults.clear();
    faults.extend(std::iter::repeat_n(fault, usize::from(times)));
}
