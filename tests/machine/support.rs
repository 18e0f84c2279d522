//! A transcript driver: one latch, a fake clock, every call checked against the promises.
//!
//! ```ignore
//! let mut host = Host::new(Config::new());
//! host.at(0, Event::Opened).gives(&["StateChanged Pending", "Load #1"]);
//! ```
use core::fmt::Write;

use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;
use tokenlatch::promises::Checked;

/// Token bytes and waiting requests of the tests' latch.
pub(crate) const TOKEN: usize = 256;
pub(crate) const WAITERS: usize = 8;

/// The wall clock when the monotonic one says 0.
pub(crate) const EPOCH: u64 = 1_700_000_000_000;

/// A host that carries out nothing by itself: the test says what happens when.
pub(crate) struct Host {
    pub(crate) latch: Checked<TOKEN, WAITERS>,
    /// Effects given out by the last call, in order, as they were.
    pub(crate) effects: Vec<Effect>,
    /// All effects so far.
    pub(crate) history: Vec<Effect>,
    /// How much of the history `serve_store` has seen.
    served: usize,
    waits: u32,
    pub(crate) now: u64,
    /// Wall clock less monotonic clock; `None` for a host without a wall clock.
    pub(crate) offset: Option<i64>,
}

/// What the last call gave, for chained assertions.
pub(crate) struct Given<'a> {
    pub(crate) outcome: Result<Outcome, Rejected>,
    host: &'a mut Host,
}

impl Host {
    pub(crate) fn new(config: Config) -> Self {
        Self::seeded(config, 1)
    }

    pub(crate) fn seeded(config: Config, seed: u64) -> Self {
        let latch = Checked::new(config, seed).expect("a config that works");
        Self {
            latch,
            effects: Vec::new(),
            history: Vec::new(),
            waits: 0,
            served: 0,
            now: 0,
            offset: Some(EPOCH as i64),
        }
    }

    pub(crate) fn time(&self) -> Now {
        match self.offset {
            Some(offset) => Now::new(self.now, self.now.saturating_add_signed(offset)),
            None => Now::monotonic(self.now),
        }
    }

    /// Tells an event at a time in milliseconds, and drains the effects.
    #[track_caller]
    pub(crate) fn at(&mut self, millis: u64, event: Event<'_>) -> Given<'_> {
        self.now = millis;
        self.tell(event)
    }

    /// Tells an event now, and drains the effects.
    #[track_caller]
    pub(crate) fn tell(&mut self, event: Event<'_>) -> Given<'_> {
        let outcome = self
            .latch
            .handle(self.time(), event)
            .unwrap_or_else(|broken| panic!("{broken}"));
        self.drain();
        Given {
            outcome,
            host: self,
        }
    }

    #[track_caller]
    fn drain(&mut self) {
        self.effects.clear();
        while let Some(effect) = self
            .latch
            .poll_effect()
            .unwrap_or_else(|broken| panic!("{broken}"))
        {
            self.effects.push(effect);
            self.history.push(effect);
        }
    }

    pub(crate) fn latch(&self) -> &Latch<TOKEN, WAITERS> {
        self.latch.latch()
    }

    pub(crate) fn state(&self) -> State {
        self.latch().state()
    }

    /// Goes to the next timeout, and tells that it is reached. No test waits so often that it would be for ever.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Given<'_> {
        self.waits += 1;
        assert!(self.waits < 1_000, "nothing comes of waiting");
        let at = self.latch().poll_timeout().expect("a deadline").as_millis();
        self.at(at.max(self.now), Event::TimeoutReached)
    }

    /// Requests access; the outcome is in what is given.
    #[track_caller]
    pub(crate) fn request(&mut self, waiter: u32) -> Given<'_> {
        self.tell(Event::AccessRequested {
            waiter: Waiter::from_u32(waiter),
            access: Access::First,
        })
    }

