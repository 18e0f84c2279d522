//! Configuration: defaults with their reasons, checked when the latch is built.

/// What a new credential must pass before requests may use it (P2). Each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the four levels of P2")]
pub enum Confirmation {
    /// It is in the latch's memory; it is stored in the background.
    Memory,
    /// The store said that it is written.
    Stored,
    /// The store was read again and gave it back.
    ReadBack,
    /// A request in this very context was accepted with it.
    Probed,
}

/// What becomes of a request that can't leave now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "a request waits or is refused")]
pub enum Waiting {
    /// It waits, at most [`Config::wait_limit_ms`].
    Hold,
    /// It is refused at once, with the cause.
    Refuse,
}

/// Mutual exclusion between the contexts that share one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "there is a lease or there is none")]
pub enum LeaseMode {
    /// None: one context, or several that settle conflicts by generation and nonce.
    None,
    /// The host has one: Web Locks, a file lock, a mutex.
    Host,
}

/// How the credential travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client sees the credential or does not"
)]
pub enum Credential {
    /// A token that the client puts into a header (RFC 6750, RFC 9449).
    Token,
    /// A cookie that the client can't see: only a probe in this context shows that it is there.
    Ambient,
}

/// How a session is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Renewal {
    /// By the refresh token (RFC 6749 6). Without one the user must log in again.
    RefreshToken,
    /// By a login call that the host can repeat without the user: a mini-program's login, client credentials.
    Login,
}

