//! What JavaScript needs: numbers in, numbers out, bytes through a buffer of the host's (feature `wasm`).
//!
//! A module for `wasm32v1-none` keeps one [`Context`] and one buffer, and exports functions that pass on to it; see
//! `js/core`. There is no 64-bit integer in any signature, since not every engine has `BigInt`: times, receipts and
//! tickets are doubles. A double that is no whole number from 0 to 2^53 is refused, so that a broken clock can't make
//! an expired token look alive. Numbers of events, orders, outcomes and errors are those of the C interface.

mod arguments;
mod configure;
#[cfg(feature = "recording")]
mod tape;

pub use arguments::Arguments;

use core::fmt;

use crate::config::Config;
use crate::config::ResponseShape;
use crate::config::ValidConfig;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::TokenType;
use crate::latch::Latch;
use crate::numbers;
use crate::renewal::Random;
use crate::state::Phase;
use crate::state::Unauthenticated;
use crate::time::Now;
use crate::waiters::Waiter;

/// Bodies are read by the host's own JSON parser: no path is needed here.
const NO_SHAPE: ResponseShape = ResponseShape {
    access_token: "",
    refresh_token: None,
    expiry: None,
    expiry_form: crate::config::ExpiryForm::InSeconds,
    token_type: None,
    scope: None,
    subject: None,
    code: None,
    success_codes: &[],
    ended_codes: &[],
};

const DEFAULTS: ValidConfig = {
    let mut config = Config::new();
    config.response = &NO_SHAPE;
    match config.validated() {
        Ok(config) => config,
        Err(_) => panic!("the defaults fit together"),
    }
};

/// A latch that is told numbers. One belongs to one page, worker or mini-program.
pub struct Context<const T: usize, const W: usize> {
    latch: Latch<T, W>,
    #[cfg(feature = "recording")]
    tape: tape::Tape,
}

impl<const T: usize, const W: usize> Default for Context<T, W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const T: usize, const W: usize> Context<T, W> {
    /// What a buffer must hold: a whole record, or all fields of a grant.
    pub const BUFFER: usize = Latch::<T, W>::RECORD_CAPACITY;

