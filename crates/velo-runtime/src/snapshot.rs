//! Pictures of the counts, in the shape JavaScript sees them. Numbers are f64, because that is what they become there. The one of the
//! whole process is made by `survey.rs`.

use crate::desk::Desk;
use crate::survey::Sum;
use serde::Serialize;
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
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The counts of everything since the start.
    #[serde(flatten)]
    pub counts: Counts,
    /// Bytes that wait in its streams, as far as they are known. Not from the desk: `Runtime::snapshot` adds it.
    pub bytes_buffered: f64,
    /// By name; functions that were forgotten are only in the counts above.
    pub functions: Vec<FunctionSnapshot>,
}

impl Desk {
    /// The picture of one function; `None` when there is none of that number. What its live streams have counted is in it as of the last
    /// time they were settled.
    #[must_use]
    pub fn function_metrics(&self, function: u32) -> Option<FunctionSnapshot> {
        let known = self.functions.get(function)?;
        let mut sum = Sum::default();
        sum.add(known);
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
}

pub(crate) fn quantiles(latency: &Latency) -> QuantilesSnapshot {
    let quantiles = latency.quantiles();
    QuantilesSnapshot { p50: quantiles.p50, p95: quantiles.p95, p99: quantiles.p99, samples: number(quantiles.samples) }
}

#[expect(clippy::cast_precision_loss, reason = "f64 is exact for 285 years at a million events a second")]
pub(crate) const fn number(count: u64) -> f64 {
    count as f64
}
