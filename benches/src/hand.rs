//! The floor: the five states as a `match` written by hand, without checks.

use crate::Who;
use crate::World;
use crate::desk::Desk;
use crate::desk::Fact;
use crate::desk::Order;
use crate::desk::Reply;
use crate::rival::Rival;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    #[default]
    Unauthenticated,
    Pending,
    Ready,
    Refreshing,
    Expired,
}

#[derive(Default)]
pub(crate) struct Machine {
    state: State,
    desk: Desk,
}

impl Rival for Machine {
    const WHO: Who = Who::Floor;

    fn of(world: &mut World) -> &mut Self {
        &mut world.hand
    }

    fn handle(&mut self, now: u64, fact: Fact) -> Reply {
        self.desk.now = now;
        self.desk.reply = Reply::Done;
        self.state = next(self.state, &mut self.desk, fact);
        self.desk.reply
    }

    fn poll(&mut self) -> Option<Order> {
        self.desk.poll(self.state == State::Ready)
    }

    fn claim(&mut self, waiter: u32) -> u32 {
        self.desk.claim(waiter)
    }

    fn state(&self) -> u32 {
        self.state as u32
    }
}

fn next(state: State, desk: &mut Desk, fact: Fact) -> State {
    match state {
        State::Unauthenticated => match fact {
            Fact::LoginStarted => {
                desk.start_login();
                return State::Pending;
            }
            Fact::Requested(waiter) => desk.admit(waiter),
            _ => {}
        },
        State::Pending => match fact {
            Fact::Granted(lifetime) => {
                desk.take_grant(lifetime);
                return State::Ready;
            }
            Fact::Failed => return State::Unauthenticated,
            Fact::TimeoutReached if desk.is_due() => return State::Unauthenticated,
            Fact::LogoutRequested => {
                desk.end();
                return State::Unauthenticated;
            }
            Fact::Requested(waiter) => desk.admit(waiter),
            _ => {}
        },
        State::Ready => match fact {
            Fact::TimeoutReached if desk.is_due() => {
                desk.start_exchange();
                return State::Refreshing;
            }
            Fact::LogoutRequested => {
                desk.end();
                return State::Unauthenticated;
            }
            Fact::Requested(waiter) => desk.admit(waiter),
            Fact::Accepted(version) => desk.accept(version),
            Fact::Refused(version) => {
                desk.retry();
                if version == desk.version {
                    desk.start_exchange();
                    return State::Refreshing;
                }
            }
            _ => {}
        },
        State::Refreshing => match fact {
            Fact::Granted(lifetime) => {
                desk.take_grant(lifetime);
                return State::Ready;
            }
            Fact::Failed => {
                desk.wait_for_retry();
                return State::Expired;
            }
            Fact::TimeoutReached if desk.is_due() => {
                desk.wait_for_retry();
                return State::Expired;
            }
            Fact::LogoutRequested => {
                desk.end();
                return State::Unauthenticated;
            }
            Fact::Requested(waiter) => desk.admit(waiter),
            Fact::Accepted(version) => desk.accept(version),
            Fact::Refused(_) => desk.retry(),
            _ => {}
        },
        State::Expired => match fact {
            Fact::TimeoutReached if desk.is_due() => {
                desk.start_exchange();
                return State::Refreshing;
            }
            Fact::LoginStarted => {
                desk.start_login();
                return State::Pending;
            }
            Fact::LogoutRequested => {
                desk.end();
                return State::Unauthenticated;
            }
            Fact::Requested(waiter) => desk.admit(waiter),
            Fact::Accepted(version) => desk.accept(version),
            Fact::Refused(_) => desk.retry(),
            _ => {}
        },
    }
    state
}
