//! Calls without any sense, in every configuration: the same to a latch and to a context.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use tokenlatch::Access;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::Ticket;
use tokenlatch::TokenType;
use tokenlatch::Waiter;

use crate::every::CHALLENGES;
use crate::every::FAILURES;
use crate::random::Random;
use crate::random::config;
use crate::twin::TAPE;
use crate::twin::Twin;

/// A host that answers at random, of a twin in a random configuration.
struct Host<'b> {
    twin: Twin<'b>,
    random: Random,
    monotonic: u64,
    wall: u64,
    /// The newest ticket of each kind of order, and of a login.
    tickets: BTreeMap<&'static str, Ticket>,
    /// The kind of the newest order, if it was not answered.
    newest: Option<&'static str>,
    waiters: Vec<Waiter>,
    receipts: Vec<Receipt>,
    cells: Vec<Vec<u8>>,
    names: u32,
}

#[derive(Default)]
struct Counts {
    kinds: BTreeMap<String, [usize; 2]>,
    effects: BTreeSet<String>,
    outcomes: BTreeSet<String>,
}

impl Host<'_> {
    fn now(&mut self) -> Now {
        if self.random.one_in(16) {
            return Now::monotonic(self.monotonic);
        }
        Now::new(self.monotonic, self.wall)
    }

    fn pass(&mut self) {
        let span = self.random.pick(&[0, 1, 40, 3_000, 70_000, 4_000_000]);
        self.monotonic += span;
        self.wall += span;
        if self.random.one_in(20) {
            // Sleep, or a clock that is set.
            self.wall = match self.random.below(3) {
                0 => self.wall + 9_000_000,
                1 => self.wall.saturating_sub(8_000).max(1),
                _ => self.wall + 700,
            };
        }
        if self.random.one_in(30) {
            self.monotonic = self.monotonic.saturating_sub(5);
        }
    }

    /// The newest ticket of this order; sometimes another one.
    fn ticket(&mut self, kind: &str) -> Ticket {
        if self.random.one_in(12) {
            return Ticket::from_u32(self.random.below(9) as u32);
        }
        let known = self.tickets.get(kind).copied();
        known.unwrap_or(Ticket::from_u32(u32::MAX))
    }

    fn waiter(&mut self) -> Waiter {
        if self.waiters.is_empty() || self.random.one_in(3) {
            return Waiter::from_u32(self.random.pick(&[0, 1, 2, 3, 4, 5, u32::MAX]));
        }
        self.random.pick(&self.waiters)
    }

    fn receipt(&mut self) -> Receipt {
        if self.receipts.is_empty() || self.random.one_in(8) {
            return Receipt::from_u64(self.random.below(1 << 20) << self.random.below(24));
        }
        self.random.pick(&self.receipts)
    }

    fn token(&mut self, name: &str) -> String {
        self.names += 1;
        match self.random.below(40) {
            0 => "undefined".to_owned(),
            1 => "\"quoted\"".to_owned(),
            2 => "Bearer x".to_owned(),
            3 => "a b\n".to_owned(),
            4 => "x".repeat(65),
            5 => "x".repeat(30),
            _ => format!("{name}.{}", self.names),
        }
    }

    fn step(&mut self, counts: &mut Counts) {
        let choice = self.random.below(40);
        match choice {
            0..6 => self.pass(),
            6 => {
                if let Some(at) = self.twin.latch.poll_timeout() {
                    let span = at.as_millis().saturating_sub(self.monotonic);
                    if span < 1 << 40 {
                        (self.monotonic, self.wall) = (self.monotonic + span, self.wall + span);
                    }
                }
                self.tell(counts, Event::TimeoutReached);
            }
            7..10 => {
                let (now, waiter) = (self.now(), self.waiter());
                match self.twin.permit(now, waiter) {
                    Ok((_, receipt)) => self.receipts.push(receipt),
                    Err(error) => drop(counts.outcomes.insert(format!("{error:?}"))),
                }
            }
            _ => self.fact(counts),
        }
        self.drain(counts);
    }

    fn tell(&mut self, counts: &mut Counts, event: Event<'_>) {
        let now = self.now();
        let outcome = self.twin.tell(now, event);
        let kind = counts
            .kinds
            .entry(format!("{:?}", event.kind()))
            .or_default();
        match outcome {
            Ok(Outcome::Stale) | Err(_) => kind[1] += 1,
            Ok(_) => kind[0] += 1,
        }
        let outcome_text = match outcome {
            Ok(Outcome::Login(ticket)) => {
                self.tickets.insert("Login", ticket);
                "Login".to_owned()
            }
            Ok(outcome) => format!("{outcome:?}"),
            Err(rejected) => format!("{rejected:?}"),
        };
        counts.outcomes.insert(outcome_text);
    }

    fn drain(&mut self, counts: &mut Counts) {
        while let Some(effect) = self.twin.poll() {
            let name = format!("{effect:?}");
            let name = name.split([' ', '{']).next().unwrap_or_default();
            counts.effects.insert(name.to_owned());
            let (kind, ticket) = match effect {
                Effect::Load { ticket } => ("Load", ticket),
                Effect::Store { ticket } => ("Store", ticket),
                Effect::AcquireLease { ticket } => ("Lease", ticket),
                Effect::SendTokenRequest { ticket, .. } => ("Send", ticket),
                Effect::Probe { ticket } => ("Probe", ticket),
                Effect::Revoke { ticket } => ("Revoke", ticket),
                Effect::Release { waiter } => {
                    self.waiters.push(waiter);
                    continue;
                }
                _ => continue,
            };
            self.tickets.insert(kind, ticket);
            self.newest = Some(kind);
        }
        let kept = self.waiters.len().saturating_sub(4);
        self.waiters.drain(..kept);
        let kept = self.receipts.len().saturating_sub(4);
        self.receipts.drain(..kept);
    }

    fn fact(&mut self, counts: &mut Counts) {
        let mut choice = self.random.below(30);
        if self.random.one_in(2) {
            // Most orders are answered.
            choice = match self.newest.take() {
                Some("Send") => self.random.pick(&[6, 6, 10]),
                Some("Load") => 11,
                Some("Store") => 13,
                Some("Probe") => 15,
                Some("Lease") => 17,
                Some("Revoke") => 18,
                _ => choice,
            };
        }
        match choice {
            0 => self.tell(counts, Event::Opened),
            1 => self.tell(counts, Event::Resumed),
            2 => self.tell(counts, Event::StoreChanged),
            3 if self.random.one_in(2) => self.tell(counts, Event::WentOffline),
            3 | 4 => self.tell(counts, Event::WentOnline),
            5 => self.tell(counts, Event::LoginStarted),
            6..10 => self.granted(counts),
            10 => {
                let kind = self.random.pick(&["Send", "Send", "Login"]);
                let ticket = self.ticket(kind);
                let failure = self.random.pick(&FAILURES);
                let retry_after = self.random.pick(&[None, Some(0), Some(3), Some(u32::MAX)]);
                self.tell(
                    counts,
                    Event::TokenFailed {
                        ticket,
                        failure,
                        retry_after,
                    },
                );
            }
            11 | 12 => self.loaded(counts),
            13 | 14 => self.stored(counts),
            15 => {
                let ticket = self.ticket("Probe");
                let result = self.random.pick(&[
                    ProbeResult::Accepted,
                    ProbeResult::Accepted,
                    ProbeResult::Refused,
                    ProbeResult::Unreachable,
                ]);
                self.tell(counts, Event::Probed { ticket, result });
            }
            16 => {
                let ticket = self.ticket("Lease");
                self.tell(counts, Event::LeaseGranted { ticket });
            }
            17 => {
                let ticket = self.ticket("Lease");
                match self.random.below(4) {
                    0 => self.tell(counts, Event::LeaseDenied { ticket }),
                    1 => self.tell(counts, Event::LeaseLost { ticket }),
                    _ => self.tell(counts, Event::LeaseGranted { ticket }),
                }
            }
            18 => {
                let ticket = self.ticket("Revoke");
                match self.random.below(2) {
                    0 => self.tell(counts, Event::Revoked { ticket }),
                    _ => self.tell(counts, Event::RevokeFailed { ticket }),
                }
            }
            19..23 => {
                let waiter = self.waiter();
                let access = match self.random.below(3) {
                    0 => Access::Retry(self.receipt()),
                    _ => Access::First,
                };
                self.tell(counts, Event::AccessRequested { waiter, access });
            }
            23..26 => {
                let receipt = self.receipt();
                let status = self
                    .random
                    .pick(&[200, 401, 401, 403, 400, 500, 0, u16::MAX]);
                let challenge = self.random.pick(&CHALLENGES);
                self.tell(
                    counts,
                    Event::Answered {
                        receipt,
                        status,
                        challenge,
                    },
                );
            }
            26 => {
                let waiter = self.waiter();
                self.tell(counts, Event::WaiterCancelled { waiter });
            }
            27 => self.tell(counts, Event::RefreshRequested),
            28 if self.random.one_in(3) => self.tell(counts, Event::LogoutRequested),
            _ => self.tell(counts, Event::TimeoutReached),
        }
    }

    fn granted(&mut self, counts: &mut Counts) {
        let kind = self.random.pick(&["Send", "Send", "Login"]);
        let ticket = self.ticket(kind);
        let access = if self.random.one_in(40) {
            String::new()
        } else {
            self.token("a")
        };
        let refresh = self.token("r");
        let mut grant = Grant::new(&access);
        grant.refresh_token = Some(refresh.as_str()).filter(|_| self.random.below(4) > 0);
        let span = self.random.pick(&[0, 1, 50_000, 3_600_000, 1 << 53]);
        grant.expiry = match self.random.below(4) {
            0 => Expiry::Unknown,
            1 => Expiry::At(if span > 1 << 50 {
                span
            } else {
                self.wall + span
            }),
            _ => Expiry::In(span),
        };
        grant.server_time = Some(self.wall + 300).filter(|_| self.random.one_in(2));
        grant.token_type = self.random.pick(&[TokenType::Bearer, TokenType::Dpop]);
        grant.scope = self.random.pick(&[None, Some("a b"), Some("c")]);
        grant.subject = self.random.pick(&[None, Some("anna"), Some("ben")]);
        let data: [Option<&[u8]>; 3] = [None, Some(&[0xFF, 0]), Some(&[7; 20])];
        grant.app_data = self.random.pick(&data);
        self.tell(counts, Event::Granted { ticket, grant });
    }

    fn loaded(&mut self, counts: &mut Counts) {
        let ticket = self.ticket("Load");
        if self.random.one_in(9) {
            return self.tell(counts, Event::LoadFailed { ticket });
        }
        let newest = self.cells.last().cloned().unwrap_or_default();
        let (mut bytes, mut absent) = (newest, false);
        match self.random.below(12) {
            0 => absent = true,
            1 => bytes.clear(),
            2 => bytes.truncate(bytes.len() / 2),
            3 => {
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
            }
            4 if !self.cells.is_empty() => {
                let at = self.random.below(self.cells.len() as u64);
                bytes.clone_from(&self.cells[at as usize]);
            }
            _ => {}
        }
        let record = Some(bytes.as_slice()).filter(|_| !absent);
        self.tell(counts, Event::Loaded { ticket, record });
    }

    fn stored(&mut self, counts: &mut Counts) {
        let ticket = self.ticket("Store");
        if self.random.one_in(9) {
            return self.tell(counts, Event::StoreFailed { ticket });
        }
        if let Ok(record) = self.twin.record(ticket) {
            self.cells.push(record);
        }
        self.tell(counts, Event::Stored { ticket });
    }
}

