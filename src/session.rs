//! What a session is, and how it begins: from a grant, or from the store.

use crate::config::Config;
use crate::config::Confirmation;
use crate::config::LeaseMode;
use crate::grant::Expiry;
use crate::grant::Grant;
use crate::machine::Machine;
use crate::renewal::MAX_LIFETIME;
use crate::sync::RecordFacts;
use crate::time::NEVER;
use crate::time::later;
use crate::time::since;
use crate::why::Cause;

/// A token is never renewed before three quarters of its life are over.
const MARGIN_DIVISOR: u64 = 4;

/// What is known of the refresh token's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Rotation {
    /// The server gave a new refresh token: the old one is used up.
    Rotates,
    /// The server kept the refresh token: sending it again is safe.
    Keeps,
    Unknown,
}

/// The machine's part of a session; the bytes live beside it in the latch.
///
/// In this order in memory: what begins as something else stands between what begins as zero, so that no piece is so long
/// that the compiler fills it by its routine, which is larger than all of this file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Session {
    /// Ticket of the last token request for this session: its late answer is still its own.
    pub(crate) exchange: u32,
    pub(crate) rotation: Rotation,
    /// Failed renewals in a row.
    pub(crate) failures: u8,
    /// Probes in a row without an answer.
    pub(crate) probes: u8,
    pub(crate) has_refresh: bool,
    /// The refresh token was sent, and the record says so.
    pub(crate) sent: bool,
    /// The mark that the store may still hold is our own, and void.
    pub(crate) void_mark: bool,
    /// It was sent before and its fate is unknown.
    pub(crate) lost: bool,
    /// The store was looked at since.
    pub(crate) reread: bool,
    /// Confirmed to the level that the host chose, as far as a probe goes.
    pub(crate) confirmed: bool,
    pub(crate) accepted: bool,
    /// Credentials in a row that were refused without ever having been accepted.
    pub(crate) unaccepted: u8,
    /// The server refused it; it must not leave again.
    pub(crate) refused: bool,
    /// The host asked for a new token: the old one lacks something.
    pub(crate) forced: bool,
    /// It came from the store, not from a grant received here.
    pub(crate) restored: bool,
    /// Why the last renewal failed, or why there can't be one.
    pub(crate) trouble: Option<Trouble>,
    /// End of the access token, monotonic; `NEVER` if unknown.
    pub(crate) expires_at: u64,
    /// Received and end by the wall clock, for the record; 0 if unknown.
    pub(crate) issued_wall: u64,
    pub(crate) expires_wall: u64,
    /// When it is due for renewal, monotonic.
    pub(crate) refresh_at: u64,
    /// No renewal before this.
    pub(crate) retry_at: u64,
    /// A retry with the same, fresh token not before this.
    pub(crate) fresh_retry_at: u64,
    /// When it was received here, monotonic.
    pub(crate) granted_at: u64,
    /// Until when a refresh token that was sent may be sent again.
    pub(crate) resend_until: u64,
    /// When it was sent, wall clock, for the record; 0 if unknown.
    pub(crate) sent_wall: u64,
}

/// What stands in the way of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
    /// For now.
    Passing(Cause),
    /// For good: only a login helps.
    Lasting(Cause),
}

impl Session {
    /// A server took the credential.
    pub(crate) const fn accept(&mut self) {
        self.accepted = true;
        self.unaccepted = 0;
    }

    /// Whether requests may use the access token now.
    pub(crate) const fn is_usable(&self, now: u64) -> bool {
        if self.refused {
            return false;
        }
        if self.forced {
            return false;
        }
        now < self.expires_at
    }

    /// Whether a renewal is due.
    pub(crate) const fn is_due(&self, now: u64) -> bool {
        if self.is_usable(now) {
            return self.refresh_at <= now;
        }
        true
    }

    /// When something must be done about a usable session.
    pub(crate) fn wakes_at(&self, renewable: bool) -> u64 {
        if renewable {
            self.refresh_at.max(self.retry_at).min(self.expires_at)
        } else {
            self.expires_at
        }
    }
}

impl Session {
    /// Of which nothing is known yet.
    const fn blank(now: u64) -> Self {
        Self {
            expires_at: NEVER,
            refresh_at: NEVER,
            granted_at: now,
            issued_wall: 0,
            expires_wall: 0,
            retry_at: 0,
            fresh_retry_at: 0,
            resend_until: 0,
            sent_wall: 0,
            exchange: 0,
            failures: 0,
            probes: 0,
            unaccepted: 0,
            rotation: Rotation::Unknown,
            has_refresh: false,
            sent: false,
            void_mark: false,
            lost: false,
            reread: false,
            confirmed: false,
            accepted: false,
            refused: false,
            forced: false,
            restored: false,
            trouble: None,
        }
    }
}

