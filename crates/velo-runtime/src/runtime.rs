//! The one runtime of a process: the desk behind its lock, the clock, and the timer thread while anybody needs it.
//!
//! Owns: locking and what follows after it. No bell is rung and no thread is joined while the lock is held.

use crate::desk::Desk;
use crate::ducts::Ducts;
use crate::mail::Errands;
use crate::timer::{Signal, TimerThread};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// The runtime of a process.
pub struct Runtime {
    start: Instant,
    state: Mutex<State>,
    ducts: Ducts,
}

#[derive(Default)]
struct State {
    desk: Desk,
    thread: Option<TimerThread>,
}

impl Runtime {
    /// The runtime of this process, made at first use.
    pub fn global() -> &'static Arc<Self> {
        static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
        RUNTIME.get_or_init(|| Arc::new(Self::new()))
    }

    /// A runtime of its own, for tests.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now(), state: Mutex::default(), ducts: Ducts::default() }
    }

    /// Does something at the desk that needs the time (ms since the start of the runtime), then rings whom it concerns.
    pub fn at_desk<R>(self: &Arc<Self>, work: impl FnOnce(&mut Desk, f64) -> R) -> R {
        let mut state = self.lock();
        // Under the lock, so that the desk never sees time go backwards.
        let now = self.now();
        let result = work(&mut state.desk, now);
        if state.desk.errands.wake_timer || !state.desk.errands.bells.is_empty() {
            self.run_errands(state);
        }
        result
    }

    /// Does something at the desk that needs no time and wakes nobody.
    pub fn quick<R>(&self, work: impl FnOnce(&mut Desk) -> R) -> R {
        work(&mut self.lock().desk)
    }

    /// The ducts between isolates.
    #[must_use]
    pub const fn ducts(&self) -> &Ducts {
        &self.ducts
    }

    /// Lets an isolate go. With the last one goes the timer thread.
    pub fn leave(self: &Arc<Self>, isolate: u32) {
        self.ducts.leave(isolate);
        self.at_desk(|desk, now| desk.leave(isolate, now));
        let mut state = self.lock();
        let thread = if state.desk.is_empty() { state.thread.take() } else { None };
        if let Some(thread) = &thread {
            // Under the lock, so that a thread on its way out never sets the alarm of the next one.
            thread.stop();
            state.desk.alarm = None;
        }
        drop(state);
        if let Some(thread) = thread {
            thread.join();
        }
    }

    /// One turn of the timer thread: when it has to come again, or `None` to sleep until it is woken.
    pub(crate) fn tick(self: &Arc<Self>, signal: &Signal) -> Option<Instant> {
        let mut state = self.lock();
        if signal.is_stopped() {
            return None;
        }
        let now = self.now();
        let next = state.desk.tick(now);
        // The thread that would be woken is this one.
        state.desk.errands.wake_timer = false;
        self.run_errands(state);
        next.map(|at| self.start + std::time::Duration::from_millis(at.min(whole_hours(now))))
    }

    /// Milliseconds since the runtime was made.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1000.0
    }

    /// A panic while the lock was held leaves a desk that is still whole enough to serve the others.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever has to be woken, after the lock is released.
    #[cold]
    fn run_errands(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let Errands { bells, wake_timer } = std::mem::take(&mut state.desk.errands);
        let mut signal = None;
        if wake_timer {
            if state.thread.is_none() {
                state.thread = TimerThread::spawn(Arc::clone(self));
                if state.thread.is_none() {
                    // The next timer tries again.
                    state.desk.alarm = None;
                }
            } else {
                signal = state.thread.as_ref().map(TimerThread::signal);
            }
        }
        drop(state);
        if let Some(signal) = signal {
            signal.wake();
        }
        bells.iter().for_each(|bell| bell.ring());
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

/// An hour from now: a deadline beyond is looked at again then, so that no clock overflows.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
const fn whole_hours(now: f64) -> u64 {
    now as u64 + 3_600_000
}
