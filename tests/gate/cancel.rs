//! What is dropped where it waits, at each of its polls: nothing is lost, and what goes on is whole.

use core::cell::Cell;
use core::cell::OnceCell;
use core::cell::RefCell;
use core::pin::pin;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;
use std::rc::Rc;
use std::rc::Weak;

use embassy_sync::blocking_mutex::raw::RawMutex;
use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Latch;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::gate::Gate;
use tokenlatch::gate::GateError;
use tokenlatch::gate::WATCHERS;

use crate::executor::Chance;
use crate::executor::Executor;
use crate::executor::Time;
use crate::executor::polled_at_most;
use crate::life::fetch;
use crate::life::login;
use crate::life::run;
use crate::world::RECORD;
use crate::world::TOKEN;
use crate::world::TestGate;
use crate::world::WAITERS;
use crate::world::Weather;
use crate::world::World;
use crate::world::check;
use crate::world::gate;
use crate::world::grant;
use crate::world::quick;
use crate::world::with_lease;

const SLOW: Weather = Weather {
    fails: 0,
    hangs: 0,
    forgets: 0,
    slow: 40,
};

/// A login, a renewal after a 401, and a sign-out.
async fn story(gate: &TestGate<'_>, world: &World<'_>) {
    login(gate, world).await;
    assert_eq!(fetch(gate, world).await, Ok(200));
    world.forget_access();
    assert_eq!(fetch(gate, world).await, Ok(200));
    world.ended.set(world.sign_in.get());
    gate.logout().expect("it is opened");
    while gate.inspect(|latch| latch.poll_timeout().is_some()) == Ok(true) {
        world.time.sleep(10).await;
    }
    let tombstone = tokenlatch::inspect(&world.disk.borrow());
    assert!(matches!(tombstone, tokenlatch::StoreContent::Tombstone(_)));
}

/// Runs `gate` to its end, the runner dropped after so many polls and another one run instead. Whether it was.
fn with_a_runner_dropped_after(polls: u64) -> bool {
    let time = Time::new();
    let world = World::new(&time, 3, SLOW);
    let mut config = with_lease();
    // A token request that is lost is sent again.
    config.reuse_grace_ms = 60_000;
    let gate = gate(&time, config, 1);
    let is_dropped = Cell::new(false);
    let mut executor = Executor::new();
    let runner = gate.runner().expect("the only one");
    executor.background(async {
        let _ = polled_at_most(polls, run(runner, &world)).await;
        is_dropped.set(true);
        run(gate.runner().expect("the first is gone"), &world).await;
    });
    executor.spawn(async {
        // A request whose renewal was lost with the runner ends the session: one more login then.
        login(&gate, &world).await;
        let _ = fetch(&gate, &world).await;
        world.forget_access();
        let _ = fetch(&gate, &world).await;
        if gate.state() != State::Ready {
            login(&gate, &world).await;
            assert_eq!(fetch(&gate, &world).await, Ok(200));
        }
        gate.logout().expect("it is opened");
        while gate.inspect(|latch| latch.poll_timeout().is_some()) == Ok(true) {
            time.sleep(10).await;
        }
        let tombstone = tokenlatch::inspect(&world.disk.borrow());
        assert!(matches!(tombstone, tokenlatch::StoreContent::Tombstone(_)));
    });
    executor.run(&time, &Chance::new(polls));
    check(&gate);
    assert_eq!(gate.inspect(Latch::waiting), Ok(0));
    is_dropped.get()
}

// promises: P8, P15
#[test]
fn a_runner_may_be_dropped_at_each_of_its_polls() {
    let mut polls = 1;
    while with_a_runner_dropped_after(polls) {
        polls += if cfg!(miri) { 7 } else { 1 };
    }
    assert!(polls > 20, "the whole story took {polls} polls");
}