impl Session {
    /// In place of the session that was there, if one was.
    #[inline(never)]
    pub(crate) fn begin(place: &mut Option<Self>, now: u64) -> &mut Self {
        place.insert(Self::blank(now))
    }

    fn renew_before_the_end(&mut self, margin: u32) {
        self.refresh_at = since(self.expires_at, u64::from(margin));
    }
}

impl<const W: usize> Machine<W> {
    /// A session from a grant received here: it lives from when its request was sent (hard parts 2.8).
    #[inline(never)]
    pub(crate) fn new_session(&mut self, sent_at: u64, grant: &Grant<'_>) {
        let lifetime = self.lifetime(grant);
        let session = Session::begin(&mut self.session, self.clock.now);
        session.has_refresh = grant.refresh_token.is_some();
        if lifetime == 0 {
            return;
        }
        session.expires_at = later(sent_at, lifetime);
        let sent_wall = self.clock.wall_at(sent_at);
        if sent_wall > 0 {
            session.issued_wall = sent_wall;
            session.expires_wall = later(sent_wall, lifetime);
        }
        let margin = margin(&self.config, lifetime);
        let most = (margin >> 1).saturating_add(1);
        let jitter = self.random.up_to(most).saturating_sub(1);
        session.renew_before_the_end(margin.saturating_sub(jitter));
    }

    /// 0 if unknown. An absolute expiry is the server's clock: without its time it is only believed while it lies
    /// ahead.
    fn lifetime(&self, grant: &Grant<'_>) -> u64 {
        let lifetime = match grant.expiry {
            Expiry::Unknown => 0,
            Expiry::In(millis) => millis,
            Expiry::At(end) => match grant.server_time.or_else(|| self.clock.wall()) {
                Some(clock) => since(end, clock),
                None => 0,
            },
        };
        lifetime.min(MAX_LIFETIME)
    }

    /// A session from the store: it lives by the wall clock.
    pub(crate) fn restored_session(&mut self, facts: &RecordFacts) {
        let (now, wall) = (self.clock.now, self.clock.wall);
        let session = Session::begin(&mut self.session, now);
        session.restored = true;
        session.has_refresh = facts.has_refresh;
        session.rotation = facts.rotation;
        session.issued_wall = facts.issued_wall;
        session.expires_wall = facts.expires_wall;
        session.confirmed = self.config.confirmation != Confirmation::Probed;
        if facts.sent {
            session.sent_wall = facts.sent_wall;
            let left = left(self.config.reuse_grace_ms, facts.sent_wall, wall);
            session.resend_until = self.clock.after(left);
            // Under a lease the sender may still be alive: only the lease's next holder can tell.
            let lost = self.config.lease == LeaseMode::None;
            session.lost = lost;
            session.sent = lost;
            session.reread = lost;
        }
        if facts.expires_wall == 0 {
            return;
        }
        // No clock to tell by: renew before use, if that is possible.
        session.refresh_at = now;
        if wall == 0 {
            return;
        }
        let lifetime = since(facts.expires_wall, facts.issued_wall);
        let left = since(facts.expires_wall, wall).min(lifetime);
        session.expires_at = later(now, left);
        if facts.issued_wall > later(wall, u64::from(self.config.clock_tolerance_ms)) {
            // Written in the future: the clock went back since, and the rest of the lifetime is unknown.
            session.trouble = Some(Trouble::Passing(Cause::ClockSuspect));
            return;
        }
        session.renew_before_the_end(margin(&self.config, lifetime));
    }
}

/// How long before its end a token is renewed.
#[inline(never)]
fn margin(config: &Config, lifetime: u64) -> u32 {
    let part = u32::try_from(lifetime / MARGIN_DIVISOR).unwrap_or(u32::MAX);
    config.refresh_margin_ms.min(part)
}

impl Session {
    /// Time passed that the monotonic clock did not see.
    pub(crate) fn age(&mut self, gap: u64) {
        for time in [
            &mut self.expires_at,
            &mut self.refresh_at,
            &mut self.retry_at,
            &mut self.resend_until,
        ] {
            if *time != NEVER {
                *time = since(*time, gap);
            }
        }
    }
}

/// What is left of a span that began at a wall-clock time; nothing if that can't be told.
#[inline(never)]
pub(crate) fn left(span: u32, began_wall: u64, wall: u64) -> u32 {
    // 0 is an unknown clock.
    if wall == 0 {
        return 0;
    }
    match wall.checked_sub(began_wall) {
        Some(passed) => span.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX)),
        None => 0,
    }
}

impl Trouble {
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::Passing(cause) | Self::Lasting(cause) => cause,
        }
    }
}
