//! What the stages of pipelines have taken and given.
//!
//! Owns: the sums by the name of a stage and by where it runs, with a bound on how many are kept for functions that are gone. Who
//! counts is JavaScript: between stages on one thread nothing comes by here.

use crate::desk::Desk;
use crate::snapshot::number;
use serde::Serialize;
use std::collections::BTreeMap;

/// Stages of one name of functions that are gone which are kept apart; the others share one place, under the empty name.
const NAMES: usize = 128;

/// A stage of a pipeline, as the metrics name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stage {
    /// Its name; stages of one name are counted as one.
    pub name: String,
    /// It runs on another thread.
    pub remote: bool,
}

/// Events taken and given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    taken: u64,
    given: u64,
}

/// Of all stages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staged(BTreeMap<Stage, Passed>);

/// One stage for a monitoring system.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageMeasures {
    /// The name; empty for those of many that are gone.
    pub name: String,
    /// Where it runs.
    pub placement: &'static str,
    /// Events it has taken.
    pub events_in: f64,
    /// Events it has given.
    pub events_out: f64,
}

impl Desk {
    /// Counts what one stage of a function has taken and given since it was counted last.
    pub fn staged(&mut self, function: u32, stage: usize, taken: u64, given: u64) {
        let Some(known) = self.functions.get_mut(function) else { return };
        let Some(passed) = known.passed.get_mut(stage) else { return };
        passed.add(Passed { taken, given });
    }
}

impl Passed {
    const fn add(&mut self, more: Self) {
        self.taken = self.taken.saturating_add(more.taken);
        self.given = self.given.saturating_add(more.given);
    }
}

impl Staged {
    /// What the stages of a function have counted.
    pub(crate) fn of(stages: &[Stage], passed: &[Passed]) -> Self {
        let mut staged = Self::default();
        for (stage, passed) in stages.iter().zip(passed) {
            staged.entry(stage).add(*passed);
        }
        staged
    }

    /// The same, with a bound.
    pub(crate) fn add_bounded(&mut self, stages: &[Stage], passed: &[Passed]) {
        for (stage, passed) in stages.iter().zip(passed) {
            let is_kept = self.0.len() < NAMES || self.0.contains_key(stage);
            let rest = Stage { name: String::new(), remote: stage.remote };
            self.entry(if is_kept { stage } else { &rest }).add(*passed);
        }
    }

    /// Adds them under the empty name.
    pub(crate) fn add_rest(&mut self, other: &Self) {
        for (stage, passed) in &other.0 {
            self.entry(&Stage { name: String::new(), remote: stage.remote }).add(*passed);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (stage, passed) in &other.0 {
            self.entry(stage).add(*passed);
        }
    }

    pub(crate) fn measures(&self) -> Vec<StageMeasures> {
        let one = |(stage, passed): (&Stage, &Passed)| StageMeasures {
            name: stage.name.clone(),
            placement: if stage.remote { "worker" } else { "local" },
            events_in: number(passed.taken),
            events_out: number(passed.given),
        };
        self.0.iter().map(one).collect()
    }

    fn entry(&mut self, stage: &Stage) -> &mut Passed {
        self.0.entry(stage.clone()).or_default()
    }
}
