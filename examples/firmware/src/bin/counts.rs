//! Instructions of what a board does most often, on QEMU's instruction clock: one instruction takes 1 ns there, and
//! `SysTick` counts 25 MHz, so that many rounds show fractions of an instruction.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::hprintln;
use defmt_semihosting as _;
use firmware::board;
use tokenlatch::Access;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Waiter;

type Small = Latch<256, 8>;

const ROUNDS: u32 = 2_000;
/// Instructions in one tick of `SysTick`.
const IN_A_TICK: u32 = 40;
const NOW: Now = Now::monotonic(5_000);
const WAITER: Waiter = Waiter::from_u32(7);

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    board::exit(false)
}

/// Ticks that `work` takes, so many times.
fn ticks(syst: &mut SYST, mut work: impl FnMut()) -> u32 {
    syst.clear_current();
    let start = SYST::get_current();
    for _ in 0..ROUNDS {
        work();
    }
    start.wrapping_sub(SYST::get_current()) & 0x00ff_ffff
}

/// Prints the instructions of `work`, less those of `rest`, which is done each time beside it.
fn report(name: &str, with: u32, rest: u32) {
    let tenths = with
        .saturating_sub(rest)
        .saturating_mul(IN_A_TICK)
        .saturating_mul(10)
        / ROUNDS;
    hprintln!("{} {}.{}", name, tenths / 10, tenths % 10);
}

fn drain(latch: &mut Small) {
    while let Some(effect) = latch.poll_effect() {
        black_box(effect);
    }
}

fn ready() -> Option<Small> {
    let mut latch = Small::new(Config::in_memory(), 1).ok()?;
    latch.handle(NOW, Event::Opened).ok()?;
    let Ok(Outcome::Login(ticket)) = latch.handle(NOW, Event::LoginStarted) else {
        return None;
    };
    let mut grant = Grant::new("an-access-token-of-forty-characters-long");
    grant.refresh_token = Some("a-refresh-token-of-forty-characters-long");
    grant.expiry = Expiry::In(3_600_000);
    latch.handle(NOW, Event::Granted { ticket, grant }).ok()?;
    drain(&mut latch);
    Some(latch)
}

fn ask(latch: &mut Small) {
    let access = Access::First;
    let event = Event::AccessRequested {
        waiter: WAITER,
        access,
    };
    black_box(latch.handle(black_box(NOW), event).is_ok());
    drain(latch);
}

fn permit(latch: &mut Small) -> Option<Receipt> {
    let permit = latch.permit(black_box(NOW), black_box(WAITER)).ok()?;
    black_box(permit.token());
    Some(permit.receipt())
}

fn answer(latch: &mut Small, receipt: Receipt, status: u16) {
    let challenge = ChallengeKind::InvalidToken;
    let event = Event::Answered {
        receipt,
        status,
        challenge,
    };
    black_box(latch.handle(black_box(NOW), event).is_ok());
    drain(latch);
}

fn measure(syst: &mut SYST) -> Option<()> {
    let mut latch = ready()?;
    let empty = ticks(syst, || {
        black_box(NOW);
    });
    // A request that is cancelled, to have the same queue each time.
    let cancel = |latch: &mut Small| {
        black_box(
            latch
                .handle(black_box(NOW), Event::WaiterCancelled { waiter: WAITER })
                .is_ok(),
        );
        drain(latch);
    };
    ask(&mut latch);
    let receipt = permit(&mut latch)?;
    let cancelled = ticks(syst, || cancel(&mut latch));
    let asked = ticks(syst, || {
        ask(&mut latch);
        cancel(&mut latch);
    });
    report("access_requested_and_released", asked, cancelled);
    let permitted = ticks(syst, || {
        ask(&mut latch);
        black_box(permit(&mut latch));
    });
    report("permit_in_ready_and_its_request", permitted, empty);
    let asks = asked.saturating_sub(cancelled).saturating_add(empty);
    report("permit_in_ready", permitted, asks);
    let answered = ticks(syst, || answer(&mut latch, receipt, 200));
    report("answer_200", answered, empty);
    // A renewal, so that the receipt is late.
    latch.handle(NOW, Event::RefreshRequested).ok()?;
    let mut ticket = None;
    while let Some(effect) = latch.poll_effect() {
        if let tokenlatch::Effect::SendTokenRequest { ticket: own, .. } = effect {
            ticket = Some(own);
        }
    }
    let mut grant = Grant::new("another-token-of-forty-characters-long!!");
    grant.refresh_token = Some("another-token-of-forty-characters-long!!");
    let granted = Event::Granted {
        ticket: ticket?,
        grant,
    };
    latch.handle(NOW, granted).ok()?;
    drain(&mut latch);
    let late = ticks(syst, || answer(&mut latch, receipt, 401));
    report("late_401", late, empty);
    Some(())
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let measured = Peripherals::take().and_then(|mut peripherals| {
        let syst = &mut peripherals.SYST;
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(0x00ff_ffff);
        syst.enable_counter();
        measure(syst)
    });
    board::exit(measured.is_some())
}
