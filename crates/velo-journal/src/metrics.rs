//! What the writer counts. Written by its thread, read by anybody at any time, so a reader may see one counter before another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many of the last commits the quantiles are of.
const LAST: usize = 1024;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident)+) => {
        /// A picture of the counters, since the folder was opened by this process.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: u64,)+
            /// What the last commits took, syncs included.
            pub commit_latency: Quantiles,
        }

        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)+
            commit_us: Mutex<Recent>,
        }

        impl Counters {
            /// Relaxed throughout: nothing else is read by way of them.
            pub(crate) fn picture(&self) -> Metrics {
                let commit_latency = self.commit_us.lock().unwrap_or_else(PoisonError::into_inner).quantiles();
                Metrics { $($name: self.$name.load(Ordering::Relaxed),)+ commit_latency }
            }
        }
    };
}

counters! {
    /// Streams kept, retained ends among them.
    streams
    /// Bytes kept of them, checksums and names excepted.
    bytes
    /// Bytes of the file.
    file_bytes
    /// Format of what is in it; 0 before it was opened.
    format
    /// Events appended.
    events
    /// Commands that were done.
    commands
    /// Commits of the store.
    commits
    /// Bytes handed to the system.
    written_bytes
    /// Syncs of the file.
    syncs
    /// Submissions that wait for the writer.
    queued
    /// Their bytes.
    queued_bytes
    /// Streams opened that were kept and had not ended.
    replays
    /// Events read back for them.
    replayed_events
    /// Commands refused because a stream would have kept more bytes than it may.
    refused
    /// How often the store failed and was opened again.
    reopened
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

pub(crate) fn less(counter: &AtomicU64, by: u64) {
    counter.fetch_sub(by, Ordering::Relaxed);
}

pub(crate) fn set(counter: &AtomicU64, value: u64) {
    counter.store(value, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn committed(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.commits, 1);
        self.commit_us.lock().unwrap_or_else(PoisonError::into_inner).record(us);
    }

    pub(crate) fn tallied(&self, tally: Tally) {
        add(&self.events, tally.events);
        add(&self.replays, tally.replays);
        add(&self.replayed_events, tally.replayed_events);
        add(&self.refused, tally.refused);
    }
}

/// What the steps of one transaction count. It counts when that is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) replays: u64,
    pub(crate) replayed_events: u64,
    pub(crate) refused: u64,
}

/// Quantiles in microseconds, zero without samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// Half of the samples are at or below.
    pub p50: u64,
    /// 95 % of the samples are at or below.
    pub p95: u64,
    /// 99 % of the samples are at or below.
    pub p99: u64,
    /// How many samples the three rest on.
    pub samples: u64,
}

/// The last values, in a ring.
#[derive(Debug, Default)]
struct Recent {
    values: Vec<u64>,
    next: usize,
}

impl Recent {
    fn record(&mut self, value: u64) {
        if self.values.len() < LAST {
            self.values.push(value);
        } else if let Some(place) = self.values.get_mut(self.next) {
            *place = value;
        }
        self.next = (self.next + 1) % LAST;
    }

    fn quantiles(&self) -> Quantiles {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            rank.checked_sub(1).and_then(|rank| sorted.get(rank)).copied().unwrap_or_default()
        };
        Quantiles { p50: at(50), p95: at(95), p99: at(99), samples: sorted.len() as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_values() {
        let mut recent = Recent::default();
        assert_eq!(recent.quantiles(), Quantiles::default());
        (1..=100).for_each(|value| recent.record(value));
        assert_eq!(recent.quantiles(), Quantiles { p50: 50, p95: 95, p99: 99, samples: 100 });
        (0..LAST).for_each(|_| recent.record(7));
        assert_eq!(recent.quantiles(), Quantiles { p50: 7, p95: 7, p99: 7, samples: LAST as u64 });
    }
}
