//! The form of a recording, item by item: what is written is read as it was, and what was cut or changed is refused at
//! its byte.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "small numbers of the test's own"
)]

use core::fmt::Write as _;

use tokenlatch::Access;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantError;
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
use tokenlatch::TokenFailure;
use tokenlatch::TokenType;
use tokenlatch::Waiter;
use tokenlatch::recording::Entry;
use tokenlatch::recording::Fact;
use tokenlatch::recording::Key;
use tokenlatch::recording::Recorder;
use tokenlatch::recording::Recording;
use tokenlatch::recording::RecordingError;
use tokenlatch::recording::scratch_capacity;

const KEY: Key = Key::new(*b"0123456789abcdef");
const CAPACITY: usize = 64;

type Plain = Latch<CAPACITY, 4>;

fn new() -> Plain {
    Latch::new(Config::new(), 5).expect("a config")
}

const GRANT_ERRORS: [GrantError; 8] = [
    GrantError::Empty,
    GrantError::Literal,
    GrantError::Quoted,
    GrantError::Scheme,
    GrantError::Character,
    GrantError::TooLong,
    GrantError::Lifetime,
    GrantError::TokenType,
];

/// Every kind of event but those with bytes, with every value that is not a number.
fn plain_events() -> Vec<Event<'static>> {
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
    let mut failures = vec![
        TokenFailure::NotSent,
        TokenFailure::Lost,
        TokenFailure::RateLimited,
        TokenFailure::Unavailable,
        TokenFailure::InvalidGrant,
        TokenFailure::InteractionRequired,
        TokenFailure::Misconfigured,
        TokenFailure::Unrecognized,
    ];
    failures.extend(GRANT_ERRORS.map(TokenFailure::Unusable));
    for failure in failures {
        for retry_after in [None, Some(0), Some(u32::MAX)] {
            events.push(Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            });
        }
    }
    let challenges = [
        ChallengeKind::Absent,
        ChallengeKind::OtherScheme,
        ChallengeKind::NoError,
        ChallengeKind::OtherError,
        ChallengeKind::InvalidRequest,
        ChallengeKind::InvalidToken,
        ChallengeKind::InsufficientScope,
        ChallengeKind::InsufficientUserAuthentication,
        ChallengeKind::UseDpopNonce,
    ];
    events.extend(challenges.map(|challenge| Event::Answered {
        receipt,
        status: 401,
        challenge,
    }));
    events
}

