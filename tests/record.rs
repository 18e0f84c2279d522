//! The stored form.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

#[path = "fuzz_props/record.rs"]
mod props;

use props::seal;
use tokenlatch::promises::Checked;
use tokenlatch::{
    Access, Config, Confirmation, Corrupt, Effect, Event, Expiry, Generation, Grant, Latch, Now,
    Outcome, RecordError, Rejected, State, StoreContent, Ticket, TokenType, Waiter, inspect,
};

const EPOCH: u64 = 1_700_000_000_000;

/// One latch, its host, and the newest orders.
struct Context<const T: usize> {
    latch: Checked<T, 2>,
    now: Now,
    load: Option<Ticket>,
    store: Option<Ticket>,
    exchange: Option<Ticket>,
}

impl<const T: usize> Context<T> {
    fn new(now: Now) -> Self {
        Self::with(Config::new(), now)
    }

    fn with(config: Config, now: Now) -> Self {
        Self {
            latch: Checked::new(config, 1).expect("a config that works"),
            now,
            load: None,
            store: None,
            exchange: None,
        }
    }

    fn try_tell(&mut self, event: Event<'_>) -> Result<Outcome, Rejected> {
        let outcome = self
            .latch
            .handle(self.now, event)
            .unwrap_or_else(|broken| panic!("{broken}"));
        while let Some(effect) = self
            .latch
            .poll_effect()
            .unwrap_or_else(|broken| panic!("{broken}"))
        {
            match effect {
                Effect::Load { ticket } => self.load = Some(ticket),
                Effect::Store { ticket } => self.store = Some(ticket),
                Effect::SendTokenRequest { ticket, .. } => self.exchange = Some(ticket),
                _ => {}
            }
        }
        outcome
    }

    fn tell(&mut self, event: Event<'_>) -> Outcome {
        self.try_tell(event).expect("an event that fits")
    }

    fn latch(&self) -> &Latch<T, 2> {
        self.latch.latch()
    }

    fn load(&mut self, record: Option<&[u8]>) {
        let ticket = self.load.take().expect("a load order");
        self.tell(Event::Loaded { ticket, record });
    }

    /// A context that opens and finds this.
    fn opened(now: Now, record: &[u8]) -> Self {
        let mut context = Self::new(now);
        context.tell(Event::Opened);
        context.load(Some(record));
        context
    }

    /// Shows it a store that holds this until it writes.
    fn orders_store(&mut self, held: Option<&[u8]>) -> Ticket {
        while self.store.is_none() {
            self.load(held);
        }
        self.store.expect("a store order")
    }

    fn written(&mut self, held: Option<&[u8]>) -> Vec<u8> {
        let ticket = self.orders_store(held);
        let mut buffer = vec![0; Latch::<T, 2>::RECORD_CAPACITY];
        let length = self
            .latch()
            .record(ticket, &mut buffer)
            .expect("it fits RECORD_CAPACITY");
        buffer.truncate(length);
        buffer
    }

    fn stored(&mut self) {
        let ticket = self.store.take().expect("a store order");
        self.tell(Event::Stored { ticket });
    }

    /// Opens on an empty store, logs in; the record that is to be stored.
    fn signed_in(now: Now, grant: Grant<'_>) -> (Self, Vec<u8>) {
        let mut context = Self::new(now);
        context.tell(Event::Opened);
        context.load(None);
        let Outcome::Login(ticket) = context.tell(Event::LoginStarted) else {
            panic!("no login");
        };
        context.now = later(now, 250);
        context.tell(Event::Granted { ticket, grant });
        let record = context.written(None);
        (context, record)
    }

    /// What it writes when the store has lost everything.
    fn written_again(&mut self) -> Vec<u8> {
        self.tell(Event::StoreChanged);
        self.written(None)
    }

    /// The token that a request leaves with.
    fn token(&mut self) -> Option<(String, TokenType)> {
        let waiter = Waiter::from_u32(1);
        self.tell(Event::AccessRequested {
            waiter,
            access: Access::First,
        });
        let permit = self
            .latch
            .permit(self.now, waiter)
            .unwrap_or_else(|broken| panic!("{broken}"))
            .ok()?;
        Some((permit.token().to_owned(), permit.token_type()))
    }
}

