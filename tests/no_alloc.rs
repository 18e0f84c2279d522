//! Nothing here allocates: not the machine, not the parsers, not the record, not what is written for a person.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use core::fmt::Debug;
use core::fmt::Display;
use core::fmt::Write;

use allocation_counter::measure;
use tokenlatch::promises::Checked;
use tokenlatch::{
    Access, Cause, Challenge, ChallengeKind, Config, Confirmation, Effect, Event, Expiry, Grant,
    Instant, Latch, LeaseMode, Now, Outcome, ProbeResult, State, StoreContent, Ticket,
    TokenFailure, Waiter, http_date, inspect, retry_after,
};

const TOKEN: usize = 128;
const RECORD: usize = Latch::<TOKEN, 4>::RECORD_CAPACITY;

/// A text in memory of its own.
struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    fn say(&mut self, what: &dyn Display) {
        self.length = 0;
        write!(self, "{what}").expect("room for it");
        assert!(self.length > 0);
    }

    fn show(&mut self, what: &dyn Debug) {
        self.length = 0;
        write!(self, "{what:?}").expect("room for it");
        assert!(self.length > 0);
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self
            .length
            .checked_add(text.len())
            .ok_or(core::fmt::Error)?;
        let room = self.bytes.get_mut(self.length..end);
        room.ok_or(core::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// A host without a heap, with a store of one slot that works and a lease that is free.
struct Host {
    latch: Checked<TOKEN, 4>,
    now: Now,
    cell: [u8; RECORD],
    stored: usize,
    exchange: Option<Ticket>,
    probe: Option<Ticket>,
    revoke: Option<Ticket>,
    released: usize,
    refused: usize,
}

impl Host {
    fn new(config: Config) -> Self {
        Self {
            latch: Checked::new(config, 5).expect("a config that works"),
            now: Now::new(1_000, 1_700_000_000_000),
            cell: [0; RECORD],
            stored: 0,
            exchange: None,
            probe: None,
            revoke: None,
            released: 0,
            refused: 0,
        }
    }

    /// Tells one event, and carries out what the store and the lease are asked for.
    fn tell(&mut self, event: Event<'_>) -> Outcome {
        let outcome = self.handle(event);
        for _ in 0..32 {
            let Some(effect) = self.latch.poll_effect().expect("no promise is broken") else {
                return outcome;
            };
            match effect {
                Effect::Load { ticket } => {
                    let cell = self.cell;
                    let record = cell.get(..self.stored);
                    self.handle(Event::Loaded { ticket, record });
                }
                Effect::Store { ticket } => {
                    self.stored = self
                        .latch
                        .latch()
                        .record(ticket, &mut self.cell)
                        .expect("room for the record");
                    self.handle(Event::Stored { ticket });
                }
                Effect::AcquireLease { ticket } => {
                    self.handle(Event::LeaseGranted { ticket });
                }
                Effect::SendTokenRequest { ticket, .. } => self.exchange = Some(ticket),
                Effect::Probe { ticket } => self.probe = Some(ticket),
                Effect::Revoke { ticket } => self.revoke = Some(ticket),
                Effect::Release { .. } => self.released = self.released.saturating_add(1),
                Effect::Refuse { .. } => self.refused = self.refused.saturating_add(1),
                _ => {}
            }
        }
        panic!("orders without an end");
    }

    fn handle(&mut self, event: Event<'_>) -> Outcome {
        self.latch
            .handle(self.now, event)
            .expect("no promise is broken")
            .expect("an event that fits")
    }

    fn at(&mut self, millis: u64) {
        self.now = Now::new(millis, 1_700_000_000_000_u64.saturating_add(millis));
    }

    fn request(&mut self, waiter: u32) -> Outcome {
        let waiter = Waiter::from_u32(waiter);
        let access = Access::First;
        self.tell(Event::AccessRequested { waiter, access })
    }

    /// The answer to a request that leaves now.
    fn send(&mut self, waiter: u32, status: u16, challenge: ChallengeKind) -> Outcome {
        let receipt = self
            .latch
            .permit(self.now, Waiter::from_u32(waiter))
            .expect("no promise is broken")
            .expect("the gate is open")
            .receipt();
        self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        })
    }

    fn probed(&mut self) {
        if let Some(ticket) = self.probe.take() {
            let result = ProbeResult::Accepted;
            self.tell(Event::Probed { ticket, result });
        }
    }

    fn state(&self) -> State {
        self.latch.latch().state()
    }
}

