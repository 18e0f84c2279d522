//! An executor that a seed drives: it polls woken tasks in any order, and lets time pass when all of them wait.
//!
//! A task that was not woken is not polled, so that a lost wake-up shows as tasks that never end.

use core::cell::Cell;
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::Pin;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering;
use core::task::Context;
use core::task::Poll;
use core::task::Waker;
use std::sync::Arc;
use std::task::Wake;

use tokenlatch::Instant;
use tokenlatch::Now;

/// The wall clock when the monotonic one says 0.
const EPOCH: u64 = 1_700_000_000_000;

/// The numbers of `SplitMix64`.
pub(crate) struct Chance(Cell<u64>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, without it.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    /// True in `percent` of the cases.
    pub(crate) fn is(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A clock that stands while anything can be polled.
pub(crate) struct Time {
    millis: Cell<u64>,
    timers: RefCell<Vec<(u64, Waker)>>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self {
            millis: Cell::new(1_000),
            timers: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn millis(&self) -> u64 {
        self.millis.get()
    }

    pub(crate) fn now(&self) -> Now {
        Now::new(self.millis(), EPOCH + self.millis())
    }

    pub(crate) async fn until(&self, at: u64) {
        poll_fn(|cx| {
            if self.millis() >= at {
                return Poll::Ready(());
            }
            self.timers.borrow_mut().push((at, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn until_instant(&self, at: Instant) {
        self.until(at.as_millis()).await;
    }

    pub(crate) async fn sleep(&self, millis: u64) {
        self.until(self.millis() + millis).await;
    }

    /// Goes to the next timer; false if there is none.
    fn pass(&self) -> bool {
        let Some(next) = self.timers.borrow().iter().map(|(at, _)| *at).min() else {
            return false;
        };
        self.millis.set(self.millis().max(next));
        let mut timers = self.timers.borrow_mut();
        for (_, waker) in timers.extract_if(.., |(at, _)| *at <= next) {
            waker.wake();
        }
        true
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Task<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    flag: Arc<Flag>,
    /// The others are to end, this one need not.
    is_background: bool,
}

pub(crate) struct Executor<'a> {
    tasks: Vec<Task<'a>>,
    /// Polls, to find endless ones.
    polls: u64,
}

impl<'a> Executor<'a> {
    pub(crate) fn new() -> Self {
        Self {
            tasks: Vec::new(),
            polls: 0,
        }
    }

    pub(crate) fn spawn(&mut self, future: impl Future<Output = ()> + 'a) {
        self.add(future, false);
    }

    /// Runs beside the others, and is dropped with the executor.
    pub(crate) fn background(&mut self, future: impl Future<Output = ()> + 'a) {
        self.add(future, true);
    }

    fn add(&mut self, future: impl Future<Output = ()> + 'a, is_background: bool) {
        self.tasks.push(Task {
            future: Box::pin(future),
            flag: Arc::new(Flag(AtomicBool::new(true))),
            is_background,
        });
    }

    /// Until every task that has to end has ended.
    pub(crate) fn run(&mut self, time: &Time, chance: &Chance) {
        while self.tasks.iter().any(|task| !task.is_background) {
            let woken: Vec<_> = (0..self.tasks.len())
                .filter(|task| self.tasks[*task].flag.0.load(Ordering::SeqCst))
                .collect();
            if woken.is_empty() {
                assert!(time.pass(), "tasks wait, and nothing will wake them");
                continue;
            }
            let task = woken[chance.below(woken.len() as u64) as usize];
            self.poll(task);
        }
    }

    fn poll(&mut self, index: usize) {
        self.polls += 1;
        assert!(self.polls < 100_000, "tasks wake each other without an end");
        let task = &mut self.tasks[index];
        task.flag.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task.flag));
        let mut cx = Context::from_waker(&waker);
        if task.future.as_mut().poll(&mut cx).is_ready() {
            drop(self.tasks.remove(index));
        }
    }
}

/// Polls at most so many times, then drops: `None` if it was not done by then.
pub(crate) async fn polled_at_most<F: Future>(times: u64, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                if left == 0 {
                    return Poll::Ready(None);
                }
                Poll::Pending
            }
        }
    })
    .await
}
