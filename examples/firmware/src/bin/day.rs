//! A day of a device: three tasks that ask the API through the gate, one that shows the state, one that signs in when
//! the user presses the button, and the runner. The network task answers, and has its troubles.
//!
//! `cargo run --release --bin day` prints defmt frames; `cargo xtask firmware` decodes them.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use defmt::error;
use defmt::info;
use defmt::println;
use defmt::warn;
use defmt_semihosting as _;
use embassy_executor::Spawner;
use embassy_executor::task;
use embassy_time::Timer;
use firmware::board;
use firmware::clock;
use firmware::flash::Flash;
use firmware::flash::Steady;
use firmware::host;
use firmware::host::Buffers;
use firmware::host::Gate;
use firmware::host::Host;
use firmware::network::Network;
use firmware::network::Socket;
use firmware::server::Script;
use firmware::server::Trouble;
use firmware::spared::Spared;
use firmware::store::Store;
use firmware::tasks::fetch;
use firmware::tasks::pair;
use static_cell::StaticCell;

/// The chip, and the servers, which the loss of our power does not concern.
#[unsafe(link_section = ".uninit.spared")]
static SPARED: Spared = Spared::new();
static NETWORK: Network = Network::new();
static GATE: StaticCell<Gate> = StaticCell::new();

/// How long an access token lives, in seconds.
const LIFETIME: u32 = 120;
const SCRIPT: &Script = &[
    (40, Trouble::ApiFails),
    (60, Trouble::TokenForgotten),
    (130, Trouble::Unavailable),
    (240, Trouble::AnswerLost),
    (400, Trouble::SessionEnded),
];
/// The seconds of the day at which the power fails, the user signs out, and the day ends.
const POWER_FAILS: u32 = 330;
const SIGN_OUT: u32 = 540;
const NIGHT: u32 = 600;

defmt::timestamp!("{=u32:us}", stamp());

/// The time of day in microseconds, which defmt shows as seconds.
fn stamp() -> u32 {
    clock::seconds().saturating_mul(1_000_000)
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    error!("panic");
    board::exit(false)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    if SPARED.is_first_start() {
        SPARED.server.lifetime.set(LIFETIME);
    }
    clock::set(SPARED.started.get());
    // Another seed at each start. Real firmware has a random number generator.
    let gate: &'static Gate = GATE.init(host::gate(u64::from(SPARED.started.get())));
    board::run(|spawner| {
        if start(spawner, gate).is_err() {
            board::exit(false);
        }
    })
}

fn start(spawner: Spawner, gate: &'static Gate) -> Result<(), embassy_executor::SpawnError> {
    info!("the board starts");
    spawner.spawn(network()?);
    spawner.spawn(runner(gate)?);
    spawner.spawn(display(gate)?);
    spawner.spawn(button(gate)?);
    spawner.spawn(telemetry(gate)?);
    spawner.spawn(settings(gate)?);
    spawner.spawn(alarm(gate)?);
    spawner.spawn(day(gate)?);
    Ok(())
}

#[task]
async fn network() {
    NETWORK.serve(&SPARED.server, SCRIPT).await
}

/// Carries out what the latch orders.
#[task]
async fn runner(gate: &'static Gate) {
    static BUFFERS: StaticCell<Buffers> = StaticCell::new();
    let buffers = BUFFERS.init(Buffers::new());
    let Ok(store) = Store::open(Flash::new(&SPARED.chip, Steady)).await else {
        error!("the chip does not answer");
        board::exit(false);
    };
    let host = Host::new(store, &NETWORK);
    match gate.runner() {
        Ok(mut runner) => {
            runner
                .run(&host, &mut buffers.record, &mut buffers.reply)
                .await
        }
        Err(problem) => error!("no runner: {}", problem),
    }
}

/// Shows what the latch is.
#[task]
async fn display(gate: &'static Gate) {
    let Ok(mut watch) = gate.watch() else { return };
    let mut shown = None;
    loop {
        let status = watch.changed().await;
        let (state, generation) = (status.state, status.generation);
        let number = (generation.sign_in, generation.serial);
        if shown.replace((state, number, status.trouble)) == Some((state, number, status.trouble)) {
            continue;
        }
        match status.trouble {
            Some(cause) => info!("* {} [{}.{}]: {}", state, number.0, number.1, cause),
            None => info!("* {} [{}.{}]", state, number.0, number.1),
        }
    }
}

/// The user presses the button a while after the display asks for it, but not after signing out.
#[task]
async fn button(gate: &'static Gate) {
    let mut reply = [0; 640];
    loop {
        Timer::after_secs(3).await;
        if gate.status().login.is_none() || clock::seconds() >= SIGN_OUT {
            continue;
        }
        info!("the user pairs the device");
        if let Err(problem) = pair(gate, &NETWORK, &mut reply).await {
            warn!("not paired: {}", problem);
        }
    }
}

/// Asks again and again.
async fn ask(gate: &Gate, socket: Socket, path: &'static str, every: u64) -> ! {
    loop {
        match fetch(gate, &NETWORK, socket, path).await {
            Ok((status, 0)) => info!("{}: {}", path, status),
            Ok((status, _)) => info!("{}: {} with the next token", path, status),
            Err(problem) => warn!("{}: {}", path, problem),
        }
        Timer::after_secs(every).await;
    }
}

#[task]
async fn telemetry(gate: &'static Gate) {
    ask(gate, Socket::Telemetry, "/telemetry", 20).await
}

#[task]
async fn settings(gate: &'static Gate) {
    ask(gate, Socket::Settings, "/settings", 45).await
}

#[task]
async fn alarm(gate: &'static Gate) {
    ask(gate, Socket::Alarm, "/alarm", 7).await
}

/// What happens to the board: the power fails, the user signs out, night falls.
#[task]
async fn day(gate: &'static Gate) {
    loop {
        Timer::after_secs(1).await;
        let now = clock::seconds();
        if now >= POWER_FAILS && SPARED.started.get() == 0 {
            warn!("the power fails");
            SPARED.started.set(now.saturating_add(5));
            board::reset();
        }
        if now == SIGN_OUT {
            info!("the user signs out");
            if let Err(problem) = gate.logout() {
                error!("still signed in: {}", problem);
            }
        }
        if now >= NIGHT {
            let server = &SPARED.server;
            println!(
                "day: {} served, {} refused, {} bare, {} pairings, {} token requests, {} revoked",
                server.served.get(),
                server.refused.get(),
                server.bare.get(),
                server.pairings.get(),
                server.refreshes.get(),
                server.revocations.get(),
            );
            board::exit(true);
        }
    }
}
