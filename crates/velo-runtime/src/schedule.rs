//! The deadlines of one isolate, and the verdicts that it has not taken yet.
//!
//! Owns: that each key is in one of the two at most. So both are bounded by the streams and timers that exist, however long an isolate
//! takes nothing.

use crate::mail::{Key, KeyState, Mail};
use std::sync::Arc;
use velo_core::deadlines::Deadlines;

/// What an isolate waits for, and what waits for it.
#[derive(Default)]
pub(crate) struct Schedule {
    armed: Deadlines<Key, KeyState>,
    /// By the order in which they came.
    due: Deadlines<Key, KeyState>,
    /// How many came so far.
    came: u64,
    mail: Arc<Mail>,
}

impl Schedule {
    /// Whether something is due, to be looked at without the lock.
    pub(crate) fn mail(&self) -> Arc<Mail> {
        Arc::clone(&self.mail)
    }

    /// Sets a deadline. A verdict of the one before that was not taken is void.
    pub(crate) fn set(&mut self, key: Key, at: u64) {
        if !self.due.is_empty() {
            self.due.remove(key);
        }
        self.armed.replace(key, at);
    }

    /// Removes a deadline, and its verdict if that was not taken.
    pub(crate) fn clear(&mut self, key: Key) {
        if self.armed.remove(key).is_none() && !self.due.is_empty() {
            self.due.remove(key);
        }
    }

    /// The next deadline.
    pub(crate) fn first(&self) -> Option<u64> {
        self.armed.first()
    }

    /// Takes the next deadline that has come.
    pub(crate) fn pop(&mut self, now: u64) -> Option<Key> {
        self.armed.pop_due(now).map(|(_, key)| key)
    }

    /// Puts a verdict behind those that wait; one that waits already keeps its place.
    pub(crate) fn post(&mut self, key: Key) {
        if self.due.get(key).is_none() {
            self.came += 1;
            self.due.replace(key, self.came);
        }
        self.mail.set(true);
    }

    /// Takes the verdict that has waited longest.
    pub(crate) fn take(&mut self) -> Option<Key> {
        let taken = self.due.pop_due(u64::MAX);
        if self.due.is_empty() {
            self.mail.set(false);
        }
        taken.map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::mail::Key;
    use velo_core::signal::Verdict;

    #[test]
    fn a_key_waits_once_and_a_new_deadline_makes_its_verdict_void() {
        let (mut schedule, key) = (Schedule::default(), Key::of(1, Verdict::Close));
        schedule.set(key, 10);
        assert_eq!((schedule.pop(9), schedule.pop(10), schedule.pop(10)), (None, Some(key), None));
        schedule.post(key);
        schedule.post(key);
        assert!(schedule.mail().waits());
        assert_eq!((schedule.take(), schedule.take()), (Some(key), None));
        assert!(!schedule.mail().waits());
        schedule.post(key);
        schedule.set(key, 20);
        assert_eq!((schedule.take(), schedule.first()), (None, Some(20)));
        schedule.post(Key::of(2, Verdict::Close));
        schedule.clear(Key::of(2, Verdict::Close));
        schedule.clear(key);
        assert_eq!((schedule.take(), schedule.first()), (None, None));
    }
}
