//! What the writer counts. Written by its thread, read by anybody at any time, so a reader may see one counter before another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident)+) => {
        /// A picture of the counters, since the folder was opened by this process.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Metrics {
            $($(#[$doc])* pub $name: u64,)+
        }

        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)+
        }

        impl Counters {
            /// Relaxed throughout: nothing else is read by way of them.
            pub(crate) fn picture(&self) -> Metrics {
                Metrics { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Metrics {
            /// Every counter by name.
            #[must_use]
            pub const fn list(&self) -> [(&'static str, u64); COUNT] {
                [$((stringify!($name), self.$name),)+]
            }
        }

        const COUNT: usize = [$(stringify!($name),)+].len();
    };
}

counters! {
    /// Streams kept, retained ends among them.
    streams
    /// Bytes of the file.
    file_bytes
    /// Format of what is in it; 0 before it was opened.
    format
    /// Commands that were done.
    commands
    /// Commits of the store.
    commits
    /// Time of commits, microseconds, in all.
    commit_us
    /// The longest commit, microseconds.
    commit_us_max
    /// Bytes handed to the system.
    written_bytes
    /// Syncs of the file.
    syncs
    /// Submissions that wait for the writer.
    queued
    /// How often the store failed and was opened again.
    reopened
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

pub(crate) fn set(counter: &AtomicU64, value: u64) {
    counter.store(value, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn committed(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.commits, 1);
        add(&self.commit_us, us);
        self.commit_us_max.fetch_max(us, Ordering::Relaxed);
    }
}
