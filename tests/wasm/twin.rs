//! A latch and a context that are told the same, the one as Rust has it, the other in numbers: they give the same.

use tokenlatch::Access;
use tokenlatch::Challenge;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Instant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::RecordError;
use tokenlatch::Rejected;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::Waiter;
use tokenlatch::numbers::*;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorded;
use tokenlatch::wasm::Arguments;

use crate::numbers::clocks;
use crate::numbers::failure_of;
use crate::numbers::header_of;
use crate::numbers::order_of;
use crate::numbers::outcome_of;
use crate::numbers::values;
use crate::support::Context;
use crate::support::TOKEN;
use crate::support::UNTOUCHED;
use crate::support::WAITERS;

/// As much as a context has for its recording.
pub(crate) const TAPE: usize = 16 * 1_024;

const KEY: [u8; 16] = [9; 16];

pub(crate) struct Twin<'b> {
    pub(crate) latch: Recorded<'b, TOKEN, WAITERS>,
    context: Context,
    buffer: Vec<u8>,
}

impl<'b> Twin<'b> {
    pub(crate) fn new(config: &Config, seed: u64, tape: &'b mut [u8; TAPE]) -> Self {
        let mut context = Context::new();
        for (key, value) in (0..).zip(values(config)) {
            assert_eq!(context.configure(key, value), 0, "{key}: {value}");
        }
        assert_eq!(context.start(seed as u32, (seed >> 32) as u32), 0);
        assert_eq!(context.record(KEY), 0);
        let latch = Recorded::new(*config, seed, Key::new(KEY), tape);
        Self {
            latch: latch.expect("a config that works, and room"),
            context,
            buffer: vec![0; Context::BUFFER],
        }
    }

    /// Tells both; the outcome of both.
    pub(crate) fn tell(&mut self, now: Now, event: Event<'_>) -> Result<Outcome, Rejected> {
        let outcome = self.latch.handle(now, event);
        let told = self.arguments(now, &event);
        let mut ticket = UNTOUCHED[0];
        let number = self.context.handle(told, &self.buffer, &mut ticket);
        assert_eq!(number, outcome_of(outcome), "{event:?} {told:?}");
        let written = match outcome {
            Ok(Outcome::Login(ticket)) => f64::from(ticket.as_u32()),
            _ => UNTOUCHED[0],
        };
        assert_eq!(ticket, written);
        self.compare();
        outcome
    }

    /// The next order of both.
    pub(crate) fn poll(&mut self) -> Option<Effect> {
        let effect = self.latch.poll_effect();
        let mut out = UNTOUCHED;
        let number = self.context.poll(&mut out);
        assert_eq!((number, out), effect.map_or((0, UNTOUCHED), order_of));
        if let Some(effect) = effect {
            self.compare_order(effect);
        }
        effect
    }

    pub(crate) fn permit(
        &mut self,
        now: Now,
        waiter: Waiter,
    ) -> Result<(String, Receipt), PermitError> {
        let claimed = self.latch.permit(now, waiter);
        let claimed = claimed.map(|permit| {
            let is_dpop = permit.token_type() == TokenType::Dpop;
            (permit.token().to_owned(), permit.receipt(), is_dpop)
        });
        let mut out = UNTOUCHED;
        let (monotonic, wall) = clocks(now);
        let told =
            self.context
                .permit(monotonic, wall, waiter.as_u32(), &mut self.buffer, &mut out);
        match &claimed {
            Ok((token, receipt, is_dpop)) => {
                let numbers = [receipt.as_u64() as f64, f64::from(u8::from(*is_dpop))];
                assert_eq!(out, numbers);
                let length = usize::try_from(told).expect("a length");
                assert_eq!(&self.buffer[..length], token.as_bytes());
            }
            Err(error) => {
                let number = match error {
                    PermitError::NotReady => TL_ERR_NOT_READY,
                    PermitError::Refused(cause) => TL_ERR_REFUSED - i32::from(cause.code()),
                    _ => TL_ERR_UNKNOWN,
                };
                assert_eq!((told, out), (number, UNTOUCHED));
            }
        }
        self.compare();
        claimed.map(|(token, receipt, _)| (token, receipt))
    }

    /// The record of the store order with this ticket, of both.
    pub(crate) fn record(&self, ticket: Ticket) -> Result<Vec<u8>, RecordError> {
        let mut buffer = [0; Context::BUFFER];
        let length = self.latch.record(ticket, &mut buffer);
        let record = length.map(|length| buffer[..length].to_vec());
        let expected = record.as_deref().map_err(|error| match error {
            RecordError::Stale => TL_ERR_STALE,
            _ => TL_ERR_SPACE,
        });
        assert_eq!(self.read(2, ticket).as_deref(), expected.as_deref());
        record
    }

    /// Everything that both say of themselves, whatever was told.
    fn compare(&self) {
        let latch = &*self.latch;
        assert_eq!(format!("{:?}", self.context), format!("{latch:?}"));
        let at = latch.poll_timeout().map(Instant::as_millis);
        assert_eq!(self.context.timeout(), at.map_or(-1.0, |at| at as f64));
        let any = Ticket::from_u32(0);
        let scope = latch.scope().map(str::as_bytes);
        assert_eq!(self.read(4, any).as_deref(), scope.ok_or(&TL_ERR_STALE));
        let subject = latch.subject().map(str::as_bytes);
        assert_eq!(self.read(5, any).as_deref(), subject.ok_or(&TL_ERR_STALE));
        let data = latch.app_data();
        assert_eq!(self.read(6, any).as_deref(), data.ok_or(&TL_ERR_STALE));
        let generation = latch.generation();
        let numbers = [generation.sign_in, generation.serial];
        let generation = if latch.is_volatile() {
            Err(TL_ERR_STALE)
        } else {
            Ok(numbers.map(u32::to_be_bytes).concat())
        };
        assert_eq!(self.read(7, any), generation);
        assert_eq!(self.context.recorded(), self.latch.recorder().bytes());
    }

