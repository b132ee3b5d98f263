//! The deadlines of one isolate, and the verdicts that it has not taken yet.
//!
//! Owns: that each key is in one of the two at most. So both are bounded by the streams and timers that exist, however long an isolate
//! takes nothing.

use crate::mail::{Key, Mail};
use std::collections::BTreeMap;
use std::sync::Arc;
use velo_core::deadlines::Deadlines;
use velo_core::row::PAGE_ROWS;
use velo_core::signal::Timer;

/// Where a key is: 0 nowhere, else one more than its time, with `DUE` when the time is its place among the verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark(u64);

const DUE: u64 = 1 << 63;
/// Kinds of verdicts about streams: one for each timer, and `Admitted`.
const KINDS: usize = Timer::ALL.len() + 1;

/// What an isolate waits for, and what waits for it.
#[derive(Default)]
pub(crate) struct Schedule {
    armed: Deadlines<Key>,
    /// By the order in which they came.
    due: Deadlines<Key>,
    /// How many came so far.
    came: u64,
    /// Of the keys of streams: by page, row and kind.
    marks: Vec<Vec<[Mark; KINDS]>>,
    /// Of all other keys that are somewhere.
    others: BTreeMap<Key, Mark>,
    mail: Arc<Mail>,
}

impl Schedule {
    /// Whether something is due, to be looked at without the lock.
    pub(crate) fn mail(&self) -> Arc<Mail> {
        Arc::clone(&self.mail)
    }

    /// Makes room for the keys of one more page of streams.
    pub(crate) fn grow(&mut self) {
        self.marks.push(vec![[Mark::default(); KINDS]; PAGE_ROWS]);
    }

    /// Sets a deadline. A verdict of the one before that was not taken is void.
    pub(crate) fn set(&mut self, key: Key, at: u64) {
        self.clear(key);
        let at = at.min(DUE - 2); // the end of time
        self.armed.set(key, at);
        self.mark(key, Mark(at + 1));
    }

    /// Removes a deadline, and its verdict if that was not taken; false when there was neither.
    pub(crate) fn clear(&mut self, key: Key) -> bool {
        match self.mark(key, Mark::default()).0 {
            0 => false,
            mark if mark & DUE == 0 => self.armed.remove(key, mark - 1),
            mark => self.due.remove(key, (mark & !DUE) - 1),
        }
    }

    /// The next deadline.
    pub(crate) fn first(&self) -> Option<u64> {
        self.armed.first()
    }

    /// Takes the next deadline that has come.
    pub(crate) fn pop(&mut self, now: u64) -> Option<Key> {
        let (_, key) = self.armed.pop_due(now)?;
        self.mark(key, Mark::default());
        Some(key)
    }

    /// Puts a verdict behind those that wait; one that waits already goes to the end.
    pub(crate) fn post(&mut self, key: Key) {
        self.clear(key);
        self.due.set(key, self.came);
        self.came += 1;
        self.mark(key, Mark(self.came | DUE));
        self.mail.set(true);
    }

    /// Takes the verdict that has waited longest.
    pub(crate) fn take(&mut self) -> Option<Key> {
        let taken = self.due.pop_due(u64::MAX).map(|(_, key)| key);
        if let Some(key) = taken {
            self.mark(key, Mark::default());
        }
        if self.due.is_empty() {
            self.mail.set(false);
        }
        taken
    }

    /// Notes where a key is; answers where it was.
    fn mark(&mut self, key: Key, mark: Mark) -> Mark {
        if let Some(slot) = key.slot().and_then(|slot| usize::try_from(slot).ok()) {
            // Verdicts of timers are numbered from 1, and `Admitted` comes after them.
            let row = self.marks.get_mut(slot / PAGE_ROWS).and_then(|page| page.get_mut(slot % PAGE_ROWS));
            let place = row.and_then(|row| row.get_mut((key.verdict as usize - 1).min(KINDS - 1)));
            return place.map(|place| std::mem::replace(place, mark)).unwrap_or_default();
        }
        let before = if mark == Mark::default() { self.others.remove(&key) } else { self.others.insert(key, mark) };
        before.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::mail::Key;
    use velo_core::signal::Verdict;

    fn a_key_is_in_one_place(key: Key, other: Key) {
        let mut schedule = Schedule::default();
        schedule.grow();
        schedule.set(key, 20);
        schedule.set(key, 10);
        assert_eq!((schedule.pop(9), schedule.pop(10), schedule.pop(99)), (None, Some(key), None));
        schedule.post(key);
        schedule.post(key);
        assert!(schedule.mail().waits());
        assert_eq!((schedule.take(), schedule.take()), (Some(key), None));
        assert!(!schedule.mail().waits());
        schedule.post(key);
        schedule.set(key, 20);
        assert_eq!((schedule.take(), schedule.first()), (None, Some(20)));
        schedule.post(other);
        assert!(schedule.clear(other) && schedule.clear(key) && !schedule.clear(key));
        assert_eq!((schedule.take(), schedule.first()), (None, None));
        schedule.set(key, u64::MAX);
        assert!(schedule.clear(key));
        assert_eq!((schedule.first(), schedule.others.len()), (None, 0));
    }

    #[test]
    fn a_key_of_a_stream_and_any_other_wait_once_and_a_new_deadline_makes_their_verdicts_void() {
        a_key_is_in_one_place(Key::of(1, Verdict::Idle), Key::of(1023, Verdict::Admitted));
        a_key_is_in_one_place(Key { about: 1 << 40, verdict: Verdict::Timer }, Key::of(0, Verdict::Drained));
    }
}
