//! HTTP: token requests, revocations, and what the latch wants to know of an API's answer.

use core::time::Duration;
use std::io::ErrorKind;
use std::time::{SystemTime, UNIX_EPOCH};

use tokenlatch::response;
use tokenlatch::{Challenge, ChallengeKind, Grant, ResponseShape, TokenFailure};
use tokenlatch::{http_date, retry_after};
use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderName, Response, header};
use ureq::{Agent, Body, Error, Timeout};

/// Far more than any token endpoint sends.
const BODY_LIMIT: u64 = 64 * 1024;

/// The latch gives a token request 30 s: it should hear from us before that.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);

/// Parameters of a form.
pub(crate) type Form = Vec<(&'static str, String)>;

/// What a user or a service signs in with.
#[derive(Clone)]
pub(crate) enum Credentials {
    Password { username: String, password: String },
    RefreshToken(String),
    Client,
}

impl Credentials {
    pub(crate) fn form(&self) -> Form {
        match self {
            Self::Password { username, password } => vec![
                ("grant_type", "password".to_owned()),
                ("username", username.clone()),
                ("password", password.clone()),
            ],
            Self::RefreshToken(token) => refresh_form(token),
            Self::Client => vec![("grant_type", "client_credentials".to_owned())],
        }
    }

    /// Whether they work any number of times. A refresh token works once.
    pub(crate) const fn is_lasting(&self) -> bool {
        !matches!(self, Self::RefreshToken(_))
    }
}

pub(crate) fn refresh_form(token: &str) -> Form {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", token.to_owned()),
    ]
}

/// The endpoints of an authorization server, and who we are to it.
#[derive(Clone)]
pub(crate) struct AuthServer {
    pub(crate) token_endpoint: String,
    pub(crate) revocation_endpoint: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) scope: Option<String>,
    agent: Agent,
}

/// A whole answer of the token endpoint.
pub(crate) struct TokenAnswer {
    status: u16,
    body: Vec<u8>,
    date: Option<u64>,
    pub(crate) retry_after: Option<u32>,
}

impl TokenAnswer {
    pub(crate) fn grant(&mut self) -> Result<Grant<'_>, TokenFailure> {
        let mut grant = response::parse(&ResponseShape::RFC6749, self.status, &mut self.body)?;
        grant.server_time = self.date;
        Ok(grant)
    }
}

impl AuthServer {
    pub(crate) fn new(token_endpoint: String, client_id: String) -> Self {
        // No connection is kept: one that the server is just closing would look like a lost answer. And no
        // redirect is followed: it would carry the secrets elsewhere.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TOKEN_TIMEOUT));
        Self {
            token_endpoint,
            revocation_endpoint: None,
            client_id,
            client_secret: None,
            scope: None,
            agent: config.build().into(),
        }
    }

    /// Sends a token request.
    pub(crate) fn request_token(&self, mut form: Form) -> Result<TokenAnswer, TokenFailure> {
        form.extend(self.scope.clone().map(|scope| ("scope", scope)));
        let mut response = self.post(&self.token_endpoint, form).map_err(classify)?;
        let header = |name: HeaderName| response.headers().get(name).map(|value| value.as_bytes());
        let date = header(header::DATE).and_then(http_date);
        let wait = header(header::RETRY_AFTER)
            .and_then(|value| retry_after(value, date, Some(wall_clock())));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(BODY_LIMIT);
        // The status alone is not the answer: the tokens stand in the body.
        let body = body.read_to_vec().map_err(|_| TokenFailure::Lost)?;
        Ok(TokenAnswer {
            status,
            body,
            date,
            retry_after: wait,
        })
    }

    /// Revokes a token (RFC 7009). True also if the server has no revocation: nothing is left to do then.
    pub(crate) fn revoke(&self, token: &str) -> bool {
        let Some(url) = &self.revocation_endpoint else {
            return true;
        };
        match self.post(url, vec![("token", token.to_owned())]) {
            Ok(response) => response.status().is_success(),
            Err(_) => false,
        }
    }

    fn post(&self, url: &str, mut form: Form) -> Result<Response<Body>, Error> {
        form.push(("client_id", self.client_id.clone()));
        form.extend(
            self.client_secret
                .clone()
                .map(|secret| ("client_secret", secret)),
        );
        let request = self
            .agent
            .post(url)
            .header(header::ACCEPT, "application/json");
        request.send_form(form)
    }
}

/// Whether a token request left. If in doubt it did: the server may have rotated the refresh token.
fn classify(error: Error) -> TokenFailure {
    let connecting = [
        ErrorKind::ConnectionRefused,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::AddrNotAvailable,
        ErrorKind::NetworkDown,
    ];
    match error {
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::ConnectProxyFailed(_)
        | Error::InvalidProxyUrl
        | Error::BadUri(_)
        | Error::Tls(_)
        | Error::TlsRequired
        | Error::Rustls(_)
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => TokenFailure::NotSent,
        Error::Io(error) if connecting.contains(&error.kind()) => TokenFailure::NotSent,
        _ => TokenFailure::Lost,
    }
}

/// For requests to APIs: it returns every status, and shows the token to no other host.
pub(crate) fn api_agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}

/// What `WWW-Authenticate` says.
pub(crate) fn challenge(response: &Response<Body>) -> ChallengeKind {
    let headers = response.headers().get_all(header::WWW_AUTHENTICATE);
    Challenge::parse(headers.iter().map(|value| value.as_bytes())).kind()
}

/// Milliseconds since the Unix epoch.
pub(crate) fn wall_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    millis(since.unwrap_or_default())
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
