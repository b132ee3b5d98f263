//! Panics at the desk and in the timer thread: everybody is told, and the timers go on.

mod script;

use script::{Counter, memory};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use velo_core::signal::{Trouble, Verdict};
use velo_runtime::{Bell, Page, Runtime};

struct Isolate {
    runtime: Arc<Runtime>,
    number: u32,
    bell: Arc<Counter>,
}

impl Isolate {
    fn new(runtime: &Arc<Runtime>) -> Self {
        let bell = Arc::<Counter>::default();
        let (number, _mail) = runtime.quick(|desk| desk.enter(Arc::clone(&bell) as Arc<dyn Bell>));
        runtime.at_desk(|desk, now| desk.attach(number, memory(), now));
        Self { runtime: Arc::clone(runtime), number, bell }
    }

    fn verdicts(&self) -> Vec<(Verdict, u64)> {
        let mut taken = Vec::new();
        self.runtime.at_desk(|desk, now| {
            desk.take(self.number, now, 99, |message| taken.push((message.verdict, message.about)))
        });
        taken
    }

    /// Takes verdicts until this one is among them.
    fn until(&self, wanted: (Verdict, u64)) -> Vec<(Verdict, u64)> {
        let (start, mut all) = (Instant::now(), Vec::new());
        while !all.contains(&wanted) {
            assert!(start.elapsed() < Duration::from_secs(10), "{wanted:?} did not come: {all:?}");
            all.extend(self.verdicts());
            std::thread::yield_now();
        }
        all
    }

    fn timer(&self, ms: f64) -> (Verdict, u64) {
        (Verdict::Timer, self.runtime.at_desk(|desk, now| desk.timer(self.number, ms, now)))
    }
}

/// A page that panics as often as it is told to, on whatever thread publishes the clock.
struct Trap(AtomicUsize);

impl Page for Trap {
    fn get(&self, _word: usize) -> f64 {
        0.0
    }

    fn set(&self, _word: usize, _value: f64) {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(left.is_err(), "a trap of this test");
    }
}

const fn told(what: Trouble) -> (Verdict, u64) {
    (Verdict::Trouble, what as u64)
}

#[test]
fn a_panic_at_the_desk_is_told_to_every_isolate_once_and_the_desk_serves_on() {
    let runtime = Arc::new(Runtime::new());
    let (here, there) = (Isolate::new(&runtime), Isolate::new(&runtime));
    assert!(catch_unwind(AssertUnwindSafe(|| runtime.quick(|_| panic!("a panic of this test")))).is_err());
    runtime.quick(|_| ());
    assert_eq!(here.verdicts(), [told(Trouble::Panic)]);
    assert_eq!(there.verdicts(), [told(Trouble::Panic)]);
    assert_eq!(there.bell.0.load(Ordering::Relaxed), 1);
    let timer = here.timer(1.0);
    assert_eq!(here.until(timer), [timer]);
    runtime.leave(here.number);
    runtime.leave(there.number);
}

#[test]
fn a_timer_thread_that_panics_goes_on_and_says_so() {
    let runtime = Arc::new(Runtime::new());
    let here = Isolate::new(&runtime);
    let trap = Isolate::new(&runtime);
    let page = Arc::new(Trap(AtomicUsize::new(0)));
    let number = runtime.quick(|desk| desk.enter(Arc::<Counter>::default())).0;
    runtime.at_desk(|desk, now| desk.attach(number, Arc::clone(&page) as Arc<dyn Page>, now));
    page.0.store(1, Ordering::Relaxed);
    let timer = here.timer(5.0);
    let told_first = here.until(timer);
    assert!(told_first.contains(&told(Trouble::Timer)), "{told_first:?}");
    [here.number, trap.number, number].into_iter().for_each(|isolate| runtime.leave(isolate));
    assert_eq!(Arc::strong_count(&runtime), 3, "the thread has let go of the runtime");
}

#[test]
fn a_timer_thread_that_panics_over_and_over_ends_and_the_next_timer_starts_another() {
    let runtime = Arc::new(Runtime::new());
    let here = Isolate::new(&runtime);
    let page = Arc::new(Trap(AtomicUsize::new(0)));
    let number = runtime.quick(|desk| desk.enter(Arc::<Counter>::default())).0;
    runtime.at_desk(|desk, now| desk.attach(number, Arc::clone(&page) as Arc<dyn Page>, now));
    page.0.store(3, Ordering::Relaxed);
    let first = here.timer(1.0);
    let before = here.until(told(Trouble::NoTimer));
    assert!(!before.contains(&first));
    let second = here.timer(1.0);
    let mut after = here.until(second);
    after.sort_unstable();
    assert_eq!(after, [first, second]);
    [here.number, number].into_iter().for_each(|isolate| runtime.leave(isolate));
    assert_eq!(Arc::strong_count(&runtime), 2, "both threads have let go of the runtime");
}
