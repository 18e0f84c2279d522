//! The feature `embassy-sync`: the gate, its requests, its watches and its runner, each future polled as an executor
//! would. What the host's futures do is not known here: each is a function that nobody can look into.

use core::future::poll_fn;
use core::mem::MaybeUninit;
use core::pin::pin;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::Cause;
use tokenlatch::Grant;
use tokenlatch::Instant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Permit;
use tokenlatch::ProbeResult;
use tokenlatch::Receipt;
use tokenlatch::State;
use tokenlatch::Ticket;
use tokenlatch::gate;
use tokenlatch::gate::Failed;
use tokenlatch::gate::GateError;
use tokenlatch::gate::Host;
use tokenlatch::gate::Status;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;

use crate::Latch;
use crate::encode;
use crate::latch::RawPermit;

type Gate = gate::Gate<NoopRawMutex, 1024, 8>;
type Request = gate::Request<'static, NoopRawMutex, 1024, 8, fn() -> Now>;
type Watch = gate::Watch<'static, NoopRawMutex, 1024, 8, fn() -> Now>;
type Runner = gate::Runner<'static, NoopRawMutex, 1024, 8, fn() -> Now>;
type Told = MaybeUninit<Result<Outcome, GateError>>;
type Done = MaybeUninit<Result<(), GateError>>;

/// A function for each method that a gate is told something by.
macro_rules! told {
    ($($name:ident($gate:ident $(, $argument:ident: $type:ty)*) -> $out:ty = $call:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($gate: &'static Gate, $($argument: $type,)* out: &mut $out) {
                out.write($call);
            }
        )*
    };
}

