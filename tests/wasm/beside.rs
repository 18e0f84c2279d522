//! The world of the operation lists, where two contexts share a store, a lease and a server: the same calls to a latch
//! and to a context.

#[path = "../fuzz_props/ops.rs"]
mod ops;

use core::slice::IterMut;

use tokenlatch::Effect;
use tokenlatch::Event;
use tokenlatch::Now;
use tokenlatch::Outcome;
use tokenlatch::PermitError;
use tokenlatch::Receipt;
use tokenlatch::Rejected;
use tokenlatch::Waiter;

use crate::random::Random;
use crate::twin::TAPE;
use crate::twin::Twin;

/// A twin of each context of the world.
struct Beside<'b> {
    tapes: IterMut<'b, [u8; TAPE]>,
    twins: Vec<Option<Twin<'b>>>,
    started: u64,
    permits: usize,
}

impl<'b> Beside<'b> {
    fn twin(&mut self, who: usize) -> &mut Twin<'b> {
        self.twins[who].as_mut().expect("it was started")
    }

    /// A checked latch lets the time pass before each call.
    fn pass_time(&mut self, who: usize, now: Now) {
        let twin = self.twin(who);
        assert_eq!(twin.poll(), None, "an order was left");
        assert_eq!(twin.tell(now, Event::TimeoutReached), Ok(Outcome::Done));
    }
}

impl ops::Watch for Beside<'_> {
    fn started(&mut self, who: usize, latch: &ops::Context) {
        if self.twins.len() <= who {
            self.twins.resize_with(who + 1, || None);
        }
        // As the contexts are given theirs.
        self.started += 1;
        let tape = self.tapes.next().expect("a tape for each start");
        let twin = Twin::new(latch.latch().config(), self.started + 1, tape);
        self.twins[who] = Some(twin);
    }

    fn told(
        &mut self,
        who: usize,
        _latch: &ops::Context,
        (now, event): (Now, &Event<'_>),
        told: Result<Outcome, Rejected>,
    ) {
        self.pass_time(who, now);
        assert_eq!(self.twin(who).tell(now, *event), told);
    }

    fn given(&mut self, who: usize, _latch: &ops::Context, effect: Effect) {
        assert_eq!(self.twin(who).poll(), Some(effect));
    }

    fn claimed(
        &mut self,
        who: usize,
        _latch: &ops::Context,
        (now, waiter): (Now, Waiter),
        told: Result<Receipt, PermitError>,
    ) {
        self.pass_time(who, now);
        let permit = self.twin(who).permit(now, waiter);
        assert_eq!(permit.map(|(_, receipt)| receipt), told);
        self.permits += 1;
    }
}

// promises: P14
#[test]
fn lists_of_operations_give_the_same_in_numbers() {
    let mut permits = 0;
    let lists = if cfg!(miri) { 1 } else { 80 };
    for seed in 0..lists {
        let mut random = Random::new(seed);
        let list: Vec<u8> = (0..400).map(|_| random.next() as u8).collect();
        let mut tapes = vec![[0; TAPE]; 402];
        let mut beside = Beside {
            tapes: tapes.iter_mut(),
            twins: Vec::new(),
            started: 0,
            permits: 0,
        };
        println!("seed {seed}");
        ops::check(&list, &mut beside);
        permits += beside.permits;
    }
    assert!(cfg!(miri) || permits > 1_000, "only {permits} claims");
}
