//! Events without their bytes, as the proofs make them, and how a machine is told one.

use crate::challenge::ChallengeKind;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Access;
use crate::event::Event;
use crate::event::ProbeResult;
use crate::event::Ticket;
use crate::grant::Expiry;
use crate::grant::Grant;
use crate::machine::Machine;
use crate::machine::Told;
use crate::record::Corrupt;
use crate::renewal::TokenFailure;
use crate::state::Order;
use crate::sync::Found;
use crate::sync::RecordFacts;
use crate::sync::Stage;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// An event without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Input {
    Opened,
    Resumed,
    StoreChanged,
    WentOffline,
    WentOnline,
    LoginStarted,
    Granted {
        ticket: u32,
        grant: GrantFacts,
    },
    TokenFailed {
        ticket: u32,
        failure: TokenFailure,
        retry_after: Option<u32>,
    },
    Loaded {
        ticket: u32,
        found: Load,
    },
    LoadFailed {
        ticket: u32,
    },
    Stored {
        ticket: u32,
    },
    StoreFailed {
        ticket: u32,
    },
    Probed {
        ticket: u32,
        result: ProbeResult,
    },
    LeaseGranted {
        ticket: u32,
    },
    LeaseDenied {
        ticket: u32,
    },
    LeaseLost {
        ticket: u32,
    },
    Revoked {
        ticket: u32,
    },
    RevokeFailed {
        ticket: u32,
    },
    AccessRequested {
        waiter: Waiter,
        access: Access,
    },
    Answered {
        receipt: Receipt,
        status: u16,
        challenge: ChallengeKind,
    },
    WaiterCancelled {
        waiter: Waiter,
    },
    RefreshRequested,
    LogoutRequested,
    TimeoutReached,
}

/// A grant without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GrantFacts {
    pub(super) expiry: Expiry,
    pub(super) server_time: Option<u64>,
    pub(super) has_refresh: bool,
    /// The refresh token differs from the one we have.
    pub(super) rotated: bool,
    /// The subject differs from the one we have.
    pub(super) other_subject: bool,
}

/// What a load found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Load {
    Absent,
    Corrupt(Corrupt),
    Record(RecordFacts),
}

impl Input {
    fn told(&self) -> Told {
        match self {
            Self::Granted { grant, .. } => Told {
                rotated: grant.rotated,
                other_subject: grant.other_subject,
            },
            _ => Told::default(),
        }
    }

    /// The event that is this without its bytes.
    fn event(&self) -> Event<'static> {
        let ticket = Ticket::from_u32;
        match *self {
            Self::Opened => Event::Opened,
            Self::Resumed => Event::Resumed,
            Self::StoreChanged => Event::StoreChanged,
            Self::WentOffline => Event::WentOffline,
            Self::WentOnline => Event::WentOnline,
            Self::LoginStarted => Event::LoginStarted,
            Self::Granted { ticket: id, grant } => Event::Granted {
                ticket: ticket(id),
                grant: grant.grant(),
            },
            Self::TokenFailed {
                ticket: id,
                failure,
                retry_after,
            } => Event::TokenFailed {
                ticket: ticket(id),
                failure,
                retry_after,
            },
            Self::Loaded { ticket: id, .. } => Event::Loaded {
                ticket: ticket(id),
                record: None,
            },
            Self::LoadFailed { ticket: id } => Event::LoadFailed { ticket: ticket(id) },
            Self::Stored { ticket: id } => Event::Stored { ticket: ticket(id) },
            Self::StoreFailed { ticket: id } => Event::StoreFailed { ticket: ticket(id) },
            Self::Probed { ticket: id, result } => Event::Probed {
                ticket: ticket(id),
                result,
            },
            Self::LeaseGranted { ticket: id } => Event::LeaseGranted { ticket: ticket(id) },
            Self::LeaseDenied { ticket: id } => Event::LeaseDenied { ticket: ticket(id) },
            Self::LeaseLost { ticket: id } => Event::LeaseLost { ticket: ticket(id) },
            Self::Revoked { ticket: id } => Event::Revoked { ticket: ticket(id) },
            Self::RevokeFailed { ticket: id } => Event::RevokeFailed { ticket: ticket(id) },
            Self::AccessRequested { waiter, access } => Event::AccessRequested { waiter, access },
            Self::Answered {
                receipt,
                status,
                challenge,
            } => Event::Answered {
                receipt,
                status,
                challenge,
            },
            Self::WaiterCancelled { waiter } => Event::WaiterCancelled { waiter },
            Self::RefreshRequested => Event::RefreshRequested,
            Self::LogoutRequested => Event::LogoutRequested,
            Self::TimeoutReached => Event::TimeoutReached,
        }
    }
}

impl GrantFacts {
    /// Only whether there is a refresh token counts, not what it is.
    fn grant(&self) -> Grant<'static> {
        let mut grant = Grant::ambient();
        grant.expiry = self.expiry;
        grant.server_time = self.server_time;
        grant.refresh_token = if self.has_refresh { Some("") } else { None };
        grant
    }
}

impl<const W: usize> Machine<W> {
    pub(super) fn check_input(&self, now: u64, input: &Input) -> Result<(), Rejected> {
        self.check(now, &input.event())
    }

    /// As the latch tells it.
    pub(super) fn step_input(&mut self, input: &Input) -> Outcome {
        if let Input::Loaded { ticket, found } = input {
            if self.is_loading(*ticket) {
                self.loaded(match found {
                    Load::Absent => Found::Absent,
                    Load::Corrupt(corrupt) => Found::Corrupt(*corrupt),
                    Load::Record(facts) => Found::Record(facts),
                });
                self.finish();
                return Outcome::Done;
            }
        }
        self.step(&input.event(), input.told())
    }

    pub(super) fn sync_order(&self) -> Option<&Order> {
        match &self.sync.as_ref()?.stage {
            Stage::Leasing => None,
            Stage::Loading(order) | Stage::ReadingBack(order) | Stage::Storing(order) => {
                Some(order)
            }
        }
    }
}
