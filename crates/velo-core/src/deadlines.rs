//! Deadlines in order: what is due next.
//!
//! Owns: the order. Not here: the clock (times are whole numbers since whatever the caller counts from), and which time a key has: the
//! caller has a place for each key anyway, and a table of them here would stand still whenever it doubles.

use std::collections::BTreeSet;

/// A set of keys, each with the time it is due. Keys with the same time come out in their own order.
#[derive(Clone, Debug)]
pub struct Deadlines<K>(BTreeSet<(u64, K)>);

impl<K: Copy + Ord> Default for Deadlines<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Sets the deadline of a key that has none.
    pub fn set(&mut self, key: K, at: u64) {
        self.0.insert((at, key));
    }

    /// Removes the deadline of a key; false when this was not its time.
    pub fn remove(&mut self, key: K, at: u64) -> bool {
        self.0.remove(&(at, key))
    }

    /// When the next key is due.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the next key that is due at `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<(u64, K)> {
        self.first().filter(|at| *at <= now)?;
        self.0.pop_first()
    }

    /// How many keys are armed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;

    #[test]
    fn keys_come_out_in_order_of_time_and_only_when_due() {
        let mut deadlines = Deadlines::default();
        [(1, 30), (2, 10), (3, 20)].into_iter().for_each(|(key, at)| deadlines.set(key, at));
        assert_eq!(deadlines.pop_due(9), None);
        assert_eq!(deadlines.pop_due(25), Some((10, 2)));
        assert_eq!(deadlines.pop_due(25), Some((20, 3)));
        assert_eq!(deadlines.pop_due(25), None);
        assert_eq!((deadlines.first(), deadlines.len()), (Some(30), 1));
    }

    #[test]
    fn a_key_is_removed_by_its_time() {
        let mut deadlines = Deadlines::default();
        deadlines.set(1, 10);
        assert_eq!((deadlines.remove(1, 11), deadlines.remove(1, 10), deadlines.remove(1, 10)), (false, true, false));
        assert!(deadlines.is_empty());
    }
}
