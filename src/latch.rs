//! The latch: the machine and the bytes beside it.

use core::fmt;
use core::hash::Hash;
use core::hash::Hasher;

use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Renewal;
use crate::config::ValidConfig;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::RecordError;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Generation;
use crate::grant::Part;
use crate::grant::Rest;
use crate::grant::Secret;
use crate::grant::SecretBytes;
use crate::grant::TokenType;
use crate::idle::Orders;
use crate::machine::Machine;
use crate::permit::Permit;
use crate::record;
use crate::record::Corrupt;
use crate::state::Phase;
use crate::state::Refreshing;
use crate::state::State;
use crate::time::Instant;
use crate::time::NEVER;
use crate::time::Now;
use crate::trace::Step;
use crate::trace::Trace;
use crate::waiters::Receipt;
use crate::waiters::Waiter;
use crate::why::Cause;

/// Opens only when the token is ready, and no request passes before.
///
/// `T` is how many bytes an access token may have, and how many refresh token, scope, subject and the app's own
/// bytes may have together; `W` is how many requests may wait. One latch belongs to one context and one thread at
/// a time; put it behind the mutex that the host uses.
///
/// The host tells facts with [`handle`](Self::handle), drains [`poll_effect`](Self::poll_effect) until `None`, and
/// comes back at [`poll_timeout`](Self::poll_timeout) at the latest. No order of these calls is unsafe: an order
/// that was not picked up is replaced by the newer one, and a late answer is stale.
pub struct Latch<const T: usize, const W: usize> {
    pub(crate) machine: Machine<W>,
    pub(crate) access: Secret<T>,
    pub(crate) rest: Rest<T>,
    pub(crate) revocation: SecretBytes<T>,
    pub(crate) token_type: TokenType,
    /// Before this the passing of time changes nothing but the reading; 0 if that is not known.
    pub(crate) idle_until: u64,
    pub(crate) orders: Orders,
    pub(crate) trace: Trace,
}

impl<const T: usize, const W: usize> Latch<T, W> {
    /// What a buffer for [`record`](Self::record) needs at most.
    pub const RECORD_CAPACITY: usize = T.saturating_mul(2).saturating_add(record::OVERHEAD);

    /// A latch with nobody signed in.
    ///
    /// `seed` is the host's entropy, different for each context and each start: jitter and the nonce that settles
    /// conflicting writes come from it.
    ///
    /// # Errors
    ///
    /// The first thing in `config` that can't work.
    pub const fn new(config: Config, seed: u64) -> Result<Self, ConfigError> {
        match config.validate() {
            Ok(()) => Ok(Self::with(ValidConfig(config), seed)),
            Err(error) => Err(error),
        }
    }

    /// A latch with a configuration that was checked before; for a `static`, where an entropy known only at run time
    /// is not to be had: there `seed` may be any number, and contexts that share a store should not share it.
    #[must_use]
    pub const fn with(config: ValidConfig, seed: u64) -> Self {
        Self {
            machine: Machine::new(config.get(), seed),
            access: Secret::new(),
            rest: Rest::new(),
            revocation: SecretBytes::new(),
            token_type: TokenType::Bearer,
            idle_until: 0,
            orders: Orders::Unknown,
            trace: Trace::new(),
        }
    }

    /// Tells the latch a fact.
    ///
    /// # Errors
    ///
    /// The caller's mistake, or no room: nothing changed, not even the time.
    #[inline]
    pub fn handle(&mut self, now: Now, event: Event<'_>) -> Result<Outcome, Rejected> {
        if let Event::Answered {
            receipt,
            status,
            challenge,
        } = event
        {
            if self.accepted_idly(&now, receipt, status, challenge) {
                return Ok(Outcome::Deliver);
            }
        }
        self.handle_any(&now, &event)
    }

    #[inline(never)]
    pub(crate) fn handle_any(&mut self, now: &Now, event: &Event<'_>) -> Result<Outcome, Rejected> {
        if let Some(outcome) = self.idle_step(now, event) {
            return Ok(outcome);
        }
        let told = self.look(now, event)?;
        let from = self.state();
        self.pass_by(now);
        let outcome = self.step(event, told);
        self.look_around();
        self.remember(event.kind(), from, self.state());
        Ok(outcome)
    }

