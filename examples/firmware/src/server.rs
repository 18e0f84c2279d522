//! The servers that the board talks to: a token endpoint that rotates refresh tokens, and an API. With a script of
//! what goes wrong.

use core::fmt::Write as _;

use heapless::String;
use heapless::Vec;

use crate::spared::Word;
use crate::store::TOKEN;

/// How long a used refresh token is still taken, in seconds: for clients that lost the answer.
const GRACE: u32 = 60;

pub type Token = String<TOKEN>;
pub type Body = Vec<u8, 640>;

/// What the board sends.
pub enum Call {
    /// A request to the API.
    Api {
        path: &'static str,
        token: Token,
    },
    /// The user has paired the device.
    Pair,
    Refresh(Token),
    Revoke(Token),
}

/// An HTTP answer.
#[derive(Default)]
pub struct Reply {
    pub status: u16,
    pub body: Body,
}

/// Something that goes wrong, or that a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_arch = "arm", derive(defmt::Format))]
pub enum Trouble {
    /// The API answers 500, once.
    ApiFails,
    /// The server forgets the access token.
    TokenForgotten,
    /// The token endpoint answers 503, twice.
    Unavailable,
    /// The token endpoint grants, and its answer is lost.
    AnswerLost,
    /// An administrator ends the session.
    SessionEnded,
}

/// At which second of the day what goes wrong.
pub type Script = [(u32, Trouble)];

/// What the servers remember.
#[derive(Default)]
pub struct Ledger {
    /// How long an access token lives, in seconds.
    pub lifetime: Word,
    pub session: Word,
    pub serial: Word,
    is_alive: Word,
    is_forgotten: Word,
    issued: Word,
    /// How much of the script has happened.
    happened: Word,
    failing: Word,
    unavailable: Word,
    losing: Word,
    pub pairings: Word,
    pub refreshes: Word,
    pub revocations: Word,
    pub served: Word,
    pub refused: Word,
    /// Requests without a token, or with one of a session that its user or the server has ended.
    pub bare: Word,
}

impl Ledger {
    pub const fn new() -> Self {
        Self {
            lifetime: Word::new(),
            session: Word::new(),
            serial: Word::new(),
            is_alive: Word::new(),
            is_forgotten: Word::new(),
            issued: Word::new(),
            happened: Word::new(),
            failing: Word::new(),
            unavailable: Word::new(),
            losing: Word::new(),
            pairings: Word::new(),
            refreshes: Word::new(),
            revocations: Word::new(),
            served: Word::new(),
            refused: Word::new(),
            bare: Word::new(),
        }
    }

    const fn words(&self) -> [&Word; 16] {
        [
            &self.lifetime,
            &self.session,
            &self.serial,
            &self.is_alive,
            &self.is_forgotten,
            &self.issued,
            &self.happened,
            &self.failing,
            &self.unavailable,
            &self.losing,
            &self.pairings,
            &self.refreshes,
            &self.revocations,
            &self.served,
            &self.refused,
            &self.bare,
        ]
    }

    pub fn clear(&self) {
        self.words().iter().for_each(|word| word.set(0));
    }

    pub fn take_from(&self, other: &Self) {
        for (word, other) in self.words().iter().zip(other.words()) {
            word.set(other.get());
        }
    }

    /// What the script has had in store since it was last asked. `None` in the end.
    pub fn next_trouble(&self, script: &Script, now: u32) -> Option<Trouble> {
        let index = usize::try_from(self.happened.get()).ok()?;
        let (at, trouble) = script.get(index)?;
        if *at > now {
            return None;
        }
        self.happened.add(1);
        match trouble {
            Trouble::ApiFails => self.failing.set(1),
            Trouble::TokenForgotten => self.is_forgotten.set(1),
            Trouble::Unavailable => self.unavailable.set(2),
            Trouble::AnswerLost => self.losing.set(1),
            Trouble::SessionEnded => self.is_alive.set(0),
        }
        Some(*trouble)
    }

