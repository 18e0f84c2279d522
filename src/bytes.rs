//! The bytes beside the machine: events are stripped of theirs, and a step's order is carried out on them.

use crate::config::Credential;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::grant::GrantError;
use crate::grant::Part;
use crate::latch::Latch;
use crate::machine::Bytes;
use crate::machine::Told;
use crate::record;
use crate::record::Corrupt;
use crate::record::Record;
use crate::sync::Found;
use crate::sync::RecordFacts;
use crate::time::Now;

impl<const T: usize, const W: usize> Latch<T, W> {
    /// What would be refused of an event, before anything changes (P14), and what its grant is against what we have.
    #[inline(never)]
    pub(crate) fn look(&self, now: &Now, event: &Event<'_>) -> Result<Told, Rejected> {
        let mut told = Told::default();
        if let Event::Granted { ticket, grant } = event {
            told = self.look_at(*ticket, grant)?;
        }
        self.machine.check(now.monotonic.as_millis(), event)?;
        Ok(told)
    }

    /// An event that was looked at, after the time has passed.
    #[inline(always)]
    pub(crate) fn step(&mut self, event: &Event<'_>, told: Told) -> Outcome {
        let mut given = None;
        match event {
            Event::Loaded { ticket, record } if self.machine.is_loading(ticket.0) => {
                self.load(record.unwrap_or_default());
                return Outcome::Done;
            }
            Event::Granted { grant, .. } => given = Some(grant),
            _ => {}
        }
        let outcome = self.machine.step(event, told);
        self.apply(given);
        outcome
    }

    /// Time passes: what fell due happens.
    pub(crate) fn pass_by(&mut self, now: &Now) {
        self.machine.observe(now);
        self.apply(None);
    }

    /// What would be refused of a grant, and what its bytes are against ours.
    fn look_at(&self, ticket: Ticket, grant: &Grant<'_>) -> Result<Told, Rejected> {
        grant.check(self.is_ambient(), T).map_err(Rejected::Grant)?;
        let parts = grant.rest();
        let keep = !self.machine.is_logging_in(ticket.0);
        if !self.rest.fits(&parts, keep) {
            return Err(Rejected::Grant(GrantError::TooLong));
        }
        let [refresh, _, subject, _] = parts;
        let known = self.rest.get(Part::Subject);
        let mut told = Told::default();
        if let Some(token) = refresh {
            told.rotated = token != self.rest.get(Part::RefreshToken);
        }
        if let Some(subject) = subject {
            if !known.is_empty() {
                told.other_subject = subject != known;
            }
        }
        Ok(told)
    }

    /// The answer of the load under way (P12): every byte string is a record, nothing, or corrupt.
    #[inline(never)]
    fn load(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.loaded(Found::Absent, None);
        }
        // Read where it lies: a copy would count twice on the stack.
        let read = record::decode(bytes);
        match &read {
            Ok(record) if self.can_hold(record) => {
                self.loaded(Found::Record(&record.facts), Some(&record.grant));
            }
            // A token that could not be taken from a grant can't be taken from a record either.
            Ok(_) => self.loaded(Found::Corrupt(Corrupt::Content), None),
            Err(corrupt) => self.loaded(Found::Corrupt(*corrupt), None),
        }
    }

    #[inline(never)]
    fn loaded(&mut self, found: Found<'_>, grant: Option<&Grant<'_>>) {
        self.trace.corrupt = match found {
            Found::Corrupt(corrupt) => Some(corrupt),
            _ => None,
        };
        self.machine.loaded(found);
        self.machine.finish();
        self.apply(grant);
    }

    pub(crate) fn is_ambient(&self) -> bool {
        self.machine.config.credential == Credential::Ambient
    }

    /// Whether this latch has room for what a record holds, and a use.
    #[inline(never)]
    fn can_hold(&self, record: &Record<'_>) -> bool {
        if !record.facts.stamp.live {
            return true;
        }
        if record.grant.check(self.is_ambient(), T).is_err() {
            return false;
        }
        self.rest.fits(&record.grant.rest(), false)
    }

    /// P12: every byte string is a record, nothing (`None`), or corrupt.
    #[cfg(feature = "recording")]
    pub(crate) fn read<'a>(&self, bytes: &'a [u8]) -> Result<Record<'a>, Option<Corrupt>> {
        if bytes.is_empty() {
            return Err(None);
        }
        let record = record::decode(bytes)?;
        if self.can_hold(&record) {
            Ok(record)
        } else {
            Err(Some(Corrupt::Content))
        }
    }

    /// Does to the bytes what the machine's step asks for.
    pub(crate) fn apply(&mut self, grant: Option<&Grant<'_>>) {
        match core::mem::replace(&mut self.machine.bytes, Bytes::Keep) {
            Bytes::Keep => {}
            Bytes::DropRefresh => self.rest.drop_refresh_token(),
            Bytes::Wipe => self.wipe(),
            Bytes::Revoke => {
                let refresh = self.rest.get(Part::RefreshToken);
                let token = if refresh.is_empty() {
                    self.access.expose().as_bytes()
                } else {
                    refresh
                };
                self.revocation.set(token);
                self.wipe();
            }
            Bytes::RevokeFound => {
                if let Some(grant) = grant {
                    self.revocation
                        .set(grant.refresh_token.unwrap_or(grant.access_token).as_bytes());
                }
            }
            Bytes::TakeGrant | Bytes::TakeRecord => {
                self.wipe();
                self.merge(grant);
            }
            Bytes::MergeGrant => self.merge(grant),
        }
        if self.machine.revocation == crate::machine::Revocation::None {
            self.revocation.wipe();
        }
    }

    pub(crate) fn wipe(&mut self) {
        self.access.wipe();
        self.rest.wipe();
    }

    /// What a renewal leaves out stays as it was (RFC 6749 6).
    pub(crate) fn merge(&mut self, grant: Option<&Grant<'_>>) {
        let Some(grant) = grant else { return };
        self.token_type = grant.token_type;
        self.access.set(grant.access_token);
        self.rest.set(&grant.rest());
    }

    pub(crate) fn current_record(&self) -> Record<'_> {
        let machine = &self.machine;
        let mut facts = RecordFacts {
            stamp: machine.stamp,
            saved_wall: machine.clock.wall,
            issued_wall: 0,
            expires_wall: 0,
            sent_wall: 0,
            sent: false,
            has_refresh: false,
            rotation: crate::session::Rotation::Unknown,
            debt: machine.budget.debt(machine.clock.now),
        };
        let mut grant = Grant::ambient();
        if let Some(session) = &machine.session {
            facts.issued_wall = session.issued_wall;
            facts.expires_wall = session.expires_wall;
            facts.sent_wall = session.sent_wall;
            facts.sent = session.sent;
            facts.rotation = session.rotation;
            grant.token_type = self.token_type;
            grant.access_token = self.access.expose();
            grant.refresh_token = Some(self.rest.get_str(Part::RefreshToken));
            grant.scope = Some(self.rest.get_str(Part::Scope));
            grant.subject = Some(self.rest.get_str(Part::Subject));
            grant.app_data = Some(self.rest.get(Part::AppData));
        }
        Record { facts, grant }
    }
}
