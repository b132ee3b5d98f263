//! Timers: arming, and what happens when one is due.
//!
//! Owns: when the timer thread must wake, and the rule that an idle timer never fires early. Not here: the thread
//! (`timer.rs`).

use crate::clock::tick_of;
use crate::desk::Desk;
use crate::mail::{Key, Message};
use crate::stream::Watch;
use velo_core::row::Word;
use velo_core::signal::{Timer, Verdict};

/// The shortest wait before a full mailbox is tried again, ms.
const RETRY: u64 = 10;

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
            *watch = Watch { timeout: ms, since: now, seen: None };
            old
        });
        if let Some(old) = old {
            if old > 0.0 {
                self.pace.remove(old);
            }
            self.pace.add(ms);
            self.rouse(whole(now + tick_of(ms)));
        }
        self.set_deadline(Key { isolate, slot, verdict }, whole(now + ms));
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

    /// Sets a timer of no stream: its id, from 1 up.
    pub fn timer(&mut self, isolate: u32, ms: f64, now: f64) -> u32 {
        let Some(here) = self.isolate_mut(isolate) else { return 0 };
        here.timers = here.timers.wrapping_add(1).max(1);
        let id = here.timers;
        self.set_deadline(Key { isolate, slot: id, verdict: Verdict::Timer }, whole(now + ms.max(0.0)));
        id
    }

    /// Cancels a timer of no stream.
    pub fn cancel(&mut self, isolate: u32, id: u32) {
        self.deadlines.remove(Key { isolate, slot: id, verdict: Verdict::Timer });
    }

    /// Publishes the clock, fires what is due, and says when to come again; `None` when nothing is armed.
    #[expect(clippy::cast_precision_loss, reason = "a tick is at most 100 ms")]
    pub fn tick(&mut self, now: f64) -> Option<u64> {
        let tick = self.pace.shortest();
        self.clock.publish(now, tick.unwrap_or(0) as f64);
        self.isolates.iter().flatten().for_each(|isolate| isolate.publish(now));
        while let Some((_, key)) = self.deadlines.pop_due(floor(now)) {
            self.fire(key, now);
        }
        let tick = self.pace.shortest().map(|tick| whole(now) + tick);
        self.alarm = [self.deadlines.first(), tick].into_iter().flatten().min();
        self.alarm
    }

    /// Puts a verdict in a mailbox. False when it is full; true also when the isolate is gone.
    pub(crate) fn post(&mut self, isolate: u32, message: Message) -> bool {
        let mine = self.caller == Some(isolate);
        let Some(here) = self.isolates.get_mut(isolate as usize).and_then(Option::as_mut) else { return true };
        if here.mailbox.offer(message).is_err() {
            return false;
        }
        if mine {
            self.mail = true;
        } else {
            self.errands.ring(&here.bell);
        }
        true
    }

    /// When to try a full mailbox again.
    pub(crate) fn retry_at(&self, now: f64) -> u64 {
        whole(now) + self.pace.shortest().unwrap_or(RETRY).max(RETRY)
    }

    /// Sets a deadline and wakes the timer thread if it would sleep past it.
    pub(crate) fn set_deadline(&mut self, key: Key, at: u64) {
        if key.verdict != Verdict::Timer
            && let Some((stream, _)) = self.isolate_mut(key.isolate).and_then(|here| here.stream_mut(key.slot))
        {
            stream.set_armed(key.verdict, true);
        }
        self.deadlines.replace(key, at);
        self.rouse(at);
    }

    /// Removes a deadline of a stream; false when it was not set.
    pub(crate) fn clear_deadline(&mut self, isolate: u32, slot: u32, verdict: Verdict) -> bool {
        let Some((stream, _)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) else { return false };
        if !stream.is_armed(verdict) {
            return false;
        }
        stream.set_armed(verdict, false);
        self.deadlines.remove(Key { isolate, slot, verdict });
        true
    }

    fn rouse(&mut self, at: u64) {
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            self.errands.wake_timer = true;
        }
    }

    fn fire(&mut self, key: Key, now: f64) {
        match key.verdict {
            Verdict::Idle | Verdict::Stall => self.look(key, now),
            Verdict::Duration | Verdict::Close => self.expire(key, now),
            Verdict::Admitted => self.announce(key.isolate, key.slot, now),
            Verdict::Timer | Verdict::DrainAbort | Verdict::Drained => {
                // Only a timer of no stream has a number to tell.
                let slot = if key.verdict == Verdict::Timer { key.slot } else { 0 };
                self.deliver(key, Message { verdict: key.verdict, slot, generation: 0.0, seen: 0.0 }, now);
            }
        }
    }

    /// A timer that fires whatever the row says.
    fn expire(&mut self, key: Key, now: f64) {
        let Some((stream, _)) = self.isolate_mut(key.isolate).and_then(|here| here.stream_mut(key.slot)) else {
            return;
        };
        stream.set_armed(key.verdict, false);
        let generation = stream.generation;
        self.deliver(key, Message { verdict: key.verdict, slot: key.slot, generation, seen: 0.0 }, now);
    }

    /// A timer that fires only if the row has not moved for its timeout; else it is set again for the rest.
    fn look(&mut self, key: Key, now: f64) {
        let Some(here) = self.isolates.get_mut(key.isolate as usize).and_then(Option::as_mut) else { return };
        let Some((stream, row)) = here.stream_mut(key.slot) else { return };
        let (generation, opened_at) = (stream.generation, stream.opened_at);
        let Some(watch) = stream.watch(key.verdict).copied() else { return };
        // The count first: whoever moves it after this look makes the verdict void.
        let (seen, since) = if key.verdict == Verdict::Idle {
            (stream.silent_after(row), row.get(Word::WaitingSince))
        } else {
            let (read, since) = (row.get(Word::Read), row.get(Word::UnreadSince));
            ((since > 0.0).then_some(read), since)
        };
        let began = if since <= watch.since || since == opened_at {
            // Written by this side, or before the timer was armed: exact.
            since.max(watch.since)
        } else {
            self.clock.latest(since, tick_of(watch.timeout))
        };
        let due = if seen.is_some() { began + watch.timeout } else { now + watch.timeout };
        let Some(seen) = seen.filter(|_| due <= now) else { return self.set_deadline(key, whole(due)) };
        if key.verdict == Verdict::Idle {
            stream.idle.seen = Some(seen);
        }
        // Armed again: should JavaScript find the verdict void, the timer goes on.
        self.set_deadline(key, whole(now + watch.timeout));
        self.deliver(key, Message { verdict: key.verdict, slot: key.slot, generation, seen }, now);
    }

    /// Posts a verdict, or leaves its deadline armed while the mailbox is full.
    pub(crate) fn deliver(&mut self, key: Key, message: Message, now: f64) {
        if !self.post(key.isolate, message) {
            let at = self.retry_at(now);
            self.set_deadline(key, at);
        }
    }
}

/// The first whole millisecond at or after a time: a deadline never comes early.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn whole(ms: f64) -> u64 {
    ms.ceil() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn floor(ms: f64) -> u64 {
    ms as u64
}