/// How a latch behaves. Start from [`Config::new`] and change what differs; times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config {
    /// Whether there is a store. Default: yes; a session that dies with the page is rarely wanted.
    pub store: bool,
    /// When a new credential counts as ready. Default: stored, so that a reload finds what requests used.
    pub confirmation: Confirmation,
    /// The lease between contexts. Default: none.
    pub lease: LeaseMode,
    /// Token or cookie. Default: token.
    pub credential: Credential,
    /// How a session is renewed. Default: by refresh token.
    pub renewal: Renewal,
    /// Requests while nobody is signed in. Default: hold, since a login is usually on its way.
    pub when_signed_out: Waiting,
    /// Requests while a renewal failed for now and will be tried again. Default: hold.
    pub when_unavailable: Waiting,
    /// Whether a renewal started by the timer lets requests use the old, still valid token. Default: no.
    pub serve_while_refreshing: bool,
    /// Whether a 401 without any challenge is somebody else's (a host with several providers). Default: no.
    pub require_challenge: bool,
    /// How long a request may wait. Default: 30 s.
    pub wait_limit_ms: u32,
    /// How often one request may be sent in all. Default: 3.
    pub max_attempts: u8,
    /// How long before its end a token is renewed, at most; never more than a quarter of its lifetime, so that
    /// short-lived tokens are not always due. Default: 60 s.
    pub refresh_margin_ms: u32,
    /// First back-off of a failed renewal; doubles each time, with full jitter. Default: 1 s.
    pub backoff_base_ms: u32,
    /// Longest back-off. Default: 5 min.
    pub backoff_cap_ms: u32,
    /// Longest `Retry-After` that is honoured. Default: 1 h.
    pub retry_after_cap_ms: u32,
    /// Token requests in any [`Config::budget_window_ms`], kept over reloads. Half of them may leave at once, so what
    /// can be kept up is half of it in a window: raise it for tokens that live for seconds. Default: 10.
    pub budget: u8,
    /// The window of the budget. Default: 1 min.
    pub budget_window_ms: u32,
    /// How long after it was first sent the server accepts a used refresh token again. Inside it a renewal whose
    /// answer was lost is sent again; outside it the user must log in. One that was given up at
    /// [`Config::token_timeout_ms`] is inside only if that is shorter. Default: 10 s.
    pub reuse_grace_ms: u32,
    /// Age below which a refused, never accepted token is taken for replica lag: one delayed retry, no renewal.
    /// Default: 2 s.
    pub fresh_window_ms: u32,
    /// Delay of that retry. Default: 500 ms.
    pub fresh_retry_ms: u32,
    /// Difference between the clocks that counts as sleep or a jump. Default: 5 s.
    pub clock_tolerance_ms: u32,
    /// Deadline of a load or store. Default: 5 s.
    pub store_timeout_ms: u32,
    /// Deadline of a token request. Its answer may be lost then: see [`Config::reuse_grace_ms`]. Default: 30 s.
    pub token_timeout_ms: u32,
    /// Deadline of a probe. Default: 15 s.
    pub probe_timeout_ms: u32,
    /// Deadline of a revocation. Default: 15 s.
    pub revoke_timeout_ms: u32,
    /// Deadline of a lease; longer than the longest renewal of another holder. Default: 60 s.
    pub lease_timeout_ms: u32,
    /// Deadline of a login that the host started. Default: 10 min, a person may be typing.
    pub login_timeout_ms: u32,
    /// How often a load, a store, a probe or a revocation is tried before it counts as failed. Default: 3.
    pub attempts: u8,
    /// Where the fields stand in a token endpoint's answer. Default: RFC 6749.
    pub response: &'static ResponseShape,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            store: true,
            confirmation: Confirmation::Stored,
            lease: LeaseMode::None,
            credential: Credential::Token,
            renewal: Renewal::RefreshToken,
            when_signed_out: Waiting::Hold,
            when_unavailable: Waiting::Hold,
            serve_while_refreshing: false,
            require_challenge: false,
            wait_limit_ms: 30_000,
            max_attempts: 3,
            refresh_margin_ms: 60_000,
            backoff_base_ms: 1_000,
            backoff_cap_ms: 300_000,
            retry_after_cap_ms: 3_600_000,
            budget: 10,
            budget_window_ms: 60_000,
            reuse_grace_ms: 10_000,
            fresh_window_ms: 2_000,
            fresh_retry_ms: 500,
            clock_tolerance_ms: 5_000,
            store_timeout_ms: 5_000,
            token_timeout_ms: 30_000,
            probe_timeout_ms: 15_000,
            revoke_timeout_ms: 15_000,
            lease_timeout_ms: 60_000,
            login_timeout_ms: 600_000,
            attempts: 3,
            response: &ResponseShape::RFC6749,
        }
    }

    /// The defaults without a store: the session lives as long as the latch.
    #[must_use]
    pub const fn in_memory() -> Self {
        let mut config = Self::new();
        config.store = false;
        config.confirmation = Confirmation::Memory;
        config
    }

    /// The times that must not be zero: a deadline in the same millisecond can't be met, and would spin.
    const TIMES: [&'static str; 10] = [
        "wait_limit_ms",
        "backoff_base_ms",
        "budget_window_ms",
        "store_timeout_ms",
        "token_timeout_ms",
        "probe_timeout_ms",
        "revoke_timeout_ms",
        "lease_timeout_ms",
        "login_timeout_ms",
        "clock_tolerance_ms",
    ];

    /// The configuration, checked once and for all.
    ///
    /// # Errors
    ///
    /// As [`validate`](Self::validate).
    pub const fn validated(self) -> Result<ValidConfig, ConfigError> {
        match self.validate() {
            Ok(()) => Ok(ValidConfig(self)),
            Err(error) => Err(error),
        }
    }

    /// Checks that the parts fit together; [`crate::Latch::new`] calls it.
    ///
    /// # Errors
    ///
    /// The first thing found that can't work.
    pub const fn validate(&self) -> Result<(), ConfigError> {
        if !self.store {
            if matches!(self.lease, LeaseMode::Host) {
                return Err(ConfigError::LeaseWithoutStore);
            }
            if matches!(
                self.confirmation,
                Confirmation::Stored | Confirmation::ReadBack
            ) {
                return Err(ConfigError::ConfirmationWithoutStore);
            }
        }
        if matches!(self.credential, Credential::Ambient) {
            if !matches!(self.confirmation, Confirmation::Probed) {
                return Err(ConfigError::AmbientWithoutProbe);
            }
        }
        if self.max_attempts == 0 {
            return Err(ConfigError::Zero("max_attempts"));
        }
        if self.attempts == 0 {
            return Err(ConfigError::Zero("attempts"));
        }
        if self.budget == 0 {
            return Err(ConfigError::Zero("budget"));
        }
        let times = [
            self.wait_limit_ms,
            self.backoff_base_ms,
            self.budget_window_ms,
            self.store_timeout_ms,
            self.token_timeout_ms,
            self.probe_timeout_ms,
            self.revoke_timeout_ms,
            self.lease_timeout_ms,
            self.login_timeout_ms,
            self.clock_tolerance_ms,
        ];
        let (mut times, mut names) = (times.as_slice(), Self::TIMES.as_slice());
        while let ([time, later @ ..], [name, others @ ..]) = (times, names) {
            if *time == 0 {
                return Err(ConfigError::Zero(name));
            }
            (times, names) = (later, others);
        }
        if self.backoff_cap_ms < self.backoff_base_ms {
            return Err(ConfigError::BackoffCap);
        }
        if matches!(self.lease, LeaseMode::Host) {
            let renewal = self.token_timeout_ms.saturating_add(self.store_timeout_ms);
            if self.lease_timeout_ms < renewal {
                return Err(ConfigError::LeaseTimeout);
            }
        }
        Ok(())
    }
}

