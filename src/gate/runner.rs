//! The runner: one future that carries the orders out, each lane for itself.
//!
//! A lane is a small loop that never ends: take an order, let the host work on it until it is done or superseded,
//! answer. All lanes are polled together, so that none waits for another (P6).
//!
//! Only what never ends is an `async fn` here, and of the rest each future is a `poll_fn`: an `async fn` that ends panics
//! when it is polled once more, and no linker sees that nobody does (P14).

use core::convert::Infallible;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::pin::pin;
use core::task::Poll;

use embassy_sync::blocking_mutex::raw::RawMutex;
use zeroize::Zeroize;

use super::Gate;
use super::board::Status;
use super::desk::Lane;
use super::error::GateError;
use super::error::TokenError;
use super::host::Host;
use super::host::TokenRequest;
use crate::effect::Effect;
use crate::effect::Outcome;
use crate::error::Rejected;
use crate::event::Event;
use crate::event::Ticket;
use crate::grant::Grant;
use crate::grant::Secret;
use crate::grant::TokenType;
use crate::latch::Latch;
use crate::permit::Permit;
use crate::renewal::TokenFailure;
use crate::time::Instant;
use crate::time::Now;
use crate::waiters::Receipt;

/// Carries out what the latch orders. There is one for a gate at a time.
pub struct Runner<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> {
    gate: &'g Gate<M, T, W, C>,
}

impl<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Runner<'g, M, T, W, C> {
    pub(super) const fn new(gate: &'g Gate<M, T, W, C>) -> Self {
        Self { gate }
    }

    /// Carries the orders out through the host, for ever.
    ///
    /// `record` is for what goes to the store and comes from it ([`Gate::RECORD_CAPACITY`] bytes at least, which the
    /// compiler checks), `reply` for the answer to a token request. Both are wiped after use.
    ///
    /// Cancel-safe: dropping this future drops the host's futures, and what they were to do counts as failed; a
    /// token request as lost. It may be run again.
    pub async fn run<H: Host, const R: usize>(
        &mut self,
        host: &H,
        record: &mut [u8; R],
        reply: &mut [u8],
    ) -> ! {
        const {
            assert!(
                R >= Latch::<T, W>::RECORD_CAPACITY,
                "the buffer for the record needs `RECORD_CAPACITY` bytes"
            );
        };
        let gate = self.gate;
        let mut timer = pin!(timer(gate, host));
        let mut store = pin!(store(gate, host, record));
        let mut announce = pin!(announce(gate, host));
        let mut lease = pin!(lease(gate, host));
        let mut token = pin!(token_requests(gate, host, reply));
        let mut probe = pin!(probe(gate, host));
        let mut revoke = pin!(revoke(gate, host));
        let mut login = pin!(login(gate, host));
        let never: Infallible = poll_fn(|cx| {
            gate.enter(|shared| shared.desk.register(cx.waker()));
            let _ = lease.as_mut().poll(cx);
            let _ = store.as_mut().poll(cx);
            let _ = announce.as_mut().poll(cx);
            let _ = token.as_mut().poll(cx);
            let _ = probe.as_mut().poll(cx);
            let _ = revoke.as_mut().poll(cx);
            let _ = login.as_mut().poll(cx);
            let _ = timer.as_mut().poll(cx);
            Poll::Pending
        })
        .await;
        match never {}
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Drop for Runner<'_, M, T, W, C> {
    fn drop(&mut self) {
        self.gate.enter(|shared| shared.desk.give_up());
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> fmt::Debug
    for Runner<'_, M, T, W, C>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

/// An order under way. Dropped without an answer it tells that it failed.
struct Job<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> {
    gate: &'g Gate<M, T, W, C>,
    lane: Lane,
    failed: Event<'static>,
    is_answered: bool,
}

impl<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Job<'g, M, T, W, C> {
    /// Begins it, and takes what it needs from the latch; `None` if it was superseded before anybody took it.
    fn begin<R>(
        gate: &'g Gate<M, T, W, C>,
        lane: Lane,
        ticket: Ticket,
        failed: Event<'static>,
        take: impl FnOnce(&Latch<T, W>) -> R,
    ) -> Option<(Self, R)> {
        let now = gate.now();
        gate.enter(|shared| {
            // At once: another thread may sign out between any two calls.
            let taken = shared.peek(|latch| {
                let limit = latch.config().token_timeout_ms;
                lane.awaits(latch, ticket).then(|| (limit, take(latch)))
            });
            let (limit, taken) = taken.ok()??;
            let limit = u64::from(limit).saturating_mul(2);
            let patience = now.monotonic.as_millis().saturating_add(limit);
            let patience = Instant::from_millis(patience);
            shared.desk.begin(lane, ticket, Some(patience));
            let job = Self {
                gate,
                lane,
                failed,
                is_answered: false,
            };
            Some((job, taken))
        })
    }

    /// Works on it; `None` if it was superseded meanwhile.
    fn during<F: Future>(&self, mut work: Pin<&mut F>) -> impl Future<Output = Option<F::Output>> {
        poll_fn(move |cx| {
            if self.gate.enter(|shared| shared.desk.is_over(self.lane)) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
    }

    fn answer(&mut self, event: Event<'_>) -> Result<Outcome, GateError> {
        self.is_answered = true;
        self.gate.tell(event)
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Drop for Job<'_, M, T, W, C> {
    fn drop(&mut self) {
        self.gate.enter(|shared| shared.desk.end(self.lane));
        if !self.is_answered {
            // Stale if it was superseded.
            let _ = self.gate.tell(self.failed);
        }
    }
}

/// An order that needs no answer and must not be forgotten: dropped before its end it goes back to the desk.
struct Errand<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> {
    gate: &'g Gate<M, T, W, C>,
    order: Option<Effect>,
}

impl<'g, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Errand<'g, M, T, W, C> {
    const fn begin(gate: &'g Gate<M, T, W, C>, order: Effect) -> Self {
        Self {
            gate,
            order: Some(order),
        }
    }

    fn end(mut self) {
        self.order = None;
    }
}

impl<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now> Drop for Errand<'_, M, T, W, C> {
    fn drop(&mut self) {
        if let Some(order) = self.order {
            self.gate.enter(|shared| shared.desk.put_back(order));
        }
    }
}

/// Bytes that are wiped when they are done with, also if that comes unexpectedly.
struct Wiped<'a>(&'a mut [u8]);

impl Drop for Wiped<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The next order of a lane.
fn next<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now>(
    gate: &Gate<M, T, W, C>,
    lane: Lane,
) -> impl Future<Output = Effect> {
    poll_fn(move |_| match gate.enter(|shared| shared.desk.take(lane)) {
        Some(order) => Poll::Ready(order),
        None => Poll::Pending,
    })
}

async fn store<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
    buffer: &mut [u8],
) -> Infallible {
    loop {
        match next(gate, Lane::Store).await {
            Effect::Load { ticket } => {
                let buffer = Wiped(buffer);
                let failed = Event::LoadFailed { ticket };
                let begun = Job::begin(gate, Lane::Store, ticket, failed, |_| ());
                let Some((mut job, ())) = begun else {
                    continue;
                };
                let loaded = {
                    let load = pin!(host.load(buffer.0));
                    job.during(load).await
                };
                let Some(Ok(length)) = loaded else {
                    continue;
                };
                // More than fits is no record of this latch, and not read as one.
                let record = buffer.0.get(..length).unwrap_or(buffer.0);
                let record = Some(record);
                let _ = job.answer(Event::Loaded { ticket, record });
            }
            Effect::Store { ticket } => {
                let buffer = Wiped(buffer);
                let failed = Event::StoreFailed { ticket };
                let begun = Job::begin(gate, Lane::Store, ticket, failed, |latch| {
                    latch.record(ticket, buffer.0)
                });
                let Some((mut job, Ok(length))) = begun else {
                    continue;
                };
                let record = buffer.0.get(..length).unwrap_or_default();
                let store = pin!(host.store(record));
                if let Some(Ok(())) = job.during(store).await {
                    let _ = job.answer(Event::Stored { ticket });
                }
            }
            _ => {}
        }
    }
}

async fn announce<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    loop {
        let order = next(gate, Lane::Announce).await;
        let errand = Errand::begin(gate, order);
        host.announce().await;
        errand.end();
    }
}

