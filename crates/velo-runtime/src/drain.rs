//! Draining: nothing new, what runs may finish until the deadline, then everybody is told to abort. It is final.

use crate::alarms::whole;
use crate::desk::Desk;
use crate::mail::Key;
use velo_core::signal::Verdict;

/// A drain under way, or over.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// Isolates that asked and have not been told yet.
    pub(crate) waiters: Vec<u32>,
    /// When everything is aborted, whole ms; the earliest of all that were asked for.
    deadline: Option<u64>,
}

impl Desk {
    /// Drains the process, or joins a drain under way. `ms` is the time left for what runs; not a finite number = no end.
    pub fn drain(&mut self, isolate: u32, ms: f64, now: f64) {
        let asked = ms.is_finite().then(|| whole(now + ms.max(0.0)));
        let drain = self.drain.get_or_insert_default();
        if !drain.waiters.contains(&isolate) {
            drain.waiters.push(isolate);
        }
        let earlier = asked.filter(|asked| drain.deadline.is_none_or(|known| *asked < known));
        if let Some(at) = earlier {
            drain.deadline = Some(at);
            let isolates = (0u32..).take(self.isolates.len());
            isolates.for_each(|isolate| self.set_deadline(isolate, Key::of(0, Verdict::DrainAbort), at));
        }
        self.check_drained();
    }

    /// Tells those who asked once nothing is open and nothing waits. Detached functions do not count.
    pub(crate) fn check_drained(&mut self) {
        if self.drain.is_none() || self.limit.open() > 0 || self.waiting > 0 {
            return;
        }
        let waiters = self.drain.as_mut().map(|drain| std::mem::take(&mut drain.waiters)).unwrap_or_default();
        // Nothing is left to abort.
        if !waiters.is_empty() {
            let here = self.isolates.iter_mut().flatten();
            here.for_each(|isolate| _ = isolate.schedule.clear(Key::of(0, Verdict::DrainAbort)));
        }
        waiters.into_iter().for_each(|isolate| self.post(isolate, Key::of(0, Verdict::Drained)));
    }
}
