//! One stream, as the desk knows it. What JavaScript counts lies in its row.

use crate::binding::Binding;
use crate::page::Row;
use crate::totals::Tally;
use std::sync::Arc;
use velo_core::credit::Ledger;
use velo_core::latency::Latency;
use velo_core::machine::Machine;
use velo_core::row::Word;
use velo_core::signal::Verdict;

/// A timer that looks at the row before it fires.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// ms; 0 = not armed.
    pub(crate) timeout: f64,
    /// When it was armed, ms: what happened before does not count.
    pub(crate) since: f64,
    /// The count that the last verdict rested on; `None` when there was none since it was armed.
    pub(crate) seen: Option<f64>,
    /// When the wait began that this verdict rested on, ms.
    pub(crate) began: f64,
}

/// A stream that waits or is open.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) function: u32,
    pub(crate) machine: Machine,
    pub(crate) generation: f64,
    /// Its place in the line, should it wait.
    pub(crate) ticket: u64,
    pub(crate) input: Ledger,
    pub(crate) output: Ledger,
    /// When it was admitted, ms.
    pub(crate) opened_at: f64,
    /// The idle timeout it asked for, ms; armed at admission.
    pub(crate) idle_ms: f64,
    pub(crate) idle: Watch,
    pub(crate) stall: Watch,
    /// Result latency.
    pub(crate) latency: Latency,
    /// Time an event spends in the function.
    pub(crate) processing: Latency,
    /// Its row, lent to the thread that runs its function, when that is another one.
    pub(crate) binding: Option<Arc<Binding>>,
    /// The same for the later stages of a pipeline.
    pub(crate) later: Option<Arc<Binding>>,
    /// What of its row is in the totals of its function already.
    pub(crate) settled: Tally,
    /// Its place among the streams of its function.
    pub(crate) place: usize,
}

impl Stream {
    /// A stream in the line.
    pub(crate) fn new(function: u32, ticket: u64, generation: f64, buffer: u32, idle_ms: f64, place: usize) -> Self {
        let credits = Ledger::opened(buffer);
        Self {
            function,
            machine: Machine::WAITING,
            generation,
            ticket,
            input: credits,
            output: credits,
            opened_at: 0.0,
            idle_ms,
            idle: Watch::default(),
            stall: Watch::default(),
            latency: Latency::default(),
            processing: Latency::default(),
            binding: None,
            later: None,
            settled: Tally::default(),
            place,
        }
    }

    /// What has been delivered, while the function waits for an event and none is on its way to it.
    pub(crate) fn silent_after(&self, row: Row<'_>) -> Option<f64> {
        // The count first: whoever moves it after this look makes it void.
        let delivered = row.get(Word::Delivered);
        // An event on its way to a function on another thread is no silence.
        let under_way = self.binding.is_some() && row.get(Word::Accepted) > delivered + row.get(Word::DroppedEvents);
        (row.get(Word::Waiting) == 1.0 && !under_way).then_some(delivered)
    }

    /// Whether what the last verdict of idleness saw still holds.
    pub(crate) fn is_idle(&self, row: Row<'_>) -> bool {
        let Watch { seen, began, .. } = self.idle;
        seen.is_some() && seen == self.silent_after(row) && row.get(Word::WaitingSince) <= began
    }

    /// The watch of a verdict that has one.
    pub(crate) const fn watch(&mut self, verdict: Verdict) -> Option<&mut Watch> {
        match verdict {
            Verdict::Idle => Some(&mut self.idle),
            Verdict::Stall => Some(&mut self.stall),
            _ => None,
        }
    }
}