async fn lease<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    loop {
        // What is given up comes before what is asked for.
        let order = poll_fn(|_| {
            // At once: another thread may give both between any two calls.
            let order = gate.enter(|shared| {
                let desk = &shared.desk;
                desk.take(Lane::Release)
                    .or_else(|| desk.take(Lane::Acquire))
            });
            match order {
                Some(order) => Poll::Ready(order),
                None => Poll::Pending,
            }
        });
        let order = order.await;
        let Effect::AcquireLease { ticket } = order else {
            let errand = Errand::begin(gate, order);
            host.release_lease().await;
            errand.end();
            continue;
        };
        let failed = Event::LeaseDenied { ticket };
        let begun = Job::begin(gate, Lane::Acquire, ticket, failed, |_| ());
        let Some((mut job, ())) = begun else { continue };
        let acquire = pin!(host.acquire_lease());
        if let Some(Ok(())) = job.during(acquire).await {
            let _ = job.answer(Event::LeaseGranted { ticket });
        }
    }
}

async fn token_requests<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
    reply: &mut [u8],
) -> Infallible {
    let mut secret = Secret::<T>::new();
    loop {
        secret.wipe();
        let Effect::SendTokenRequest { ticket, grant_type } = next(gate, Lane::Token).await else {
            continue;
        };
        let reply = Wiped(reply);
        let failed = Event::TokenFailed {
            ticket,
            failure: TokenFailure::Lost,
            retry_after: None,
        };
        let begun = Job::begin(gate, Lane::Token, ticket, failed, |latch| {
            // None for a renewal by a login.
            if let Some(token) = latch.refresh_token(ticket) {
                secret.set(token);
            }
        });
        let Some((mut job, ())) = begun else { continue };
        let request = TokenRequest {
            grant_type,
            refresh_token: secret.expose(),
        };
        let answer = {
            let send = pin!(host.send_token_request(request, reply.0));
            job.during(send).await
        };
        let Some(answer) = answer else { continue };
        let orphan = match answer {
            Ok(grant) => granted(&mut job, ticket, grant),
            Err(TokenError {
                failure,
                retry_after,
            }) => {
                let _ = job.answer(Event::TokenFailed {
                    ticket,
                    failure,
                    retry_after,
                });
                None
            }
        };
        if let Some(token) = orphan {
            // Best effort: it belongs to a sign-in that is over, and nobody waits for it.
            let revoke = pin!(host.revoke(token));
            let _ = job.during(revoke).await;
        }
    }
}