    /// The answer to a call; `None` if it is lost on the way.
    pub fn answer(&self, call: &Call, now: u32) -> Option<Reply> {
        match call {
            Call::Api { token, .. } => Some(self.api(token, now)),
            Call::Pair => {
                self.pairings.add(1);
                self.session.add(1);
                self.serial.set(0);
                self.is_alive.set(1);
                Some(self.grant(now))
            }
            Call::Refresh(token) => {
                self.refreshes.add(1);
                if take(&self.unavailable) {
                    return Some(reply(503));
                }
                let granted = self.refresh(token, now);
                (!take(&self.losing)).then_some(granted)
            }
            Call::Revoke(token) => {
                self.revocations.add(1);
                if self.age_of("refresh", token).is_some() {
                    self.is_alive.set(0);
                }
                Some(reply(200))
            }
        }
    }

    fn api(&self, token: &Token, now: u32) -> Reply {
        match self.age_of("access", token) {
            None => self.bare.add(1),
            Some(0) if self.is_alive.get() == 0 => {}
            Some(0) if self.is_forgotten.get() == 1 => {}
            Some(0) if now < self.issued.get().saturating_add(self.lifetime.get()) => {
                if take(&self.failing) {
                    return reply(500);
                }
                self.served.add(1);
                return reply(200);
            }
            Some(_) => {}
        }
        self.refused.add(1);
        reply(401)
    }

    fn refresh(&self, token: &Token, now: u32) -> Reply {
        let age = match self.age_of("refresh", token) {
            Some(age) if self.is_alive.get() == 1 => age,
            _ => return error(400, "invalid_grant"),
        };
        if age == 0 {
            self.serial.add(1);
            return self.grant(now);
        }
        if age == 1 && now < self.issued.get().saturating_add(GRACE) {
            return self.grant(now);
        }
        // Used twice: somebody else has it too (RFC 9700 4.14.2).
        self.is_alive.set(0);
        error(400, "invalid_grant")
    }

    fn grant(&self, now: u32) -> Reply {
        self.issued.set(now);
        self.is_forgotten.set(0);
        let (session, serial) = (self.session.get(), self.serial.get());
        let lifetime = self.lifetime.get();
        let mut reply = reply(200);
        let mut body = String::<640>::new();
        let written = write!(
            body,
            r#"{{"access_token":"{}","refresh_token":"{}","expires_in":{lifetime},"token_type":"Bearer"}}"#,
            token("access", session, serial),
            token("refresh", session, serial),
        );
        if written.is_err() || reply.body.extend_from_slice(body.as_bytes()).is_err() {
            reply.status = 500;
        }
        reply
    }

    /// How many renewals ago a token of this session was issued.
    fn age_of(&self, kind: &str, token: &str) -> Option<u32> {
        let (session, serial) = (self.session.get(), self.serial.get());
        (0..=serial)
            .take(8)
            .find(|age| self::token(kind, session, serial.saturating_sub(*age)) == *token)
    }
}

/// A token: of another length in each session, and with nothing of an earlier one in it.
pub fn token(kind: &str, session: u32, serial: u32) -> Token {
    let mut token = Token::new();
    let _ = write!(token, "{kind}-{session}-{serial}-");
    let length = 40 + (session.wrapping_mul(37) % 90) as usize;
    let mut random = session.wrapping_mul(0x9e37_79b9) ^ serial.wrapping_mul(0x85eb_ca6b);
    while token.len() < length {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let letter = b'a' + ((random >> 24) % 26) as u8;
        if token.push(char::from(letter)).is_err() {
            break;
        }
    }
    token
}

fn take(word: &Word) -> bool {
    let left = word.get();
    word.set(left.saturating_sub(1));
    left > 0
}

fn reply(status: u16) -> Reply {
    Reply {
        status,
        body: Body::new(),
    }
}

fn error(status: u16, code: &str) -> Reply {
    let mut reply = reply(status);
    let mut body = String::<64>::new();
    if write!(body, r#"{{"error":"{code}"}}"#).is_ok() {
        let _ = reply.body.extend_from_slice(body.as_bytes());
    }
    reply
}
