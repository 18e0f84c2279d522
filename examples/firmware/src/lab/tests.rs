use core::cell::Cell;
use core::future::pending;
use core::pin::pin;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;
use std::sync::Mutex;
use std::sync::PoisonError;

use embassy_futures::select::Either;
use embassy_futures::select::select;
use embassy_time::Duration;
use embassy_time::MockDriver;

use super::*;
use crate::server::Ledger;

/// There is one clock for all tests.
static CLOCK: Mutex<()> = Mutex::new(());

/// One life, up to a reset or to its end.
fn life(spared: &Spared, seeded: Seeded) -> Next {
    let clock = MockDriver::get();
    clock.reset();
    let ended = Cell::new(false);
    let lab = Lab {
        spared,
        seeded,
        strides: Strides { write: 1, erase: 1 },
        reset: async || {
            ended.set(true);
            pending::<()>().await;
        },
    };
    let mut buffers = Buffers::new();
    let mut living = pin!(lab.live(&mut buffers));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(next) = living.as_mut().poll(&mut context) {
            return next;
        }
        if ended.get() {
            return Next::Life;
        }
        clock.advance(Duration::from_millis(1));
    }
}

fn lives(seeded: Seeded) -> (Box<Spared>, Next) {
    let guard = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let spared = Box::new(Spared::new());
    assert!(spared.is_first_start());
    loop {
        match life(&spared, seeded) {
            Next::Life => {}
            end => {
                drop(guard);
                return (spared, end);
            }
        }
    }
}

// promises: P5, P6, P12
#[test]
fn a_cut_anywhere_leaves_the_old_session_the_new_one_or_none() {
    let (spared, end) = lives(Seeded::None);
    assert_eq!(end, Next::End);
    let tally = |operation| {
        let tally = spared.notes.tally(operation);
        assert_eq!(tally.violations.get(), 0, "{operation:?}");
        assert!(tally.erases.get() > 0, "{operation:?} came to no erase");
        let found = [&tally.old, &tally.new, &tally.none].map(Word::get);
        assert_eq!(found.iter().sum::<u32>(), tally.cuts.get());
        println!("{operation:?}: {found:?} of {}", tally.cuts.get());
        found
    };
    let [old, new, none] = tally(Operation::Login);
    assert!(old == 0 && new > 0 && none > 0, "nobody was signed in");
    let [old, new, none] = tally(Operation::Refresh);
    assert!(old > 0 && new > 0 && none == 0, "somebody is signed in");
    let [old, new, none] = tally(Operation::Logout);
    assert!(old > 0 && new == 0 && none > 0);
}

// promises: P6
#[test]
fn a_sign_out_while_the_board_is_paired_leaves_no_session_at_the_server() {
    let _guard = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let clock = MockDriver::get();
    clock.reset();
    let (gate, network, ledger) = (host::gate(1), Network::new(), Ledger::new());
    ledger.lifetime.set(LIFETIME);
    let runner = gate.runner();
    assert!(runner.is_ok());
    let mut buffers = Buffers::new();
    let pairing = pair(&gate, &network, &mut buffers.reply);
    let mut pairing = pin!(select(pairing, network.serve(&ledger, &[])));
    let mut context = Context::from_waker(Waker::noop());
    assert!(pairing.as_mut().poll(&mut context).is_pending());
    assert_eq!(gate.logout(), Ok(()));
    let paired = loop {
        if let Poll::Ready(Either::First(paired)) = pairing.as_mut().poll(&mut context) {
            break paired;
        }
        clock.advance(Duration::from_millis(1));
    };
    assert_eq!(paired, Ok(()));
    assert_eq!(ledger.pairings.get(), 1);
    assert_eq!(ledger.revocations.get(), 1);
    assert_eq!(gate.status().state, State::Unauthenticated);
}

#[test]
fn each_seeded_mistake_is_found() {
    for (name, seeded) in Seeded::ALL {
        if seeded != Seeded::None {
            let (_, end) = lives(seeded);
            let found = matches!(end, Next::Broken(Violation::Record(_)));
            assert!(found, "{name}: {end:?}");
            println!("{name}: {end:?}");
        }
    }
}