/// What a runner was at when it was dropped has failed: the next one begins it anew, and waits for no deadline.
// promises: P15
#[test]
fn what_a_dropped_runner_was_at_has_failed() {
    let time = Time::new();
    let hangs = Weather {
        hangs: 100,
        ..Weather::default()
    };
    let world = World::new(&time, 1, hangs);
    let gate = gate(&time, quick(), 1);
    let mut executor = Executor::new();
    executor.background(async {
        let hung = run(gate.runner().expect("the only one"), &world);
        embassy_futures::select::select(hung, time.sleep(10)).await;
        world.weather.set(Weather::default());
        run(gate.runner().expect("the first is gone"), &world).await;
    });
    executor.spawn(async {
        time.sleep(5).await;
        assert_eq!(gate.state(), State::Pending);
        time.sleep(15).await;
        assert_eq!(gate.state(), State::Unauthenticated);
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}

// promises: P8
#[test]
fn a_request_may_be_dropped_at_each_of_its_polls() {
    for polls in 0..12 {
        let time = Time::new();
        let world = World::new(&time, 3, SLOW);
        let gate = gate(&time, quick(), 1);
        let mut executor = Executor::new();
        executor.background(run(gate.runner().expect("the only one"), &world));
        executor.spawn(async {
            let _ = polled_at_most(polls, fetch(&gate, &world)).await;
        });
        executor.spawn(async {
            time.sleep(5).await;
            story(&gate, &world).await;
        });
        executor.run(&time, &Chance::new(polls));
        check(&gate);
        assert_eq!(gate.inspect(Latch::waiting), Ok(0));
    }
}

// promises: P8
#[test]
fn a_dropped_wait_keeps_the_place_and_a_dropped_request_gives_it_up() {
    let time = Time::new();
    let gate = gate(&time, quick(), 1);
    let _runner = gate.runner().expect("the only one");
    let mut first = gate.request().expect("room");
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut wait = pin!(first.permit(|_| ()));
        assert_eq!(wait.as_mut().poll(&mut cx), Poll::Pending);
    }
    assert_eq!(gate.inspect(Latch::waiting), Ok(1));
    assert_eq!(first.poll_permit(&cx, |_| ()), Poll::Pending);
    assert_eq!(first.try_permit(|_| ()), Err(GateError::NotReady));
    drop(first);
    assert_eq!(gate.inspect(Latch::waiting), Ok(0));
    check(&gate);
}

#[test]
fn a_watch_misses_nothing_and_makes_room_when_dropped() {
    let time = Time::new();
    let gate = gate(&time, quick(), 1);
    let mut watches: Vec<_> = (0..WATCHERS).filter_map(|_| gate.watch().ok()).collect();
    assert_eq!(watches.len(), WATCHERS);
    assert_eq!(gate.watch().err(), Some(GateError::WatchersFull));
    let mut watch = watches.pop().expect("one of them");
    let first = watch.try_changed().expect("the first comes at once");
    assert_eq!(first.state, State::Unauthenticated);
    assert_eq!(watch.try_changed(), None);
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut wait = pin!(watch.changed());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }
    let runner = gate.runner().expect("the only one");
    let Poll::Ready(status) = watch.poll_changed(&cx) else {
        panic!("it was opened");
    };
    assert_eq!(status.state, State::Pending);
    drop((watches, watch));
    assert!(gate.watch().is_ok());
    drop(runner);
    assert!(gate.runner().is_ok());
    check(&gate);
}

// promises: P6
#[test]
fn a_sign_out_waits_for_no_token_request_and_what_that_brings_is_revoked() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        login(&gate, &world).await;
        assert_eq!(fetch(&gate, &world).await, Ok(200));
        world.latency.set(1_500);
        gate.refresh().expect("there is a session");
        time.sleep(10).await;
        assert_eq!(world.seen.token_requests.get(), 1);
        gate.logout().expect("it is opened");
        assert_eq!(gate.state(), State::Unauthenticated);
        time.sleep(10).await;
        // The tombstone is written and the old token revoked while the token request is still under way.
        let tombstone = tokenlatch::inspect(&world.disk.borrow());
        assert!(matches!(tombstone, tokenlatch::StoreContent::Tombstone(_)));
        assert_eq!(*world.seen.revoked.borrow(), ["r-1-1"]);
        time.sleep(1_600).await;
        assert_eq!(*world.seen.revoked.borrow(), ["r-1-1", "r-1-2"]);
        assert_eq!(gate.state(), State::Unauthenticated);
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}