    /// The next order, or `None` until the next [`handle`](Self::handle) or [`permit`](Self::permit).
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.next_effect()?;
        self.trace.note(&effect);
        Some(effect)
    }

    /// When to tell [`Event::TimeoutReached`], if nothing else happens before. May change with every call of
    /// [`handle`](Self::handle) and [`permit`](Self::permit).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.machine.poll_timeout() {
            NEVER => None,
            at => Some(Instant::from_millis(at)),
        }
    }

    /// Claims the permit of a released request, which ends its wait. Time passes first, as with
    /// [`Event::TimeoutReached`].
    ///
    /// # Errors
    ///
    /// `NotReady`: the gate closed since the release; the request keeps its place and is released again.
    /// `Refused`: it waits no longer, no `Refuse` follows. `Unknown`: it does not wait.
    pub fn permit(&mut self, now: Now, waiter: Waiter) -> Result<Permit<'_>, PermitError> {
        self.pass(&now);
        let receipt = self.machine.claim(waiter)?;
        Ok(self.permit_with(receipt))
    }

    /// The credential for the probe under way, before anything else may use it. Its receipt answers nothing.
    ///
    /// # Errors
    ///
    /// `Unknown`: the ticket is not that of the probe under way.
    pub fn probe_permit(&self, ticket: Ticket) -> Result<Permit<'_>, PermitError> {
        if self.machine.probing() != Some(ticket.0) {
            return Err(PermitError::Unknown);
        }
        Ok(self.permit_with(Receipt::from_u64(0)))
    }

    pub(crate) fn permit_with(&self, receipt: Receipt) -> Permit<'_> {
        Permit {
            token: self.access.expose(),
            token_type: self.token_type,
            receipt,
        }
    }

    /// The refresh token for the token request under way; `None` for another ticket or another grant type.
    #[must_use]
    pub fn refresh_token(&self, ticket: Ticket) -> Option<&str> {
        match &self.machine.phase {
            Phase::Refreshing(Refreshing::Exchanging(order, _)) if order.ticket == ticket.0 => {}
            _ => return None,
        }
        if self.machine.config.renewal != Renewal::RefreshToken {
            return None;
        }
        Some(self.rest.get_str(Part::RefreshToken))
    }

    /// The token to revoke, for the revocation under way: the refresh token, or the access token if there was none.
    #[must_use]
    pub fn revocation(&self, ticket: Ticket) -> Option<&str> {
        if self.machine.is_revoking(ticket.0) {
            return Some(self.revocation.expose_str());
        }
        None
    }

    /// Writes the record for the store order under way, and tells its length.
    ///
    /// # Errors
    ///
    /// `Stale` if the order was superseded; `BufferTooSmall` for a buffer under
    /// [`RECORD_CAPACITY`](Self::RECORD_CAPACITY) that does not hold it.
    pub fn record(&self, ticket: Ticket, buffer: &mut [u8]) -> Result<usize, RecordError> {
        if !self.machine.is_storing(ticket.0) {
            return Err(RecordError::Stale);
        }
        record::encode(&self.current_record(), buffer).ok_or(RecordError::BufferTooSmall)
    }

    /// What the latch is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.machine.state()
    }

    /// Which credential it has, or had last.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.machine.stamp.generation()
    }

    /// Whether the store does not hold the credential (P2): it would not survive a restart. Retried in the
    /// background where there is a store.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.machine.is_volatile()
    }

    /// Whether the host said that there is no network.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.machine.offline
    }

    /// How many requests wait; they fill up to `W`.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.machine.waiters.len()
    }

    /// What keeps the gate closed, or would keep the next renewal from happening; `None` if nothing does.
    #[must_use]
    pub fn trouble(&self) -> Option<Cause> {
        match &self.machine.session {
            Some(session) => session.trouble.map(crate::session::Trouble::cause),
            None => Some(self.machine.ended),
        }
    }

    /// What was wrong with the bytes that the last load found.
    #[must_use]
    pub const fn corrupt(&self) -> Option<Corrupt> {
        self.trace.corrupt
    }

    /// When the access token ends, if that is known.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        match self.machine.session.as_ref()?.expires_at {
            NEVER => None,
            at => Some(Instant::from_millis(at)),
        }
    }

    /// Who is signed in, as the grant named them.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.session_text(self.rest.get_str(Part::Subject))
    }

    /// The granted scope.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.session_text(self.rest.get_str(Part::Scope))
    }

    /// The app's own bytes.
    #[must_use]
    pub fn app_data(&self) -> Option<&[u8]> {
        self.machine.session.as_ref()?;
        Some(self.rest.get(Part::AppData))
    }

    fn session_text<'a>(&self, text: &'a str) -> Option<&'a str> {
        self.machine.session.as_ref()?;
        if text.is_empty() { None } else { Some(text) }
    }

    /// The last steps, oldest first.
    pub fn trace(&self) -> impl Iterator<Item = Step> {
        self.trace.iter()
    }

    /// The configuration it was built with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.machine.config
    }

    pub(crate) const fn machine(&self) -> &Machine<W> {
        &self.machine
    }

    /// Whether a secret of a session is in memory, the one to be revoked apart.
    pub(crate) fn holds_secret(&self) -> bool {
        !self.access.expose().is_empty() || !self.rest.is_empty()
    }

    /// A number that is the same for latches that behave the same: all of the state, none of the trace.
    #[doc(hidden)]
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.machine.hash(hasher);
        self.access.expose().hash(hasher);
        self.rest.hash(hasher);
        self.revocation.expose().hash(hasher);
    }
}

impl<const T: usize, const W: usize> fmt::Debug for Latch<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("state", &self.state())
            .field("generation", &self.generation())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
