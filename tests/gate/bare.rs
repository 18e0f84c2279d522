//! A host that can do little, calls at the wrong time, and from inside a closure of the gate.

use core::cell::Cell;
use core::cell::RefCell;
use core::future::pending;
use core::pin::pin;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;

use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Config;
use tokenlatch::Confirmation;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::GrantError;
use tokenlatch::GrantType;
use tokenlatch::Instant;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Renewal;
use tokenlatch::State;
use tokenlatch::TokenFailure;
use tokenlatch::gate::Failed;
use tokenlatch::gate::Gate;
use tokenlatch::gate::GateError;
use tokenlatch::gate::Host;
use tokenlatch::gate::TokenError;
use tokenlatch::gate::TokenRequest;

use crate::executor::Chance;
use crate::executor::Executor;
use crate::executor::Time;
use crate::world::RECORD;
use crate::world::TOKEN;
use crate::world::WAITERS;
use crate::world::check;
use crate::world::gate;
use crate::world::quick;
use crate::world::with_lease;

/// Only what a host must have: a clock, a store, and a token endpoint.
struct Bare<'t> {
    time: &'t Time,
    disk: RefCell<Vec<u8>>,
    /// What the token endpoint gives.
    access: Cell<&'static str>,
    asked: RefCell<Vec<String>>,
    /// How many loads hang for ever, how long a store takes, and how many were begun.
    hanging: Cell<u32>,
    slow: Cell<u64>,
    stores: Cell<u32>,
    /// How long a dialog is shown, and how many were.
    dialog: Cell<u64>,
    dialogs: Cell<u32>,
}

impl<'t> Bare<'t> {
    fn new(time: &'t Time) -> Self {
        Self {
            time,
            disk: RefCell::default(),
            access: Cell::new("second"),
            asked: RefCell::default(),
            hanging: Cell::new(0),
            slow: Cell::new(0),
            stores: Cell::new(0),
            dialog: Cell::new(0),
            dialogs: Cell::new(0),
        }
    }
}

impl Host for Bare<'_> {
    async fn wait_until(&self, at: Instant) {
        self.time.until_instant(at).await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        if let Some(left) = self.hanging.get().checked_sub(1) {
            self.hanging.set(left);
            pending::<()>().await;
        }
        let disk = self.disk.borrow();
        buffer[..disk.len()].copy_from_slice(&disk);
        Ok(disk.len())
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        self.stores.set(self.stores.get() + 1);
        self.time.sleep(self.slow.get()).await;
        *self.disk.borrow_mut() = record.to_vec();
        Ok(())
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        _: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        let asked = format!("{:?} {}", request.grant_type, request.refresh_token);
        self.asked.borrow_mut().push(asked);
        let shown = format!("{request:?}");
        assert!(shown.contains(&format!("{:?}", request.grant_type)));
        let secret = request.refresh_token;
        assert!(secret.is_empty() | !shown.contains(secret), "{shown}");
        Ok(hour(self.access.get()))
    }

    async fn require_login(&self, _: Cause) {
        self.dialogs.set(self.dialogs.get() + 1);
        self.time.sleep(self.dialog.get()).await;
    }
}

fn hour(access: &str) -> Grant<'_> {
    let mut grant = Grant::new(access);
    grant.refresh_token = Some("refresh");
    grant.expiry = Expiry::In(3_600_000);
    grant
}

type BareGate<'t> = Gate<NoopRawMutex, TOKEN, WAITERS, Box<dyn Fn() -> Now + 't>>;

/// Runs a task beside the runner of a bare host, until it ends.
fn with_a_runner<'t>(
    gate: &'t BareGate<'t>,
    host: &'t Bare<'t>,
    task: impl Future<Output = ()> + 't,
) {
    let mut executor = Executor::new();
    let mut runner = gate.runner().expect("the only one");
    executor.background(async move {
        runner.run(host, &mut [0; RECORD], &mut [0; 8]).await;
    });
    executor.spawn(task);
    executor.run(host.time, &Chance::new(3));
    check(gate);
}

async fn sign_in(gate: &BareGate<'_>) {
    let ticket = gate.login_started().expect("it is opened");
    let told = gate.granted(ticket, hour("first"));
    assert_eq!(told, Ok(Outcome::Done));
}

