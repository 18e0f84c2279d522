//! The paths that read and write bytes.

use core::hint::black_box;

use serde::Deserialize;
use tokenlatch::Challenge;
use tokenlatch::ChallengeKind;
use tokenlatch::Expiry;
use tokenlatch::ResponseShape;
use tokenlatch::StoreContent;
use tokenlatch::inspect;
use tokenlatch::response;

use crate::Case;
use crate::Who;
use crate::World;
use crate::path;

/// As long as the whole answer.
pub const BODY: usize = 1024;

const ACCESS_LENGTH: usize = 720;
const REFRESH_LENGTH: usize = 187;

/// A token: letters and digits of no meaning.
pub(crate) const ACCESS: &str = text(&filled::<ACCESS_LENGTH>(1));
pub(crate) const REFRESH: &str = text(&filled::<REFRESH_LENGTH>(2));

const PARTS: &[&str] = &[
    "{\"access_token\":\"",
    ACCESS,
    "\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"",
    REFRESH,
    "\",\"scope\":\"openid profile email offline\"}",
];

pub(crate) const CHALLENGE: &str =
    "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access token expired\"";

const fn filled<const N: usize>(seed: u32) -> [u8; N] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; N];
    let mut random = seed;
    let mut place = 0;
    while place < N {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        bytes[place] = letters[(random >> 8) as usize % letters.len()];
        place += 1;
    }
    bytes
}

const fn text<const N: usize>(bytes: &'static [u8; N]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

pub(crate) struct Side {
    body: [u8; BODY],
    length: usize,
    copy: [u8; 2 * BODY],
}

impl Default for Side {
    fn default() -> Self {
        Self {
            body: [b' '; BODY],
            length: 0,
            copy: [0; 2 * BODY],
        }
    }
}

impl Side {
    /// The floor of whatever reads or writes bytes.
    #[inline(always)]
    fn copy_from(&mut self, bytes: &[u8]) -> usize {
        let bytes = black_box(bytes);
        if let Some(place) = self.copy.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
        black_box(&mut self.copy);
        bytes.len()
    }
}

/// The floor of taking a grant.
#[inline(always)]
pub(crate) fn copy_token(world: &mut World) {
    world.bytes.copy_from(ACCESS.as_bytes());
    world.bytes.copy_from(REFRESH.as_bytes());
}

fn answered(world: &mut World) {
    let side = &mut world.bytes;
    side.length = 0;
    for part in PARTS {
        let place = side.body.get_mut(side.length..side.length + part.len());
        if let Some(place) = place {
            place.copy_from_slice(part.as_bytes());
        }
        side.length += part.len();
    }
}

/// What the answer says, as one number.
#[inline(always)]
fn told(access: &str, refresh: Option<&str>, scope: Option<&str>, seconds: u64) -> u32 {
    let lengths = [
        access.len(),
        refresh.map_or(0, str::len),
        scope.map_or(0, str::len),
    ];
    let number = lengths
        .iter()
        .fold(seconds, |sum, length| sum * 31 + *length as u64);
    number as u32
}

fn parse(world: &mut World) {
    let body = black_box(&mut world.bytes.body);
    let shape = black_box(&ResponseShape::RFC6749);
    world.found = match response::parse(shape, black_box(200), body) {
        Ok(grant) => {
            let seconds = match grant.expiry {
                Expiry::In(millis) => millis / 1000,
                _ => 0,
            };
            told(
                grant.access_token,
                grant.refresh_token,
                grant.scope,
                seconds,
            )
        }
        Err(_) => 0,
    };
}

/// The members that the library looks for.
#[derive(Deserialize)]
struct Answer<'a> {
    access_token: Option<&'a str>,
    token_type: Option<&'a str>,
    expires_in: Option<u64>,
    refresh_token: Option<&'a str>,
    scope: Option<&'a str>,
    error: Option<&'a str>,
}

impl Answer<'_> {
    #[inline(always)]
    fn told(&self) -> u32 {
        let is_bearer = self
            .token_type
            .is_some_and(|name| name.eq_ignore_ascii_case("bearer"));
        if !is_bearer || self.error.is_some() {
            return 0;
        }
        let access = self.access_token.unwrap_or_default();
        told(
            access,
            self.refresh_token,
            self.scope,
            self.expires_in.unwrap_or(0),
        )
    }
}

#[cfg(not(target_os = "none"))]
fn serde_json(world: &mut World) {
    let body: &[u8] = black_box(&world.bytes.body);
    let answer = serde_json::from_slice::<Answer<'_>>(body);
    world.found = answer.map_or(0, |answer| answer.told());
}

fn serde_json_core(world: &mut World) {
    let body: &[u8] = black_box(&world.bytes.body);
    let answer = serde_json_core::from_slice::<Answer<'_>>(body);
    world.found = answer.map_or(0, |(answer, _)| answer.told());
}

/// For the floor nothing is found out: the number is known.
fn copy_body(world: &mut World) {
    let body = world.bytes.body;
    world.bytes.copy_from(&body);
    world.found = told(
        ACCESS,
        Some(REFRESH),
        Some("openid profile email offline"),
        3600,
    );
}

fn decode(world: &mut World) {
    let content = inspect(black_box(world.latch.record()));
    world.found = u32::from(matches!(content, StoreContent::Session(_)));
}

fn copy_record(world: &mut World) {
    world.bytes.copy_from(world.latch.record());
    world.found = 1;
}

fn challenge(world: &mut World) {
    let header = black_box(CHALLENGE.as_bytes());
    let challenge = Challenge::parse([header]);
    world.found = u32::from(challenge.kind() == ChallengeKind::InvalidToken);
}

/// Without a look at schemes, quotes or other parameters.
fn search(world: &mut World) {
    let header = black_box(CHALLENGE.as_bytes());
    let name = b"error=\"";
    let place = header.windows(name.len()).position(|part| part == name);
    let value = place.and_then(|place| header.get(place + name.len()..));
    world.found = u32::from(value.is_some_and(|value| value.starts_with(b"invalid_token")));
}

const fn case(path: &'static str, who: Who, prepare: fn(&mut World), run: fn(&mut World)) -> Case {
    Case {
        path,
        who,
        prepare,
        run,
    }
}

pub(crate) const CASES: &[Case] = &[
    case(path::ENCODE, Who::Floor, crate::latch::storing, copy_record),
    case(path::DECODE, Who::Latch, crate::latch::storing, decode),
    case(path::DECODE, Who::Floor, crate::latch::storing, copy_record),
    case(path::RESPONSE, Who::Latch, answered, parse),
    case(path::RESPONSE, Who::Floor, answered, copy_body),
    #[cfg(not(target_os = "none"))]
    case(path::RESPONSE, Who::SerdeJson, answered, serde_json),
    case(
        path::RESPONSE,
        Who::SerdeJsonCore,
        answered,
        serde_json_core,
    ),
    case(path::CHALLENGE, Who::Latch, |_| {}, challenge),
    case(path::CHALLENGE, Who::Floor, |_| {}, search),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_is_called() {
        assert_eq!(PARTS.iter().map(|part| part.len()).sum::<usize>(), BODY);
    }
}
