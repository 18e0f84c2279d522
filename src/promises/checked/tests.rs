//! What is noted, and the checks of the calls themselves: each is shown notes that do not fit the latch.

use super::*;
use crate::event::Access;
use crate::grant::Grant;
use crate::state::Phase;

pub(in crate::promises) type Watched = Checked<64, 2>;

pub(in crate::promises) const FIRST: Waiter = Waiter::from_u32(1);
pub(in crate::promises) const SECOND: Waiter = Waiter::from_u32(2);
pub(in crate::promises) const TICKET: Ticket = Ticket(77);

impl Watched {
    /// Tells an event that is taken and breaks nothing, and drains the orders.
    pub(in crate::promises) fn tell(&mut self, event: Event<'_>) -> Outcome {
        let now = Now::monotonic(self.now);
        let outcome = self.handle(now, event).unwrap().unwrap();
        while self.poll_effect().unwrap().is_some() {}
        outcome
    }

    pub(in crate::promises) fn request(&mut self, waiter: Waiter) {
        let access = Access::First;
        self.tell(Event::AccessRequested { waiter, access });
    }

    fn permit_broken(&mut self, waiter: Waiter) -> &'static str {
        self.permit(Now::monotonic(0), waiter).err().unwrap().what
    }
}

pub(in crate::promises) fn opened() -> Watched {
    let mut watched = Watched::new(Config::in_memory(), 1).unwrap();
    watched.tell(Event::Opened);
    watched
}

pub(in crate::promises) fn signed_in() -> Watched {
    let mut watched = opened();
    let Outcome::Login(ticket) = watched.tell(Event::LoginStarted) else {
        unreachable!();
    };
    let mut grant = Grant::new("access");
    grant.refresh_token = Some("refresh");
    watched.tell(Event::Granted { ticket, grant });
    assert_eq!(watched.latch.state(), State::Ready);
    watched
}

/// A latch that says it renews, whatever it really does.
pub(in crate::promises) fn renewing() -> Watched {
    let mut watched = signed_in();
    watched.latch.machine.phase = Phase::Refreshing(crate::state::Refreshing::Rechecking);
    watched
}

// promises: P14
#[test]
fn more_orders_than_a_step_may_have_are_seen() {
    let mut watched = Watched::new(Config::new(), 1).unwrap();
    let _ = watched.handle(Now::monotonic(0), Event::Opened).unwrap();
    watched.drained = 2 + 15;
    assert!(watched.poll_effect().unwrap().is_some());
    assert_eq!(watched.drained, 2 + 16);
    let broken = watched.poll_effect().unwrap_err();
    assert_eq!(broken.what, "more effects than a step may have");
}

// promises: P8
#[test]
fn a_permit_is_compared_with_who_is_known_to_wait() {
    let mut watched = opened();
    watched.request(FIRST);
    assert_eq!(
        watched.permit(Now::monotonic(0), FIRST).unwrap().err(),
        Some(PermitError::NotReady)
    );
    assert_eq!(
        watched.permit(Now::monotonic(0), SECOND).unwrap().err(),
        Some(PermitError::Unknown)
    );
    let known = watched.known.pop().unwrap();
    assert_eq!(
        watched.permit_broken(FIRST),
        "a request that never came is said to wait"
    );
    let stranger = Known {
        waiter: SECOND,
        ..known
    };
    watched.known.push(stranger).unwrap();
    assert_eq!(
        watched.permit_broken(SECOND),
        "a waiting request was forgotten"
    );
}

// promises: P1, P8
#[test]
fn a_permit_is_claimed_once_and_checked() {
    let mut watched = signed_in();
    watched.request(FIRST);
    watched.known.first_mut().unwrap().released = false;
    assert_eq!(
        watched.permit_broken(FIRST),
        "a permit for a request that was not released"
    );
    let mut watched = signed_in();
    watched.request(FIRST);
    let permit = watched.permit(Now::monotonic(0), FIRST).unwrap().unwrap();
    assert_eq!(permit.token(), "access");
    assert_eq!(watched.known.len(), 0);
    assert_eq!(
        watched.end(FIRST).unwrap_err().what,
        "a request ended twice, or never came"
    );
}

