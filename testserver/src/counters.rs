//! Counters and the log of events.

use std::time::Duration;

use serde_json::{Value, json};

macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// How often things happened since the start or the last reset.
        ///
        /// Requests are counted when they arrive, those that meet a fault included.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])+ pub $name: u64,)+
        }

        impl Counters {
            pub(crate) fn to_json(self) -> Value {
                json!({ $(stringify!($name): self.$name,)+ })
            }
        }
    };
}

counters! {
    /// Requests to the token endpoint.
    token_requests,
    /// Token requests with `grant_type=password`.
    password_requests,
    /// Token requests with `grant_type=refresh_token`.
    refresh_requests,
    /// Token requests with `grant_type=client_credentials`.
    client_requests,
    /// Password sign-ins that succeeded.
    logins,
    /// Password sign-ins refused for a wrong name or password.
    logins_refused,
    /// Tokens issued for `client_credentials`.
    client_tokens,
    /// Refreshes that gave new tokens.
    refreshes_ok,
    /// Refreshes the server refused after it had looked at the refresh token.
    refreshes_refused,
    /// Used refresh tokens presented again, which ends their session.
    replayed,
    /// Used refresh tokens accepted again within the grace.
    reused_in_grace,
    /// Requests below `/api`.
    api_requests,
    /// Requests below `/api` without any bearer token.
    sent_without_token,
    /// API requests that were accepted.
    api_ok,
    /// API answers with 401.
    api_unauthorized,
    /// API answers with 403.
    api_forbidden,
    /// Requests to `/public`.
    public_requests,
    /// Requests to `/public` that carried an `Authorization` header they did not need.
    public_with_token,
    /// Requests to the revocation endpoint.
    revocation_requests,
    /// Revocations answered with 200.
    revocations,
    /// Requests to `/logout` that ended a session.
    logouts,
    /// Requests that met a fault.
    faults,
}

/// Kind of an [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A user signed in.
    Login,
    /// A name or password was wrong.
    LoginRefused,
    /// A client got a token of its own.
    ClientToken,
    /// A refresh token was exchanged; the event names the token that was used.
    Refreshed,
    /// A refresh token was refused.
    RefreshRefused,
    /// A used refresh token came back.
    Replayed,
    /// The token endpoint refused a request before it looked at a token or password.
    TokenRefused,
    /// The token endpoint is about to send its answer.
    TokenAnswered,
    /// A session ended by revocation, logout, replay or the test.
    SessionEnded,
    /// The API accepted a request.
    ApiOk,
    /// An API request had no bearer token.
    ApiWithoutToken,
    /// An API request had a token that is not valid, or was malformed.
    ApiUnauthorized,
    /// An API request had a token without the scope it needs.
    ApiForbidden,
    /// A request to `/public`.
    Public,
    /// A revocation was answered with 200.
    Revoked,
    /// A request to `/logout` was accepted.
    Logout,
    /// A request met a fault; what it did, if processed, follows.
    Faulted,
}

impl EventKind {
    /// Name as used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginRefused => "login_refused",
            Self::ClientToken => "client_token",
            Self::Refreshed => "refreshed",
            Self::RefreshRefused => "refresh_refused",
            Self::Replayed => "replayed",
            Self::TokenRefused => "token_refused",
            Self::TokenAnswered => "token_answered",
            Self::SessionEnded => "session_ended",
            Self::ApiOk => "api_ok",
            Self::ApiWithoutToken => "api_without_token",
            Self::ApiUnauthorized => "api_unauthorized",
            Self::ApiForbidden => "api_forbidden",
            Self::Public => "public",
            Self::Revoked => "revoked",
            Self::Logout => "logout",
            Self::Faulted => "faulted",
        }
    }
}

/// Something that happened on the server. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since the server started.
    pub at_ms: u64,
    /// What happened.
    pub kind: EventKind,
    /// Path of the request, without its query; empty when no request caused the event.
    pub path: String,
    /// Short id of the token concerned: `a1` for the first access token, `r1` for the refresh
    /// token issued with it, `?` for a token never issued here.
    pub token: Option<String>,
    /// Short id of the session: `s1` for the first.
    pub session: Option<String>,
}

impl Event {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "at_ms": self.at_ms,
            "kind": self.kind.as_str(),
            "path": self.path,
            "token": self.token,
            "session": self.session,
        })
    }
}

pub(crate) fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}
