//! Counts that only grow, of one function or of the process.

use crate::page::Row;
use velo_core::machine::Reason;
use velo_core::row::Word;

/// Streams that ended, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) done: u64,
    pub(crate) closed: u64,
    pub(crate) idle: u64,
    pub(crate) aborted: u64,
    pub(crate) failed: u64,
}

/// What is counted one by one, because it is rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A send was refused because too many waited.
    Overrun,
    /// A detached function threw.
    LateError,
}

/// Where streams spent their time: in line, waiting for an event, for a reader, for room, for a journal, in user code.
pub(crate) const WAITS: usize = 6;

/// What a row counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) events_in: u64,
    pub(crate) events_out: u64,
    pub(crate) dropped_events: u64,
    pub(crate) dropped_results: u64,
}

impl Tally {
    /// What a row has counted so far.
    pub(crate) fn of(row: Row<'_>) -> Self {
        Self {
            events_in: row.count(Word::Accepted),
            events_out: row.count(Word::Yielded),
            dropped_events: row.count(Word::DroppedEvents),
            dropped_results: row.count(Word::DroppedResults),
        }
    }

    /// What came since an earlier look.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            events_in: self.events_in.saturating_sub(before.events_in),
            events_out: self.events_out.saturating_sub(before.events_out),
            dropped_events: self.dropped_events.saturating_sub(before.dropped_events),
            dropped_results: self.dropped_results.saturating_sub(before.dropped_results),
        }
    }

    const fn add(&mut self, more: &Self) {
        self.events_in = self.events_in.saturating_add(more.events_in);
        self.events_out = self.events_out.saturating_add(more.events_out);
        self.dropped_events = self.dropped_events.saturating_add(more.dropped_events);
        self.dropped_results = self.dropped_results.saturating_add(more.dropped_results);
    }
}

/// What has been counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) refused: u64,
    pub(crate) ends: Ends,
    pub(crate) tally: Tally,
    pub(crate) overruns: u64,
    pub(crate) late_errors: u64,
    /// Bytes that events and results became on their way to other threads.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Microseconds, as JavaScript looked now and then.
    pub(crate) spent: [u64; WAITS],
}

impl Totals {
    /// Counts the end of a stream.
    pub(crate) const fn end(&mut self, reason: Reason) {
        let count = match reason {
            Reason::None | Reason::Done => &mut self.ends.done,
            Reason::Closed => &mut self.ends.closed,
            Reason::Idle => &mut self.ends.idle,
            Reason::Aborted => &mut self.ends.aborted,
            Reason::Failed => &mut self.ends.failed,
        };
        *count += 1;
    }

    /// Adds what a row has counted.
    pub(crate) const fn add_tally(&mut self, tally: &Tally) {
        self.tally.add(tally);
    }

    /// Adds results that a detached function yielded, and results that were dropped, after the end of their stream.
    pub(crate) const fn add_late(&mut self, yielded: u64, dropped: u64) {
        self.tally.add(&Tally { events_in: 0, events_out: yielded, dropped_events: 0, dropped_results: dropped });
    }

    /// Counts one of what has no row of its own.
    pub(crate) const fn note(&mut self, what: Note) {
        match what {
            Note::Overrun => self.overruns += 1,
            Note::LateError => self.late_errors += 1,
        }
    }

    /// Adds bytes that went to other threads and came from there.
    pub(crate) const fn add_bytes(&mut self, bytes_in: u64, bytes_out: u64) {
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
    }

    /// Adds time that streams spent, by what they waited for.
    pub(crate) fn add_spent(&mut self, spent: &[u64; WAITS]) {
        self.spent.iter_mut().zip(spent).for_each(|(mine, more)| *mine = mine.saturating_add(*more));
    }

    /// Adds another function's counts.
    pub(crate) fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.refused += other.refused;
        self.ends.done += other.ends.done;
        self.ends.closed += other.ends.closed;
        self.ends.idle += other.ends.idle;
        self.ends.aborted += other.ends.aborted;
        self.ends.failed += other.ends.failed;
        self.tally.add(&other.tally);
        self.overruns += other.overruns;
        self.late_errors += other.late_errors;
        self.add_bytes(other.bytes_in, other.bytes_out);
        self.add_spent(&other.spent);
    }
}
