//! What goes out through defmt, byte by byte: no secret is in a frame.
//!
//! With its feature `unstable-test`, defmt writes into memory instead of to a logger.
#![cfg(feature = "defmt")]
#![expect(clippy::expect_used, reason = "a test may panic")]

use tokenlatch::promises::Checked;
use tokenlatch::{
    Access, Challenge, ChallengeKind, Config, Effect, Event, Expiry, Grant, Latch, Now, Outcome,
    Rejected, Waiter, inspect,
};

const ACCESS: &str = "ACCESS-zqxj-4711-first";
const REFRESH: &str = "REFRESH-vkwq-0815-first";
const APP_DATA: &str = "APPDATA-qqvx-1729-tenant";

/// Whether four bytes of a secret stand in the frames since the last call.
fn leaks() -> bool {
    let frames = defmt::export::fetch_bytes();
    assert!(!frames.is_empty(), "nothing was logged");
    [ACCESS, REFRESH, APP_DATA]
        .iter()
        .flat_map(|secret| secret.as_bytes().windows(4))
        .any(|part| frames.windows(4).any(|window| window == part))
}

macro_rules! log {
    ($($value:expr),*) => {$(
        defmt::println!("{}", $value);
        assert!(!leaks(), "{}", stringify!($value));
    )*};
}

/// Its frame is as long as that of a value which forgot to say anything.
struct Blank;

impl defmt::Format for Blank {
    fn format(&self, _: defmt::Formatter<'_>) {}
}

/// Fails for a value that keeps its secrets by saying nothing at all.
macro_rules! says {
    ($($value:expr),*) => {$(
        defmt::println!("{}", Blank);
        let blank = defmt::export::fetch_bytes().len();
        defmt::println!("{}", $value);
        let said = defmt::export::fetch_bytes().len();
        assert!(said > blank, "{}", stringify!($value));
    )*};
}

/// The search finds what it has to.
#[test]
fn a_leak_is_noticed() {
    defmt::println!("Bearer {=str}", ACCESS);
    assert!(leaks());
    defmt::println!("{=[u8]}", APP_DATA.as_bytes());
    assert!(leaks());
}

type Small = Latch<128, 2>;

fn tell(latch: &mut Small, event: Event<'_>) -> (Outcome, Vec<Effect>) {
    says!(event, latch);
    log!(event, event.kind());
    let told = latch.handle(Now::new(1_000, 1_700_000_000_000), event);
    log!(told);
    let mut effects = Vec::new();
    while let Some(effect) = latch.poll_effect() {
        log!(effect);
        effects.push(effect);
    }
    for step in latch.trace() {
        log!(step);
    }
    log!(
        latch,
        latch.state(),
        latch.generation(),
        latch.poll_timeout(),
        latch.expires_at(),
        latch.trouble(),
        latch.corrupt()
    );
    (told.expect("an event that fits"), effects)
}

// promises: P13
#[test]
fn no_secret_is_in_a_frame() {
    let mut latch = Small::new(Config::new(), 1).expect("a config that works");
    let (_, effects) = tell(&mut latch, Event::Opened);
    let [.., Effect::Load { ticket }] = effects[..] else {
        panic!("{effects:?}");
    };
    let record = Some(ACCESS.as_bytes());
    tell(&mut latch, Event::Loaded { ticket, record });
    let (outcome, _) = tell(&mut latch, Event::LoginStarted);
    let Outcome::Login(ticket) = outcome else {
        panic!("{outcome:?}");
    };
    let mut grant = Grant::new(ACCESS);
    grant.refresh_token = Some(REFRESH);
    grant.app_data = Some(APP_DATA.as_bytes());
    grant.expiry = Expiry::In(60_000);
    let mut refused = grant;
    let quoted = format!("\"{ACCESS}\"");
    refused.access_token = &quoted;
    let told = latch.handle(
        Now::monotonic(1_000),
        Event::Granted {
            ticket,
            grant: refused,
        },
    );
    log!(told);
    assert!(matches!(told, Err(Rejected::Grant(_))));
    says!(grant);
    log!(grant, grant.expiry, grant.token_type, latch.config());
    let (_, effects) = tell(&mut latch, Event::Granted { ticket, grant });
    let [.., Effect::Load { ticket }] = effects[..] else {
        panic!("{effects:?}");
    };
    let record = None;
    let (_, effects) = tell(&mut latch, Event::Loaded { ticket, record });
    let [.., Effect::Store { ticket }] = effects[..] else {
        panic!("{effects:?}");
    };
    let mut buffer = [0; Small::RECORD_CAPACITY];
    let length = latch.record(ticket, &mut buffer);
    log!(length, latch.record(ticket, &mut []), inspect(&buffer));
    tell(&mut latch, Event::Stored { ticket });
    let waiter = Waiter::from_u32(1);
    let access = Access::First;
    log!(waiter, access);
    tell(&mut latch, Event::AccessRequested { waiter, access });
    let permit = latch.permit(Now::monotonic(1_000), waiter);
    let permit = permit.expect("the gate is open");
    assert_eq!(permit.token(), ACCESS);
    says!(permit);
    log!(
        permit,
        permit.receipt(),
        permit.token_type(),
        permit.scheme()
    );
    let receipt = permit.receipt();
    let challenge = ChallengeKind::InvalidToken;
    tell(
        &mut latch,
        Event::Answered {
            receipt,
            status: 401,
            challenge,
        },
    );
    tell(&mut latch, Event::LogoutRequested);
}

// promises: P13
#[test]
fn no_secret_is_in_a_frame_of_a_header_or_of_a_checker() {
    let header = format!("Bearer realm=\"r\", error_description=\"{ACCESS}\"");
    let challenge = Challenge::parse([header.as_bytes()]);
    let realm = challenge.realm().expect("it has one");
    let checked = Checked::<128, 2>::new(Config::new(), 1).expect("a config that works");
    says!(challenge, realm, checked);
    log!(challenge, realm, checked);
}

// promises: P13
#[cfg(feature = "recording")]
#[test]
fn no_secret_is_in_a_frame_of_a_recording() {
    use tokenlatch::recording::{Key, Recorded, Recording, Replay, scratch_capacity};

    let key: [u8; 16] = *b"ACCESS-zqxj-4711";
    let mut buffer = [0; 1_024];
    let mut latch =
        Recorded::<128, 2>::new(Config::in_memory(), 1, Key::new(key), &mut buffer).expect("room");
    let now = Now::monotonic(1_000);
    latch.handle(now, Event::Opened).expect("first");
    let Ok(Outcome::Login(ticket)) = latch.handle(now, Event::LoginStarted) else {
        panic!("no login");
    };
    let mut grant = Grant::new(ACCESS);
    grant.refresh_token = Some(REFRESH);
    grant.app_data = Some(APP_DATA.as_bytes());
    let told = latch.handle(now, Event::Granted { ticket, grant });
    told.expect("it is good");
    log!(Key::new(key), latch, latch.recorder());
    let recording = Recording::read(latch.recorder().bytes()).expect("a recording");
    log!(recording, recording.entries());
    let mut replay = Replay::<128, 2>::new(&recording).expect("the same latch");
    let mut scratch = [0; scratch_capacity(128)];
    let mut entries = 0;
    while let Some(step) = replay.step(&mut scratch) {
        log!(step);
        if let Ok(tokenlatch::recording::Entry::Told { fact, .. }) = step {
            log!(fact);
        }
        entries += 1;
    }
    assert!(entries > 5, "{entries}");
    log!(replay);
    let difference = tokenlatch::recording::Difference::Seen;
    log!(
        difference,
        tokenlatch::recording::ReplayError::Differs(difference)
    );
}

#[cfg(feature = "embassy-sync")]
mod gate {
    use core::cell::Cell;

