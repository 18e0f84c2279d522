//! One context, its buffer, and a host that carries orders out when the test says so.

use std::collections::VecDeque;

use tokenlatch::numbers::*;
use tokenlatch::wasm::Arguments;

/// Token bytes and waiting requests of the tests' context.
pub(crate) const TOKEN: usize = 64;
pub(crate) const WAITERS: usize = 3;

pub(crate) type Context = tokenlatch::wasm::Context<TOKEN, WAITERS>;

/// The wall clock when the monotonic one says 0.
pub(crate) const EPOCH: f64 = 1_700_000_000_000.0;

/// What an order's two numbers are before it is polled, to tell what was written.
pub(crate) const UNTOUCHED: [f64; 2] = [-7.0, -7.0];

/// An order: its kind, and its two numbers.
pub(crate) type Order = (u32, [f64; 2]);

pub(crate) struct Host {
    pub(crate) context: Context,
    pub(crate) now: f64,
    pub(crate) buffer: [u8; Context::BUFFER],
    /// Orders that were polled and not looked at yet.
    pub(crate) orders: VecDeque<Order>,
    /// What the store holds.
    pub(crate) cell: Option<Vec<u8>>,
    /// The newest order to acquire the lease.
    pub(crate) lease: f64,
}

impl Host {
    /// The defaults.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A configuration with these values at these places.
    #[track_caller]
    pub(crate) fn with(config: &[(u32, u32)]) -> Self {
        let mut host = Self {
            context: Context::default(),
            now: 1_000.0,
            buffer: [0; Context::BUFFER],
            orders: VecDeque::new(),
            cell: None,
            lease: 0.0,
        };
        for (key, value) in config {
            assert_eq!(host.context.configure(*key, *value), 0, "{key}: {value}");
        }
        assert_eq!(host.context.start(5, 0), 0);
        host
    }

    /// Everything that the host can see.
    pub(crate) fn seen(&self) -> String {
        let session = [4, 5, 6, 7].map(|what| self.read(what, 0.0));
        let timeout = self.context.timeout();
        format!("{:?} {timeout} {session:?}", self.context)
    }

    pub(crate) fn arguments(&self, kind: u32, id: f64, [a, b, c]: [f64; 3]) -> Arguments {
        let (monotonic, wall) = (self.now, EPOCH + self.now);
        Arguments {
            kind,
            monotonic,
            wall,
            id,
            a,
            b,
            c,
        }
    }

    /// Tells a fact, whatever stands in the buffer, and polls the orders. The number, and what was written.
    pub(crate) fn told(&mut self, told: Arguments) -> (i32, f64) {
        let mut out = UNTOUCHED[0];
        let number = self.context.handle(told, &self.buffer, &mut out);
        self.poll();
        (number, out)
    }

    /// A fact without bytes.
    #[track_caller]
    pub(crate) fn tell(&mut self, kind: u32, id: f64, numbers: [f64; 3]) -> i32 {
        let (number, out) = self.told(self.arguments(kind, id, numbers));
        assert_eq!(out, UNTOUCHED[0], "only a login's ticket is written");
        number
    }

    /// A fact that has an id and nothing else, or not even that.
    #[track_caller]
    pub(crate) fn plain(&mut self, kind: u32, id: f64) -> i32 {
        self.tell(kind, id, [0.0; 3])
    }

    /// A fact with bytes at the beginning of the buffer, and other bytes behind them.
    #[track_caller]
    pub(crate) fn bytes(&mut self, kind: u32, id: f64, numbers: [f64; 3], bytes: &[u8]) -> i32 {
        self.buffer.fill(0xEE);
        self.buffer[..bytes.len()].copy_from_slice(bytes);
        self.tell(kind, id, numbers)
    }

    pub(crate) fn poll(&mut self) {
        loop {
            let mut out = UNTOUCHED;
            match self.context.poll(&mut out) {
                TL_EFFECT_NONE => {
                    assert_eq!(out, UNTOUCHED, "there is no order, and two numbers");
                    return;
                }
                kind => self.orders.push_back((kind, out)),
            }
        }
    }

    /// All orders since this was asked last.
    pub(crate) fn polled(&mut self) -> Vec<Order> {
        self.orders.drain(..).collect()
    }

    /// Carries out orders, with a store, a lease and a server that work, until there is one of this kind; its first
    /// number.
    #[track_caller]
    pub(crate) fn until(&mut self, kind: u32) -> f64 {
        self.until_both(kind)[0]
    }

    /// As `until`; both numbers.
    #[track_caller]
    pub(crate) fn until_both(&mut self, kind: u32) -> [f64; 2] {
        for _ in 0..32 {
            let Some((next, [id, more])) = self.orders.pop_front() else {
                break;
            };
            if next == TL_EFFECT_ACQUIRE_LEASE {
                self.lease = id;
            }
            if next == kind {
                return [id, more];
            }
            self.carry_out(next, id);
        }
        panic!("there is no order {kind}")
    }

