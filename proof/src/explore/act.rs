//! What can happen next in a world.

use tokenlatch::ChallengeKind;
use tokenlatch::State;
use tokenlatch::TokenFailure;

use super::left::ANY;
use super::world::At;
use super::world::Context;
use super::world::Stage;
use super::world::World;

/// Something that happens, in words that do not depend on the numbering of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the words of a printed test")]
pub enum Act {
    // The world's.
    /// Time passes until the next deadline.
    Advance,
    /// The wall clock runs on while the monotonic one stands.
    Sleep,
    SetBack,
    // The host's.
    Open,
    Resume,
    Change,
    Offline,
    Online,
    Login,
    LoginGranted(u8),
    LoginFailed,
    Read,
    Loaded,
    LoadFailed,
    Write,
    Stored,
    StoreFailed,
    Tear,
    Lie,
    LateWrite,
    LeaseGranted,
    LeaseDenied,
    Steal,
    LeaseLost,
    Arrive,
    Answered,
    TokenFailed(TokenFailure),
    LateArrive,
    LateAnswered,
    Accepted,
    Refused,
    Unreachable,
    Revoked,
    RevokeFailed,
    News,
    Request,
    Claim(u8),
    Cancel(u8),
    Answer(u8, u16, ChallengeKind),
    NoAnswer(u8),
    Refresh,
    Logout,
    Nonsense,
    Freeze,
    Thaw,
    Crash,
    EndSession(u8),
    Foreign,
}

/// What happens, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "what and where")]
pub struct Action {
    /// The place of the context, or 0 for what the world does.
    pub context: u8,
    /// What happens.
    pub act: Act,
}

/// Something that happens in a context.
#[must_use]
pub const fn on(context: u8, act: Act) -> Action {
    Action { context, act }
}

impl Action {
    /// As it stands in Rust.
    pub(crate) fn source(self) -> String {
        let act = format!("Act::{:?}", self.act);
        let act = match self.act {
            Act::TokenFailed(_) => act.replace('(', "(tokenlatch::TokenFailure::"),
            Act::Answer(_, _, kind) => {
                let kind = format!("{kind:?}");
                act.replace(&kind, &format!("tokenlatch::ChallengeKind::{kind}"))
            }
            _ => act,
        };
        format!("on({}, {act})", self.context)
    }
}

const CHALLENGES: [(u16, ChallengeKind); 8] = [
    (401, ChallengeKind::Absent),
    (401, ChallengeKind::NoError),
    (401, ChallengeKind::UseDpopNonce),
    (401, ChallengeKind::InsufficientUserAuthentication),
    (401, ChallengeKind::OtherScheme),
    (401, ChallengeKind::InvalidRequest),
    (403, ChallengeKind::InsufficientScope),
    (500, ChallengeKind::Absent),
];

const FAILURES: [TokenFailure; 5] = [
    TokenFailure::NotSent,
    TokenFailure::RateLimited,
    TokenFailure::InteractionRequired,
    TokenFailure::Misconfigured,
    TokenFailure::Unrecognized,
];

/// The actions that are possible in a context, collected.
struct Menu<'a> {
    world: &'a World,
    context: u8,
    actions: &'a mut Vec<Action>,
}