async fn token(gate: &BareGate<'_>) -> Result<String, GateError> {
    let mut request = gate.request()?;
    request.permit(|permit| permit.token().to_owned()).await
}

/// What most of these begin with.
async fn sign_in_and_ask(gate: &BareGate<'_>) {
    sign_in(gate).await;
    assert_eq!(token(gate).await.as_deref(), Ok("first"));
}

/// A host without a lease: it is denied, in time, and no renewal is sent without it.
// promises: P3, P15
#[test]
fn a_host_without_a_lease_sends_no_renewal_under_one() {
    let time = Time::new();
    let host = Bare::new(&time);
    let gate = gate(&time, with_lease(), 1);
    with_a_runner(&gate, &host, async {
        sign_in_and_ask(&gate).await;
        gate.refresh().expect("there is a session");
        let refused = token(&gate).await;
        assert_eq!(refused, Err(GateError::Refused(Cause::WaitTimeout)));
        assert_eq!(gate.status().trouble, Some(Cause::LeaseUnavailable));
    });
    assert!(host.asked.borrow().is_empty());
}

/// A host that can't probe: the credential is never confirmed, and nothing leaves.
// promises: P2
#[test]
fn a_host_without_a_probe_confirms_nothing() {
    let time = Time::new();
    let host = Bare::new(&time);
    let mut config = quick();
    config.confirmation = Confirmation::Probed;
    let gate = gate(&time, config, 1);
    with_a_runner(&gate, &host, async {
        sign_in(&gate).await;
        let refused = token(&gate).await;
        assert!(matches!(refused, Err(GateError::Refused(_))), "{refused:?}");
        assert_ne!(gate.state(), State::Ready);
    });
}

/// Without a revocation of the host's, a sign-out ends all the same.
// promises: P6
#[test]
fn a_host_without_a_revocation_signs_out() {
    let time = Time::new();
    let host = Bare::new(&time);
    let gate = gate(&time, quick(), 1);
    with_a_runner(&gate, &host, async {
        sign_in_and_ask(&gate).await;
        gate.logout().expect("it is opened");
        // It is given up after some tries.
        time.sleep(20_000).await;
        let next = gate.inspect(|latch| latch.poll_timeout());
        assert_eq!(next, Ok(None));
        let tombstone = tokenlatch::inspect(&host.disk.borrow());
        assert!(matches!(tombstone, tokenlatch::StoreContent::Tombstone(_)));
    });
}

/// A renewal by the host's own login has no refresh token to send.
#[test]
fn a_renewal_by_login_has_no_refresh_token() {
    let time = Time::new();
    let host = Bare::new(&time);
    let mut config = quick();
    config.renewal = Renewal::Login;
    let gate = gate(&time, config, 1);
    with_a_runner(&gate, &host, async {
        sign_in_and_ask(&gate).await;
        gate.refresh().expect("there is a session");
        assert_eq!(token(&gate).await.as_deref(), Ok("second"));
    });
    assert_eq!(*host.asked.borrow(), [format!("{:?} ", GrantType::Login)]);
}

/// What the server gave can't be used: that is a failed renewal, and no loop.
// promises: P10
#[test]
fn an_unusable_grant_is_a_failed_renewal() {
    let time = Time::new();
    let host = Bare::new(&time);
    let mut config = quick();
    config.budget = 3;
    config.budget_window_ms = 600_000;
    let gate = gate(&time, config, 1);
    with_a_runner(&gate, &host, async {
        sign_in_and_ask(&gate).await;
        host.access.set("\"quoted\"");
        gate.refresh().expect("there is a session");
        time.sleep(10).await;
        let told = gate.inspect(tokenlatch::Latch::trouble);
        assert!(told.is_ok_and(|trouble| trouble.is_some()));
        let refused = token(&gate).await;
        assert!(matches!(refused, Err(GateError::Refused(_))), "{refused:?}");
    });
    let asked = host.asked.borrow().len();
    assert!((1..=3).contains(&asked), "{asked}");
}

/// In memory, signed in, without a runner that does anything.
fn ready(time: &Time, config: Config) -> BareGate<'_> {
    let gate = gate(time, config, 1);
    drop(gate.runner().expect("the only one"));
    let ticket = gate.login_started().expect("it is opened");
    assert_eq!(gate.granted(ticket, hour("first")), Ok(Outcome::Done));
    assert_eq!(gate.state(), State::Ready);
    gate
}

