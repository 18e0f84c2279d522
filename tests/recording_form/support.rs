//! A latch, and everything that a recording can hold.

use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantType;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::Waiter;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;

use crate::every::CHALLENGES;
use crate::every::FAILURES;
use crate::every::GRANT_ERRORS;

pub(crate) const KEY: Key = Key::new(*b"0123456789abcdef");
pub(crate) const CAPACITY: usize = 64;

pub(crate) type Plain = Latch<CAPACITY, 4>;

pub(crate) fn new() -> Plain {
    Latch::new(Config::new(), 5).expect("a config")
}

/// Every kind of event but those with bytes, with every value that is not a number.
pub(crate) fn plain_events() -> Vec<Event<'static>> {
    let ticket = Ticket::from_u32(0xffff_fffe);
    let waiter = Waiter::from_u32(1 << 20);
    let receipt = Receipt::from_u64(u64::MAX - 3);
    let mut events = vec![
        Event::Opened,
        Event::Resumed,
        Event::StoreChanged,
        Event::WentOffline,
        Event::WentOnline,
        Event::LoginStarted,
        Event::LoadFailed { ticket },
        Event::Stored { ticket },
        Event::StoreFailed { ticket },
        Event::LeaseGranted { ticket },
        Event::LeaseDenied { ticket },
        Event::LeaseLost { ticket },
        Event::Revoked { ticket },
        Event::RevokeFailed { ticket },
        Event::WaiterCancelled { waiter },
        Event::RefreshRequested,
        Event::LogoutRequested,
        Event::TimeoutReached,
    ];
    for access in [Access::First, Access::Public, Access::Retry(receipt)] {
        events.push(Event::AccessRequested { waiter, access });
    }
    let results = [
        ProbeResult::Accepted,
        ProbeResult::Refused,
        ProbeResult::Unreachable,
    ];
    events.extend(results.map(|result| Event::Probed { ticket, result }));
    for failure in FAILURES {
        for retry_after in [None, Some(0), Some(u32::MAX)] {
            events.push(Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            });
        }
    }
    events.extend(CHALLENGES.map(|challenge| Event::Answered {
        receipt,
        status: 401,
        challenge,
    }));
    events
}

pub(crate) fn outcomes() -> Vec<Result<Outcome, Rejected>> {
    let mut outcomes = vec![
        Ok(Outcome::Done),
        Ok(Outcome::Stale),
        Ok(Outcome::Orphaned),
        Ok(Outcome::Login(Ticket::from_u32(u32::MAX))),
        Ok(Outcome::Pass),
        Ok(Outcome::Admitted),
        Ok(Outcome::Deliver),
        Ok(Outcome::Retry),
        Err(Rejected::NotOpened),
        Err(Rejected::AlreadyOpened),
        Err(Rejected::QueueFull),
        Err(Rejected::DuplicateWaiter),
        Err(Rejected::NoSession),
        Err(Rejected::Throttled),
    ];
    outcomes.extend(GRANT_ERRORS.map(|error| Err(Rejected::Grant(error))));
    outcomes.extend(Cause::ALL.iter().map(|cause| Ok(Outcome::Surface(*cause))));
    outcomes
}

pub(crate) fn effects() -> Vec<Effect> {
    let ticket = Ticket::from_u32(u32::MAX);
    let waiter = Waiter::from_u32(u32::MAX);
    let mut effects = vec![
        Effect::Load { ticket },
        Effect::Store { ticket },
        Effect::Announce,
        Effect::ReleaseLease { ticket },
        Effect::AcquireLease { ticket },
        Effect::Probe { ticket },
        Effect::Revoke { ticket },
        Effect::Release { waiter },
    ];
    let states = [
        State::Unauthenticated,
        State::Pending,
        State::Ready,
        State::Refreshing,
        State::Expired,
    ];
    effects.extend(states.map(|state| Effect::StateChanged { state }));
    let grant_types = [GrantType::RefreshToken, GrantType::Login];
    effects.extend(grant_types.map(|grant_type| Effect::SendTokenRequest { ticket, grant_type }));
    for cause in Cause::ALL.iter().copied() {
        effects.push(Effect::RequireLogin { cause });
        effects.push(Effect::Refuse { waiter, cause });
    }
    effects
}

pub(crate) fn claims() -> Vec<Result<Receipt, PermitError>> {
    let mut claims = vec![
        // A number of four bits goes with it; a latch's receipts leave them unused.
        Ok(Receipt::from_u64(u64::MAX >> 4)),
        Err(PermitError::NotReady),
        Err(PermitError::Unknown),
    ];
    claims.extend(
        Cause::ALL
            .iter()
            .map(|cause| Err(PermitError::Refused(*cause))),
    );
    claims
}

