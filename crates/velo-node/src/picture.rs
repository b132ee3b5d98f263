//! The picture of the process as JavaScript gets it: what the runtime counts, and the journals beside it.
//!
//! Owns: its shape. Numbers are f64, because that is what they become there.

use serde::Serialize;
use std::path::Path;
use velo_journal::Metrics;
use velo_runtime::QuantilesSnapshot;

/// The whole process.
#[derive(Serialize)]
pub(crate) struct Picture<Process> {
    #[serde(flatten)]
    pub(crate) process: Process,
    /// Journals in folders that are open, by path.
    pub(crate) journals: Vec<JournalPicture>,
}

/// One journal in a folder.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JournalPicture {
    path: String,
    streams: f64,
    bytes: f64,
    file_bytes: f64,
    format: f64,
    events: f64,
    commands: f64,
    commits: f64,
    commit_latency: QuantilesSnapshot,
    syncs: f64,
    written_bytes: f64,
    queued: f64,
    queued_bytes: f64,
    replays: f64,
    replayed_events: f64,
    refused: f64,
    reopened: f64,
}

impl JournalPicture {
    /// Those of all folders that are open.
    pub(crate) fn all() -> Vec<Self> {
        velo_journal::survey().iter().map(|(path, counted)| Self::new(path, counted)).collect()
    }

    pub(crate) fn new(path: &Path, counted: &Metrics) -> Self {
        let latency = counted.commit_latency;
        let quantile = |us| if latency.samples == 0 { f64::NAN } else { number(us) };
        Self {
            path: path.to_string_lossy().into_owned(),
            streams: number(counted.streams),
            bytes: number(counted.bytes),
            file_bytes: number(counted.file_bytes),
            format: number(counted.format),
            events: number(counted.events),
            commands: number(counted.commands),
            commits: number(counted.commits),
            commit_latency: QuantilesSnapshot {
                p50: quantile(latency.p50),
                p95: quantile(latency.p95),
                p99: quantile(latency.p99),
                samples: number(latency.samples),
            },
            syncs: number(counted.syncs),
            written_bytes: number(counted.written_bytes),
            queued: number(counted.queued),
            queued_bytes: number(counted.queued_bytes),
            replays: number(counted.replays),
            replayed_events: number(counted.replayed_events),
            refused: number(counted.refused),
            reopened: number(counted.reopened),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}
