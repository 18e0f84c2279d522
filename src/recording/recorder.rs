//! The writer: one entry for each call, behind the one before, until the buffer is full.

#[cfg(any(feature = "capi", feature = "wasm"))]
mod paused;

use core::fmt;
use core::ops::Deref;

#[cfg(any(feature = "capi", feature = "wasm"))]
pub(crate) use paused::Paused;

use super::MAGIC;
use super::RecorderError;
use super::VERSION;
use super::content::RedactedFound;
use super::content::RedactedGrant;
use super::fact::Fact;
use super::fact::Told;
use super::reader::CALL_FIELDS;
use super::reader::Call;
use super::reader::Clocks;
use super::reader::HEADER_FIELDS;
use super::reader::SECRET_FIELDS;
use super::reader::Secret;
use super::redacted::Form;
use super::redacted::Key;
use super::redacted::Redacted;
use super::seen;
use crate::cbor::NULL;
use crate::cbor::Writer;
use crate::config::Config;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::PermitError;
use crate::error::Rejected;
use crate::event::Event;
use crate::latch::Latch;
use crate::machine::Machine;
use crate::permit::Permit;
use crate::promises::Checked;
use crate::time::Now;
use crate::waiters::Receipt;
use crate::waiters::Waiter;

/// Writes down what a latch is told and what it gives. [`Recorded`] calls it at the right places; call it yourself where
/// the latch is inside something else.
pub struct Recorder<'b> {
    buffer: &'b mut [u8],
    length: usize,
    is_full: bool,
    key: Key,
    clocks: Clocks,
    /// Where the newest secret stands; each tells where the one before it stands.
    newest: usize,
}

impl<'b> Recorder<'b> {
    /// Begins a recording of this latch, which was told nothing yet.
    ///
    /// # Errors
    ///
    /// `NotNew`, and `BufferTooSmall`.
    pub fn new<const T: usize, const W: usize>(
        latch: &Latch<T, W>,
        key: Key,
        buffer: &'b mut [u8],
    ) -> Result<Self, RecorderError> {
        Self::begin(latch, false, key, buffer)
    }