/// Does it at one moment after the other until there are no more, of which there must be so many.
#[track_caller]
fn at_each_moment(work: fn(u32) -> bool, least: usize) {
    let count = (0..1_000).take_while(|number| work(*number)).count();
    assert!((least..1_000).contains(&count), "{count} moments");
}

/// A sign-out at so many readings of the clock after a renewal was asked for, as another thread may sign out at any.
/// Whether there are so many.
fn with_a_sign_out_at_reading(number: u32) -> bool {
    let time = Time::new();
    let left = Cell::new(None);
    let place = Rc::new(OnceCell::<Weak<TestGate<'_>>>::new());
    let clock = {
        let place = Rc::clone(&place);
        let (time, left) = (&time, &left);
        move || {
            match left.take() {
                Some(0_u32) => {
                    let gate = place.get().and_then(Weak::upgrade).expect("it is made");
                    gate.logout().expect("it is opened");
                }
                some => left.set(some.map(|some| some - 1)),
            }
            time.now()
        }
    };
    let latch = Latch::new(quick(), 1).expect("a config that works");
    let gate = Rc::new(TestGate::new(latch, Box::new(clock)));
    place.set(Rc::downgrade(&gate)).expect("it is the first");
    let world = World::new(&time, 1, Weather::default());
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        login(&gate, &world).await;
        assert_eq!(fetch(&gate, &world).await, Ok(200));
        left.set(Some(number));
        let _ = gate.refresh();
        time.sleep(100).await;
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
    left.take().is_none()
}

// promises: P6
#[test]
fn a_sign_out_at_any_moment_of_a_renewal_leaves_no_token_request_without_a_token() {
    at_each_moment(with_a_sign_out_at_reading, 5);
}

/// A mutex after whose so many uses another thread has done something.
struct Interrupted;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static INTERRUPTION: RefCell<Box<dyn FnMut()>> = RefCell::new(Box::new(|| {}));
}

#[expect(unsafe_code, reason = "a mutex must be declared to be one")]
// SAFETY: there is one thread, and the interruption comes when the mutex is free.
unsafe impl RawMutex for Interrupted {
    const INIT: Self = Self;

    fn lock<R>(&self, f: impl FnOnce() -> R) -> R {
        let done = f();
        match LEFT.take() {
            Some(0) => INTERRUPTION.with_borrow_mut(|interruption| interruption()),
            some => LEFT.set(some.map(|some| some - 1)),
        }
        done
    }
}

/// A login, told with its tokens at hand, after so many uses of the mutex since a renewal was asked for. Whether there are
/// so many.
fn with_a_login_after_use(number: u32) -> bool {
    let time: &'static Time = Box::leak(Box::new(Time::new()));
    let world: &'static World<'_> = Box::leak(Box::new(World::new(time, 1, Weather::default())));
    let latch = Latch::<TOKEN, WAITERS>::new(with_lease(), 1).expect("a config that works");
    let gate = Gate::<Interrupted, TOKEN, WAITERS, _>::new(latch, || time.now());
    let gate: &'static Gate<_, TOKEN, WAITERS, _> = Box::leak(Box::new(gate));
    let login = || {
        let ticket = gate.login_started().expect("it is opened");
        let (access, refresh) = world.login();
        let outcome = gate.granted(ticket, grant(&access, &refresh));
        assert_eq!(outcome, Ok(Outcome::Done));
    };
    INTERRUPTION.set(Box::new(login));
    let mut executor = Executor::new();
    executor.background(async {
        let mut runner = gate.runner().expect("the only one");
        // The lease is never had twice, nor asked for while it is given up.
        runner.run(world, &mut [0; RECORD], &mut [0; 256]).await;
    });
    executor.spawn(async {
        time.sleep(1).await;
        login();
        time.sleep(1_000).await;
        LEFT.set(Some(number));
        let _ = gate.refresh();
        time.sleep(5_000).await;
    });
    executor.run(time, &Chance::new(1));
    assert_eq!(gate.state(), State::Ready);
    LEFT.take().is_none()
}

// promises: P3
#[test]
fn a_login_at_any_moment_of_a_renewal_gets_the_lease_after_it_was_given_up() {
    at_each_moment(with_a_login_after_use, 20);
}