impl Menu<'_> {
    fn add(&mut self, act: Act) {
        self.actions.push(Action {
            context: self.context,
            act,
        });
    }

    fn add_if(&mut self, left: u8, act: Act) {
        if left > 0 {
            self.add(act);
        }
    }

    /// What goes on while the context itself is not run.
    fn outside(&mut self, context: &Context) {
        let left = &self.world.left;
        if let Some(write) = &context.store {
            if write.stage == Stage::Ordered && context.late.is_none() {
                self.add(Act::Write);
                self.add_if(left.faults, Act::Tear);
            }
        }
        if context.late.is_some() {
            self.add(Act::LateWrite);
        }
        if context.held.is_some() {
            self.add_if(left.steals, Act::Steal);
        }
        for (exchange, act) in [(context.token, Act::Arrive), (context.old, Act::LateArrive)] {
            if let Some(At::Sent(token)) = exchange.map(|exchange| exchange.at) {
                let family = self.world.families[usize::from(token.family)];
                // One that the server refuses needs no grant.
                let refused = family.revoked || family.serial != token.serial;
                if (refused || left.grants > 0) && !self.world.space.oracle {
                    self.add(act);
                }
            }
        }
        self.add_if(left.crashes, Act::Crash);
    }

    fn store_answers(&mut self, context: &Context) {
        let left = &self.world.left;
        if let Some(load) = &context.load {
            if load.read.is_some() {
                self.add(Act::Loaded);
            } else {
                self.add(if self.world.space.slow_reads {
                    Act::Read
                } else {
                    Act::Loaded
                });
                self.add_if(left.faults, Act::LoadFailed);
            }
        }
        if let Some(write) = &context.store {
            match write.stage {
                Stage::Ordered => {
                    self.add_if(left.faults, Act::StoreFailed);
                    // A write that was given up is over before a later one is said to be.
                    if context.late.is_none() {
                        self.add_if(left.faults, Act::Lie);
                    }
                }
                Stage::Written => self.add(Act::Stored),
                Stage::Torn => self.add(Act::StoreFailed),
            }
        }
    }

    fn lease_answers(&mut self, context: &Context) {
        let left = &self.world.left;
        if context.asked.is_some() {
            if self.world.contexts.iter().all(|any| any.held.is_none()) {
                self.add(Act::LeaseGranted);
            }
            self.add_if(left.denials, Act::LeaseDenied);
        }
        if context.lost.is_some() {
            self.add(Act::LeaseLost);
        }
    }

    fn server_answers(&mut self, context: &Context) {
        let (left, space) = (&self.world.left, &self.world.space);
        if context.login.is_some() {
            if left.logins > 0 {
                for user in 0..space.users {
                    self.add(Act::LoginGranted(user));
                }
            }
            self.add_if(left.tries, Act::LoginFailed);
        }
        if let Some(exchange) = context.token {
            match exchange.at {
                At::Sent(_) => {
                    self.add_if(left.failures, Act::TokenFailed(TokenFailure::Unavailable));
                    if space.all_answers {
                        for failure in FAILURES {
                            self.add_if(left.failures, Act::TokenFailed(failure));
                        }
                    }
                    if space.oracle {
                        self.add(Act::Answered);
                        self.add(Act::TokenFailed(TokenFailure::InvalidGrant));
                    }
                }
                _ => self.add(Act::Answered),
            }
            // Wherever it was lost.
            self.add_if(left.failures, Act::TokenFailed(TokenFailure::Lost));
        }
        match context.old.map(|exchange| exchange.at) {
            Some(At::Granted(_)) => self.add(Act::LateAnswered),
            Some(_) if space.oracle => self.add(Act::LateAnswered),
            _ => {}
        }
        if context.probe.is_some() {
            self.add(Act::Accepted);
            self.add_if(left.refusals, Act::Refused);
            self.add_if(left.failures, Act::Unreachable);
        }
        if context.revoke.is_some() {
            self.add(Act::Revoked);
            self.add_if(left.failures, Act::RevokeFailed);
        }
    }

    fn requests(&mut self, context: &Context) {
        let (left, space) = (&self.world.left, &self.world.space);
        if context.waiting.len() + context.flying.len() < space.width {
            self.add_if(left.requests, Act::Request);
        }
        for place in (0_u8..).take(context.waiting.len()) {
            self.add(Act::Claim(place));
            if space.cancels {
                self.add(Act::Cancel(place));
            }
        }
        for (place, flight) in (0_u8..).zip(&context.flying) {
            if place > 0 && context.flying.get(usize::from(place) - 1) == Some(flight) {
                continue;
            }
            self.add(Act::Answer(place, 200, ChallengeKind::Absent));
            let refused = Act::Answer(place, 401, ChallengeKind::InvalidToken);
            self.add_if(left.refusals, refused);
            if space.all_answers {
                for (status, challenge) in CHALLENGES {
                    self.add(Act::Answer(place, status, challenge));
                }
                self.add(Act::NoAnswer(place));
            }
        }
    }

    fn wishes(&mut self, context: &Context) {
        let (left, space) = (&self.world.left, &self.world.space);
        let latch = context.latch.latch();
        self.add_if(left.looks, Act::Resume);
        self.add_if(left.looks, Act::Change);
        if latch.is_offline() {
            self.add(Act::Online);
        } else {
            self.add_if(left.offline, Act::Offline);
        }
        // A login that can't end well is only begun where failing ones are asked for.
        if left.tries > 0 || left.logins > 0 {
            let quiet = latch.state() != State::Pending || context.login.is_none();
            if quiet || left.logins == ANY {
                self.add(Act::Login);
            }
        }
        self.add_if(left.forced, Act::Refresh);
        self.add_if(left.logouts, Act::Logout);
        self.add_if(left.freezes, Act::Freeze);
        if context.news {
            self.add(Act::News);
        }
        if space.nonsense {
            self.add(Act::Nonsense);
        }
    }
}

impl World {
    /// Everything that can happen now.
    pub(crate) fn actions(&self, actions: &mut Vec<Action>) {
        let mut menu = Menu {
            world: self,
            context: 0,
            actions,
        };
        if self.next_deadline().is_some() {
            menu.add(Act::Advance);
        }
        menu.add_if(self.left.sleeps, Act::Sleep);
        menu.add_if(self.left.setbacks, Act::SetBack);
        menu.add_if(self.left.foreign, Act::Foreign);
        for family in 0..self.signed_in.min(4) {
            if self.left.ends > 0 && !self.families[usize::from(family)].revoked {
                menu.add(Act::EndSession(family));
            }
        }
        for (index, context) in (0..).zip(self.contexts.iter()) {
            menu.context = index;
            menu.outside(context);
            if context.frozen {
                menu.add(Act::Thaw);
                continue;
            }
            if !context.open {
                menu.add(Act::Open);
                menu.requests(context);
                continue;
            }
            menu.store_answers(context);
            menu.lease_answers(context);
            menu.server_answers(context);
            menu.requests(context);
            menu.wishes(context);
        }
    }

    /// How long until the next deadline of a context that runs.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let running = self.contexts.iter().filter(|context| !context.frozen);
        running
            .filter_map(|context| {
                let at = context.latch.latch().poll_timeout()?.as_millis();
                Some(at.saturating_sub(context.monotonic))
            })
            .min()
    }
}
