//! What must hold for any bytes in the store. Shared by the fuzz target and the tests.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use tokenlatch::promises::Checked;
use tokenlatch::{
    Access, Config, Confirmation, Corrupt, Effect, Event, Generation, Latch, LeaseMode, Now,
    Outcome, PermitError, State, StoreContent, Ticket, Waiter, inspect,
};

/// Room for a token in the latches here; a record may have more.
const TOKEN: usize = 64;

type Small = Checked<TOKEN, 2>;

/// A little after the golden vectors were written.
const WALL: u64 = 1_700_000_002_000;

const WAITER: Waiter = Waiter::from_u32(1);

/// Bytes with the checksum that belongs to them: what a bug or another program may have written.
pub(crate) fn seal(content: &[u8]) -> Vec<u8> {
    let mut register = u32::MAX;
    for byte in content {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = register & 1;
            register = (register >> 1) ^ (0xedb8_8320 * carry);
        }
    }
    [content, &(!register).to_le_bytes()].concat()
}

/// The input is what the store holds. With a checksum that fits it is tried too, since no fuzzer finds one.
pub(crate) fn check(data: &[u8]) {
    check_bytes(data);
    let content = match data.split_last_chunk::<4>() {
        Some((content, _)) if content.starts_with(b"TL") => content.to_vec(),
        _ => [b"TL\x01", data].concat(),
    };
    check_bytes(&seal(&content));
}

fn check_bytes(data: &[u8]) {
    let mut probed = Config::new();
    probed.confirmation = Confirmation::Probed;
    let mut shared = Config::new();
    shared.lease = LeaseMode::Host;
    for config in [Config::new(), probed, shared] {
        for wall in [Some(WALL), None] {
            check_load(config, wall, data);
        }
    }
}

/// What a context does with the bytes that it finds when it opens.
fn check_load(config: Config, wall: Option<u64>, data: &[u8]) {
    let mut context = Context::new(config, wall);
    context.tell(Event::AccessRequested {
        waiter: WAITER,
        access: Access::First,
    });
    context.tell(Event::Opened);
    let ticket = context.load.take().expect("the first order is a load");
    let record = Some(data);
    assert_eq!(
        context.tell(Event::Loaded { ticket, record }),
        Outcome::Done
    );
    let latch = context.latch.latch();
    let generation = latch.generation();
    match inspect(data) {
        StoreContent::Absent => {
            assert!(data.is_empty());
            check_nobody(latch, Generation::default(), None);
        }
        StoreContent::Corrupt(corrupt) => {
            check_nobody(latch, Generation::default(), Some(corrupt));
        }
        StoreContent::Tombstone(tombstone) => check_nobody(latch, tombstone, None),
        StoreContent::Session(_) if latch.corrupt().is_some() => {
            // A record, but none for a latch of this size.
            check_nobody(latch, Generation::default(), Some(Corrupt::Content));
        }
        StoreContent::Session(session) => {
            assert_eq!(generation, session);
            assert_ne!(latch.state(), State::Unauthenticated);
        }
    }
    check_secrets(&mut context);
    if generation == Generation::default() {
        return;
    }
    // Written again, it is the same credential.
    let written = context.store();
    assert_eq!(inspect(&written), inspect(data));
    let mut again = Context::new(config, wall);
    again.tell(Event::Opened);
    let ticket = again.load.take().expect("the first order is a load");
    again.tell(Event::Loaded {
        ticket,
        record: Some(&written),
    });
    let (latch, again) = (context.latch.latch(), again.latch.latch());
    assert_eq!(again.corrupt(), None);
    assert_eq!(again.generation(), generation);
    assert_eq!(again.subject(), latch.subject());
    assert_eq!(again.scope(), latch.scope());
    assert_eq!(again.app_data(), latch.app_data());
    assert_eq!(again.expires_at(), latch.expires_at());
}

/// Nothing of a session is there.
fn check_nobody(latch: &Latch<TOKEN, 2>, generation: Generation, corrupt: Option<Corrupt>) {
    assert_eq!(latch.state(), State::Unauthenticated);
    assert_eq!(latch.generation(), generation);
    assert_eq!(latch.corrupt(), corrupt);
    assert_eq!((latch.subject(), latch.scope()), (None, None));
    assert_eq!((latch.app_data(), latch.expires_at()), (None, None));
    assert!(!latch.is_volatile());
}

/// No token can be read but through a permit, and there is one only in Ready.
fn check_secrets(context: &mut Context) {
    let latch = context.latch.latch();
    let state = latch.state();
    for ticket in (0..16).map(Ticket::from_u32) {
        assert_eq!(latch.refresh_token(ticket), None);
        assert_eq!(latch.revocation(ticket), None);
        if let Ok(permit) = latch.probe_permit(ticket) {
            assert_eq!(state, State::Pending);
            assert!(!permit.token().is_empty());
        }
    }
    let now = context.now;
    let permit = context
        .latch
        .permit(now, WAITER)
        .unwrap_or_else(|broken| panic!("{broken}"));
    match permit {
        Ok(permit) => {
            assert_eq!(state, State::Ready);
            assert!(!permit.token().is_empty());
        }
        Err(PermitError::NotReady) => assert_ne!(state, State::Ready),
        Err(_) => assert_eq!(state, State::Expired),
    }
}

/// One latch and the newest orders that it gave.
struct Context {
    latch: Small,
    now: Now,
    load: Option<Ticket>,
    store: Option<Ticket>,
    lease: Option<Ticket>,
    probe: Option<Ticket>,
}

impl Context {
    fn new(config: Config, wall: Option<u64>) -> Self {
        let mut now = Now::monotonic(10);
        now.wall = wall;
        Self {
            latch: Checked::new(config, 7).expect("a config that works"),
            now,
            load: None,
            store: None,
            lease: None,
            probe: None,
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Outcome {
        let outcome = self
            .latch
            .handle(self.now, event)
            .unwrap_or_else(|broken| panic!("{broken}"))
            .expect("an event that fits");
        while let Some(effect) = self
            .latch
            .poll_effect()
            .unwrap_or_else(|broken| panic!("{broken}"))
        {
            match effect {
                Effect::Load { ticket } => self.load = Some(ticket),
                Effect::Store { ticket } => self.store = Some(ticket),
                Effect::AcquireLease { ticket } => self.lease = Some(ticket),
                Effect::Probe { ticket } => self.probe = Some(ticket),
                _ => {}
            }
        }
        outcome
    }

    /// What the latch writes once it finds that the store has lost everything.
    fn store(&mut self) -> Vec<u8> {
        self.tell(Event::StoreChanged);
        for _ in 0..16 {
            if let Some(ticket) = self.store.take() {
                let mut buffer = [0; Latch::<TOKEN, 2>::RECORD_CAPACITY];
                let length = self
                    .latch
                    .latch()
                    .record(ticket, &mut buffer)
                    .expect("the buffer is large enough");
                return buffer.get(..length).expect("the length fits").to_vec();
            }
            if let Some(ticket) = self.probe.take() {
                let result = tokenlatch::ProbeResult::Accepted;
                self.tell(Event::Probed { ticket, result });
            } else if let Some(ticket) = self.lease.take() {
                self.tell(Event::LeaseGranted { ticket });
            } else if let Some(ticket) = self.load.take() {
                self.tell(Event::Loaded {
                    ticket,
                    record: None,
                });
            }
        }
        panic!("nothing was written: {:?}", self.latch);
    }
}