/// An order that was superseded before a runner took it is not carried out.
// promises: P6
#[test]
fn a_renewal_that_nobody_began_is_not_sent_after_a_sign_out() {
    let time = Time::new();
    let host = Bare::new(&time);
    let gate = ready(&time, Config::in_memory());
    gate.refresh().expect("there is a session");
    assert_eq!(gate.state(), State::Refreshing);
    gate.logout().expect("it is opened");
    with_a_runner(&gate, &host, async {
        time.sleep(100).await;
        assert_eq!(gate.state(), State::Unauthenticated);
    });
    assert!(host.asked.borrow().is_empty());
}

/// An order that hangs is dropped at its deadline, so that the next one of its kind is begun.
// promises: P15
#[test]
fn a_load_that_hangs_is_dropped_for_the_next_one() {
    let time = Time::new();
    let host = Bare::new(&time);
    {
        let gate = gate(&time, quick(), 1);
        with_a_runner(&gate, &host, async {
            sign_in_and_ask(&gate).await;
        });
    }
    host.hanging.set(1);
    let gate = gate(&time, quick(), 2);
    with_a_runner(&gate, &host, async {
        assert_eq!(token(&gate).await.as_deref(), Ok("first"));
    });
}

/// What is under way goes on, whatever else the latch is told.
#[test]
fn a_store_that_is_awaited_is_not_begun_twice() {
    let time = Time::new();
    let host = Bare::new(&time);
    host.slow.set(200);
    let gate = gate(&time, quick(), 1);
    with_a_runner(&gate, &host, async {
        sign_in(&gate).await;
        time.sleep(50).await;
        assert_eq!(token(&gate).await.as_deref(), Ok("first"));
        assert_eq!(host.stores.get(), 1);
    });
}

/// While a dialog is shown a request waits in vain and another one comes, which asks for a login again.
#[test]
fn no_login_is_asked_for_once_somebody_has_logged_in() {
    let time = Time::new();
    let host = Bare::new(&time);
    host.dialog.set(5_000);
    let mut config = Config::in_memory();
    config.wait_limit_ms = 1_000;
    let gate = gate(&time, config, 1);
    with_a_runner(&gate, &host, async {
        let late = Err(GateError::Refused(Cause::WaitTimeout));
        assert_eq!(token(&gate).await, late);
        assert_eq!(token(&gate).await, late);
        sign_in_and_ask(&gate).await;
        time.sleep(6_000).await;
    });
    assert_eq!(host.dialogs.get(), 1);
}

/// A host that gets a lease and has nothing to do to give it up.
struct Lessee<'t>(Bare<'t>);

impl Host for Lessee<'_> {
    async fn wait_until(&self, at: Instant) {
        self.0.wait_until(at).await;
    }

    async fn load(&self, buffer: &mut [u8]) -> Result<usize, Failed> {
        self.0.load(buffer).await
    }

    async fn store(&self, record: &[u8]) -> Result<(), Failed> {
        self.0.store(record).await
    }

    async fn send_token_request<'r>(
        &self,
        request: TokenRequest<'_>,
        reply: &'r mut [u8],
    ) -> Result<Grant<'r>, TokenError> {
        self.0.send_token_request(request, reply).await
    }

    async fn acquire_lease(&self) -> Result<(), Failed> {
        Ok(())
    }
}

#[test]
fn a_lease_is_given_up_without_a_word() {
    let time = Time::new();
    let host = Lessee(Bare::new(&time));
    let gate = gate(&time, with_lease(), 1);
    let mut runner = gate.runner().expect("the only one");
    let mut executor = Executor::new();
    executor.background(async {
        runner.run(&host, &mut [0; RECORD], &mut [0; 8]).await;
    });
    executor.spawn(async {
        sign_in_and_ask(&gate).await;
        // Each renewal asks for the lease again.
        for _ in 0..2 {
            gate.refresh().expect("there is a session");
            assert_eq!(token(&gate).await.as_deref(), Ok("second"));
        }
    });
    executor.run(&time, &Chance::new(3));
    drop(executor);
    check(&gate);
    assert_eq!(host.0.asked.borrow().len(), 2);
}

