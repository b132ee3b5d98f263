//! The timer thread: it sleeps until the next deadline or until it is woken. The only file that knows tokio.

use crate::runtime::Runtime;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::Notify;

/// Panics without a turn that went well in between, after which the thread ends.
const TRIES: u32 = 3;

/// When the thread has to come again.
pub(crate) enum Next {
    /// At once: more is due.
    Again,
    /// At this time, or when it is woken.
    At(Instant),
    /// When it is woken.
    Sleep,
}

/// How the thread is spoken to.
#[derive(Default)]
pub(crate) struct Signal {
    stopped: AtomicBool,
    /// It will not look at any deadline again, though nobody has stopped it.
    ended: AtomicBool,
    notify: Notify,
}

/// The thread. Whoever holds it stops and joins it; the desk never waits for it.
pub(crate) struct TimerThread {
    signal: Arc<Signal>,
    handle: JoinHandle<()>,
}

impl Signal {
    /// Makes the thread look at the deadlines again. A wake-up while it looks is kept for the next time.
    pub(crate) fn wake(&self) {
        self.notify.notify_one();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        // Acquire: pairs with the Release in `TimerThread::stop`.
        self.stopped.load(Ordering::Acquire)
    }

    /// Called by the thread as the last thing that it does with the desk locked.
    pub(crate) fn end(&self) {
        // Relaxed: written and read with the desk locked.
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl TimerThread {
    /// Starts the thread; `None` when the system has none to give.
    pub(crate) fn spawn(runtime: Arc<Runtime>) -> Option<Self> {
        let signal = Arc::<Signal>::default();
        let own = Arc::clone(&signal);
        let thread = std::thread::Builder::new().name("velo-timer".into());
        let handle = thread.spawn(move || run(&runtime, &own)).ok()?;
        Some(Self { signal, handle })
    }

    pub(crate) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }

    /// Whether it gave up; see `Signal::end`.
    pub(crate) fn has_ended(&self) -> bool {
        self.signal.ended.load(Ordering::Relaxed)
    }

    /// Tells the thread to end.
    pub(crate) fn stop(&self) {
        // Release: pairs with the Acquire in `Signal::is_stopped`.
        self.signal.stopped.store(true, Ordering::Release);
        self.signal.wake();
    }

    /// Waits for its end. Must not be called with the desk locked: the thread may wait for that lock.
    pub(crate) fn join(self) {
        // An error means that it panicked, which the panic hook has reported already.
        let _ = self.handle.join();
    }
}

/// Keeps the time, and goes on after a panic: the deadline behind it has been taken out, so the next turn is about others.
fn run(runtime: &Arc<Runtime>, signal: &Signal) {
    let mut failed = 0;
    while catch_unwind(AssertUnwindSafe(|| keep_time(runtime, signal, &mut failed))).is_err() {
        failed += 1;
        runtime.timer_failed(signal, failed < TRIES);
        if failed == TRIES {
            return;
        }
    }
}

fn keep_time(runtime: &Arc<Runtime>, signal: &Signal, failed: &mut u32) {
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build();
    clock.expect("a runtime that only tells the time asks nothing of the system").block_on(async {
        while !signal.is_stopped() {
            let next = runtime.tick(signal);
            *failed = 0;
            match next {
                Next::Again => {}
                Next::At(at) => drop(tokio::time::timeout_at(at.into(), signal.notify.notified()).await),
                Next::Sleep => signal.notify.notified().await,
            }
        }
    });
}
