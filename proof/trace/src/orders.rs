//! Answers to the orders: good ones, failures, lies, and answers that nobody waits for.

use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;

use crate::host::CELL;
use crate::host::Host;

impl Host {
    /// Tokens that nobody had before: two letters and a number.
    pub(crate) fn token(kind: u8, number: u32, buffer: &mut [u8; 12]) -> &str {
        let mut rest = number;
        let [first, second, digits @ ..] = buffer;
        (*first, *second) = (kind, b'-');
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        core::str::from_utf8(buffer).unwrap_or_default()
    }

    pub(crate) fn grant(&mut self, ticket: Ticket, subject: bool) {
        self.tokens += 1;
        let number = self.tokens;
        let lifetime = [5_000, 60_000, 600_000, 3_600_000][self.index(4)];
        let rotates = self.pick(4) > 0;
        let user = self.pick(2);
        let (mut access, mut refresh) = ([0; 12], [0; 12]);
        let mut grant = Grant::new(Self::token(b'a', number, &mut access));
        if rotates {
            grant.refresh_token = Some(Self::token(b'r', number, &mut refresh));
        }
        grant.expiry = Expiry::In(lifetime);
        if subject {
            grant.subject = Some(["anna", "ben"][if user == 0 { 0 } else { 1 }]);
        }
        if self.various {
            self.reshape(&mut grant);
        }
        self.tell(Event::Granted { ticket, grant });
    }

    pub(crate) fn fail(&mut self, ticket: Ticket) {
        let failures = [
            TokenFailure::NotSent,
            TokenFailure::Lost,
            TokenFailure::RateLimited,
            TokenFailure::Unavailable,
            TokenFailure::InvalidGrant,
            TokenFailure::InteractionRequired,
            TokenFailure::Misconfigured,
            TokenFailure::Unrecognized,
        ];
        let failure = failures[self.index(failures.len())];
        let retry_after = match self.pick(4) {
            0 => Some(self.pick(120)),
            _ => None,
        };
        self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        });
    }

    pub(crate) fn exchange(&mut self) {
        let Some(ticket) = self.orders.exchange.take() else {
            return;
        };
        match self.pick(3) {
            0 => self.fail(ticket),
            _ => self.grant(ticket, false),
        }
    }

    pub(crate) fn login(&mut self) {
        let Some(ticket) = self.orders.login.take() else {
            // Someone who is signed in logs in now and then only.
            let willing = self.pick(8) == 0;
            let needed = matches!(self.latch.state(), State::Unauthenticated | State::Expired);
            if willing || needed {
                if let Some(Outcome::Login(ticket)) = self.tell(Event::LoginStarted) {
                    self.orders.login = Some(ticket);
                }
            }
            return;
        };
        match self.pick(8) {
            0 => self.fail(ticket),
            _ => self.grant(ticket, true),
        }
    }

    pub(crate) fn revoke(&mut self) {
        let Some(ticket) = self.orders.revoke.take() else {
            return;
        };
        let event = match self.pick(3) {
            0 => Event::RevokeFailed { ticket },
            _ => Event::Revoked { ticket },
        };
        self.tell(event);
    }

    pub(crate) fn lease(&mut self) {
        if let Some(ticket) = self.held {
            if self.pick(8) == 0 {
                self.held = None;
                self.tell(Event::LeaseLost { ticket });
            }
            return;
        }
        let Some(ticket) = self.orders.lease.take() else {
            return;
        };
        if self.pick(8) == 0 {
            self.tell(Event::LeaseDenied { ticket });
            return;
        }
        self.held = Some(ticket);
        self.tell(Event::LeaseGranted { ticket });
    }

    pub(crate) fn load(&mut self) {
        let Some(ticket) = self.orders.load.take() else {
            return;
        };
        if self.pick(8) == 0 {
            self.tell(Event::LoadFailed { ticket });
            return;
        }
        let cell = self.cell;
        let record = cell.get(..self.stored).unwrap_or_default();
        self.tell(Event::Loaded {
            ticket,
            record: Some(record),
        });
    }

    pub(crate) fn store(&mut self) {
        let Some(ticket) = self.orders.store.take() else {
            return;
        };
        let mut buffer = [0; CELL];
        let written = self.latch.record(ticket, &mut buffer).unwrap_or(0);
        self.digest.bytes(buffer.get(..written).unwrap_or_default());
        match self.pick(8) {
            // Torn, and told so.
            0 => {
                self.cell = buffer;
                self.stored = written / 2;
                self.tell(Event::StoreFailed { ticket });
            }
            // It lies.
            1 => {
                self.tell(Event::Stored { ticket });
            }
            _ => {
                self.cell = buffer;
                self.stored = written;
                self.tell(Event::Stored { ticket });
            }
        }
    }

    /// Answers that nobody waits for.
    pub(crate) fn stale(&mut self) {
        let ticket = Ticket::from_u32(self.pick(1 << 20));
        match self.pick(4) {
            0 => self.grant(ticket, true),
            1 => self.fail(ticket),
            2 => {
                self.tell(Event::Stored { ticket });
            }
            _ => {
                self.tell(Event::Revoked { ticket });
            }
        }
    }

    pub(crate) fn probe(&mut self) {
        let Some(ticket) = self.orders.probe.take() else {
            return;
        };
        let result = match self.pick(8) {
            0 => ProbeResult::Refused,
            1 => ProbeResult::Unreachable,
            _ => ProbeResult::Accepted,
        };
        self.tell(Event::Probed { ticket, result });
    }
}
