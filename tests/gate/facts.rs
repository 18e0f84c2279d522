//! Facts that the app tells the gate, and what they do there.

use tokenlatch::Cause;
use tokenlatch::EventKind;
use tokenlatch::Expiry;
use tokenlatch::Grant;
use tokenlatch::Outcome;
use tokenlatch::State;

use crate::executor::Time;
use crate::life::day;
use crate::life::fetch;
use crate::life::login;
use crate::world::Weather;
use crate::world::World;
use crate::world::gate;
use crate::world::quick;
use crate::world::with_lease;

/// Another context may have signed out meanwhile.
#[test]
fn the_gate_closes_after_sleep_and_after_a_change_until_the_store_was_looked_at() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    day(
        &time,
        &gate,
        &world,
        [async {
            login(&gate, &world).await;
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            gate.resumed().expect("it is opened");
            assert_eq!(gate.state(), State::Pending);
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            assert_eq!(gate.state(), State::Ready);
            gate.store_changed().expect("it is opened");
            assert_eq!(gate.state(), State::Pending);
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            assert_eq!(gate.state(), State::Ready);
        }],
    );
}

#[test]
fn without_a_network_no_token_request_is_sent_until_it_is_back() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    day(
        &time,
        &gate,
        &world,
        [async {
            login(&gate, &world).await;
            gate.went_offline().expect("never refused");
            assert!(gate.status().is_offline);
            // The token lives for six seconds.
            time.sleep(10_000).await;
            assert_eq!(gate.state(), State::Expired);
            assert_eq!(world.seen.token_requests.get(), 0);
            gate.went_online().expect("never refused");
            assert!(!gate.status().is_offline);
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            assert_eq!(world.seen.token_requests.get(), 1);
        }],
    );
}

/// What a renewal brought is written under another lease then.
#[test]
fn a_lease_that_was_lost_is_asked_for_again() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    world.latency.set(1_000);
    let gate = gate(&time, with_lease(), 1);
    let newest = || gate.inspect(|latch| latch.trace().last().map(|step| step.event));
    day(
        &time,
        &gate,
        &world,
        [async {
            login(&gate, &world).await;
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            gate.refresh().expect("there is a session");
            time.sleep(500).await;
            assert_eq!(world.seen.token_requests.get(), 1);
            world.lose_lease();
            gate.lease_lost().expect("never refused");
            assert_eq!(newest(), Ok(Some(EventKind::LeaseLost)));
            // It is lost already.
            gate.refresh().expect("joins the one under way");
            gate.lease_lost().expect("never refused");
            assert_eq!(newest(), Ok(Some(EventKind::RefreshRequested)));
            assert_eq!(fetch(&gate, &world).await, Ok(200));
            assert!(!gate.status().is_volatile);
        }],
    );
}

#[test]
fn the_status_says_why_only_a_login_helps() {
    let time = Time::new();
    let world = World::new(&time, 1, Weather::default());
    let gate = gate(&time, quick(), 1);
    day(
        &time,
        &gate,
        &world,
        [async {
            let ticket = gate.login_started().expect("it is opened");
            let mut grant = Grant::new("a-1-1");
            grant.expiry = Expiry::In(6_000);
            assert_eq!(gate.granted(ticket, grant), Ok(Outcome::Done));
            time.sleep(1_000).await;
            assert_eq!((gate.state(), gate.status().login), (State::Ready, None));
            // Nothing to renew it with.
            time.sleep(6_000).await;
            assert_eq!(gate.state(), State::Expired);
            assert_eq!(gate.status().login, Some(Cause::Expired));
        }],
    );
}

// promises: P13
#[test]
fn a_gate_is_printed_by_its_status() {
    let time = Time::new();
    let gate = gate(&time, quick(), 1);
    let expected = format!("Gate {{ status: {:?}, .. }}", gate.status());
    assert_eq!(format!("{gate:?}"), expected);
    let runner = gate.runner().expect("the only one");
    assert_eq!(format!("{runner:?}"), "Runner { .. }");
    let watch = gate.watch().expect("room");
    assert_eq!(format!("{watch:?}"), "Watch { .. }");
    let request = format!("{:?}", gate.request().expect("room"));
    assert!(request.starts_with("Request { stage: "), "{request}");
}
