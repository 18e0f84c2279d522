//! The laboratory on the board: each life ends in a reset. See `firmware::lab`.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use defmt::error;
use defmt::info;
use defmt::println;
use defmt_semihosting as _;
use embassy_executor::task;
use firmware::board;
use firmware::host::Buffers;
use firmware::lab::Lab;
use firmware::lab::Next;
use firmware::lab::Operation;
use firmware::lab::Strides;
use firmware::seeded::Seeded;
use firmware::spared::Spared;

#[unsafe(link_section = ".uninit.spared")]
static SPARED: Spared = Spared::new();

/// Each write and each erase is cut, but not at each of its steps; the tests on the host do that.
const STRIDES: Strides = Strides {
    write: 6,
    erase: 41,
};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    error!("panic");
    board::exit(false)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(|spawner| match life() {
        Ok(life) => spawner.spawn(life),
        Err(_) => board::exit(false),
    })
}

#[task]
async fn life() {
    let mut word = [0; 64];
    let Some(seeded) = Seeded::named(board::argument(&mut word)) else {
        error!("there is no such mistake");
        board::exit(false);
    };
    if SPARED.is_first_start() {
        info!("cutting the supply everywhere; built in: {}", seeded);
    }
    let lab = Lab {
        spared: &SPARED,
        seeded,
        strides: STRIDES,
        reset: async || board::reset(),
    };
    let mut buffers = Buffers::new();
    match lab.live(&mut buffers).await {
        Next::Life => board::reset(),
        next => {
            for operation in Operation::ALL {
                let tally = SPARED.notes.tally(operation);
                println!(
                    "tally {} {} {} {} {} {} {} {} {}",
                    operation,
                    tally.runs.get(),
                    tally.writes.get(),
                    tally.erases.get(),
                    tally.cuts.get(),
                    tally.old.get(),
                    tally.new.get(),
                    tally.none.get(),
                    tally.violations.get(),
                );
            }
            board::exit(next == Next::End)
        }
    }
}
