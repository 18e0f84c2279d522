//! The five states with smlang: a table of transitions, guards and actions.

use smlang::statemachine;

use crate::Who;
use crate::World;
use crate::desk::Desk;
use crate::desk::Fact;
use crate::desk::Order;
use crate::desk::Reply;
use crate::rival::Rival;

statemachine! {
    transitions: {
        *Unauthenticated + LoginStarted / start_login = Pending,
        Unauthenticated + Requested(u32) / admit = Unauthenticated,
        Pending + Granted(u64) / take_grant = Ready,
        Pending + Failed = Unauthenticated,
        Pending + TimeoutReached [is_due] = Unauthenticated,
        Pending + LogoutRequested / end = Unauthenticated,
        Pending + Requested(u32) / admit = Pending,
        Ready + TimeoutReached [is_due] / start_exchange = Refreshing,
        Ready + LogoutRequested / end = Unauthenticated,
        Ready + Requested(u32) / admit = Ready,
        Ready + Accepted(u32) / accept = Ready,
        Ready + Refused(u32) [is_current] / renew = Refreshing,
        Ready + Refused(u32) / retry = Ready,
        Refreshing + Granted(u64) / take_grant = Ready,
        Refreshing + Failed / wait_for_retry = Expired,
        Refreshing + TimeoutReached [is_due] / wait_for_retry = Expired,
        Refreshing + LogoutRequested / end = Unauthenticated,
        Refreshing + Requested(u32) / admit = Refreshing,
        Refreshing + Accepted(u32) / accept = Refreshing,
        Refreshing + Refused(u32) / retry = Refreshing,
        Expired + TimeoutReached [is_due] / start_exchange = Refreshing,
        Expired + LoginStarted / start_login = Pending,
        Expired + LogoutRequested / end = Unauthenticated,
        Expired + Requested(u32) / admit = Expired,
        Expired + Accepted(u32) / accept = Expired,
        Expired + Refused(u32) / retry = Expired,
    }
}

impl StateMachineContext for Desk {
    fn is_due(&self) -> Result<bool, ()> {
        Ok(Self::is_due(self))
    }

    fn is_current(&self, version: &u32) -> Result<bool, ()> {
        Ok(*version == self.version)
    }

    fn start_login(&mut self) -> Result<(), ()> {
        Self::start_login(self);
        Ok(())
    }

    fn admit(&mut self, waiter: u32) -> Result<(), ()> {
        Self::admit(self, waiter);
        Ok(())
    }

    fn take_grant(&mut self, lifetime: u64) -> Result<(), ()> {
        Self::take_grant(self, lifetime);
        Ok(())
    }

    fn end(&mut self) -> Result<(), ()> {
        Self::end(self);
        Ok(())
    }

    fn start_exchange(&mut self) -> Result<(), ()> {
        Self::start_exchange(self);
        Ok(())
    }

    fn accept(&mut self, version: u32) -> Result<(), ()> {
        Self::accept(self, version);
        Ok(())
    }

    fn renew(&mut self, _: u32) -> Result<(), ()> {
        Self::retry(self);
        Self::start_exchange(self);
        Ok(())
    }

    fn retry(&mut self, _: u32) -> Result<(), ()> {
        Self::retry(self);
        Ok(())
    }

    fn wait_for_retry(&mut self) -> Result<(), ()> {
        Self::wait_for_retry(self);
        Ok(())
    }
}

pub(crate) struct Side(StateMachine<Desk>);

impl Default for Side {
    fn default() -> Self {
        Self(StateMachine::new(Desk::default()))
    }
}

impl Rival for Side {
    const WHO: Who = Who::Smlang;

    fn of(world: &mut World) -> &mut Self {
        &mut world.smlang
    }

    fn handle(&mut self, now: u64, fact: Fact) -> Reply {
        let desk = self.0.context_mut();
        desk.now = now;
        desk.reply = Reply::Done;
        let event = match fact {
            Fact::LoginStarted => Events::LoginStarted,
            Fact::Granted(lifetime) => Events::Granted(lifetime),
            Fact::Failed => Events::Failed,
            Fact::TimeoutReached => Events::TimeoutReached,
            Fact::LogoutRequested => Events::LogoutRequested,
            Fact::Requested(waiter) => Events::Requested(waiter),
            Fact::Accepted(version) => Events::Accepted(version),
            Fact::Refused(version) => Events::Refused(version),
        };
        // What has no row in the table is refused and changes nothing, as elsewhere.
        let _ = self.0.process_event(event);
        self.0.context().reply
    }

    fn poll(&mut self) -> Option<Order> {
        let is_open = matches!(self.0.state(), States::Ready);
        self.0.context_mut().poll(is_open)
    }

    fn claim(&mut self, waiter: u32) -> u32 {
        self.0.context_mut().claim(waiter)
    }

    fn state(&self) -> u32 {
        match self.0.state() {
            States::Unauthenticated => 0,
            States::Pending => 1,
            States::Ready => 2,
            States::Refreshing => 3,
            States::Expired => 4,
        }
    }
}
