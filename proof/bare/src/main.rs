//! The trace on a Cortex-M3: the words of the command line come in, the numbers go out, by semihosting.

#![cfg_attr(target_arch = "arm", no_std)]
#![cfg_attr(target_arch = "arm", no_main)]

#[cfg(not(target_arch = "arm"))]
fn main() {}

#[cfg(target_arch = "arm")]
mod board {
    use cortex_m_rt::entry;
    use cortex_m_semihosting::debug;
    use cortex_m_semihosting::hprintln;
    use trace::Profile;

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {
            debug::exit(debug::EXIT_FAILURE);
        }
    }

    /// A decimal number that is known when this is compiled.
    const fn number(text: &str) -> u32 {
        let mut rest = text.as_bytes();
        let mut number = 0;
        while let [digit, tail @ ..] = rest {
            number = number * 10 + (*digit - b'0') as u32;
            rest = tail;
        }
        number
    }

    const SEED: u32 = number(env!("TRACE_SEED"));
    const EVENTS: u32 = number(env!("TRACE_EVENTS"));

    #[entry]
    fn main() -> ! {
        for (name, profile) in Profile::ALL {
            let number = trace::run(*profile, SEED, EVENTS).map_or(0, |played| played.number);
            hprintln!("{} {:016x}", name, number);
        }
        loop {
            debug::exit(debug::EXIT_SUCCESS);
        }
    }
}
