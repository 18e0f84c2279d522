//! What the tasks of the board do: ask the API for something through the gate, and sign in.

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::TokenFailure;
use tokenlatch::gate::GateError;
use tokenlatch::gate::TokenError;

use crate::host::Gate;
use crate::host::token_request;
use crate::network::Network;
use crate::network::Socket;
use crate::server::Call;
use crate::server::Token;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum Unanswered {
    /// It did not leave, or not again.
    Gate(GateError),
    /// Nothing came back.
    Silence,
}

impl From<GateError> for Unanswered {
    fn from(error: GateError) -> Self {
        Self::Gate(error)
    }
}

/// Asks the API: waits until there is a token, and once more with the next one where the gate says so. Gives the
/// status, and how often it was asked again.
///
/// # Errors
///
/// Why there is none.
pub async fn fetch(
    gate: &Gate,
    network: &Network,
    socket: Socket,
    path: &'static str,
) -> Result<(u16, u32), Unanswered> {
    let mut request = gate.request()?;
    let mut again: u32 = 0;
    loop {
        let mut token = Token::new();
        let copied = request.permit(|permit| token.push_str(permit.token()));
        if copied.await?.is_err() {
            // The gate's tokens are no longer than ours.
            return Err(Unanswered::Silence);
        }
        let Ok(reply) = network.call(socket, Call::Api { path, token }).await else {
            return Err(Unanswered::Silence);
        };
        let challenge = match reply.status {
            401 => ChallengeKind::InvalidToken,
            _ => ChallengeKind::Absent,
        };
        match request.answered(reply.status, challenge)? {
            Outcome::Retry => again = again.saturating_add(1),
            Outcome::Surface(cause) => return Err(GateError::Refused(cause).into()),
            _ => return Ok((reply.status, again)),
        }
    }
}

/// Signs in: the user has pressed the button.
///
/// # Errors
///
/// How it failed.
pub async fn pair(gate: &Gate, network: &Network, reply: &mut [u8]) -> Result<(), Unanswered> {
    let ticket = gate.login_started()?;
    let answer = token_request(network, Socket::Pairing, Call::Pair, reply).await;
    let error = match answer {
        Ok(grant) => match gate.granted(ticket, grant) {
            Ok(Outcome::Orphaned) => {
                // The user has signed out meanwhile: nobody may use these tokens, so nobody should be able to.
                let token = grant.refresh_token.unwrap_or(grant.access_token);
                if let Ok(token) = Token::try_from(token) {
                    let _ = network.call(Socket::Pairing, Call::Revoke(token)).await;
                }
                return Ok(());
            }
            Err(GateError::Rejected(Rejected::Grant(error))) => {
                TokenError::from(TokenFailure::Unusable(error))
            }
            told => return told.map(|_| ()).map_err(Unanswered::from),
        },
        Err(error) => error,
    };
    gate.token_failed(ticket, error.failure, error.retry_after)?;
    match error.failure {
        TokenFailure::Lost => Err(Unanswered::Silence),
        _ => Err(GateError::Refused(Cause::LoginFailed).into()),
    }
}