    #[track_caller]
    pub(crate) fn retry(&mut self, waiter: u32, receipt: Receipt) -> Given<'_> {
        self.tell(Event::AccessRequested {
            waiter: Waiter::from_u32(waiter),
            access: Access::Retry(receipt),
        })
    }

    /// Claims the permit and sends: the token that left, and its receipt.
    #[track_caller]
    pub(crate) fn send(&mut self, waiter: u32) -> Result<(String, Receipt), PermitError> {
        let permit = self
            .latch
            .permit(self.time(), Waiter::from_u32(waiter))
            .unwrap_or_else(|broken| panic!("{broken}"))
            .map(|permit| (permit.token().to_owned(), permit.receipt()));
        self.drain();
        permit
    }

    /// Requests access in an open latch and sends at once.
    #[track_caller]
    pub(crate) fn request_and_send(&mut self, waiter: u32) -> (String, Receipt) {
        self.request(waiter).is_admitted();
        self.send(waiter).expect("the gate is open")
    }

    #[track_caller]
    pub(crate) fn answer(&mut self, receipt: Receipt, status: u16) -> Outcome {
        let challenge = if status == 401 {
            ChallengeKind::InvalidToken
        } else {
            ChallengeKind::Absent
        };
        self.answer_with(receipt, status, challenge)
    }

    #[track_caller]
    pub(crate) fn answer_with(
        &mut self,
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    ) -> Outcome {
        self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        })
        .outcome
        .expect("an answer is never refused")
    }

    /// The ticket of the newest effect of this kind.
    #[track_caller]
    pub(crate) fn ticket(&self, kind: &str) -> Ticket {
        let found = self
            .history
            .iter()
            .rev()
            .find(|effect| format!("{effect:?}").starts_with(kind));
        match found {
            Some(
                Effect::Load { ticket }
                | Effect::Store { ticket }
                | Effect::AcquireLease { ticket }
                | Effect::SendTokenRequest { ticket, .. }
                | Effect::Probe { ticket }
                | Effect::Revoke { ticket },
            ) => *ticket,
            other => panic!("no order {kind}: {other:?}"),
        }
    }

    /// How often an effect of this kind was given out.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.history
            .iter()
            .filter(|effect| format!("{effect:?}").starts_with(kind))
            .count()
    }

    /// The bytes of the store order under way.
    #[track_caller]
    pub(crate) fn record(&self) -> Vec<u8> {
        self.try_record().expect("a record")
    }

    fn try_record(&self) -> Result<Vec<u8>, tokenlatch::RecordError> {
        let mut buffer = vec![0; Latch::<TOKEN, WAITERS>::RECORD_CAPACITY];
        let length = self.latch().record(self.ticket("Store"), &mut buffer)?;
        buffer.truncate(length);
        Ok(buffer)
    }

    #[track_caller]
    pub(crate) fn loaded(&mut self, record: Option<&[u8]>) -> Given<'_> {
        let ticket = self.ticket("Load");
        self.tell(Event::Loaded { ticket, record })
    }

    #[track_caller]
    pub(crate) fn stored(&mut self) -> Given<'_> {
        let ticket = self.ticket("Store");
        self.tell(Event::Stored { ticket })
    }

    #[track_caller]
    pub(crate) fn store_failed(&mut self) -> Given<'_> {
        let ticket = self.ticket("Store");
        self.tell(Event::StoreFailed { ticket })
    }

    #[track_caller]
    pub(crate) fn lease_granted(&mut self) -> Given<'_> {
        let ticket = self.ticket("AcquireLease");
        self.tell(Event::LeaseGranted { ticket })
    }

    #[track_caller]
    pub(crate) fn granted(&mut self, grant: Grant<'_>) -> Given<'_> {
        let ticket = self.ticket("SendTokenRequest");
        self.tell(Event::Granted { ticket, grant })
    }

    #[track_caller]
    pub(crate) fn token_failed(&mut self, failure: TokenFailure) -> Given<'_> {
        self.token_failed_after(failure, None)
    }

    #[track_caller]
    pub(crate) fn token_failed_after(
        &mut self,
        failure: TokenFailure,
        retry_after: Option<u32>,
    ) -> Given<'_> {
        let ticket = self.ticket("SendTokenRequest");
        self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        })
    }

    /// Starts a login; the ticket for its result.
    #[track_caller]
    pub(crate) fn login(&mut self) -> Ticket {
        match self.tell(Event::LoginStarted).outcome {
            Ok(Outcome::Login(ticket)) => ticket,
            other => panic!("no login: {other:?}"),
        }
    }

    /// Opens a latch whose store is empty.
    #[track_caller]
    pub(crate) fn open_empty(&mut self) {
        self.tell(Event::Opened);
        if self.latch().config().store {
            self.loaded(None);
        }
    }

    /// Carries out what the store and the lease are asked for until they are asked for nothing, with a store that
    /// works and holds `cell`.
    #[track_caller]
    pub(crate) fn serve_store(&mut self, cell: &mut Vec<u8>) {
        for _ in 0..32 {
            // The newest order is the one that counts.
            let orders = self.history[self.served..].iter().rev();
            let next = orders.copied().find(|effect| {
                matches!(
                    effect,
                    Effect::Load { .. } | Effect::Store { .. } | Effect::AcquireLease { .. }
                )
            });
            self.served = self.history.len();
            match next {
                Some(Effect::Load { ticket }) => {
                    let record = cell.clone();
                    self.tell(Event::Loaded {
                        ticket,
                        record: Some(&record),
                    });
                }
                Some(Effect::Store { ticket }) => {
                    if let Ok(record) = self.try_record() {
                        *cell = record;
                    }
                    self.tell(Event::Stored { ticket });
                }
                Some(Effect::AcquireLease { ticket }) => {
                    self.tell(Event::LeaseGranted { ticket });
                }
                _ => return,
            }
        }
        panic!("the store is asked for something again and again");
    }

    /// Opens and logs in, with a store that works; the store's content.
    #[track_caller]
    pub(crate) fn sign_in(&mut self, grant: Grant<'_>) -> Vec<u8> {
        let mut cell = Vec::new();
        self.tell(Event::Opened);
        self.serve_store(&mut cell);
        let ticket = self.login();
        self.tell(Event::Granted { ticket, grant });
        self.serve_store(&mut cell);
        assert_eq!(self.state(), State::Ready);
        cell
    }

    /// A latch that starts from what a store holds.
    #[track_caller]
    pub(crate) fn restored(config: Config, cell: &[u8]) -> Self {
        let mut host = Self::seeded(config, 2);
        host.tell(Event::Opened);
        host.loaded(Some(cell));
        host
    }

    /// The causes of all refusals so far.
    pub(crate) fn refused(&self) -> Vec<(u32, Cause)> {
        let mut refused = Vec::new();
        for effect in &self.history {
            if let Effect::Refuse { waiter, cause } = effect {
                refused.push((waiter.as_u32(), *cause));
            }
        }
        refused
    }

    /// All releases so far, in order.
    pub(crate) fn released(&self) -> Vec<u32> {
        let released = self.history.iter().filter_map(|effect| match effect {
            Effect::Release { waiter } => Some(waiter.as_u32()),
            _ => None,
        });
        released.collect()
    }
}

