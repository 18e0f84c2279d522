//! An authorization server that rotates refresh tokens and ends the family when one is used twice (RFC 9700 4.14),
//! and the API behind it.

use super::ops::Setup;

/// Access tokens live this long.
pub(crate) const LIFETIME: u64 = 300_000;
/// An honest server's grace is longer than the one that its clients count on, by the time on the way.
const ON_THE_WAY: u64 = 10_000;

/// Which sign-in, and how often it was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) family: usize,
    pub(crate) serial: u64,
}

impl Key {
    /// From a token: its kind, the family, the serial.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.').skip(1);
        Some(Self {
            family: parts.next()?.parse().ok()?,
            serial: parts.next()?.parse().ok()?,
        })
    }
}

/// One sign-in.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) user: u8,
    /// Renewals so far; the access token's number, and the refresh token's where it rotates.
    pub(crate) serial: u64,
    revoked: bool,
    rotated_at: u64,
    /// Until when access tokens live, by their serial.
    access: Vec<(u64, u64)>,
}

/// What became of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Granted(Key),
    /// The answer to an earlier request with it, again.
    Again(Key),
    Refused,
    /// It was used before: the family ends here.
    Replayed(Key),
}

#[derive(Debug)]
pub(crate) struct Server {
    families: Vec<Family>,
    /// Families before this one are not known any more.
    forgotten: usize,
    rotates: bool,
    grace: u64,
}

impl Server {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            families: Vec::new(),
            forgotten: 0,
            rotates: setup.rotates,
            grace: match setup.grace {
                0 => 0,
                grace => u64::from(grace) + ON_THE_WAY,
            },
        }
    }

    pub(crate) fn sign_in(&mut self, user: u8, now: u64) -> Key {
        self.families.push(Family {
            user,
            serial: 0,
            revoked: false,
            rotated_at: 0,
            access: vec![(0, now + LIFETIME)],
        });
        Key {
            family: self.families.len() - 1,
            serial: 0,
        }
    }

    /// The refresh token that goes with this access token.
    pub(crate) fn refresh_token(&self, key: Key) -> String {
        let serial = if self.rotates { key.serial } else { 0 };
        format!("r.{}.{serial}", key.family)
    }

    pub(crate) fn family(&self, index: usize) -> Option<&Family> {
        self.families.get(index)
    }

    fn is_known(&self, index: usize) -> bool {
        index >= self.forgotten
            && self
                .families
                .get(index)
                .is_some_and(|family| !family.revoked)
    }

    pub(crate) fn refresh(&mut self, token: Key, now: u64) -> Refreshed {
        if !self.is_known(token.family) {
            return Refreshed::Refused;
        }
        let (rotates, grace) = (self.rotates, self.grace);
        let Some(family) = self.families.get_mut(token.family) else {
            return Refreshed::Refused;
        };
        let current = Key {
            family: token.family,
            serial: family.serial,
        };
        if rotates && token.serial != family.serial {
            if token.serial + 1 == family.serial && now < family.rotated_at + grace {
                return Refreshed::Again(current);
            }
            family.revoked = true;
            family.access = Vec::new();
            return Refreshed::Replayed(current);
        }
        family.serial += 1;
        family.rotated_at = now;
        family.access.retain(|(_, until)| *until > now);
        family.access.push((family.serial, now + LIFETIME));
        Refreshed::Granted(Key {
            serial: family.serial,
            ..current
        })
    }

    /// Whether the API takes this access token.
    pub(crate) fn accepts(&self, token: Key, now: u64) -> bool {
        self.is_known(token.family)
            && self.families[token.family]
                .access
                .iter()
                .any(|(known, until)| *known == token.serial && *until > now)
    }

    pub(crate) fn revoke(&mut self, family: usize) {
        if let Some(family) = self.families.get_mut(family) {
            family.revoked = true;
            family.access = Vec::new();
        }
    }

    /// Its access tokens stop working; its refresh token stays.
    pub(crate) fn expire(&mut self, family: usize) {
        if let Some(family) = self.families.get_mut(family) {
            family.access.clear();
        }
    }

    /// All sessions were in memory.
    pub(crate) fn forget(&mut self) {
        self.forgotten = self.families.len();
    }
}
