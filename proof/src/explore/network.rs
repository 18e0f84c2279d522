//! The server: what a token request, a probe or a revocation comes to.

use super::act::Act;
use super::step::Done;
use super::step::spend;
use super::world::At;
use super::world::Exchange;
use super::world::FRESH;
use super::world::Token;
use super::world::World;
use tokenlatch::Event;
use tokenlatch::ProbeResult;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;

impl World {
    pub(super) fn exchange(&mut self, index: usize, act: Act) -> Done {
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

    pub(super) fn probed(&mut self, index: usize, act: Act) -> Done {
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

    pub(super) fn revoked(&mut self, index: usize, act: Act) -> Done {
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
}