// promises: P14
#[test]
fn calls_at_random_give_the_same_in_numbers() {
    let mut counts = Counts::default();
    let lists = if cfg!(miri) { 2 } else { 300 };
    for seed in 0..lists {
        let mut random = Random::new(seed);
        let config = config(&mut random);
        let mut tape = [0; TAPE];
        println!("seed {seed}");
        let mut host = Host {
            twin: Twin::new(&config, random.next() << 32 | random.next(), &mut tape),
            random,
            monotonic: 1_000,
            wall: 1_700_000_000_000,
            tickets: BTreeMap::new(),
            newest: None,
            waiters: Vec::new(),
            receipts: Vec::new(),
            cells: Vec::new(),
            names: 0,
        };
        // Nothing but what needs no latch that is open.
        for _ in 0..seed % 32 {
            host.step(&mut counts);
        }
        host.tell(&mut counts, Event::Opened);
        host.drain(&mut counts);
        for _ in 0..400 {
            host.step(&mut counts);
        }
    }
    if cfg!(miri) {
        return;
    }
    println!("{:?}", counts.kinds);
    println!("{:?}", counts.outcomes);
    assert_eq!(counts.kinds.len(), 24);
    for (kind, [taken, refused]) in counts.kinds {
        assert!(taken > 10, "{kind}: taken {taken} times");
        let never = ["WentOffline", "WentOnline", "Answered", "TimeoutReached"];
        assert!(
            refused > 5 || never.contains(&kind.as_str()),
            "{kind}: refused {refused} times"
        );
    }
    assert_eq!(counts.effects.len(), 12, "{:?}", counts.effects);
    for outcome in [
        "Deliver",
        "Orphaned",
        "Retry",
        "QueueFull",
        "DuplicateWaiter",
        "NotOpened",
        "NoSession",
        "Throttled",
        "NotReady",
        "Unknown",
    ] {
        assert!(counts.outcomes.contains(outcome), "{outcome}");
    }
}
