//! Names as numbers and back, each pair from one list. A number is never used again for something else.

use crate::cbor::Reader;
use crate::cbor::Writer;
use crate::challenge::ChallengeKind;
use crate::config::Confirmation;
use crate::config::Credential;
use crate::config::LeaseMode;
use crate::config::Renewal;
use crate::config::Waiting;
use crate::effect::Effect;
use crate::effect::GrantType;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::ProbeResult;
use crate::event::Ticket;
use crate::grant::GrantError;
use crate::grant::TokenType;
use crate::record::Corrupt;
use crate::renewal::TokenFailure;
use crate::session::Rotation;
use crate::state::State;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use crate::why::Cause;

/// Goes into a recording as a number.
pub(super) trait Coded: Sized {
    fn number(self) -> u64;
    fn coded(number: u64) -> Option<Self>;
}

impl Writer<'_> {
    pub(super) fn coded(&mut self, value: impl Coded) -> Option<()> {
        self.number(value.number())
    }

    /// Something, or `null`.
    pub(super) fn option<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> Option<()>,
    ) -> Option<()> {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }
}

impl Reader<'_> {
    pub(super) fn coded<C: Coded>(&mut self) -> Option<C> {
        C::coded(self.number()?)
    }

    /// Something, or `null`.
    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.null() {
            return Some(None);
        }
        read(self).map(Some)
    }

    /// An array of so many.
    pub(super) fn fields(&mut self, count: u64) -> Option<()> {
        (self.array()? == count).then_some(())
    }
}

