//! The profile that changes: configurations, shapes of grants, headers.

use tokenlatch::Challenge;
use tokenlatch::Config;
use tokenlatch::ConfigError;
use tokenlatch::Confirmation;
use tokenlatch::Credential;
use tokenlatch::Event;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Latch;
use tokenlatch::LeaseMode;
use tokenlatch::Renewal;
use tokenlatch::TokenType;
use tokenlatch::Waiting;
use tokenlatch::inspect;
use tokenlatch::retry_after;

use crate::host::EPOCH;
use crate::host::Host;
use crate::host::Orders;

/// Events with one configuration.
const STAY: u32 = 256;

/// `WWW-Authenticate` as servers write it.
const CHALLENGES: &[&str] = &[
    "Bearer",
    "Bearer realm=\"api\"",
    "Bearer error=\"invalid_token\", error_description=\"it \\\"ended\\\"\"",
    "Bearer realm=api, error=insufficient_scope, scope=\"read write\"",
    "Basic realm=\"x\", Bearer error=\"invalid_request\"",
    "DPoP error=\"use_dpop_nonce\", algs=\"ES256\"",
    "Bearer error=\"insufficient_user_authentication\", acr_values=\"a b\", max_age=\"300\"",
    "Negotiate YIIJvwYGKwYBBQUC==",
    "bearer  realm = \"a,b\" , , error=invalid_token",
    "Digest qop=\"auth, auth-int\", nonce=\"d\"",
];

/// `Retry-After` as servers write it.
const RETRY_AFTER: &[&str] = &[
    "120",
    "0",
    "99999999999",
    "Tue, 14 Nov 2023 22:14:20 GMT",
    "Tuesday, 14-Nov-23 22:14:20 GMT",
    "Tue Nov 14 22:14:20 2023",
    "Thu, 29 Feb 2024 23:59:60 GMT",
    "soon",
];

impl Host {
    /// Another latch and configuration now and then, over what the store holds; headers in between.
    pub(crate) fn vary(&mut self, event: u32) -> Result<(), ConfigError> {
        self.various = true;
        if event.is_multiple_of(8) {
            self.read_headers();
        }
        if !event.is_multiple_of(STAY) {
            return Ok(());
        }
        self.spoil();
        let config = self.some_config();
        let seed = u64::from(self.pick(u32::MAX));
        self.latch = match Latch::new(config, seed) {
            Ok(latch) => latch,
            Err(_) => Latch::new(Config::new(), seed)?,
        };
        self.orders = Orders::default();
        self.held = None;
        if self.pick(4) == 0 {
            self.wall = EPOCH;
        }
        self.tell(Event::Opened);
        Ok(())
    }

    fn some_config(&mut self) -> Config {
        let mut config = match self.pick(4) {
            0 => Config::in_memory(),
            _ => Config::new(),
        };
        if config.store {
            config.confirmation = match self.pick(4) {
                0 => Confirmation::Memory,
                1 => Confirmation::Stored,
                2 => Confirmation::ReadBack,
                _ => Confirmation::Probed,
            };
            if self.pick(2) == 0 {
                config.lease = LeaseMode::Host;
            }
        }
        if self.pick(6) == 0 {
            config.credential = Credential::Ambient;
            config.confirmation = Confirmation::Probed;
        }
        if self.pick(4) == 0 {
            config.renewal = Renewal::Login;
        }
        for waiting in [&mut config.when_signed_out, &mut config.when_unavailable] {
            if self.pick(2) == 0 {
                *waiting = Waiting::Refuse;
            }
        }
        config.serve_while_refreshing = self.pick(2) == 0;
        config.require_challenge = self.pick(4) == 0;
        config.reuse_grace_ms = [0, 10_000, 60_000][self.index(3)];
        config.budget = [1, 2, 5, 10][self.index(4)];
        config.attempts = [1, 3][self.index(2)];
        config.max_attempts = [1, 3][self.index(2)];
        config
    }

    /// The store may lose what it holds, or a bit of it.
    fn spoil(&mut self) {
        match self.pick(4) {
            0 => self.stored = 0,
            1 => {
                let (place, bit) = (self.index(self.stored), self.pick(8));
                if let Some(byte) = self.cell.get_mut(place) {
                    *byte ^= 1 << bit;
                }
            }
            _ => {}
        }
        let content = inspect(self.cell.get(..self.stored).unwrap_or_default());
        let (kind, sign_in) = match content {
            tokenlatch::StoreContent::Absent => (0, 0),
            tokenlatch::StoreContent::Session(generation) => (1, generation.sign_in),
            tokenlatch::StoreContent::Tombstone(generation) => (2, generation.sign_in),
            tokenlatch::StoreContent::Corrupt(why) => (3, why.sentence().len() as u32),
        };
        self.digest.word(kind);
        self.digest.word(sign_in);
    }

    /// A grant as servers give them, and as they should not.
    pub(crate) fn reshape(&mut self, grant: &mut Grant<'_>) {
        match self.pick(12) {
            0 => grant.expiry = Expiry::Unknown,
            1 => grant.expiry = Expiry::At(self.wall + 90_000),
            2 => {
                grant.expiry = Expiry::At(self.wall + 90_000);
                grant.server_time = Some(self.wall + 30_000);
            }
            3 => grant.expiry = Expiry::In(0),
            4 => grant.scope = Some("read"),
            5 => grant.app_data = Some(&[0xff, 0, 1]),
            6 => grant.token_type = TokenType::Dpop,
            7 => {
                let wrong = [
                    "undefined",
                    "",
                    "\"quoted\"",
                    "Bearer x",
                    "line\nend",
                    "a-token-that-is-longer-than-the-latch-has-room-for",
                ];
                grant.access_token = wrong[self.index(wrong.len())];
            }
            8 => grant.subject = None,
            9 => grant.expiry = Expiry::In(u64::MAX),
            _ => {}
        }
    }

    /// One header, one byte of which may be another.
    fn header<'b>(&mut self, texts: &[&str], buffer: &'b mut [u8; 96]) -> &'b [u8] {
        let text = texts[self.index(texts.len())].as_bytes();
        let place = self.index(buffer.len());
        let other = u8::try_from(self.pick(128)).unwrap_or(0);
        for (to, from) in buffer.iter_mut().zip(text) {
            *to = *from;
        }
        if let Some(byte) = buffer.get_mut(place) {
            *byte = other;
        }
        buffer.get(..text.len()).unwrap_or_default()
    }

    fn read_headers(&mut self) {
        let mut buffer = [0; 96];
        let header = self.header(CHALLENGES, &mut buffer);
        let challenge = Challenge::parse([header]);
        self.digest.bytes(challenge.kind().name().as_bytes());
        let parts = [challenge.realm(), challenge.scope(), challenge.acr_values()];
        for part in parts.into_iter().flatten() {
            for letter in part.chars() {
                self.digest.word(u32::from(letter));
            }
        }
        self.digest.long(challenge.max_age().unwrap_or(u64::MAX));
        let value = self.header(RETRY_AFTER, &mut buffer);
        let seconds = retry_after(value, None, Some(self.wall));
        self.digest.word(seconds.unwrap_or(u32::MAX));
    }
}
