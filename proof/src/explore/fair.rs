//! What a fair host does next, and where that leads from every state.

use tokenlatch::State;

use super::act::Act;
use super::act::Action;
use super::world::Context;
use super::world::Token;
use super::world::World;

/// What liveness needs to know of a state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Standing {
    /// A request waits.
    pub(crate) waits: bool,
    /// Every context is Ready.
    pub(crate) ready: bool,
    /// A context has a session that the server would renew; among several, one that no sign-out, no crash and no token
    /// request under way may have ended for the others.
    pub(crate) renewable: bool,
    /// The store holds a session that somebody has signed out.
    pub(crate) owed: bool,
}

impl Standing {
    /// What a fair host did not get to from here: whether each request ended, whether it came to Ready, and whether the
    /// store came to hold each sign-out.
    pub(crate) const fn lacks(self, ended: bool, ready: bool, paid: bool) -> Option<&'static str> {
        if !ended {
            return Some("a request waits for ever");
        }
        if self.renewable && !ready {
            return Some("a session that could be renewed never gets to Ready");
        }
        if !paid {
            return Some("a sign-out never gets into the store");
        }
        None
    }
}

/// What went wrong, and from which state on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stuck {
    pub(crate) state: usize,
    pub(crate) what: &'static str,
}

impl World {
    /// Where a fair host goes on: it answers everything, well, before time passes.
    pub(crate) fn fair(&self, actions: &[Action]) -> Option<usize> {
        let ranked = actions.iter().enumerate();
        let ranked = ranked.filter_map(|(place, action)| Some((self.rank(*action)?, place)));
        ranked.min().map(|(_, place)| place)
    }

    fn rank(&self, action: Action) -> Option<u8> {
        let context = &self.contexts[usize::from(action.context)];
        Some(match action.act {
            Act::Thaw => 0,
            Act::Online | Act::LeaseLost | Act::LateWrite => 1,
            Act::Open | Act::Loaded | Act::Read | Act::Write | Act::Stored => 2,
            Act::LeaseGranted | Act::Arrive | Act::Answered | Act::LoginGranted(0) => 3,
            Act::Accepted | Act::Revoked | Act::News => 4,
            Act::Claim(place) => {
                let (waiter, _) = context.waiting.get(usize::from(place))?;
                if !context.latch.is_released(*waiter) {
                    return None;
                }
                5
            }
            Act::Answer(_, 200, _) => 6,
            // Only a torn write is left to be told.
            Act::StoreFailed => 7,
            Act::Advance => 8,
            _ => return None,
        })
    }

    pub(crate) fn standing(&self) -> Standing {
        let contexts = || self.contexts.iter();
        let is_ready = |context: &Context| context.latch.latch().state() == State::Ready;
        Standing {
            waits: contexts().any(|context| !context.waiting.is_empty()),
            ready: contexts().all(is_ready),
            renewable: contexts().any(|context| self.would_renew(context))
                && (self.contexts.len() == 1 || self.is_undisturbed()),
            owed: self.owes_tombstone(),
        }
    }

    /// Whether one context's session is everybody's. Without a lease two of them may use up one token, whose session the
    /// server then ends; with an answer that is lost the token may be used up.
    fn is_undisturbed(&self) -> bool {
        let is_well = |context: &Context| {
            let latch = context.latch.latch();
            let may_renew = latch.exposed().is_empty() || latch.can_renew();
            may_renew && context.signed_out == 0 && context.token.is_none() && context.old.is_none()
        };
        self.space.no_replay
            && self.left.crashes == self.space.left.crashes
            && self.contexts.iter().all(is_well)
    }

    /// Whether this context has a session that the server would renew.
    fn would_renew(&self, context: &Context) -> bool {
        let latch = context.latch.latch();
        let token = Token::read(latch.exposed());
        let granted = self.space.oracle
            || token.is_some_and(|token| {
                let family = self.families[usize::from(token.family)];
                self.left.grants > 0 && !family.revoked && family.serial == token.serial
            });
        granted && latch.can_renew()
    }
}

/// Follows the fair host from every state: every request must end, and a session that the server would renew must get
/// to Ready. `next` is where it leads.
pub(crate) fn check(next: &[u32], standing: &[Standing]) -> Option<Stuck> {
    let ended = reaches(next, |state| !standing[state].waits);
    let ready = reaches(next, |state| standing[state].ready);
    let paid = reaches(next, |state| !standing[state].owed);
    (0..next.len()).find_map(|state| {
        let what = standing[state].lacks(ended[state], ready[state], paid[state])?;
        Some(Stuck { state, what })
    })
}

/// From which states the way leads to one of these.
fn reaches(next: &[u32], there: impl Fn(usize) -> bool) -> Vec<bool> {
    const UNKNOWN: u8 = 0;
    const ON_THE_WAY: u8 = 1;
    const YES: u8 = 2;
    const NO: u8 = 3;
    let mut known = vec![UNKNOWN; next.len()];
    for start in 0..next.len() {
        let mut way = Vec::new();
        let mut at = start;
        let answer = loop {
            match known.get(at) {
                None | Some(&ON_THE_WAY | &NO) => break NO,
                Some(&YES) => break YES,
                _ if there(at) => {
                    known[at] = YES;
                    break YES;
                }
                _ => {}
            }
            known[at] = ON_THE_WAY;
            way.push(at);
            at = next[at] as usize;
        };
        for passed in way {
            known[passed] = answer;
        }
    }
    known.into_iter().map(|known| known == YES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_without_the_goal_is_found() {
        let next = [1, 2, 1, 4, 5, u32::MAX];
        assert_eq!(
            reaches(&next, |state| state == 4),
            [false, false, false, true, true, false]
        );
    }

    #[test]
    fn a_request_that_nobody_ends_is_found() {
        let waits = Standing {
            waits: true,
            ..Standing::default()
        };
        let stuck = check(&[1, 0], &[waits, waits]);
        assert_eq!(
            stuck.map(|stuck| stuck.what),
            Some("a request waits for ever")
        );
    }
}
