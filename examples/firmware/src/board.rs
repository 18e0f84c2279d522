//! The board: a clock, a loop for embassy's executor that sleeps when there is nothing to do, memory, the way out.

use core::cell::Cell;
use core::cell::RefCell;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;
use core::task::Waker;

use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use cortex_m_semihosting::debug;
use critical_section::Mutex;
use embassy_executor::Spawner;
use embassy_executor::raw::Executor;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;
use static_cell::StaticCell;

/// Milliseconds from one look at the clock to the next.
const STEP: u32 = 10;
/// Ticks of the processor's clock in that time, at 25 MHz.
const TICKS: u32 = STEP * 25_000;

struct Clock {
    millis: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    millis: Mutex::new(Cell::new(0)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.millis.borrow(cs).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // The next tick looks at the queue in any case.
        critical_section::with(|cs| self.queue.borrow_ref_mut(cs).schedule_wake(at, waker));
    }
}

fn start_clock(syst: &mut SYST) {
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(TICKS - 1);
    syst.clear_current();
    syst.enable_counter();
    syst.enable_interrupt();
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let millis = CLOCK.millis.borrow(cs);
        millis.set(millis.get().saturating_add(u64::from(STEP)));
        // Wakes whoever's time has come.
        let _ = CLOCK.queue.borrow_ref_mut(cs).next_expiration(millis.get());
    });
}

/// Whether a task was woken since the executor last looked.
static WOKEN: AtomicBool = AtomicBool::new(false);

#[unsafe(export_name = "__pender")]
fn wake(_: *mut ()) {
    WOKEN.store(true, Ordering::SeqCst);
}

/// Runs tasks for ever. Sleeps by `wfi`: the emulator takes embassy's own `wfe` for a word that does nothing.
pub fn run(spawn: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let executor: &'static Executor = EXECUTOR.init(Executor::new(core::ptr::null_mut()));
    if let Some(mut peripherals) = Peripherals::take() {
        start_clock(&mut peripherals.SYST);
    }
    spawn(executor.spawner());
    loop {
        // SAFETY: this is the only thread, and the function that is called from `poll` never gets here.
        unsafe { executor.poll() };
        critical_section::with(|_| {
            if !WOKEN.swap(false, Ordering::SeqCst) {
                // An interrupt that is held back ends the sleep too.
                cortex_m::asm::wfi();
            }
        });
    }
}

/// The supply is gone and comes back: everything is lost but the chip, and what a laboratory would write down.
pub fn reset() -> ! {
    SCB::sys_reset()
}

/// Leaves the emulator.
pub fn exit(well: bool) -> ! {
    loop {
        debug::exit(if well {
            debug::EXIT_SUCCESS
        } else {
            debug::EXIT_FAILURE
        });
    }
}

/// The first word on the command line of the emulator, after the program's own name; `none` without one.
pub fn argument(buffer: &mut [u8; 64]) -> &str {
    let block = [buffer.as_mut_ptr() as usize, buffer.len()];
    // SAFETY: the block names a buffer and its length, and nothing else is written to.
    let failed =
        unsafe { cortex_m_semihosting::syscall(cortex_m_semihosting::nr::GET_CMDLINE, &block) };
    let mut parts = buffer.split(|byte| *byte == 0);
    let line = match failed {
        0 => parts.next().unwrap_or_default(),
        _ => &[],
    };
    let line = core::str::from_utf8(line).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or("none")
}
