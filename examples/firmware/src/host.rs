//! What the gate's runner asks of this board: a timer, the store, the network.

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embassy_time::Timer;
use tokenlatch::Config;
use tokenlatch::Grant;
use tokenlatch::Instant;
use tokenlatch::Latch;
use tokenlatch::ResponseShape;
use tokenlatch::TokenFailure;
use tokenlatch::ValidConfig;
use tokenlatch::gate;
use tokenlatch::gate::Failed;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;
use tokenlatch::response;

use crate::clock;
use crate::log::warn;
use crate::network::Network;
use crate::network::Socket;
use crate::server::Call;
use crate::server::Token;
use crate::store::Buffer;
use crate::store::RECORD;
use crate::store::Slot;
use crate::store::TOKEN;
use crate::store::WAITING;

/// The gate of this board, for tasks of any priority.
pub type Gate =
    gate::Gate<embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex, TOKEN, WAITING>;

const CONFIG: ValidConfig = {
    let mut config = Config::new();
    // The network gives up after 5 s, so that a renewal whose answer was lost is sent again while the server still
    // takes the used refresh token.
    config.token_timeout_ms = 8_000;
    config.reuse_grace_ms = 50_000;
    match config.validated() {
        Ok(config) => config,
        Err(_) => panic!("this config can't work"),
    }
};

/// A gate that nobody has come through. `seed` is another one at each start.
pub const fn gate(seed: u64) -> Gate {
    Gate::new(Latch::with(CONFIG, seed), clock::now)
}

/// The buffers of a runner.
pub struct Buffers {
    pub record: [u8; RECORD],
    pub reply: [u8; 640],
}

impl Buffers {
    pub const fn new() -> Self {
        Self {
            record: [0; RECORD],
            reply: [0; 640],
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

pub struct Host<'a, S: Slot> {
    store: Mutex<NoopRawMutex, S>,
    /// The one socket for revocations, of which two may be wanted at once.
    revoking: Mutex<NoopRawMutex, ()>,
    network: &'a Network,
}

impl<'a, S: Slot> Host<'a, S> {
    pub const fn new(store: S, network: &'a Network) -> Self {
        Self {
            store: Mutex::new(store),
            revoking: Mutex::new(()),
            network,
        }
    }
}

impl<S: Slot> gate::Host for Host<'_, S> {
    async fn wait_until(&self, at: Instant) {
        Timer::at(embassy_time::Instant::from_millis(at.as_millis())).await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        let mut bytes = Buffer::default();
        let mut store = self.store.lock().await;
        let Ok(record) = store.load(&mut bytes).await else {
            warn!("the store can't be read");
            return Err(Failed);
        };
        let record = record.unwrap_or_default();
        for (to, from) in buffer.iter_mut().zip(record) {
            *to = *from;
        }
        Ok(record.len())
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        let saved = self.store.lock().await.save(record).await;
        saved.map_err(|_| {
            warn!("the store can't be written");
            Failed
        })
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        let token = Token::try_from(request.refresh_token).map_err(|_| TokenFailure::NotSent)?;
        token_request(self.network, Socket::Tokens, Call::Refresh(token), reply).await
    }

    async fn revoke(&self, token: &str) -> Result<(), Failed> {
        let token = Token::try_from(token).map_err(|_| Failed)?;
        let _alone = self.revoking.lock().await;
        let call = self.network.call(Socket::Revocation, Call::Revoke(token));
        match call.await {
            Ok(reply) if reply.status == 200 => Ok(()),
            _ => Err(Failed),
        }
    }
}

/// A call to the token endpoint, and what its answer means.
///
/// # Errors
///
/// How it failed.
pub async fn token_request<'r>(
    network: &Network,
    socket: Socket,
    call: Call,
    reply: &'r mut [u8],
) -> Result<Grant<'r>, TokenError> {
    let answer = network.call(socket, call).await;
    let answer = answer.map_err(|_| TokenFailure::Lost)?;
    let body = reply.get_mut(..answer.body.len());
    // The tokens may stand in it all the same.
    let body = body.ok_or(TokenFailure::Lost)?;
    body.copy_from_slice(&answer.body);
    Ok(response::parse(
        &ResponseShape::RFC6749,
        answer.status,
        body,
    )?)
}