    use embassy_futures::block_on;
    use embassy_futures::select::Either;
    use embassy_futures::select::select;
    use embassy_sync::blocking_mutex::raw::NoopRawMutex;
    use tokenlatch::gate::{Failed, Gate, Host, TokenError, TokenRequest};
    use tokenlatch::{Instant, State};

    use super::*;

    /// Logs what it is asked.
    struct Logging(Cell<bool>);

    impl Host for Logging {
        async fn wait_until(&self, _: Instant) {
            core::future::pending::<()>().await;
        }

        async fn load(&self, _: &mut [u8]) -> Result<usize, Failed> {
            Err(Failed)
        }

        async fn store(&self, _: &[u8]) -> Result<(), Failed> {
            Err(Failed)
        }

        async fn send_token_request<'r>(
            &self,
            request: TokenRequest<'_>,
            _: &'r mut [u8],
        ) -> Result<Grant<'r>, TokenError> {
            assert_eq!(request.refresh_token, REFRESH);
            says!(request);
            log!(request);
            self.0.set(true);
            Ok(Grant::new(ACCESS))
        }
    }

    // promises: P13
    #[test]
    fn no_secret_is_in_a_frame_of_a_gate() {
        let latch = Latch::<128, 2>::new(Config::in_memory(), 1).expect("a config that works");
        let gate = Gate::<NoopRawMutex, 128, 2>::new(latch, || Now::monotonic(1_000));
        let host = Logging(Cell::new(false));
        let mut runner = gate.runner().expect("the only one");
        says!(gate, runner);
        log!(gate, runner);
        let (mut record, mut reply) = ([0; 1_024], [0; 8]);
        let both = select(runner.run(&host, &mut record, &mut reply), async {
            let mut watch = gate.watch().expect("room");
            says!(watch);
            log!(watch, watch.changed().await);
            let mut request = gate.request().expect("room");
            says!(request);
            log!(request);
            let ticket = gate.login_started().expect("it is opened");
            let mut grant = Grant::new(ACCESS);
            grant.refresh_token = Some(REFRESH);
            let told = gate.granted(ticket, grant);
            log!(told);
            let left = request.permit(|permit| assert_eq!(permit.token(), ACCESS));
            left.await.expect("the gate is open");
            log!(request, gate, gate.status());
            gate.refresh().expect("there is a session");
            while gate.state() != State::Ready {
                embassy_futures::yield_now().await;
            }
        });
        let Either::Second(()) = block_on(both);
        assert!(host.0.get(), "the renewal was logged");
    }
}