macro_rules! coded {
    ($type:ty: $($number:literal $name:ident,)*) => {
        impl Coded for $type {
            fn number(self) -> u64 {
                match self { $(Self::$name => $number,)* }
            }

            fn coded(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

coded! { State: 0 Unauthenticated, 1 Pending, 2 Ready, 3 Refreshing, 4 Expired, }
coded! { Confirmation: 0 Memory, 1 Stored, 2 ReadBack, 3 Probed, }
coded! { LeaseMode: 0 None, 1 Host, }
coded! { Credential: 0 Token, 1 Ambient, }
coded! { Renewal: 0 RefreshToken, 1 Login, }
coded! { Waiting: 0 Hold, 1 Refuse, }
coded! { GrantType: 0 RefreshToken, 1 Login, }
coded! { ProbeResult: 0 Accepted, 1 Refused, 2 Unreachable, }
coded! { TokenType: 0 Bearer, 1 Dpop, }
coded! { Rotation: 0 Unknown, 1 Rotates, 2 Keeps, }
coded! { Corrupt: 0 Truncated, 1 Magic, 2 Version, 3 Checksum, 4 Content, }
coded! { GrantError:
    0 Empty, 1 Literal, 2 Quoted, 3 Scheme, 4 Character, 5 TooLong, 6 Lifetime, 7 TokenType,
}
coded! { ChallengeKind:
    0 Absent, 1 OtherScheme, 2 NoError, 3 OtherError, 4 InvalidRequest, 5 InvalidToken, 6 InsufficientScope,
    7 InsufficientUserAuthentication, 8 UseDpopNonce,
}

impl Coded for u64 {
    fn number(self) -> u64 {
        self
    }

    fn coded(number: u64) -> Option<Self> {
        Some(number)
    }
}

macro_rules! small {
    ($($type:ty)*) => {
        $(impl Coded for $type {
            fn number(self) -> u64 {
                u64::from(self)
            }

            fn coded(number: u64) -> Option<Self> {
                Self::try_from(number).ok()
            }
        })*
    };
}

small! { u8 u16 u32 }

impl Coded for bool {
    fn number(self) -> u64 {
        u64::from(self)
    }

    fn coded(number: u64) -> Option<Self> {
        match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! ids {
    ($($type:ty: $raw:ty, $to:ident $from:ident;)*) => {
        $(impl Coded for $type {
            fn number(self) -> u64 {
                self.$to().into()
            }

            fn coded(number: u64) -> Option<Self> {
                Some(Self::$from(<$raw>::coded(number)?))
            }
        })*
    };
}

ids! {
    Ticket: u32, as_u32 from_u32;
    Waiter: u32, as_u32 from_u32;
    Receipt: u64, as_u64 from_u64;
}

impl Coded for Cause {
    fn number(self) -> u64 {
        u64::from(self.code())
    }

    fn coded(number: u64) -> Option<Self> {
        Self::from_code(u16::coded(number)?)
    }
}

/// 0 for none.
impl Coded for Option<u32> {
    fn number(self) -> u64 {
        self.map_or(0, |some| u64::from(some).saturating_add(1))
    }

    fn coded(number: u64) -> Option<Self> {
        match number.checked_sub(1) {
            None => Some(None),
            Some(some) => Some(Some(u32::coded(some)?)),
        }
    }
}

impl Coded for TokenFailure {
    fn number(self) -> u64 {
        match self {
            Self::NotSent => 0,
            Self::Lost => 1,
            Self::RateLimited => 2,
            Self::Unavailable => 3,
            Self::InvalidGrant => 4,
            Self::InteractionRequired => 5,
            Self::Misconfigured => 6,
            Self::Unrecognized => 7,
            Self::Unusable(error) => join(8, error),
        }
    }

    fn coded(number: u64) -> Option<Self> {
        Some(match split(number) {
            (0, 0) => Self::NotSent,
            (1, 0) => Self::Lost,
            (2, 0) => Self::RateLimited,
            (3, 0) => Self::Unavailable,
            (4, 0) => Self::InvalidGrant,
            (5, 0) => Self::InteractionRequired,
            (6, 0) => Self::Misconfigured,
            (7, 0) => Self::Unrecognized,
            (8, error) => Self::Unusable(GrantError::coded(error)?),
            _ => return None,
        })
    }
}

const KIND_BITS: u32 = 4;

/// A kind and what goes with it in one number: small kinds with small companions take one byte.
fn join(kind: u64, with: impl Coded) -> u64 {
    (with.number() << KIND_BITS) | kind
}

const fn split(number: u64) -> (u64, u64) {
    (number & 0xf, number >> KIND_BITS)
}

impl Coded for Result<Outcome, Rejected> {
    fn number(self) -> u64 {
        match self {
            Ok(Outcome::Done) => 0,
            Ok(Outcome::Stale) => 1,
            Ok(Outcome::Orphaned) => 2,
            Ok(Outcome::Login(ticket)) => join(3, ticket),
            Ok(Outcome::Pass) => 4,
            Ok(Outcome::Admitted) => 5,
            Ok(Outcome::Deliver) => 6,
            Ok(Outcome::Retry) => 7,
            Ok(Outcome::Surface(cause)) => join(8, cause),
            Err(Rejected::NotOpened) => 9,
            Err(Rejected::AlreadyOpened) => 10,
            Err(Rejected::QueueFull) => 11,
            Err(Rejected::DuplicateWaiter) => 12,
            Err(Rejected::Grant(error)) => join(13, error),
            Err(Rejected::NoSession) => 14,
            Err(Rejected::Throttled) => 15,
        }
    }

    fn coded(number: u64) -> Option<Self> {
        Some(match split(number) {
            (0, 0) => Ok(Outcome::Done),
            (1, 0) => Ok(Outcome::Stale),
            (2, 0) => Ok(Outcome::Orphaned),
            (3, ticket) => Ok(Outcome::Login(Ticket::coded(ticket)?)),
            (4, 0) => Ok(Outcome::Pass),
            (5, 0) => Ok(Outcome::Admitted),
            (6, 0) => Ok(Outcome::Deliver),
            (7, 0) => Ok(Outcome::Retry),
            (8, cause) => Ok(Outcome::Surface(Cause::coded(cause)?)),
            (9, 0) => Err(Rejected::NotOpened),
            (10, 0) => Err(Rejected::AlreadyOpened),
            (11, 0) => Err(Rejected::QueueFull),
            (12, 0) => Err(Rejected::DuplicateWaiter),
            (13, error) => Err(Rejected::Grant(GrantError::coded(error)?)),
            (14, 0) => Err(Rejected::NoSession),
            (15, 0) => Err(Rejected::Throttled),
            _ => return None,
        })
    }
}

impl Coded for Result<Receipt, PermitError> {
    fn number(self) -> u64 {
        match self {
            Ok(receipt) => join(0, receipt),
            Err(PermitError::NotReady) => 1,
            Err(PermitError::Refused(cause)) => join(2, cause),
            Err(PermitError::Unknown) => 3,
        }
    }

    fn coded(number: u64) -> Option<Self> {
        Some(match split(number) {
            (0, receipt) => Ok(Receipt::from_u64(receipt)),
            (1, 0) => Err(PermitError::NotReady),
            (2, cause) => Err(PermitError::Refused(Cause::coded(cause)?)),
            (3, 0) => Err(PermitError::Unknown),
            _ => return None,
        })
    }
}

const CAUSE_BITS: u32 = 16;

impl Coded for Effect {
    fn number(self) -> u64 {
        match self {
            Self::StateChanged { state } => join(0, state),
            Self::Load { ticket } => join(1, ticket),
            Self::Store { ticket } => join(2, ticket),
            Self::Announce => 3,
            Self::ReleaseLease { ticket } => join(4, ticket),
            Self::AcquireLease { ticket } => join(5, ticket),
            Self::SendTokenRequest { ticket, grant_type } => {
                join(6, (ticket.number() << 1) | grant_type.number())
            }
            Self::Probe { ticket } => join(7, ticket),
            Self::Revoke { ticket } => join(8, ticket),
            Self::RequireLogin { cause } => join(9, cause),
            Self::Refuse { waiter, cause } => {
                join(10, (waiter.number() << CAUSE_BITS) | cause.number())
            }
            Self::Release { waiter } => join(11, waiter),
        }
    }

    fn coded(number: u64) -> Option<Self> {
        let (kind, with) = split(number);
        let ticket = Ticket::coded(with);
        Some(match kind {
            0 => Self::StateChanged {
                state: State::coded(with)?,
            },
            1 => Self::Load { ticket: ticket? },
            2 => Self::Store { ticket: ticket? },
            3 if with == 0 => Self::Announce,
            4 => Self::ReleaseLease { ticket: ticket? },
            5 => Self::AcquireLease { ticket: ticket? },
            6 => Self::SendTokenRequest {
                ticket: Ticket::coded(with >> 1)?,
                grant_type: GrantType::coded(with & 1)?,
            },
            7 => Self::Probe { ticket: ticket? },
            8 => Self::Revoke { ticket: ticket? },
            9 => Self::RequireLogin {
                cause: Cause::coded(with)?,
            },
            10 => Self::Refuse {
                waiter: Waiter::coded(with >> CAUSE_BITS)?,
                cause: Cause::coded(with & 0xffff)?,
            },
            11 => Self::Release {
                waiter: Waiter::coded(with)?,
            },
            _ => return None,
        })
    }
}