fn later(now: Now, millis: u64) -> Now {
    let mut later = Now::monotonic(now.monotonic.as_millis() + millis);
    later.wall = now.wall.map(|wall| wall + millis);
    later
}

/// A new start of the host, `millis` after the epoch of the golden vectors.
fn restart(millis: u64) -> Now {
    Now::new(5, EPOCH + millis)
}

fn full_grant() -> Grant<'static> {
    let mut grant = Grant::new("access-1");
    grant.refresh_token = Some("refresh-1");
    grant.expiry = Expiry::In(3_600_000);
    grant.token_type = TokenType::Dpop;
    grant.scope = Some("read write");
    grant.subject = Some("user-42");
    grant.app_data = Some(&[0, 1, 0xff]);
    grant
}

/// Vectors of version 1 by name, from `tests/golden/record-v1.hex`.
fn golden(name: &str) -> Vec<u8> {
    vectors()
        .into_iter()
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("no vector {name}"))
        .1
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let mut vectors: Vec<(String, Vec<u8>)> = Vec::new();
    for line in include_str!("golden/record-v1.hex").lines() {
        if let Some(name) = line.strip_prefix("== ") {
            vectors.push((name.to_owned(), Vec::new()));
            continue;
        }
        let code = line.split('#').next().unwrap_or_default();
        for byte in code.split_whitespace() {
            let byte = u8::from_str_radix(byte, 16).expect("two hex digits");
            vectors.last_mut().expect("a name comes first").1.push(byte);
        }
    }
    vectors
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

