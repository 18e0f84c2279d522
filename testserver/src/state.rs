//! The tokens and the rules of their rotation.
//!
//! Nothing here reads a clock or a socket: the caller passes the time since the server started,
//! so that the rules can be tested without waiting.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::scope::Scope;

#[cfg(test)]
mod tests;

/// How long tokens live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Option<Duration>,
    pub(crate) reuse_grace: Duration,
}

/// Index of a sign-in; every token descends from exactly one.
pub(crate) type FamilyId = usize;

#[derive(Debug)]
struct Family {
    user: Option<String>,
    client: String,
    scope: Scope,
    revoked: bool,
}

#[derive(Debug)]
struct Access {
    family: FamilyId,
    serial: u32,
    scope: Scope,
    expires: Duration,
    revoked: bool,
}

#[derive(Debug)]
struct Refresh {
    family: FamilyId,
    serial: u32,
    expires: Option<Duration>,
    used: Option<Duration>,
}

/// Tokens just issued.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) family: FamilyId,
    /// Short id of the access token, fit for a log.
    pub(crate) id: String,
    /// A used refresh token was accepted once more, within the grace.
    pub(crate) by_grace: bool,
}

/// Why a refresh token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    OtherClient,
    /// A used token came back: the whole family is now revoked.
    Replayed,
    Revoked,
    Expired,
    /// More scope than the sign-in had; the token stays usable.
    Scope,
}

/// Why an access token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    Unknown,
    Expired,
    Revoked,
}

/// What a valid access token stands for.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) family: FamilyId,
    pub(crate) user: Option<String>,
    pub(crate) client: String,
    pub(crate) scope: Scope,
}

/// Outcome of a revocation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    Unknown,
    OtherClient,
    /// The family is revoked now; `was_alive` is false when it had been already.
    Ended {
        family: FamilyId,
        was_alive: bool,
    },
}

/// All tokens ever issued by one server.
#[derive(Debug)]
pub(crate) struct Store {
    rules: Rules,
    families: Vec<Family>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    issued: u32,
    seed: [RandomState; 3],
}

