//! Draining: nothing new, what runs may finish until the deadline, then everybody is told to abort. It is final.

use crate::alarms::whole;
use crate::desk::Desk;
use crate::mail::{Key, Message};
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
            let present = (0u32..).zip(&self.isolates).filter(|(_, place)| place.is_some());
            let keys: Vec<_> =
                present.map(|(isolate, _)| Key { isolate, slot: 0, verdict: Verdict::DrainAbort }).collect();
            keys.into_iter().for_each(|key| self.set_deadline(key, at));
        }
        self.check_drained(now);
    }

    /// Tells those who asked once nothing is open and nothing waits. Detached functions do not count.
    pub(crate) fn check_drained(&mut self, now: f64) {
        if self.drain.is_none() || self.limit.open() > 0 || self.waiting > 0 {
            return;
        }
        let waiters = self.drain.as_mut().map(|drain| std::mem::take(&mut drain.waiters)).unwrap_or_default();
        // Nothing is left to abort.
        if !waiters.is_empty() {
            self.deadlines.retain(|key| key.verdict != Verdict::DrainAbort);
        }
        for isolate in waiters {
            let key = Key { isolate, slot: 0, verdict: Verdict::Drained };
            self.deliver(key, Message { verdict: Verdict::Drained, slot: 0, generation: 0.0, seen: 0.0 }, now);
        }
    }
}
