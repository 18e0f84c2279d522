//! The bytes beside the machine: events are stripped of theirs, and a step's order is carried out on them.

use crate::config::Credential;
use crate::error::Rejected;
use crate::event::Event;
use crate::grant::Grant;
use crate::grant::GrantError;
use crate::grant::Part;
use crate::latch::Latch;
use crate::machine::Bytes;
use crate::machine::GrantFacts;
use crate::machine::Input;
use crate::record;
use crate::record::Corrupt;
use crate::record::Record;
use crate::sync::Found;
use crate::sync::RecordFacts;

impl<const T: usize, const W: usize> Latch<T, W> {
    /// The event without its bytes, and the bytes that the machine may order to be taken.
    pub(crate) fn input<'a>(
        &self,
        event: &Event<'a>,
    ) -> Result<(Input, Option<Grant<'a>>), Rejected> {
        let input = match *event {
            Event::Granted { ticket, grant } => {
                grant.check(self.is_ambient(), T).map_err(Rejected::Grant)?;
                if !self
                    .rest
                    .fits(&grant.rest(), !self.machine.is_logging_in(ticket.0))
                {
                    return Err(Rejected::Grant(GrantError::TooLong));
                }
                return Ok((
                    Input::Granted {
                        ticket: ticket.0,
                        grant: self.grant_facts(&grant),
                    },
                    Some(grant),
                ));
            }
            Event::Loaded { ticket, record } => {
                let (found, grant) = self.found(record.unwrap_or_default());
                return Ok((
                    Input::Loaded {
                        ticket: ticket.0,
                        found,
                    },
                    grant,
                ));
            }
            Event::Opened => Input::Opened,
            Event::Resumed => Input::Resumed,
            Event::StoreChanged => Input::StoreChanged,
            Event::WentOffline => Input::WentOffline,
            Event::WentOnline => Input::WentOnline,
            Event::LoginStarted => Input::LoginStarted,
            Event::TokenFailed {
                ticket,
                failure,
                retry_after,
            } => Input::TokenFailed {
                ticket: ticket.0,
                failure,
                retry_after,
            },
            Event::LoadFailed { ticket } => Input::LoadFailed { ticket: ticket.0 },
            Event::Stored { ticket } => Input::Stored { ticket: ticket.0 },
            Event::StoreFailed { ticket } => Input::StoreFailed { ticket: ticket.0 },
            Event::Probed { ticket, result } => Input::Probed {
                ticket: ticket.0,
                result,
            },
            Event::LeaseGranted { ticket } => Input::LeaseGranted { ticket: ticket.0 },
            Event::LeaseDenied { ticket } => Input::LeaseDenied { ticket: ticket.0 },
            Event::LeaseLost { ticket } => Input::LeaseLost { ticket: ticket.0 },
            Event::Revoked { ticket } => Input::Revoked { ticket: ticket.0 },
            Event::RevokeFailed { ticket } => Input::RevokeFailed { ticket: ticket.0 },
            Event::AccessRequested { waiter, access } => Input::AccessRequested { waiter, access },
            Event::Answered {
                receipt,
                status,
                challenge,
            } => Input::Answered {
                receipt,
                status,
                challenge,
            },
            Event::WaiterCancelled { waiter } => Input::WaiterCancelled { waiter },
            Event::RefreshRequested => Input::RefreshRequested,
            Event::LogoutRequested => Input::LogoutRequested,
            Event::TimeoutReached => Input::TimeoutReached,
        };
        Ok((input, None))
    }

    pub(crate) fn is_ambient(&self) -> bool {
        self.machine.config.credential == Credential::Ambient
    }

    pub(crate) fn grant_facts(&self, grant: &Grant<'_>) -> GrantFacts {
        let known = self.rest.get_str(Part::Subject);
        let other_subject = match grant.subject {
            Some(subject) if !known.is_empty() => subject != known,
            _ => false,
        };
        GrantFacts {
            expiry: grant.expiry,
            server_time: grant.server_time,
            has_refresh: grant.refresh_token.is_some(),
            rotated: grant
                .refresh_token
                .is_some_and(|token| token.as_bytes() != self.rest.get(Part::RefreshToken)),
            other_subject,
        }
    }

    /// P12: every byte string is a record, nothing, or corrupt.
    pub(crate) fn found<'a>(&self, bytes: &'a [u8]) -> (Found, Option<Grant<'a>>) {
        if bytes.is_empty() {
            return (Found::Absent, None);
        }
        let record = match record::decode(bytes) {
            Ok(record) => record,
            Err(corrupt) => return (Found::Corrupt(corrupt), None),
        };
        if record.facts.stamp.live {
            // A token that could not be taken from a grant can't be taken from a record either.
            if record.grant.check(self.is_ambient(), T).is_err() {
                return (Found::Corrupt(Corrupt::Content), None);
            }
            if !self.rest.fits(&record.grant.rest(), false) {
                return (Found::Corrupt(Corrupt::Content), None);
            }
        }
        (Found::Record(record.facts), Some(record.grant))
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
                    self.access.expose()
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
        self.access.set(grant.access_token.as_bytes());
        self.rest.set(&grant.rest());
    }

    pub(crate) fn current_record(&self) -> Record<'_> {
        let machine = &self.machine;
        let mut facts = RecordFacts {
            stamp: machine.stamp,
            saved_wall: machine.clock.wall().unwrap_or(0),
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
            grant.access_token = self.access.expose_str();
            grant.refresh_token = Some(self.rest.get_str(Part::RefreshToken));
            grant.scope = Some(self.rest.get_str(Part::Scope));
            grant.subject = Some(self.rest.get_str(Part::Subject));
            grant.app_data = Some(self.rest.get(Part::AppData));
        }
        Record { facts, grant }
    }
}