// promises: P8
#[test]
fn a_refused_permit_ends_its_request() {
    let mut watched = opened();
    watched.request(FIRST);
    let late = Now::monotonic(30_000);
    let refused = watched.permit(late, FIRST).unwrap().err();
    assert!(matches!(refused, Some(PermitError::Refused(_))));
    assert_eq!(watched.known.len(), 0);
}

// promises: P15
#[test]
fn a_timeout_that_is_due_again_at_once_is_seen() {
    let mut watched = signed_in();
    watched.latch.machine.session.as_mut().unwrap().expires_at = 1_000;
    watched.now = 999;
    assert!(watched.check_progress().is_ok());
    watched.now = 1_000;
    let broken = watched.check_progress().unwrap_err();
    assert_eq!(broken.what, "a timeout made no progress");
}

// promises: P15
#[test]
fn time_that_passes_is_checked_on_its_own() {
    let mut watched = signed_in();
    let session = watched.latch.machine.session.as_mut().unwrap();
    session.expires_at = 1_000;
    watched.latch.machine.stamp.sign_in = 0;
    let seen = watched.seen();
    watched.pass_time(Now::monotonic(5)).unwrap();
    assert_eq!((watched.now, watched.seen().state), (5, seen.state));
}

#[test]
fn a_fingerprint_tells_states_apart_on_every_host_alike() {
    let writes: [fn(&mut Fingerprint); 10] = [
        |_| {},
        |hasher| hasher.write(b"ab"),
        |hasher| hasher.write(b"ba"),
        |hasher| hasher.write_u8(1),
        |hasher| hasher.write_u8(2),
        |hasher| hasher.write_u16(0x102),
        |hasher| hasher.write_u32(0x1_0002),
        |hasher| hasher.write_u64(1 << 40),
        |hasher| hasher.write_usize(7),
        |hasher| hasher.write_isize(9),
    ];
    let numbers = writes.map(|write| {
        let mut hasher = Fingerprint(1);
        write(&mut hasher);
        hasher.finish()
    });
    for (index, number) in numbers.iter().enumerate() {
        assert!(!numbers.iter().skip(index + 1).any(|other| other == number));
    }
    for bit in 0..64 {
        let [nothing, one] = [0, 1 << bit].map(|number| {
            let mut hasher = Fingerprint::new();
            hasher.write_u64(number);
            hasher.finish()
        });
        assert_ne!(nothing, one, "bit {bit}");
    }
    assert_eq!(opened().fingerprint(), opened().fingerprint());
    let (mut one, other) = (signed_in(), signed_in());
    assert_eq!(one.fingerprint(), other.fingerprint());
    let mut scoped = Grant::new("access");
    scoped.refresh_token = Some("another");
    one.latch.merge(Some(&scoped));
    assert_ne!(one.fingerprint(), other.fingerprint());
}

// promises: P13
#[test]
fn a_latch_under_watch_is_printed_as_a_latch_is() {
    let watched = signed_in();
    let mut text = heapless::String::<256>::new();
    let mut bare = heapless::String::<256>::new();
    fmt::write(&mut text, format_args!("{watched:?}")).unwrap();
    fmt::write(&mut bare, format_args!("{:?}", watched.latch())).unwrap();
    assert!(text.starts_with("Latch { state: Ready"));
    assert_eq!(text, bare);
}

#[test]
fn a_violation_says_which_promise_and_how() {
    let mut text = heapless::String::<64>::new();
    let broken = ensure(false, Promise::P8, "lost").unwrap_err();
    fmt::write(&mut text, format_args!("{broken}")).unwrap();
    assert_eq!(text, "P8 (waiters): lost");
    assert_eq!(ensure(true, Promise::P8, "lost"), Ok(()));
}

#[test]
fn a_configuration_that_can_not_work_is_refused_here_too() {
    let mut config = Config::new();
    config.budget = 0;
    assert_eq!(
        Watched::new(config, 1).err(),
        Some(ConfigError::Zero("budget"))
    );
}