    /// What belongs to an order that was just given.
    fn compare_order(&self, effect: Effect) {
        match effect {
            Effect::Store { ticket } => {
                self.record(ticket).expect("the order is under way");
            }
            Effect::SendTokenRequest { ticket, .. } => {
                let token = self.latch.refresh_token(ticket).map(str::as_bytes);
                assert_eq!(self.read(0, ticket).as_deref(), token.ok_or(&TL_ERR_STALE));
            }
            Effect::Revoke { ticket } => {
                let token = self.latch.revocation(ticket).map(str::as_bytes);
                assert_eq!(self.read(1, ticket).as_deref(), token.ok_or(&TL_ERR_STALE));
            }
            Effect::Probe { ticket } => {
                let permit = self.latch.probe_permit(ticket).expect("under way");
                let found = self.read(3, ticket);
                assert_eq!(found.as_deref(), Ok(permit.token().as_bytes()));
            }
            _ => {}
        }
    }

    fn read(&self, what: u32, ticket: Ticket) -> Result<Vec<u8>, i32> {
        let mut buffer = [0; Context::BUFFER];
        let told = self.context.read(what, ticket.as_u32(), &mut buffer);
        let length = usize::try_from(told).map_err(|_| told)?;
        Ok(buffer[..length].to_vec())
    }

    /// The fact in numbers, its bytes at the beginning of the buffer.
    fn arguments(&mut self, now: Now, event: &Event<'_>) -> Arguments {
        let (monotonic, wall) = clocks(now);
        let (id, [a, b, c]) = match *event {
            Event::Granted { ticket, grant } => {
                let numbers = self.put_grant(&grant);
                (u64::from(ticket.as_u32()), numbers)
            }
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            } => {
                let seconds = retry_after.map_or(-1.0, f64::from);
                let numbers = [f64::from(failure_of(failure)), seconds, 0.0];
                (u64::from(ticket.as_u32()), numbers)
            }
            Event::Loaded { ticket, record } => {
                let length = record.map_or(-1.0, |record| self.put(record));
                (u64::from(ticket.as_u32()), [length, 0.0, 0.0])
            }
            Event::Probed { ticket, result } => {
                let number = match result {
                    ProbeResult::Accepted => TL_PROBE_ACCEPTED,
                    ProbeResult::Refused => TL_PROBE_REFUSED,
                    ProbeResult::Unreachable => TL_PROBE_UNREACHABLE,
                };
                let numbers = [f64::from(number), 0.0, 0.0];
                (u64::from(ticket.as_u32()), numbers)
            }
            Event::AccessRequested { waiter, access } => {
                let numbers = match access {
                    Access::First => [0.0; 3],
                    Access::Retry(receipt) => [1.0, receipt.as_u64() as f64, 0.0],
                    Access::Public => panic!("no number asks for access without a token"),
                };
                (u64::from(waiter.as_u32()), numbers)
            }
            Event::Answered {
                receipt,
                status,
                challenge,
            } => {
                let header = header_of(challenge);
                let length = match challenge {
                    ChallengeKind::Absent => -1.0,
                    _ => self.put(header.as_bytes()),
                };
                let headers = Some(header.as_bytes()).filter(|_| length >= 0.0);
                assert_eq!(Challenge::parse(headers).kind(), challenge);
                (receipt.as_u64(), [f64::from(status), length, 0.0])
            }
            Event::WaiterCancelled { waiter } => (u64::from(waiter.as_u32()), [0.0; 3]),
            Event::LoadFailed { ticket }
            | Event::Stored { ticket }
            | Event::StoreFailed { ticket }
            | Event::LeaseGranted { ticket }
            | Event::LeaseDenied { ticket }
            | Event::LeaseLost { ticket }
            | Event::Revoked { ticket }
            | Event::RevokeFailed { ticket } => (u64::from(ticket.as_u32()), [0.0; 3]),
            _ => (0, [0.0; 3]),
        };
        Arguments {
            kind: event.kind() as u32,
            monotonic,
            wall,
            id: id as f64,
            a,
            b,
            c,
        }
    }

    /// Puts bytes at the beginning of the buffer, and others behind them; their length.
    fn put(&mut self, bytes: &[u8]) -> f64 {
        self.buffer.fill(0xEE);
        self.buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len() as f64
    }

    fn put_grant(&mut self, grant: &Grant<'_>) -> [f64; 3] {
        let parts = [
            grant.access_token.as_bytes(),
            grant.refresh_token.unwrap_or_default().as_bytes(),
            grant.scope.unwrap_or_default().as_bytes(),
            grant.subject.unwrap_or_default().as_bytes(),
            grant.app_data.unwrap_or_default(),
        ];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend((part.len() as u16).to_be_bytes());
            bytes.extend(part);
        }
        self.put(&bytes);
        let (form, millis) = match grant.expiry {
            Expiry::Unknown => (TL_EXPIRY_UNKNOWN, 0),
            Expiry::In(millis) => (TL_EXPIRY_IN, millis),
            Expiry::At(millis) => (TL_EXPIRY_AT, millis),
        };
        let dpop = u32::from(grant.token_type == TokenType::Dpop) << 2;
        let server = grant.server_time.unwrap_or_default();
        [f64::from(form | dpop), millis as f64, server as f64]
    }
}
