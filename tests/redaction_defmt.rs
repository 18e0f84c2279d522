//! What goes out through defmt, byte by byte: no secret is in a frame.
//!
//! With its feature `unstable-test`, defmt writes into memory instead of to a logger.
#![cfg(feature = "defmt")]
#![expect(clippy::expect_used, reason = "a test may panic")]

use tokenlatch::{
    Access, ChallengeKind, Config, Effect, Event, Expiry, Grant, Latch, Now, Outcome, Rejected,
    Waiter, inspect,
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