/// What the recorder writes of a latch that was told nothing yet.
pub(crate) fn written(
    room: usize,
    write: impl FnOnce(&Plain, &mut Recorder<'_>),
) -> (Vec<u8>, bool) {
    let latch = new();
    let mut buffer = vec![0; room];
    let mut recorder = Recorder::new(&latch, KEY, &mut buffer).expect("room for the head");
    write(&latch, &mut recorder);
    (recorder.bytes().to_vec(), recorder.is_full())
}

pub(crate) fn entries(bytes: &[u8]) -> Vec<Result<Entry, RecordingError>> {
    let recording = Recording::read(bytes).expect("a recording");
    recording.entries().collect()
}

/// Records as latches store them: of a session, and the one that a logout leaves.
pub(crate) fn records<const T: usize>(grant: Grant<'_>) -> [Vec<u8>; 2] {
    let mut latch = Latch::<T, 4>::new(Config::new(), 5).expect("a config");
    let mut millis = 0;
    let mut tell = |latch: &mut Latch<T, 4>, event: Event<'_>| {
        millis += 10;
        let now = Now::new(millis, 1_700_000_000_000 + millis);
        let outcome = latch.handle(now, event).expect("taken");
        let orders: Vec<Effect> = core::iter::from_fn(|| latch.poll_effect()).collect();
        (outcome, orders)
    };
    let mut store = |latch: &mut Latch<T, 4>, event: Event<'_>| {
        let (_, mut orders) = tell(latch, event);
        for _ in 0..3 {
            let mut found = orders.iter().rev();
            let order = found.find_map(|order| match *order {
                Effect::Load { ticket } => Some((ticket, false)),
                Effect::Store { ticket } => Some((ticket, true)),
                _ => None,
            });
            let (ticket, is_store) = order.expect("an order to the store");
            if is_store {
                let mut buffer = vec![0; Latch::<T, 4>::RECORD_CAPACITY];
                let length = latch.record(ticket, &mut buffer).expect("a record");
                tell(latch, Event::Stored { ticket });
                return buffer[..length].to_vec();
            }
            let record = None;
            (_, orders) = tell(latch, Event::Loaded { ticket, record });
        }
        panic!("nothing is stored");
    };
    latch
        .handle(Now::monotonic(0), Event::Opened)
        .expect("first");
    let login = latch.handle(Now::monotonic(0), Event::LoginStarted);
    let Ok(Outcome::Login(ticket)) = login else {
        panic!("no login: {login:?}");
    };
    let live = store(&mut latch, Event::Granted { ticket, grant });
    let tombstone = store(&mut latch, Event::LogoutRequested);
    [live, tombstone]
}

pub(crate) fn full() -> Grant<'static> {
    let mut grant = Grant::new("an-access-token");
    grant.refresh_token = Some("a-refresh-token");
    grant.expiry = Expiry::In(3_600_000);
    grant.server_time = Some(1_700_000_000_000);
    grant.token_type = TokenType::Dpop;
    grant.scope = Some("openid profile");
    grant.subject = Some("anna@example.com");
    grant.app_data = Some(&[0, 159, 146, 150]);
    grant
}

pub(crate) fn grants() -> Vec<Grant<'static>> {
    let mut few = Grant::new("another-token");
    few.expiry = Expiry::At(1_700_000_900_000);
    let mut literal = full();
    literal.access_token = "undefined";
    let mut shortest = Grant::new("");
    shortest.refresh_token = Some("bearer ");
    shortest.app_data = Some(b"'");
    vec![full(), few, literal, shortest, Grant::ambient()]
}

/// What can be found in a store: nothing, sessions with and without a refresh token, a tombstone, and each that is
/// corrupt.
pub(crate) fn found() -> Vec<Option<Vec<u8>>> {
    let mut few = Grant::new("another-token");
    few.expiry = Expiry::In(60_000);
    let mut found: Vec<_> = [records::<CAPACITY>(full()), records::<CAPACITY>(few)]
        .into_iter()
        .flatten()
        .map(Some)
        .collect();
    found.push(None);
    for corrupt in [
        &b"T"[..],
        b"---",
        b"TL\xff",
        b"TL\x01\0\0\0\0",
        b"TL\x01\xe1\x6f\x3f\xbf",
    ] {
        found.push(Some(corrupt.to_vec()));
    }
    found
}

/// Everything that can be written, one after the other.
pub(crate) fn write_all(latch: &Plain, recorder: &mut Recorder<'_>) {
    let ticket = Ticket::from_u32(3);
    let mut millis = 0;
    let mut tell = |recorder: &mut Recorder<'_>, event: &Event<'_>| {
        millis += 300;
        let now = Now::new(millis, 1_700_000_000_000 - millis);
        recorder.told(latch, now, event, Ok(Outcome::Done));
    };
    for grant in grants() {
        tell(recorder, &Event::Granted { ticket, grant });
    }
    for record in found() {
        let record = record.as_deref();
        tell(recorder, &Event::Loaded { ticket, record });
    }
    for event in plain_events() {
        tell(recorder, &event);
    }
    for effect in effects().into_iter().take(20) {
        recorder.given(effect);
    }
    for claim in claims().into_iter().take(5) {
        let waiter = Waiter::from_u32(1 << 9);
        recorder.claimed(latch, Now::monotonic(1), waiter, claim);
    }
}

/// Where each entry ends, and the entries.
pub(crate) fn all() -> (Vec<u8>, Vec<Entry>) {
    let (bytes, is_full) = written(1 << 14, write_all);
    assert!(!is_full, "there was room");
    let read: Result<Vec<_>, _> = entries(&bytes).into_iter().collect();
    (bytes, read.expect("all of it"))
}
