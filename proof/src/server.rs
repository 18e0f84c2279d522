//! An authorization server that rotates refresh tokens and ends the family when one is used twice (RFC 9700 4.14),
//! and the API behind it.

/// One sign-in.
#[derive(Debug)]
struct Family {
    user: u64,
    serial: u64,
    revoked: bool,
    /// Access tokens: the serial, and until when they live.
    access: Vec<(u64, u64)>,
}

/// What the server answers to a token request.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) subject: String,
}

#[derive(Debug, Default)]
pub(crate) struct Server {
    families: Vec<Family>,
    pub(crate) refreshes: u64,
    pub(crate) replayed: u64,
    pub(crate) logins: u64,
    pub(crate) ended: u64,
}

/// Access tokens live this long.
pub(crate) const LIFETIME: u64 = 300_000;

impl Server {
    pub(crate) fn sign_in(&mut self, user: u64, now: u64) -> Tokens {
        self.logins += 1;
        self.families.push(Family {
            user,
            serial: 0,
            revoked: false,
            access: vec![(0, now + LIFETIME)],
        });
        self.tokens(self.families.len() - 1)
    }

    fn tokens(&self, family: usize) -> Tokens {
        let Family { user, serial, .. } = &self.families[family];
        Tokens {
            access: format!("a.{family}.{serial}"),
            refresh: format!("r.{family}.{serial}"),
            subject: format!("u{user}"),
        }
    }

    /// Family and serial of a token.
    fn parse(token: &str) -> Option<(usize, u64)> {
        let mut parts = token.split('.').skip(1);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }

    /// A refresh: `None` is `invalid_grant`.
    pub(crate) fn refresh(&mut self, token: &str, now: u64) -> Option<Tokens> {
        let (index, serial) = Self::parse(token)?;
        let family = self.families.get_mut(index)?;
        if family.revoked {
            return None;
        }
        if serial != family.serial {
            self.replayed += 1;
            self.ended += 1;
            family.revoked = true;
            return None;
        }
        self.refreshes += 1;
        family.serial += 1;
        family.access.retain(|(_, until)| *until > now);
        family.access.push((family.serial, now + LIFETIME));
        Some(self.tokens(index))
    }

    /// Whether the API takes this access token.
    pub(crate) fn accepts(&self, token: &str, now: u64) -> bool {
        let Some((index, serial)) = Self::parse(token) else {
            return false;
        };
        self.families.get(index).is_some_and(|family| {
            !family.revoked
                && family
                    .access
                    .iter()
                    .any(|(known, until)| *known == serial && *until > now)
        })
    }

    /// Whether this refresh token is the one that works.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some((index, _)) = Self::parse(token) {
            if let Some(family) = self.families.get_mut(index) {
                family.revoked = true;
            }
        }
    }

    /// An administrator ends the newest sign-in.
    pub(crate) fn end_newest(&mut self) {
        if let Some(family) = self.families.last_mut() {
            family.revoked = true;
            self.ended += 1;
        }
    }

    /// The access tokens of the newest sign-in stop working; its refresh token stays.
    pub(crate) fn expire_newest(&mut self) {
        if let Some(family) = self.families.last_mut() {
            family.access.clear();
        }
    }

    /// The user whose token this is.
    pub(crate) fn user(&self, token: &str) -> Option<String> {
        let (index, _) = Self::parse(token)?;
        self.families
            .get(index)
            .map(|family| format!("u{}", family.user))
    }
}
