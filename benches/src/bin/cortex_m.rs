//! The cases on a Cortex-M3 in QEMU: `-icount shift=0` makes an instruction last one nanosecond, and the timer counts
//! every fortieth.

#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[cfg(not(target_os = "none"))]
fn main() {}

#[cfg(target_os = "none")]
mod board {
    use benches::Case;
    use benches::NOTHING;
    use benches::World;
    use cortex_m::peripheral::SYST;
    use cortex_m::peripheral::syst::SystClkSource;
    use cortex_m_rt::entry;
    use cortex_m_semihosting::debug;
    use cortex_m_semihosting::hprintln;

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {
            debug::exit(debug::EXIT_FAILURE);
        }
    }

    /// How often each case runs: a tick is as long as this many instructions, so that what the clock cuts off is
    /// made up for.
    const ROUNDS: u32 = 400;
    const INSTRUCTIONS_A_TICK: u32 = 40;
    const LAST: u32 = 0x00FF_FFFF;

    /// The ticks of preparing the world over and over, with or without running the path.
    #[inline(never)]
    fn ticks(world: &mut World, case: &Case, run: fn(&mut World)) -> u32 {
        let begin = SYST::get_current();
        for _ in 0..ROUNDS {
            (case.prepare)(world);
            run(world);
        }
        // It counts down.
        begin.wrapping_sub(SYST::get_current()) & LAST
    }

    #[entry]
    fn main() -> ! {
        if let Some(mut core) = cortex_m::Peripherals::take() {
            core.SYST.set_clock_source(SystClkSource::Core);
            core.SYST.set_reload(LAST);
            core.SYST.clear_current();
            core.SYST.enable_counter();
            let mut world = World::default();
            for case in benches::cases() {
                let without = ticks(&mut world, case, core::hint::black_box(NOTHING.run));
                let with = ticks(&mut world, case, core::hint::black_box(case.run));
                let count = with.saturating_sub(without) * INSTRUCTIONS_A_TICK;
                hprintln!(
                    "{}\t{}\t{}",
                    case.path,
                    case.who.name(),
                    (count + ROUNDS / 2) / ROUNDS
                );
            }
        }
        loop {
            debug::exit(debug::EXIT_SUCCESS);
        }
    }
}
