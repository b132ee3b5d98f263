//! The counts of the whole process, gathered in turns.
//!
//! Owns: that each count is in the sum exactly once although streams end meanwhile. What a live stream has counted is moved into the
//! totals of its function, and the stream remembers how much that was.

use crate::departed::Gone;
use crate::desk::Desk;
use crate::function::Function;
use crate::measures::{FunctionMeasures, Measures, Spent, spread};
use crate::own_names::OwnNames;
use crate::page::Row;
use crate::snapshot::{ClosedBy, Counts, Dropped, FunctionSnapshot, Snapshot, number, quantiles};
use crate::staged::Staged;
use crate::totals::{Tally, Totals};
use crate::verdicts::TURN;
use std::collections::BTreeMap;
use velo_core::latency::Latency;
use velo_core::row::Word;

/// Functions that one turn adds up: merging the histograms of one takes a few us.
const FUNCTIONS: usize = 16;

/// What one or several functions add up to.
#[derive(Default)]
pub(crate) struct Sum {
    open: u32,
    waiting: u32,
    detached: u32,
    totals: Totals,
    latency: Latency,
    processing: Latency,
    staged: Staged,
    depth: Depth,
}

/// What waits in the channels of streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    pub(crate) events: u64,
    pub(crate) results: u64,
}

impl Depth {
    fn add_row(&mut self, row: Row<'_>, tally: &Tally) {
        let gone = row.count(Word::Delivered).saturating_add(tally.dropped_events);
        self.events += tally.events_in.saturating_sub(gone);
        // Where nothing waits unread, results go to their reader at once, and their reads are not counted.
        if row.get(Word::UnreadSince) > 0.0 {
            let gone = row.count(Word::Read).saturating_add(tally.dropped_results);
            self.results += tally.events_out.saturating_sub(gone);
        }
    }

    const fn add(&mut self, more: Self) {
        self.events += more.events;
        self.results += more.results;
    }
}

/// A picture of the process under way. Each function is in it as of one moment, and so is the whole.
#[derive(Default)]
pub struct Survey {
    /// The place in the table of functions that comes next.
    place: u32,
    /// Streams of that function that are not settled yet; `None` before the first.
    left: Option<usize>,
    all: Sum,
    /// By name and, where the survey is whole, by whether it runs on other threads.
    names: BTreeMap<(String, bool), Sum>,
    /// Of the function at hand.
    depth: Depth,
    /// Functions that are gone are in it, too, and these names are told apart.
    own: Option<OwnNames>,
    /// How many had gone when it began, and whether another one went meanwhile: then its counts are in it twice, or not at all.
    departed: Option<u64>,
    is_torn: bool,
}

impl Desk {
    /// Moves what streams of a function have counted into its totals: a turn of them, from the last of `left` down. Begin with
    /// `usize::MAX`, go on with the answer until it is 0.
    pub fn settle(&mut self, function: u32, left: usize, depth: &mut Depth) -> usize {
        // From the end: a stream that ends is replaced by the last one, which has had its turn.
        let mut left = self.functions.get(function).map_or(0, |known| known.streams.len().min(left));
        for _ in 0..TURN.min(left) {
            left -= 1;
            let Some(known) = self.functions.get_mut(function) else { return 0 };
            let Some((isolate, slot)) = known.streams.get(left).copied() else { continue };
            let here = self.isolates.get_mut(isolate as usize).and_then(Option::as_mut);
            let Some((stream, row)) = here.and_then(|here| here.stream_mut(slot)) else { continue };
            let tally = Tally::of(row);
            depth.add_row(row, &tally);
            let more = tally.since(&stream.settled);
            stream.settled = tally;
            known.totals.add_tally(&more);
            self.totals.add_tally(&more);
        }
        left
    }

    /// One turn of a survey; true when there is more to do.
    pub fn survey(&mut self, survey: &mut Survey) -> bool {
        let departed = self.functions.departed.count;
        survey.is_torn |= *survey.departed.get_or_insert(departed) != departed;
        for _ in 0..FUNCTIONS {
            if survey.place >= self.functions.places() {
                survey.all.totals = self.totals;
                survey.all.latency = self.latency.clone();
                (survey.all.open, survey.all.waiting) = (self.limit.open(), self.waiting);
                if survey.own.is_some() {
                    self.functions.departed.iter().for_each(|(key, gone)| survey.add_gone(key, gone));
                }
                if let Some(own) = &survey.own {
                    self.functions.departed.tell_apart(own);
                }
                return false;
            }
            if let Some((function, _)) = self.functions.at_mut(survey.place) {
                let left = self.settle(function, survey.left.unwrap_or(usize::MAX), &mut survey.depth);
                if left > 0 {
                    survey.left = Some(left);
                    return true;
                }
                if let Some(known) = self.functions.get(function) {
                    survey.add(known);
                }
            }
            survey.left = None;
            survey.place += 1;
        }
        true
    }
}

