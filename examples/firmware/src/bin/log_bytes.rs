//! Logs each step of a latch, so that the bytes of the frames can be counted.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use defmt::println;
use defmt_semihosting as _;
use firmware::board;
use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::TokenFailure;
use tokenlatch::Waiter;

type Small = Latch<256, 8>;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    board::exit(false)
}

struct Session {
    latch: Small,
    millis: u64,
    granted: u32,
    disk: heapless::Vec<u8, { Small::RECORD_CAPACITY }>,
}

impl Session {
    /// Tells a fact and logs the step, with everything that was ordered because of it.
    fn step(&mut self, event: Event<'_>) -> Option<Outcome> {
        self.millis = self.millis.saturating_add(919);
        let now = Now::new(
            self.millis,
            1_900_000_000_000_u64.saturating_add(self.millis),
        );
        let told = self.latch.handle(now, event);
        let mut orders = heapless::Vec::<Effect, 16>::new();
        while let Some(order) = self.latch.poll_effect() {
            let _ = orders.push(order);
        }
        match self.latch.trace().last() {
            Some(step) if told.is_ok() => println!("{}", step),
            _ => {}
        }
        for order in orders {
            self.carry_out(order);
        }
        told.ok()
    }

    fn carry_out(&mut self, order: Effect) {
        let mut buffer = [0; Small::RECORD_CAPACITY];
        let _ = match order {
            Effect::Load { ticket } => {
                let disk = self.disk.clone();
                let record = (!disk.is_empty()).then_some(&*disk);
                self.step(Event::Loaded { ticket, record })
            }
            Effect::Store { ticket } => {
                let length = self.latch.record(ticket, &mut buffer).unwrap_or(0);
                self.disk.clear();
                let _ = self
                    .disk
                    .extend_from_slice(buffer.get(..length).unwrap_or_default());
                self.step(Event::Stored { ticket })
            }
            Effect::AcquireLease { ticket } => self.step(Event::LeaseGranted { ticket }),
            Effect::Probe { ticket } => self.step(Event::Probed {
                ticket,
                result: ProbeResult::Accepted,
            }),
            Effect::Revoke { ticket } => self.step(Event::Revoked { ticket }),
            Effect::SendTokenRequest { ticket, .. } => {
                self.granted = self.granted.saturating_add(1);
                if self.granted == 1 {
                    let failure = TokenFailure::Unavailable;
                    let retry_after = Some(1);
                    self.step(Event::TokenFailed {
                        ticket,
                        failure,
                        retry_after,
                    })
                } else {
                    self.step(Event::Granted {
                        ticket,
                        grant: grant(),
                    })
                }
            }
            _ => None,
        };
    }

    fn request(&mut self, number: u32, status: u16) -> Option<Receipt> {
        let waiter = Waiter::from_u32(number);
        let access = Access::First;
        self.step(Event::AccessRequested { waiter, access });
        let now = Now::monotonic(self.millis);
        let receipt = self.latch.permit(now, waiter).ok()?.receipt();
        let challenge = match status {
            401 => ChallengeKind::InvalidToken,
            _ => ChallengeKind::Absent,
        };
        self.step(Event::Answered {
            receipt,
            status,
            challenge,
        });
        Some(receipt)
    }
}

fn grant() -> Grant<'static> {
    let mut grant = Grant::new("an-access-token");
    grant.refresh_token = Some("a-refresh-token");
    grant.expiry = Expiry::In(3_600_000);
    grant
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut config = Config::new();
    config.lease = LeaseMode::Host;
    config.confirmation = Confirmation::Probed;
    config.clock_tolerance_ms = 20_000;
    let Ok(latch) = Small::new(config, 1) else {
        board::exit(false)
    };
    let mut session = Session {
        latch,
        millis: 1_000,
        granted: 0,
        disk: heapless::Vec::new(),
    };
    session.step(Event::Opened);
    if let Some(Outcome::Login(ticket)) = session.step(Event::LoginStarted) {
        session.step(Event::Granted {
            ticket,
            grant: grant(),
        });
    }
    for number in 1..4 {
        session.request(number, 200);
    }
    session.step(Event::RefreshRequested);
    session.step(Event::TimeoutReached);
    session.step(Event::TimeoutReached);
    session.request(4, 401);
    session.step(Event::WentOffline);
    session.step(Event::WentOnline);
    session.step(Event::Resumed);
    session.step(Event::StoreChanged);
    let waiter = Waiter::from_u32(9);
    session.step(Event::AccessRequested {
        waiter,
        access: Access::First,
    });
    session.step(Event::WaiterCancelled { waiter });
    session.step(Event::LogoutRequested);
    board::exit(true)
}
