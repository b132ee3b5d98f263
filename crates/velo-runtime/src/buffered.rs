//! Bytes that wait in the streams of the process, and the bound beyond which new streams are refused.
//!
//! Owns: the sum over all isolates and the part of each, so that one that goes takes its part along. Not here: what is counted and
//! who is refused, which is JavaScript's, where the bytes are.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Until somebody says otherwise.
const BOUND: u64 = 512 << 20;

/// The sum of the process. All orders are relaxed: nothing else is read by what is found here.
#[derive(Debug)]
pub struct Buffered {
    /// Signed, because isolates report in steps, and one may be ahead of another.
    total: AtomicI64,
    bound: AtomicU64,
}

impl Default for Buffered {
    fn default() -> Self {
        Self { total: AtomicI64::new(0), bound: AtomicU64::new(BOUND) }
    }
}

impl Buffered {
    /// Bytes of all isolates, as far as they have reported.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::try_from(self.total.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Bytes from which on new streams are refused.
    #[must_use]
    pub fn bound(&self) -> u64 {
        self.bound.load(Ordering::Relaxed)
    }

    /// Sets the bound, for all isolates.
    pub fn limit(&self, bytes: u64) {
        self.bound.store(bytes, Ordering::Relaxed);
    }
}

/// What one isolate has in the sum. Used on its thread only; given back when it is dropped.
#[derive(Debug)]
pub struct Part {
    all: Arc<Buffered>,
    own: Cell<i64>,
}

impl Part {
    /// The part of an isolate that holds nothing yet.
    #[must_use]
    pub const fn of(all: Arc<Buffered>) -> Self {
        Self { all, own: Cell::new(0) }
    }

    /// So many bytes more, or fewer. Answers the sum of the process.
    pub fn add(&self, bytes: i64) -> u64 {
        self.own.set(self.own.get() + bytes);
        self.all.total.fetch_add(bytes, Ordering::Relaxed);
        self.all.total()
    }

    /// Gives everything back: the isolate ends.
    pub fn clear(&self) {
        self.add(-self.own.get());
    }

    /// The sum and its bound.
    #[must_use]
    pub fn all(&self) -> &Buffered {
        &self.all
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUND, Buffered, Part};
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn the_sum_is_one_for_all_isolates() {
        let all = Arc::new(Buffered::default());
        let here = Part::of(Arc::clone(&all));
        assert_eq!(here.add(100), 100);
        let others = Arc::clone(&all);
        let sum = thread::spawn(move || {
            let there = Part::of(others);
            let sum = there.add(50);
            there.all().limit(7);
            sum
        });
        assert_eq!(sum.join().expect("it does not panic"), 150);
        assert_eq!((all.total(), all.bound()), (100, 7), "an isolate that is gone holds nothing, what it said holds");
        assert_eq!(here.add(-40), 60);
        here.clear();
        assert_eq!((all.total(), Buffered::default().bound()), (0, BOUND));
    }

    #[test]
    fn a_sum_that_is_behind_is_nothing() {
        let all = Arc::new(Buffered::default());
        let here = Part::of(Arc::clone(&all));
        assert_eq!(here.add(-5), 0);
        drop(here);
        assert_eq!(all.total(), 0);
    }
}
