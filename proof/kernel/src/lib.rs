//! One call of the machine, as the inductive proof runs it (`cargo xtask prove`).

#![no_std]

use tokenlatch::verify::Call;
use tokenlatch::verify::Case;
use tokenlatch::verify::EVENTS;
use tokenlatch::verify::PHASES;
use tokenlatch::verify::SYNCS;
use tokenlatch::verify::Source;
use tokenlatch::verify::check;
#[cfg(prove_queue)]
use tokenlatch::verify::check_queue;

/// How many requests may wait.
const WAITERS: usize = match option_env!("PROVE_WAITERS") {
    Some(number) => match usize::from_str_radix(number, 10) {
        Ok(number) => number,
        Err(_) => panic!("no number of waiters"),
    },
    None => 2,
};

// What the harness provides (`harness.c`).
#[link(wasm_import_module = "any")]
unsafe extern "C" {
    /// Any number.
    safe fn number() -> u64;
    /// Leaves all runs out in which this is 0.
    safe fn assume(holds: u32);
    /// 0, or the number of a broken property.
    safe fn judge(broken: u32);
}

struct Any;

impl Source for Any {
    fn number(&mut self) -> u64 {
        number()
    }

    fn below(&mut self, end: u64) -> u64 {
        let drawn = number();
        assume(u32::from(drawn < end));
        drawn
    }

    fn assume(&mut self, holds: bool) -> bool {
        assume(u32::from(holds));
        true
    }
}

/// This one if it is below 256, else one whose bit is set above that.
fn one_of(asked: u32, end: u8) -> u8 {
    let [one, ..] = asked.to_le_bytes();
    if asked < 256 {
        return one;
    }
    let [any, ..] = Any.below(u64::from(end)).to_le_bytes();
    assume((asked >> 8 >> any) & 1);
    any
}

/// Switches a fault on.
fn seed(fault: u32) {
    #[cfg(tokenlatch_faults)]
    tokenlatch::fault::set(fault.to_le_bytes()[0]);
    #[cfg(not(tokenlatch_faults))]
    assume(u32::from(fault == 0));
}

/// One call in one case, or in several (see `one_of`).
#[unsafe(no_mangle)]
extern "C" fn step(call: u32, phase: u32, sync: u32, waiting: u32, fault: u32) {
    let [call, ..] = call.to_le_bytes();
    #[cfg(prove_queue)]
    if call == 30 {
        let ([operation, ..], [waiting, ..]) = (phase.to_le_bytes(), waiting.to_le_bytes());
        seed(fault);
        return judge(check_queue::<WAITERS>(operation, waiting, &mut Any));
    }
    let call = match call {
        0..EVENTS => Call::Tell(call),
        24 => Call::Observe,
        25 => Call::Poll,
        26 => Call::Claim,
        27 => Call::Init,
        28 => Call::Never,
        _ => Call::UpTo,
    };
    let case = Case {
        phase: one_of(phase, PHASES),
        sync: one_of(sync, SYNCS),
        waiting: one_of(waiting, WAITERS as u8 + 1),
    };
    seed(fault);
    match check::<WAITERS>(call, case, &mut Any) {
        None => assume(0),
        Some(broken) => judge(broken),
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