fn outcomes() -> Vec<Result<Outcome, Rejected>> {
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

fn effects() -> Vec<Effect> {
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

fn claims() -> Vec<Result<Receipt, PermitError>> {
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
fn written(room: usize, write: impl FnOnce(&Plain, &mut Recorder<'_>)) -> (Vec<u8>, bool) {
    let latch = new();
    let mut buffer = vec![0; room];
    let mut recorder = Recorder::new(&latch, KEY, &mut buffer).expect("room for the head");
    write(&latch, &mut recorder);
    (recorder.bytes().to_vec(), recorder.is_full())
}

fn entries(bytes: &[u8]) -> Vec<Result<Entry, RecordingError>> {
    let recording = Recording::read(bytes).expect("a recording");
    recording.entries().collect()
}

#[test]
fn every_fact_is_read_as_it_was_told() {
    let events = plain_events();
    for outcome in outcomes() {
        let (bytes, _) = written(1 << 14, |latch, recorder| {
            for (at, event) in events.iter().enumerate() {
                // Forwards and backwards, with and without a wall clock.
                let now = match at % 3 {
                    0 => Now::monotonic(at as u64),
                    1 => Now::new(u64::MAX - at as u64, at as u64),
                    _ => Now::new(at as u64, 1_700_000_000_000),
                };
                recorder.told(latch, now, event, outcome);
            }
        });
        let read = entries(&bytes);
        assert_eq!(read.len(), events.len());
        for (at, (read, event)) in read.into_iter().zip(&events).enumerate() {
            let Ok(Entry::Told {
                now,
                fact,
                outcome: read,
                state,
                ..
            }) = read
            else {
                panic!("{event:?}: {read:?}");
            };
            assert_eq!(fact.kind(), event.kind());
            assert_eq!(fact.event(0, &mut []), Some(*event), "{event:?}");
            assert_eq!((read, state), (outcome, State::Unauthenticated));
            let wall = [None, Some(at as u64), Some(1_700_000_000_000)][at % 3];
            assert_eq!(now.wall, wall, "{event:?}");
            // A fact is known by its kind and by nothing secret.
            assert_eq!(format!("{fact:?}"), format!("Fact({:?})", event.kind()));
        }
    }
}

#[test]
fn every_effect_and_claim_is_read_as_it_was_given() {
    let (effects, claims) = (effects(), claims());
    let waiter = Waiter::from_u32(7);
    let (bytes, _) = written(1 << 14, |latch, recorder| {
        for effect in &effects {
            recorder.given(*effect);
        }
        for claim in &claims {
            recorder.claimed(latch, Now::monotonic(3), waiter, *claim);
        }
    });
    let mut read = entries(&bytes).into_iter();
    for effect in effects {
        assert_eq!(read.next(), Some(Ok(Entry::Given(effect))));
    }
    for claim in claims {
        let Some(Ok(Entry::Claimed {
            waiter: read,
            receipt,
            ..
        })) = read.next()
        else {
            panic!("no claim: {claim:?}");
        };
        assert_eq!((read, receipt), (waiter, claim));
    }
    assert_eq!(read.next(), None);
}

/// Records as latches store them: of a session, and the one that a logout leaves.
fn records<const T: usize>(grant: Grant<'_>) -> [Vec<u8>; 2] {
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

fn full() -> Grant<'static> {
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

fn grants() -> Vec<Grant<'static>> {
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
fn found() -> Vec<Option<Vec<u8>>> {
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
fn write_all(latch: &Plain, recorder: &mut Recorder<'_>) {
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
fn all() -> (Vec<u8>, Vec<Entry>) {
    let (bytes, is_full) = written(1 << 14, write_all);
    assert!(!is_full, "there was room");
    let read: Result<Vec<_>, _> = entries(&bytes).into_iter().collect();
    (bytes, read.expect("all of it"))
}

#[test]
fn what_was_given_or_found_has_the_same_form_and_other_words() {
    let (_, read) = all();
    let facts: Vec<Fact> = read
        .iter()
        .filter_map(|entry| match entry {
            Entry::Told { fact, .. } => Some(*fact),
            _ => None,
        })
        .collect();
    let mut facts = facts.iter();
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    let same_lengths = |real: &Grant<'_>, other: &Grant<'_>| {
        let lengths = |grant: &Grant<'_>| {
            [
                Some(grant.access_token.len()),
                grant.refresh_token.map(str::len),
                grant.scope.map(str::len),
                grant.subject.map(str::len),
                grant.app_data.map(<[u8]>::len),
            ]
        };
        assert_eq!(lengths(real), lengths(other));
        assert_eq!(
            (real.expiry, real.server_time, real.token_type),
            (other.expiry, other.server_time, other.token_type)
        );
    };
    for real in grants() {
        let fact = facts.next().expect("a grant");
        let event = fact.event(CAPACITY, &mut scratch);
        let Some(Event::Granted { ticket, grant }) = event else {
            panic!("no grant: {event:?}");
        };
        assert_eq!(ticket, Ticket::from_u32(3));
        same_lengths(&real, &grant);
    }
    for real in found() {
        let fact = facts.next().expect("a record");
        let event = fact.event(CAPACITY, &mut scratch);
        let Some(Event::Loaded { record, .. }) = event else {
            panic!("no record: {event:?}");
        };
        let look = |bytes: &[u8]| format!("{:?}", tokenlatch::inspect(bytes));
        assert_eq!(record.is_some(), real.is_some());
        assert_eq!(
            look(record.unwrap_or_default()),
            look(&real.unwrap_or_default())
        );
    }
    // Each is made up in as much scratch space as it needs, and in less it is not made up at all.
    for fact in read.iter().filter_map(|entry| match entry {
        Entry::Told { fact, .. } => Some(fact),
        _ => None,
    }) {
        let whole = fact.event(CAPACITY, &mut scratch).map(|event| event.kind());
        assert_eq!(whole, Some(fact.kind()));
        let mut least = 0;
        for room in 0..scratch_capacity(CAPACITY) {
            match fact.event(CAPACITY, &mut scratch[..room]) {
                Some(event) => assert_eq!(event.kind(), fact.kind()),
                None => least = room + 1,
            }
        }
        assert!(least < scratch_capacity(CAPACITY), "{fact}");
        assert!(fact.event(CAPACITY, &mut scratch[..least]).is_some());
    }
}

/// A file that ends early: the entries before the end, and the byte where the next should stand.
#[test]
fn a_recording_that_was_cut_off_is_damaged_where_its_last_entry_begins() {
    let (bytes, whole) = all();
    let mut before = None;
    let mut ends = 0;
    for length in 0..bytes.len() {
        let Ok(recording) = Recording::read(&bytes[..length]) else {
            assert_eq!(before, None, "a longer one was read");
            continue;
        };
        let mut read: Vec<_> = recording.entries().collect();
        let damaged = read.pop_if(|last| last.is_err());
        assert!(read.len() >= before.unwrap_or(0), "{length}");
        before = Some(read.len());
        let good: Result<Vec<_>, _> = read.into_iter().collect();
        let good = good.expect("only the last is damaged");
        assert_eq!(good, whole[..good.len()]);
        match damaged {
            None => ends = length,
            Some(error) => assert_eq!(error, Err(RecordingError::Damaged(ends))),
        }
    }
    assert_eq!(before, Some(whole.len() - 1));
}

/// A buffer that is too small: what fits is there, then the mark that the rest is missing.
#[test]
fn a_recording_that_did_not_fit_ends_with_a_mark() {
    let (bytes, whole) = all();
    let least = (0..bytes.len())
        .find(|length| Recorder::new(&new(), KEY, &mut vec![0; *length]).is_ok())
        .expect("room for the head");
    for room in least..bytes.len() + 1 {
        let (part, is_full) = written(room, write_all);
        assert!(is_full, "{room}");
        let mut read = entries(&part);
        assert_eq!(read.pop(), Some(Ok(Entry::Cut)), "{room}");
        assert_eq!(part[..part.len() - 1], bytes[..part.len() - 1]);
        let read: Result<Vec<_>, _> = read.into_iter().collect();
        let read = read.expect("what was written");
        assert_eq!(read, whole[..read.len()]);
    }
    let (part, is_full) = written(bytes.len() + 1, write_all);
    assert_eq!((part, is_full), (bytes, false));
}

/// A number in its shortest form (RFC 8949 4.2.1); 0x80 for an array.
fn head(major: u8, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    match value {
        0..=23 => vec![major | value as u8],
        24..=0xff => [&[major | 24], &bytes[7..]].concat(),
        0x100..=0xffff => [&[major | 25], &bytes[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26], &bytes[4..]].concat(),
        _ => [&[major | 27], &bytes[..]].concat(),
    }
}

/// Small numbers, and those at which a part of a joined number ends.
fn numbers() -> impl Iterator<Item = u64> {
    let large = [16, 20, 32, 33, 36, 37, 48, 52, 53, 60, 63];
    let ends = large.into_iter().flat_map(|bits| {
        let end = 1_u64 << bits;
        (0..16).flat_map(move |kind| [end | kind, (end - 16) | kind])
    });
    (0..1_024).chain(ends).chain([u64::MAX])
}

/// The only entry, or `None` if it is damaged at its first byte.
fn only(bytes: &[u8], begin: usize) -> Option<Entry> {
    let mut read = entries(bytes);
    assert_eq!(read.len(), 1);
    match read.pop() {
        Some(Ok(entry)) => Some(entry),
        other => {
            assert_eq!(other, Some(Err(RecordingError::Damaged(begin))));
            None
        }
    }
}

/// No two numbers mean the same effect, claim or outcome, and none means half of one.
#[test]
fn what_a_number_means_is_written_as_that_number() {
    let (begin, _) = written(256, |_, _| {});
    let (claim, _) = written(256, |latch, recorder| {
        recorder.claimed(
            latch,
            Now::monotonic(0),
            Waiter::from_u32(1),
            Err(PermitError::NotReady),
        );
    });
    let at = begin.len();
    // Six fields: no time, no wall clock; then the request, what came of it, the state, and what is seen.
    assert_eq!(claim[at..at + 6], [0x86, 0x00, 0xf6, 0x01, 0x01, 0x00]);
    let end = &claim[at + 5..];
    let (mut effects, mut claims, mut outcomes) = (0, 0, 0);
    for number in numbers() {
        let number = head(0, number);
        let bytes = [&begin[..], &number].concat();
        if let Some(entry) = only(&bytes, at) {
            let Entry::Given(effect) = entry else {
                panic!("no effect: {entry:?}");
            };
            effects += 1;
            let (again, _) = written(256, |_, recorder| recorder.given(effect));
            assert_eq!(again, bytes, "{effect:?}");
        }
        let bytes = [&claim[..at + 4], &number, end].concat();
        if let Some(entry) = only(&bytes, at) {
            let Entry::Claimed {
                now,
                waiter,
                receipt,
                ..
            } = entry
            else {
                panic!("no claim: {entry:?}");
            };
            claims += 1;
            let (again, _) = written(256, |latch, recorder| {
                recorder.claimed(latch, now, waiter, receipt);
            });
            assert_eq!(again, bytes, "{receipt:?}");
        }
        // A fact of one field: the sixth kind.
        let bytes = [&claim[..at + 3], &[0x81, 0x05], &number, end].concat();
        if let Some(entry) = only(&bytes, at) {
            outcomes += 1;
            assert_eq!(told_again(&entry), bytes, "{entry:?}");
        }
    }
    println!("{effects} effects, {claims} claims, {outcomes} outcomes");
    assert!(effects > 300, "{effects}");
    assert!(claims > 100, "{claims}");
    assert!(outcomes > 100, "{outcomes}");
}

fn told_again(entry: &Entry) -> Vec<u8> {
    let Entry::Told {
        now, fact, outcome, ..
    } = *entry
    else {
        panic!("not told: {entry:?}");
    };
    let event = fact.event(0, &mut []).expect("no bytes");
    let (bytes, _) = written(256, |latch, recorder| {
        recorder.told(latch, now, &event, outcome);
    });
    bytes
}

/// A fact has as many fields as its kind says, each in its range.
#[test]
fn what_fields_mean_is_written_as_those_fields() {
    let (claim, _) = written(256, |latch, recorder| {
        recorder.claimed(
            latch,
            Now::monotonic(0),
            Waiter::from_u32(1),
            Err(PermitError::NotReady),
        );
    });
    let (begin, _) = written(256, |_, _| {});
    let at = begin.len();
    let end = &claim[at + 5..];
    let values = [
        0,
        1,
        2,
        3,
        8,
        9,
        24,
        0xffff,
        0x1_0000,
        0xffff_ffff,
        1 << 32,
        1 << 33,
    ];
    let (mut good, mut bad) = (0, 0);
    let mut check = |kind: u64, fields: &[u64]| {
        let mut fact = head(0x80, fields.len() as u64 + 1);
        fact.extend(head(0, kind));
        for field in fields {
            fact.extend(head(0, *field));
        }
        let bytes = [&begin[..], &[0x86, 0x00, 0xf6], &fact, &[0x00], end].concat();
        // Too many fields may be read as the outcome and the state; then something is left over.
        let read = entries(&bytes);
        match read[..] {
            [Ok(entry)] => {
                good += 1;
                assert_eq!(told_again(&entry), bytes, "{kind} {fields:?}");
            }
            [Err(RecordingError::Damaged(damaged))] => {
                bad += 1;
                assert_eq!(damaged, at);
            }
            _ => panic!("{kind} {fields:?}: {read:?}"),
        }
    };
    for kind in 0..26 {
        check(kind, &[]);
        for first in values {
            check(kind, &[first]);
            for second in values {
                check(kind, &[first, second]);
                for third in values {
                    check(kind, &[first, second, third]);
                }
            }
        }
        check(kind, &[0, 0, 0, 0]);
    }
    println!("{good} good, {bad} bad");
    assert!(good > 500, "{good}");
    assert!(bad > 10_000, "{bad}");
}

/// A place for so much text and no more.
struct Room {
    text: String,
    room: usize,
}

impl core::fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if self.text.len() + text.len() > self.room {
            return Err(core::fmt::Error);
        }
        self.text.push_str(text);
        Ok(())
    }
}

/// What a tool prints of a fact: all of it, or the error of the writer that could not take all of it.
#[test]
fn a_fact_is_told_in_words_and_without_secrets() {
    let (_, read) = all();
    let mut lines = Vec::new();
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let line = fact.to_string();
        for room in 0..line.len() {
            let text = String::new();
            let mut place = Room { text, room };
            assert!(write!(place, "{fact}").is_err(), "{line}");
            assert!(line.starts_with(&place.text));
        }
        lines.push(line);
    }
    for secret in ["-token", "anna", "openid", "undefined", "bearer"] {
        assert!(!lines.iter().any(|line| line.contains(secret)), "{secret}");
    }
    for line in [
        "Granted #3 access 15/0 refresh 15/1 scope 14/0 subject 16/0 app 4/0 for 3600000 ms",
        "Granted #3 access 13/0 until 1700000900000",
        "Granted #3 access 0/0 refresh 7/0 app 1/0",
        "Granted #3 access 0/0",
        "Loaded #3 nothing",
        "Loaded #3 Truncated",
        "Loaded #3 1.0 access 15/0 refresh 15/1 scope 14/0 subject 16/0 app 4/0",
        "Loaded #3 2.0 tombstone",
        "Probed #4294967294 Unreachable",
        "TokenFailed #4294967294 RateLimited, again after 0 s",
        "TokenFailed #4294967294 Unusable(Lifetime)",
        "AccessRequested 1048576",
        "AccessRequested 1048576 public",
        "AccessRequested 1048576 again after 0xfffffffffffffffc",
        "Answered 0xfffffffffffffffc 401 invalid_token",
        "WaiterCancelled 1048576",
    ] {
        assert!(lines.iter().any(|told| told == line), "{line}\n{lines:#?}");
    }
}

/// The order that a fact answers and the receipt that it brings back can be put in place of others; it is the same
/// fact otherwise.
#[test]
fn a_fact_is_told_of_another_order_or_answer() {
    let (_, read) = all();
    let (ticket, receipt) = (Ticket::from_u32(41), Receipt::from_u64(43));
    let (mut tickets, mut receipts) = (0, 0);
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let other = fact.with_ticket(ticket);
        assert_eq!(other.kind(), fact.kind());
        match fact.ticket() {
            Some(old) => {
                tickets += 1;
                assert_eq!(other.ticket(), Some(ticket));
                assert_eq!(other.with_ticket(old), *fact);
            }
            None => assert_eq!(other, *fact),
        }
        let other = fact.with_receipt(receipt);
        match fact.receipt() {
            Some(old) => {
                receipts += 1;
                assert_eq!(other.receipt(), Some(receipt));
                assert_eq!(other.with_receipt(old), *fact);
            }
            None => assert_eq!(other, *fact),
        }
    }
    assert!(tickets > 60, "{tickets}");
    assert_eq!(receipts, 10, "a retry, and the answers");
}

/// A secret may be named anew, at another length; what is told by its length alone stays.
#[test]
fn a_fact_is_told_with_other_secrets() {
    let (_, read) = all();
    let mut scratch = [0; scratch_capacity(CAPACITY)];
    let mut changed = 0;
    for entry in &read {
        let Entry::Told { fact, .. } = entry else {
            continue;
        };
        let other = fact.renamed(|redacted| redacted.renamed(9, 40_000));
        assert_eq!(fact.renamed(|redacted| redacted), *fact);
        let event = other.event(CAPACITY, &mut scratch);
        let Some(Event::Granted { grant, .. }) = event else {
            continue;
        };
        let texts = [
            Some(grant.access_token.as_bytes()),
            grant.refresh_token.map(str::as_bytes),
            grant.app_data,
        ];
        for text in texts.into_iter().flatten() {
            changed += 1;
            assert!([0, 9].contains(&text.len()), "{text:?}");
        }
    }
    assert!(changed > 8, "{changed}");
}

/// What a latch of this capacity can't hold it finds corrupt, and that is what is recorded.
#[test]
fn a_record_of_a_larger_latch_is_recorded_as_corrupt() {
    let long = "x".repeat(CAPACITY + 1);
    let [record, _] = records::<128>(Grant::new(&long));
    let ticket = Ticket::from_u32(3);
    let record = Some(&record[..]);
    let (bytes, _) = written(1_024, |latch, recorder| {
        let event = Event::Loaded { ticket, record };
        recorder.told(latch, Now::monotonic(0), &event, Ok(Outcome::Stale));
    });
    let [Ok(Entry::Told { fact, .. })] = entries(&bytes)[..] else {
        panic!("not told: {:?}", entries(&bytes));
    };
    assert_eq!(fact.to_string(), "Loaded #3 Content");
}