impl Given<'_> {
    /// The effects, one string each: `"Load #1"`, `"Release 3"`, `"Refuse 3 SignedOut"`, `"StateChanged Ready"`.
    #[track_caller]
    pub(crate) fn gives(self, expected: &[&str]) -> Self {
        let seen: Vec<String> = self.host.effects.iter().map(line).collect();
        assert_eq!(seen, expected);
        self
    }

    #[track_caller]
    pub(crate) fn is_admitted(self) -> Self {
        assert_eq!(self.outcome, Ok(Outcome::Admitted));
        self
    }

    #[track_caller]
    pub(crate) fn is(self, outcome: Outcome) -> Self {
        assert_eq!(self.outcome, Ok(outcome));
        self
    }

    #[track_caller]
    pub(crate) fn is_rejected(self, rejected: Rejected) -> Self {
        assert_eq!(self.outcome, Err(rejected));
        self
    }

    #[track_caller]
    pub(crate) fn is_in(self, state: State) -> Self {
        assert_eq!(self.host.state(), state);
        self
    }
}

/// An effect in one line.
pub(crate) fn line(effect: &Effect) -> String {
    let mut text = String::new();
    let written = match effect {
        Effect::StateChanged { state } => write!(text, "StateChanged {state}"),
        Effect::Load { ticket } => write!(text, "Load #{}", ticket.as_u32()),
        Effect::Store { ticket } => write!(text, "Store #{}", ticket.as_u32()),
        Effect::Announce => write!(text, "Announce"),
        Effect::ReleaseLease { ticket } => write!(text, "ReleaseLease #{}", ticket.as_u32()),
        Effect::AcquireLease { ticket } => write!(text, "AcquireLease #{}", ticket.as_u32()),
        Effect::SendTokenRequest { ticket, .. } => {
            write!(text, "SendTokenRequest #{}", ticket.as_u32())
        }
        Effect::Probe { ticket } => write!(text, "Probe #{}", ticket.as_u32()),
        Effect::Revoke { ticket } => write!(text, "Revoke #{}", ticket.as_u32()),
        Effect::RequireLogin { cause } => write!(text, "RequireLogin {cause:?}"),
        Effect::Refuse { waiter, cause } => write!(text, "Refuse {} {cause:?}", waiter.as_u32()),
        Effect::Release { waiter } => write!(text, "Release {}", waiter.as_u32()),
        other => write!(text, "{other:?}"),
    };
    written.expect("a string takes everything");
    text
}

/// A grant that lives `seconds`, with a refresh token if there is a name for it.
pub(crate) fn grant<'a>(access: &'a str, refresh: Option<&'a str>, seconds: u64) -> Grant<'a> {
    let mut grant = Grant::new(access);
    grant.refresh_token = refresh;
    grant.expiry = Expiry::In(seconds * 1_000);
    grant
}