/// Hands a grant over; gives back the token to revoke if it is nobody's.
fn granted<'r, M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now>(
    job: &mut Job<'_, M, T, W, C>,
    ticket: Ticket,
    grant: Grant<'r>,
) -> Option<&'r str> {
    match job.answer(Event::Granted { ticket, grant }) {
        Ok(Outcome::Orphaned) => Some(grant.refresh_token.unwrap_or(grant.access_token)),
        Err(GateError::Rejected(Rejected::Grant(error))) => {
            let _ = job.answer(Event::TokenFailed {
                ticket,
                failure: TokenFailure::Unusable(error),
                retry_after: None,
            });
            None
        }
        _ => None,
    }
}

async fn probe<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    let mut secret = Secret::<T>::new();
    loop {
        secret.wipe();
        let Effect::Probe { ticket } = next(gate, Lane::Probe).await else {
            continue;
        };
        let failed = Event::Probed {
            ticket,
            result: crate::event::ProbeResult::Unreachable,
        };
        let begun = Job::begin(gate, Lane::Probe, ticket, failed, |latch| {
            let permit = latch.probe_permit(ticket).ok()?;
            secret.set(permit.token());
            Some(permit.token_type())
        });
        let Some((mut job, Some(token_type))) = begun else {
            continue;
        };
        let permit = permit_of(&secret, token_type);
        let probe = pin!(host.probe(permit));
        if let Some(result) = job.during(probe).await {
            let _ = job.answer(Event::Probed { ticket, result });
        }
    }
}

fn permit_of<const T: usize>(secret: &Secret<T>, token_type: TokenType) -> Permit<'_> {
    Permit {
        token: secret.expose(),
        token_type,
        receipt: Receipt::from_u64(0),
    }
}

async fn revoke<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    let mut secret = Secret::<T>::new();
    loop {
        secret.wipe();
        let Effect::Revoke { ticket } = next(gate, Lane::Revoke).await else {
            continue;
        };
        let failed = Event::RevokeFailed { ticket };
        let begun = Job::begin(gate, Lane::Revoke, ticket, failed, |latch| {
            secret.set(latch.revocation(ticket)?);
            Some(())
        });
        let Some((mut job, Some(()))) = begun else {
            continue;
        };
        let revoke = pin!(host.revoke(secret.expose()));
        if let Some(Ok(())) = job.during(revoke).await {
            let _ = job.answer(Event::Revoked { ticket });
        }
    }
}

async fn login<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    loop {
        let order = next(gate, Lane::Login).await;
        if gate.peek(is_logged_in) == Ok(true) {
            continue;
        }
        if let Effect::RequireLogin { cause } = order {
            let errand = Errand::begin(gate, order);
            host.require_login(cause).await;
            errand.end();
        }
    }
}

/// Whether somebody has logged in, or begun to, since a login was asked for.
fn is_logged_in<const T: usize, const W: usize>(latch: &Latch<T, W>) -> bool {
    if latch.machine().login_told {
        return false;
    }
    Status::of(latch).login.is_none()
}

async fn timer<M: RawMutex, const T: usize, const W: usize, C: Fn() -> Now, H: Host>(
    gate: &Gate<M, T, W, C>,
    host: &H,
) -> Infallible {
    loop {
        let at = gate.enter(|shared| shared.desk.arm());
        let mut sleep = pin!(at.map(|at| host.wait_until(at)));
        let mut is_over = false;
        poll_fn(|cx| {
            // A timer that goes off at once, too early, must not keep the others from being polled.
            if is_over {
                return Poll::Ready(());
            }
            if gate.enter(|shared| shared.desk.is_disarmed()) {
                return Poll::Ready(());
            }
            let Some(sleep) = sleep.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            if sleep.poll(cx).is_ready() {
                is_over = true;
                let _ = gate.tell(Event::TimeoutReached);
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
    }
}
