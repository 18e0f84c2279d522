//! The network: sockets on this side, the servers on the other. Real firmware has `embassy-net` and TLS here.

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::Duration;
use embassy_time::Timer;
use embassy_time::with_timeout;

use crate::clock;
use crate::log::warn;
use crate::server::Call;
use crate::server::Ledger;
use crate::server::Reply;
use crate::server::Script;

/// Who talks: one call at a time each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    Telemetry,
    Settings,
    Alarm,
    Tokens,
    Revocation,
    Pairing,
}

const SOCKETS: usize = 6;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it does take.
const LATENCY: Duration = Duration::from_millis(80);

/// No answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub struct Silence;

pub struct Network {
    calls: Channel<CriticalSectionRawMutex, (Socket, Call), SOCKETS>,
    replies: [Signal<CriticalSectionRawMutex, Reply>; SOCKETS],
}

impl Network {
    pub const fn new() -> Self {
        Self {
            calls: Channel::new(),
            replies: [const { Signal::new() }; SOCKETS],
        }
    }

    fn replies(&self, socket: Socket) -> Option<&Signal<CriticalSectionRawMutex, Reply>> {
        self.replies.get(socket as usize)
    }

    /// Sends a call and waits for the answer. To drop the future is to close the connection.
    ///
    /// # Errors
    ///
    /// None came in time. What was asked for may have been done all the same.
    pub async fn call(&self, socket: Socket, call: Call) -> Result<Reply, Silence> {
        let Some(replies) = self.replies(socket) else {
            return Err(Silence);
        };
        replies.reset();
        self.calls.send((socket, call)).await;
        with_timeout(PATIENCE, replies.wait())
            .await
            .map_err(|_| Silence)
    }

    /// The other side, for ever.
    pub async fn serve(&self, ledger: &Ledger, script: &Script) -> ! {
        loop {
            let (socket, call) = self.calls.receive().await;
            Timer::after(LATENCY).await;
            let now = clock::seconds();
            while let Some(trouble) = ledger.next_trouble(script, now) {
                warn!("(server) {}", trouble);
            }
            let replies = self.replies(socket);
            if let (Some(reply), Some(replies)) = (ledger.answer(&call, now), replies) {
                replies.signal(reply);
            }
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}
