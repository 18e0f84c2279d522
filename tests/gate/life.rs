//! A day of the gate, told in order.

use tokenlatch::Cause;
use tokenlatch::ChallengeKind;
use tokenlatch::Outcome;
use tokenlatch::Rejected;
use tokenlatch::State;
use tokenlatch::gate::GateError;

use crate::executor::Chance;
use crate::executor::Executor;
use crate::executor::Time;
use crate::world::RECORD;
use crate::world::TestGate;
use crate::world::TestRunner;
use crate::world::Weather;
use crate::world::World;
use crate::world::check;
use crate::world::gate;
use crate::world::grant;
use crate::world::quick;

/// The loop that every client writes.
pub(crate) async fn fetch(gate: &TestGate<'_>, world: &World<'_>) -> Result<u16, GateError> {
    let mut request = gate.request()?;
    loop {
        let token = request.permit(|permit| world.leaves(&permit)).await?;
        world.time.sleep(world.chance.below(50)).await;
        let status = world.status(&token);
        match request.answered(status, ChallengeKind::Absent)? {
            Outcome::Retry => {}
            Outcome::Surface(cause) => return Err(GateError::Refused(cause)),
            _ => return Ok(status),
        }
    }
}

pub(crate) async fn run(mut runner: TestRunner<'_, '_>, world: &World<'_>) {
    runner.run(world, &mut [0; RECORD], &mut [0; 256]).await;
}

pub(crate) async fn login(gate: &TestGate<'_>, world: &World<'_>) {
    let ticket = gate.login_started().expect("it is opened");
    world.time.sleep(100).await;
    let (access, refresh) = world.login();
    let outcome = gate.granted(ticket, grant(&access, &refresh));
    assert_eq!(outcome, Ok(Outcome::Done));
}

/// Runs tasks beside the runner, until they end.
pub(crate) fn day<'t, F: Future<Output = ()> + 't>(
    time: &'t Time,
    gate: &'t TestGate<'t>,
    world: &'t World<'t>,
    tasks: impl IntoIterator<Item = F>,
) {
    let chance = Chance::new(7);
    let mut executor = Executor::new();
    executor.background(run(gate.runner().expect("the only one"), world));
    for task in tasks {
        executor.spawn(task);
    }
    executor.run(time, &chance);
    check(gate);
}

// promises: P1, P8
#[test]
fn requests_before_the_login_leave_after_it() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    day(
        &time,
        &gate,
        &world,
        [async {
            time.sleep(10).await;
            let early = async { assert_eq!(fetch(&gate, &world).await, Ok(200)) };
            let other = async { assert_eq!(fetch(&gate, &world).await, Ok(200)) };
            embassy_futures::join::join3(early, other, login(&gate, &world)).await;
            assert_eq!(gate.state(), State::Ready);
            world.forget_access();
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            assert_eq!(world.seen.token_requests.get(), 1);
            world.ended.set(world.sign_in.get());
            gate.logout().expect("it is opened");
            assert_eq!(gate.state(), State::Unauthenticated);
            time.sleep(1_000).await;
            assert_eq!(*world.seen.revoked.borrow(), ["r-1-2"]);
        }],
    );
    assert_eq!(world.seen.logins_required.get(), 1);
}

// promises: P8
#[test]
fn more_tasks_than_capacity_are_told_at_admission() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let full = Some(GateError::Rejected(Rejected::QueueFull));
    let first = gate.request().expect("room");
    let second = gate.request().expect("room");
    let third = gate.request().expect("room");
    assert_eq!(gate.request().err(), full);
    drop(second);
    let mut second = gate.request().expect("room again");
    assert_eq!(second.try_permit(|_| ()), Err(GateError::NotReady));
    assert_eq!(gate.request().err(), full);
    drop((first, third));
    day(
        &time,
        &gate,
        &world,
        [async {
            login(&gate, &world).await;
            let token = second.permit(|permit| permit.token().to_owned()).await;
            assert_eq!(token.as_deref(), Ok("a-1-1"));
            assert_eq!(second.try_permit(|_| ()), Err(GateError::OutOfTurn));
        }],
    );
}

// promises: P6
#[test]
fn a_sign_out_refuses_whoever_waits() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    let waits = async {
        assert_eq!(
            fetch(&gate, &world).await,
            Err(GateError::Refused(Cause::SignedOut))
        );
    };
    day(
        &time,
        &gate,
        &world,
        [async {
            time.sleep(10).await;
            embassy_futures::join::join(waits, async {
                time.sleep(10).await;
                gate.logout().expect("it is opened");
            })
            .await;
        }],
    );
}