    /// Begins a recording of the latch in here. [`Checked`] lets the time pass before each call; a replay does the same.
    /// After each of its calls tell [`told`](Self::told), [`given`](Self::given) or [`claimed`](Self::claimed).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn for_checked<const T: usize, const W: usize>(
        checked: &Checked<T, W>,
        key: Key,
        buffer: &'b mut [u8],
    ) -> Result<Self, RecorderError> {
        Self::begin(checked.latch(), true, key, buffer)
    }

    fn begin<const T: usize, const W: usize>(
        latch: &Latch<T, W>,
        is_checked: bool,
        key: Key,
        buffer: &'b mut [u8],
    ) -> Result<Self, RecorderError> {
        let machine = latch.machine();
        let seed = machine.random.0;
        if *machine != Machine::new(machine.config, seed) {
            return Err(RecorderError::NotNew);
        }
        let mut recorder = Self {
            buffer,
            length: 0,
            is_full: false,
            key,
            clocks: Clocks::default(),
            newest: 0,
        };
        let config = machine.config;
        match recorder.header((T, W), &config, seed, is_checked) {
            Some(()) => Ok(recorder),
            None => Err(RecorderError::BufferTooSmall),
        }
    }

    fn header(
        &mut self,
        (tokens, waiters): (usize, usize),
        config: &Config,
        seed: u64,
        is_checked: bool,
    ) -> Option<()> {
        let [first, second, third] = MAGIC;
        let head = self.buffer.first_chunk_mut()?;
        *head = [first, second, third, VERSION];
        self.length = head.len();
        let id = self.key.id();
        self.append(|writer| {
            writer.array(HEADER_FIELDS)?;
            writer.text(env!("CARGO_PKG_VERSION"))?;
            writer.number(u64::try_from(tokens).ok()?)?;
            writer.number(u64::try_from(waiters).ok()?)?;
            writer.number(seed)?;
            writer.bool(is_checked)?;
            writer.number(id)?;
            super::config::encode(config, writer)
        })
    }

    /// Writes one item, or, when it does not fit, the mark that the recording ends here.
    fn append(&mut self, write: impl FnOnce(&mut Writer<'_>) -> Option<()>) -> Option<()> {
        if self.is_full {
            return None;
        }
        // The last byte is kept for the mark.
        let end = self.buffer.len().saturating_sub(1);
        let mut writer = Writer(self.buffer.get_mut(self.length..end)?);
        if write(&mut writer).is_some() {
            self.length = end.saturating_sub(writer.0.len());
            return Some(());
        }
        self.is_full = true;
        *self.buffer.get_mut(self.length)? = NULL;
        self.length = self.length.saturating_add(1);
        None
    }

    /// The recording so far: it can be taken at any time.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Whether the buffer was full and the rest is missing.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Writes down a call of [`Latch::handle`] that has returned; call it before the effects are polled.
    pub fn told<const T: usize, const W: usize>(
        &mut self,
        latch: &Latch<T, W>,
        now: Now,
        event: &Event<'_>,
        outcome: Result<Outcome, Rejected>,
    ) {
        let told = match *event {
            Event::Granted { ticket, grant } => {
                RedactedGrant::of(&grant, |bytes| self.redact(bytes))
                    .map(|grant| Told::Granted { ticket, grant })
            }
            Event::Loaded { ticket, record } => {
                let found = match latch.read(record.unwrap_or_default()) {
                    Ok(record) if record.facts.stamp.live => {
                        RedactedGrant::of(&record.grant, |bytes| self.redact(bytes))
                            .map(|grant| RedactedFound::Record(record.facts, Some(grant)))
                    }
                    Ok(record) => Some(RedactedFound::Record(record.facts, None)),
                    Err(Some(corrupt)) => Some(RedactedFound::Corrupt(corrupt)),
                    Err(None) => Some(RedactedFound::Absent),
                };
                found.map(|found| Told::Loaded { ticket, found })
            }
            ref event => plain(event).map(Told::Plain),
        };
        if let Some(told) = told {
            self.call(latch, now, Call::Told(Fact(told), outcome));
        }
    }

    /// Writes down an effect that [`Latch::poll_effect`] has given.
    pub fn given(&mut self, effect: Effect) {
        self.append(|writer| writer.coded(effect));
    }

    /// Writes down a call of [`Latch::permit`] that has returned, with the permit's receipt.
    pub fn claimed<const T: usize, const W: usize>(
        &mut self,
        latch: &Latch<T, W>,
        now: Now,
        waiter: Waiter,
        receipt: Result<Receipt, PermitError>,
    ) {
        self.call(latch, now, Call::Claimed(waiter, receipt));
    }

    fn call<const T: usize, const W: usize>(&mut self, latch: &Latch<T, W>, now: Now, call: Call) {
        let (clocks, millis, wall) = self.clocks.passed(now);
        let written = self.append(|writer| {
            writer.array(CALL_FIELDS)?;
            writer.signed(millis)?;
            writer.option(wall, Writer::signed)?;
            call.encode(writer)?;
            writer.coded(latch.state())?;
            writer.number(seen(latch))
        });
        if written.is_some() {
            self.clocks = clocks;
        }
    }

    /// The number of a secret; a new one is written down with its hash. `None` when the buffer is full.
    fn redact(&mut self, bytes: &[u8]) -> Option<Redacted> {
        if bytes.is_empty() {
            return Some(Redacted::EMPTY);
        }
        let hash = self.key.hash(bytes);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut number = 0_u32;
        let mut at = self.newest;
        while at > 0 {
            // Each stands before the one that names it, so that this ends.
            let secret = Secret::read(self.bytes().get(at..)?)?;
            if secret.redacted.length == length {
                if secret.hash == hash {
                    return Some(secret.redacted);
                }
                number = number.max(secret.redacted.number.saturating_add(1));
            }
            at = usize::try_from(secret.before).ok()?;
        }
        let redacted = Redacted {
            length,
            number,
            form: Form::of(bytes),
        };
        let (at, before) = (self.length, u64::try_from(self.newest).ok()?);
        self.append(|writer| {
            writer.array(SECRET_FIELDS)?;
            redacted.encode(writer)?;
            writer.bytes(&hash)?;
            writer.number(before)
        })?;
        self.newest = at;
        Some(redacted)
    }
}