    /// A latch with the default configuration, before its first event.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latch: Latch::with(DEFAULTS, 0),
            #[cfg(feature = "recording")]
            tape: tape::Tape::new(),
        }
    }

    /// Begins to write down what the latch is told, without secrets; see [`crate::recording`]. Comes after
    /// [`start`](Self::start) and before the first event.
    ///
    /// Returns 0, or the number of an error.
    #[cfg(feature = "recording")]
    pub fn record(&mut self, key: [u8; 16]) -> i32 {
        let begun = self
            .tape
            .begin(&self.latch, crate::recording::Key::new(key));
        begun.map_or_else(numbers::recorder_error, |()| 0)
    }

    /// The recording so far. When its 16 KiB are full, the rest is missing.
    #[cfg(feature = "recording")]
    #[must_use]
    pub fn recorded(&self) -> &[u8] {
        self.tape.written()
    }

    /// Gives the latch its entropy, and checks the configuration. Comes before the first event.
    ///
    /// Returns 0, or the number of what is wrong.
    pub fn start(&mut self, low: u32, high: u32) -> i32 {
        self.latch.machine.random = Random((u64::from(high) << 32) | u64::from(low));
        match self.latch.machine.config.validate() {
            Ok(()) => 0,
            Err(error) => numbers::config_error(error),
        }
    }

    /// Changes one field of the configuration, by its place in [`Config`]; switches are 0 and 1, choices are numbered
    /// in the order of their declaration. Only before the first event.
    ///
    /// Returns 0, or the number of an argument that has no meaning.
    pub fn configure(&mut self, key: u32, value: u32) -> i32 {
        let Phase::Unauthenticated(Unauthenticated::Unopened) = self.latch.machine.phase else {
            return numbers::TL_ERR_ARGUMENT;
        };
        match configure::set(&mut self.latch.machine.config, key, value) {
            Some(()) => 0,
            None => numbers::TL_ERR_ARGUMENT,
        }
    }

    /// Tells a fact: the number of its kind, the two clocks (the second 0 where there is none), the id of the order,
    /// the request or the answer that it is about, and what else it has. Bytes stand at the beginning of `buffer`.
    ///
    /// | Kind | id | a | b | c | bytes |
    /// |---|---|---|---|---|---|
    /// | `Granted` | ticket | expiry: 0 unknown, 1 in, 2 at; and 4 for DPoP | its milliseconds | server's time or 0 | fields |
    /// | `TokenFailed` | ticket | failure | `Retry-After` in seconds or -1 | | |
    /// | `Loaded` | ticket | length or -1 | | | record |
    /// | `Probed` | ticket | result | | | |
    /// | `AccessRequested` | waiter | 1 for a retry | its receipt | | |
    /// | `Answered` | receipt | status | length or -1 | | `WWW-Authenticate` |
    /// | `WaiterCancelled` | waiter | | | | |
    /// | other answers | ticket | | | | |
    ///
    /// The fields of a grant are access token, refresh token, scope, subject and the app's bytes, each after its length
    /// in two bytes, the higher first. What is left out at the end is absent, and so is what is empty.
    ///
    /// Returns the number of the outcome, or the negative number of an error. The ticket of a login is written to `out`.
    pub fn handle(&mut self, told: Arguments, buffer: &[u8], out: &mut f64) -> i32 {
        let Some((now, event)) = told.event(buffer) else {
            return numbers::TL_ERR_ARGUMENT;
        };
        let told = self.tell(now, &event);
        #[cfg(feature = "recording")]
        self.tape
            .record(|recorder| recorder.told(&self.latch, now, &event, told));
        match told {
            Ok(outcome) => {
                if let Outcome::Login(ticket) = outcome {
                    *out = f64::from(ticket.0);
                }
                numbers::outcome(outcome)
            }
            Err(rejected) => numbers::rejected(rejected),
        }
    }

    /// As [`Latch::handle`], without its short way through Ready and without a trace: JavaScript is in no such hurry, and
    /// has room for a longer history.
    fn tell(&mut self, now: Now, event: &Event<'_>) -> Result<Outcome, Rejected> {
        let told = self.latch.look(&now, event)?;
        self.pass(now);
        Ok(self.latch.step(event, told))
    }

    /// Time passes: what fell due happens.
    fn pass(&mut self, now: Now) {
        self.latch.pass_by(&now);
    }

    /// The kind of the next order, 0 for none. Its ticket, waiter or state goes to the first of `out`, its cause or
    /// grant type to the second.
    pub fn poll(&mut self, out: &mut [f64; 2]) -> u32 {
        let Some(effect) = self.latch.machine.poll_effect() else {
            return 0;
        };
        #[cfg(feature = "recording")]
        self.tape.record(|recorder| recorder.given(effect));
        let (id, more) = match effect {
            Effect::StateChanged { state } => (numbers::state(state), 0),
            Effect::SendTokenRequest { ticket, grant_type } => {
                (ticket.0, numbers::grant_type(grant_type))
            }
            Effect::RequireLogin { cause } => (0, u32::from(cause.code())),
            Effect::Refuse { waiter, cause } => (waiter.as_u32(), u32::from(cause.code())),
            Effect::Release { waiter } => (waiter.as_u32(), 0),
            other => (numbers::ticket(&other), 0),
        };
        *out = [f64::from(id), f64::from(more)];
        numbers::effect(&effect)
    }

    /// When to tell `TimeoutReached`, in milliseconds of the monotonic clock; negative for never.
    #[must_use]
    pub fn timeout(&self) -> f64 {
        match self.latch.poll_timeout() {
            Some(at) => double(at.as_millis()),
            None => -1.0,
        }
    }

    /// Claims the permit of a released request: its token goes to `buffer`, its receipt and 1 for DPoP to `out`.
    ///
    /// Returns the token's length, or the negative number of an error; where the buffer is too small, nothing is claimed.
    pub fn permit(
        &mut self,
        monotonic: f64,
        wall: f64,
        waiter: u32,
        buffer: &mut [u8],
        out: &mut [f64; 2],
    ) -> i32 {
        let Some(now) = arguments::now(monotonic, wall) else {
            return numbers::TL_ERR_ARGUMENT;
        };
        // A buffer for any token need not be compared with this one.
        if buffer.len() < T && buffer.len() < self.latch.access.expose().len() {
            return numbers::TL_ERR_SPACE;
        }
        let waiter = Waiter::from_u32(waiter);
        self.pass(now);
        let claimed = self.latch.machine.claim(waiter);
        #[cfg(feature = "recording")]
        self.tape
            .record(|recorder| recorder.claimed(&self.latch, now, waiter, claimed));
        match claimed {
            Ok(receipt) => {
                let permit = self.latch.permit_with(receipt);
                let is_dpop = permit.token_type() == TokenType::Dpop;
                *out = [
                    double(permit.receipt().as_u64()),
                    f64::from(u8::from(is_dpop)),
                ];
                copy(permit.token().as_bytes(), buffer)
            }
            Err(error) => numbers::permit_error(error),
        }
    }

    /// Writes something to `buffer`: for the order with this ticket 0 the refresh token, 1 the token to revoke, 2 the
    /// record, 3 the credential to probe with, 8 its scheme; for any ticket 4 the scope, 5 the subject, 6 the app's bytes, 7
    /// the generation that the store has, in eight bytes.
    ///
    /// Returns its length, or the negative number of an error: the order was superseded, or there is no such thing.
    pub fn read(&self, what: u32, ticket: u32, buffer: &mut [u8]) -> i32 {
        let ticket = Ticket(ticket);
        let text = match what {
            0 => self.latch.refresh_token(ticket).map(str::as_bytes),
            1 => self.latch.revocation(ticket).map(str::as_bytes),
            2 => {
                return match self.latch.record(ticket, buffer) {
                    Ok(length) => i32::try_from(length).unwrap_or(numbers::TL_ERR_SPACE),
                    Err(error) => numbers::record_error(error),
                };
            }
            3 => match self.latch.probe_permit(ticket) {
                Ok(permit) => return copy(permit.token().as_bytes(), buffer),
                Err(_) => None,
            },
            8 => match self.latch.probe_permit(ticket) {
                Ok(permit) => Some(permit.scheme().as_bytes()),
                Err(_) => None,
            },
            4 => self.latch.scope().map(str::as_bytes),
            5 => self.latch.subject().map(str::as_bytes),
            6 => self.latch.app_data(),
            7 if !self.latch.is_volatile() => {
                let now = self.latch.generation();
                let both = (u64::from(now.sign_in) << 32) | u64::from(now.serial);
                return copy(&both.to_be_bytes(), buffer);
            }
            7 => None,
            _ => return numbers::TL_ERR_ARGUMENT,
        };
        match text {
            Some(text) => copy(text, buffer),
            None => numbers::TL_ERR_STALE,
        }
    }
}

impl<const T: usize, const W: usize> fmt::Debug for Context<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.latch.fmt(f)
    }
}

/// Below 2^53 in practice: times, and receipts of 41 bits.
#[expect(
    clippy::cast_precision_loss,
    reason = "a later time is as good as never"
)]
const fn double(number: u64) -> f64 {
    number as f64
}

fn copy(from: &[u8], to: &mut [u8]) -> i32 {
    let Some(room) = to.get_mut(..from.len()) else {
        return numbers::TL_ERR_SPACE;
    };
    for (to, from) in room.iter_mut().zip(from) {
        *to = *from;
    }
    i32::try_from(from.len()).unwrap_or(numbers::TL_ERR_SPACE)
}
