//! Timers: arming and disarming.
//!
//! Owns: when the timer thread must wake. Not here: what happens when one is due (`verdicts.rs`), and the thread (`timer.rs`).

use crate::clock::tick_of;
use crate::desk::Desk;
use crate::mail::Key;
use crate::stream::Watch;
use velo_core::signal::{Timer, Verdict};

impl Desk {
    /// Arms a timer of a stream, or replaces it. A timeout that is not above 0 disarms it.
    pub fn arm(&mut self, isolate: u32, slot: u32, timer: Timer, ms: f64, now: f64) {
        let armed = ms > 0.0 && ms.is_finite();
        if !armed {
            return self.disarm(isolate, slot, timer);
        }
        let verdict = Verdict::from(timer);
        let Some(here) = self.isolate_mut(isolate) else { return };
        here.publish(now);
        let Some((stream, _)) = here.stream_mut(slot) else { return };
        let old = stream.watch(verdict).map(|watch| {
            let old = watch.timeout;
            *watch = Watch { timeout: ms, since: now, seen: None, began: 0.0 };
            old
        });
        if let Some(old) = old {
            if old > 0.0 {
                self.pace.remove(old);
            }
            self.pace.add(ms);
            self.rouse(whole(now + tick_of(ms)));
        }
        self.set_deadline(isolate, Key::of(slot, verdict), whole(now + ms));
    }

    /// Disarms a timer of a stream.
    pub fn disarm(&mut self, isolate: u32, slot: u32, timer: Timer) {
        let verdict = Verdict::from(timer);
        if !self.clear_deadline(isolate, slot, verdict) {
            return;
        }
        let Some((stream, _)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) else { return };
        let timeout = stream.watch(verdict).map(|watch| std::mem::take(watch).timeout);
        if let Some(timeout) = timeout.filter(|timeout| *timeout > 0.0) {
            self.pace.remove(timeout);
        }
    }

    /// Sets a timer of no stream: its id, from 1 up. An id is never used again, and one isolate cannot use up 2^53 of them.
    pub fn timer(&mut self, isolate: u32, ms: f64, now: f64) -> u64 {
        let Some(here) = self.isolate_mut(isolate) else { return 0 };
        here.timers += 1;
        let id = here.timers;
        self.set_deadline(isolate, Key { about: id, verdict: Verdict::Timer }, whole(now + ms.max(0.0)));
        id
    }

    /// Cancels a timer of no stream.
    pub fn cancel(&mut self, isolate: u32, id: u64) {
        if let Some(here) = self.isolate_mut(isolate) {
            here.schedule.clear(Key { about: id, verdict: Verdict::Timer });
        }
    }

    /// Sets a deadline and wakes the timer thread if it would sleep past it.
    pub(crate) fn set_deadline(&mut self, isolate: u32, key: Key, at: u64) {
        let Some(here) = self.isolate_mut(isolate) else { return };
        here.schedule.set(key, at);
        self.rouse(at);
    }

    /// Removes a deadline of a stream with its verdict; false when there was neither.
    pub(crate) fn clear_deadline(&mut self, isolate: u32, slot: u32, verdict: Verdict) -> bool {
        self.isolate_mut(isolate).is_some_and(|here| here.schedule.clear(Key::of(slot, verdict)))
    }

    fn rouse(&mut self, at: u64) {
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            self.errands.wake_timer = true;
        }
    }
}

/// The first whole millisecond at or after a time: a deadline never comes early.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn whole(ms: f64) -> u64 {
    ms.ceil() as u64
}

#[cfg(test)]
mod tests {
    use crate::desk::Desk;
    use crate::page::Bell;
    use std::sync::Arc;

    struct Mute;

    impl Bell for Mute {
        fn ring(&self) {}
    }

    #[test]
    fn ids_of_timers_go_on_past_two_to_the_31_and_the_32() {
        let mut desk = Desk::default();
        let (isolate, _mail) = desk.enter(Arc::new(Mute));
        for start in [(1 << 31) - 2, (1 << 32) - 2] {
            desk.isolate_mut(isolate).unwrap().timers = start;
            let ids = [1.0; 4].map(|ms| desk.timer(isolate, ms, 0.0));
            assert_eq!(ids, [1, 2, 3, 4].map(|more| start + more));
            let mut taken = Vec::new();
            desk.cancel(isolate, ids[1]);
            desk.show(1.0);
            desk.tick(1.0);
            desk.take(isolate, 1.0, 9, |message| taken.push(message.about));
            assert_eq!(taken, [ids[0], ids[2], ids[3]]);
        }
    }
}