    /// The answer of a world that works.
    #[track_caller]
    fn carry_out(&mut self, kind: u32, id: f64) {
        let told = match kind {
            TL_EFFECT_LOAD => self.load(id),
            TL_EFFECT_STORE => {
                self.cell = Some(self.read(2, id).expect("a record"));
                self.plain(TL_EVENT_STORED, id)
            }
            TL_EFFECT_ACQUIRE_LEASE => self.plain(TL_EVENT_LEASE_GRANTED, id),
            TL_EFFECT_SEND_TOKEN_REQUEST => self.grant(id, &["access-2", "refresh-2"]),
            TL_EFFECT_PROBE => self.tell(TL_EVENT_PROBED, id, [0.0; 3]),
            TL_EFFECT_REVOKE => self.plain(TL_EVENT_REVOKED, id),
            _ => TL_OUTCOME_DONE,
        };
        assert_eq!(told, TL_OUTCOME_DONE, "order {kind} {id}");
    }

    #[track_caller]
    pub(crate) fn load(&mut self, ticket: f64) -> i32 {
        let cell = self.cell.clone();
        let length = cell.as_ref().map_or(-1.0, |cell| cell.len() as f64);
        self.bytes(
            TL_EVENT_LOADED,
            ticket,
            [length, 0.0, 0.0],
            &cell.unwrap_or_default(),
        )
    }

    /// A grant for an hour.
    #[track_caller]
    pub(crate) fn grant(&mut self, ticket: f64, texts: &[&str]) -> i32 {
        let numbers = [1.0, 3_600_000.0, 0.0];
        self.bytes(TL_EVENT_GRANTED, ticket, numbers, &fields(texts))
    }

    /// Tells that a login began; its ticket.
    #[track_caller]
    pub(crate) fn login(&mut self) -> f64 {
        let begun = self.arguments(TL_EVENT_LOGIN_STARTED, 0.0, [0.0; 3]);
        let (told, ticket) = self.told(begun);
        assert_eq!(told, TL_OUTCOME_LOGIN);
        ticket
    }

    #[track_caller]
    pub(crate) fn opened(config: &[(u32, u32)]) -> Self {
        let mut host = Self::with(config);
        assert_eq!(host.plain(TL_EVENT_OPENED, 0.0), TL_OUTCOME_DONE);
        host
    }

    /// Opens, and logs in with this grant; the orders are carried out by `until`.
    #[track_caller]
    pub(crate) fn granted(config: &[(u32, u32)], texts: &[&str]) -> Self {
        let mut host = Self::opened(config);
        host.settle();
        let ticket = host.login();
        assert_eq!(host.grant(ticket, texts), TL_OUTCOME_DONE);
        host
    }

    /// Carries out all orders.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        while let Some((kind, [id, _])) = self.orders.pop_front() {
            if kind == TL_EFFECT_ACQUIRE_LEASE {
                self.lease = id;
            }
            self.carry_out(kind, id);
        }
    }

    /// A session that requests can use.
    #[track_caller]
    pub(crate) fn ready(config: &[(u32, u32)]) -> Self {
        let mut host = Self::granted(config, &["access-1", "refresh-1"]);
        host.settle();
        assert!(host.seen().contains("Ready"), "{}", host.seen());
        host
    }

    /// Requests access, and claims the permit; the receipt.
    #[track_caller]
    pub(crate) fn sent(&mut self, waiter: u32) -> f64 {
        let id = f64::from(waiter);
        assert_eq!(
            self.plain(TL_EVENT_ACCESS_REQUESTED, id),
            TL_OUTCOME_ADMITTED
        );
        assert_eq!(self.until(TL_EFFECT_RELEASE), id);
        self.permit(waiter).expect("it was released").1[0]
    }

    /// The token, and its two numbers.
    pub(crate) fn permit(&mut self, waiter: u32) -> Result<(String, [f64; 2]), i32> {
        let (now, mut out) = (self.now, UNTOUCHED);
        let told = self
            .context
            .permit(now, EPOCH + now, waiter, &mut self.buffer, &mut out);
        self.poll();
        let Ok(length) = usize::try_from(told) else {
            assert_eq!(out, UNTOUCHED);
            return Err(told);
        };
        let token = String::from_utf8(self.buffer[..length].to_vec());
        Ok((token.expect("a token is text"), out))
    }

    /// What is read: with no room, with a byte too few, and with enough.
    pub(crate) fn read(&self, what: u32, ticket: f64) -> Result<Vec<u8>, i32> {
        let ticket = ticket as u32;
        let mut buffer = [0xEE; Context::BUFFER + 1];
        let told = self
            .context
            .read(what, ticket, &mut buffer[..Context::BUFFER]);
        let Ok(length) = usize::try_from(told) else {
            assert_eq!(buffer, [0xEE; Context::BUFFER + 1]);
            return Err(told);
        };
        assert!(buffer[length..].iter().all(|byte| *byte == 0xEE));
        let mut small = buffer;
        if let Some(few) = length.checked_sub(1) {
            let told = self.context.read(what, ticket, &mut small[..few]);
            assert_eq!(told, TL_ERR_SPACE, "{few} of {length}");
            let told = self.context.read(what, ticket, &mut []);
            assert_eq!(told, TL_ERR_SPACE, "none of {length}");
        }
        let enough = self.context.read(what, ticket, &mut small[..length]);
        assert_eq!(enough, told);
        assert_eq!(small[..length], buffer[..length]);
        Ok(buffer[..length].to_vec())
    }
}

/// The fields of a grant, each after its length in two bytes; five in all.
pub(crate) fn fields(texts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..5 {
        let text = texts.get(index).copied().unwrap_or_default();
        bytes.extend((text.len() as u16).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}
