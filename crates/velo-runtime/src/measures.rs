//! The counts as a monitoring system wants them: everything that is in a snapshot, with what only grows kept for functions that are gone,
//! latencies as histograms, and what waits. It is gathered by `survey.rs`.

use crate::snapshot::{Counts, number};
use crate::staged::StageMeasures;
use crate::totals::WAITS;
use serde::Serialize;
use velo_core::latency::Latency;

/// How latencies spread; microseconds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpreadMeasures {
    /// Samples at or below each bound.
    pub at_most: Vec<f64>,
    /// Of all samples.
    pub sum: f64,
    /// How many there are.
    pub samples: f64,
}

/// Seconds that streams spent, as somebody looked now and then.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spent {
    /// In line for a permit.
    pub admission: f64,
    /// Waiting for an event.
    pub event: f64,
    /// Waiting for a reader: the output is full.
    pub reader: f64,
    /// With a send that waits for room.
    pub room: f64,
    /// Waiting for a journal.
    pub journal: f64,
    /// In user code.
    pub code: f64,
}

impl Spent {
    pub(crate) const fn of(micros: &[u64; WAITS]) -> Self {
        let [admission, event, reader, room, journal, code] = *micros;
        Self {
            admission: number(admission) / 1e6,
            event: number(event) / 1e6,
            reader: number(reader) / 1e6,
            room: number(room) / 1e6,
            journal: number(journal) / 1e6,
            code: number(code) / 1e6,
        }
    }
}

/// All functions of one name, those that are gone included.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionMeasures {
    /// The name; empty for those of many names that are gone.
    pub name: String,
    /// Where they run: `worker` where some stage does.
    pub placement: &'static str,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Bytes that events became on their way to other threads.
    pub bytes_in: f64,
    /// The same of results.
    pub bytes_out: f64,
    /// Events that wait in the streams that are open.
    pub events_buffered: f64,
    /// Results that wait there.
    pub results_buffered: f64,
    /// Where its streams spent their time.
    pub spent: Spent,
    /// From an event to its result.
    pub latency_spread: SpreadMeasures,
    /// Time an event spends in the function.
    pub processing_spread: SpreadMeasures,
    /// What the stages of pipelines have taken and given, by name.
    pub stages: Vec<StageMeasures>,
}

/// The whole process.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// The counts of everything since the start.
    #[serde(flatten)]
    pub counts: Counts,
    /// Bytes that wait in its streams, as far as they are known. Not from the desk: `Runtime::measures` adds it.
    pub bytes_buffered: f64,
    /// By name.
    pub functions: Vec<FunctionMeasures>,
}

pub(crate) fn spread(latency: &Latency, bounds: &[f64]) -> SpreadMeasures {
    let spread = latency.spread(bounds);
    SpreadMeasures {
        at_most: spread.at_most.into_iter().map(number).collect(),
        sum: spread.sum,
        samples: number(spread.samples),
    }
}