/// A [`Config`] whose parts fit together. Unlike a latch it can be unwrapped in a constant, so that a latch can stand
/// in a `static`:
///
/// ```
/// use tokenlatch::{Config, Latch, ValidConfig};
///
/// const CONFIG: ValidConfig = match Config::in_memory().validated() {
///     Ok(config) => config,
///     Err(_) => panic!("this config can't work"),
/// };
/// static LATCH: std::sync::Mutex<Latch<1024, 8>> = std::sync::Mutex::new(Latch::with(CONFIG, 0));
/// assert_eq!(LATCH.lock().unwrap().waiting(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ValidConfig(pub(crate) Config);

impl ValidConfig {
    /// The configuration.
    #[must_use]
    pub const fn get(self) -> Config {
        Config {
            // Nothing is added: as long as one field is not just copied, the others are copied one by one, and not by the
            // compiler's routine.
            attempts: self.0.attempts.saturating_add(0),
            ..self.0
        }
    }
}

/// Why a [`Config`] can't work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// A lease guards a store, and there is none: set `store`, or no lease.
    LeaseWithoutStore,
    /// "Stored" and "read back" need a store.
    ConfirmationWithoutStore,
    /// A cookie session is only ever confirmed by a probe.
    AmbientWithoutProbe,
    /// This field must not be zero.
    Zero(&'static str),
    /// `backoff_cap_ms` is smaller than `backoff_base_ms`.
    BackoffCap,
    /// `lease_timeout_ms` is shorter than one renewal of another holder (`token_timeout_ms` + `store_timeout_ms`):
    /// a slow network alone would look like a stuck holder.
    LeaseTimeout,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::LeaseWithoutStore => f.write_str("a lease needs a store"),
            Self::ConfirmationWithoutStore => f.write_str("this confirmation level needs a store"),
            Self::AmbientWithoutProbe => {
                f.write_str("a cookie session is confirmed by a probe only")
            }
            Self::Zero(field) => write!(f, "{field} must not be zero"),
            Self::BackoffCap => f.write_str("the back-off cap is smaller than its base"),
            Self::LeaseTimeout => f.write_str("the lease deadline is shorter than one renewal"),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Where the fields stand in a token endpoint's JSON body.
///
/// Paths are keys joined with dots (`"data.token"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ResponseShape {
    /// Path of the access token.
    pub access_token: &'static str,
    /// Path of the refresh token, if there is one.
    pub refresh_token: Option<&'static str>,
    /// Path of the lifetime or expiry: a number, or a number as a string.
    pub expiry: Option<&'static str>,
    /// What that number means.
    pub expiry_form: ExpiryForm,
    /// Path of the token type. Absent in the body: Bearer.
    pub token_type: Option<&'static str>,
    /// Path of the granted scope.
    pub scope: Option<&'static str>,
    /// Path of the subject: a string or an integer.
    pub subject: Option<&'static str>,
    /// Path of an error or result code: a string or an integer.
    pub code: Option<&'static str>,
    /// Codes that mean success. Empty: none, an empty one, `false` and `0`.
    pub success_codes: &'static [&'static str],
    /// Codes that end the session, beside RFC 6749's `invalid_grant` and the like: `invalid_token` for a server with
    /// Spring Security OAuth, say.
    pub ended_codes: &'static [&'static str],
}

/// What the number at [`ResponseShape::expiry`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "two units, relative or absolute")]
pub enum ExpiryForm {
    /// Seconds from the request (RFC 6749 `expires_in`).
    InSeconds,
    /// Milliseconds from the request.
    InMilliseconds,
    /// Seconds since the Unix epoch.
    AtSeconds,
    /// Milliseconds since the Unix epoch.
    AtMilliseconds,
}

impl ResponseShape {
    /// RFC 6749 5.1 and 5.2.
    pub const RFC6749: Self = Self {
        access_token: "access_token",
        refresh_token: Some("refresh_token"),
        expiry: Some("expires_in"),
        expiry_form: ExpiryForm::InSeconds,
        token_type: Some("token_type"),
        scope: Some("scope"),
        subject: None,
        code: Some("error"),
        success_codes: &[],
        ended_codes: &[],
    };
}
