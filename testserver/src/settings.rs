//! What a server is started with.

use std::time::Duration;

/// A user who can sign in with a password.
#[derive(Clone, Debug)]
pub struct User {
    /// Name, as sent in `username`.
    pub name: String,
    /// Password, as sent in `password`.
    pub password: String,
    /// Scopes the user may ask for.
    pub scopes: Vec<String>,
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`; a public client has none and cannot use `client_credentials`.
    pub secret: Option<String>,
    /// Scopes the client may ask for on its own behalf.
    pub scopes: Vec<String>,
}

/// What the token endpoint says in `expires_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresIn {
    /// The lifetime in whole seconds, rounded down: never more than the token has.
    Lifetime,
    /// Nothing; RFC 6749 only recommends the member.
    Omitted,
    /// These seconds, true or not.
    Seconds(u64),
}

/// Settings of a server.
///
/// ```
/// use std::time::Duration;
/// use testserver::Settings;
///
/// let settings = Settings {
///     access_ttl: Duration::from_secs(60),
///     ..Settings::default()
/// };
/// assert_eq!(settings.latency, Duration::from_millis(50));
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port on loopback; 0 takes a free one.
    pub port: u16,
    /// Lifetime of access tokens, counted from the moment the server issues them.
    pub access_ttl: Duration,
    /// Lifetime of each refresh token; none by default.
    pub refresh_ttl: Option<Duration>,
    /// For how long after its first use a refresh token is accepted again; 0 by default.
    pub reuse_grace: Duration,
    /// Time between the processing of a request and its answer.
    pub latency: Duration,
    /// What the token endpoint says in `expires_in`.
    pub expires_in: ExpiresIn,
    /// Who can sign in: `alice` with `wonderland`, `bob` with `builder` by default.
    pub users: Vec<User>,
    /// Registered clients: the public `native-app`, and `service` with `service-secret` by default.
    pub clients: Vec<Client>,
    /// Scopes given, as far as allowed, to a request that names none.
    pub default_scopes: Vec<String>,
    /// Path prefixes below `/api` and the scope each needs: `/api/admin` needs `admin` by default.
    pub guarded: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let user = |name: &str, password: &str, scopes: &[&str]| User {
            name: name.to_owned(),
            password: password.to_owned(),
            scopes: words(scopes),
        };
        let client = |id: &str, secret: Option<&str>, scopes: &[&str]| Client {
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            scopes: words(scopes),
        };
        Self {
            port: 0,
            access_ttl: Duration::from_secs(2),
            refresh_ttl: None,
            reuse_grace: Duration::ZERO,
            latency: Duration::from_millis(50),
            expires_in: ExpiresIn::Lifetime,
            users: vec![
                user("alice", "wonderland", &["read", "write", "admin"]),
                user("bob", "builder", &["read", "write"]),
            ],
            clients: vec![
                client("native-app", None, &[]),
                client("service", Some("service-secret"), &["read"]),
            ],
            default_scopes: words(&["read", "write"]),
            guarded: vec![("/api/admin".to_owned(), "admin".to_owned())],
        }
    }
}