told! {
    gate_runner(gate) -> MaybeUninit<Result<Runner, GateError>> = gate.runner();
    gate_request(gate) -> MaybeUninit<Result<Request, GateError>> = gate.request();
    gate_retry(gate, receipt: u64) -> MaybeUninit<Result<Request, GateError>> = gate.retry(Receipt::from_u64(receipt));
    gate_answered(gate, receipt: u64, status: u16, challenge: u8) -> Told =
        gate.answered(Receipt::from_u64(receipt), status, encode::challenge(challenge));
    gate_login_started(gate) -> MaybeUninit<Result<Ticket, GateError>> = gate.login_started();
    gate_granted(gate, ticket: u32, grant: &Grant<'_>) -> Told = gate.granted(Ticket::from_u32(ticket), *grant);
    gate_token_failed(gate, ticket: u32, failure: u8, retry_after: &Option<u32>) -> Told =
        gate.token_failed(Ticket::from_u32(ticket), encode::failure(failure), *retry_after);
    gate_logout(gate) -> Done = gate.logout();
    gate_refresh(gate) -> Done = gate.refresh();
    gate_resumed(gate) -> Done = gate.resumed();
    gate_store_changed(gate) -> Done = gate.store_changed();
    gate_went_offline(gate) -> Done = gate.went_offline();
    gate_went_online(gate) -> Done = gate.went_online();
    gate_lease_lost(gate) -> Done = gate.lease_lost();
    gate_state(gate) -> MaybeUninit<State> = gate.state();
    gate_status(gate) -> MaybeUninit<Status> = gate.status();
    gate_watch(gate) -> MaybeUninit<Result<Watch, GateError>> = gate.watch();
    gate_inspect(gate) -> MaybeUninit<Result<usize, GateError>> = gate.inspect(Latch::waiting);
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_new(
    place: &mut MaybeUninit<Gate>,
    config: &tokenlatch::ValidConfig,
    clock: &fn() -> Now,
) {
    place.write(Gate::new(Latch::with(*config, 1), *clock));
}

/// What a permit gives, or why there is none.
type Claimed = MaybeUninit<Result<RawPermit, GateError>>;

fn look(permit: Permit<'_>) -> RawPermit {
    RawPermit::of(&permit)
}

/// False while it waits.
#[unsafe(no_mangle)]
pub extern "C" fn gate_poll_permit(
    request: &mut Request,
    waker: &Waker,
    out: &mut Claimed,
) -> bool {
    match request.poll_permit(&Context::from_waker(waker), look) {
        Poll::Ready(claimed) => {
            out.write(claimed);
            true
        }
        Poll::Pending => false,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_try_permit(request: &mut Request, out: &mut Claimed) {
    out.write(request.try_permit(look));
}

/// Polled until it is done.
#[unsafe(no_mangle)]
pub extern "C" fn gate_permit(request: &mut Request, waker: &Waker, out: &mut Claimed) {
    let mut permit = pin!(request.permit(look));
    loop {
        if let Poll::Ready(claimed) = permit.as_mut().poll(&mut Context::from_waker(waker)) {
            out.write(claimed);
            return;
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_request_answered(
    request: &mut Request,
    status: u16,
    challenge: u8,
    out: &mut Told,
) {
    out.write(request.answered(status, encode::challenge(challenge)));
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_request_receipt(request: &Request) -> u64 {
    request.receipt().map_or(0, Receipt::as_u64)
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_request_drop(request: &mut Option<Request>) {
    *request = None;
}

/// False while nothing is new.
#[unsafe(no_mangle)]
pub extern "C" fn gate_poll_changed(
    watch: &mut Watch,
    waker: &Waker,
    out: &mut MaybeUninit<Status>,
) -> bool {
    match watch.poll_changed(&Context::from_waker(waker)) {
        Poll::Ready(status) => {
            out.write(status);
            true
        }
        Poll::Pending => false,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_try_changed(watch: &mut Watch, out: &mut MaybeUninit<Option<Status>>) {
    out.write(watch.try_changed());
}

/// Polled until it is done.
#[unsafe(no_mangle)]
pub extern "C" fn gate_changed(watch: &mut Watch, waker: &Waker, out: &mut MaybeUninit<Status>) {
    let mut changed = pin!(watch.changed());
    loop {
        if let Poll::Ready(status) = changed.as_mut().poll(&mut Context::from_waker(waker)) {
            out.write(status);
            return;
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_watch_drop(watch: &mut Option<Watch>) {
    *watch = None;
}

/// Answers when it is asked how an order goes: 0 that it is under way, 1 done, anything else failed.
pub struct Unknown {
    ask: fn(what: u32, bytes: &mut [u8], waker: &Waker) -> u32,
}

impl Unknown {
    fn do_it(&self, what: u32) -> impl Future<Output = ()> {
        poll_fn(move |cx| match (self.ask)(what, &mut [], cx.waker()) {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        })
    }

    fn try_it(&self, what: u32) -> impl Future<Output = Result<(), Failed>> {
        poll_fn(move |cx| match (self.ask)(what, &mut [], cx.waker()) {
            0 => Poll::Pending,
            1 => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(Failed)),
        })
    }
}

/// Futures that end and are no `async fn`, which would have a panic of their own.
#[allow(refining_impl_trait, reason = "it is as the trait has it")]
impl Host for Unknown {
    fn wait_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.do_it(u32::from(at.as_millis() > 9))
    }

    fn load(&self, buffer: &mut [u8]) -> impl Future<Output = Result<usize, Failed>> {
        poll_fn(move |cx| match (self.ask)(1, buffer, cx.waker()) {
            0 => Poll::Pending,
            1 => Poll::Ready(Err(Failed)),
            length => Poll::Ready(usize::try_from(length).map_err(|_| Failed)),
        })
    }

    fn store(&self, record: &[u8]) -> impl Future<Output = Result<(), Failed>> {
        self.try_it(u32::from(record.is_empty()))
    }

    fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> impl Future<Output = Result<Grant<'r>, TokenError>> {
        let what = u32::from(request.refresh_token.is_empty());
        let mut reply = Some(reply);
        poll_fn(move |cx| {
            let bytes = reply.as_deref_mut().unwrap_or_default();
            match (self.ask)(what, bytes, cx.waker()) {
                0 => Poll::Pending,
                1 => {
                    let reply = reply.take().unwrap_or_default();
                    let token = core::str::from_utf8(reply).unwrap_or_default();
                    Poll::Ready(Ok(Grant::new(token)))
                }
                _ => Poll::Ready(Err(encode::failure(0).into())),
            }
        })
    }

    fn acquire_lease(&self) -> impl Future<Output = Result<(), Failed>> {
        self.try_it(2)
    }

    fn release_lease(&self) -> impl Future<Output = ()> {
        self.do_it(3)
    }

    fn announce(&self) -> impl Future<Output = ()> {
        self.do_it(4)
    }

    fn probe(&self, permit: Permit<'_>) -> impl Future<Output = ProbeResult> {
        let what = u32::from(permit.token().is_empty());
        poll_fn(move |cx| match (self.ask)(what, &mut [], cx.waker()) {
            0 => Poll::Pending,
            1 => Poll::Ready(ProbeResult::Accepted),
            _ => Poll::Ready(ProbeResult::Refused),
        })
    }

    fn revoke(&self, token: &str) -> impl Future<Output = Result<(), Failed>> {
        self.try_it(u32::from(token.is_empty()))
    }

    fn require_login(&self, cause: Cause) -> impl Future<Output = ()> {
        self.do_it(cause.code().into())
    }
}

/// Polled for ever.
#[unsafe(no_mangle)]
pub extern "C" fn gate_run(
    runner: &mut Runner,
    host: &Unknown,
    record: &mut [u8; Gate::RECORD_CAPACITY],
    waker: &Waker,
) {
    let mut reply = [0; 256];
    let mut run = pin!(runner.run(host, record, &mut reply));
    loop {
        let Poll::Pending = run.as_mut().poll(&mut Context::from_waker(waker));
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn gate_runner_drop(runner: &mut Option<Runner>) {
    *runner = None;
}