impl Survey {
    /// One with the counts of functions that are gone, which tells these names apart.
    #[must_use]
    pub fn whole(own: OwnNames) -> Self {
        Self { own: Some(own), ..Self::default() }
    }

    /// Whether a function went while it was made: it is to be made again.
    #[must_use]
    pub const fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// The numbers for a monitoring system; the latencies spread over these bounds, in microseconds, which ascend.
    #[must_use]
    pub fn measures(&self, bounds: &[f64]) -> Measures {
        let functions = self.names.iter().map(|((name, remote), sum)| sum.measures(name, *remote, bounds)).collect();
        Measures { counts: self.all.counts(), bytes_buffered: 0.0, functions }
    }

    /// The picture, once there is no more to do.
    #[must_use]
    pub fn picture(&self) -> Snapshot {
        let functions = self.names.iter().map(|((name, _), sum)| sum.function(name)).collect();
        Snapshot { counts: self.all.counts(), bytes_buffered: 0.0, functions }
    }

    fn add(&mut self, known: &Function) {
        self.all.detached += known.gate.detached();
        let depth = std::mem::take(&mut self.depth);
        let name = &known.limits.name;
        let key = match &mut self.own {
            None => (name.clone(), false),
            Some(own) => (if own.has(name) { name.clone() } else { String::new() }, known.limits.remote),
        };
        let is_rest = key.0.is_empty();
        let sum = self.names.entry(key).or_default();
        sum.depth.add(depth);
        sum.add(known);
        let staged = Staged::of(&known.limits.counted, &known.passed);
        if is_rest { sum.staged.add_rest(&staged) } else { sum.staged.merge(&staged) }
    }

    fn add_gone(&mut self, key: &(String, bool), gone: &Gone) {
        let is_own = self.own.as_mut().is_some_and(|own| own.has(&key.0));
        let sum = self.names.entry((if is_own { key.0.clone() } else { String::new() }, key.1)).or_default();
        sum.totals.add(&gone.totals);
        sum.latency.merge(&gone.latency);
        sum.processing.merge(&gone.processing);
        if is_own { sum.staged.merge(&gone.staged) } else { sum.staged.add_rest(&gone.staged) }
    }
}

impl Sum {
    pub(crate) fn add(&mut self, function: &Function) {
        self.open += function.gate.open();
        self.waiting += function.gate.waiting();
        self.detached += function.gate.detached();
        self.totals.add(&function.totals);
        self.latency.merge(&function.latency);
        self.processing.merge(&function.processing);
    }

    fn counts(&self) -> Counts {
        let Totals { opened, refused, ends, tally, overruns, late_errors, .. } = self.totals;
        Counts {
            streams_open: self.open.into(),
            streams_waiting: self.waiting.into(),
            streams_detached: self.detached.into(),
            streams_opened: number(opened),
            streams_refused: number(refused),
            closed_by: ClosedBy {
                done: number(ends.done),
                closed: number(ends.closed),
                idle: number(ends.idle),
                aborted: number(ends.aborted),
                failed: number(ends.failed),
            },
            events_in: number(tally.events_in),
            events_out: number(tally.events_out),
            dropped: Dropped { events: number(tally.dropped_events), results: number(tally.dropped_results) },
            overruns: number(overruns),
            late_errors: number(late_errors),
            latency: quantiles(&self.latency),
        }
    }

    fn measures(&self, name: &str, remote: bool, bounds: &[f64]) -> FunctionMeasures {
        FunctionMeasures {
            name: name.to_owned(),
            placement: if remote { "worker" } else { "local" },
            counts: self.counts(),
            bytes_in: number(self.totals.bytes_in),
            bytes_out: number(self.totals.bytes_out),
            events_buffered: number(self.depth.events),
            results_buffered: number(self.depth.results),
            spent: Spent::of(&self.totals.spent),
            latency_spread: spread(&self.latency, bounds),
            processing_spread: spread(&self.processing, bounds),
            stages: self.staged.measures(),
        }
    }

    pub(crate) fn function(&self, name: &str) -> FunctionSnapshot {
        FunctionSnapshot { name: name.to_owned(), counts: self.counts(), processing: quantiles(&self.processing) }
    }
}
