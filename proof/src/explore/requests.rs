//! The requests: admitted, claimed, answered, cancelled; and calls that do not fit.

use super::act::Act;
use super::step::Done;
use super::step::spend;
use super::transcript;
use super::world::Flight;
use super::world::Token;
use super::world::World;
use super::world::broken;
use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Event;
use tokenlatch::Grant;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::promises::Promise;

/// A ticket that no latch in canonical form has given out and still knows.
const OLD: u32 = 1;
/// A ticket that no latch has given out yet.
const FUTURE: u32 = 1 << 30;

impl World {
    pub(super) fn request(&mut self, index: usize, act: Act) -> Done {
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
    pub(super) fn nonsense(&mut self, index: usize) -> Done {
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
