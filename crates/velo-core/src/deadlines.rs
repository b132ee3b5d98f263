//! Deadlines in order: what is due next, and one deadline a key.
//!
//! Owns: the set. Not here: the clock; times are whole milliseconds since whatever the caller counts from.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, Hash, RandomState};

/// A set of keys, each with the time it is due. Keys with the same time come out in their own order.
#[derive(Clone, Debug)]
pub struct Deadlines<K, S = RandomState> {
    order: BTreeSet<(u64, K)>,
    times: HashMap<K, u64, S>,
}

impl<K: Copy + Ord + Hash, S: BuildHasher + Default> Default for Deadlines<K, S> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), times: HashMap::default() }
    }
}

impl<K: Copy + Ord + Hash, S: BuildHasher + Default> Deadlines<K, S> {
    /// Sets the deadline of a key and returns the one it replaces.
    pub fn replace(&mut self, key: K, at: u64) -> Option<u64> {
        let old = self.times.insert(key, at);
        if let Some(old) = old {
            self.order.remove(&(old, key));
        }
        self.order.insert((at, key));
        old
    }

    /// Removes the deadline of a key.
    pub fn remove(&mut self, key: K) -> Option<u64> {
        let at = self.times.remove(&key)?;
        self.order.remove(&(at, key));
        Some(at)
    }

    /// The deadline of a key.
    #[must_use]
    pub fn get(&self, key: K) -> Option<u64> {
        self.times.get(&key).copied()
    }

    /// When the next key is due.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the next key that is due at `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<(u64, K)> {
        self.first().filter(|at| *at <= now)?;
        let due = self.order.pop_first()?;
        self.times.remove(&due.1);
        Some(due)
    }

    /// How many keys are armed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether nothing is armed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;

    #[test]
    fn keys_come_out_in_order_of_time_and_only_when_due() {
        let mut deadlines: Deadlines<u32> = Deadlines::default();
        deadlines.replace(1, 30);
        deadlines.replace(2, 10);
        deadlines.replace(3, 20);
        assert_eq!(deadlines.pop_due(9), None);
        assert_eq!(deadlines.pop_due(25), Some((10, 2)));
        assert_eq!(deadlines.pop_due(25), Some((20, 3)));
        assert_eq!(deadlines.pop_due(25), None);
        assert_eq!((deadlines.first(), deadlines.len()), (Some(30), 1));
    }

    #[test]
    fn a_key_has_one_deadline() {
        let mut deadlines: Deadlines<u32> = Deadlines::default();
        assert_eq!(deadlines.replace(1, 10), None);
        assert_eq!(deadlines.replace(1, 20), Some(10));
        assert_eq!(deadlines.pop_due(15), None);
        assert_eq!((deadlines.get(1), deadlines.remove(1), deadlines.remove(1)), (Some(20), Some(20), None));
        assert!(deadlines.is_empty());
    }
}
