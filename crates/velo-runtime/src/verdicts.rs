//! What happens when a timer is due, and how an isolate gets its verdicts.
//!
//! Owns: the rule that an idle timer never fires early, and that one hold of the lock does a bounded piece of work. Not here: where
//! verdicts wait (`schedule.rs`).

use crate::alarms::whole;
use crate::clock::tick_of;
use crate::desk::Desk;
use crate::mail::{Key, Message};
use velo_core::row::Word;
use velo_core::signal::{Trouble, Verdict};

/// The most streams, or deadlines, or verdicts, that one hold of the lock deals with: some 50 us of work.
pub const TURN: usize = 128;

/// What a look at a row finds.
enum Look {
    /// Nothing has moved for the timeout: the count that says so, and since when.
    Still(f64, f64),
    /// Look again at this time.
    Again(u64),
    /// The stream is over.
    Gone,
}

impl Desk {
    /// Shows the time to every isolate. A tick follows, under the same lock.
    pub fn show(&mut self, now: f64) {
        self.clock.show(now);
        self.isolates.iter().flatten().for_each(|isolate| isolate.publish(now));
    }

    /// Fires a turn of what is due, and says when to come again, which is in the past when more is due; `None` when nothing is armed. `now` was
    /// read after the time was shown.
    #[expect(clippy::cast_precision_loss, reason = "a tick is at most 100 ms")]
    pub fn tick(&mut self, now: f64) -> Option<u64> {
        let tick = self.pace.shortest();
        self.clock.seen(now, tick.unwrap_or(0) as f64);
        // The same share for each: the burst of one isolate does not stand before the timer of another.
        let share = TURN.div_ceil(self.isolates.len().max(1));
        for isolate in (0u32..).take(self.isolates.len()) {
            for _ in 0..share {
                let Some(key) = self.isolate_mut(isolate).and_then(|here| here.schedule.pop(floor(now))) else { break };
                self.fire(isolate, key, now);
            }
        }
        let tick = self.pace.shortest().map(|tick| whole(now) + tick);
        let first = self.isolates.iter().flatten().filter_map(|isolate| isolate.schedule.first()).min();
        self.alarm = [first, tick].into_iter().flatten().min();
        self.alarm
    }

    /// Hands a turn of verdicts to `put`, `max` at most. True when more wait.
    pub fn take(&mut self, isolate: u32, now: f64, max: usize, mut put: impl FnMut(Message)) -> bool {
        for _ in 0..max.min(TURN) {
            let Some(key) = self.isolate_mut(isolate).and_then(|here| here.schedule.take()) else { return false };
            if let Some(message) = self.hand_over(isolate, key, now) {
                put(message);
            }
        }
        self.isolate(isolate).is_some_and(|here| here.mail.waits())
    }

    /// Tells every isolate that something of ours failed.
    pub(crate) fn trouble(&mut self, what: Trouble) {
        // The call that failed does not tell its own isolate any more.
        self.caller = None;
        self.mail = false;
        for isolate in (0u32..).take(self.isolates.len()) {
            self.post(isolate, Key { about: what as u64, verdict: Verdict::Trouble });
        }
    }

    /// Puts a verdict where its isolate finds it.
    pub(crate) fn post(&mut self, isolate: u32, key: Key) {
        let mine = self.caller == Some(isolate);
        let Some(here) = self.isolates.get_mut(isolate as usize).and_then(Option::as_mut) else { return };
        here.schedule.post(key);
        if mine {
            self.mail = true;
        } else {
            self.errands.ring(&here.bell);
        }
    }

    fn fire(&mut self, isolate: u32, key: Key, now: f64) {
        match self.look(isolate, key, now) {
            Some(Look::Again(at)) => self.set_deadline(isolate, key, at),
            Some(Look::Gone) => {}
            Some(Look::Still(..)) | None => self.post(isolate, key),
        }
    }

    /// What a verdict says at the moment it is taken; `None` when it is void by now.
    fn hand_over(&mut self, isolate: u32, key: Key, now: f64) -> Option<Message> {
        let Some(slot) = key.slot() else { return Some(key.message(0.0, 0.0)) };
        let seen = match self.look(isolate, key, now) {
            Some(Look::Still(seen, since)) => Some((seen, since)),
            Some(Look::Again(at)) => {
                self.set_deadline(isolate, key, at);
                return None;
            }
            Some(Look::Gone) => return None,
            None => None,
        };
        let (stream, _) = self.isolate_mut(isolate)?.stream_mut(slot)?;
        let generation = stream.generation;
        let timeout = stream.watch(key.verdict).map(|watch| {
            watch.seen = seen.map(|(count, _)| count);
            watch.began = seen.map_or(0.0, |(_, since)| since);
            watch.timeout
        });
        if let Some(timeout) = timeout {
            // Armed again: should JavaScript find the verdict void, the timer goes on.
            self.set_deadline(isolate, key, whole(now + timeout));
        }
        Some(key.message(generation, seen.map_or(0.0, |(count, _)| count)))
    }

    /// A look at the row for a timer that fires only if it has not moved for its timeout; `None` for one that fires in any case.
    fn look(&self, isolate: u32, key: Key, now: f64) -> Option<Look> {
        if !matches!(key.verdict, Verdict::Idle | Verdict::Stall) {
            return None;
        }
        let here = self.isolate(isolate);
        let found = here.zip(key.slot()).and_then(|(here, slot)| here.stream(slot).zip(here.row(slot)));
        let Some((stream, row)) = found else { return Some(Look::Gone) };
        // The count first: whoever moves it after this look makes the verdict void.
        let (watch, seen, since) = if key.verdict == Verdict::Idle {
            (stream.idle, stream.silent_after(row), row.get(Word::WaitingSince))
        } else {
            let (read, since) = (row.get(Word::Read), row.get(Word::UnreadSince));
            (stream.stall, (since > 0.0).then_some(read), since)
        };
        // The time at which it was armed can be read for a while afterwards, too.
        let began = if since < watch.since { watch.since } else { self.clock.latest(since, tick_of(watch.timeout)) };
        let due = if seen.is_some() { began + watch.timeout } else { now + watch.timeout };
        Some(seen.filter(|_| due <= now).map_or_else(|| Look::Again(whole(due)), |seen| Look::Still(seen, since)))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn floor(ms: f64) -> u64 {
    ms as u64
}