/// Each vector, written through the public API.
fn written_now() -> [(&'static str, Vec<u8>); 5] {
    let (mut full, live_full) =
        Context::<64>::signed_in(Now::new(1_000, EPOCH + 1_000), full_grant());
    full.stored();
    let (_, live_minimal) = Context::<64>::signed_in(Now::monotonic(0), Grant::new("a"));

    let mut renewing = Context::<64>::opened(restart(1_500), &live_full);
    renewing.tell(Event::RefreshRequested);
    let marked = renewing.written(Some(&live_full));
    renewing.stored();
    let ticket = renewing.exchange.take().expect("a token request");
    let mut grant = Grant::new("access-2");
    grant.refresh_token = Some("refresh-2");
    grant.expiry = Expiry::In(3_600_000);
    renewing.now = later(renewing.now, 100);
    renewing.tell(Event::Granted { ticket, grant });
    let renewed = renewing.written(Some(&marked));

    full.tell(Event::LogoutRequested);
    let tombstone = full.written(Some(&live_full));
    [
        ("live full", live_full),
        ("live minimal", live_minimal),
        ("marked as sent", marked),
        ("renewed", renewed),
        ("tombstone", tombstone),
    ]
}

// promises: P12
#[test]
fn version_1_is_written_as_it_always_was() {
    let written = written_now();
    for (name, record) in &written {
        assert_eq!(hex(record), hex(&golden(name)), "{name}");
    }
    assert_eq!(vectors().len(), written.len());
}

// promises: P12
#[test]
fn version_1_is_read_as_it_always_was() {
    assert_eq!(
        inspect(&golden("live full")),
        StoreContent::Session(Generation::new(1, 0))
    );
    let mut context = Context::<64>::opened(restart(2_000), &golden("live full"));
    assert_eq!(context.latch().state(), State::Ready);
    assert_eq!(context.latch().generation(), Generation::new(1, 0));
    assert_eq!(context.latch().corrupt(), None);
    assert_eq!(context.latch().subject(), Some("user-42"));
    assert_eq!(context.latch().scope(), Some("read write"));
    assert_eq!(context.latch().app_data(), Some(&[0, 1, 0xff][..]));
    // Its request left a second after the epoch, and it lives for an hour.
    let left = 3_600_000 - 1_000;
    let expires_at = context.latch().expires_at().map(|at| at.as_millis());
    assert_eq!(expires_at, Some(5 + left));
    assert_eq!(
        context.token(),
        Some(("access-1".to_owned(), TokenType::Dpop))
    );
    context.tell(Event::RefreshRequested);
    context.orders_store(Some(&golden("live full")));
    context.stored();
    let exchange = context.exchange.expect("a token request");
    assert_eq!(context.latch().refresh_token(exchange), Some("refresh-1"));

    let mut context = Context::<64>::opened(restart(2_000), &golden("live minimal"));
    assert_eq!(context.latch().state(), State::Ready);
    assert_eq!(context.latch().generation(), Generation::new(1, 0));
    assert_eq!(context.latch().subject(), None);
    assert_eq!(context.latch().scope(), None);
    assert_eq!(context.latch().app_data(), Some(&[][..]));
    assert_eq!(context.latch().expires_at(), None);
    assert_eq!(context.token(), Some(("a".to_owned(), TokenType::Bearer)));
    assert_eq!(
        context.try_tell(Event::RefreshRequested),
        Err(Rejected::NoSession)
    );

    let mut context = Context::<64>::opened(restart(2_000), &golden("renewed"));
    assert_eq!(context.latch().generation(), Generation::new(1, 1));
    assert_eq!(context.latch().subject(), Some("user-42"));
    assert_eq!(
        context.token(),
        Some(("access-2".to_owned(), TokenType::Bearer))
    );

    assert_eq!(
        inspect(&golden("tombstone")),
        StoreContent::Tombstone(Generation::new(2, 0))
    );
    let mut context = Context::<64>::opened(restart(2_000), &golden("tombstone"));
    assert_eq!(context.latch().state(), State::Unauthenticated);
    assert_eq!(context.latch().generation(), Generation::new(2, 0));
    assert_eq!(context.token(), None);
}

/// The mark tells the next start that an answer may have been lost: sent again inside the grace, never outside.
// promises: P11, P12
#[test]
fn the_mark_of_a_refresh_token_that_was_sent_is_read() {
    let marked = golden("marked as sent");
    let config = Config::new();
    // It was sent 1.5 s after the epoch.
    let grace = 1_500 + u64::from(config.reuse_grace_ms);
    let mut context = Context::<64>::opened(restart(grace - 1), &marked);
    assert_eq!(context.latch().state(), State::Ready);
    context.tell(Event::RefreshRequested);
    context.orders_store(Some(&marked));
    context.stored();
    let exchange = context.exchange.expect("a token request");
    assert_eq!(context.latch().refresh_token(exchange), Some("refresh-1"));

    let mut context = Context::<64>::opened(restart(grace), &marked);
    assert_eq!(context.latch().state(), State::Ready);
    assert_eq!(
        context.try_tell(Event::RefreshRequested),
        Err(Rejected::NoSession)
    );
}

/// The budget goes with the record: a reload does not refill it.
// promises: P10
#[test]
fn what_was_spent_is_in_the_record() {
    let mut record = golden("live full");
    let mut sent = 0;
    // The same record, marked again by one start after the other, none of which gets an answer.
    for _ in 0..20 {
        let mut context = Context::<64>::opened(restart(2_000), &record);
        if context.try_tell(Event::RefreshRequested).is_err() {
            break;
        }
        record = context.written(Some(&record));
        sent += 1;
    }
    assert!((1..=10).contains(&sent), "{sent}");
}

// promises: P12
#[test]
fn s87_a_record_written_read_and_written_again_is_identical() {
    for (name, written_at) in [
        ("live full", Some(1_250)),
        ("live minimal", None),
        ("marked as sent", Some(1_500)),
        ("renewed", Some(1_600)),
        ("tombstone", Some(1_250)),
    ] {
        let mut now = Now::monotonic(77);
        now.wall = written_at.map(|millis| EPOCH + millis);
        let record = golden(name);
        let mut context = Context::<64>::opened(now, &record);
        assert_eq!(hex(&context.written_again()), hex(&record), "{name}");
    }
}

// promises: P12
#[test]
fn the_same_content_gives_the_same_bytes() {
    for (name, record) in written_now() {
        let again = written_now();
        let again = again.iter().find(|(known, _)| *known == name);
        assert_eq!(again.map(|(_, record)| record), Some(&record));
    }
    let (context, record) = Context::<64>::signed_in(restart(0), full_grant());
    let mut twice = vec![0xaa; Latch::<64, 2>::RECORD_CAPACITY];
    let ticket = context.store.expect("a store order");
    let length = context.latch().record(ticket, &mut twice);
    assert_eq!(length, Ok(record.len()));
    assert_eq!(twice[..record.len()], record);
}

/// What a latch makes of bytes that are no record: nothing, and it says why.
fn assert_not_used(bytes: &[u8]) {
    let context = Context::<64>::opened(restart(2_000), bytes);
    let latch = context.latch();
    let expected = match inspect(bytes) {
        StoreContent::Absent => {
            assert!(bytes.is_empty());
            None
        }
        StoreContent::Corrupt(corrupt) => Some(corrupt),
        content => panic!("{content:?}: {}", hex(bytes)),
    };
    assert_eq!(latch.corrupt(), expected);
    assert_eq!(latch.state(), State::Unauthenticated);
    assert_eq!(latch.generation(), Generation::default());
    assert_eq!((latch.subject(), latch.app_data()), (None, None));
}

// promises: P12
#[test]
fn no_truncated_record_is_used() {
    for (_, record) in vectors() {
        for length in 0..record.len() {
            assert_not_used(&record[..length]);
        }
    }
}

// promises: P12
#[test]
fn no_record_with_a_changed_byte_is_used() {
    for (_, record) in vectors() {
        for index in 0..record.len() {
            for change in 1..=255 {
                let mut changed = record.clone();
                changed[index] ^= change;
                // The eight single flipped bits are looked at through a latch.
                if change.is_power_of_two() {
                    assert_not_used(&changed);
                }
                assert!(matches!(inspect(&changed), StoreContent::Corrupt(_)));
            }
        }
    }
}

// promises: P12
#[test]
fn no_record_with_bytes_before_or_after_it_is_used() {
    for (_, record) in vectors() {
        for byte in 0..=255 {
            assert_not_used(&[&record[..], &[byte]].concat());
            assert_not_used(&[&[byte], &record[..]].concat());
        }
        assert_not_used(&record.repeat(2));
        assert_not_used(&vec![0; record.len()]);
        assert_not_used(&vec![0xff; record.len()]);
    }
}

/// Power fails while a record is written over another one, in one slot, byte by byte.
// promises: P12
#[test]
fn a_torn_write_is_the_old_record_the_new_one_or_none() {
    for (_, old) in vectors() {
        for (_, new) in vectors() {
            for written in 0..=old.len().max(new.len()) {
                let head = &new[..written.min(new.len())];
                let tail = old.get(head.len()..).unwrap_or_default();
                let longest = [head, tail].concat();
                for torn in [head, &longest, &longest[..new.len().min(longest.len())]] {
                    if torn != old && torn != new {
                        assert_not_used(torn);
                    }
                }
            }
        }
    }
}

// promises: P12
#[test]
fn each_kind_of_damage_has_its_reason() {
    let record = golden("live full");
    let corrupt = |bytes: &[u8]| match inspect(bytes) {
        StoreContent::Corrupt(corrupt) => corrupt,
        content => panic!("{content:?}"),
    };
    assert_eq!(inspect(b""), StoreContent::Absent);
    assert_eq!(corrupt(b"TL"), Corrupt::Truncated);
    assert_eq!(corrupt(b"TL\x01\x91"), Corrupt::Truncated);
    assert_eq!(corrupt(b"{\"token\":1}"), Corrupt::Magic);
    assert_eq!(corrupt(&record[..record.len() - 1]), Corrupt::Checksum);
    assert_eq!(corrupt(&seal(b"TL\x01")), Corrupt::Content);
    let mut flipped = record;
    flipped[20] ^= 1;
    assert_eq!(corrupt(&flipped), Corrupt::Checksum);
}

// promises: P11, P12
#[test]
fn a_later_version_is_left_alone_and_so_is_the_session() {
    let record = golden("live full");
    for version in (0..=255_u8).filter(|version| *version != 1) {
        let mut later = record.clone();
        later[2] = version;
        let later = [later, seal(&[b'T', b'L', version, 0x80])];
        for bytes in later {
            assert_eq!(inspect(&bytes), StoreContent::Corrupt(Corrupt::Version));
            assert_not_used(&bytes);
            let mut context = Context::<64>::opened(restart(2_000), &record);
            context.tell(Event::StoreChanged);
            assert_eq!(context.latch().state(), State::Pending);
            context.load(Some(&bytes));
            assert_eq!(context.latch().state(), State::Ready);
            assert_eq!(context.latch().corrupt(), Some(Corrupt::Version));
            assert_eq!(context.latch().generation(), Generation::new(1, 0));
            assert_eq!(context.latch().subject(), Some("user-42"));
        }
    }
}

/// Fields of version 1.
const LIVE: u64 = 18;
const TOMBSTONE: u64 = 7;

/// A record by hand, field by field, as it may stand in a store that a latch did not write.
struct Hand {
    live: bool,
    counters: [u64; 4],
    times: [u64; 4],
    sent: bool,
    sent_wall: u64,
    kinds: [u64; 2],
    texts: [Vec<u8>; 4],
    app_data: Vec<u8>,
}

impl Hand {
    fn new() -> Self {
        Self {
            live: true,
            counters: [1, 0, 7, 8],
            times: [EPOCH, 0, 0, 0],
            sent: false,
            sent_wall: 0,
            kinds: [0, 0],
            texts: [b"a".to_vec(), vec![], vec![], vec![]],
            app_data: vec![],
        }
    }

    /// CBOR's initial byte and the number after it (RFC 8949 3), as short as may be.
    fn head(bytes: &mut Vec<u8>, major: u8, value: u64) {
        let (size, info) = match value {
            0..24 => (0, value.to_be_bytes()[7]),
            24..0x100 => (1, 24),
            0x100..0x1_0000 => (2, 25),
            0x1_0000..0x1_0000_0000 => (4, 26),
            _ => (8, 27),
        };
        bytes.push((major << 5) | info);
        bytes.extend(&value.to_be_bytes()[8 - size..]);
    }

    fn write(&self, fields: u64) -> Vec<u8> {
        let mut bytes = b"TL\x01".to_vec();
        Self::head(&mut bytes, 4, fields);
        bytes.push(0xf4 | u8::from(self.live));
        for number in self.counters.iter().chain(&self.times[..2]) {
            Self::head(&mut bytes, 0, *number);
        }
        if self.live {
            for number in &self.times[2..] {
                Self::head(&mut bytes, 0, *number);
            }
            bytes.push(0xf4 | u8::from(self.sent));
            for number in [self.sent_wall].iter().chain(&self.kinds) {
                Self::head(&mut bytes, 0, *number);
            }
            for text in &self.texts {
                Self::head(&mut bytes, 3, text.len() as u64);
                bytes.extend(text);
            }
            Self::head(&mut bytes, 2, self.app_data.len() as u64);
            bytes.extend(&self.app_data);
        }
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        seal(&self.write(if self.live { LIVE } else { TOMBSTONE }))
    }
}

fn by_hand(change: impl FnOnce(&mut Hand)) -> Vec<u8> {
    let mut hand = Hand::new();
    change(&mut hand);
    hand.bytes()
}

// promises: P12
#[test]
fn a_record_by_hand_is_read_when_its_content_fits() {
    let session = |sign_in| StoreContent::Session(Generation::new(sign_in, 0));
    assert_eq!(inspect(&Hand::new().bytes()), session(1));
    let most = u32::MAX / 2;
    let bytes = by_hand(|hand| hand.counters = [most.into(), 0, u32::MAX.into(), u32::MAX.into()]);
    assert_eq!(inspect(&bytes), session(most));
    let bytes = by_hand(|hand| hand.live = false);
    assert_eq!(
        inspect(&bytes),
        StoreContent::Tombstone(Generation::new(1, 0))
    );
}

// promises: P12
#[test]
fn a_record_with_more_or_fewer_fields_is_corrupt() {
    for fields in [0, TOMBSTONE, LIVE - 1, LIVE + 1] {
        let bytes = seal(&Hand::new().write(fields));
        assert_eq!(inspect(&bytes), StoreContent::Corrupt(Corrupt::Content));
    }
}

// promises: P12
#[test]
fn content_that_no_latch_writes_is_corrupt() {
    let over = u64::from(u32::MAX / 2) + 1;
    let cases: [(&str, Vec<u8>); 15] = [
        ("sign-ins", by_hand(|hand| hand.counters[0] = over)),
        ("serials", by_hand(|hand| hand.counters[1] = over)),
        (
            "sign-ins of 64 bits",
            by_hand(|hand| hand.counters[0] = 1 << 32),
        ),
        (
            "nonce of 64 bits",
            by_hand(|hand| hand.counters[3] = 1 << 32),
        ),
        ("rotation", by_hand(|hand| hand.kinds[0] = 3)),
        ("token type", by_hand(|hand| hand.kinds[1] = 2)),
        ("UTF-8", by_hand(|hand| hand.texts[3] = vec![0xff])),
        ("too few fields", seal(&Hand::new().write(LIVE - 1))),
        ("too many fields", seal(&Hand::new().write(LIVE + 1))),
        ("fields of a tombstone", seal(&Hand::new().write(TOMBSTONE))),
        ("bytes after the array", {
            let mut bytes = Hand::new().write(LIVE);
            bytes.push(0);
            seal(&bytes)
        }),
        ("cut inside", {
            let bytes = Hand::new().write(LIVE);
            seal(&bytes[..bytes.len() - 1])
        }),
        ("another type", seal(b"TL\x01\xa0")),
        ("an endless array", {
            let mut bytes = Hand::new().write(LIVE);
            bytes[3] = 0x9f; // CBOR's array without a length
            bytes.push(0xff);
            seal(&bytes)
        }),
        ("a sign-in that is longer than need be", {
            let mut bytes = Hand::new().write(LIVE);
            bytes.splice(5..6, [0x18, 1]);
            seal(&bytes)
        }),
    ];
    for (name, bytes) in cases {
        assert_eq!(
            inspect(&bytes),
            StoreContent::Corrupt(Corrupt::Content),
            "{name}"
        );
        assert_not_used(&bytes);
    }
}

/// They are records, but the latch could not have taken such a token from a grant either.
// promises: P12
#[test]
fn a_record_with_a_token_that_no_grant_may_have_is_corrupt() {
    for token in [
        "",
        "undefined",
        "null",
        "\"a\"",
        "Bearer a",
        "a b",
        "a\n",
        "é",
    ] {
        let bytes = by_hand(|hand| hand.texts[0] = token.as_bytes().to_vec());
        let context = Context::<64>::opened(restart(0), &bytes);
        assert_eq!(context.latch().corrupt(), Some(Corrupt::Content), "{token}");
        assert_eq!(context.latch().state(), State::Unauthenticated);
        assert_eq!(context.latch().generation(), Generation::default());
    }
}

// promises: P12
#[test]
fn a_record_of_a_larger_latch_is_corrupt_for_a_smaller_one() {
    let access = |length: usize| by_hand(|hand: &mut Hand| hand.texts[0] = vec![b'a'; length]);
    let rest = |length: usize| {
        by_hand(|hand: &mut Hand| {
            hand.texts[1] = vec![b'r'; length - 3];
            hand.texts[2] = b"s".to_vec();
            hand.texts[3] = b"u".to_vec();
            hand.app_data = vec![1];
        })
    };
    for fits in [access(16), rest(16)] {
        let context = Context::<16>::opened(restart(0), &fits);
        assert_eq!(context.latch().corrupt(), None);
        assert_eq!(context.latch().state(), State::Ready);
    }
    for too_long in [access(17), rest(17)] {
        assert!(matches!(inspect(&too_long), StoreContent::Session(_)));
        let context = Context::<16>::opened(restart(0), &too_long);
        assert_eq!(context.latch().corrupt(), Some(Corrupt::Content));
        assert_eq!(context.latch().state(), State::Unauthenticated);
        assert_eq!(context.latch().subject(), None);
    }
}

// promises: P12
#[test]
fn a_record_for_a_larger_latch_leaves_the_session_alone() {
    let mut context = Context::<16>::opened(restart(0), &Hand::new().bytes());
    let newer = by_hand(|hand| {
        hand.counters[0] = 9;
        hand.texts[0] = vec![b'a'; 17];
    });
    context.tell(Event::StoreChanged);
    context.load(Some(&newer));
    assert_eq!(context.latch().corrupt(), Some(Corrupt::Content));
    assert_eq!(context.latch().generation(), Generation::new(1, 0));
    assert_eq!(context.token(), Some(("a".to_owned(), TokenType::Bearer)));
}

// promises: P12, P14
#[test]
fn the_buffer_holds_all_or_nothing_is_written() {
    let (context, record) = Context::<64>::signed_in(restart(0), full_grant());
    let ticket = context.store.expect("a store order");
    for length in 0..record.len() {
        let mut buffer = vec![0; length];
        assert_eq!(
            context.latch().record(ticket, &mut buffer),
            Err(RecordError::BufferTooSmall)
        );
        assert!(!matches!(inspect(&buffer), StoreContent::Session(_)));
    }
    let mut buffer = vec![0; record.len()];
    assert_eq!(
        context.latch().record(ticket, &mut buffer),
        Ok(record.len())
    );
    assert_eq!(buffer, record);
}

/// The largest of everything at once.
fn largest<const T: usize>() -> usize {
    let most = u64::from(u32::MAX / 2);
    let bytes = by_hand(|hand| {
        hand.counters = [most, most, u32::MAX.into(), u32::MAX.into()];
        hand.times = [u64::MAX; 4];
        hand.sent = true;
        hand.sent_wall = u64::MAX;
        hand.kinds = [2, 1];
        let part = T / 4;
        hand.texts = [T, T - 3 * part, part, part].map(|length| vec![b'x'; length]);
        hand.app_data = vec![0xff; part];
    });
    assert!(matches!(inspect(&bytes), StoreContent::Session(_)));
    let mut context = Context::<T>::opened(Now::new(0, u64::MAX), &bytes);
    assert_eq!(context.latch().corrupt(), None);
    let written = context.written_again();
    assert!(matches!(inspect(&written), StoreContent::Session(_)));
    assert!(
        written.len() >= bytes.len() - 8,
        "only the debt may be less"
    );
    bytes.len().max(written.len())
}

// promises: P12
#[test]
fn record_capacity_is_enough_for_the_largest_content() {
    assert!(largest::<1>() <= Latch::<1, 2>::RECORD_CAPACITY);
    assert!(largest::<64>() <= Latch::<64, 2>::RECORD_CAPACITY);
    assert!(largest::<1024>() <= Latch::<1024, 2>::RECORD_CAPACITY);
    assert!(largest::<4096>() <= Latch::<4096, 2>::RECORD_CAPACITY);
}

// promises: P4, P12
#[test]
fn only_the_store_order_under_way_gives_a_record() {
    let (mut context, _) = Context::<64>::signed_in(restart(0), full_grant());
    let mut buffer = [0; Latch::<64, 2>::RECORD_CAPACITY];
    let ticket = context.store.expect("a store order");
    for other in (0..100).filter(|raw| *raw != ticket.as_u32()) {
        assert_eq!(
            context.latch().record(Ticket::from_u32(other), &mut buffer),
            Err(RecordError::Stale)
        );
    }
    assert!(context.latch().record(ticket, &mut buffer).is_ok());
    context.stored();
    assert_eq!(
        context.latch().record(ticket, &mut buffer),
        Err(RecordError::Stale)
    );
}

/// The store says "written" and keeps something else: the level "read back" notices.
// promises: P2, P12
#[test]
fn a_store_that_keeps_a_torn_record_is_noticed_when_it_is_read_back() {
    let mut config = Config::new();
    config.confirmation = Confirmation::ReadBack;
    let mut context = Context::<64>::with(config, restart(0));
    context.tell(Event::Opened);
    context.load(None);
    let Outcome::Login(ticket) = context.tell(Event::LoginStarted) else {
        panic!("no login");
    };
    let grant = full_grant();
    context.tell(Event::Granted { ticket, grant });
    for _ in 0..config.attempts {
        let record = context.written(None);
        context.stored();
        assert_eq!(context.latch().state(), State::Pending);
        context.load(Some(&record[..record.len() / 2]));
        assert_eq!(context.latch().corrupt(), Some(Corrupt::Checksum));
    }
    assert_eq!(context.latch().state(), State::Ready);
    assert!(context.latch().is_volatile());
}

#[test]
fn properties_hold_for_the_corpus() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/record");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).into_iter().flatten() {
        props::check(
            &std::fs::read(entry.expect("a readable folder").path()).expect("a readable file"),
        );
        count += 1;
    }
    assert!(count > 0, "no file in {corpus}");
}

/// The vectors with bytes changed, cut out and doubled, and the checksum put right again.
#[test]
fn properties_hold_for_generated_records() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % limit
    };
    let vectors = vectors();
    for _ in 0..3_000 {
        let mut bytes = vectors[next(vectors.len())].1.clone();
        for _ in 0..=next(3) {
            let (at, other) = (next(bytes.len()), next(bytes.len()));
            match next(4) {
                0 => bytes[at] = next(256).to_le_bytes()[0],
                1 => bytes[at] ^= 1 << next(8),
                2 => bytes.drain(at.min(other)..at.max(other)).for_each(drop),
                _ => bytes.insert(at, bytes[other]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        props::check(&bytes);
    }
}