fn grant<'a>(access: &'a str, refresh: &'a str) -> Grant<'a> {
    let mut grant = Grant::new(access);
    grant.refresh_token = Some(refresh);
    grant.expiry = Expiry::In(3_600_000);
    grant.subject = Some("user");
    grant.scope = Some("read");
    grant.app_data = Some(b"tenant");
    grant
}

/// From an empty store to a tombstone: login, requests, a 401, a refresh, a failed one, a retry, a restart, adoption,
/// logout and revocation.
fn life(config: Config) {
    let mut host = Host::new(config);
    host.request(1);
    host.tell(Event::Opened);
    assert_eq!(host.state(), State::Unauthenticated);
    let Outcome::Login(ticket) = host.tell(Event::LoginStarted) else {
        panic!("no login");
    };
    let first = grant("access-1", "refresh-1");
    host.tell(Event::Granted {
        ticket,
        grant: first,
    });
    host.probed();
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.send(1, 200, ChallengeKind::Absent), Outcome::Deliver);

    host.at(60_000);
    host.request(2);
    host.request(3);
    let refused = host.send(2, 401, ChallengeKind::InvalidToken);
    assert_eq!(refused, Outcome::Retry);
    let ticket = host.exchange.take().expect("a token request");
    assert_eq!(host.latch.latch().refresh_token(ticket), Some("refresh-1"));
    host.at(60_500);
    host.tell(Event::TokenFailed {
        ticket,
        failure: TokenFailure::Unavailable,
        retry_after: Some(3),
    });
    assert_eq!(host.state(), State::Expired);
    host.at(70_000);
    host.tell(Event::TimeoutReached);
    let ticket = host.exchange.take().expect("a token request");
    host.tell(Event::Granted {
        ticket,
        grant: grant("access-2", "refresh-2"),
    });
    host.probed();
    assert_eq!(host.state(), State::Ready);
    assert_eq!(host.send(3, 200, ChallengeKind::Absent), Outcome::Deliver);

    // Another start adopts it.
    let mut other = Host::new(config);
    (other.cell, other.stored) = (host.cell, host.stored);
    other.at(80_000);
    other.tell(Event::Opened);
    other.probed();
    assert_eq!(other.state(), State::Ready);
    assert_eq!(other.latch.latch().subject(), Some("user"));
    other.request(4);
    other.tell(Event::WaiterCancelled {
        waiter: Waiter::from_u32(4),
    });
    other.tell(Event::Resumed);
    other.probed();
    other.tell(Event::WentOffline);
    other.tell(Event::WentOnline);
    other.request(5);
    other.tell(Event::LogoutRequested);
    assert_eq!(other.state(), State::Unauthenticated);
    let ticket = other.revoke.take().expect("a revocation");
    assert_eq!(other.latch.latch().revocation(ticket), Some("refresh-2"));
    other.tell(Event::Revoked { ticket });
    let record = other.cell.get(..other.stored).unwrap_or_default();
    assert!(matches!(inspect(record), StoreContent::Tombstone(_)));

    // The first finds the tombstone.
    (host.cell, host.stored) = (other.cell, other.stored);
    host.request(6);
    host.tell(Event::StoreChanged);
    assert_eq!(host.state(), State::Unauthenticated);
    assert!(host.released > 0);
    assert!(other.refused > 0);

    let mut text = Text::<256>::new();
    for step in host.latch.latch().trace() {
        text.say(&step);
        text.show(&step);
    }
    text.show(&host.latch);
    text.show(host.latch.latch());
    text.show(&first);
}

#[track_caller]
fn allocates_nothing(what: impl FnOnce()) {
    let counted = measure(what);
    assert_eq!(counted.count_total, 0, "{counted:?}");
}

/// The counter itself can tell.
#[test]
fn an_allocation_is_counted() {
    let counted = measure(|| drop(core::hint::black_box(vec![1, 2, 3])));
    assert_eq!(counted.count_total, 1);
}

// promises: P14
#[test]
fn a_whole_life_allocates_nothing() {
    let mut probed = Config::new();
    probed.confirmation = Confirmation::Probed;
    probed.lease = LeaseMode::Host;
    probed.serve_while_refreshing = true;
    allocates_nothing(|| life(Config::new()));
    allocates_nothing(|| life(probed));
}

