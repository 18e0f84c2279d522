//! The five states with statig: each is a function, the data is its context.

use statig::prelude::*;

use crate::Who;
use crate::World;
use crate::desk::Desk;
use crate::desk::Fact;
use crate::desk::Order;
use crate::desk::Reply;
use crate::rival::Rival;

#[derive(Default)]
pub(crate) struct Rules;

#[state_machine(initial = "State::unauthenticated()")]
impl Rules {
    #[state]
    fn unauthenticated(context: &mut Desk, event: &Fact) -> Outcome<State> {
        match event {
            Fact::LoginStarted => {
                context.start_login();
                Transition(State::pending())
            }
            Fact::Requested(waiter) => {
                context.admit(*waiter);
                Handled
            }
            _ => Handled,
        }
    }

    #[state]
    fn pending(context: &mut Desk, event: &Fact) -> Outcome<State> {
        match event {
            Fact::Granted(lifetime) => {
                context.take_grant(*lifetime);
                Transition(State::ready())
            }
            Fact::Failed => Transition(State::unauthenticated()),
            Fact::TimeoutReached if context.is_due() => Transition(State::unauthenticated()),
            Fact::LogoutRequested => {
                context.end();
                Transition(State::unauthenticated())
            }
            Fact::Requested(waiter) => {
                context.admit(*waiter);
                Handled
            }
            _ => Handled,
        }
    }

    #[state]
    fn ready(context: &mut Desk, event: &Fact) -> Outcome<State> {
        match event {
            Fact::TimeoutReached if context.is_due() => {
                context.start_exchange();
                Transition(State::refreshing())
            }
            Fact::LogoutRequested => {
                context.end();
                Transition(State::unauthenticated())
            }
            Fact::Requested(waiter) => {
                context.admit(*waiter);
                Handled
            }
            Fact::Accepted(version) => {
                context.accept(*version);
                Handled
            }
            Fact::Refused(version) => {
                context.retry();
                if *version == context.version {
                    context.start_exchange();
                    return Transition(State::refreshing());
                }
                Handled
            }
            _ => Handled,
        }
    }

    #[state]
    fn refreshing(context: &mut Desk, event: &Fact) -> Outcome<State> {
        match event {
            Fact::Granted(lifetime) => {
                context.take_grant(*lifetime);
                Transition(State::ready())
            }
            Fact::Failed => {
                context.wait_for_retry();
                Transition(State::expired())
            }
            Fact::TimeoutReached if context.is_due() => {
                context.wait_for_retry();
                Transition(State::expired())
            }
            Fact::LogoutRequested => {
                context.end();
                Transition(State::unauthenticated())
            }
            Fact::Requested(waiter) => {
                context.admit(*waiter);
                Handled
            }
            Fact::Accepted(version) => {
                context.accept(*version);
                Handled
            }
            Fact::Refused(_) => {
                context.retry();
                Handled
            }
            _ => Handled,
        }
    }

    #[state]
    fn expired(context: &mut Desk, event: &Fact) -> Outcome<State> {
        match event {
            Fact::TimeoutReached if context.is_due() => {
                context.start_exchange();
                Transition(State::refreshing())
            }
            Fact::LoginStarted => {
                context.start_login();
                Transition(State::pending())
            }
            Fact::LogoutRequested => {
                context.end();
                Transition(State::unauthenticated())
            }
            Fact::Requested(waiter) => {
                context.admit(*waiter);
                Handled
            }
            Fact::Accepted(version) => {
                context.accept(*version);
                Handled
            }
            Fact::Refused(_) => {
                context.retry();
                Handled
            }
            _ => Handled,
        }
    }
}

pub(crate) struct Side {
    machine: StateMachine<Rules>,
    desk: Desk,
}

impl Default for Side {
    fn default() -> Self {
        let mut desk = Desk::default();
        let mut machine = Rules.state_machine();
        machine.init_with_context(&mut desk);
        Self { machine, desk }
    }
}

impl Rival for Side {
    const WHO: Who = Who::Statig;

    fn of(world: &mut World) -> &mut Self {
        &mut world.statig
    }

    fn handle(&mut self, now: u64, fact: Fact) -> Reply {
        self.desk.now = now;
        self.desk.reply = Reply::Done;
        self.machine.handle_with_context(&fact, &mut self.desk);
        self.desk.reply
    }

    fn poll(&mut self) -> Option<Order> {
        self.desk
            .poll(matches!(self.machine.state(), State::Ready {}))
    }

    fn claim(&mut self, waiter: u32) -> u32 {
        self.desk.claim(waiter)
    }

    fn state(&self) -> u32 {
        match self.machine.state() {
            State::Unauthenticated {} => 0,
            State::Pending {} => 1,
            State::Ready {} => 2,
            State::Refreshing {} => 3,
            State::Expired {} => 4,
        }
    }
}
