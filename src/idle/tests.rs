//! The short way beside the long one: the same calls to two latches, of which one never knows anything.

use core::hash::Hasher;

use crate::Access;
use crate::ChallengeKind;
use crate::Config;
use crate::Confirmation;
use crate::Effect;
use crate::Event;
use crate::Expiry;
use crate::Grant;
use crate::Latch;
use crate::LeaseMode;
use crate::Now;
use crate::Outcome;
use crate::Receipt;
use crate::Ticket;
use crate::TokenFailure;
use crate::Waiter;
use crate::idle::Orders;
use crate::renewal::Random;

const WALL: u64 = 1_700_000_000_000;

/// FNV-1a.
struct Sum(u64);

impl Hasher for Sum {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

struct Twins {
    quick: Latch<64, 4>,
    slow: Latch<64, 4>,
    random: Random,
    now: u64,
    /// How far the wall clock was set.
    set: u64,
    orders: heapless::Vec<Effect, 32>,
    login: Ticket,
    receipts: heapless::Vec<Receipt, 16>,
    short: Short,
}

/// How many events took the short way: requests, answers that are delivered, other answers.
type Short = [u32; 3];

impl Twins {
    fn new(config: Config, seed: u64) -> Self {
        let latch = || Latch::new(config, seed).ok();
        let (Some(quick), Some(slow)) = (latch(), latch()) else {
            unreachable!("the configurations of this test work");
        };
        Self {
            quick,
            slow,
            random: Random(seed),
            now: 1,
            set: 0,
            orders: heapless::Vec::new(),
            login: Ticket(0),
            receipts: heapless::Vec::new(),
            short: [0; 3],
        }
    }

    fn below(&mut self, end: u32) -> u32 {
        self.random.up_to(end).saturating_sub(1)
    }

    fn now(&self) -> Now {
        Now::new(
            self.now,
            WALL.saturating_add(self.set).saturating_add(self.now),
        )
    }

    fn time_passes(&mut self) {
        let passed = match self.below(8) {
            0..4 => 0,
            4 | 5 => u64::from(self.below(50)),
            6 => u64::from(self.below(400)),
            _ => match self.quick.poll_timeout() {
                Some(at) => at.as_millis().saturating_sub(self.now),
                None => 0,
            },
        };
        self.now = self.now.saturating_add(passed);
        if self.below(100) == 0 {
            // A monotonic clock that is none.
            self.now = self.now.saturating_sub(u64::from(self.below(50)));
        }
        if self.below(1_000) == 0 {
            self.set = u64::from(self.below(10_000_000));
        }
    }

    fn tell(&mut self, event: Event<'_>) -> Option<Outcome> {
        let now = self.now();
        self.slow.stir();
        let quick = self.quick.handle(now, event);
        assert_eq!(quick, self.slow.handle(now, event), "{event:?} at {now:?}");
        if let (Ok(outcome), Orders::None | Orders::OfRequests) = (quick, self.quick.orders) {
            // After the long way nothing would be known of the orders.
            let [requests, delivered, others] = &mut self.short;
            let count = match (event, outcome) {
                (Event::AccessRequested { .. }, _) => requests,
                (_, Outcome::Deliver) => delivered,
                _ => others,
            };
            *count = count.saturating_add(1);
        }
        self.compare();
        quick.ok()
    }

    fn compare(&self) {
        assert_eq!(self.quick.machine, self.slow.machine);
        assert_eq!(self.quick.poll_timeout(), self.slow.poll_timeout());
        assert!(self.quick.trace().eq(self.slow.trace()));
        let [quick, slow] = [&self.quick, &self.slow].map(|latch| {
            let mut hasher = Sum(0xcbf2_9ce4_8422_2325);
            latch.fingerprint(&mut hasher);
            hasher.finish()
        });
        assert_eq!(quick, slow);
    }

    /// Sometimes the host takes only a few of the effects.
    fn drain(&mut self) {
        let most = if self.below(4) == 0 {
            self.below(3)
        } else {
            99
        };
        for _ in 0..most {
            self.slow.orders = Orders::Unknown;
            let effect = self.quick.poll_effect();
            assert_eq!(effect, self.slow.poll_effect());
            let Some(effect) = effect else { break };
            match effect {
                Effect::Release { waiter } if self.below(4) > 0 => self.claim(waiter),
                _ => self.note(effect),
            }
        }
    }

    /// A host that falls behind forgets its oldest orders.
    fn note(&mut self, effect: Effect) {
        if self.orders.is_full() {
            self.orders.remove(0);
        }
        let _ = self.orders.push(effect);
    }

    fn claim(&mut self, waiter: Waiter) {
        let now = self.now();
        self.slow.stir();
        let receipt = |latch: &mut Latch<64, 4>| {
            let permit = latch.permit(now, waiter)?;
            assert_eq!(permit.token(), "access");
            Ok::<_, crate::PermitError>(permit.receipt())
        };
        let quick = receipt(&mut self.quick);
        assert_eq!(quick, receipt(&mut self.slow));
        if let Ok(receipt) = quick {
            if self.receipts.is_full() {
                self.receipts.remove(0);
            }
            let _ = self.receipts.push(receipt);
        }
        self.compare();
    }