// promises: P14
#[test]
fn the_parsers_allocate_nothing() {
    let headers = [
        "DPoP error=\"use_dpop_nonce\", algs=\"ES256\"",
        "Bearer realm=\"a \\\"b\\\"\", error=\"invalid_token\", Basic",
    ];
    allocates_nothing(|| {
        let challenge = Challenge::parse(headers.iter().map(|header| header.as_bytes()));
        assert_eq!(challenge.kind(), ChallengeKind::UseDpopNonce);
        let mut text = Text::<512>::new();
        text.show(&challenge);
        assert_eq!(retry_after(b"120", None, None), Some(120));
        assert!(http_date(b"Sun, 06 Nov 1994 08:49:37 GMT").is_some());
        assert!(matches!(inspect(b"TL\x01"), StoreContent::Corrupt(_)));
    });
}

// promises: P14
#[cfg(feature = "json")]
#[test]
fn the_answer_of_a_token_endpoint_allocates_nothing() {
    use tokenlatch::ResponseShape;
    use tokenlatch::response::parse;
    allocates_nothing(|| {
        let mut body = *br#"{"access_token":"a\u00e9\n","x":[[{"y":1e3}]],"expires_in":"3600"}"#;
        let granted = parse(&ResponseShape::RFC6749, 200, &mut body);
        assert_eq!(granted.map(|grant| grant.expiry), Ok(Expiry::In(3_600_000)));
        let mut body = *br#"{"error":"invalid_grant","error_description":"expired"}"#;
        let refused = parse(&ResponseShape::RFC6749, 400, &mut body);
        assert_eq!(refused.err(), Some(TokenFailure::InvalidGrant));
        let mut body = [b'['; 4096];
        assert!(parse(&ResponseShape::RFC6749, 200, &mut body).is_err());
    });
}

// promises: P14
#[test]
fn recording_and_running_it_again_allocates_nothing() {
    use tokenlatch::recording::{Key, Recorded, Recording, Replay, scratch_capacity};
    allocates_nothing(|| {
        let mut buffer = [0; 1_024];
        let config = Config::in_memory();
        let latch = Recorded::<TOKEN, 4>::new(config, 1, Key::new([1; 16]), &mut buffer);
        let mut latch = latch.expect("room");
        let now = Now::new(5, 1_700_000_000_000);
        latch.handle(now, Event::Opened).expect("first");
        let Ok(Outcome::Login(ticket)) = latch.handle(now, Event::LoginStarted) else {
            panic!("no login");
        };
        let mut grant = Grant::new("access");
        grant.subject = Some("user");
        let granted = Event::Granted { ticket, grant };
        latch.handle(now, granted).expect("a good grant");
        while latch.poll_effect().is_some() {}
        let recording = Recording::read(latch.recorder().bytes()).expect("a recording");
        let mut replay = Replay::<TOKEN, 4>::new(&recording).expect("a latch");
        let mut scratch = [0; scratch_capacity(TOKEN)];
        let mut text = Text::<512>::new();
        while let Some(step) = replay.step(&mut scratch) {
            text.show(&step.expect("the same"));
        }
        assert_eq!(replay.latch().state(), State::Ready);
        text.show(&latch);
    });
}

// promises: P14
#[test]
fn what_is_said_to_a_person_allocates_nothing() {
    allocates_nothing(|| {
        let mut text = Text::<256>::new();
        for cause in Cause::ALL {
            text.say(cause);
            text.show(cause);
        }
        for state in [
            State::Unauthenticated,
            State::Pending,
            State::Ready,
            State::Refreshing,
            State::Expired,
        ] {
            text.say(&state);
        }
        text.say(&TokenFailure::Lost);
        text.say(&tokenlatch::Rejected::QueueFull);
        text.say(&tokenlatch::PermitError::Refused(Cause::Offline));
        text.say(&tokenlatch::RecordError::Stale);
        text.say(&tokenlatch::ConfigError::Zero("budget"));
        text.say(&tokenlatch::Corrupt::Checksum);
        text.show(&Instant::from_millis(u64::MAX));
        let mut config = Text::<2048>::new();
        config.show(&Config::new());
    });
}
