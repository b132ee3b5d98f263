//! A picture of the counts, in the shape JavaScript sees it. Numbers are f64, because that is what they become there.

use crate::desk::Desk;
use crate::function::Function;
use crate::totals::Totals;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use velo_core::latency::Latency;
use velo_core::row::Word;

/// Streams that ended, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClosedBy {
    /// The function returned.
    pub done: f64,
    /// The caller closed.
    pub closed: f64,
    /// No event came.
    pub idle: f64,
    /// Aborted, by whomever.
    pub aborted: f64,
    /// The function threw.
    pub failed: f64,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Dropped {
    /// Accepted, never delivered.
    pub events: f64,
    /// Yielded, never read.
    pub results: f64,
}

/// Quantiles in microseconds, NaN without samples.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct QuantilesSnapshot {
    /// Half of the samples are at or below.
    pub p50: f64,
    /// 95 % of the samples are at or below.
    pub p95: f64,
    /// 99 % of the samples are at or below.
    pub p99: f64,
    /// How many samples the three rest on.
    pub samples: f64,
}

/// The counts every level has.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Streams that hold a permit.
    pub streams_open: f64,
    /// Streams in line.
    pub streams_waiting: f64,
    /// Functions that run on although their stream is over.
    pub streams_detached: f64,
    /// Streams opened since the start, those that waited included.
    pub streams_opened: f64,
    /// Streams refused since the start.
    pub streams_refused: f64,
    /// Streams that ended since the start.
    pub closed_by: ClosedBy,
    /// Events accepted.
    pub events_in: f64,
    /// Results yielded.
    pub events_out: f64,
    /// Values dropped.
    pub dropped: Dropped,
    /// Sends refused because too many waited.
    pub overruns: f64,
    /// Errors that detached functions threw.
    pub late_errors: f64,
    /// From an event to its result.
    pub latency: QuantilesSnapshot,
}

/// One stream function, or all of one name.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionSnapshot {
    /// Its name.
    pub name: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Time an event spends in the function.
    pub processing: QuantilesSnapshot,
}

/// One stream.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamSnapshot {
    /// From an event to its result.
    #[serde(flatten)]
    pub latency: QuantilesSnapshot,
    /// Time an event spends in the function.
    pub processing: QuantilesSnapshot,
    /// ms since its admission; 0 while it waits.
    pub duration_ms: f64,
}

/// The whole process.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The counts of everything since the start.
    #[serde(flatten)]
    pub counts: Counts,
    /// By name; functions that were forgotten are only in the counts above.
    pub functions: Vec<FunctionSnapshot>,
}

/// What one or several functions add up to.
#[derive(Default)]
struct Sum {
    open: u32,
    waiting: u32,
    detached: u32,
    totals: Totals,
    latency: Latency,
    processing: Latency,
}

impl Desk {
    /// The picture of everything; what live streams have counted so far is in it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let live = self.live();
        let mut all = Sum { totals: self.totals, latency: self.latency.clone(), ..Sum::default() };
        let mut names: BTreeMap<&str, Sum> = BTreeMap::new();
        for (number, function) in self.functions.iter() {
            let live = live.get(&number).copied().unwrap_or_default();
            all.totals.add(&live);
            all.detached += function.gate.detached();
            names.entry(&function.limits.name).or_default().add(function, &live);
        }
        (all.open, all.waiting) = (self.limit.open(), self.waiting);
        let functions = names.into_iter().map(|(name, sum)| sum.function(name)).collect();
        Snapshot { counts: all.counts(), functions }
    }

    /// The picture of one function; `None` when there is none of that number.
    #[must_use]
    pub fn function_metrics(&self, function: u32) -> Option<FunctionSnapshot> {
        let known = self.functions.get(function)?;
        let mut sum = Sum::default();
        sum.add(known, &self.live().remove(&function).unwrap_or_default());
        Some(sum.function(&known.limits.name))
    }

    /// The picture of one stream; `None` once it is over.
    #[must_use]
    pub fn stream_metrics(&self, isolate: u32, slot: u32, now: f64) -> Option<StreamSnapshot> {
        let stream = self.isolate(isolate)?.stream(slot)?;
        let started = self.isolate(isolate)?.row(slot)?.get(Word::State) > 0.0;
        Some(StreamSnapshot {
            latency: quantiles(&stream.latency),
            processing: quantiles(&stream.processing),
            duration_ms: if started { now - stream.opened_at } else { 0.0 },
        })
    }

    /// What the rows of live streams have counted, by function.
    fn live(&self) -> HashMap<u32, Totals> {
        let mut live: HashMap<u32, Totals> = HashMap::new();
        for isolate in self.isolates.iter().flatten() {
            for (slot, stream) in isolate.streams() {
                if let Some(row) = isolate.row(slot) {
                    live.entry(stream.function).or_default().add_row(row);
                }
            }
        }
        live
    }
}

impl Sum {
    fn add(&mut self, function: &Function, live: &Totals) {
        self.open += function.gate.open();
        self.waiting += function.gate.waiting();
        self.detached += function.gate.detached();
        self.totals.add(&function.totals);
        self.totals.add(live);
        self.latency.merge(&function.latency);
        self.processing.merge(&function.processing);
    }

    fn counts(&self) -> Counts {
        let Totals {
            opened,
            refused,
            ends,
            events_in,
            events_out,
            dropped_events,
            dropped_results,
            overruns,
            late_errors,
        } = self.totals;
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
            events_in: number(events_in),
            events_out: number(events_out),
            dropped: Dropped { events: number(dropped_events), results: number(dropped_results) },
            overruns: number(overruns),
            late_errors: number(late_errors),
            latency: quantiles(&self.latency),
        }
    }

    fn function(&self, name: &str) -> FunctionSnapshot {
        FunctionSnapshot { name: name.to_owned(), counts: self.counts(), processing: quantiles(&self.processing) }
    }
}

fn quantiles(latency: &Latency) -> QuantilesSnapshot {
    let quantiles = latency.quantiles();
    QuantilesSnapshot { p50: quantiles.p50, p95: quantiles.p95, p99: quantiles.p99, samples: number(quantiles.samples) }
}

#[expect(clippy::cast_precision_loss, reason = "f64 is exact for 285 years at a million events a second")]
const fn number(count: u64) -> f64 {
    count as f64
}