    /// Answers an order, well or badly, or forgets it.
    fn answer_order(&mut self) {
        let Some(order) = self.orders.pop() else {
            return;
        };
        let good = self.below(4) > 0;
        let event = match order {
            Effect::Load { ticket } if good => Event::Loaded {
                ticket,
                record: None,
            },
            Effect::Load { ticket } => Event::LoadFailed { ticket },
            Effect::Store { ticket } if good => Event::Stored { ticket },
            Effect::Store { ticket } => Event::StoreFailed { ticket },
            Effect::AcquireLease { ticket } if good => Event::LeaseGranted { ticket },
            Effect::AcquireLease { ticket } => Event::LeaseDenied { ticket },
            Effect::Revoke { ticket } if good => Event::Revoked { ticket },
            Effect::Revoke { ticket } => Event::RevokeFailed { ticket },
            Effect::SendTokenRequest { ticket, .. } => return self.give(ticket, good),
            Effect::Refuse { .. } | Effect::Release { .. } | Effect::StateChanged { .. } => return,
            _ => Event::TimeoutReached,
        };
        self.tell(event);
    }

    fn give(&mut self, ticket: Ticket, good: bool) {
        if good {
            let mut grant = Grant::new("access");
            grant.refresh_token = [None, Some("refresh"), Some("other")][self.below(3) as usize];
            grant.expiry = Expiry::In(u64::from(self.below(2_000_000)).saturating_add(1));
            self.tell(Event::Granted { ticket, grant });
            return;
        }
        let failure = [TokenFailure::Lost, TokenFailure::Unavailable][self.below(2) as usize];
        self.tell(Event::TokenFailed {
            ticket,
            failure,
            retry_after: None,
        });
    }

    fn request(&mut self) {
        let waiter = Waiter::from_u32(self.below(6));
        let mut access = Access::First;
        if self.below(8) == 0 {
            if let Some(receipt) = self.receipts.last() {
                access = Access::Retry(*receipt);
            }
        }
        self.tell(Event::AccessRequested { waiter, access });
    }

    fn answer(&mut self) {
        let some = self.below(5) as usize;
        let Some(receipt) = self.receipts.iter().rev().nth(some).copied() else {
            return;
        };
        let status = [200, 204, 401, 403, 500][self.below(5) as usize];
        let challenge = [
            ChallengeKind::Absent,
            ChallengeKind::InvalidToken,
            ChallengeKind::InsufficientScope,
            ChallengeKind::UseDpopNonce,
        ][self.below(4) as usize];
        self.tell(Event::Answered {
            receipt,
            status,
            challenge,
        });
    }

    fn step(&mut self) {
        self.time_passes();
        match self.below(100) {
            0..20 => self.request(),
            20..60 => self.answer(),
            60..92 => self.answer_order(),
            92 => {
                let waiter = Waiter::from_u32(self.below(6));
                self.tell(Event::WaiterCancelled { waiter });
            }
            93 => {
                let waiter = Waiter::from_u32(self.below(6));
                self.claim(waiter);
            }
            94 => {
                let all = [
                    Event::Resumed,
                    Event::StoreChanged,
                    Event::WentOffline,
                    Event::WentOnline,
                    Event::RefreshRequested,
                    Event::LogoutRequested,
                ];
                let some = self.below(6) as usize;
                self.tell(all[some]);
            }
            95 => {
                if let Some(Outcome::Login(ticket)) = self.tell(Event::LoginStarted) {
                    self.login = ticket;
                    self.give(ticket, true);
                }
            }
            96..98 => self.give(self.login, true),
            _ => {
                self.tell(Event::TimeoutReached);
            }
        }
        self.drain();
    }
}

#[test]
fn the_short_way_leads_where_the_long_one_does() {
    let mut short = [0_u32; 3];
    // Miri takes a thousand times as long.
    let (seeds, steps, least, together) = if cfg!(miri) {
        (6, 250, 1, 5)
    } else {
        (60, 1_000, 500, 3_000)
    };
    for seed in 0..seeds {
        let mut config = Config::new();
        match seed % 3 {
            0 => {
                config.store = false;
                config.lease = LeaseMode::None;
                config.confirmation = Confirmation::Memory;
            }
            1 => config.lease = LeaseMode::None,
            _ => {}
        }
        config.serve_while_refreshing = seed % 2 == 0;
        config.wait_limit_ms = 20_000;
        let mut twins = Twins::new(config, seed);
        twins.tell(Event::Opened);
        for _ in 0..steps {
            twins.step();
        }
        for (all, some) in short.iter_mut().zip(twins.short) {
            *all = all.saturating_add(some);
        }
    }
    assert!(
        short.iter().all(|some| *some >= least) && short.iter().sum::<u32>() > together,
        "only {short:?} events took the short way"
    );
}

/// The usual answer comes more often than all else, so it takes the shortest way.
#[test]
fn the_usual_answer_needs_no_look_at_anything_else() {
    let mut twins = Twins::new(Config::in_memory(), 1);
    twins.tell(Event::Opened);
    let Some(Outcome::Login(login)) = twins.tell(Event::LoginStarted) else {
        unreachable!("a login may start");
    };
    twins.give(login, true);
    let waiter = Waiter::from_u32(1);
    let access = Access::First;
    twins.tell(Event::AccessRequested { waiter, access });
    while twins.quick.poll_effect().is_some() {}
    let now = twins.now();
    let Ok(permit) = twins.quick.permit(now, waiter) else {
        unreachable!("the gate is open");
    };
    let receipt = permit.receipt();
    let absent = ChallengeKind::Absent;
    assert!(twins.quick.accepted_idly(&now, receipt, 200, absent));
    // Nor if the clocks drift as far apart as is tolerated.
    twins.set = u64::from(twins.quick.config().clock_tolerance_ms);
    let now = twins.now();
    assert!(twins.quick.accepted_idly(&now, receipt, 200, absent));
    assert!(!twins.quick.accepted_idly(&now, receipt, 500, absent));
}