impl fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("length", &self.length)
            .field("is_full", &self.is_full)
            .finish_non_exhaustive()
    }
}

/// The event without the lifetime of bytes that it does not have.
const fn plain(event: &Event<'_>) -> Option<Event<'static>> {
    Some(match *event {
        Event::Granted { .. } | Event::Loaded { .. } => return None,
        Event::Opened => Event::Opened,
        Event::Resumed => Event::Resumed,
        Event::StoreChanged => Event::StoreChanged,
        Event::WentOffline => Event::WentOffline,
        Event::WentOnline => Event::WentOnline,
        Event::LoginStarted => Event::LoginStarted,
        Event::RefreshRequested => Event::RefreshRequested,
        Event::LogoutRequested => Event::LogoutRequested,
        Event::TimeoutReached => Event::TimeoutReached,
        Event::LoadFailed { ticket } => Event::LoadFailed { ticket },
        Event::Stored { ticket } => Event::Stored { ticket },
        Event::StoreFailed { ticket } => Event::StoreFailed { ticket },
        Event::LeaseGranted { ticket } => Event::LeaseGranted { ticket },
        Event::LeaseDenied { ticket } => Event::LeaseDenied { ticket },
        Event::LeaseLost { ticket } => Event::LeaseLost { ticket },
        Event::Revoked { ticket } => Event::Revoked { ticket },
        Event::RevokeFailed { ticket } => Event::RevokeFailed { ticket },
        Event::WaiterCancelled { waiter } => Event::WaiterCancelled { waiter },
        Event::AccessRequested { waiter, access } => Event::AccessRequested { waiter, access },
        Event::Probed { ticket, result } => Event::Probed { ticket, result },
        Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        } => Event::TokenFailed {
            ticket,
            failure,
            retry_after,
        },
        Event::Answered {
            receipt,
            status,
            challenge,
        } => Event::Answered {
            receipt,
            status,
            challenge,
        },
    })
}

/// A latch that is recorded: the same calls, and all else of a latch to look at.
#[derive(Debug)]
pub struct Recorded<'b, const T: usize, const W: usize> {
    latch: Latch<T, W>,
    recorder: Recorder<'b>,
}

impl<'b, const T: usize, const W: usize> Recorded<'b, T, W> {
    /// A new latch, recorded into this buffer: 256 bytes for the configuration, and some 25 for each call.
    ///
    /// # Errors
    ///
    /// As [`Latch::new`], and `BufferTooSmall`.
    pub fn new(
        config: Config,
        seed: u64,
        key: Key,
        buffer: &'b mut [u8],
    ) -> Result<Self, RecorderError> {
        let latch = Latch::new(config, seed).map_err(RecorderError::Config)?;
        let recorder = Recorder::new(&latch, key, buffer)?;
        Ok(Self { latch, recorder })
    }

    /// The recorder, for its bytes.
    #[must_use]
    pub const fn recorder(&self) -> &Recorder<'b> {
        &self.recorder
    }

    /// [`Latch::handle`], recorded.
    ///
    /// # Errors
    ///
    /// As [`Latch::handle`].
    pub fn handle(&mut self, now: Now, event: Event<'_>) -> Result<Outcome, Rejected> {
        let outcome = self.latch.handle(now, event);
        self.recorder.told(&self.latch, now, &event, outcome);
        outcome
    }

    /// [`Latch::poll_effect`], recorded.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.latch.poll_effect()?;
        self.recorder.given(effect);
        Some(effect)
    }

    /// [`Latch::permit`], recorded.
    ///
    /// # Errors
    ///
    /// As [`Latch::permit`].
    pub fn permit(&mut self, now: Now, waiter: Waiter) -> Result<Permit<'_>, PermitError> {
        let claimed = self.latch.permit(now, waiter);
        let receipt = claimed.map(|permit| permit.receipt());
        self.recorder.claimed(&self.latch, now, waiter, receipt);
        Ok(self.latch.permit_with(receipt?))
    }
}

impl<const T: usize, const W: usize> Deref for Recorded<'_, T, W> {
    type Target = Latch<T, W>;

    fn deref(&self) -> &Self::Target {
        &self.latch
    }
}