/// What comes before the first runner is refused.
#[test]
fn nothing_begins_before_the_first_runner() {
    let time = Time::new();
    let gate = gate(&time, Config::in_memory(), 1);
    let early = GateError::Rejected(Rejected::NotOpened);
    assert_eq!(gate.login_started(), Err(early));
    assert_eq!(gate.logout(), Err(early));
    assert_eq!(gate.refresh(), Err(early));
    assert_eq!(gate.lease_lost(), Ok(()), "there is none");
}

/// From inside a closure of the gate every call is refused, and nothing else happens.
#[test]
fn a_call_from_inside_a_closure_is_refused() {
    let time = Time::new();
    let again = Some(GateError::Reentered);
    let new = gate(&time, Config::in_memory(), 1);
    let inside = new.inspect(|_| new.runner().err());
    assert_eq!(inside, Ok(again));
    let gate = ready(&time, Config::in_memory());
    let mut request = gate.request().expect("room");
    let inside = gate.inspect(|_| {
        assert_eq!(gate.login_started().err(), again);
        assert_eq!(gate.request().err(), again);
        assert_eq!(gate.retry(Receipt::from_u64(1)).err(), again);
        assert_eq!(request.try_permit(|_| ()).err(), again);
        let mut polled = pin!(request.permit(|_| ()));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(
            polled.as_mut().poll(&mut context),
            Poll::Ready(Err(GateError::Reentered))
        );
    });
    assert_eq!(inside, Ok(()));
    assert_eq!(request.receipt(), None, "it has not left");
    let token = request.try_permit(|permit| permit.token().to_owned());
    assert_eq!(token.as_deref(), Ok("first"));
    let receipt = request.receipt();
    assert!(receipt.is_some());
    let inside = gate.inspect(|_| request.answered(200, ChallengeKind::Absent));
    assert_eq!(inside, Ok(Err(GateError::Reentered)));
    assert_eq!(request.receipt(), receipt, "it can still be told");
    assert_eq!(
        request.answered(200, ChallengeKind::Absent),
        Ok(Outcome::Deliver)
    );
    assert_eq!(request.receipt(), None);
}

/// A request that is told elsewhere comes back with its receipt, and as often as it may.
// promises: P9
#[test]
fn a_receipt_comes_back_as_another_request() {
    let time = Time::new();
    let mut config = Config::in_memory();
    config.max_attempts = 2;
    let gate = ready(&time, config);
    let mut first = gate.request().expect("room");
    first.try_permit(|_| ()).expect("the gate is open");
    let receipt = first.receipt().expect("it left");
    drop(first);
    let mut second = gate.retry(receipt).expect("once more");
    second.try_permit(|_| ()).expect("the gate is open");
    let receipt = second.receipt().expect("it left");
    let refused = gate.retry(receipt).err();
    assert_eq!(refused, Some(GateError::Refused(Cause::RetriesExhausted)));
}

/// Who was released and does not come in time is refused like all who wait too long.
// promises: P8, P15
#[test]
fn a_released_request_that_comes_too_late_is_refused() {
    let time = Time::new();
    let mut config = Config::in_memory();
    config.wait_limit_ms = 1_000;
    let gate = ready(&time, config);
    let mut late = gate.request().expect("room");
    let forgotten = gate.request().expect("room");
    let mut executor = Executor::new();
    executor.spawn(time.sleep(2_000));
    executor.run(&time, &Chance::new(1));
    let told = late.try_permit(|_| ());
    assert_eq!(told, Err(GateError::Refused(Cause::WaitTimeout)));
    assert_eq!(late.try_permit(|_| ()), Err(GateError::OutOfTurn));
    // Refused as well, and never told: its seat is free all the same.
    drop(forgotten);
    let all: Vec<_> = (0..WAITERS).map(|_| gate.request()).collect();
    assert!(all.iter().all(Result::is_ok));
}

#[test]
fn every_error_is_told_in_words() {
    let cause = Cause::SignedOut;
    assert_eq!(GateError::Refused(cause).to_string(), cause.to_string());
    for rejected in [
        Rejected::QueueFull,
        Rejected::Grant(GrantError::Quoted),
        Rejected::NoSession,
    ] {
        let error = GateError::Rejected(rejected);
        assert_eq!(error.to_string(), rejected.to_string());
    }
    assert_eq!(Failed.to_string(), "the host could not carry out the order");
    let failure = TokenFailure::RateLimited;
    assert_eq!(TokenError::from(failure).to_string(), failure.to_string());
}
