//! The real clock: started by the first timer, joined with the last isolate.

mod script;

use script::{Counter, limits, memory};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use velo_core::machine::{State, Trigger};
use velo_core::signal::Verdict;
use velo_runtime::{Bell, Runtime};

#[test]
fn a_timer_rings_in_time_and_the_last_isolate_takes_the_thread_with_it() {
    let runtime = Arc::new(Runtime::new());
    for _ in 0..20 {
        let bell = Arc::<Counter>::default();
        let (isolate, mail) = runtime.quick(|desk| desk.enter(Arc::clone(&bell) as Arc<dyn Bell>));
        runtime.at_desk(|desk, now| desk.attach(isolate, memory(), now));
        let start = Instant::now();
        runtime.at_desk(|desk, now| desk.timer(isolate, 60_000.0, now));
        // Earlier than the one the thread sleeps for.
        let id = runtime.at_desk(|desk, now| desk.timer(isolate, 5.0, now));
        while bell.0.load(Ordering::Relaxed) == 0 {
            assert!(start.elapsed() < Duration::from_secs(10), "nobody rang");
            std::thread::yield_now();
        }
        assert!(start.elapsed() >= Duration::from_millis(5));
        assert!(mail.waits());
        let mut taken = Vec::new();
        runtime.at_desk(|desk, now| desk.take(isolate, now, 9, |message| taken.push((message.verdict, message.about))));
        assert_eq!(taken, [(Verdict::Timer, id)]);
        runtime.leave(isolate);
        assert_eq!(Arc::strong_count(&runtime), 1, "the thread has let go of the runtime");
    }
}

#[test]
fn many_isolates_open_streams_and_leave_at_any_moment() {
    let runtime = Arc::new(Runtime::new());
    let shared = {
        let (isolate, _mail) = runtime.quick(|desk| desk.enter(Arc::<Counter>::default()));
        (isolate, runtime.quick(|desk| desk.define(isolate, limits("shared", 2, 100)).unwrap()).function)
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50 {
                    let (isolate, _mail) = runtime.quick(|desk| desk.enter(Arc::<Counter>::default()));
                    runtime.at_desk(|desk, now| desk.attach(isolate, memory(), now));
                    for step in 0..20 {
                        let slot =
                            runtime.at_desk(|desk, now| desk.open(isolate, shared.1, 1.0 + f64::from(step), now));
                        if let (Ok(slot), 0) = (slot, (round + step) % 3) {
                            runtime.at_desk(|desk, now| {
                                let (machine, _) = desk.step(isolate, slot, Trigger::Abort, now);
                                if machine.state != State::Closed {
                                    let _ = desk.step(isolate, slot, Trigger::Return, now);
                                }
                            });
                        }
                    }
                    runtime.leave(isolate);
                }
            });
        }
    });
    let counts = runtime.snapshot().counts;
    let ended = counts.closed_by.done + counts.closed_by.aborted;
    assert_eq!((counts.streams_open, counts.streams_waiting, ended), (0.0, 0.0, counts.streams_opened));
    runtime.leave(shared.0);
    assert_eq!(Arc::strong_count(&runtime), 1);
}