// promises: P3, P15
#[test]
fn a_token_request_that_hangs_is_dropped_for_the_next_one() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let mut config = quick();
    config.reuse_grace_ms = 60_000;
    let gate = gate(&time, config, 1);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        login(&gate, &world).await;
        assert_eq!(fetch(&gate, &world).await, Ok(200));
        world.latency.set(1_000_000);
        gate.refresh().expect("there is a session");
        time.sleep(1_000).await;
        world.latency.set(0);
        // It is refused at its deadline, and the one after it works; the world sees no two at a time.
        assert_eq!(fetch(&gate, &world).await, Ok(200));
        assert_eq!(world.seen.token_requests.get(), 2);
        assert!(time.millis() < 10_000);
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}

// promises: P15
#[test]
fn a_deadline_that_comes_without_an_order_is_kept() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        time.sleep(1_000).await;
        // Nothing was due until now, and the runner sleeps without a timer.
        gate.login_started().expect("it is opened");
        let mut watch = gate.watch().expect("room");
        while watch.changed().await.login.is_none() {}
        assert_eq!(time.millis(), 12_000);
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}

// promises: P1, P14
#[test]
fn from_inside_its_own_closure_a_gate_can_only_be_looked_at() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        login(&gate, &world).await;
        while gate.state() != State::Ready {
            time.sleep(1).await;
        }
        let mut request = gate.request().expect("room");
        let mut other = Some(gate.request().expect("room"));
        let receipt = request
            .permit(|permit| {
                assert_eq!(gate.logout(), Err(GateError::Reentered));
                assert_eq!(gate.request().err(), Some(GateError::Reentered));
                let answered = gate.answered(permit.receipt(), 200, ChallengeKind::Absent);
                assert_eq!(answered, Err(GateError::Reentered));
                assert_eq!(gate.state(), State::Ready);
                assert_eq!(gate.inspect(Latch::waiting), Ok(1));
                // What is dropped here is noted, and gone with the next step.
                drop(other.take());
                permit.receipt()
            })
            .await;
        assert_eq!(gate.inspect(Latch::waiting), Ok(1));
        assert_eq!(request.receipt(), receipt.ok());
        let outcome = request.answered(200, ChallengeKind::Absent);
        assert_eq!(outcome, Ok(Outcome::Deliver));
        assert_eq!(gate.inspect(Latch::waiting), Ok(0));
        let all: Vec<_> = (0..WAITERS).filter_map(|_| gate.request().ok()).collect();
        assert_eq!(all.len(), WAITERS);
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}

// promises: P8, P9
#[test]
fn a_retry_without_room_may_ask_again() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), &world));
    executor.spawn(async {
        login(&gate, &world).await;
        let mut request = gate.request().expect("room");
        let token = request.permit(|permit| world.leaves(&permit)).await;
        time.sleep(200).await;
        world.forget_access();
        assert_eq!(token.map(|token| world.status(&token)), Ok(401));
        let outcome = request.answered(401, ChallengeKind::InvalidToken);
        assert_eq!(outcome, Ok(Outcome::Retry));
        let receipt = request.receipt().expect("it is to be retried");
        let others: Vec<_> = (0..WAITERS).filter_map(|_| gate.request().ok()).collect();
        let full = Err(GateError::Rejected(Rejected::QueueFull));
        assert_eq!(request.permit(|_| ()).await, full);
        drop(others);
        // Told elsewhere, by its receipt alone.
        let mut elsewhere = gate.retry(receipt).expect("room again");
        let token = elsewhere.permit(|permit| world.leaves(&permit)).await;
        assert_eq!(token.map(|token| world.status(&token)), Ok(200));
        let receipt = elsewhere.receipt().expect("it left");
        let outcome = gate.answered(receipt, 200, ChallengeKind::Absent);
        assert_eq!(outcome, Ok(Outcome::Deliver));
        world.ended.set(1);
        gate.logout().expect("it is opened");
        let refused = Err(GateError::Refused(Cause::SignedOut));
        assert_eq!(request.permit(|_| ()).await, refused);
        assert_eq!(request.permit(|_| ()).await, Err(GateError::OutOfTurn));
    });
    executor.run(&time, &Chance::new(1));
    check(&gate);
}