impl Store {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            families: Vec::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            issued: 0,
            seed: [RandomState::new(), RandomState::new(), RandomState::new()],
        }
    }

    /// Starts a family. Only families with a user get a refresh token (RFC 6749 4.4.3).
    pub(crate) fn sign_in(
        &mut self,
        now: Duration,
        user: Option<&str>,
        client: &str,
        scope: Scope,
    ) -> Issued {
        let family = self.families.len();
        self.families.push(Family {
            user: user.map(str::to_owned),
            client: client.to_owned(),
            scope: scope.clone(),
            revoked: false,
        });
        self.issue(now, family, scope, user.is_some(), false)
    }

    /// Exchanges a refresh token; it is used up by that.
    pub(crate) fn refresh(
        &mut self,
        now: Duration,
        token: &str,
        client: &str,
        scope: Option<Scope>,
    ) -> Result<Issued, Refused> {
        let held = self.refresh.get_mut(token).ok_or(Refused::Unknown)?;
        let family_id = held.family;
        let family = self.families.get_mut(family_id).ok_or(Refused::Unknown)?;
        if family.client != client {
            return Err(Refused::OtherClient);
        }
        let by_grace = match held.used {
            None => false,
            Some(at) if !family.revoked && in_grace(&self.rules, at, now) => true,
            Some(_) => {
                // Either the thief or the owner holds the newer token, and nobody can tell which.
                family.revoked = true;
                return Err(Refused::Replayed);
            }
        };
        if family.revoked {
            return Err(Refused::Revoked);
        }
        if held.expires.is_some_and(|end| now >= end) {
            return Err(Refused::Expired);
        }
        let scope = match scope {
            Some(s) if !s.within(&family.scope) => return Err(Refused::Scope),
            Some(s) => s,
            None => family.scope.clone(),
        };
        // The grace runs from the first use, or each reuse would prolong it.
        held.used.get_or_insert(now);
        Ok(self.issue(now, family_id, scope, true, by_grace))
    }

    /// Judges an access token.
    pub(crate) fn check(&self, now: Duration, token: &str) -> Result<Bearer, Denied> {
        let held = self.access.get(token).ok_or(Denied::Unknown)?;
        let family = self.families.get(held.family).ok_or(Denied::Unknown)?;
        if held.revoked || family.revoked {
            return Err(Denied::Revoked);
        }
        if now >= held.expires {
            return Err(Denied::Expired);
        }
        Ok(Bearer {
            family: held.family,
            user: family.user.clone(),
            client: family.client.clone(),
            scope: held.scope.clone(),
        })
    }

    /// Ends the family of any token of it, used and expired ones included: a client that lost an
    /// answer has only the used token to sign out with.
    pub(crate) fn revoke(&mut self, token: &str, client: &str) -> Revocation {
        let Some(id) = self.family_of(token) else {
            return Revocation::Unknown;
        };
        match self.families.get(id) {
            None => Revocation::Unknown,
            Some(f) if f.client != client => Revocation::OtherClient,
            Some(_) => Revocation::Ended {
                family: id,
                was_alive: self.end(id),
            },
        }
    }

    /// Revokes one family; false when it was revoked before.
    pub(crate) fn end(&mut self, family: FamilyId) -> bool {
        self.families
            .get_mut(family)
            .is_some_and(|f| !std::mem::replace(&mut f.revoked, true))
    }

    /// Revokes every family of a user and returns those that were alive.
    pub(crate) fn end_user(&mut self, user: &str) -> Vec<FamilyId> {
        let ids: Vec<_> = self.sessions(Some(user)).collect();
        for id in &ids {
            self.end(*id);
        }
        ids
    }

    /// Revokes all access tokens and leaves the families alone.
    pub(crate) fn revoke_all_access(&mut self) {
        for held in self.access.values_mut() {
            held.revoked = true;
        }
    }

    /// Lets all access tokens end now.
    pub(crate) fn expire_all_access(&mut self, now: Duration) {
        for held in self.access.values_mut() {
            held.expires = held.expires.min(now);
        }
    }

    /// Sign-ins not revoked, of one user or of all.
    pub(crate) fn alive_sessions(&self, user: Option<&str>) -> usize {
        self.sessions(user).count()
    }

    /// Tokens of a user that still work.
    pub(crate) fn alive_tokens(&self, now: Duration, user: &str) -> usize {
        let owned = |id: FamilyId| {
            let family = self.families.get(id);
            family.is_some_and(|f| f.user.as_deref() == Some(user))
        };
        let access = self.access.iter();
        let access = access.filter(|(t, a)| owned(a.family) && self.check(now, t).is_ok());
        let refresh = self.refresh.iter();
        let refresh = refresh.filter(|(_, r)| owned(r.family) && self.usable(now, r));
        access.count() + refresh.count()
    }

    pub(crate) fn is_refresh_alive(&self, now: Duration, token: &str) -> bool {
        self.refresh.get(token).is_some_and(|r| self.usable(now, r))
    }

    /// Short id of a token, fit for a log; `?` when it was never issued here.
    pub(crate) fn id_of(&self, token: &str) -> String {
        if let Some(held) = self.access.get(token) {
            format!("a{}", held.serial)
        } else if let Some(held) = self.refresh.get(token) {
            format!("r{}", held.serial)
        } else {
            "?".to_owned()
        }
    }

    pub(crate) fn family_of(&self, token: &str) -> Option<FamilyId> {
        let access = self.access.get(token).map(|a| a.family);
        access.or_else(|| self.refresh.get(token).map(|r| r.family))
    }

    fn usable(&self, now: Duration, held: &Refresh) -> bool {
        let family = self.families.get(held.family);
        family.is_some_and(|f| !f.revoked)
            && held.used.is_none_or(|at| in_grace(&self.rules, at, now))
            && held.expires.is_none_or(|end| now < end)
    }

    fn sessions(&self, user: Option<&str>) -> impl Iterator<Item = FamilyId> {
        let families = self.families.iter().enumerate();
        families.filter_map(move |(id, f)| {
            let owner = f.user.as_deref()?;
            (!f.revoked && user.is_none_or(|u| u == owner)).then_some(id)
        })
    }

    fn issue(
        &mut self,
        now: Duration,
        family: FamilyId,
        scope: Scope,
        with_refresh: bool,
        by_grace: bool,
    ) -> Issued {
        self.issued += 1;
        let serial = self.issued;
        let access = self.secret("at", serial);
        let held = Access {
            family,
            serial,
            scope: scope.clone(),
            expires: now.saturating_add(self.rules.access_ttl),
            revoked: false,
        };
        self.access.insert(access.clone(), held);
        let refresh = with_refresh.then(|| {
            let token = self.secret("rt", serial);
            let held = Refresh {
                family,
                serial,
                expires: self.rules.refresh_ttl.map(|ttl| now.saturating_add(ttl)),
                used: None,
            };
            self.refresh.insert(token.clone(), held);
            token
        });
        Issued {
            access,
            refresh,
            scope,
            family,
            id: format!("a{serial}"),
            by_grace,
        }
    }

    /// An opaque token. The standard hasher has random keys, which is enough on loopback and
    /// saves a dependency; a server for real use needs a cryptographic source.
    fn secret(&self, kind: &str, serial: u32) -> String {
        let mut out = format!("{kind}_");
        for seed in &self.seed {
            out.push_str(&format!("{:016x}", seed.hash_one((kind, serial))));
        }
        out
    }
}

fn in_grace(rules: &Rules, used: Duration, now: Duration) -> bool {
    now.saturating_sub(used) < rules.reuse_grace
}
