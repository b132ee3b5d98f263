//! The one runtime of a process: the desk behind its lock, the clock, and the timer thread while anybody needs it.
//!
//! Owns: what follows after the lock, and what is done in turns. No bell is rung and no thread is joined while the lock is held. Not
//! here: who gets the lock next (`counter.rs`).

use crate::buffered::Buffered;
use crate::counter::Counter;
use crate::desk::Desk;
use crate::ducts::Ducts;
use crate::mail::Errands;
use crate::measures::Measures;
use crate::own_names::OwnNames;
use crate::snapshot::{FunctionSnapshot, Snapshot, number};
use crate::survey::{Depth, Survey};
use crate::timer::{Next, Signal, TimerThread};
use std::sync::{Arc, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use velo_core::signal::Trouble;

/// The runtime of a process.
pub struct Runtime {
    start: Instant,
    counter: Counter<State>,
    ducts: Ducts,
    buffered: Arc<Buffered>,
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
        Self { start: Instant::now(), counter: Counter::default(), ducts: Ducts::default(), buffered: Arc::default() }
    }

    /// Does something at the desk that needs the time (ms since the start of the runtime), then rings whom it concerns.
    pub fn at_desk<R>(self: &Arc<Self>, work: impl FnOnce(&mut Desk, f64) -> R) -> R {
        // The time is read under the lock, so that the desk never sees it go backwards.
        self.quick(|desk| work(desk, self.now()))
    }

    /// Does something at the desk that needs no time.
    pub fn quick<R>(self: &Arc<Self>, work: impl FnOnce(&mut Desk) -> R) -> R {
        let mut state = self.lock();
        let result = work(&mut state.desk);
        if !state.desk.errands.is_empty() {
            self.run_errands(state);
        }
        result
    }

    /// The ducts between isolates.
    #[must_use]
    pub const fn ducts(&self) -> &Ducts {
        &self.ducts
    }

    /// The bytes that wait in the streams of all isolates.
    #[must_use]
    pub const fn buffered(&self) -> &Arc<Buffered> {
        &self.buffered
    }

    /// Sets or lifts the limit of the process and serves whoever it lets in.
    pub fn configure(self: &Arc<Self>, max_concurrent: Option<u32>) {
        self.quick(|desk| desk.configure(max_concurrent));
        self.in_turns(Desk::serve);
    }

    /// A picture of the whole process; what live streams have counted so far is in it.
    #[must_use]
    pub fn snapshot(self: &Arc<Self>) -> Snapshot {
        let mut survey = Survey::default();
        self.in_turns(|desk, _| desk.survey(&mut survey));
        Snapshot { bytes_buffered: number(self.buffered.total()), ..survey.picture() }
    }

    /// The numbers for a monitoring system, which tells these names apart; the latencies spread over these bounds, in microseconds, which
    /// ascend.
    #[must_use]
    pub fn measures(self: &Arc<Self>, bounds: &[f64], own: &OwnNames) -> Measures {
        let mut survey = Survey::whole(own.clone());
        self.in_turns(|desk, _| desk.survey(&mut survey));
        // Where functions go all the time, one that is off by one of them is good enough.
        for _ in 0..3 {
            if !survey.is_torn() {
                break;
            }
            survey = Survey::whole(own.clone());
            self.in_turns(|desk, _| desk.survey(&mut survey));
        }
        Measures { bytes_buffered: number(self.buffered.total()), ..survey.measures(bounds) }
    }

    /// A picture of one function; `None` when there is none of that number. Streams of others are not looked at.
    #[must_use]
    pub fn function_metrics(self: &Arc<Self>, function: u32) -> Option<FunctionSnapshot> {
        let mut left = usize::MAX;
        self.in_turns(|desk, _| {
            left = desk.settle(function, left, &mut Depth::default());
            left > 0
        });
        self.quick(|desk| desk.function_metrics(function))
    }

    /// Lets an isolate go. With the last one goes the timer thread.
    pub fn leave(self: &Arc<Self>, isolate: u32) {
        self.ducts.leave(isolate);
        self.in_turns(|desk, now| desk.leave(isolate, now));
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

    /// One turn of the timer thread.
    pub(crate) fn tick(self: &Arc<Self>, signal: &Signal) -> Next {
        let mut state = self.lock();
        if signal.is_stopped() {
            return Next::Sleep;
        }
        state.desk.show(self.now());
        // Read anew: the thread may have had no turn before every isolate saw the time.
        let now = self.now();
        let next = state.desk.tick(now);
        // The thread that would be woken is this one.
        state.desk.errands.wake_timer = false;
        self.run_errands(state);
        match next {
            None => Next::Sleep,
            Some(at) if at <= whole_ms(now) => {
                self.counter.give_way();
                Next::Again
            }
            // An hour at most, so that no clock overflows: a deadline beyond is looked at again then.
            Some(at) => Next::At(self.start + Duration::from_millis(at.min(whole_ms(now) + 3_600_000))),
        }
    }

    /// The timer thread panicked: it goes on, or it ends, and then whoever arms next starts another one.
    pub(crate) fn timer_failed(self: &Arc<Self>, signal: &Signal, goes_on: bool) {
        let mut state = self.lock();
        if !goes_on && !signal.is_stopped() {
            state.desk.alarm = None;
            signal.end();
        }
        state.desk.trouble(if goes_on { Trouble::Timer } else { Trouble::NoTimer });
        state.desk.errands.wake_timer = false;
        self.run_errands(state);
    }

    /// Milliseconds since the runtime was made.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1000.0
    }

    /// Repeats what is bounded, under a lock of its own each time, until it says that there is no more to do.
    fn in_turns(self: &Arc<Self>, mut turn: impl FnMut(&mut Desk, f64) -> bool) {
        while self.at_desk(&mut turn) {
            self.counter.give_way();
        }
    }

    /// A panic while the lock was held leaves a desk that is still whole enough to serve the others; they are told.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.counter.lock(|state| state.desk.trouble(Trouble::Panic))
    }

    /// Wakes whoever has to be woken, after the lock is released.
    #[cold]
    fn run_errands(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let mut signal = None;
        let mut ended = None;
        if state.desk.errands.wake_timer {
            if state.thread.as_ref().is_some_and(TimerThread::has_ended) {
                ended = state.thread.take();
            }
            if state.thread.is_none() {
                state.thread = TimerThread::spawn(Arc::clone(self));
                if state.thread.is_none() {
                    // The next timer tries again.
                    state.desk.alarm = None;
                    state.desk.trouble(Trouble::NoTimer);
                }
            } else {
                signal = state.thread.as_ref().map(TimerThread::signal);
            }
        }
        let Errands { bells, gone, .. } = std::mem::take(&mut state.desk.errands);
        drop(state);
        drop(gone);
        if let Some(thread) = ended {
            thread.join();
        }
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
const fn whole_ms(now: f64) -> u64 {
    now as u64
}
